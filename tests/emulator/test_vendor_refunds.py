"""Vendor refunds: what they are for, what becomes of them, and what the ledger says."""

from __future__ import annotations

import json

import aiohttp
import pytest

from thredfi_async.emulator.books import Role

from .caller import NOBODY

REFUNDS = "vendor-refunds/"


@pytest.fixture
async def vendor(shop):
    return await shop.vendor(company_name="Supplier")


@pytest.fixture
async def bill(shop, vendor):
    """A bill over 10,000, paid."""
    made = await shop.bill(vendor, 10_000, bill_number="B-1")
    await shop.bill_payment(vendor, 10_000, (made, 10_000))
    return made


async def create(shop, vendor, amount=1000, **fields):
    body = {"vendor_id": vendor["id"], "total_refunded_amount_cents": amount, **fields}
    return await shop.post(REFUNDS, body)


async def seen(shop, refund):
    return (await shop.get(f"{REFUNDS}{refund['id']}/")).body


def of_bill(bill, amount):
    return {"allocation_type": "bill", "bill_id": bill["id"], "amount_cents": amount}


def of_payment(payment, amount):
    return {
        "allocation_type": "payment",
        "bill_payment_id": payment["id"],
        "amount_cents": amount,
    }


def of_credit(amount):
    return {"allocation_type": "credit", "amount_cents": amount}


# --- create ----------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, vendor, bill):
    sent = {
        "external_id": "vr-1",
        "refund_type": "goods_return",
        "reference_number": "R-1",
        "refund_date": "2025-06-07",
        "description": "pallet",
        "memo": "broken",
        "reason": "rain",
        "metadata": {"a": [1]},
    }
    said = {"description": "half", "metadata": "m"}
    made = await shop.vendor_refund(
        vendor, 4000, **sent, allocations=[{**of_bill(bill, 3000), **said}]
    )
    assert made.items() >= sent.items()
    assert (made["vendor_id"], made["vendor_name"]) == (vendor["id"], "Supplier")
    amounts = (made["total_refunded_amount"], made["allocated_amount"], made["unallocated_amount"])
    assert amounts == (4000, 3000, 1000)
    assert (made["currency"], made["status"]) == ("GBP", "partially_allocated")
    (part,) = made["allocations"]
    assert part.items() >= {**said, "amount": 3000, "allocation_type": "bill"}.items()
    assert (part["bill_id"], part["bill_number"]) == (bill["id"], "B-1")
    assert part["target_description"] == "Bill B-1"
    assert await seen(shop, made) == made


async def test_what_was_sent_of_its_payments_comes_back(shop, vendor):
    sent = {
        "payment_reference": "P-1",
        "payment_method": "wire",
        "processor": "wise",
        "payment_date": "2025-06-09",
        "description": "d",
        "memo": "m",
        "metadata": [1],
    }
    payments = [
        {**sent, "refunded_amount_cents": 600, "processing_fee_cents": 20},
        {"refunded_amount_cents": 400},
    ]
    made = await shop.vendor_refund(vendor, 1000, payments=payments, refund_date="2025-06-07")
    one, two = made["vendor_refund_payments"]
    assert one.items() >= {**sent, "vendor_refund_id": made["id"], "status": "pending"}.items()
    assert (one["refunded_amount"], one["processing_fee"], one["net_amount"]) == (600, 20, 580)
    assert (two["payment_method"], two["payment_date"]) == ("bank_transfer", "2025-06-07")
    assert (two["refunded_amount"], two["net_amount"]) == (400, 400)


async def test_without_a_day_it_is_todays(shop, vendor):
    assert (await shop.vendor_refund(vendor, 1))["refund_date"] == "2025-06-15"


async def test_a_known_external_id_answers_with_the_existing_refund(shop, vendor):
    made = await create(shop, vendor, external_id="vr-1")
    again = await create(shop, vendor, 5, external_id="vr-1")
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body


