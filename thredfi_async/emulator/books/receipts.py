"""Receipts: proof of money that was spent."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from .banking import BankTransaction
from .row import Row

__all__ = ["Receipt", "ReceiptLink"]


@attrs.frozen(kw_only=True, eq=False)
class ReceiptLink:
    """A bank transaction that a receipt belongs to, and what of it the receipt proves."""

    id: str
    transaction: BankTransaction
    amount: int
    at: datetime


@attrs.define(kw_only=True, eq=False)
class Receipt(Row):
    """A receipt. It books nothing: what it proves is booked by the bank transaction.

    ``links`` are by the id of the bank transaction; ``amount`` is None where nobody gave it.
    """

    kind: ClassVar[str] = "receipt"

    amount: int | None
    links: dict[str, ReceiptLink] = attrs.field(factory=dict)

    @property
    def reconciled(self) -> int:
        """What of it belongs to bank transactions."""
        return sum(link.amount for link in self.links.values())

    @property
    def status(self) -> str:
        """unreconciled, partially_reconciled or reconciled."""
        if not self.links:
            return "unreconciled"
        is_part = self.amount is not None and self.reconciled < self.amount
        return "partially_reconciled" if is_part else "reconciled"
