"""Invoices: what is kept of them, how they change, how they are voided, when they are overdue."""

from __future__ import annotations

import pytest

from .caller import NOBODY

DAY = 24 * 3600


async def put(shop, invoice, **fields):
    return await shop.send("PUT", f"invoices/{invoice['id']}/", fields)


async def void(shop, invoice, *body):
    return await shop.post(f"invoices/{invoice['id']}/void/", *body)


async def test_what_was_sent_comes_back(shop):
    customer = await shop.customer(external_id="c-1")
    item = {
        "external_id": "l-1",
        "description": "Work",
        "product": "hours",
        "quantity": 1.5,
        "unit_price": 9900,
        "tax_code": "EXEMPT",
    }
    sent = {
        "external_id": "i-1",
        "invoice_number": "2025-17",
        "memo": "thank you",
        "transaction_tags": ["a"],
        "metadata": {"order": 5},
    }
    made = await shop.invoice(**sent, customer_id=customer["id"], line_items=[item])
    assert made.items() >= sent.items()
    assert made["line_items"][0].items() >= item.items()
    assert made["customer"] == customer
    assert (made["status"], made["currency"]) == ("sent", "GBP")
    assert await shop.seen(made) == made


async def test_the_customer_may_be_named_by_its_external_id(shop):
    customer = await shop.customer(external_id="c-1")
    made = await shop.invoice(customer_external_id="c-1")
    assert made["customer"]["id"] == customer["id"]


@pytest.mark.parametrize("field", ["customer_id", "customer_external_id"])
async def test_an_unknown_customer_is_named(shop, field):
    answer = await shop.post(
        "invoices/",
        {
            "sent_at": "2025-06-01",
            "line_items": [{"quantity": 1, "unit_price": 1}],
            field: NOBODY,
        },
    )
    assert (answer.status, list(answer.fields)) == (400, [field])


async def test_a_customer_of_another_business_is_unknown(emulator, caller, shop):
    path = f"/v1/platform/businesses/{emulator.add_business('other')}/customers/"
    foreign = (await caller.send("POST", path, {"company_name": "C"})).body
    answer = await shop.post(
        "invoices/",
        {
            "sent_at": "2025-06-01",
            "line_items": [{"quantity": 1, "unit_price": 1}],
            "customer_id": foreign["id"],
        },
    )
    assert (answer.status, list(answer.fields)) == (400, ["customer_id"])


async def test_invoices_without_a_number_are_numbered(shop):
    numbers = [(await shop.invoice())["invoice_number"] for _ in range(2)]
    assert numbers == ["INV-000001", "INV-000002"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2025-06-01", "2025-06-01T00:00:00Z"),
        ("2025-06-01T09:30:00Z", "2025-06-01T09:30:00Z"),
        ("2025-06-01T09:30:00+02:00", "2025-06-01T07:30:00Z"),
    ],
)
async def test_days_and_instants_are_shown_as_instants_in_utc(shop, sent, shown):
    made = await shop.invoice(sent_at=sent, due_at=sent)
    assert (made["sent_at"], made["due_at"]) == (shown, shown)


@pytest.mark.parametrize(
    "sent",
    ["yesterday", "2025-06-31", "2025-06-01T09:30:00", "0001-01-01T00:00:00+10:00", 20250601, {}],
)
@pytest.mark.parametrize("field", ["sent_at", "due_at"])
async def test_a_bad_date_is_named(shop, field, sent):
    lines = [{"quantity": 1, "unit_price": 1}]
    answer = await shop.post(
        "invoices/", {"sent_at": "2025-06-01", "line_items": lines, field: sent}
    )
    assert (answer.status, list(answer.fields)) == (400, [field])


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"sent_at"}, {"sent_at"}),
        ({"line_items"}, {"line_items"}),
        ({"sent_at", "line_items"}, {"sent_at", "line_items"}),
    ],
)
async def test_missing_fields_are_all_named(shop, missing, named):
    body = {"sent_at": "2025-06-01", "line_items": [{"quantity": 1, "unit_price": 1}]}
    answer = await shop.post(
        "invoices/", {name: value for name, value in body.items() if name not in missing}
    )
    assert answer.status == 400
    assert answer.fields == {name: ["This field is required."] for name in named}


