"""What the emulator remembers of one business: exact integer minor units, no rounding twice.

A row holds what was sent and what follows from it; amounts that depend on other rows
(paid, refunded) are kept up to date as those rows change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any

import attrs

__all__ = ["Books", "Customer", "Invoice", "Line", "Payment", "Refund", "RefundPayment", "Totals"]

UNPAID_BY = frozenset({"failed", "cancelled"})  # payments that pay nothing


@attrs.define(kw_only=True, eq=False)
class Customer:
    """A customer; ``fields`` are those of the request, by their names on the wire."""

    id: str
    external_id: str | None
    fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime
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

    @property
    def total(self) -> int:
        """Net amount and tax."""
        return self.subtotal + self.tax


@attrs.define(kw_only=True, eq=False)
class Invoice:
    """An invoice. All amounts in minor units."""

    id: str
    external_id: str | None
    number: str
    fields: dict[str, Any]
    customer: Customer | None
    sent_at: datetime
    due_at: datetime | None
    lines: list[Line]
    subtotal: int
    tax: int
    total: int
    created_at: datetime
    updated_at: datetime
    voided_at: datetime | None = None
    paid: int = 0
    refunded: int = 0
    payments: dict[str, Payment] = attrs.field(factory=dict)
    refunds: dict[str, Refund] = attrs.field(factory=dict)

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


@attrs.define(kw_only=True, eq=False)
class Payment:
    """A payment of a customer; ``allocations`` are minor units by invoice id."""

    id: str
    external_id: str | None
    idempotency_key: str | None
    fields: dict[str, Any]
    customer: Customer | None
    amount: int
    status: str
    created_at: datetime
    updated_at: datetime
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


@attrs.define(kw_only=True, eq=False)
class Refund:
    """What is owed back on one invoice, in minor units."""

    id: str
    allocation_id: str
    external_id: str | None
    fields: dict[str, Any]
    invoice: Invoice
    amount: int
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    paid: int = 0
    payments: dict[str, RefundPayment] = attrs.field(factory=dict)

    @property
    def status(self) -> str:
        """pending, processing (partly paid) or paid."""
        if self.paid == self.amount:
            return "paid"
        return "processing" if self.paid else "pending"


@attrs.define(kw_only=True, eq=False)
class RefundPayment:
    """Money paid back on one refund, in minor units."""

    id: str
    external_id: str | None
    fields: dict[str, Any]
    refund: Refund
    amount: int
    fee: int
    completed_at: datetime
    created_at: datetime
    updated_at: datetime


@attrs.frozen
class Totals:
    """Sums over the books, in minor units, without what was voided or cancelled."""

    invoiced: int
    paid: int
    outstanding: int
    refunded: int
    refund_paid: int


class Books:
    """The state of one business, as assertions see it; only the emulator changes it."""

    def __init__(self, business: dict[str, Any], tax_codes: list[dict[str, Any]]) -> None:
        self.business = business
        self.tax_codes = tax_codes
        self._customers: dict[str, Customer] = {}
        self._invoices: dict[str, Invoice] = {}
        self._payments: dict[str, Payment] = {}
        self._refunds: dict[str, Refund] = {}
        self._refund_payments: dict[str, RefundPayment] = {}
        self._by_external_id: dict[tuple[type, str], Any] = {}
        # Body and answer of the first call by operation and Idempotency-Key.
        self.stored_answers: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {}

    @property
    def id(self) -> str:
        """The business's id."""
        return str(self.business["id"])

    @property
    def currency(self) -> str:
        """The base currency, an ISO 4217 code."""
        return str(self.business["base_currency"])

    @property
    def customers(self) -> Mapping[str, Customer]:
        """Customers by id, in the order of their creation."""
        return MappingProxyType(self._customers)

    @property
    def invoices(self) -> Mapping[str, Invoice]:
        """Invoices by id, in the order of their creation."""
        return MappingProxyType(self._invoices)

    @property
    def payments(self) -> Mapping[str, Payment]:
        """Payments by id, in the order of their creation."""
        return MappingProxyType(self._payments)

    @property
    def refunds(self) -> Mapping[str, Refund]:
        """Refunds by id, in the order of their creation."""
        return MappingProxyType(self._refunds)

    @property
    def refund_payments(self) -> Mapping[str, RefundPayment]:
        """Refund payments by id, in the order of their creation."""
        return MappingProxyType(self._refund_payments)

    def by_external_id(self, kind: type[Any], external_id: str | None) -> Any:
        """The row of this kind with this external_id, or None."""
        return self._by_external_id.get((kind, external_id)) if external_id else None

    def totals(self) -> Totals:
        """The sums of all rows."""
        live = [invoice for invoice in self._invoices.values() if not invoice.voided_at]
        return Totals(
            invoiced=sum(invoice.total for invoice in live),
            paid=sum(p.amount for p in self._payments.values() if p.is_live),
            outstanding=sum(invoice.outstanding for invoice in live),
            refunded=sum(refund.amount for refund in self._refunds.values()),
            refund_paid=sum(payment.amount for payment in self._refund_payments.values()),
        )

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that matters of all rows, without ids and instants, to compare two states."""
        return {
            "customers": sorted(
                (c.external_id or "", c.name, c.archived_at is not None)
                for c in self._customers.values()
            ),
            "invoices": sorted(
                (i.external_id or i.number, i.status, i.total, i.paid, i.refunded)
                for i in self._invoices.values()
            ),
            "payments": sorted(
                (p.external_id or p.id, p.status, p.amount, p.method, p.payment_date, p.allocated)
                for p in self._payments.values()
            ),
            "refunds": sorted(
                (r.external_id or r.id, r.status, r.amount, r.paid) for r in self._refunds.values()
            ),
            "refund_payments": sorted(
                (p.external_id or p.id, p.amount) for p in self._refund_payments.values()
            ),
        }

    # --- for the emulator alone ----------------------------------------------------------

    def add(self, row: Customer | Invoice | Payment | Refund | RefundPayment) -> None:
        """Keep a new row."""
        self._table(row)[row.id] = row
        if row.external_id:
            self._by_external_id[type(row), row.external_id] = row

    def remove(self, row: Refund | RefundPayment) -> None:
        """Forget a row; its external_id is free again."""
        del self._table(row)[row.id]
        if row.external_id:
            del self._by_external_id[type(row), row.external_id]

    def rename(self, row: Customer | Invoice | Payment, external_id: str | None) -> None:
        """Give a row another external_id."""
        if row.external_id:
            del self._by_external_id[type(row), row.external_id]
        row.external_id = external_id
        if external_id:
            self._by_external_id[type(row), external_id] = row

    def _table(self, row: Any) -> dict[str, Any]:
        tables: dict[type, dict[str, Any]] = {
            Customer: self._customers,
            Invoice: self._invoices,
            Payment: self._payments,
            Refund: self._refunds,
            RefundPayment: self._refund_payments,
        }
        return tables[type(row)]
