"""Refunds of invoices, and the payments that settle them."""

from __future__ import annotations

import pytest

from .caller import NOBODY

REFUNDS = "invoices/refunds/"


@pytest.fixture
async def paid(shop):
    """An invoice over 10,000, paid."""
    customer = await shop.customer(company_name="Buyer", external_id="c-1")
    invoice = await shop.invoice(10_000, customer_id=customer["id"])
    await shop.payment(invoice, 10_000)
    return invoice


async def refund(shop, invoice, **fields):
    return await shop.post(REFUNDS, {"invoice_id": invoice["id"], **fields})


async def settle(shop, made, **fields):
    body = {"method": "CASH", "external_id": "rp-new", **fields}
    return await shop.post(f"{REFUNDS}{made['id']}/payments/", body)


async def status(shop, made):
    return (await shop.get(f"{REFUNDS}{made['id']}/")).body["status"]


# --- refunds ---------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, paid):
    sent = {"external_id": "r-1", "memo": "returned", "reference_number": "R-1"}
    made = await shop.refund(paid, 4000, **sent, completed_at="2025-06-05T10:00:00+02:00")
    assert made.items() >= sent.items()
    assert (made["refunded_amount"], made["status"]) == (4000, "pending")
    assert made["completed_at"] == "2025-06-05T08:00:00Z"
    assert (made["customer_id"], made["customer_name"]) == (paid["customer"]["id"], "Buyer")
    assert (await shop.get(f"{REFUNDS}{made['id']}/")).body == made


async def test_a_refund_without_an_amount_is_a_full_one(shop, paid):
    assert (await shop.refund(paid))["refunded_amount"] == 10_000


async def test_after_a_partial_refund_a_full_one_is_the_rest(shop, paid):
    await shop.refund(paid, 3000)
    assert (await shop.refund(paid))["refunded_amount"] == 7000


async def test_a_fully_refunded_invoice_is_refunded(shop, paid):
    await shop.refund(paid, 3000, reference_number="R-1")
    assert (await shop.seen(paid))["status"] == "paid"
    await shop.refund(paid, 7000)
    seen = await shop.seen(paid)
    assert (seen["status"], seen["outstanding_balance"]) == ("refunded", 0)
    assert [row["amount_cents"] for row in seen["refund_allocations"]] == [3000, 7000]
    assert seen["refund_allocations"][0]["reference_number"] == "R-1"


async def test_no_more_is_refunded_than_was_paid(shop):
    invoice = await shop.invoice(10_000)
    await shop.payment(invoice, 6000)
    answer = await refund(shop, invoice, amount_cents=6001)
    assert (answer.status, list(answer.fields)) == (400, ["amount_cents"])
    assert (await refund(shop, invoice, amount_cents=6000)).status == 201
    answer = await refund(shop, invoice, amount_cents=1)
    assert (answer.status, list(answer.fields)) == (400, ["invoice_id"])


async def test_a_refund_of_a_part_payment_leaves_the_rest_owed(shop):
    invoice = await shop.invoice(10_000)
    await shop.payment(invoice, 6000)
    await shop.refund(invoice)
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_paid", 4000)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("invoice_id", None),
        ("invoice_id", NOBODY),
        ("amount_cents", 0),
        ("amount_cents", -1),
        ("amount_cents", 1.5),
        ("method", "barter"),
        ("completed_at", "2025-06-05"),
        ("completed_at", "9999-12-31T23:59:59-10:00"),
    ],
)
async def test_a_bad_field_is_named(shop, paid, field, value):
    answer = await refund(shop, paid, **{field: value})
    assert (answer.status, list(answer.fields)) == (400, [field])
    assert not shop.books.refunds


async def test_a_refund_names_its_one_allocation(shop, paid):
    made = await shop.refund(paid, 4000)
    (allocation,) = made["allocations"]
    assert (allocation["invoice_id"], allocation["amount"]) == (paid["id"], 4000)
    path = f"{REFUNDS}{made['id']}/allocations/"
    assert (await shop.get(f"{path}{allocation['id']}/")).body == allocation
    answer = await shop.get(f"{path}{NOBODY}/")
    assert (answer.status, answer.code) == (404, "refund_allocation_not_found")


async def test_a_deleted_refund_is_gone_and_its_invoice_paid_again(shop, paid):
    made = await shop.refund(paid, external_id="r-1")
    answer = await shop.send("DELETE", f"{REFUNDS}{made['id']}/")
    assert (answer.status, answer.body) == (200, None)
    assert (await shop.get(f"{REFUNDS}{made['id']}/")).status == 404
    assert (await shop.seen(paid))["status"] == "paid"
    again = await shop.refund(paid, external_id="r-1")
    assert again["id"] != made["id"]


async def test_a_refund_with_payments_is_not_deleted(shop, paid):
    made = await shop.refund(paid)
    await shop.refund_payment(made, 1)
    answer = await shop.send("DELETE", f"{REFUNDS}{made['id']}/")
    assert (answer.status, answer.code) == (409, "invalid_state")


async def test_an_unknown_refund_is_not_found(shop):
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "payments/"), ("POST", "payments/")]:
        body = [{"amount_cents": 1, "method": "CASH", "external_id": "rp"}]
        body = body if method == "POST" else []
        answer = await shop.send(method, f"{REFUNDS}{NOBODY}/{path}", *body)
        assert (answer.status, answer.code) == (404, "refund_not_found")


