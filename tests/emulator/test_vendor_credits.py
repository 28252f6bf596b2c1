"""Vendor credits: what they come to, the bills that they settle, and what the ledger says."""

from __future__ import annotations

import json

import aiohttp
import pytest

from thredfi_async.emulator.books import Role

from .caller import NOBODY

CREDITS = "vendor-credits/"


@pytest.fixture
async def vendor(shop):
    return await shop.vendor(company_name="Supplier", external_id="v-1")


@pytest.fixture
async def bill(shop, vendor):
    """A bill over 10,000."""
    return await shop.bill(vendor, 10_000, bill_number="B-1")


async def create(shop, **fields):
    body = {"external_id": "vc-1", "line_items": [{"amount": 4000}], **fields}
    return await shop.post(CREDITS, body)


async def update(shop, credit, **fields):
    return await shop.send("PUT", f"{CREDITS}{credit['id']}/", fields)


def part(bill, amount):
    return {"bill_id": bill["id"], "amount": amount}


# --- create ----------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, vendor, bill):
    made = await shop.vendor_credit(
        vendor,
        0,
        external_id="vc-1",
        received_at="2025-06-05T10:00:00+02:00",
        source_bill_id=bill["id"],
        tags=[{"key": "project"}],
        line_items=[
            {"amount": 3000, "memo": "broken", "metadata": {"a": 1}},
            {"amount": 500, "expense_account_identifier": {"id": "7900"}, "tags": [{"k": "v"}]},
        ],
    )
    assert made["external_id"] == "vc-1"
    assert made["received_at"] == "2025-06-05T08:00:00Z"
    assert made["source_bill_id"] == bill["id"]
    assert made["tags"] == [{"key": "project"}]
    name = {"id": vendor["id"], "external_id": "v-1", "display_name": "Supplier"}
    assert (made["vendor"], made["currency"], made["document"]) == (name, "GBP", None)
    assert (made["status"], made["total_amount"], made["applied_amount"]) == ("received", 3500, 0)
    one, two = made["line_items"]
    assert (one["amount"], one["memo"], one["metadata"]) == (3000, "broken", {"a": 1})
    assert two["expense_account_identifier"]["id"] == shop.books.ledger.find("7900").id
    assert two["tags"] == ["v"]
    assert (await shop.get(f"{CREDITS}{made['id']}/")).body == made


async def test_a_credit_without_an_instant_is_received_now(shop, vendor):
    made = await create(shop, vendor_id=vendor["id"])
    assert made.body["received_at"] == "2025-06-15T15:06:40Z"


async def test_a_known_external_id_answers_with_the_existing_credit(shop, vendor):
    made = await create(shop, vendor_id=vendor["id"])
    again = await create(shop, vendor_id=vendor["id"], line_items=[{"amount": 1}])
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body


async def test_an_unknown_vendor_external_id_makes_the_vendor(shop):
    made = (await create(shop, vendor_external_id="v-9")).body
    assert made["vendor"]["external_id"] == made["vendor"]["display_name"] == "v-9"
    (listed,) = (await shop.get("vendors/")).body["results"]
    assert (listed["id"], listed["external_id"]) == (made["vendor"]["id"], "v-9")


async def test_a_known_vendor_external_id_finds_the_vendor(shop, vendor):
    made = (await create(shop, vendor_external_id="v-1")).body
    assert made["vendor"]["id"] == vendor["id"]


