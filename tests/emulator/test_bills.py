"""Bills: amounts, changes, the void, and what the ledger holds of them."""

from __future__ import annotations

from datetime import date

import aiohttp
import pytest

from thredfi_async.emulator.books import Role
from thredfi_async.emulator.books.aging import agings

from .caller import NOBODY

LINE = {"quantity": 1, "unit_price": 10_000}


@pytest.fixture
async def mill(shop):
    return await shop.vendor(external_id="mill")


async def put(shop, bill, **fields):
    return await shop.send("PUT", f"bills/{bill['id']}/", fields)


async def void(shop, bill):
    return await shop.post(f"bills/{bill['id']}/void/")


# --- create ----------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, mill):
    sent = {
        "external_id": "b-1",
        "bill_number": "B-17",
        "vendor_bill_number": "M-2025-1",
        "purchase_order_number": "PO-9",
        "memo": "Flour",
        "reference_numbers": ["R-1", "R-2"],
        "attachment_urls": ["https://mill.example/1.pdf"],
        "received_at": "2025-06-02T09:00:00Z",
        "due_at": "2025-07-01T00:00:00Z",
        "approved_at": "2025-06-03T09:00:00Z",
        "currency": "GBP",
    }
    line = {"quantity": 1.5, "unit_price": 101, "description": "Rye", "product": "rye"}
    made = await shop.bill(mill, **sent, bill_date="2025-05-31", line_items=[line])
    assert made.items() >= {**sent, "issue_date": "2025-05-31", "vendor": mill}.items()
    assert made.items() >= {"status": "received", "is_overdue": False}.items()
    assert (made["subtotal"], made["total_amount"], made["outstanding_balance"]) == (152,) * 3
    (shown,) = made["line_items"]
    purchases = shop.books.ledger.of(Role.PURCHASES).id
    assert shown == {
        **line, "id": shown["id"], "bill_id": made["id"], "currency": "GBP", "tax_rate": 0,
        "subtotal": 152, "sales_taxes_total": 0, "total_amount": 152,
        "account_identifier": {"type": "AccountId", "id": purchases},
    }  # fmt: skip
    assert await shop.seen_bill(made) == made


async def test_what_was_not_sent_is_filled_in(shop):
    answer = await shop.post("bills/", {"external_id": "b-1", "line_items": [LINE]})
    made = answer.body
    assert (made["bill_number"], made["issue_date"]) == ("BILL-000001", "2025-06-15")
    assert made["received_at"] == made["created_at"]
    assert not {"vendor", "due_at", "memo", "terms", "paid_at", "voided_at"} & made.keys()


async def test_the_day_of_receipt_is_the_date_of_a_bill_without_one(shop, mill):
    assert (await shop.bill(mill))["issue_date"] == "2025-06-01"


async def test_the_vendor_may_be_named_by_external_id(shop, mill):
    made = await shop.bill({"id": None}, vendor_external_id="mill")
    assert made["vendor"] == mill


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"vendor_id": NOBODY}, "vendor_id"),
        ({"vendor_id": None, "vendor_external_id": "nobody"}, "vendor_external_id"),
        ({"currency": "USD"}, "currency"),
        ({"external_id": ""}, "external_id"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{**LINE, "unit_price": -1}]}, "line_items"),
        ({"line_items": [{**LINE, "quantity": 1e30}]}, "line_items[0].quantity"),
        ({"line_items": [{**LINE, "account_identifier": "9"}]}, "line_items[0].account_identifier"),
        ({"line_items": [{**LINE, "account_identifier": {"type": "AccountId", "id": 9}}]},
         "line_items[0].account_identifier"),
        ({"line_items": [{**LINE, "sales_taxes": [{"amount": "9"}]}]},
         "line_items[0].sales_taxes[0].amount"),
        ({"line_items": [{**LINE, "sales_taxes": [{"code": "X"}]}]},
         "line_items[0].sales_taxes[0].code"),
        ({"line_items": [{**LINE, "sales_taxes": [{}, {"code": ["X"]}]}]},
         "line_items[0].sales_taxes[1].code"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_leaves_no_trace(shop, mill, fields, named):
    body = {"external_id": "b-1", "vendor_id": mill["id"], "line_items": [LINE]}
    answer = await shop.post("bills/", {**body, **fields})
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert (await shop.get("bills/")).body["count"] == 0
    assert not shop.books.ledger.entries


async def test_a_known_external_id_answers_the_bill_that_there_is(shop, mill):
    made = await shop.bill(mill, external_id="b-1")
    again = await shop.post(
        "bills/", {"external_id": "b-1", "line_items": [{**LINE, "quantity": 9}]}
    )
    assert (again.status, again.body) == (200, made)
    assert shop.owed(made) == 10_000


async def test_an_unknown_bill_is_404(shop):
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "void/")):
        answer = await shop.send(method, f"bills/{NOBODY}/{path}")
        assert (answer.status, answer.code) == (404, "bill_not_found")


