"""Every documented filter of the lists: what it selects, and what it refuses."""

from __future__ import annotations

import pytest

from thredfi_async.operations import OPERATIONS

from .caller import NOBODY
from .description import new_parameters

pytestmark = pytest.mark.slow


async def found(shop, path, **filters):
    """The external_ids of what is listed."""
    answer = await shop.get(path, **filters)
    assert answer.status == 200, answer.body
    return [row["external_id"] for row in answer.body["results"]]


@pytest.fixture
async def books(shop):
    """Two customers with two invoices each, three payments, two refunds; ids by external_id."""
    ids = {}
    for name, company in (("ann", "Ann's Bakery"), ("bob", "Bob Ltd")):
        ids[name] = (await shop.customer(external_id=name, company_name=company))["id"]
    invoices = {}
    for name, customer, amount, day, due, memo in (
        ("a1", "ann", 1000, "2025-06-01", "2025-06-10", "Spring order"),
        ("a2", "ann", 2000, "2025-06-02", "2025-07-10", "autumn"),
        ("b1", "bob", 3000, "2025-06-03", None, None),
        ("b2", "bob", 4000, "2025-06-04T18:00:00Z", "2025-06-01", "a Spring clean"),
    ):
        invoices[name] = await shop.invoice(
            amount,
            external_id=name,
            customer_id=ids[customer],
            sent_at=day,
            due_at=due,
            memo=memo,
            invoice_number=f"No/{name.upper()}",
        )
        ids[name] = invoices[name]["id"]
    for name, invoice, amount, more in (
        ("p1", "a1", 1000, {"payment_date": "2025-06-05", "payment_reference": "Ref-One"}),
        ("p2", "a2", 500, {"payment_date": "2025-06-07", "payment_method": "stripe",
                           "total_amount_cents": 900, "payment_processor": "Stripe"}),
        ("p3", "b1", 3000, {"payment_date": "2025-06-06", "note": "half Now",
                            "references": {"bank_reference": "BANK-3"}}),
    ):  # fmt: skip
        ids[name] = (await shop.payment(invoices[invoice], amount, external_id=name, **more))["id"]
    for name, invoice, amount, done in (
        ("r1", "a1", 1000, "2025-06-08T12:00:00Z"),
        ("r2", "b1", 500, None),
    ):
        ids[name] = (
            await shop.refund(
                invoices[invoice],
                amount,
                external_id=name,
                completed_at=done,
                memo=f"Memo {name}",
                reference_number=f"RN-{name}",
            )
        )["id"]
    return ids


def filters(books, given):
    """The filters with ids put in for names in braces."""
    return {name: value.format(**books) for name, value in given.items()}


INVOICES = [
    ({}, "a1 a2 b1 b2"),
    ({"customer_id": "{ann}"}, "a1 a2"),
    ({"customer_id": "{ann},{bob}"}, "a1 a2 b1 b2"),
    ({"customer_id": NOBODY}, ""),
    ({"customer_external_id": "bob"}, "b1 b2"),
    ({"customer_external_id": "nobody"}, ""),
    ({"due_at_start": "2025-06-10T00:00:00Z"}, "a1 a2"),
    ({"due_at_end": "2025-06-10T00:00:00Z"}, "a1 b2"),
    ({"due_at_start": "2025-06-02T00:00:00Z", "due_at_end": "2025-07-01T00:00:00Z"}, "a1"),
    ({"min_amount": "2000"}, "a2 b1 b2"),
    ({"max_amount": "2000"}, "a1 a2"),
    ({"min_amount": "2001", "max_amount": "3999"}, "b1"),
    ({"memo_contains": "spring"}, "a1 b2"),
    ({"search": "no/a"}, "a1 a2"),
    ({"search": "B2"}, "b2"),
    ({"search": "bakery"}, "a1 a2"),
    ({"sent_at_start": "2025-06-02"}, "a2 b1 b2"),
    ({"sent_at_end": "2025-06-04"}, "a1 a2 b1 b2"),
    ({"sent_at_end": "2025-06-03"}, "a1 a2 b1"),
    ({"sent_at_end": "2025-06-04T17:59:59Z"}, "a1 a2 b1"),
    ({"sent_at_start": "2025-06-04T18:00:00Z"}, "b2"),
    ({"sent_at_end": "9999-12-31"}, "a1 a2 b1 b2"),
    ({"status": "refunded"}, "a1"),
    ({"status": "PARTIALLY_PAID"}, "a2"),
    ({"status": "paid,sent"}, "b1 b2"),
    ({"status": "overdue"}, "b2"),
    ({"status": "unpaid"}, "a2 b2"),
    ({"status": "draft"}, ""),
    ({"status": ""}, "a1 a2 b1 b2"),
    ({"unknown": "x"}, "a1 a2 b1 b2"),
    ({"customer_id": "{ann}", "status": "partially_paid", "search": "2"}, "a2"),
]


@pytest.mark.parametrize(("given", "expected"), INVOICES)
async def test_invoices_are_listed_by(shop, books, given, expected):
    assert await found(shop, "invoices/", **filters(books, given)) == expected.split()


