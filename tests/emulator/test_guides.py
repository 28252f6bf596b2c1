"""The examples of Thred's guides, sent as they are printed.

Only ids that the reader is to put in are filled in. "newer" and "older" are the two ages in which
the guides exist.
"""

from __future__ import annotations

import pytest

from .caller import basic

JSON = {"Content-Type": "application/json"}

# https://docs.thredfi.com/implementation/onboarding-business, newer
NEWER_BUSINESS = """{
  "external_id": "customer-12345",
  "legal_name": "Acme Solutions B.V.",
  "entity_type": "bv",
  "email": "accounting@acme.example",
  "country": "NL",
  "base_currency": "EUR",
  "accounting_method": "accrual",
  "vat_number": "NL123456789B01",
  "company_number": "12345678",
  "coa_language": "en"
}"""
# the same page, older
OLDER_BUSINESS = """{
  "external_id": "user-12345",
  "legal_name": "Acme Ltd",
  "entity_type": "limited",
  "email": "accounting@acme.example",
  "country": "GB",
  "currency": "GBP"
}"""
# https://docs.thredfi.com/implementation/verify-integration, older
CUSTOMER = """{
    "external_id": "test-customer-1",
    "name": "Test Customer Ltd",
    "email": "test@example.com"
}"""
# https://docs.thredfi.com/implementation/ar-integration, newer
NEWER_INVOICE = """{
    "external_id": "invoice-1",
    "customer_id": "%s",
    "invoice_number": "INV-001",
    "sent_at": "2025-01-15T00:00:00Z",
    "due_at": "2025-02-15T00:00:00Z",
    "line_items": [
        {
            "description": "Monthly Subscription",
            "quantity": 1,
            "unit_price": 9900,
            "tax_code": "EXEMPT"
        }
    ]
}"""
# the same page, older
OLDER_INVOICE = """{
    "external_id": "invoice-1",
    "customer_id": "%s",
    "invoice_number": "INV-001",
    "sent_at": "2025-01-15",
    "due_at": "2025-02-15",
    "currency": "GBP",
    "line_items": [
        {
            "description": "Monthly Subscription",
            "quantity": 1,
            "unit_price_cents": 9900,
            "account_code": "4000"
        }
    ]
}"""
# https://docs.thredfi.com/quickstart: no external_id
QUICK_START_INVOICE = """{
    "customer_id": "%s",
    "invoice_number": "INV-001",
    "sent_at": "2025-01-15",
    "due_at": "2025-02-15",
    "currency": "GBP",
    "line_items": [
      {
        "description": "Consulting Services",
        "quantity": 1,
        "unit_price_cents": 100000,
        "account_code": "4000"
      }
    ]
}"""
# https://docs.thredfi.com/implementation/ar-integration: no allocations
PAYMENT = """{
    "external_id": "payment-1",
    "invoice_id": "%s",
    "amount_cents": 9900,
    "payment_date": "2025-01-20",
    "payment_method": "bank_transfer"
}"""


async def post(shop, path, text):
    """The body of a 201."""
    answer = await shop.post(path, data=text.encode(), headers=JSON)
    assert answer.status == 201, answer.body
    return answer.body


@pytest.fixture
async def customer(shop):
    return await post(shop, "customers/", CUSTOMER)


@pytest.mark.parametrize("text", [NEWER_BUSINESS, OLDER_BUSINESS], ids=["newer", "older"])
async def test_the_business_of_the_onboarding_guide(caller, text):
    async def create():
        path = "/v1/platform/businesses/"
        return await caller.send("POST", path, data=text.encode(), headers=JSON)

    first, again = await create(), await create()
    assert (first.status, again.status) == (201, 200)
    assert again.body["id"] == first.body["id"]
    currency = "EUR" if text is NEWER_BUSINESS else "GBP"
    assert (first.body["base_currency"], first.body["is_active"]) == (currency, True)


async def test_the_customer_of_the_verification_guide(customer):
    assert customer["display_name"] == "Test Customer Ltd"


@pytest.mark.parametrize("text", [NEWER_INVOICE, OLDER_INVOICE], ids=["newer", "older"])
async def test_the_invoice_and_the_payment_of_the_ar_guide(shop, customer, text):
    invoice = await post(shop, "invoices/", text % customer["id"])
    assert (invoice["total_amount"], invoice["status"]) == (9900, "sent")
    assert invoice["sent_at"] == "2025-01-15T00:00:00Z"
    assert invoice["due_at"] == "2025-02-15T00:00:00Z"

    payment = (await post(shop, "invoices/payments/", PAYMENT % invoice["id"]))["payment"]
    assert payment["allocated_amount_cents"] == 9900
    assert payment["customer_id"] == customer["id"]
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("paid", 0)
    assert seen["paid_at"] == "2025-01-20T00:00:00Z"


async def test_the_invoice_of_the_quick_start(shop, customer):
    invoice = await post(shop, "invoices/", QUICK_START_INVOICE % customer["id"])
    assert "external_id" not in invoice
    assert (invoice["total_amount"], invoice["currency"]) == (100_000, "GBP")
    assert invoice["line_items"][0]["unit_price"] == 100_000


async def test_the_token_call_of_the_quick_start_has_a_content_type_and_no_body(emulator, caller):
    answer = await caller.send(
        "POST",
        "/v1/platform/oauth2/token/",
        headers={**basic(emulator.partner_uuid, emulator.api_key), **JSON},
    )
    assert answer.status == 200
    assert answer.body["expires_in"] == 3600


async def test_the_key_of_the_idempotency_guide(shop, customer):
    invoice = await post(shop, "invoices/", NEWER_INVOICE % customer["id"])
    headers = {**JSON, "Idempotency-Key": "payment-20240115-001"}
    text = (PAYMENT % invoice["id"]).encode()
    first = await shop.post("invoices/payments/", data=text, headers=headers)
    again = await shop.post("invoices/payments/", data=text, headers=headers)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


async def test_the_filter_of_the_pagination_guide(shop):
    owed, paid = await shop.invoice(), await shop.invoice()
    await shop.payment(paid, 10_000)
    answer = await shop.get("invoices/", status="unpaid", page=1, page_size=100)
    assert [row["id"] for row in answer.body["results"]] == [owed["id"]]