async def test_a_refused_credit_makes_no_vendor(shop, bill):
    answer = await create(shop, vendor_external_id="v-9", allocations=[part(bill, 1)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].bill_id"])
    assert (await shop.get("vendors/", external_id="v-9")).body["count"] == 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"external_id": None}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"vendor_id": None}, "vendor_id"),
        ({"vendor_id": ""}, "vendor_id"),
        ({"vendor_id": NOBODY}, "vendor_id"),
        ({"source_bill_id": NOBODY}, "source_bill_id"),
        ({"received_at": "2025-06-05"}, "received_at"),
        ({"line_items": None}, "line_items"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{}]}, "line_items[0].amount"),
        ({"line_items": [{"amount": 0}]}, "line_items[0].amount"),
        ({"line_items": [{"amount": 2**62}] * 3}, "line_items"),
        (
            {"line_items": [{"amount": 1, "expense_account_identifier": "none"}]},
            "line_items[0].expense_account_identifier",
        ),
        (
            {"line_items": [{"amount": 100, "sales_taxes": [{"amount": 101}]}]},
            "line_items[0].sales_taxes",
        ),
        (
            {"line_items": [{"amount": 100, "sales_taxes": [{"amount": "x"}]}]},
            "line_items[0].sales_taxes[0].amount",
        ),
        (
            {"line_items": [{"amount": 100, "sales_taxes": [{"amount": -1}]}]},
            "line_items[0].sales_taxes[0].amount",
        ),
        (
            {"line_items": [{"amount": 100, "sales_taxes": [{"code": "VAT_99"}]}]},
            "line_items[0].sales_taxes[0].code",
        ),
        ({"allocations": [{"amount": 1}]}, "allocations[0].bill_id"),
        ({"allocations": [{"bill_id": NOBODY}]}, "allocations[0].amount"),
        ({"allocations": [{"bill_id": NOBODY, "amount": 1}]}, "allocations[0].bill_id"),
        ({"document": {"file": NOBODY}}, "document.file"),
    ],
)
async def test_a_bad_field_is_named(shop, vendor, fields, named):
    answer = await create(shop, **{"vendor_id": vendor["id"], **fields})
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert not shop.books.vendor_credits
    assert not shop.books.ledger.entries


async def test_a_credit_comes_as_a_form_with_its_file(shop, vendor, bill):
    form = aiohttp.FormData()
    form.add_field("external_id", "vc-1")
    form.add_field("vendor_id", vendor["id"])
    form.add_field("line_items", json.dumps([{"amount": 4000}]))
    form.add_field("allocations", json.dumps([part(bill, 1000)]))
    form.add_field("document.file", b"%PDF", filename="note.pdf", content_type="application/pdf")
    answer = await shop.post(CREDITS, data=form)
    assert (answer.status, answer.body["applied_amount"]) == (201, 1000)
    document = answer.body["document"]
    assert (document["file_name"], document["file_size"]) == ("note.pdf", 4)


# --- allocations -----------------------------------------------------------------------


async def test_a_credit_goes_from_received_over_partially_applied_to_applied(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000)
    assert made["status"] == "received"
    answer = await update(shop, made, allocations=[part(bill, 1000)], notes="first")
    seen = answer.body
    assert (answer.status, seen["status"]) == (200, "partially_applied")
    assert seen["applied_amount"] == 1000
    (shown,) = seen["allocations"]
    assert (shown["bill_id"], shown["bill_number"]) == (bill["id"], "B-1")
    assert (shown["amount_cents"], shown["bill_outstanding_balance_cents"]) == (1000, 9000)
    assert shown["applied_at"] == "2025-06-15T15:06:40Z"
    seen = (await update(shop, made, allocations=[part(bill, 4000)])).body
    assert (seen["status"], seen["applied_amount"]) == ("applied", 4000)


async def test_a_credit_that_is_applied_settles_its_bill(shop, vendor, bill, clock):
    clock.advance(60)
    made = await shop.vendor_credit(vendor, 10_000, (bill, 4000))
    seen = await shop.seen_bill(bill)
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_paid", 6000)
    assert seen["updated_at"] > bill["updated_at"]
    (shown,) = seen["vendor_credit_allocations"]
    assert (shown["vendor_credit_id"], shown["amount_cents"]) == (made["id"], 4000)
    await update(shop, made, allocations=[part(bill, 4000), part(bill, 6000)])
    assert (await shop.seen_bill(bill))["status"] == "paid"


async def test_the_allocations_of_an_update_are_the_new_list(shop, vendor, bill):
    other = await shop.bill(vendor, 500)
    made = await shop.vendor_credit(vendor, 4000, (bill, 3000))
    seen = (await update(shop, made, allocations=[part(other, 500)])).body
    assert [one["bill_id"] for one in seen["allocations"]] == [other["id"]]
    assert (await shop.seen_bill(bill))["outstanding_balance"] == 10_000
    assert (await shop.seen_bill(other))["status"] == "paid"
    assert (await update(shop, made, allocations=[])).body["status"] == "received"
    assert (await shop.seen_bill(other))["vendor_credit_allocations"] == []