async def test_a_form_brings_the_lines_as_json_and_the_document(shop, mill):
    form = aiohttp.FormData({"external_id": "b-1", "vendor_id": mill["id"]})
    form.add_field("line_items", '[{"quantity": 2, "unit_price": 50}]')
    form.add_field("document.file", b"%PDF", filename="bill.pdf", content_type="application/pdf")
    answer = await shop.post("bills/", data=form)
    assert (answer.status, answer.body["total_amount"]) == (201, 100)
    assert answer.body["document"]["file_name"] == "bill.pdf"
    assert (await put(shop, answer.body, memo="x")).body["document"] == answer.body["document"]


# --- tax and accounts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taxes", "tax", "rate"),
    [
        ([{"code": "VAT_20"}], 2000, 0.2),
        ([{"code": "VAT_20", "amount": 1999}], 1999, 0.1999),
        ([{"name": "City tax", "amount": 500}, {"code": "VAT_20"}], 2500, 0.25),
        ([], 0, 0),
    ],
)
async def test_tax_is_what_was_given_or_follows_from_the_code(shop, mill, taxes, tax, rate):
    made = await shop.bill(mill, line_items=[{**LINE, "sales_taxes": taxes}])
    (line,) = made["line_items"]
    assert (line["sales_taxes_total"], line["tax_rate"]) == (tax, rate)
    assert (made["subtotal"], made["additional_sales_taxes_total"]) == (10_000, tax)
    assert made["total_amount"] == line["total_amount"] == 10_000 + tax


async def test_a_bill_is_owed_and_its_lines_cost_what_they_say(shop, mill):
    rent = shop.books.ledger.of(Role.EXPENSES)
    lines = [
        {**LINE, "sales_taxes": [{"code": "VAT_20"}]},
        {"quantity": 1, "unit_price": 300, "account_identifier": {"id": rent.id}},
        {"quantity": 1, "unit_price": 7, "account_identifier": rent.code},
    ]
    made = await shop.bill(mill, line_items=lines, bill_date="2025-05-31")
    assert [line["account_identifier"]["id"] for line in made["line_items"][1:]] == [rent.id] * 2
    roles = (Role.PURCHASES, Role.EXPENSES, Role.INPUT_TAX, Role.PAYABLE)
    assert shop.balances(*roles) == [10_000, 307, 2000, -12_307]
    (entry,) = shop.books.ledger.entries.values()
    assert (entry.day, entry.source.external_id) == (date(2025, 5, 31), made["external_id"])
    assert shop.owed(made) == 12_307


async def test_a_bill_that_comes_to_nothing_is_paid(shop, mill):
    lines = [{"quantity": 1, "unit_price": 5}, {"quantity": -1, "unit_price": 5}]
    made = await shop.bill(mill, line_items=lines)
    assert (made["status"], made["total_amount"]) == ("paid", 0)
    assert made["paid_at"] == made["received_at"]


# --- what is due -----------------------------------------------------------------------


