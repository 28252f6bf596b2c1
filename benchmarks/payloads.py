"""What is sent and answered: one invoice of two lines, about 1.2 kB as an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

BUSINESS = "3f2a1c9e-7b6d-4e58-9a01-2c4d6e8f0a1b"
CUSTOMER = "8d1e2f3a-4b5c-4d6e-8f70-91a2b3c4d5e6"
INVOICE = "b7c8d9e0-f1a2-4b3c-9d4e-5f60718293a4"
SENT_AT = datetime(2025, 1, 15, 9, 30, tzinfo=UTC)
DUE_AT = datetime(2025, 2, 14, 9, 30, tzinfo=UTC)
MEMO = "Thank you for your order."
LINES: list[dict[str, Any]] = [
    {"description": "Regency cakestand, 3 tier", "quantity": 4, "unit_price": 1275},
    {"description": "White hanging heart", "quantity": 12, "unit_price": 255},
]

PARTNER_TOKEN_ANSWER = {
    "access_token": "stub-token",
    "token_type": "Bearer",
    "expires_in": 3600,
}
BUSINESS_TOKEN_ANSWER = {
    **PARTNER_TOKEN_ANSWER,
    "scope": "business_access",
    "business_id": BUSINESS,
}
BUSINESSES_ANSWER = {
    "count": 1,
    "page_info": {"total_count": 1, "current_page": 1, "total_pages": 1, "page_size": 100},
    "results": [
        {
            "id": BUSINESS,
            "external_id": "shop",
            "legal_name": "Harbour Lights Ltd",
            "entity_type": "limited",
            "email": "accounts@harbourlights.example",
            "country": "GB",
            "base_currency": "GBP",
            "accounting_method": "accrual",
        }
    ],
}
CUSTOMER_ANSWER = {
    "id": CUSTOMER,
    "external_id": "customer-1",
    "company_name": "Harbour Lights Ltd",
    "email": "accounts@harbourlights.example",
    "status": "active",
    "created_at": "2025-01-02T08:00:00Z",
    "updated_at": "2025-01-02T08:00:00Z",
}
INVOICE_ANSWER = {
    "id": INVOICE,
    "business_id": BUSINESS,
    "status": "sent",
    "sent_at": "2025-01-15T09:30:00Z",
    "due_at": "2025-02-14T09:30:00Z",
    "paid_at": None,
    "voided_at": None,
    "is_overdue": False,
    "invoice_number": "INV-000001",
    "invoice_type": "invoice",
    "currency": "GBP",
    "customer": CUSTOMER_ANSWER,
    "external_id": "invoice-1",
    "memo": MEMO,
    "line_items": [
        {
            "id": f"0a1b2c3d-4e5f-4061-8273-94a5b6c7d8e{number}",
            **line,
            "subtotal": line["quantity"] * line["unit_price"],
            "total_amount": line["quantity"] * line["unit_price"],
        }
        for number, line in enumerate(LINES)
    ],
    "imported_at": "2025-01-15T09:30:01Z",
    "subtotal": 8160,
    "total_amount": 8160,
    "outstanding_balance": 8160,
    "additional_discount": 0,
    "additional_sales_taxes_total": None,
    "tips": 0,
    "document": None,
    "payment_allocations": [],
    "credit_allocations": [],
    "refund_allocations": [],
    "write_offs": [],
}
PAYMENT_ANSWER = {
    "payment": {
        "id": "c1d2e3f4-a5b6-4c7d-8e9f-0a1b2c3d4e5f",
        "business_id": BUSINESS,
        "customer_id": CUSTOMER,
        "total_amount_cents": 8160,
        "currency": "GBP",
        "status": "completed",
        "payment_method": "bank_transfer",
        "created_at": "2025-01-15T09:30:01Z",
        "updated_at": "2025-01-15T09:30:01Z",
    }
}


PAGES, PAGE_SIZE = 10, 100  # of the list of invoices


def invoice_page(number: int) -> dict[str, Any]:
    """A page of the list of invoices, from 1."""
    total = PAGES * PAGE_SIZE
    return {
        "count": total,
        "page_info": {
            "total_count": total,
            "current_page": number,
            "total_pages": PAGES,
            "page_size": PAGE_SIZE,
        },
        "results": [
            {**INVOICE_ANSWER, "id": f"b7c8d9e0-f1a2-4b3c-9d4e-{index:012}"}
            for index in range((number - 1) * PAGE_SIZE, number * PAGE_SIZE)
        ],
    }


def invoice_mapping(number: int) -> dict[str, Any]:
    """The request as plain JSON data, built from scratch."""
    return {
        "external_id": f"invoice-{number}",
        "customer_id": CUSTOMER,
        "invoice_number": f"INV-{number:06}",
        "sent_at": SENT_AT.isoformat(),
        "due_at": DUE_AT.isoformat(),
        "memo": MEMO,
        "line_items": [dict(line) for line in LINES],
    }


def push_records(invoices: int) -> Iterator[dict[str, Any]]:
    """So many invoices with a payment each, and a customer for every 100 of them."""
    for number in range(invoices):
        customer = f"customer-{number // 100}"
        if number % 100 == 0:
            yield {
                "type": "customer",
                "business": BUSINESS,
                "external_id": customer,
                "company_name": "Harbour Lights Ltd",
            }
        invoice = invoice_mapping(number)
        del invoice["customer_id"]
        yield {
            "type": "invoice",
            "business": BUSINESS,
            "customer_external_id": customer,
            **invoice,
        }
        yield {
            "type": "payment",
            "business": BUSINESS,
            "external_id": f"payment-{number}",
            "customer_external_id": customer,
            "total_amount_cents": 8160,
            "allocations": [{"invoice_external_id": f"invoice-{number}", "amount_cents": 8160}],
            "payment_date": "2025-01-15",
            "currency": "GBP",
            "payment_method": "bank_transfer",
        }
