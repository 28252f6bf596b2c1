"""Payments: their allocations, and what they do to the invoices."""

from __future__ import annotations

import pytest

from .caller import NOBODY

PAYMENTS = "invoices/payments/"


@pytest.fixture
async def buyer(shop):
    return await shop.customer(company_name="Buyer", email="buyer@x.example")


async def pay(shop, buyer, amount, *allocations, **fields):
    """The answer to a payment in the form of the reference."""
    body = {
        "customer_id": buyer["id"],
        "total_amount_cents": amount,
        "currency": "GBP",
        "payment_date": "2025-06-02",
        "payment_method": "bank_transfer",
        "allocations": [
            {"invoice_id": invoice["id"], "amount_cents": share} for invoice, share in allocations
        ],
        **fields,
    }
    return await shop.post(PAYMENTS, {k: v for k, v in body.items() if v is not ...})


async def patch(shop, payment, method="PATCH", **fields):
    return await shop.send(method, f"{PAYMENTS}{payment['id']}/", fields)


# --- create ----------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, buyer):
    sent = {"payment_reference": "R-1", "external_id": "p-1", "note": "thanks"}
    more = {"metadata": {"a": 1}, "references": {"bank_reference": "B-1"}}
    answer = await pay(shop, buyer, 500, **sent, **more, processing_fee_cents=15)
    made = answer.body["payment"]
    assert made.items() >= {**sent, "metadata": {"a": 1}, "bank_reference": "B-1"}.items()
    assert (made["status"], made["total_amount_cents"]) == ("completed", 500)
    seen = (await shop.get(f"{PAYMENTS}{made['id']}/")).body
    assert (seen["total_amount"], seen["processing_fee"], seen["net_amount"]) == (500, 15, 485)
    assert (seen["display_amount"], seen["payment_date"]) == ("5.00 GBP", "2025-06-02")
    assert (seen["customer_name"], seen["customer_email"]) == ("Buyer", "buyer@x.example")


async def test_a_bank_reference_that_is_no_text_is_not_shown(shop, buyer):
    made = await pay(shop, buyer, 500, references={"bank_reference": 17})
    assert "bank_reference" not in made.body["payment"]


async def test_an_invoice_goes_from_sent_over_partially_paid_to_paid(shop, buyer):
    invoice = await shop.invoice(10_000)
    assert invoice["status"] == "sent"
    await pay(shop, buyer, 4000, (invoice, 4000))
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_paid", 6000)
    assert "paid_at" not in seen
    await pay(shop, buyer, 6000, (invoice, 6000), payment_date="2025-06-09")
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("paid", 0)
    assert seen["paid_at"] == "2025-06-09T00:00:00Z"
    assert [one["amount_cents"] for one in seen["payment_allocations"]] == [4000, 6000]


async def test_paying_and_releasing_an_invoice_updates_it(shop, buyer, clock):
    invoice = await shop.invoice(500)
    clock.advance(60)
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    paid = await shop.seen(invoice)
    clock.advance(60)
    await patch(shop, made, allocations=[])
    released = await shop.seen(invoice)
    assert invoice["updated_at"] < paid["updated_at"] < released["updated_at"]


async def test_one_payment_pays_several_invoices_and_may_leave_a_rest(shop, buyer):
    one, two = await shop.invoice(300), await shop.invoice(500)
    made = (await pay(shop, buyer, 1000, (one, 300), (two, 200))).body["payment"]
    assert (made["allocated_amount_cents"], made["applied_amount_cents"]) == (500, 500)
    assert (made["unapplied_amount_cents"], made["remaining_amount_cents"]) == (500, 500)
    assert [
        (row["id"], row["applied_amount_cents"], row["status"], row["outstanding_amount_cents"])
        for row in made["applied_invoices"]
    ] == [(one["id"], 300, "paid", 0), (two["id"], 200, "partially_paid", 300)]
    seen = (await shop.get(f"{PAYMENTS}{made['id']}/")).body
    assert (seen["unallocated_amount"], seen["is_fully_allocated"]) == (500, False)
    assert [row["amount"] for row in seen["allocations"]] == [300, 200]


async def test_two_allocations_to_one_invoice_count_together(shop, buyer):
    invoice = await shop.invoice(500)
    answer = await pay(shop, buyer, 600, (invoice, 300), (invoice, 300))
    assert (answer.status, list(answer.fields)) == (400, ["allocations[1].amount_cents"])
    answer = await pay(shop, buyer, 500, (invoice, 300), (invoice, 200))
    assert answer.body["payment"]["allocated_amount_cents"] == 500