# --- refund payments -------------------------------------------------------------------


async def test_a_refund_goes_from_pending_over_processing_to_paid(shop, paid):
    made = await shop.refund(paid, 5000)
    assert made["status"] == "pending"
    await shop.refund_payment(made, 2000)
    assert await status(shop, made) == "processing"
    await shop.refund_payment(made, 3000)
    assert await status(shop, made) == "paid"


async def test_a_negative_fee_is_refused(shop, paid):
    fee = {"refund_processing_fee_cents": -1}
    answer = await shop.post(REFUNDS, {"invoice_id": paid["id"], **fee})
    assert (answer.status, list(answer.fields)) == (400, list(fee))
    made = await shop.refund(paid)
    answer = await settle(shop, made, amount_cents=500, **fee)
    assert (answer.status, list(answer.fields)) == (400, list(fee))
    assert not shop.books.refund_payments
    assert len(shop.books.refunds) == 1


async def test_what_was_sent_of_a_refund_payment_comes_back(shop, paid):
    made = await shop.refund(paid)
    sent = {
        "external_id": "rp-1",
        "method": "ach",
        "processor": "STRIPE",
        "memo": "back to you",
        "transaction_tags": ["a"],
    }
    when = {"completed_at": "2025-06-05T10:00:00Z"}
    payment = await shop.refund_payment(made, 500, **sent, **when, refund_processing_fee_cents=7)
    assert payment.items() >= {**sent, **when, "method": "ACH", "refund_id": made["id"]}.items()
    assert (payment["refunded_amount"], payment["refund_processing_fee"]) == (500, 7)
    path = f"{REFUNDS}{made['id']}/"
    assert (await shop.get(f"{path}payments/{payment['id']}/")).body == payment
    assert (await shop.get(f"{path}payments/")).body["results"] == [payment]
    assert (await shop.get(path)).body["refund_payments"] == [payment]


async def test_no_more_is_paid_than_is_left_of_the_refund(shop, paid):
    made = await shop.refund(paid, 5000)
    await shop.refund_payment(made, 2000)
    answer = await settle(shop, made, amount_cents=3001)
    assert (answer.status, list(answer.fields)) == (400, ["amount_cents"])
    assert await status(shop, made) == "processing"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "amount_cents"),
        ({"amount_cents": 0}, "amount_cents"),
        ({"amount_cents": None}, "amount_cents"),
        ({"amount_cents": 1, "method": "barter"}, "method"),
        ({"amount_cents": 1, "method": None}, "method"),
        ({"amount_cents": 1, "external_id": None}, "external_id"),
        ({"amount_cents": 1, "external_id": ""}, "external_id"),
        ({"amount_cents": 1, "external_id": "x" * 256}, "external_id"),
        ({"amount_cents": 1, "transaction_tags": [1]}, "transaction_tags[0]"),
    ],
)
async def test_a_bad_field_of_a_refund_payment_is_named(shop, paid, fields, named):
    answer = await settle(shop, await shop.refund(paid), **fields)
    assert (answer.status, list(answer.fields)) == (400, [named])


async def test_deleting_a_refund_payment_reopens_the_refund(shop, paid):
    made = await shop.refund(paid, 5000)
    payment = await shop.refund_payment(made, 5000, external_id="rp-1")
    path = f"{REFUNDS}{made['id']}/payments/{payment['id']}/"
    answer = await shop.send("DELETE", path)
    assert (answer.status, answer.body) == (200, None)
    assert await status(shop, made) == "pending"
    answer = await shop.get(path)
    assert (answer.status, answer.code) == (404, "refund_payment_not_found")
    assert (await settle(shop, made, amount_cents=1, external_id="rp-1")).status == 201


async def test_a_refund_payment_is_found_in_its_own_refund_only(shop, paid):
    one, two = await shop.refund(paid, 100), await shop.refund(paid, 100)
    payment = await shop.refund_payment(one, 100)
    assert (await shop.get(f"{REFUNDS}{two['id']}/payments/{payment['id']}/")).status == 404


async def test_an_external_id_names_one_payment_of_each_refund(shop, paid):
    one, two = await shop.refund(paid, 100), await shop.refund(paid, 100)
    first = await shop.refund_payment(one, 60, external_id="p1")
    second = await settle(shop, two, amount_cents=100, external_id="p1")
    assert second.status == 201
    assert second.body["refund_id"] == two["id"]
    again = await settle(shop, one, amount_cents=60, external_id="p1")
    assert (again.status, again.body) == (200, first)
    assert [await status(shop, made) for made in (one, two)] == ["processing", "paid"]
    path = f"{REFUNDS}{one['id']}/payments/{first['id']}/"
    assert (await shop.send("DELETE", path)).status == 200
    assert (await settle(shop, two, amount_cents=100, external_id="p1")).body == second.body
    assert (await settle(shop, one, amount_cents=100, external_id="p1")).status == 201


async def test_money_goes_back_to_a_debit_card_too(shop, paid):
    payment = await shop.refund_payment(await shop.refund(paid), 1, method="debit_card")
    assert payment["method"] == "DEBIT_CARD"


async def test_the_books_know_the_sums(shop, paid):
    made = await shop.refund(paid, 5000)
    await shop.refund_payment(made, 2000)
    totals = shop.books.totals()
    assert (totals.invoiced, totals.paid, totals.outstanding) == (10_000, 10_000, 0)
    assert (totals.refunded, totals.refund_paid) == (5000, 2000)
