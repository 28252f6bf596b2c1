"""Customers."""

from __future__ import annotations

import pytest


async def ids(shop, **filters):
    return [row["id"] for row in (await shop.get("customers/", **filters)).body["results"]]


async def test_what_was_sent_comes_back(shop):
    sent = {
        "external_id": "c-1",
        "individual_name": "Ada Lovelace",
        "company_name": "Engines Ltd",
        "email": "ada@engines.example",
        "address_line1": "1 Mill Lane",
        "city": "London",
        "country": "GB",
        "tax_exempt": True,
        "credit_limit_cents": 50_000,
        "payment_terms_days": 14,
        "transaction_tags": ["vip", {"key": "region", "value": "uk"}],
        "metadata": {"crm": 17},
    }
    made = await shop.customer(**sent)
    assert made.items() >= sent.items()
    assert made["display_name"] == "Engines Ltd"
    assert made["full_address"] == "1 Mill Lane, London"
    assert (await shop.get(f"customers/{made['id']}/")).body == made


@pytest.mark.parametrize("field", ["company_name", "individual_name", "name"])
async def test_any_of_the_three_names_is_shown(shop, field):
    answer = await shop.post("customers/", {field: "Shown"})
    assert answer.body["display_name"] == "Shown"


async def test_a_new_customer_is_active(shop):
    made = await shop.customer()
    assert (made["status"], made["is_active"], made["is_archived"]) == ("active", True, False)


async def test_an_update_changes_what_was_sent_and_no_more(shop, clock):
    made = await shop.customer(email="old@x.example", city="Leeds")
    clock.advance(60)
    answer = await shop.send("PUT", f"customers/{made['id']}/", {"email": "new@x.example"})
    assert answer.status == 200
    expected = {**made, "email": "new@x.example", "updated_at": answer.body["updated_at"]}
    assert answer.body == expected
    assert answer.body["updated_at"] > made["updated_at"]


async def test_null_empties_a_field(shop):
    made = await shop.customer(email="old@x.example")
    answer = await shop.send("PUT", f"customers/{made['id']}/", {"email": None})
    assert "email" not in answer.body


async def test_the_external_id_can_be_changed(shop):
    made = await shop.customer(external_id="c-1")
    await shop.send("PUT", f"customers/{made['id']}/", {"external_id": "c-2"})
    assert (await shop.post("customers/", {"external_id": "c-2"})).body["id"] == made["id"]
    assert (await shop.post("customers/", {"external_id": "c-1"})).status == 201


async def test_an_external_id_of_another_is_refused_and_nothing_changes(shop):
    await shop.customer(external_id="c-1")
    made = await shop.customer(external_id="c-2", city="Leeds")
    change = {"external_id": "c-1", "city": "York"}
    for path in ("", "archive/"):
        method = "POST" if path else "PUT"
        answer = await shop.send(method, f"customers/{made['id']}/{path}", change)
        assert (answer.status, answer.code) == (409, "duplicate_external_id")
    assert (await shop.get(f"customers/{made['id']}/")).body == made


async def test_an_archived_customer_is_listed_only_when_asked_for(shop):
    kept, gone = await shop.customer(), await shop.customer()
    answer = await shop.post(f"customers/{gone['id']}/archive/")
    assert answer.status == 200
    assert (answer.body["status"], answer.body["is_archived"]) == ("archived", True)
    assert await ids(shop) == [kept["id"]]
    assert await ids(shop, include_archived="false") == [kept["id"]]
    assert await ids(shop, include_archived="true") == [kept["id"], gone["id"]]


async def test_an_archived_customer_can_still_be_invoiced_and_still_pay(shop):
    gone = await shop.customer()
    await shop.post(f"customers/{gone['id']}/archive/")
    invoice = await shop.invoice(500, customer_id=gone["id"])
    assert (await shop.payment(invoice, 500))["customer_id"] == gone["id"]


async def test_an_archived_customer_can_come_back(shop):
    made = await shop.customer()
    await shop.post(f"customers/{made['id']}/archive/")
    answer = await shop.post(f"customers/{made['id']}/unarchive/", {})
    assert (answer.body["status"], "archived_at" in answer.body) == ("active", False)


async def test_the_status_archives_and_brings_back_too(shop):
    made = await shop.customer(status="ARCHIVED")
    assert made["is_archived"]
    answer = await shop.send("PUT", f"customers/{made['id']}/", {"status": "active"})
    assert not answer.body["is_archived"]


async def test_a_customer_is_archived_once(shop):
    made = await shop.customer()
    assert (await shop.post(f"customers/{made['id']}/unarchive/")).status == 409
    await shop.post(f"customers/{made['id']}/archive/")
    answer = await shop.post(f"customers/{made['id']}/archive/")
    assert (answer.status, answer.code) == (409, "invalid_state")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PUT", ""), ("POST", "archive/")])
async def test_an_unknown_customer_is_not_found(shop, method, path):
    answer = await shop.send(method, f"customers/00000000-0000-4000-8000-000000000000/{path}", {})
    assert (answer.status, answer.code) == (404, "customer_not_found")


@pytest.mark.parametrize(
    ("field", "value"),
    [("credit_limit_cents", -1), ("tax_exempt", "yes"), ("email", 5), ("status", "asleep")],
)
async def test_a_bad_field_is_named(shop, field, value):
    answer = await shop.post("customers/", {field: value})
    assert (answer.status, list(answer.fields)) == (400, [field])
