"""The books of one business, as tests look into them and handlers keep them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from .banking import BankAccount, BankTransaction, Reconciliation
from .documents import Document
from .ledger import Ledger
from .payables import Bill, BillPayment, Vendor
from .payouts import Payout
from .receivables import Customer, CustomerCredit, Invoice, Payment, Refund, RefundPayment, WriteOff
from .row import Row
from .vendor_credits import VendorCredit, VendorRefund, VendorRefundPayment

__all__ = ["Books", "Totals"]

R = TypeVar("R", bound=Row)


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

    def __init__(
        self,
        business: dict[str, Any],
        tax_codes: list[dict[str, Any]],
        new_id: Callable[[], str],
    ) -> None:
        self.business = business
        self.tax_codes = tax_codes
        self.documents: dict[str, Document] = {}  # by id, whether anything uses them or not
        self.reconciliations: dict[str, Reconciliation] = {}  # by the id of the payment
        self.ledger = Ledger(business["country"], new_id)
        self._rows: dict[type[Row], dict[str, Any]] = defaultdict(dict)
        self._by_external_id: dict[tuple[type[Row], str, str], Any] = {}
        # Body and answer of the first call by operation and Idempotency-Key.
        self.stored_answers: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {}
        self.menu: dict[str, Any] | None = None  # the menu configuration, where it was set

    @property
    def id(self) -> str:
        """The business's id."""
        return str(self.business["id"])

    @property
    def currency(self) -> str:
        """The base currency, an ISO 4217 code."""
        return str(self.business["base_currency"])

    @property
    def fiscal_year_end(self) -> str | None:
        """The last day of a fiscal year (YYYY-MM-DD), where the business has set it."""
        return self.business.get("fiscal_year_end")

    def rows(self, kind: type[R]) -> Mapping[str, R]:
        """The rows of a kind by id, in the order of their creation."""
        return MappingProxyType(self._rows[kind])

    @property
    def customers(self) -> Mapping[str, Customer]:
        """Customers by id, in the order of their creation."""
        return self.rows(Customer)

    @property
    def invoices(self) -> Mapping[str, Invoice]:
        """Invoices by id, in the order of their creation."""
        return self.rows(Invoice)

    @property
    def payments(self) -> Mapping[str, Payment]:
        """Payments by id, in the order of their creation."""
        return self.rows(Payment)

    @property
    def refunds(self) -> Mapping[str, Refund]:
        """Refunds by id, in the order of their creation."""
        return self.rows(Refund)

    @property
    def refund_payments(self) -> Mapping[str, RefundPayment]:
        """Refund payments by id, in the order of their creation."""
        return self.rows(RefundPayment)

    @property
    def customer_credits(self) -> Mapping[str, CustomerCredit]:
        """Customer credits by id, in the order of their creation."""
        return self.rows(CustomerCredit)

    @property
    def payouts(self) -> Mapping[str, Payout]:
        """Payouts by id, in the order of their creation."""
        return self.rows(Payout)

    @property
    def bank_accounts(self) -> Mapping[str, BankAccount]:
        """Bank accounts by id, in the order of their creation."""
        return self.rows(BankAccount)

    @property
    def bank_transactions(self) -> Mapping[str, BankTransaction]:
        """Bank transactions by id, in the order of their creation."""
        return self.rows(BankTransaction)

    @property
    def vendors(self) -> Mapping[str, Vendor]:
        """Vendors by id, in the order of their creation."""
        return self.rows(Vendor)

    @property
    def bills(self) -> Mapping[str, Bill]:
        """Bills by id, in the order of their creation."""
        return self.rows(Bill)

    @property
    def bill_payments(self) -> Mapping[str, BillPayment]:
        """Bill payments by id, in the order of their creation."""
        return self.rows(BillPayment)

    @property
    def vendor_credits(self) -> Mapping[str, VendorCredit]:
        """Vendor credits by id, in the order of their creation."""
        return self.rows(VendorCredit)

    @property
    def vendor_refunds(self) -> Mapping[str, VendorRefund]:
        """Vendor refunds by id, in the order of their creation."""
        return self.rows(VendorRefund)

    @property
    def vendor_refund_payments(self) -> Mapping[str, VendorRefundPayment]:
        """Payments of vendor refunds by id, in the order of their creation."""
        return self.rows(VendorRefundPayment)

    def by_external_id(
        self, kind: type[R], external_id: str | None, *, within: str = ""
    ) -> R | None:
        """The row of this kind with this external_id, or None.

        ``within`` is the id of its parent, for rows whose external_ids are unique in that alone.
        """
        return self._by_external_id.get((kind, within, external_id)) if external_id else None

    def totals(self) -> Totals:
        """The sums of all rows."""
        live = [invoice for invoice in self.invoices.values() if not invoice.voided_at]
        return Totals(
            invoiced=sum(invoice.total for invoice in live),
            paid=sum(p.amount for p in self.payments.values() if p.is_live),
            outstanding=sum(invoice.outstanding for invoice in live),
            refunded=sum(refund.amount for refund in self.refunds.values()),
            refund_paid=sum(payment.amount for payment in self.refund_payments.values()),
        )

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that matters of all rows, without ids and instants, to compare two states."""
        return {
            "customers": sorted(
                (c.external_id or "", c.name, c.archived_at is not None)
                for c in self.customers.values()
            ),
            "invoices": sorted(
                (i.external_id or i.number, i.status, i.total, i.paid, i.refunded)
                for i in self.invoices.values()
            ),
            "payments": sorted(
                (p.external_id or p.id, p.status, p.amount, p.method, p.payment_date, p.allocated)
                for p in self.payments.values()
            ),
            "refunds": sorted(
                (r.external_id or r.id, r.status, r.amount, r.paid) for r in self.refunds.values()
            ),
            "refund_payments": sorted(
                (p.external_id or p.id, p.amount) for p in self.refund_payments.values()
            ),
            "customer_credits": sorted(
                (c.external_id or "", c.status, c.total, c.applied)
                for c in self.customer_credits.values()
            ),
            "write_offs": sorted(
                (w.external_id or "", w.invoice.number, w.amount)
                for w in self.rows(WriteOff).values()
            ),
            "payouts": sorted(
                (p.external_id or "", p.status, p.paid_out, p.fee, p.gross, p.refunds)
                for p in self.payouts.values()
            ),
            "bank_transactions": sorted(
                (t.day, t.amount, t.description, t.status, t.reconciled)
                for t in self.bank_transactions.values()
            ),
            "vendors": sorted(
                (v.external_id or "", v.name, v.archived_at is not None)
                for v in self.vendors.values()
            ),
            "bills": sorted(
                (b.external_id or b.number, b.status, b.total, b.paid, b.credited, b.refunded)
                for b in self.bills.values()
            ),
            "bill_payments": sorted(
                (p.external_id or p.id, p.status, p.amount, p.method, p.payment_date, p.allocated)
                for p in self.bill_payments.values()
            ),
            "vendor_credits": sorted(
                (c.external_id or c.id, c.status, c.total, c.applied)
                for c in self.vendor_credits.values()
            ),
            "vendor_refunds": sorted(
                (r.external_id or r.id, r.status, r.amount, r.allocated, r.refund_date)
                for r in self.vendor_refunds.values()
            ),
            "vendor_refund_payments": sorted(
                (p.external_id or p.id, p.status, p.amount, p.fee, p.payment_date)
                for p in self.vendor_refund_payments.values()
            ),
            "accounts": sorted(
                (account.code, account.debits - account.credits)
                for account in self.ledger.accounts.values()
            ),
        }

    # --- for the emulator alone ----------------------------------------------------------

    def add(self, row: Row) -> None:
        """Keep a new row. Call `record` once it is complete."""
        self._rows[type(row)][row.id] = row
        if row.external_id:
            self._by_external_id[type(row), row.within, row.external_id] = row

    def record(self, row: Row) -> None:
        """Bring the ledger in line with a row, after any change to it."""
        self.ledger.record(row)

    def remove(self, row: Row, now: datetime) -> None:
        """Forget a row and reverse its entries; its external_id is free again."""
        self.ledger.clear(row, now)
        del self._rows[type(row)][row.id]
        if row.external_id:
            del self._by_external_id[type(row), row.within, row.external_id]

    def rename(self, row: Row, external_id: str | None) -> None:
        """Give a row another external_id."""
        if row.external_id:
            del self._by_external_id[type(row), row.within, row.external_id]
        row.external_id = external_id
        if external_id:
            self._by_external_id[type(row), row.within, external_id] = row