@pytest.mark.parametrize(
    "missing",
    ["customer_id", "total_amount_cents", "currency", "payment_date", "payment_method"],
)
@pytest.mark.parametrize("how", [..., None])
async def test_a_missing_field_is_named(shop, buyer, missing, how):
    answer = await pay(shop, buyer, 500, **{missing: how})
    assert answer.status == 400
    assert answer.fields == {missing: ["This field is required."]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("total_amount_cents", 0),
        ("total_amount_cents", -5),
        ("total_amount_cents", 5.0),
        ("total_amount_cents", 2**63),
        ("processing_fee_cents", -1),
        ("currency", "EUR"),
        ("currency", ""),
        ("payment_date", "2025-02-30"),
        ("payment_date", "2025-06-02T00:00:00Z"),
        ("payment_method", "barter"),
        ("payment_processor", "x" * 101),
        ("metadata", []),
        ("references", "x"),
        ("allocations", {}),
    ],
)
async def test_a_bad_field_is_named(shop, buyer, field, value):
    answer = await pay(shop, buyer, 500, **{field: value})
    assert (answer.status, list(answer.fields)) == (400, [field])


async def test_the_method_and_the_currency_are_taken_in_any_case(shop, buyer):
    made = await pay(shop, buyer, 500, payment_method="Credit_Card", currency="gbp")
    assert made.body["payment"]["payment_method"] == "credit_card"
    assert made.body["payment"]["currency"] == "GBP"


@pytest.mark.parametrize(
    ("allocation", "named"),
    [
        ({"invoice_id": NOBODY, "amount_cents": 1}, "invoice_id"),
        ({"amount_cents": 1}, "invoice_id"),
        ({"invoice_id": "{}"}, "amount_cents"),
        ({"invoice_id": "{}", "amount_cents": 0}, "amount_cents"),
        ({"invoice_id": "{}", "amount_cents": 10_001}, "amount_cents"),
    ],
)
async def test_a_bad_allocation_is_named_by_its_path(shop, buyer, allocation, named):
    good, invoice = await shop.invoice(), await shop.invoice(10_000)
    if allocation.get("invoice_id") == "{}":
        allocation = {**allocation, "invoice_id": invoice["id"]}
    allocations = [{"invoice_id": good["id"], "amount_cents": 1}, allocation]
    answer = await pay(shop, buyer, 50_000, allocations=allocations)
    assert (answer.status, list(answer.fields)) == (400, [f"allocations[1].{named}"])
    assert (await shop.seen(good))["status"] == "sent"
    assert not shop.books.payments


async def test_allocations_beyond_the_payment_are_refused(shop, buyer):
    one, two = await shop.invoice(500), await shop.invoice(500)
    answer = await pay(shop, buyer, 999, (one, 500), (two, 500))
    assert (answer.status, list(answer.fields)) == (400, ["allocations"])
    assert not shop.books.payments


async def test_an_invoice_is_not_paid_twice(shop, buyer):
    invoice = await shop.invoice(500)
    await pay(shop, buyer, 500, (invoice, 500))
    answer = await pay(shop, buyer, 1, (invoice, 1))
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount_cents"])


async def test_an_invoice_of_another_customer_is_refused(shop, buyer):
    invoice = await shop.invoice(customer_id=(await shop.customer())["id"])
    answer = await pay(shop, buyer, 500, (invoice, 500))
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].invoice_id"])


async def test_an_unknown_customer_is_named(shop):
    answer = await pay(shop, {"id": NOBODY}, 500)
    assert (answer.status, list(answer.fields)) == (400, ["customer_id"])


# --- the guides' form: one invoice, by its id ------------------------------------------


async def test_a_payment_by_invoice_id_belongs_to_the_invoices_customer(shop, buyer):
    invoice = await shop.invoice(customer_id=buyer["id"])
    payment = await shop.payment(invoice, 10_000)
    assert payment["customer_id"] == buyer["id"]
    assert (await shop.seen(invoice))["status"] == "paid"


async def test_an_invoice_without_a_customer_can_be_paid_by_its_id(shop):
    payment = await shop.payment(await shop.invoice(), 100)
    assert "customer_id" not in payment


async def test_a_payment_by_invoice_id_may_be_more_than_what_is_paid_of_the_invoice(shop):
    invoice = await shop.invoice(500)
    payment = await shop.payment(invoice, 500, total_amount_cents=800)
    assert (payment["total_amount_cents"], payment["unapplied_amount_cents"]) == (800, 300)


async def test_a_payment_by_invoice_id_takes_either_name_of_the_amount(shop):
    invoice = await shop.invoice(500)
    payment = await shop.payment(invoice, None, total_amount_cents=200)
    assert payment["allocated_amount_cents"] == 200
    assert (await shop.seen(invoice))["outstanding_balance"] == 300


