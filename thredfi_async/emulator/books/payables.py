"""What is owed and paid to vendors: vendors, bills and bill payments.

A bill keeps the rows that settle it or take it back (``payments``, ``credits``, ``refunds``) by
their ids. Whoever changes one of them, or what one allocates to the bill, records the bill too:
what the ledger holds of a voided bill depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, Protocol

import attrs

from .chart import Role
from .ledger import Account, Leg, Posting
from .receivables import UNPAID_BY, Line
from .row import Row

__all__ = ["Bill", "BillAllocation", "BillCredit", "BillPayment", "BillRefund", "Vendor"]


@attrs.define(kw_only=True, eq=False)
class Vendor(Row):
    """A vendor."""

    kind: ClassVar[str] = "vendor"

    archived_at: datetime | None = None

    @property
    def name(self) -> str:
        """What to call them: company, else person, else external_id."""
        for key in ("company_name", "individual_name"):
            if self.fields.get(key):
                return str(self.fields[key])
        return self.external_id or self.id


class BillCredit(Protocol):
    """What a bill asks of a vendor credit that is applied to it."""

    @property
    def id(self) -> str:
        """The credit's id."""

    @property
    def external_id(self) -> str | None:
        """What the caller knows it by."""

    @property
    def vendor(self) -> Vendor:
        """Who gave it."""

    @property
    def allocations(self) -> Mapping[str, int]:
        """What of it is applied to which bill, by bill id."""

    @property
    def applied_at(self) -> Mapping[str, datetime]:
        """When, by bill id."""


class BillRefundShare(Protocol):
    """A part of a vendor refund, for a bill or for something else."""

    @property
    def bill(self) -> Bill | None:
        """The bill that it takes back some of."""

    @property
    def costs(self) -> Mapping[Role | Account, int]:
        """What it takes back of the bill's parts, in minor units."""


class BillRefund(Protocol):
    """What a bill or a bill payment asks of a vendor refund that takes some of it back."""

    @property
    def id(self) -> str:
        """The refund's id."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Those of its request."""

    @property
    def vendor(self) -> Vendor:
        """Who owes it."""

    @property
    def created_at(self) -> datetime:
        """When it was recorded."""

    @property
    def allocations(self) -> Sequence[BillRefundShare]:
        """What it is for."""

    @property
    def bill_allocations(self) -> Mapping[str, int]:
        """What it takes back of which bill, by bill id."""

    @property
    def payment_allocations(self) -> Mapping[str, int]:
        """What it takes back of which bill payment, by payment id."""


@attrs.define(kw_only=True, eq=False)
class Bill(Row):
    """A bill of a vendor.

    A refund of it takes back what was paid: it is tracked, but what is outstanding stays.
    """

    kind: ClassVar[str] = "bill"

    number: str
    vendor: Vendor | None
    issue_date: date
    received_at: datetime
    due_at: datetime | None
    approved_at: datetime | None
    lines: list[Line]
    subtotal: int
    tax: int
    total: int
    voided_at: datetime | None = None
    payments: dict[str, BillPayment] = attrs.field(factory=dict)
    credits: dict[str, BillCredit] = attrs.field(factory=dict)
    refunds: dict[str, BillRefund] = attrs.field(factory=dict)

    @property
    def label(self) -> str:
        """What to call it in an entry."""
        return f"Bill {self.number}"

    @property
    def paid(self) -> int:
        """What its payments pay of it."""
        return sum(payment.allocations[self.id].amount for payment in self.payments.values())

    @property
    def settlers(self) -> set[Vendor]:
        """The vendors of all that settles it or takes it back."""
        paid = {payment.vendor for payment in self.payments.values()}
        credited = {credit.vendor for credit in self.credits.values()}
        return paid | credited | {refund.vendor for refund in self.refunds.values()}

    @property
    def credited(self) -> int:
        """What credits of the vendor settle of it."""
        return sum(credit.allocations[self.id] for credit in self.credits.values())

    @property
    def refunded(self) -> int:
        """What the vendor owes back on it, or paid back."""
        return sum(refund.bill_allocations[self.id] for refund in self.refunds.values())

    @property
    def outstanding(self) -> int:
        """What is still to be paid; nothing of a voided bill."""
        return 0 if self.voided_at else self.total - self.paid - self.credited

    @property
    def status(self) -> str:
        """received, partially_paid, paid or voided."""
        if self.voided_at:
            return "voided"
        if not self.outstanding:
            return "paid"
        return "partially_paid" if self.paid or self.credited else "received"

    @property
    def paid_at(self) -> datetime | None:
        """When the last of it was paid or credited, once nothing is outstanding any more."""
        if self.voided_at or self.outstanding:
            return None
        paid = [payment.paid_at for payment in self.payments.values()]
        credited = [credit.applied_at[self.id] for credit in self.credits.values()]
        return max([*paid, *credited], default=self.received_at)

    def is_overdue(self, now: datetime) -> bool:
        """Whether something is owed after its due day (UTC)."""
        return bool(self.due_at and self.outstanding and self.due_at.date() < now.date())

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
class BillPayment(Row):
    """A payment to a vendor; ``allocations`` are by bill id.

    ``refunds`` are the vendor refunds that take back some of what no bill has used.
    """

    kind: ClassVar[str] = "bill_payment"

    vendor: Vendor
    amount: int
    payment_date: date
    status: str = "pending"
    submitted_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    allocations: dict[str, BillAllocation] = attrs.field(factory=dict)
    refunds: dict[str, BillRefund] = attrs.field(factory=dict)

    @property
    def method(self) -> str:
        """How it was paid: bank_transfer, ach, wire, check …"""
        return str(self.fields["payment_method"])

    @property
    def paid_at(self) -> datetime:
        """Midnight UTC of the day on which it was paid."""
        return datetime.combine(self.payment_date, time(), UTC)

    @property
    def fee(self) -> int:
        """What it cost to pay, on top of the amount."""
        return self.fields.get("processing_fee_cents") or 0

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

    @property
    def is_live(self) -> bool:
        """Whether it pays anything: it has neither failed nor been cancelled."""
        return self.status not in UNPAID_BY

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
