"""What customers owe and pay: invoices, payments, credits, write-offs, refunds, their payments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import ClassVar

import attrs

from .chart import Role
from .ledger import Account, Leg, Posting
from .row import Row
from .trade import AnyPayment, Credit, Owed, Party

__all__ = [
    "Customer",
    "CustomerCredit",
    "Invoice",
    "Payment",
    "Refund",
    "RefundPayment",
    "WriteOff",
]


@attrs.define(kw_only=True, eq=False)
class Customer(Party):
    """A customer."""

    kind: ClassVar[str] = "customer"


@attrs.define(kw_only=True, eq=False)
class Invoice(Owed):
    """An invoice."""

    kind: ClassVar[str] = "invoice"

    customer: Customer | None
    sent_at: datetime
    payments: dict[str, Payment] = attrs.field(factory=dict)
    write_offs: dict[str, WriteOff] = attrs.field(factory=dict)
    refunds: dict[str, Refund] = attrs.field(factory=dict)

    @property
    def party(self) -> Customer | None:
        """Who owes it, where it names somebody."""
        return self.customer

    @property
    def paid(self) -> int:
        """What its payments pay of it."""
        return sum(payment.allocations[self.id] for payment in self.payments.values())

    @property
    def written_off(self) -> int:
        """What of it nobody expects to be paid any more."""
        return sum(one.amount for one in self.write_offs.values())

    @property
    def settled(self) -> int:
        """What of it has been paid, credited or written off."""
        return self.paid + self.credited + self.written_off

    @property
    def refunded(self) -> int:
        """What is owed back on it, or was paid back."""
        return sum(refund.amount for refund in self.refunds.values())

    @property
    def status(self) -> str:
        """sent, partially_paid, paid, refunded, partially_written_off, written_off or voided.

        A credit counts as a payment does.
        """
        if self.voided_at:
            return "voided"
        if self.refunded and self.refunded == self.paid and not self.outstanding:
            return "refunded"
        if self.write_offs:
            return "partially_written_off" if self.outstanding else "written_off"
        if not self.outstanding:
            return "paid"
        return "partially_paid" if self.settled else "sent"

    @property
    def paid_at(self) -> datetime | None:
        """When the last of it was paid or credited, once nothing is outstanding any more.

        Payments count from midnight UTC of their day; what was written off was never paid.
        """
        if self.voided_at or self.outstanding or self.write_offs:
            return None
        return self._last_settled(self.payments.values(), self.sent_at)

    def postings(self) -> Mapping[str, Posting]:
        """The sale: owed by the customer, earned, and the tax on it."""
        if self.voided_at:
            return {}
        tips = self.total - self.subtotal - self.tax
        legs = [
            Leg(Role.RECEIVABLE, self.total, self.id),
            Leg(Role.OUTPUT_TAX, -self.tax),
            Leg(Role.OTHER_INCOME, -tips),
        ]
        rest = self.subtotal
        for line in self.lines:
            if line.account is not None:
                legs.append(Leg(line.account, -line.subtotal))
                rest -= line.subtotal
        legs.append(Leg(Role.SALES, -rest))
        return {"sale": Posting.of(self.sent_at.date(), self.label, legs)}

    def tax_within(self, amount: int) -> int:
        """The tax in a part of the total, halves away from zero."""
        return (2 * amount * self.tax + self.total) // (2 * self.total)


@attrs.define(kw_only=True, eq=False)
class Payment(AnyPayment):
    """A payment of a customer; ``allocations`` are minor units by invoice id.

    ``payout_id`` is the payout of a processor that it came with.
    """

    kind: ClassVar[str] = "payment"

    idempotency_key: str | None
    customer: Customer | None
    allocations: dict[str, int] = attrs.field(factory=dict)
    allocation_ids: dict[str, str] = attrs.field(factory=dict)
    payout_id: str | None = None

    @property
    def method(self) -> str:
        """How it was paid: bank_transfer, credit_card …"""
        return str(self.fields["payment_method"])

    @property
    def payment_date(self) -> date:
        """The day on which it was paid."""
        return date.fromisoformat(self.fields["payment_date"])

    @property
    def paid_at(self) -> datetime:
        """Midnight UTC of that day."""
        return datetime.combine(self.payment_date, time(), UTC)

    @property
    def allocated(self) -> int:
        """What of it is allocated to invoices."""
        return sum(self.allocations.values())

    @property
    def cash(self) -> Role:
        """Where the money goes: to the processor that took it, else to the bank."""
        return _cash(self.payout_id or self.fields.get("payment_processor"))

    def postings(self) -> Mapping[str, Posting]:
        """Money in: off what the customer owes, the rest kept for later invoices."""
        if not self.is_live:
            return {}
        legs = [
            Leg(self.cash, self.amount - self.fee),
            Leg(Role.PROCESSING_FEES, self.fee),
            Leg(Role.CUSTOMER_PREPAYMENTS, self.allocated - self.amount),
            *(Leg(Role.RECEIVABLE, -amount, name) for name, amount in self.allocations.items()),
        ]
        return {"payment": Posting.of(self.payment_date, self.label, legs)}


@attrs.define(kw_only=True, eq=False)
class CustomerCredit(Credit):
    """A credit note to a customer.

    It is a draft, and counts for nothing, until it has a ``sent_at``.
    """

    kind: ClassVar[str] = "customer_credit"
    settles: ClassVar[type[Owed]] = Invoice

    customer: Customer
    sent_at: datetime | None

    @property
    def party(self) -> Customer:
        """Who gets it."""
        return self.customer

    @property
    def status(self) -> str:
        """draft, sent, partially_applied or applied."""
        return "draft" if self.sent_at is None else self._progress("sent")

    def postings(self) -> Mapping[str, Posting]:
        """Revenue and tax taken back; each allocation takes its part off what is owed."""
        if self.sent_at is None:
            return {}
        legs = [Leg(Role.CUSTOMER_CREDITS, -self.total)]
        for line in self.lines:
            legs.append(Leg(line.account or Role.SALES_RETURNS, line.net))
            legs.append(Leg(Role.OUTPUT_TAX, line.tax))
        note = Posting.of(self.sent_at.date(), self.label, legs)
        return {"credit": note, **self._applications()}

    def _application(self, owed_id: str, amount: int) -> list[Leg]:
        return [Leg(Role.CUSTOMER_CREDITS, amount), Leg(Role.RECEIVABLE, -amount, owed_id)]


@attrs.define(kw_only=True, eq=False)
class WriteOff(Row):
    """A part of an invoice that nobody expects to be paid; ``account`` bears it."""

    kind: ClassVar[str] = "write_off"

    invoice: Invoice
    amount: int
    written_off_at: datetime
    account: Account | None = None  # bad debts where the request names none

    def postings(self) -> Mapping[str, Posting]:
        """A cost, off what is owed."""
        legs = [
            Leg(self.account or Role.BAD_DEBTS, self.amount),
            Leg(Role.RECEIVABLE, -self.amount, self.invoice.id),
        ]
        text = f"Write-off of {self.invoice.label}"
        return {"write_off": Posting.of(self.written_off_at.date(), text, legs)}


@attrs.define(kw_only=True, eq=False)
class Refund(Row):
    """What is owed back on one invoice; ``tax`` is the part of it that was tax."""

    kind: ClassVar[str] = "refund"

    allocation_id: str
    invoice: Invoice
    amount: int
    tax: int
    completed_at: datetime | None
    payments: dict[str, RefundPayment] = attrs.field(factory=dict)

    @property
    def paid(self) -> int:
        """What has been paid back."""
        return sum(payment.amount for payment in self.payments.values())

    @property
    def status(self) -> str:
        """pending, processing (partly paid) or paid."""
        if self.paid == self.amount:
            return "paid"
        return "processing" if self.paid else "pending"

    def postings(self) -> Mapping[str, Posting]:
        """Revenue and tax taken back, owed to the customer."""
        day = (self.completed_at or self.created_at).date()
        legs = [
            Leg(Role.SALES_RETURNS, self.amount - self.tax),
            Leg(Role.OUTPUT_TAX, self.tax),
            Leg(Role.REFUNDS_PAYABLE, -self.amount),
        ]
        return {"refund": Posting.of(day, f"Refund of {self.invoice.label}", legs)}


@attrs.define(kw_only=True, eq=False)
class RefundPayment(Row):
    """Money paid back on one refund; ``payout_id`` is the payout that it was held back from."""

    kind: ClassVar[str] = "refund_payment"

    refund: Refund
    amount: int
    fee: int
    completed_at: datetime
    payout_id: str | None = None

    @property
    def within(self) -> str:
        """Its refund: each may have a payment of the same external_id."""
        return self.refund.id

    @property
    def cash(self) -> Role:
        """Where the money comes from: the processor that paid it, else the bank."""
        return _cash(self.payout_id or self.fields.get("processor"))

    def postings(self) -> Mapping[str, Posting]:
        """Money out, off what is owed back."""
        legs = [
            Leg(Role.REFUNDS_PAYABLE, self.amount),
            Leg(Role.PROCESSING_FEES, self.fee),
            Leg(self.cash, -self.amount - self.fee),
        ]
        text = f"Payment of the refund of {self.refund.invoice.label}"
        return {"payment": Posting.of(self.completed_at.date(), text, legs)}


def _cash(processor: str | None) -> Role:
    return Role.CLEARING if processor else Role.BANK
