"""What is owed and paid to vendors: vendors, bills and bill payments.

A bill keeps the rows that settle it or take it back (``payments``, ``credits``, ``refunds``) by
their ids. Whoever changes one of them, or what one allocates to the bill, records the bill too:
what the ledger holds of a voided bill depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, ClassVar

import attrs

from .chart import Role
from .ledger import Account, Leg, Posting
from .trade import Owed, Party, Transfer

if TYPE_CHECKING:
    from .vendor_credits import VendorRefund

__all__ = ["Bill", "BillAllocation", "BillPayment", "Vendor"]


@attrs.define(kw_only=True, eq=False)
class Vendor(Party):
    """A vendor."""

    kind: ClassVar[str] = "vendor"


@attrs.define(kw_only=True, eq=False)
class Bill(Owed):
    """A bill of a vendor.

    A refund of it takes back what was paid: it is tracked, but what is outstanding stays.
    """

    kind: ClassVar[str] = "bill"

    vendor: Vendor | None
    issue_date: date
    received_at: datetime
    approved_at: datetime | None
    payments: dict[str, BillPayment] = attrs.field(factory=dict)
    refunds: dict[str, VendorRefund] = attrs.field(factory=dict)

    @property
    def party(self) -> Vendor | None:
        """Whom it is owed to, where it names somebody."""
        return self.vendor

    @property
    def paid(self) -> int:
        """What its payments pay of it."""
        return sum(payment.allocations[self.id].amount for payment in self.payments.values())

    @property
    def settlers(self) -> set[Party]:
        """The vendors of all that settles it or takes it back."""
        credited = {credit.party for credit in self.credits.values()}
        paid = {payment.vendor for payment in self.payments.values()}
        return credited | paid | {refund.vendor for refund in self.refunds.values()}

    @property
    def refunded(self) -> int:
        """What the vendor owes back on it, or paid back."""
        return sum(refund.bill_allocations[self.id] for refund in self.refunds.values())

    @property
    def status(self) -> str:
        """received, partially_paid, paid or voided."""
        if self.voided_at:
            return "voided"
        if not self.outstanding:
            return "paid"
        return "partially_paid" if self.settled else "received"

    @property
    def paid_at(self) -> datetime | None:
        """When the last of it was paid or credited, once nothing is outstanding any more."""
        if self.voided_at or self.outstanding:
            return None
        return self._last_settled(self.payments.values(), self.received_at)

    @property
    def parts(self) -> dict[Role | Account, int]:
        """What its total consists of: net amounts by account, and the tax."""
        parts: dict[Role | Account, int] = {}
        for line in self.lines:
            account = line.account or Role.PURCHASES
            parts[account] = parts.get(account, 0) + line.subtotal
        parts[Role.INPUT_TAX] = self.tax
        return parts

    def parts_within(self, amount: int) -> dict[Role | Account, int]:
        """The parts of an amount of its total, in proportion; they add up to the amount."""
        found: dict[Role | Account, int] = {}
        before = reached = 0
        for account, part in self.parts.items():
            reached += part
            upto = (2 * amount * reached + self.total) // (2 * self.total)
            found[account] = upto - before
            before = upto
        return found

    def postings(self) -> Mapping[str, Posting]:
        """The purchase: what was bought and the tax on it, owed to the vendor.

        Once it is voided, what stays allocated to it is a prepayment to the vendor, less what was
        refunded, and an unused credit; so no bill is open with an amount that nobody owes.
        """
        if self.voided_at:
            legs = [
                Leg(Role.VENDOR_PREPAYMENTS, self.paid - self.refunded),
                Leg(Role.VENDOR_CREDITS, self.credited),
                Leg(Role.PAYABLE, -self.paid - self.credited, self.id),
                *(Leg(account, amount) for account, amount in self._taken_back()),
            ]
            day = max(self.voided_at.date(), self.issue_date)
            return {"void": Posting.of(day, f"Void of {self.label}", legs)}
        legs = [Leg(account, amount) for account, amount in self.parts.items()]
        legs.append(Leg(Role.PAYABLE, -self.total, self.id))
        return {"purchase": Posting.of(self.issue_date, self.label, legs)}

    def _taken_back(self) -> Iterator[tuple[Role | Account, int]]:
        """What its refunds took off the accounts of its parts."""
        for refund in self.refunds.values():
            for share in refund.allocations:
                if share.bill is self:
                    yield from share.costs.items()


@attrs.frozen(kw_only=True)
class BillAllocation:
    """What a payment pays of one bill, in minor units."""

    id: str
    amount: int
    at: datetime
    description: str | None = None


@attrs.define(kw_only=True, eq=False)
class BillPayment(Transfer):
    """A payment to a vendor; ``allocations`` are by bill id.

    ``refunds`` are the vendor refunds that take back some of what no bill has used.
    """

    kind: ClassVar[str] = "bill_payment"

    vendor: Vendor
    allocations: dict[str, BillAllocation] = attrs.field(factory=dict)
    refunds: dict[str, VendorRefund] = attrs.field(factory=dict)

    @property
    def method(self) -> str:
        """How it was paid: bank_transfer, ach, wire, check …"""
        return str(self.fields["payment_method"])

    @property
    def paid_at(self) -> datetime:
        """Midnight UTC of the day on which it was paid."""
        return datetime.combine(self.payment_date, time(), UTC)

    @property
    def allocated(self) -> int:
        """What of it is allocated to bills."""
        return sum(one.amount for one in self.allocations.values())

    @property
    def refunded(self) -> int:
        """What of the rest the vendor owes back, or paid back."""
        return sum(refund.payment_allocations[self.id] for refund in self.refunds.values())

    @property
    def unallocated(self) -> int:
        """What of it can still be allocated to bills or refunded."""
        return self.amount - self.allocated - self.refunded

    def postings(self) -> Mapping[str, Posting]:
        """Money out: off what is owed to the vendor, the rest kept for later bills."""
        if not self.is_live:
            return {}
        legs = [
            *(Leg(Role.PAYABLE, one.amount, bill_id) for bill_id, one in self.allocations.items()),
            Leg(Role.VENDOR_PREPAYMENTS, self.amount - self.allocated),
            Leg(Role.PROCESSING_FEES, self.fee),
            Leg(Role.BANK, -self.amount - self.fee),
        ]
        return {"payment": Posting.of(self.payment_date, self.label, legs)}