async def test_an_update_without_allocations_keeps_them(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, (bill, 3000))
    seen = (await update(shop, made, memo="x", allocations=None)).body
    assert seen["allocations"] == made["allocations"]


async def test_no_more_is_applied_than_the_credit_or_the_bill_has_left(shop, vendor, bill):
    small = await shop.bill(vendor, 300)
    made = await shop.vendor_credit(vendor, 1000, (bill, 200))
    answer = await update(shop, made, allocations=[part(bill, 1001)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations"])
    answer = await update(shop, made, allocations=[part(small, 200), part(small, 101)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[1].amount"])
    assert (await shop.seen_bill(bill))["outstanding_balance"] == 9800


async def test_another_vendors_bill_is_refused(shop, bill):
    other = await shop.vendor(company_name="Other")
    for fields in ({"allocations": [part(bill, 1)]}, {"source_bill_id": bill["id"]}):
        answer = await create(shop, vendor_id=other["id"], **fields)
        assert (answer.status, len(answer.fields)) == (400, 1)
        assert "another vendor" in str(answer.fields)


async def test_a_voided_bill_takes_no_credit_but_keeps_what_it_had(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, (bill, 3000))
    await shop.post(f"bills/{bill['id']}/void/")
    assert (await update(shop, made, allocations=[part(bill, 3000)])).status == 200
    answer = await update(shop, made, allocations=[part(bill, 3001)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount"])
    assert (await update(shop, made, allocations=[])).status == 200
    answer = await update(shop, made, allocations=[part(bill, 1)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].bill_id"])


# --- the other operations --------------------------------------------------------------


async def test_an_update_changes_what_is_sent(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, source_bill_id=bill["id"])
    sent = {"external_id": "vc-9", "tags": [{"a": "b"}], "received_at": "2025-06-07T00:00:00Z"}
    seen = (await update(shop, made, **sent, source_bill_id=None)).body
    assert seen.items() >= sent.items()
    assert seen["source_bill_id"] is None
    seen = (await update(shop, made, line_items=[{"amount": 5000}], tags=None)).body
    assert (seen["total_amount"], seen["tags"]) == (5000, [{"a": "b"}])
    assert (await create(shop, external_id="vc-9")).body["id"] == made["id"]


async def test_a_total_below_what_is_applied_is_refused(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, (bill, 3000))
    answer = await update(shop, made, line_items=[{"amount": 2999}])
    assert (answer.status, answer.code) == (409, "invalid_state")
    fields = {"line_items": [{"amount": 2999}], "allocations": [part(bill, 2999)]}
    assert (await update(shop, made, **fields)).status == 200


async def test_an_external_id_of_another_credit_is_refused(shop, vendor):
    await shop.vendor_credit(vendor, 1, external_id="vc-1")
    made = await shop.vendor_credit(vendor, 1, external_id="vc-2")
    answer = await update(shop, made, external_id="vc-1")
    assert (answer.status, answer.code) == (409, "duplicate_external_id")


async def test_a_deleted_credit_is_gone(shop, vendor):
    made = await shop.vendor_credit(vendor, 4000, external_id="vc-1")
    answer = await shop.send("DELETE", f"{CREDITS}{made['id']}/")
    assert (answer.status, answer.body) == (204, None)
    assert (await shop.get(f"{CREDITS}{made['id']}/")).code == "vendor_credit_not_found"
    assert shop.balance(Role.VENDOR_CREDITS) == shop.balance(Role.PURCHASES) == 0
    assert (await create(shop, vendor_id=vendor["id"])).status == 201


async def test_a_credit_that_is_applied_is_not_deleted(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, (bill, 1))
    answer = await shop.send("DELETE", f"{CREDITS}{made['id']}/")
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await shop.get(f"{CREDITS}{made['id']}/")).status == 200


async def test_what_was_refunded_of_a_credit_is_not_used_again(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000)
    back = [{"allocation_type": "credit", "amount_cents": 3000}]
    await shop.vendor_refund(vendor, 3000, allocations=back)
    changes = ({"allocations": [part(bill, 1001)]}, {"line_items": [{"amount": 2999}]})
    for fields in changes:
        answer = await update(shop, made, **fields)
        assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await shop.send("DELETE", f"{CREDITS}{made['id']}/")).status == 409
    assert (await update(shop, made, allocations=[part(bill, 1000)])).status == 200


async def test_lists_are_filtered(shop, vendor, bill):
    other = await shop.vendor(company_name="Other")
    day = "2025-06-{}T12:00:00Z"
    one = await shop.vendor_credit(vendor, 100, received_at=day.format("01"))
    two = await shop.vendor_credit(vendor, 100, (bill, 40), received_at=day.format("02"))
    three = await shop.vendor_credit(other, 100, received_at=day.format("03"), external_id="zz")
    for asked, found in [
        ({}, [one, two, three]),
        ({"status": "received,applied"}, [one, three]),
        ({"status": "PARTIALLY_APPLIED"}, [two]),
        ({"vendor_id": vendor["id"]}, [one, two]),
        ({"vendor_id": f"{vendor['id']},{other['id']}"}, [one, two, three]),
        ({"received_at_start": "2025-06-02T12:00:00Z"}, [two, three]),
        ({"received_at_end": "2025-06-02T12:00:00Z"}, [one, two]),
        ({"received_at_start": "2025-06-02", "received_at_end": "2025-06-02"}, [two]),
        ({"search": "other"}, [three]),
        ({"search": "ZZ"}, [three]),
    ]:
        rows = (await shop.get(CREDITS, **asked)).body["results"]
        assert [row["id"] for row in rows] == [credit["id"] for credit in found], asked


@pytest.mark.parametrize(
    "asked", [{"status": "lost"}, {"vendor_id": "x"}, {"received_at_start": "soon"}]
)
async def test_a_bad_filter_is_named(shop, asked):
    answer = await shop.get(CREDITS, **asked)
    assert (answer.status, list(answer.fields)) == (400, list(asked))


async def test_an_unknown_credit_is_not_found(shop):
    for method, *body in [("GET",), ("PUT", {}), ("DELETE",)]:
        answer = await shop.send(method, f"{CREDITS}{NOBODY}/", *body)
        assert (answer.status, answer.code) == (404, "vendor_credit_not_found")


# --- the ledger ------------------------------------------------------------------------


async def test_a_credit_takes_cost_and_tax_back(shop, vendor):
    lines = [
        {"amount": 1200, "sales_taxes": [{"code": "VAT_20"}]},
        {"amount": 110, "sales_taxes": [{"amount": 10}], "expense_account_identifier": "7900"},
    ]
    await shop.vendor_credit(vendor, 0, line_items=lines)
    assert shop.balance(Role.VENDOR_CREDITS) == 1310
    assert shop.balance(Role.PURCHASES) == -1000
    assert shop.balance(Role.INPUT_TAX) == -210
    assert shop.books.ledger.find("7900").net() == -100


async def test_what_is_applied_is_owed_no_more(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, (bill, 3000))
    assert shop.balance(Role.PAYABLE) == -7000
    assert shop.balance(Role.VENDOR_CREDITS) == 1000
    await update(shop, made, allocations=[])
    assert shop.balance(Role.PAYABLE) == -10_000
    assert shop.balance(Role.VENDOR_CREDITS) == 4000


async def test_what_is_taken_off_a_voided_bill_can_be_used_again(shop, vendor, bill):
    made = await shop.vendor_credit(vendor, 4000, (bill, 3000))
    await shop.post(f"bills/{bill['id']}/void/")
    for allocations in ([part(bill, 1000)], []):
        await update(shop, made, allocations=allocations)
        assert shop.balance(Role.VENDOR_CREDITS) == 4000
        assert shop.balance(Role.PAYABLE) == 0


async def test_a_credit_counts_from_its_day_and_its_use_from_today(shop, vendor, bill):
    await shop.vendor_credit(vendor, 4000, (bill, 3000), received_at="2025-06-05T00:00:00Z")
    days = {entry.posting.text: str(entry.day) for entry in shop.books.ledger.entries.values()}
    assert days["Vendor credit vc-1"] == "2025-06-05"
    assert days["Vendor credit vc-1 applied"] == "2025-06-15"