async def test_a_bill_is_overdue_after_its_due_day(shop, mill, clock):
    made = await shop.bill(mill, due_at="2025-06-15T08:00:00Z")
    assert not made["is_overdue"]
    clock.advance(24 * 3600)
    await shop.renew()
    assert (await shop.seen_bill(made))["is_overdue"]
    await shop.bill_payment(mill, 10_000, (made, 10_000))
    assert not (await shop.seen_bill(made))["is_overdue"]


async def test_the_aging_is_what_the_account_holds(shop, mill):
    farm = await shop.vendor(company_name="Farm")
    await shop.bill(mill, 500, due_at="2025-05-01T00:00:00Z", bill_date="2025-04-01")
    late = await shop.bill(mill, 300, due_at="2025-06-10T00:00:00Z")
    await shop.bill(farm, 1000)
    await shop.bill_payment(mill, 100, (late, 100))
    day = date(2025, 6, 15)
    found = agings(shop.books.ledger, Role.PAYABLE, day)
    assert [(aging.party.name, aging.total) for aging in found] == [
        ("Farm", 1000),
        ("Mill Ltd", 700),
    ]
    assert (found[1].bands["days_1_30"], found[1].bands["days_31_60"]) == (200, 500)
    assert sum(aging.total for aging in found) == -shop.balance(Role.PAYABLE)


# --- change ----------------------------------------------------------------------------


async def test_an_update_changes_what_was_sent_and_no_more(shop, mill, clock):
    made = await shop.bill(mill, memo="Flour", due_at="2025-07-01T00:00:00Z")
    clock.advance(60)
    answer = await put(shop, made, bill_terms="net_30", bill_number="B-2", memo=None)
    assert answer.status == 200
    expected = {**made, "terms": "net_30", "bill_number": "B-2"}
    del expected["memo"]
    assert answer.body == {**expected, "updated_at": answer.body["updated_at"]}
    assert answer.body["updated_at"] > made["updated_at"]


async def test_null_empties_what_can_be_empty_and_leaves_the_rest(shop, mill):
    instants = {"due_at": "2025-07-01T00:00:00Z", "approved_at": "2025-06-02T00:00:00Z"}
    made = await shop.bill(mill, **instants, reference_numbers=["R-1"], external_id="b-1")
    nulls = dict.fromkeys([*instants, "reference_numbers", "line_items", "received_at"])
    changed = (await put(shop, made, **nulls, external_id=None, bill_number=None)).body
    assert not instants.keys() & changed.keys()
    kept = {**made, "reference_numbers": [], "updated_at": changed["updated_at"]}
    assert changed == {name: kept[name] for name in kept.keys() - instants.keys()}


async def test_new_lines_replace_the_old_ones_in_the_ledger_too(shop, mill):
    made = await shop.bill(mill, line_items=[{**LINE, "sales_taxes": [{"code": "VAT_20"}]}])
    changed = (await put(shop, made, line_items=[{"quantity": 1, "unit_price": 70}])).body
    assert (changed["total_amount"], changed["outstanding_balance"]) == (70, 70)
    assert shop.balances(Role.PURCHASES, Role.INPUT_TAX, Role.PAYABLE) == [70, 0, -70]
    assert {entry.day for entry in shop.books.ledger.entries.values()} == {date(2025, 6, 1)}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"line_items": [{"quantity": 1, "unit_price": 3999}]}, 409),
        ({"vendor_external_id": "farm"}, 409),
        ({"vendor_id": NOBODY}, 400),
        ({"external_id": "taken"}, 409),
        ({"currency": "USD"}, 400),
        ({"line_items": []}, 400),
        ({"received_at": "0001-01-01T00:00:00+09:00"}, 400),
    ],
)
async def test_a_refused_update_leaves_the_bill_as_it_is(shop, mill, fields, status):
    await shop.vendor(external_id="farm")
    await shop.bill(mill, external_id="taken")
    made = await shop.bill(mill)
    await shop.bill_payment(mill, 4000, (made, 4000))
    before = await shop.seen_bill(made)
    answer = await put(shop, made, memo="changed", **fields)
    assert answer.status == status
    assert await shop.seen_bill(made) == before
    assert shop.owed(made) == 6000


