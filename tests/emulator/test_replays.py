"""What happens when a create is sent again."""

from __future__ import annotations

import pytest

from .caller import NOBODY

BUSINESS = {
    "external_id": "b1",
    "legal_name": "B One",
    "entity_type": "limited",
    "email": "b1@business.example",
}
INVOICE = {"sent_at": "2025-06-01", "line_items": [{"quantity": 1, "unit_price": 500}]}


async def test_a_business_is_created_once(caller, emulator):
    first = await caller.send("POST", "/v1/platform/businesses/", BUSINESS)
    again = await caller.send(
        "POST", "/v1/platform/businesses/", {**BUSINESS, "legal_name": "Other"}
    )
    assert (first.status, again.status) == (201, 200)
    assert (first.body["_meta"], again.body["_meta"]) == ({"created": True}, {"created": False})
    assert again.body["id"] == first.body["id"]
    assert again.body["legal_name"] == "B One"


@pytest.fixture
async def creates(shop):
    """Path and body, without external_id, of a create of every resource of a business."""
    customer = await shop.customer()
    invoice = await shop.invoice()
    await shop.payment(invoice, 10_000)
    refund = await shop.refund(invoice, 4000)
    payment = {"payment_date": "2025-06-02", "payment_method": "cash", "currency": "GBP"}
    return {
        "customer": ("customers/", {"company_name": "C"}),
        "invoice": ("invoices/", INVOICE),
        "payment": (
            "invoices/payments/",
            {**payment, "customer_id": customer["id"], "total_amount_cents": 100},
        ),
        "refund": ("invoices/refunds/", {"invoice_id": invoice["id"], "amount_cents": 100}),
        "refund payment": (
            f"invoices/refunds/{refund['id']}/payments/",
            {"amount_cents": 100, "method": "CASH"},
        ),
    }


NAMELESS = ["customer", "invoice", "payment", "refund"]  # those that need no external_id
RESOURCES = [*NAMELESS, "refund payment"]


def row(body):
    return body.get("payment", body)


@pytest.mark.parametrize("resource", RESOURCES)
async def test_the_same_external_id_gives_200_and_the_resource_as_it_is(shop, creates, resource):
    path, body = creates[resource]
    first = await shop.post(path, {**body, "external_id": "x-1"})
    before = shop.books.totals()
    again = await shop.post(path, {**body, "external_id": "x-1"})
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert row(first.body)["external_id"] == "x-1"
    assert shop.books.totals() == before


@pytest.mark.parametrize("resource", RESOURCES)
async def test_the_same_external_id_with_another_body_changes_nothing(shop, creates, resource):
    path, body = creates[resource]
    first = await shop.post(path, {**body, "external_id": "x-1"})
    other = {
        **body,
        "external_id": "x-1",
        "company_name": "Other",
        "memo": "other",
        "note": "other",
        "amount_cents": 5,
        "total_amount_cents": 5,
    }
    again = await shop.post(path, other)
    assert again.status == 200
    assert again.body == first.body


@pytest.mark.parametrize("resource", RESOURCES)
async def test_another_external_id_makes_another(shop, creates, resource):
    path, body = creates[resource]
    one = await shop.post(path, {**body, "external_id": "x-1"})
    two = await shop.post(path, {**body, "external_id": "x-2"})
    assert (one.status, two.status) == (201, 201)
    assert row(one.body)["id"] != row(two.body)["id"]


@pytest.mark.parametrize("resource", NAMELESS)
async def test_without_an_external_id_each_create_makes_another(shop, creates, resource):
    path, body = creates[resource]
    one, two = await shop.post(path, body), await shop.post(path, body)
    assert (one.status, two.status) == (201, 201)
    assert row(one.body)["id"] != row(two.body)["id"]


@pytest.mark.parametrize("resource", RESOURCES)
async def test_a_blank_external_id_is_refused(shop, creates, resource):
    path, body = creates[resource]
    answer = await shop.post(path, {**body, "external_id": ""})
    assert (answer.status, list(answer.fields)) == (400, ["external_id"])


@pytest.mark.parametrize("resource", NAMELESS)
async def test_null_for_the_external_id_is_as_good_as_none(shop, creates, resource):
    path, body = creates[resource]
    answer = await shop.post(path, {**body, "external_id": None})
    assert answer.status == 201
    assert "external_id" not in row(answer.body)


async def test_the_same_external_id_may_name_one_thing_of_each_kind(shop, creates):
    for path, body in creates.values():
        assert (await shop.post(path, {**body, "external_id": "same"})).status == 201