@pytest.mark.parametrize("field", ["quantity", "unit_price"])
async def test_a_missing_field_of_a_line_is_named_by_its_path(shop, field):
    whole = {"quantity": 1, "unit_price": 1}
    lines = [whole, {name: value for name, value in whole.items() if name != field}]
    answer = await shop.post("invoices/", {"sent_at": "2025-06-01", "line_items": lines})
    assert answer.status == 400
    assert answer.fields == {f"line_items[1].{field}": ["This field is required."]}


@pytest.mark.parametrize("lines", [None, {}, "x", [None], [5], [[]]])
async def test_lines_that_are_no_lines_are_named(shop, lines):
    answer = await shop.post("invoices/", {"sent_at": "2025-06-01", "line_items": lines})
    assert answer.status == 400
    assert next(iter(answer.fields)).startswith("line_items")


async def test_the_currency_is_that_of_the_business_in_any_case(shop):
    assert (await shop.invoice(currency="gbp"))["currency"] == "GBP"
    body = {"sent_at": "2025-06-01", "line_items": [{"quantity": 1, "unit_price": 1}]}
    answer = await shop.post("invoices/", {**body, "currency": "EUR"})
    assert (answer.status, list(answer.fields)) == (400, ["currency"])


async def test_an_invoice_over_nothing_is_paid_at_once(shop):
    made = await shop.invoice(0)
    assert (made["status"], made["paid_at"]) == ("paid", made["sent_at"])


async def test_an_unknown_invoice_is_not_found(shop):
    for method, path in [("GET", ""), ("PUT", ""), ("POST", "void/")]:
        answer = await shop.send(method, f"invoices/{NOBODY}/{path}", {})
        assert (answer.status, answer.code) == (404, "invoice_not_found")


# --- update ----------------------------------------------------------------------------


async def test_an_update_changes_what_was_sent_and_no_more(shop, clock):
    made = await shop.invoice(memo="old", invoice_number="1", due_at="2025-07-01")
    clock.advance(60)
    answer = await put(shop, made, memo="new")
    assert answer.status == 200
    assert answer.body == {**made, "memo": "new", "updated_at": answer.body["updated_at"]}
    assert answer.body["updated_at"] > made["updated_at"]


async def test_new_lines_make_a_new_total(shop):
    made = await shop.invoice(10_000, tips=5)
    answer = await put(shop, made, line_items=[{"quantity": 2, "unit_price": 300}])
    assert answer.body["total_amount"] == answer.body["outstanding_balance"] == 605


async def test_null_empties_the_due_date_and_leaves_lines_and_number(shop):
    made = await shop.invoice(due_at="2025-07-01", memo="old")
    nulls = dict.fromkeys(["due_at", "memo", "line_items", "invoice_number", "customer_id", "tips"])
    body = (await put(shop, made, **nulls)).body
    assert "due_at" not in body
    assert "memo" not in body
    assert body["line_items"] == made["line_items"]
    assert body["invoice_number"] == made["invoice_number"]


async def test_a_total_below_what_was_paid_is_refused_and_changes_nothing(shop):
    made = await shop.invoice(10_000)
    await shop.payment(made, 6000)
    before = await shop.seen(made)
    lines = [{"quantity": 1, "unit_price": 5999}]
    answer = await put(shop, made, line_items=lines, memo="new", external_id="new")
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert await shop.seen(made) == before


async def test_a_total_of_just_what_was_paid_makes_the_invoice_paid(shop):
    made = await shop.invoice(10_000)
    await shop.payment(made, 6000, payment_date="2025-06-05")
    body = (await put(shop, made, line_items=[{"quantity": 1, "unit_price": 6000}])).body
    assert (body["status"], body["outstanding_balance"]) == ("paid", 0)
    assert body["paid_at"] == "2025-06-05T00:00:00Z"


async def test_a_higher_total_makes_a_paid_invoice_partially_paid(shop):
    made = await shop.invoice(10_000)
    await shop.payment(made, 10_000)
    body = (await put(shop, made, line_items=[{"quantity": 1, "unit_price": 10_001}])).body
    assert (body["status"], body["outstanding_balance"]) == ("partially_paid", 1)
    assert "paid_at" not in body


