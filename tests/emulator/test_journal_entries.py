"""Journal entries: what every operation books, and how entries are found."""

from __future__ import annotations

import pytest

from .caller import NOBODY

ENTRIES = "general-ledger/journal-entries/"
TAXED = [{"description": "Work", "quantity": 1, "unit_price": 10_000, "tax_code": "VAT_20"}]


async def listed(shop, **filters):
    answer = await shop.get(ENTRIES, page_size=100, **filters)
    assert answer.status == 200, answer.body
    return answer.body["results"]


async def descriptions(shop, **filters):
    return [entry["description"] for entry in await listed(shop, **filters)]


async def lines(shop, entry):
    """Code, debit and credit of each line."""
    body = (await shop.get(f"{ENTRIES}{entry['id']}/")).body
    return [
        (one["account_code"], one["debit_amount"], one["credit_amount"]) for one in body["lines"]
    ]


async def linked(shop, entry):
    body = (await shop.get(f"{ENTRIES}{entry['id']}/")).body
    return [(one["type"], one["id"]) for one in body["source_info"]["linked_documents"]]


@pytest.fixture
async def sold(shop):
    """An invoice of 120.00 on 1 June, 50.00 of it paid on 2 June."""
    invoice = await shop.invoice(
        line_items=TAXED, sent_at="2025-06-01", invoice_number="A-1", external_id="order-1"
    )
    payment = await shop.payment(invoice, 5_000, payment_date="2025-06-02", external_id="p-1")
    return invoice, payment


async def test_an_invoice_is_owed_earned_and_taxed(shop, sold):
    invoice, _ = sold
    entry, _ = await listed(shop)
    assert await lines(shop, entry) == [
        ("1100", 12_000, 0),
        ("2200", 0, 2_000),
        ("4000", 0, 10_000),
    ]
    assert (entry["total_debit"], entry["total_credit"]) == (12_000, 12_000)
    assert (entry["entry_date"], entry["sequence_number"]) == ("2025-06-01", "JE-2025-000001")
    assert (entry["reference"], entry["source_reference"]) == ("Invoice A-1", "order-1")
    assert await linked(shop, entry) == [("invoice", invoice["id"])]


async def test_a_payment_is_linked_to_the_invoices_that_it_pays(shop, sold):
    invoice, _ = sold
    other = await shop.invoice(1_000, sent_at="2025-06-01")
    await shop.post(
        "invoices/payments/",
        {
            "customer_id": (await shop.customer())["id"],
            "total_amount_cents": 1_700,
            "currency": "GBP",
            "payment_date": "2025-06-03",
            "payment_method": "cash",
            "allocations": [
                {"invoice_id": invoice["id"], "amount_cents": 600},
                {"invoice_id": other["id"], "amount_cents": 1_000},
            ],
        },
    )
    entry = (await listed(shop))[-1]
    assert entry["source_type"] == "payment"
    assert sorted(await lines(shop, entry)) == [
        ("1100", 0, 600),
        ("1100", 0, 1_000),
        ("1200", 1_700, 0),
        ("2120", 0, 100),
    ]
    assert await linked(shop, entry) == [("invoice", invoice["id"]), ("invoice", other["id"])]


async def test_a_refund_and_its_payment_are_linked_to_the_refund(shop, sold):
    invoice, _ = sold
    refund = await shop.refund(invoice, 1_200, completed_at="2025-06-04T00:00:00Z")
    await shop.refund_payment(refund, 1_200, completed_at="2025-06-05T00:00:00Z")
    *_, owed, paid = await listed(shop)
    assert await lines(shop, owed) == [("4010", 1_000, 0), ("2200", 200, 0), ("2140", 0, 1_200)]
    assert await lines(shop, paid) == [("2140", 1_200, 0), ("1200", 0, 1_200)]
    assert await linked(shop, owed) == [("refund", refund["id"]), ("invoice", invoice["id"])]
    assert await linked(shop, paid) == [("refund", refund["id"])]