async def test_an_external_id_is_known_in_its_own_business_only(emulator, shop, caller):
    other = emulator.add_business("other")
    path = "/v1/platform/businesses/{}/customers/"
    body = {"external_id": "c-1", "company_name": "C"}
    one = await caller.send("POST", path.format(shop.id), body)
    two = await caller.send("POST", path.format(other), body)
    assert (one.status, two.status) == (201, 201)


async def test_a_refused_create_does_not_take_the_external_id(shop):
    bad = await shop.post("invoices/", {**INVOICE, "external_id": "x", "customer_id": NOBODY})
    good = await shop.post("invoices/", {**INVOICE, "external_id": "x"})
    assert (bad.status, good.status) == (400, 201)


# --- Idempotency-Key -------------------------------------------------------------------


@pytest.fixture
async def pay(shop):
    """Pays 100 with an Idempotency-Key."""
    customer = await shop.customer()

    async def call(key, amount=100, **more):
        body = {
            "customer_id": customer["id"],
            "total_amount_cents": amount,
            "currency": "GBP",
            "payment_date": "2025-06-02",
            "payment_method": "cash",
            **more,
        }
        return await shop.post("invoices/payments/", body, headers={"Idempotency-Key": key})

    return call


async def test_the_same_key_gives_200_and_the_stored_answer(shop, pay):
    first, again = await pay("k-1"), await pay("k-1")
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert first.body["payment"]["idempotency_key"] == "k-1"
    assert len(shop.books.payments) == 1


async def test_the_same_key_with_another_body_is_refused(shop, pay):
    await pay("k-1")
    again = await pay("k-1", amount=999)
    assert (again.status, again.code) == (409, "idempotency_key_reused")
    assert len(shop.books.payments) == 1


async def test_the_stored_answer_is_the_one_of_then(shop, pay):
    first = await pay("k-1")
    path = f"invoices/payments/{first.body['payment']['id']}/"
    assert (await shop.send("PATCH", path, {"total_amount_cents": 700})).status == 200
    assert (await pay("k-1")).body == first.body


async def test_another_key_makes_another_payment(shop, pay):
    assert (await pay("k-1")).status == (await pay("k-2")).status == 201
    assert len(shop.books.payments) == 2


async def test_a_known_external_id_counts_whatever_the_key(shop, pay):
    first = await pay("k-1", external_id="p-1")
    again = await pay("k-2", external_id="p-1")
    assert again.status == 200
    assert again.body["payment"]["id"] == first.body["payment"]["id"]


async def test_a_key_stays_with_the_body_that_it_came_with_first(shop, pay):
    await pay("k-1", external_id="p-1")
    await pay("k-2", external_id="p-1")
    assert (await pay("k-2", external_id="p-2")).status == 409


async def test_a_known_external_id_gives_what_is_there_also_under_a_key_of_another_body(shop, pay):
    first = await pay("k-1", external_id="p-1")
    again = await pay("k-1", external_id="p-1", amount=999)
    assert again.status == 200
    assert again.body["payment"]["id"] == first.body["payment"]["id"]


async def test_a_key_whose_call_was_refused_is_still_free(shop, pay):
    assert (await pay("k-1", currency="EUR")).status == 400
    assert (await pay("k-1")).status == 201


async def test_a_key_is_known_in_its_own_business_only(emulator, caller, shop, pay):
    await pay("k-1")
    path = f"/v1/platform/businesses/{emulator.add_business('other')}"
    customer = await caller.send("POST", f"{path}/customers/", {"company_name": "C"})
    body = {
        "customer_id": customer.body["id"],
        "total_amount_cents": 100,
        "currency": "GBP",
        "payment_date": "2025-06-02",
        "payment_method": "cash",
    }
    answer = await caller.send(
        "POST", f"{path}/invoices/payments/", body, headers={"Idempotency-Key": "k-1"}
    )
    assert answer.status == 201


async def test_a_key_that_is_not_ascii_is_refused(pay):
    answer = await pay("schlüssel")
    assert (answer.status, list(answer.fields)) == (400, ["Idempotency-Key"])


@pytest.mark.parametrize("name", ["invoice_id", "customer_id", "allocations[0].invoice_id"])
async def test_what_is_no_uuid_is_refused_in_a_repeat_too(shop, name):
    invoice = await shop.invoice()
    await shop.payment(invoice, 100, external_id="p-1")
    allocation = {"invoice_id": invoice["id"], "amount_cents": 1}
    body = {"amount_cents": 100, "payment_date": "2025-06-02", "payment_method": "cash"}
    body |= {"invoice_id": invoice["id"], "external_id": "p-1", "allocations": [allocation]}
    (allocation if "allocations" in name else body)[name.rpartition(".")[2]] = ""
    answer = await shop.post("invoices/payments/", body)
    assert (answer.status, list(answer.fields)) == (400, [name])