async def test_a_bill_can_become_less_down_to_what_was_paid(shop, mill):
    made = await shop.bill(mill)
    await shop.bill_payment(mill, 4000, (made, 4000))
    changed = await put(shop, made, line_items=[{"quantity": 1, "unit_price": 4000}])
    assert (changed.body["status"], changed.body["outstanding_balance"]) == ("paid", 0)


async def test_an_unpaid_bill_can_be_given_to_another_vendor(shop, mill):
    farm = await shop.vendor(company_name="Farm")
    made = await shop.bill(mill)
    assert (await put(shop, made, vendor_id=farm["id"])).body["vendor"] == farm


# --- what settles it -------------------------------------------------------------------


async def test_a_credit_settles_a_bill_as_a_payment_does(shop, mill):
    made = await shop.bill(mill)
    credit = await shop.vendor_credit(mill, 6000, (made, 6000))
    seen = await shop.seen_bill(made)
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_paid", 4000)
    (shown,) = seen["vendor_credit_allocations"]
    assert (shown["vendor_credit_id"], shown["amount_cents"]) == (credit["id"], 6000)
    assert shown["vendor_credit_number"] == credit["external_id"]
    await shop.bill_payment(mill, 4000, (made, 4000))
    seen = await shop.seen_bill(made)
    assert (seen["status"], seen["paid_at"]) == ("paid", shown["applied_at"])
    assert shop.owed(made) == 0
    answer = await put(shop, made, line_items=[{"quantity": 1, "unit_price": 9999}])
    assert answer.status == 409


async def test_a_refund_leaves_the_bill_paid(shop, mill):
    made = await shop.bill(mill)
    await shop.bill_payment(mill, 10_000, (made, 10_000))
    some = {"allocation_type": "bill", "bill_id": made["id"], "amount_cents": 2500}
    refund = await shop.vendor_refund(mill, 2500, allocations=[some], reference_number="R-1")
    seen = await shop.seen_bill(made)
    assert (seen["status"], seen["outstanding_balance"]) == ("paid", 0)
    (shown,) = seen["vendor_refund_allocations"]
    assert (shown["vendor_refund_id"], shown["amount_cents"]) == (refund["id"], 2500)
    assert shown["reference_number"] == "R-1"


# --- void ------------------------------------------------------------------------------


async def test_a_voided_bill_is_not_owed_any_more(shop, mill, clock):
    made = await shop.bill(mill, line_items=[{**LINE, "sales_taxes": [{"code": "VAT_20"}]}])
    clock.advance(24 * 3600)
    await shop.renew()
    answer = await void(shop, made)
    assert (answer.status, answer.body["status"]) == (200, "voided")
    assert answer.body["voided_at"] == answer.body["updated_at"] == "2025-06-16T15:06:40Z"
    assert (answer.body["outstanding_balance"], answer.body["total_amount"]) == (0, 12_000)
    assert shop.balances(Role.PURCHASES, Role.INPUT_TAX, Role.PAYABLE) == [0, 0, 0]
    payable = shop.books.ledger.of(Role.PAYABLE)
    assert payable.net(None, date(2025, 6, 15)) == -12_000
    assert (await put(shop, made, memo="x")).status == 409
    assert (await void(shop, made)).status == 409


async def test_what_paid_a_voided_bill_is_a_prepayment_and_stays_allocated(shop, mill):
    made = await shop.bill(mill)
    payment = await shop.bill_payment(mill, 5000, (made, 4000))
    credit = await shop.vendor_credit(mill, 1000, (made, 1000))
    voided = (await void(shop, made)).body
    (shown,) = voided["bill_payment_allocations"]
    assert (shown["bill_payment_id"], shown["amount_cents"]) == (payment["id"], 4000)
    assert [one["vendor_credit_id"] for one in voided["vendor_credit_allocations"]] == [
        credit["id"]
    ]
    roles = (Role.PAYABLE, Role.VENDOR_PREPAYMENTS, Role.VENDOR_CREDITS, Role.BANK)
    assert shop.balances(*roles) == [0, 5000, 1000, -5000]
    assert shop.balance(Role.PURCHASES) == -1000
    assert shop.owed(made) == 0