async def test_a_payment_by_invoice_id_is_limited_by_the_invoice(shop):
    invoice = await shop.invoice(500)
    body = {"invoice_id": invoice["id"], "payment_date": "2025-06-02", "payment_method": "cash"}
    answer = await shop.post(PAYMENTS, {**body, "amount_cents": 501})
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount_cents"])
    answer = await shop.post(PAYMENTS, body)
    assert answer.fields == {"amount_cents": ["This field is required."]}
    answer = await shop.post(PAYMENTS, {**body, "amount_cents": 1, "invoice_id": NOBODY})
    assert (answer.status, list(answer.fields)) == (400, ["invoice_id"])


# --- PATCH and PUT ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_update_changes_what_was_sent_and_no_more(shop, buyer, clock, method):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500), note="old")).body["payment"]
    clock.advance(60)
    answer = await patch(shop, made, method, note="new", bank_reference="B-2")
    assert answer.status == 200
    changed = {"note": "new", "bank_reference": "B-2"}
    updated = {"updated_at": answer.body["payment"]["updated_at"]}
    assert answer.body["payment"] == {**made, **changed, **updated}
    assert updated["updated_at"] > made["updated_at"]


async def test_new_allocations_replace_the_old_ones(shop, buyer):
    one, two = await shop.invoice(500), await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (one, 500))).body["payment"]
    shares = [{"invoice_id": two["id"], "amount_cents": 200}]
    body = (await patch(shop, made, allocations=shares)).body["payment"]
    assert body["allocated_amount_cents"] == 200
    assert (await shop.seen(one))["status"] == "sent"
    assert (await shop.seen(two))["outstanding_balance"] == 300


async def test_an_allocation_that_stays_keeps_its_id(shop, buyer):
    one, two = await shop.invoice(500), await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (one, 500))).body["payment"]
    path = f"{PAYMENTS}{made['id']}/"
    before = (await shop.get(path)).body["allocations"]
    shares = [{"invoice_id": row["id"], "amount_cents": 250} for row in (two, one)]
    await patch(shop, made, allocations=shares)
    after = (await shop.get(path)).body["allocations"]
    ids = {row["invoice_id"]: row["id"] for row in after}
    assert ids[one["id"]] == before[0]["id"]
    assert ids[two["id"]] != before[0]["id"]


async def test_an_empty_list_releases_all_allocations(shop, buyer):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    body = (await patch(shop, made, allocations=[])).body["payment"]
    assert (body["applied_invoices"], body["unapplied_amount_cents"]) == ([], 500)
    assert (await shop.seen(invoice))["payment_allocations"] == []


async def test_the_amount_may_change_down_to_what_is_allocated(shop, buyer):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 800, (invoice, 500))).body["payment"]
    answer = await patch(shop, made, total_amount_cents=499)
    assert (answer.status, list(answer.fields)) == (400, ["total_amount_cents"])
    answer = await patch(shop, made, total_amount_cents=500)
    assert answer.body["payment"]["unapplied_amount_cents"] == 0
    shares = [{"invoice_id": invoice["id"], "amount_cents": 100}]
    answer = await patch(shop, made, total_amount_cents=100, allocations=shares)
    assert answer.body["payment"]["allocated_amount_cents"] == 100


async def test_a_refused_update_changes_nothing(shop, buyer):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500), external_id="p-1")).body["payment"]
    before = (await shop.get(f"{PAYMENTS}{made['id']}/")).body
    bad = {"allocations": [{"invoice_id": invoice["id"], "amount_cents": 501}]}
    good = {
        "total_amount_cents": 900,
        "note": "new",
        "external_id": "p-2",
        "customer_id": (await shop.customer())["id"],
        "status": "pending",
    }
    assert (await patch(shop, made, **good, **bad)).status == 400
    assert (await shop.get(f"{PAYMENTS}{made['id']}/")).body == before
    assert (await pay(shop, buyer, 1, external_id="p-2")).status == 201


async def test_the_customer_can_not_change_away_from_that_of_a_paid_invoice(shop, buyer):
    other = await shop.customer()
    invoice = await shop.invoice(500, customer_id=buyer["id"])
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    answer = await patch(shop, made, customer_id=other["id"])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].invoice_id"])
    answer = await patch(shop, made, customer_id=other["id"], allocations=[])
    assert answer.body["payment"]["customer_id"] == other["id"]


