"""What customers owe and pay: customers, invoices, payments, refunds and their payments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

import attrs

from .chart import Role
from .ledger import Account, Leg, Posting
from .row import Row

__all__ = ["UNPAID_BY", "Customer", "Invoice", "Line", "Payment", "Refund", "RefundPayment"]

UNPAID_BY = frozenset({"failed", "cancelled"})  # payments that pay nothing


@attrs.define(kw_only=True, eq=False)
class Customer(Row):
    """A customer."""

    kind: ClassVar[str] = "customer"

    archived_at: datetime | None = None

    @property
    def name(self) -> str:
        """What to call them: company, else person, else external_id."""
        for key in ("company_name", "individual_name", "name"):
            if self.fields.get(key):
                return str(self.fields[key])
        return self.external_id or self.id


@attrs.frozen(kw_only=True)
class Line:
    """One line of an invoice. All amounts in minor units."""

    id: str
    fields: Mapping[str, Any]
    unit_price: int
    subtotal: int
    tax: int
    account: Account | None = None  # of its revenue, where the request names one

    @property
    def total(self) -> int:
        """Net amount and tax."""
        return self.subtotal + self.tax


@attrs.define(kw_only=True, eq=False)
class Invoice(Row):
    """An invoice."""

    kind: ClassVar[str] = "invoice"

    number: str
    customer: Customer | None
    sent_at: datetime
    due_at: datetime | None
    lines: list[Line]
    subtotal: int
    tax: int
    total: int
    voided_at: datetime | None = None
    payments: dict[str, Payment] = attrs.field(factory=dict)
    refunds: dict[str, Refund] = attrs.field(factory=dict)

    @property
    def label(self) -> str:
        """What to call it in an entry."""
        return f"Invoice {self.number}"

    @property
    def paid(self) -> int:
        """What its payments pay of it."""
        return sum(payment.allocations[self.id] for payment in self.payments.values())

    @property
    def refunded(self) -> int:
        """What is owed back on it, or was paid back."""
        return sum(refund.amount for refund in self.refunds.values())

    @property
    def outstanding(self) -> int:
        """What is still to be paid; nothing of a voided invoice."""
        return 0 if self.voided_at else self.total - self.paid

    @property
    def status(self) -> str:
        """sent, partially_paid, paid, refunded or voided."""
        if self.voided_at:
            return "voided"
        if self.refunded and self.refunded == self.paid == self.total:
            return "refunded"
        if self.paid == self.total:
            return "paid"
        return "partially_paid" if self.paid else "sent"

    @property
    def paid_at(self) -> datetime | None:
        """The day (midnight UTC) of the last payment, once nothing is outstanding any more."""
        if self.voided_at or self.outstanding:
            return None
        return max((payment.paid_at for payment in self.payments.values()), default=self.sent_at)

    def is_overdue(self, now: datetime) -> bool:
        """Whether something is owed after its due day (UTC)."""
        return bool(self.due_at and self.outstanding and self.due_at.date() < now.date())

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
class Payment(Row):
    """A payment of a customer; ``allocations`` are minor units by invoice id."""

    kind: ClassVar[str] = "payment"

    idempotency_key: str | None
    customer: Customer | None
    amount: int
    status: str
    allocations: dict[str, int] = attrs.field(factory=dict)
    allocation_ids: dict[str, str] = attrs.field(factory=dict)

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
    def fee(self) -> int:
        """What the processor kept of it."""
        return self.fields.get("processing_fee_cents") or 0

    @property
    def allocated(self) -> int:
        """What of it is allocated to invoices."""
        return sum(self.allocations.values())

    @property
    def is_live(self) -> bool:
        """Whether it pays anything: it has neither failed nor been cancelled."""
        return self.status not in UNPAID_BY

    def postings(self) -> Mapping[str, Posting]:
        """Money in: off what the customer owes, the rest kept for later invoices."""
        if not self.is_live:
            return {}
        legs = [
            Leg(cash_role(self.fields.get("payment_processor")), self.amount - self.fee),
            Leg(Role.PROCESSING_FEES, self.fee),
            Leg(Role.CUSTOMER_PREPAYMENTS, self.allocated - self.amount),
            *(Leg(Role.RECEIVABLE, -amount, name) for name, amount in self.allocations.items()),
        ]
        return {"payment": Posting.of(self.payment_date, self.label, legs)}


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
    """Money paid back on one refund."""

    kind: ClassVar[str] = "refund_payment"

    refund: Refund
    amount: int
    fee: int
    completed_at: datetime

    def postings(self) -> Mapping[str, Posting]:
        """Money out, off what is owed back."""
        legs = [
            Leg(Role.REFUNDS_PAYABLE, self.amount),
            Leg(Role.PROCESSING_FEES, self.fee),
            Leg(cash_role(self.fields.get("processor")), -self.amount - self.fee),
        ]
        text = f"Payment of the refund of {self.refund.invoice.label}"
        return {"payment": Posting.of(self.completed_at.date(), text, legs)}


def cash_role(processor: str | None) -> Role:
    """Where money goes to or comes from: a payment processor that holds it, else the bank."""
    return Role.CLEARING if processor else Role.BANK
