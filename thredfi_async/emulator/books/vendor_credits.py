"""What vendors give back: credits, refunds, and the payments that settle refunds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import attrs

from .chart import Role
from .ledger import Account, Leg, Posting
from .payables import Bill, BillPayment, Vendor
from .row import Row
from .trade import Credit, Owed, Transfer

__all__ = ["VendorCredit", "VendorRefund", "VendorRefundAllocation", "VendorRefundPayment"]


@attrs.define(kw_only=True, eq=False)
class VendorCredit(Credit):
    """A credit note of a vendor."""

    kind: ClassVar[str] = "vendor_credit"
    settles: ClassVar[type[Owed]] = Bill

    vendor: Vendor
    received_at: datetime

    @property
    def party(self) -> Vendor:
        """Who gives it."""
        return self.vendor

    @property
    def status(self) -> str:
        """received, partially_applied or applied."""
        return self._progress("received")

    def postings(self) -> Mapping[str, Posting]:
        """What was bought costs less; each allocation takes its part off what a bill owes."""
        legs = [Leg(Role.VENDOR_CREDITS, self.total)]
        for line in self.lines:
            legs.append(Leg(Role.INPUT_TAX, -line.tax))
            legs.append(Leg(line.account or Role.PURCHASES, -line.net))
        note = Posting.of(self.received_at.date(), self.label, legs)
        return {"credit": note, **self._applications()}

    def _application(self, owed_id: str, amount: int) -> list[Leg]:
        return [Leg(Role.PAYABLE, amount, owed_id), Leg(Role.VENDOR_CREDITS, -amount)]


@attrs.frozen(kw_only=True)
class VendorRefundAllocation:
    """What a part of a refund is for: a bill, an unallocated bill payment, or the open credit.

    ``costs`` says what a refund of a bill takes back, by accounts; they add up to ``amount``.
    """

    id: str
    type: str  # bill, payment or credit
    fields: Mapping[str, Any]
    amount: int
    bill: Bill | None = None
    bill_payment: BillPayment | None = None
    costs: Mapping[Role | Account, int] = attrs.field(factory=dict)

    def legs(self) -> list[Leg]:
        """The side of the refund's posting that says where it comes from."""
        if self.bill is not None:
            return [Leg(account, -amount) for account, amount in self.costs.items()]
        if self.bill_payment is not None:
            return [Leg(Role.VENDOR_PREPAYMENTS, -self.amount)]
        return [Leg(Role.VENDOR_CREDITS, -self.amount)]


@attrs.define(kw_only=True, eq=False)
class VendorRefund(Row):
    """Money that a vendor gives back, in part or as a whole for what the allocations name."""

    kind: ClassVar[str] = "vendor_refund"

    vendor: Vendor
    amount: int
    refund_date: date
    allocations: list[VendorRefundAllocation] = attrs.field(factory=list)
    payments: dict[str, VendorRefundPayment] = attrs.field(factory=dict)

    @property
    def allocated(self) -> int:
        """What of it says what it is for."""
        return sum(one.amount for one in self.allocations)

    @property
    def bill_allocations(self) -> dict[str, int]:
        """Minor units by bill id."""
        return _sums((one.bill.id, one.amount) for one in self.allocations if one.bill)

    @property
    def payment_allocations(self) -> dict[str, int]:
        """Minor units by the id of the bill payment."""
        return _sums(
            (one.bill_payment.id, one.amount) for one in self.allocations if one.bill_payment
        )

    @property
    def credit_allocated(self) -> int:
        """What of it comes out of the vendor's open credit."""
        return sum(one.amount for one in self.allocations if one.type == "credit")

    @property
    def is_cancelled(self) -> bool:
        """Whether it had payments, and all of them were cancelled."""
        statuses = {payment.status for payment in self.payments.values()}
        return statuses == {"cancelled"}

    @property
    def status(self) -> str:
        """pending, partially_allocated, allocated, completed (all has been paid) or cancelled."""
        if self.is_cancelled:
            return "cancelled"
        paid = [payment for payment in self.payments.values() if payment.status == "completed"]
        if sum(payment.amount for payment in paid) == self.amount:
            return "completed"
        if self.allocated == self.amount:
            return "allocated"
        return "partially_allocated" if self.allocated else "pending"

    def postings(self) -> Mapping[str, Posting]:
        """Owed by the vendor; what nothing is named for counts as a credit of theirs.

        Where one of its bills is voided, the bill's own posting makes up for ``costs``.
        """
        if self.is_cancelled:
            return {}
        legs = [
            Leg(Role.VENDOR_REFUNDS, self.amount),
            Leg(Role.VENDOR_CREDITS, self.allocated - self.amount),
        ]
        for one in self.allocations:
            legs += one.legs()
        return {"refund": Posting.of(self.refund_date, self.label, legs)}


@attrs.define(kw_only=True, eq=False)
class VendorRefundPayment(Transfer):
    """Money that comes in on a refund."""

    kind: ClassVar[str] = "vendor_refund_payment"

    refund: VendorRefund

    @property
    def net(self) -> int:
        """What arrives at the bank."""
        return self.amount - self.fee

    def postings(self) -> Mapping[str, Posting]:
        """Money in, off what the vendor owes back."""
        if not self.is_live:
            return {}
        legs = [
            Leg(Role.BANK, self.net),
            Leg(Role.PROCESSING_FEES, self.fee),
            Leg(Role.VENDOR_REFUNDS, -self.amount),
        ]
        text = f"Payment of {self.refund.label}"
        return {"payment": Posting.of(self.payment_date, text, legs)}


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, amount in pairs:
        found[name] = found.get(name, 0) + amount
    return found