async def test_null_empties_texts_and_leaves_what_a_payment_needs(shop, buyer):
    made = (await pay(shop, buyer, 500, payment_reference="R-1")).body["payment"]
    needed = dict.fromkeys(
        "customer_id total_amount_cents currency payment_date payment_method status "
        "allocations".split()
    )
    body = (await patch(shop, made, **needed, payment_reference=None)).body["payment"]
    del made["payment_reference"]
    assert body == {**made, "updated_at": body["updated_at"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("currency", "EUR"), ("status", "lost"), ("customer_id", NOBODY), ("external_id", "")],
)
async def test_a_bad_change_is_named(shop, buyer, field, value):
    made = (await pay(shop, buyer, 500)).body["payment"]
    answer = await patch(shop, made, **{field: value})
    assert (answer.status, list(answer.fields)) == (400, [field])


async def test_an_external_id_of_another_payment_is_refused(shop, buyer):
    await pay(shop, buyer, 1, external_id="p-1")
    made = (await pay(shop, buyer, 1, external_id="p-2")).body["payment"]
    answer = await patch(shop, made, external_id="p-1")
    assert (answer.status, answer.code) == (409, "duplicate_external_id")


# --- status, cancelling, deleting ------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "processing", "COMPLETED", "refunded"])
async def test_a_payment_that_may_yet_count_keeps_its_allocations(shop, buyer, status):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    body = (await patch(shop, made, status=status)).body["payment"]
    assert (body["status"], body["allocated_amount_cents"]) == (status.lower(), 500)
    assert (await shop.seen(invoice))["status"] == "paid"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_a_payment_that_fails_or_is_cancelled_pays_nothing(shop, buyer, status):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    body = (await patch(shop, made, status=status)).body["payment"]
    assert (body["status"], body["allocated_amount_cents"]) == (status, 0)
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("sent", 500)
    assert shop.books.totals().paid == 0


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_such_a_payment_stays_so_and_pays_nothing_later(shop, buyer, status):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500)).body["payment"]
    await patch(shop, made, status=status)
    answer = await patch(shop, made, status="completed")
    assert (answer.status, answer.code) == (409, "invalid_state")
    shares = [{"invoice_id": invoice["id"], "amount_cents": 1}]
    answer = await patch(shop, made, allocations=shares)
    assert (answer.status, list(answer.fields)) == (400, ["allocations"])


@pytest.mark.parametrize("status", ["pending", "failed"])
async def test_deleting_cancels_a_pending_or_failed_payment(shop, buyer, status):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    await patch(shop, made, status=status)
    answer = await shop.post(f"{PAYMENTS}{made['id']}/delete/")
    assert answer.status == 200
    assert (answer.body["payment_id"], answer.body["status"]) == (made["id"], "cancelled")
    assert (await shop.seen(invoice))["status"] == "sent"
    assert (await shop.get(f"{PAYMENTS}{made['id']}/")).body["status"] == "cancelled"


@pytest.mark.parametrize("status", ["processing", "completed", "refunded", "cancelled"])
async def test_no_other_payment_is_deleted(shop, buyer, status):
    made = (await pay(shop, buyer, 500)).body["payment"]
    await patch(shop, made, status=status)
    answer = await shop.post(f"{PAYMENTS}{made['id']}/delete/")
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await shop.get(f"{PAYMENTS}{made['id']}/")).body["status"] == status


async def test_a_payment_stays_as_far_as_its_invoice_was_refunded(shop, buyer):
    invoice = await shop.invoice(500)
    made = (await pay(shop, buyer, 500, (invoice, 500))).body["payment"]
    await shop.refund(invoice, 200)
    shares = [{"invoice_id": invoice["id"], "amount_cents": 199}]
    for change in ({"status": "cancelled"}, {"allocations": []}, {"allocations": shares}):
        answer = await patch(shop, made, **change)
        assert (answer.status, answer.code) == (409, "invalid_state")
    await patch(shop, made, status="pending")
    assert (await shop.post(f"{PAYMENTS}{made['id']}/delete/")).status == 409
    shares[0]["amount_cents"] = 200
    assert (await patch(shop, made, allocations=shares)).status == 200


async def test_the_external_id_of_a_cancelled_payment_stays_taken(shop, buyer):
    made = (await pay(shop, buyer, 500, external_id="p-1")).body["payment"]
    await patch(shop, made, status="cancelled")
    answer = await pay(shop, buyer, 500, external_id="p-1")
    assert answer.status == 200
    assert (answer.body["payment"]["id"], answer.body["payment"]["status"]) == (
        made["id"],
        "cancelled",
    )


async def test_an_unknown_payment_is_not_found(shop):
    for method, path in [("GET", ""), ("PUT", ""), ("PATCH", ""), ("POST", "delete/")]:
        body = [] if method == "GET" else [{}]
        answer = await shop.send(method, f"{PAYMENTS}{NOBODY}/{path}", *body)
        assert (answer.status, answer.code) == (404, "payment_not_found")