async def test_the_customer_can_be_changed_until_a_customer_has_paid(shop):
    one, two = await shop.customer(), await shop.customer()
    made = await shop.invoice(customer_id=one["id"])
    assert (await put(shop, made, customer_id=two["id"])).body["customer"]["id"] == two["id"]
    await shop.payment(made, 100)
    answer = await put(shop, made, customer_id=one["id"])
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await put(shop, made, customer_id=two["id"])).status == 200


async def test_an_external_id_of_another_invoice_is_refused(shop):
    await shop.invoice(external_id="i-1")
    made = await shop.invoice(external_id="i-2")
    answer = await put(shop, made, external_id="i-1")
    assert (answer.status, answer.code) == (409, "duplicate_external_id")
    assert (await put(shop, made, external_id="i-2")).status == 200


async def test_a_new_external_id_frees_the_old_one(shop):
    made = await shop.invoice(external_id="i-1")
    await put(shop, made, external_id="i-2")
    again = await shop.invoice(external_id="i-1")
    assert again["id"] != made["id"]


# --- void ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [[], [{}], [{"memo": "mistake"}]])
async def test_a_voided_invoice_is_owed_no_more(shop, body):
    made = await shop.invoice()
    answer = await void(shop, made, *body)
    assert answer.status == 200
    assert (answer.body["status"], answer.body["outstanding_balance"]) == ("voided", 0)
    assert answer.body["voided_at"] == "2025-06-15T15:06:40Z"
    assert shop.books.totals().invoiced == 0


async def test_an_invoice_may_come_voided_already(shop):
    made = await shop.invoice(voided_at="2025-06-03T10:00:00+01:00")
    assert (made["status"], made["outstanding_balance"]) == ("voided", 0)
    assert made["voided_at"] == "2025-06-03T09:00:00Z"


async def test_an_invoice_is_voided_once(shop):
    made = await shop.invoice()
    await void(shop, made)
    answer = await void(shop, made)
    assert (answer.status, answer.code) == (409, "invalid_state")


async def test_an_invoice_with_payments_is_not_voided(shop):
    made = await shop.invoice()
    await shop.payment(made, 1)
    answer = await void(shop, made)
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await shop.seen(made))["status"] == "partially_paid"


async def test_an_invoice_whose_payment_was_cancelled_can_be_voided(shop):
    made = await shop.invoice()
    payment = await shop.payment(made, 1)
    await shop.send("PATCH", f"invoices/payments/{payment['id']}/", {"status": "cancelled"})
    assert (await void(shop, made)).status == 200


async def test_a_voided_invoice_is_not_changed_paid_or_refunded(shop):
    made = await shop.invoice()
    await void(shop, made)
    assert (await put(shop, made, memo="x")).status == 409
    payment = {"invoice_id": made["id"], "amount_cents": 1}
    day = {"payment_date": "2025-06-02", "payment_method": "cash"}
    answer = await shop.post("invoices/payments/", {**payment, **day})
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].invoice_id"])
    answer = await shop.post("invoices/refunds/", {"invoice_id": made["id"]})
    assert (answer.status, list(answer.fields)) == (400, ["invoice_id"])


# --- overdue ---------------------------------------------------------------------------


async def test_an_invoice_is_overdue_from_the_day_after_it_was_due(shop, clock):
    made = await shop.invoice(due_at="2025-06-15T08:00:00Z")  # today, 7 hours ago
    assert not made["is_overdue"]
    clock.advance(DAY)
    await shop.renew()
    seen = await shop.seen(made)
    assert (seen["is_overdue"], seen["status"]) == (True, "sent")


async def test_an_invoice_without_a_due_date_is_never_overdue(shop, clock):
    made = await shop.invoice()
    clock.advance(1000 * DAY)
    await shop.renew()
    assert not (await shop.seen(made))["is_overdue"]


async def test_what_is_paid_or_voided_is_not_overdue(shop):
    paid = await shop.invoice(due_at="2025-06-01")
    assert paid["is_overdue"]
    await shop.payment(paid, 10_000)
    assert not (await shop.seen(paid))["is_overdue"]
    voided = await shop.invoice(due_at="2025-06-01")
    assert not (await void(shop, voided)).body["is_overdue"]