async def test_an_entry_says_that_the_system_posted_it(shop, sold):
    entry, _ = await listed(shop)
    detail = (await shop.get(f"{ENTRIES}{entry['id']}/")).body
    period = detail.pop("accounting_period")
    assert (period["year"], period["month"], period["status"]) == (2025, 6, "open")
    assert entry.items() <= detail.items()
    assert (entry["created_by"], entry["status"]) == ("system", "approved")
    assert (entry["is_posted"], entry["is_balanced"]) == (True, True)
    assert entry["posted_at"] == "2025-06-15T15:06:40Z"


async def test_entries_of_a_month_are_of_one_period(shop, sold):
    await shop.invoice(100, sent_at="2025-07-01")
    details = [(await shop.get(f"{ENTRIES}{one['id']}/")).body for one in await listed(shop)]
    first, second, other = [detail["accounting_period"] for detail in details]
    assert first == second
    assert other["id"] != first["id"]
    assert other["period_name"] == "2025-07"


async def test_a_change_is_booked_by_reversing_what_stood(shop, sold):
    invoice, _ = sold
    more = {"line_items": [{"quantity": 1, "unit_price": 12_500}]}
    await shop.send("PUT", f"invoices/{invoice['id']}/", more)
    entries = await listed(shop)
    assert [one["description"] for one in entries[2:]] == ["Reversal: Invoice A-1", "Invoice A-1"]
    assert await lines(shop, entries[2]) == [
        ("1100", 0, 12_000),
        ("2200", 2_000, 0),
        ("4000", 10_000, 0),
    ]
    assert {one["entry_date"] for one in (entries[0], *entries[2:])} == {"2025-06-01"}


async def test_a_refused_operation_books_nothing(shop, sold):
    invoice, _ = sold
    before = await listed(shop)
    await shop.post(f"invoices/{invoice['id']}/void/", {})
    await shop.post("invoices/refunds/", {"invoice_id": invoice["id"], "amount_cents": 5_001})
    assert await listed(shop) == before


async def test_an_unknown_entry(shop):
    answer = await shop.get(f"{ENTRIES}{NOBODY}/")
    assert (answer.status, answer.code) == (404, "journal_entry_not_found")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["Invoice A-1", "Payment p-1"]),
        ({"date_from": "2025-06-02"}, ["Payment p-1"]),
        ({"date_to": "2025-06-01"}, ["Invoice A-1"]),
        ({"date_from": "2025-06-03"}, []),
        ({"created_by": "system"}, ["Invoice A-1", "Payment p-1"]),
        ({"created_by": "manual"}, []),
        ({"status": "approved"}, ["Invoice A-1", "Payment p-1"]),
        ({"status": "draft"}, []),
        ({"is_posted": "true"}, ["Invoice A-1", "Payment p-1"]),
        ({"is_posted": "false"}, []),
        ({"search": "a-1"}, ["Invoice A-1"]),
        ({"search": "000002"}, ["Payment p-1"]),
        ({"account_id": NOBODY}, []),
    ],
)
async def test_filters(shop, sold, filters, expected):
    assert await descriptions(shop, **filters) == expected


async def test_entries_of_an_account(shop, sold):
    accounts = shop.books.ledger
    assert await descriptions(shop, account_id=accounts.find("1200").id) == ["Payment p-1"]
    assert len(await listed(shop, account_id=accounts.find("1100").id)) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account_id", "1200"),
        ("created_by", "me"),
        ("date_from", "June"),
        ("is_posted", "maybe"),
        ("status", "open"),
    ],
)
async def test_a_bad_filter_is_named(shop, name, value):
    answer = await shop.get(ENTRIES, **{name: value})
    assert (answer.status, list(answer.fields)) == (400, [name])


async def test_the_list_pages(shop):
    for _ in range(3):
        await shop.invoice(100)
    answer = await shop.get(ENTRIES, page=2, page_size=2)
    assert [row["sequence_number"] for row in answer.body["results"]] == ["JE-2025-000003"]
    assert answer.body["page_info"] == {
        "total_count": 3,
        "current_page": 2,
        "total_pages": 2,
        "page_size": 2,
    }