async def test_enums_are_taken_in_any_case(shop, vendor, bill):
    allocation = {**of_bill(bill, 1), "allocation_type": "BILL"}
    payment = {"refunded_amount_cents": 1, "payment_method": "Check"}
    made = await shop.vendor_refund(
        vendor, 1, refund_type="OTHER", allocations=[allocation], payments=[payment]
    )
    assert made["refund_type"] == "other"
    assert made["allocations"][0]["allocation_type"] == "bill"
    assert made["vendor_refund_payments"][0]["payment_method"] == "check"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"vendor_id": None}, "vendor_id"),
        ({"vendor_id": ""}, "vendor_id"),
        ({"vendor_id": NOBODY}, "vendor_id"),
        ({"total_refunded_amount_cents": 0}, "total_refunded_amount_cents"),
        ({"external_id": ""}, "external_id"),
        ({"currency": "EUR"}, "currency"),
        ({"refund_type": "gift"}, "refund_type"),
        ({"refund_date": "soon"}, "refund_date"),
        ({"allocations": [{"amount_cents": 1}]}, "allocations[0].allocation_type"),
        ({"allocations": [of_credit(None)]}, "allocations[0].amount_cents"),
        ({"allocations": [of_credit(1)]}, "allocations[0].amount_cents"),
        (
            {"allocations": [{"allocation_type": "gift", "amount_cents": 1}]},
            "allocations[0].allocation_type",
        ),
        (
            {"allocations": [{"allocation_type": "bill", "amount_cents": 1}]},
            "allocations[0].bill_id",
        ),
        (
            {"allocations": [{"allocation_type": "payment", "amount_cents": 1}]},
            "allocations[0].bill_payment_id",
        ),
        ({"allocations": [of_bill({"id": NOBODY}, 1)]}, "allocations[0].bill_id"),
        ({"allocations": [of_payment({"id": NOBODY}, 1)]}, "allocations[0].bill_payment_id"),
        ({"allocations": [{**of_credit(1), "bill_id": NOBODY}]}, "allocations[0].bill_id"),
        ({"payments": [{}]}, "payments[0].refunded_amount_cents"),
        ({"payments": [{"refunded_amount_cents": 600}] * 2}, "payments"),
        (
            {"payments": [{"refunded_amount_cents": 1, "payment_method": "barter"}]},
            "payments[0].payment_method",
        ),
        (
            {"payments": [{"refunded_amount_cents": 5, "processing_fee_cents": 6}]},
            "payments[0].processing_fee_cents",
        ),
        (
            {"payments": [{"refunded_amount_cents": 5, "processing_fee_cents": -1}]},
            "payments[0].processing_fee_cents",
        ),
        ({"document": {"file": NOBODY}}, "document.file"),
    ],
)
async def test_a_bad_field_is_named(shop, vendor, fields, named):
    answer = await create(shop, vendor, **fields)
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert not shop.books.vendor_refunds
    assert not shop.books.ledger.entries


async def test_a_refund_comes_as_a_form_with_its_file(shop, vendor, bill):
    form = aiohttp.FormData()
    form.add_field("vendor_id", vendor["id"])
    form.add_field("total_refunded_amount_cents", "1000")
    form.add_field("allocations", json.dumps([of_bill(bill, 1000)]))
    form.add_field("payments", json.dumps([{"refunded_amount_cents": 1000}]))
    form.add_field("file", b"%PDF", filename="note.pdf", content_type="application/pdf")
    answer = await shop.post(REFUNDS, data=form)
    assert (answer.status, answer.body["status"]) == (201, "allocated")
    assert answer.body["vendor_refund_payments"][0]["refunded_amount"] == 1000
    assert answer.body["document"]["file_name"] == "note.pdf"


# --- allocations -----------------------------------------------------------------------


async def test_the_status_says_what_is_allocated(shop, vendor, bill):
    for allocations, status in [
        ([], "pending"),
        ([of_bill(bill, 1)], "partially_allocated"),
        ([of_bill(bill, 400), of_bill(bill, 600)], "allocated"),
    ]:
        made = await shop.vendor_refund(vendor, 1000, allocations=allocations)
        assert made["status"] == status


