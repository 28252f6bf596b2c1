"""A little trade of one business, entered through the SDK, and what its books come to.

All amounts are minor units (pence).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from thredfi_async import ThredfiClient

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
"""The time of the emulator and of the browser. The widget shows no year before 2026."""

Record = dict[str, Any]

BUSINESS: Record = {
    "external_id": "larder",
    "legal_name": "The Larder Ltd",
    "entity_type": "limited",
    "email": "books@larder.example",
    "country": "GB",
    "base_currency": "GBP",
}

CUSTOMERS: list[Record] = [
    {"external_id": "C1", "company_name": "Larkspur Bakery Ltd", "email": "a@larkspur.example"},
    {"external_id": "C2", "individual_name": "Aisha Davies"},
    {"external_id": "C3", "company_name": "Kingfisher Dental Ltd"},
]


def _invoice(number: str, customer: str, sent: str, due: str, *lines: Record) -> Record:
    return {
        "external_id": number,
        "invoice_number": number,
        "customer_external_id": customer,
        "sent_at": f"2026-{sent}T09:00:00Z",
        "due_at": f"2026-{due}T09:00:00Z",
        "line_items": list(lines),
    }


def _line(description: str, quantity: int, price: int, tax_code: str = "VAT_20") -> Record:
    return {
        "description": description,
        "quantity": quantity,
        "unit_price": price,
        "tax_code": tax_code,
    }


INVOICES: list[Record] = [
    _invoice(
        *("INV-1001", "C1", "05-04", "06-03"),
        _line("Barista training", 3, 120_00),
        _line("Delivery", 1, 40_00),
    ),
    _invoice("INV-1002", "C2", "05-31", "06-30", _line("Espresso machine hire", 2, 100_00)),
    _invoice("INV-1003", "C3", "05-01", "05-31", _line("Grinder", 1, 1250_00)),
    _invoice("INV-1004", "C3", "06-10", "06-24", _line("Green coffee", 20, 15_00, "EXEMPT")),
]


def _payment(name: str, customer: str, invoice: str, day: str, amount: int, **more: Any) -> Record:
    return {
        "external_id": name,
        "customer_external_id": customer,
        "allocations": [{"invoice_external_id": invoice, "amount_cents": amount}],
        "total_amount_cents": amount,
        "currency": "GBP",
        "payment_date": f"2026-{day}",
        "payment_method": "bank_transfer",
        **more,
    }


_STRIPE = {
    "payment_method": "stripe",
    "payment_processor": "stripe",
    "processing_fee_cents": 4_70,
}
PAYMENTS: list[Record] = [
    _payment("PAY-1", "C1", "INV-1001", "05-20", 480_00),
    _payment("PAY-2", "C2", "INV-1002", "06-01", 100_00),
    _payment("PAY-3", "C3", "INV-1004", "06-11", 300_00, **_STRIPE),
]

REFUNDS: list[Record] = [
    {
        "external_id": "REF-1",
        "invoice_external_id": "INV-1001",
        "amount_cents": 60_00,
        "method": "BANK_TRANSFER",
        "completed_at": "2026-05-28T10:00:00Z",
        "reference_number": "RF-6000",
    },
    {
        "external_id": "REF-2",
        "invoice_external_id": "INV-1004",
        "amount_cents": 30_00,
        "method": "STRIPE",
        "completed_at": "2026-06-12T10:00:00Z",
    },
]
REFUND_PAYMENTS: list[Record] = [
    {
        "external_id": "REF-1-P",
        "refund_external_id": "REF-1",
        "amount_cents": 60_00,
        "method": "BANK_TRANSFER",
        "completed_at": "2026-05-30T10:00:00Z",
    },
]
RECORDS: list[Record] = [
    {"type": kind, "business": BUSINESS["external_id"], **fields}
    for kind, listed in {
        "customer": CUSTOMERS,
        "invoice": INVOICES,
        "payment": PAYMENTS,
        "refund": REFUNDS,
        "refund_payment": REFUND_PAYMENTS,
    }.items()
    for fields in listed
]

# What the books come to, reckoned by hand.
SALES = 400_00 + 200_00 + 1250_00 + 300_00  # net of tax
RETURNS = 50_00 + 30_00  # of the refunds 10.00 were tax
REVENUE = SALES - RETURNS
FEES = 4_70
PROFIT = REVENUE - FEES
BANK = 480_00 + 100_00 - 60_00
AT_THE_PROCESSOR = 300_00 - FEES
RECEIVABLE = 140_00 + 1500_00
ASSETS = BANK + AT_THE_PROCESSOR + RECEIVABLE
TAX = 80_00 + 40_00 + 250_00 - 10_00
REFUNDS_DUE = 30_00
LIABILITIES = TAX + REFUNDS_DUE
ENTRIES = len(INVOICES) + len(PAYMENTS) + len(REFUNDS) + len(REFUND_PAYMENTS)


async def push(thredfi: ThredfiClient) -> str:
    """Create the business and push its records; the business's id."""
    business = await thredfi.businesses.create(BUSINESS)
    outcomes = [outcome async for outcome in thredfi.push(RECORDS)]
    assert [outcome for outcome in outcomes if not outcome.ok] == []
    return str(business.id)
