"""One good body for each operation that makes something: where the random ones start from.

Fields named *_id get an id that exists, and external_id a text of its own. Amounts are small
beside those of the invoices and bills, so that what is owed lasts for many payments.
"""

from __future__ import annotations

from typing import Any

CURRENCY = "GBP"  # that of the business
_ID = "00000000-0000-4000-8000-000000000000"
_DAY = "2025-06-01"
_NOON = "2025-06-01T12:00:00Z"
_LINE = {"quantity": 1, "unit_price": 1_000_000, "description": "Work"}

BODIES: dict[str, dict[str, Any]] = {
    "create_business": {
        "external_id": "x",
        "legal_name": "Bakery Ltd",
        "entity_type": "limited",
        "email": "office@bakery.example",
        "country": "GB",
        "base_currency": CURRENCY,
    },
    "create_customer": {"external_id": "x", "company_name": "Buyer Ltd"},
    "create_invoice": {
        "external_id": "x",
        "sent_at": _NOON,
        "due_at": "2025-07-01T12:00:00Z",
        "customer_id": _ID,
        "line_items": [_LINE],
    },
    "update_invoice": {"memo": "Thank you", "line_items": [_LINE, _LINE]},
    "create_invoice_payment": {
        "external_id": "x",
        "invoice_id": _ID,
        "amount_cents": 100,
        "payment_date": _DAY,
        "payment_method": "bank_transfer",
    },
    "update_invoice_payment": {"notes": "By letter"},
    "partial_update_invoice_payment": {"status": "failed"},
    "create_refund": {"external_id": "x", "invoice_id": _ID, "amount_cents": 20, "method": "CASH"},
    "create_refund_payment": {"external_id": "x", "amount_cents": 2, "method": "CASH"},
    "create_customer_credit": {
        "external_id": "x",
        "customer_id": _ID,
        "line_items": [{"amount": 500}],
        "sent_at": _NOON,
    },
    "create_invoice_write_off": {"external_id": "x", "amount_cents": 10, "write_off_at": _NOON},
    "create_payout": {
        "external_id": "x",
        "processor": "stripe",
        "paid_out_amount_cents": 900,
        "fee_cents": 100,
        "currency": CURRENCY,
        "status": "paid",
        "completed_at": _NOON,
    },
    "create_vendor": {"external_id": "x", "company_name": "Mill Ltd"},
    "create_bill": {
        "external_id": "x",
        "vendor_id": _ID,
        "received_at": _NOON,
        "due_at": "2025-07-01T12:00:00Z",
        "line_items": [_LINE],
    },
    "create_bill_payment": {
        "external_id": "x",
        "vendor_id": _ID,
        "amount_cents": 100,
        "currency": CURRENCY,
        "payment_method": "bank_transfer",
        "payment_date": _DAY,
    },
    "update_bill_payment": {"status": "failed", "failure_reason": "No funds"},
    "create_vendor_credit": {
        "external_id": "x",
        "vendor_id": _ID,
        "line_items": [{"amount": 500}],
        "received_at": _NOON,
    },
    "create_vendor_refund": {
        "external_id": "x",
        "vendor_id": _ID,
        "total_refunded_amount_cents": 300,
        "currency": CURRENCY,
        "refund_date": _DAY,
    },
    "create_vendor_refund_payment": {
        "external_id": "x",
        "vendor_id": _ID,
        "total_amount_cents": 300,
        "currency": CURRENCY,
        "refund_date": _DAY,
        "payment_method": "bank_transfer",
    },
    "create_account": {
        "external_id": "x",
        "code": "9000",
        "name": "Petty cash",
        "account_type": "asset",
        "account_subtype": "current_assets",
    },
    "create_child_account": {"external_id": "x", "code": "9001", "name": "Till"},
    "create_receipt": {},
    "reconcile_receipt": {"bank_transaction_id": _ID},
    "unreconcile_receipt": {"bank_transaction_id": _ID},
}
