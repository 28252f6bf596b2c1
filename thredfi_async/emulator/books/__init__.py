"""The books of a business: rows, and the ledger that they post to."""

from __future__ import annotations

from .books import Books, Totals
from .chart import Role
from .ledger import Account, Entry, EntryLine, Ledger, Leg, Posting
from .receivables import UNPAID_BY, Customer, Invoice, Line, Payment, Refund, RefundPayment
from .row import Row

__all__ = [
    "UNPAID_BY",
    "Account",
    "Books",
    "Customer",
    "Entry",
    "EntryLine",
    "Invoice",
    "Ledger",
    "Leg",
    "Line",
    "Payment",
    "Posting",
    "Refund",
    "RefundPayment",
    "Role",
    "Row",
    "Totals",
]