async def test_no_more_of_a_bill_is_refunded_than_was_paid(shop, vendor):
    bill = await shop.bill(vendor, 10_000)
    await shop.bill_payment(vendor, 6000, (bill, 6000))
    await shop.vendor_refund(vendor, 5000, allocations=[of_bill(bill, 5000)])
    answer = await create(shop, vendor, allocations=[of_bill(bill, 600), of_bill(bill, 401)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[1].amount_cents"])
    await shop.vendor_refund(vendor, 1000, allocations=[of_bill(bill, 1000)])


async def test_a_credit_on_a_bill_is_not_refunded(shop, vendor):
    bill = await shop.bill(vendor, 1000)
    await shop.vendor_credit(vendor, 1000, (bill, 1000))
    answer = await create(shop, vendor, allocations=[of_bill(bill, 1)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount_cents"])


async def test_a_refunded_bill_shows_it_and_owes_no_more_than_before(shop, vendor, bill, clock):
    clock.advance(60)
    made = await shop.vendor_refund(
        vendor, 4000, reference_number="R-1", allocations=[of_bill(bill, 4000)]
    )
    now = await shop.seen_bill(bill)
    assert (now["status"], now["outstanding_balance"]) == ("paid", 0)
    assert now["updated_at"] > bill["updated_at"]
    (shown,) = now["vendor_refund_allocations"]
    assert (shown["vendor_refund_id"], shown["amount_cents"]) == (made["id"], 4000)
    assert shown["reference_number"] == "R-1"


async def test_what_no_bill_uses_of_a_payment_can_be_refunded_once(shop, vendor):
    bill = await shop.bill(vendor, 1000)
    payment = await shop.bill_payment(vendor, 5000, (bill, 1000))
    made = await shop.vendor_refund(vendor, 3000, allocations=[of_payment(payment, 3000)])
    assert made["allocations"][0]["bill_payment_id"] == payment["id"]
    answer = await create(shop, vendor, 1001, allocations=[of_payment(payment, 1001)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount_cents"])
    now = (await shop.get(f"bills/payments/{payment['id']}/")).body
    assert now["unallocated_amount_cents"] == 1000
    assert now["vendor_refund_allocations"][0]["amount_cents"] == 3000


async def test_a_payment_that_failed_is_not_refunded(shop, vendor):
    payment = await shop.bill_payment(vendor, 5000)
    await shop.post(f"bills/payments/{payment['id']}/delete/")
    answer = await create(shop, vendor, allocations=[of_payment(payment, 1)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].bill_payment_id"])


async def test_no_more_credit_is_refunded_than_is_open(shop, vendor):
    bill = await shop.bill(vendor, 1000)
    await shop.vendor_credit(vendor, 600, (bill, 500))
    await shop.vendor_credit(vendor, 300)
    await shop.vendor_credit(await shop.vendor(), 5000)
    await shop.vendor_refund(vendor, 350, allocations=[of_credit(350)])
    answer = await create(shop, vendor, allocations=[of_credit(30), of_credit(21)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[1].amount_cents"])
    await shop.vendor_refund(vendor, 50, allocations=[of_credit(50)])


async def test_the_type_of_an_allocation_follows_from_what_it_names(shop, vendor, bill):
    payment = await shop.bill_payment(vendor, 500)
    made = await shop.vendor_refund(
        vendor,
        1000,
        allocations=[
            {"bill_id": bill["id"], "amount_cents": 500},
            {"bill_payment_id": payment["id"], "amount_cents": 500},
        ],
    )
    assert [one["allocation_type"] for one in made["allocations"]] == ["bill", "payment"]


async def test_allocations_above_the_refund_are_refused(shop, vendor, bill):
    answer = await create(shop, vendor, 1000, allocations=[of_bill(bill, 1001)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations"])


async def test_what_another_vendor_was_paid_is_refused(shop, vendor, bill):
    other, payment = await shop.vendor(), await shop.bill_payment(vendor, 500)
    for allocation in (of_bill(bill, 1), of_payment(payment, 1)):
        answer = await create(shop, other, allocations=[allocation])
        assert (answer.status, len(answer.fields)) == (400, 1)
        assert "another vendor" in str(answer.fields)


# --- the other operations --------------------------------------------------------------


async def test_an_update_changes_texts_and_document_only(shop, vendor):
    made = await shop.vendor_refund(vendor, 1000, memo="a", reason="b")
    sent = {
        "description": "d",
        "memo": "m",
        "metadata": 1,
        "expected_completion_date": "2025-07-01",
    }
    path = f"{REFUNDS}{made['id']}/"
    answer = await shop.send("PATCH", path, {**sent, "reason": None, "refund_date": "2025-01-01"})
    changed = answer.body
    assert (answer.status, "reason" in changed) == (200, False)
    assert changed == {
        **{name: value for name, value in made.items() if name != "reason"},
        **sent,
    }
    assert await seen(shop, made) == changed


@pytest.mark.parametrize("as_multipart", [True, False])
async def test_an_update_comes_as_a_form(shop, vendor, as_multipart):
    made = await shop.vendor_refund(vendor, 1000)
    form = aiohttp.FormData(default_to_multipart=as_multipart)
    form.add_field("memo", "m")
    if as_multipart:
        form.add_field("document", b"%PDF", filename="n.pdf", content_type="application/pdf")
    answer = await shop.send("PATCH", f"{REFUNDS}{made['id']}/", data=form)
    assert (answer.status, answer.body["memo"]) == (200, "m")
    assert answer.body.get("document", {}).get("file_name") == ("n.pdf" if as_multipart else None)


async def test_a_deleted_refund_is_gone_and_frees_its_bill(shop, vendor, bill):
    fields = {"external_id": "vr-1", "allocations": [of_bill(bill, 10_000)]}
    made = await shop.vendor_refund(vendor, 10_000, **fields)
    answer = await shop.send("DELETE", f"{REFUNDS}{made['id']}/")
    assert (answer.status, answer.body) == (204, None)
    assert (await shop.get(f"{REFUNDS}{made['id']}/")).code == "vendor_refund_not_found"
    assert (await shop.seen_bill(bill))["vendor_refund_allocations"] == []
    again = await shop.vendor_refund(vendor, 10_000, **fields)
    assert again["id"] != made["id"]


async def test_a_refund_with_a_live_payment_is_not_deleted(shop, vendor):
    made = await shop.vendor_refund(vendor, 100, payments=[{"refunded_amount_cents": 50}])
    (payment,) = made["vendor_refund_payments"]
    path = f"{REFUNDS}payments/{payment['id']}/"
    assert (await shop.send("DELETE", f"{REFUNDS}{made['id']}/")).code == "invalid_state"
    await shop.send("PATCH", path, {"status": "failed", "failure_reason": "no"})
    assert (await shop.send("DELETE", f"{REFUNDS}{made['id']}/")).status == 204
    assert (await shop.get(path)).code == "vendor_refund_payment_not_found"


async def test_lists_are_filtered(shop, vendor, bill):
    other = await shop.vendor(company_name="Other")
    one = await shop.vendor_refund(vendor, 300, refund_date="2025-06-03", external_id="vr-1")
    two = await shop.vendor_refund(
        vendor,
        200,
        refund_date="2025-06-02",
        refund_type="overpayment",
        reference_number="R-77",
        allocations=[of_bill(bill, 200)],
    )
    three = await shop.vendor_refund(other, 100, refund_date="2025-06-01", description="Pallet")
    for asked, found in [
        ({}, [one, two, three]),
        ({"status": "allocated,completed"}, [two]),
        ({"status": "Pending"}, [one, three]),
        ({"vendor_id": other["id"]}, [three]),
        ({"refund_type": "OVERPAYMENT"}, [two]),
        ({"currency": "gbp"}, [one, two, three]),
        ({"currency": "EUR"}, []),
        ({"is_fully_allocated": "true"}, [two]),
        ({"is_fully_allocated": "false"}, [one, three]),
        ({"min_amount": 200}, [one, two]),
        ({"max_amount": 200}, [two, three]),
        ({"refund_date_start": "2025-06-02"}, [one, two]),
        ({"refund_date_end": "2025-06-02"}, [two, three]),
        ({"external_id": "R-1"}, [one]),
        ({"search": "r-77"}, [two]),
        ({"search": "pallet"}, [three]),
        ({"search": "other"}, [three]),
    ]:
        rows = (await shop.get(REFUNDS, **asked)).body["results"]
        assert [row["id"] for row in rows] == [refund["id"] for refund in found], asked


async def test_lists_are_sorted(shop, vendor, clock):
    other = await shop.vendor(company_name="Another")
    one = await shop.vendor_refund(vendor, 300, refund_date="2025-06-01")
    clock.advance(1)
    two = await shop.vendor_refund(other, 200, refund_date="2025-06-02")
    clock.advance(1)
    three = await shop.vendor_refund(vendor, 300, refund_date="2025-06-02")
    for ordering, found in [
        (None, [three, two, one]),
        ("refund_date", [one, two, three]),
        ("total_refunded_amount_cents,-created_at", [two, three, one]),
        ("vendor__company_name", [two, one, three]),
        ("-status,created_at", [one, two, three]),
    ]:
        asked = {"ordering": ordering} if ordering else {}
        rows = (await shop.get(REFUNDS, **asked)).body["results"]
        assert [row["id"] for row in rows] == [refund["id"] for refund in found], ordering


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "lost"},
        {"refund_type": "gift"},
        {"vendor_id": "x"},
        {"ordering": "memo"},
        {"min_amount": "much"},
    ],
)
async def test_a_bad_filter_is_named(shop, asked):
    answer = await shop.get(REFUNDS, **asked)
    assert (answer.status, list(answer.fields)) == (400, list(asked))


async def test_an_unknown_refund_is_not_found(shop):
    for method, *body in [("GET",), ("PATCH", {}), ("DELETE",)]:
        answer = await shop.send(method, f"{REFUNDS}{NOBODY}/", *body)
        assert (answer.status, answer.code) == (404, "vendor_refund_not_found")


# --- the ledger ------------------------------------------------------------------------


async def test_refunds_of_a_bill_take_back_its_costs_and_its_tax_to_the_last_unit(shop, vendor):
    lines = [
        {"quantity": 1, "unit_price": 2, "sales_taxes": [{"amount": 2}]},
        {"quantity": 1, "unit_price": 2, "account_identifier": "7900"},
    ]
    bill = await shop.bill(vendor, line_items=lines)
    await shop.bill_payment(vendor, 6, (bill, 6))
    for _ in range(3):
        await shop.vendor_refund(vendor, 2, allocations=[of_bill(bill, 1), of_bill(bill, 1)])
    assert shop.balance(Role.PURCHASES) == shop.balance(Role.INPUT_TAX) == 0
    assert shop.books.ledger.find("7900").net() == 0
    assert shop.balance(Role.VENDOR_REFUNDS) == 6
    assert shop.balance(Role.PAYABLE) == 0


async def test_a_refund_takes_from_prepayments_credit_or_what_is_named_nowhere(shop, vendor):
    payment = await shop.bill_payment(vendor, 500)
    await shop.vendor_credit(vendor, 300)
    allocations = [of_payment(payment, 400), of_credit(200)]
    await shop.vendor_refund(vendor, 650, allocations=allocations)
    assert shop.balance(Role.VENDOR_REFUNDS) == 650
    assert shop.balance(Role.VENDOR_PREPAYMENTS) == 100
    assert shop.balance(Role.VENDOR_CREDITS) == 50  # 300 - 200 and the 50 of no allocation


async def test_a_refund_counts_on_its_day(shop, vendor):
    made = await shop.vendor_refund(vendor, 100, refund_date="2025-03-01", external_id="vr-1")
    (entry,) = shop.books.ledger.entries.values()
    assert (str(entry.day), entry.posting.text) == ("2025-03-01", "Vendor refund vr-1")
    await shop.send("DELETE", f"{REFUNDS}{made['id']}/")
    assert [str(one.day) for one in shop.books.ledger.entries.values()] == [
        "2025-03-01",
        "2025-06-15",
    ]


@pytest.mark.parametrize("is_voided_first", [True, False])
async def test_of_a_voided_bill_the_prepayment_is_refunded(shop, vendor, bill, is_voided_first):
    if is_voided_first:
        await shop.post(f"bills/{bill['id']}/void/")
    made = await shop.vendor_refund(vendor, 4000, allocations=[of_bill(bill, 4000)])
    if not is_voided_first:
        assert shop.balance(Role.PURCHASES) == 6000
        await shop.post(f"bills/{bill['id']}/void/")
    assert shop.balance(Role.PURCHASES) == shop.balance(Role.PAYABLE) == 0
    assert shop.balance(Role.VENDOR_PREPAYMENTS) == 6000
    assert shop.balance(Role.VENDOR_REFUNDS) == 4000
    await shop.send("DELETE", f"{REFUNDS}{made['id']}/")
    assert shop.balance(Role.PURCHASES) == shop.balance(Role.VENDOR_REFUNDS) == 0
    assert shop.balance(Role.VENDOR_PREPAYMENTS) == 10_000
