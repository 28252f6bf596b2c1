"""The books of a business: rows, and the ledger that they post to."""

from __future__ import annotations

from .banking import BankAccount, BankTransaction, Reconciliation
from .books import Books, Totals
from .chart import Role
from .documents import Document
from .ledger import Account, Entry, EntryLine, Ledger, Leg, Posting
from .payables import Bill, BillAllocation, BillPayment, Vendor
from .payouts import Payout
from .receipts import Receipt, ReceiptLink
from .receivables import (
    Customer,
    CustomerCredit,
    Invoice,
    Payment,
    Refund,
    RefundPayment,
    WriteOff,
)
from .row import Row
from .trade import UNPAID_BY, Credit, CreditLine, Line, Owed, Party
from .vendor_credits import (
    VendorCredit,
    VendorRefund,
    VendorRefundAllocation,
    VendorRefundPayment,
)

__all__ = [
    "UNPAID_BY",
    "Account",
    "BankAccount",
    "BankTransaction",
    "Bill",
    "BillAllocation",
    "BillPayment",
    "Books",
    "Credit",
    "CreditLine",
    "Customer",
    "CustomerCredit",
    "Document",
    "Entry",
    "EntryLine",
    "Invoice",
    "Ledger",
    "Leg",
    "Line",
    "Owed",
    "Party",
    "Payment",
    "Payout",
    "Posting",
    "Receipt",
    "ReceiptLink",
    "Reconciliation",
    "Refund",
    "RefundPayment",
    "Role",
    "Row",
    "Totals",
    "Vendor",
    "VendorCredit",
    "VendorRefund",
    "VendorRefundAllocation",
    "VendorRefundPayment",
    "WriteOff",
]