async def test_taking_a_payment_off_a_voided_bill_leaves_nothing_of_it(shop, mill):
    made = await shop.bill(mill)
    payment = await shop.bill_payment(mill, 4000, (made, 4000))
    await void(shop, made)
    await shop.post(f"bills/payments/{payment['id']}/delete/")
    assert (await shop.seen_bill(made))["bill_payment_allocations"] == []
    assert shop.balances(Role.PAYABLE, Role.VENDOR_PREPAYMENTS, Role.BANK) == [0, 0, 0]


async def test_a_refund_of_a_bill_that_is_voided_takes_back_the_prepayment(shop, mill):
    made = await shop.bill(mill)
    await shop.bill_payment(mill, 10_000, (made, 10_000))
    some = {"allocation_type": "bill", "bill_id": made["id"], "amount_cents": 2500}
    await shop.vendor_refund(mill, 2500, allocations=[some])
    assert shop.balances(Role.PURCHASES, Role.VENDOR_REFUNDS) == [7500, 2500]
    await void(shop, made)
    roles = (Role.PURCHASES, Role.VENDOR_REFUNDS, Role.VENDOR_PREPAYMENTS, Role.PAYABLE)
    assert shop.balances(*roles) == [0, 2500, 7500, 0]
    assert shop.owed(made) == 0


# --- lists -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["A", "B", "C", "D"]),
        ({"status": "received"}, ["A"]),
        ({"status": "PAID,voided"}, ["C", "D"]),
        ({"status": "unpaid"}, ["A", "B"]),
        ({"status": "overdue"}, ["B"]),
        ({"vendor_id": "mill"}, ["A", "B", "D"]),
        ({"vendor_id": "mill,farm"}, ["A", "B", "C", "D"]),
        ({"min_amount": "200", "max_amount": "300"}, ["B", "C"]),
        ({"due_at_start": "2025-06-10T00:00:00Z"}, ["B", "C"]),
        ({"due_at_end": "2025-06-10T00:00:00Z"}, ["B"]),
        ({"received_at_start": "2025-06-05T00:00:00Z"}, ["D"]),
        ({"received_at_end": "2025-06-04T23:59:59Z"}, ["A", "B", "C"]),
        ({"reference_number": "x-7"}, ["A"]),
        ({"search": "x-7"}, ["A"]),
        ({"search": "FARM"}, ["C"]),
        ({"search": "b-ext"}, ["B"]),
        ({"search": "their"}, ["D"]),
        ({"search": "po-1"}, ["A"]),
        ({"page": "2", "page_size": "3"}, ["D"]),
    ],
)
async def test_filters(shop, mill, filters, found):
    farm = await shop.vendor(company_name="Farm")
    references = {"reference_numbers": ["R-1", "X-7"], "purchase_order_number": "PO-1"}
    await shop.bill(mill, 100, bill_number="A", **references)
    due = "2025-06-10T00:00:00Z"
    b = await shop.bill(mill, 200, bill_number="B", due_at=due, external_id="b-ext")
    c = await shop.bill(farm, 300, bill_number="C", due_at="2025-06-11T00:00:00Z")
    later = {"received_at": "2025-06-05T00:00:00Z", "vendor_bill_number": "Theirs"}
    d = await shop.bill(mill, 400, bill_number="D", **later)
    await shop.bill_payment(mill, 50, (b, 50))
    await shop.bill_payment(farm, 300, (c, 300))
    await void(shop, d)
    if "vendor_id" in filters:
        ids = filters["vendor_id"].replace("mill", mill["id"]).replace("farm", farm["id"])
        filters = {"vendor_id": ids}
    answer = await shop.get("bills/", **filters)
    assert [row["bill_number"] for row in answer.body["results"]] == found


@pytest.mark.parametrize("name", ["status", "vendor_id"])
async def test_an_unknown_value_of_a_filter_is_refused(shop, name):
    answer = await shop.get("bills/", **{name: "nothing"})
    assert (answer.status, list(answer.fields)) == (400, [name])
