"""Bank accounts, what went over them, and the payments that it was matched to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

import attrs

from .ledger import Account, Leg, Posting
from .payables import BillPayment
from .receivables import Payment
from .row import Row

__all__ = ["BankAccount", "BankTransaction", "Reconciliation"]


@attrs.define(kw_only=True, eq=False)
class BankAccount(Row):
    """A connected bank account; ``opening`` is its balance before all of its transactions."""

    kind: ClassVar[str] = "bank_account"

    key: str
    name: str
    official_name: str | None
    mask: str | None
    provider: str
    link_id: str
    opening: int
    mapped: Account  # of the ledger
    is_active: bool = True
    link_status: str = "active"
    transactions: list[BankTransaction] = attrs.field(factory=list, repr=False)

    @property
    def balance(self) -> int:
        """What is on it now."""
        return self.opening + sum(one.amount for one in self.transactions)

    @property
    def synced_at(self) -> datetime | None:
        """When the first of its transactions came."""
        return self.transactions[0].created_at if self.transactions else None


@attrs.frozen(kw_only=True, eq=False)
class Reconciliation:
    """What of a bank transaction is a payment, made for the invoice or bill ``document_id``."""

    id: str
    transaction: BankTransaction
    payment: Payment | BillPayment
    document_id: str
    amount: int
    at: datetime
    notes: str | None


@attrs.define(kw_only=True, eq=False)
class BankTransaction(Row):
    """Money that came in (a positive ``amount``) or went out, or a part of such that was split.

    What no payment is matched to can be given a ``category``, an account of the ledger.
    """

    kind: ClassVar[str] = "bank_transaction"

    account: BankAccount
    day: date
    amount: int
    type: str
    description: str
    counterparty: str | None = None
    merchant: str | None = None
    reference: str | None = None
    category: Account | None = None
    is_approved: bool = False
    parent: BankTransaction | None = attrs.field(default=None, repr=False)
    children: list[BankTransaction] = attrs.field(factory=list, repr=False)
    reconciliations: list[Reconciliation] = attrs.field(factory=list, repr=False)

    @property
    def label(self) -> str:
        """What to call it in an entry."""
        return f"Bank transaction {self.description}"

    @property
    def direction(self) -> str:
        """credit for money that came in, debit for money that went out."""
        return "credit" if self.amount > 0 else "debit"

    @property
    def size(self) -> int:
        """The amount without its sign."""
        return abs(self.amount)

    @property
    def reconciled(self) -> int:
        """What of it is matched to payments."""
        return sum(one.amount for one in self.reconciliations)

    @property
    def remaining(self) -> int:
        """What of it is not."""
        return self.size - self.reconciled

    @property
    def reconciled_at(self) -> datetime | None:
        """When the last of it was matched, once nothing remains."""
        if self.remaining:
            return None
        return max(one.at for one in self.reconciliations)

    @property
    def status(self) -> str:
        """pending, categorized (also: split, or matched to payments) or approved."""
        if self.is_approved:
            return "approved"
        is_settled = self.category or self.children or not self.remaining
        return "categorized" if is_settled else "pending"

    def postings(self) -> Mapping[str, Posting]:
        """Its category; what is matched to payments is booked by them."""
        if self.category is None:
            return {}
        left = self.remaining if self.amount > 0 else -self.remaining
        legs = [Leg(self.account.mapped, left), Leg(self.category, -left)]
        return {"category": Posting.of(self.day, self.label, legs)}