PAYMENTS = [
    ({}, "p2 p3 p1"),  # the latest payment_date first
    ({"customer_id": "{bob}"}, "p3"),
    ({"customer_id": "{ann},{bob}"}, "p2 p3 p1"),
    ({"date_from": "2025-06-06T00:00:00Z"}, "p2 p3"),
    ({"date_to": "2025-06-06T00:00:00Z"}, "p3 p1"),
    ({"fully_allocated": "true"}, "p3 p1"),
    ({"fully_allocated": "false"}, "p2"),
    ({"invoice_id": "{a2}"}, "p2"),
    ({"invoice_id": NOBODY}, ""),
    ({"min_amount": "1000"}, "p3 p1"),
    ({"max_amount": "1000"}, "p2 p1"),
    ({"method": "STRIPE"}, "p2"),
    ({"method": "bank_transfer"}, "p3 p1"),
    ({"order": "asc"}, "p1 p3 p2"),
    ({"order": "DESC"}, "p2 p3 p1"),
    ({"sort_by": "amount"}, "p3 p1 p2"),
    ({"sort_by": "amount", "order": "asc"}, "p2 p1 p3"),
    ({"sort_by": "created_at", "order": "asc"}, "p1 p2 p3"),
    ({"payment_processor": "Stripe"}, "p2"),
    ({"search": "ref-one"}, "p1"),
    ({"search": "P2"}, "p2"),
    ({"search": "bank-3"}, "p3"),
    ({"search": "half now"}, "p3"),
    ({"search": "bakery"}, "p2 p1"),
    ({"status": "completed"}, "p2 p3 p1"),
    ({"status": "failed"}, ""),
]


@pytest.mark.parametrize(("given", "expected"), PAYMENTS)
async def test_payments_are_listed_by(shop, books, given, expected):
    assert await found(shop, "invoices/payments/", **filters(books, given)) == expected.split()


async def test_payments_are_found_by_their_processor_reference_and_status(shop, books):
    change = {"processor_reference": "PR-9", "status": "pending"}
    await shop.send("PATCH", f"invoices/payments/{books['p1']}/", change)
    assert await found(shop, "invoices/payments/", search="pr-9") == ["p1"]
    assert await found(shop, "invoices/payments/", status="pending") == ["p1"]


REFUNDS = [
    ({}, "r1 r2"),
    ({"customer_id": "{ann}"}, "r1"),
    ({"customer_id": NOBODY}, ""),
    ({"customer_external_id": "bob"}, "r2"),
    ({"completed_at_start": "2025-06-08T12:00:00Z"}, "r1 r2"),
    ({"completed_at_start": "2025-06-08T12:00:01Z"}, "r2"),  # r2 counts by its creation
    ({"completed_at_end": "2025-06-08T12:00:00Z"}, "r1"),
    ({"search": "rn-R2"}, "r2"),
    ({"search": "memo r1"}, "r1"),
    ({"search": "no/b1"}, "r2"),
    ({"search": "bob"}, "r2"),
    ({"search": "r1"}, "r1"),
]


@pytest.mark.parametrize(("given", "expected"), REFUNDS)
async def test_refunds_are_listed_by(shop, books, given, expected):
    assert await found(shop, "invoices/refunds/", **filters(books, given)) == expected.split()


# --- what is refused -------------------------------------------------------------------

PAGES = [("page", "0"), ("page", "-1"), ("page", "x"), ("page", "1.5"), ("page", "٣"),
         ("page_size", "0"), ("page_size", "101"), ("page_size", "ten")]  # fmt: skip
BAD = {
    "list_businesses": [("is_archived", "maybe")],
    "list_customers": [("include_archived", "2")],
    "list_invoices": [
        ("customer_id", "ann"),
        ("customer_id", f"{NOBODY},x"),
        ("due_at_start", "2025-06-10"),
        ("due_at_end", "2025-06-10T00:00:00"),
        ("due_at_end", "0001-01-01T00:00:00+10:00"),
        ("min_amount", "1.5"),
        ("min_amount", "--5"),
        ("max_amount", "9" * 19),
        ("sent_at_start", "soon"),
        ("sent_at_end", "2025-06-31"),
        ("status", "sold"),
        ("status", "sent,sold"),
    ],
    "list_invoice_payments": [
        ("customer_id", "ann"),
        ("date_from", "x"),
        ("date_to", "2025-06-06 00:00"),
        ("fully_allocated", "half"),
        ("invoice_id", "a2"),
        ("max_amount", "x"),
        ("method", "barter"),
        ("min_amount", "x"),
        ("order", "up"),
        ("sort_by", "size"),
        ("status", "lost"),
    ],
    "list_refunds": [
        ("completed_at_end", "x"),
        ("completed_at_start", "x"),
        ("customer_id", "ann"),
    ],
    "list_refund_payments": [],
}
ANY_TEXT = {
    "country",
    "entity_type",
    "customer_external_id",
    "memo_contains",
    "search",
    "payment_processor",
}


def test_every_documented_parameter_of_these_lists_is_tested():
    for id, bad in BAD.items():
        documented = {parameter.name for parameter in OPERATIONS[id].query}
        documented -= {name for operation, name in new_parameters() if operation == id}
        tested = {name for name, _ in [*bad, *PAGES]}
        assert tested | ANY_TEXT >= documented
        assert tested <= documented


@pytest.mark.parametrize(
    ("id", "name", "value"),
    [(id, *one) for id, bad in BAD.items() for one in [*bad, *PAGES]],
)
async def test_a_bad_value_is_refused_and_its_parameter_named(shop, books, id, name, value):
    path = OPERATIONS[id].path.format(business_id=shop.id, refund_id=books["r1"])
    answer = await shop.caller.send("GET", path, params={name: value})
    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.fields) == [name]


async def test_all_bad_parameters_are_named_at_once(shop):
    answer = await shop.get("invoices/", page="x", min_amount="y", status="sold")
    assert answer.fields.keys() == {"page", "min_amount", "status"}
