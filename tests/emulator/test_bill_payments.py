"""Bill payments: their allocations, their statuses, and what the ledger holds of them."""

from __future__ import annotations

import pytest

from thredfi_async.emulator.books import Role

from .caller import NOBODY

PAYMENTS = "bills/payments/"


@pytest.fixture
async def mill(shop):
    return await shop.vendor(external_id="mill")


async def pay(shop, vendor, amount, *shares, headers=None, **fields):
    """The answer to a payment."""
    body = {
        "vendor_id": vendor["id"],
        "amount_cents": amount,
        "allocations": [{"bill_id": bill["id"], "amount_cents": share} for bill, share in shares],
        **fields,
    }
    sent = {name: value for name, value in body.items() if value is not ...}
    return await shop.post(PAYMENTS, sent, headers=headers)


async def patch(shop, payment, **fields):
    return await shop.send("PATCH", f"{PAYMENTS}{payment['id']}/", fields)


async def delete(shop, payment):
    return await shop.post(f"{PAYMENTS}{payment['id']}/delete/")


async def seen(shop, payment):
    return (await shop.get(f"{PAYMENTS}{payment['id']}/")).body


# --- create ----------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, mill):
    sent = {
        "currency": "GBP",
        "payment_method": "wire",
        "payment_date": "2025-06-02",
        "payment_reference": "R-1",
        "check_number": "17",
        "description": "Flour",
        "memo": "By letter",
        "processing_fee_cents": 15,
        "external_id": "p-1",
        "metadata": {"a": [1, None]},
    }
    made = (await pay(shop, mill, 500, **sent)).body
    assert made.items() >= {**sent, "vendor_id": mill["id"], "vendor_name": "Mill Ltd"}.items()
    assert (made["amount_cents"], made["net_amount_cents"]) == (500, 485)
    assert (made["status"], made["business_id"]) == ("pending", shop.id)
    assert not {"submitted_at", "completed_at", "failed_at", "failure_reason"} & made.keys()
    assert await seen(shop, made) == made


async def test_a_vendor_and_an_amount_are_enough(shop, mill):
    made = (await pay(shop, mill, 500, allocations=...)).body
    assert (made["payment_method"], made["payment_date"]) == ("bank_transfer", "2025-06-15")
    assert (made["currency"], made["processing_fee_cents"]) == ("GBP", 0)
    assert (made["allocated_amount_cents"], made["unallocated_amount_cents"]) == (0, 500)
    assert made["allocations"] == []
    assert not made["is_fully_allocated"]


async def test_a_bill_goes_from_received_over_partially_paid_to_paid(shop, mill):
    bill = await shop.bill(mill, vendor_bill_number="M-1")
    made = (await pay(shop, mill, 4000, (bill, 4000), payment_date="2025-06-02")).body
    (shown,) = made["allocations"]
    assert shown.items() >= {
        "bill_id": bill["id"], "bill_number": bill["bill_number"], "vendor_bill_number": "M-1",
        "bill_status": "partially_paid", "amount_cents": 4000,
    }.items()  # fmt: skip
    assert made["is_fully_allocated"]
    paid = await shop.seen_bill(bill)
    assert (paid["status"], paid["outstanding_balance"]) == ("partially_paid", 6000)
    await pay(shop, mill, 6000, (bill, 6000), payment_date="2025-06-09")
    paid = await shop.seen_bill(bill)
    assert (paid["status"], paid["outstanding_balance"]) == ("paid", 0)
    assert paid["paid_at"] == "2025-06-09T00:00:00Z"
    assert [one["amount_cents"] for one in paid["bill_payment_allocations"]] == [4000, 6000]


async def test_one_payment_pays_several_bills_and_the_rest_is_a_prepayment(shop, mill):
    first, second = await shop.bill(mill, 300), await shop.bill(mill, 900)
    shares = ((first, 300), (second, 100), (second, 150))
    made = (await pay(shop, mill, 1000, *shares, processing_fee_cents=7)).body
    assert [one["amount_cents"] for one in made["allocations"]] == [300, 250]
    assert (made["allocated_amount_cents"], made["unallocated_amount_cents"]) == (550, 450)
    roles = (Role.PAYABLE, Role.VENDOR_PREPAYMENTS, Role.PROCESSING_FEES, Role.BANK)
    assert shop.balances(*roles) == [-650, 450, 7, -1007]
    assert [shop.owed(first), shop.owed(second)] == [0, 650]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"vendor_id": ...}, "vendor_id"),
        ({"vendor_id": ""}, "vendor_id"),
        ({"vendor_id": NOBODY}, "vendor_id"),
        ({"amount_cents": 0}, "amount_cents"),
        ({"amount_cents": 99}, "allocations"),
        ({"currency": "USD"}, "currency"),
        ({"processing_fee_cents": -1}, "processing_fee_cents"),
        ({"payment_method": "barter"}, "payment_method"),
        ({"payment_method": "check"}, "check_number"),
        ({"payment_method": "CHECK", "check_number": ""}, "check_number"),
        ({"check_number": "1" * 51}, "check_number"),
        ({"payment_reference": "r" * 101}, "payment_reference"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_no_trace(shop, mill, fields, named):
    bill = await shop.bill(mill)
    answer = await pay(shop, mill, 100, (bill, 100), **{"external_id": "p-1", **fields})
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert await shop.seen_bill(bill) == bill
    assert (await shop.get(PAYMENTS)).body["count"] == 0
    assert len(shop.books.ledger.entries) == 1
    assert (await pay(shop, mill, 100, external_id="p-1")).status == 201


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        ([("bill", 10_001)], "[0].amount_cents"),
        ([("bill", 9000), ("bill", 1001)], "[1].amount_cents"),
        ([("paid", 1)], "[0].amount_cents"),
        ([("bill", 1), ("voided", 1)], "[1].bill_id"),
        ([("others", 1)], "[0].bill_id"),
        ([(None, 1)], "[0].bill_id"),
        ([("bill", None)], "[0].amount_cents"),
        ([("bill", 0)], "[0].amount_cents"),
    ],
)
async def test_only_what_is_open_with_the_vendor_can_be_paid(shop, mill, shares, named):
    farm = await shop.vendor(company_name="Farm")
    bills = {name: await shop.bill(mill) for name in ("bill", "paid", "voided")}
    bills["others"] = await shop.bill(farm)
    await pay(shop, mill, 10_000, (bills["paid"], 10_000))
    await shop.post(f"bills/{bills['voided']['id']}/void/")
    before = shop.books.snapshot()
    asked = [
        {"bill_id": bills[name]["id"] if name else NOBODY, "amount_cents": amount}
        for name, amount in shares
    ]
    answer = await pay(shop, mill, 20_000, allocations=asked)
    assert (answer.status, list(answer.fields)) == (400, [f"allocations{named}"])
    assert shop.books.snapshot() == before
    assert (await shop.seen_bill(bills["bill"]))["status"] == "received"


async def test_a_bill_of_nobody_can_be_paid_to_anybody(shop, mill):
    bill = await shop.bill({"id": None})
    assert (await pay(shop, mill, 10_000, (bill, 10_000))).status == 201


async def test_an_unknown_payment_is_404(shop):
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "delete/")):
        answer = await shop.send(method, f"{PAYMENTS}{NOBODY}/{path}")
        assert (answer.status, answer.code) == (404, "bill_payment_not_found")


# --- replays ---------------------------------------------------------------------------


async def test_the_same_key_and_body_answers_what_was_answered_first(shop, mill):
    bill = await shop.bill(mill)
    key = {"Idempotency-Key": "k-1"}
    made = await pay(shop, mill, 400, (bill, 400), headers=key)
    await patch(shop, made.body, status="completed")
    again = await pay(shop, mill, 400, (bill, 400), headers=key)
    assert (again.status, again.body) == (200, made.body)
    assert shop.owed(bill) == 9600


async def test_the_same_key_with_another_body_is_refused(shop, mill):
    key = {"Idempotency-Key": "k-1"}
    await pay(shop, mill, 400, headers=key)
    answer = await pay(shop, mill, 401, headers=key)
    assert (answer.status, answer.code) == (409, "idempotency_key_reused")
    assert (await shop.get(PAYMENTS)).body["count"] == 1


async def test_a_key_is_of_one_kind_of_payment(shop, mill):
    key = {"Idempotency-Key": "k-1"}
    await pay(shop, mill, 400, headers=key)
    invoice = await shop.invoice()
    body = {
        "invoice_id": invoice["id"], "amount_cents": 400,
        "payment_date": "2025-06-02", "payment_method": "bank_transfer",
    }  # fmt: skip
    assert (await shop.post("invoices/payments/", body, headers=key)).status == 201


async def test_a_known_external_id_answers_the_payment_that_there_is(shop, mill):
    made = (await pay(shop, mill, 400, external_id="p-1")).body
    again = await pay(shop, mill, 999, external_id="p-1", headers={"Idempotency-Key": "new"})
    assert (again.status, again.body) == (200, made)


async def test_a_refused_payment_leaves_its_key_free(shop, mill):
    bill, key = await shop.bill(mill, 100), {"Idempotency-Key": "k-1"}
    assert (await pay(shop, mill, 200, (bill, 200), headers=key)).status == 400
    assert (await pay(shop, mill, 100, (bill, 100), headers=key)).status == 201


# --- statuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "stamps"),
    [
        (["processing"], {"submitted_at"}),
        (["completed"], {"completed_at"}),
        (["processing", "completed"], {"submitted_at", "completed_at"}),
        (["processing", "failed"], {"submitted_at", "failed_at"}),
        (["cancelled"], set()),
    ],
)
async def test_each_step_has_its_instant(shop, mill, clock, way, stamps):
    made = (await pay(shop, mill, 100)).body
    for status in way:
        clock.advance(60)
        answer = await patch(shop, made, status=status.upper(), failure_reason="No funds")
        assert (answer.status, answer.body["status"]) == (200, status)
    shown = await seen(shop, made)
    assert {
        name for name in ("submitted_at", "completed_at", "failed_at") if name in shown
    } == stamps
    if "processing" in way and len(way) == 2:
        assert shown["submitted_at"] < shown["updated_at"]


@pytest.mark.parametrize(
    ("way", "then"),
    [
        (["processing"], "pending"),
        (["processing"], "cancelled"),
        (["completed"], "failed"),
        (["completed"], "pending"),
        (["failed"], "completed"),
        (["cancelled"], "pending"),
        ([], "returned"),
    ],
)
async def test_all_other_steps_are_refused(shop, mill, way, then):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 100, (bill, 100))).body
    for status in way:
        await patch(shop, made, status=status, failure_reason="No funds")
    before, owing = await seen(shop, made), shop.owed(bill)
    answer = await patch(shop, made, status=then, failure_reason="No funds", memo="changed")
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await seen(shop, made), shop.owed(bill)) == (before, owing)


async def test_the_status_that_it_has_already_changes_nothing(shop, mill, clock):
    made = (await pay(shop, mill, 100)).body
    done = (await patch(shop, made, status="completed")).body
    clock.advance(60)
    again = (await patch(shop, made, status="completed", memo="x")).body
    assert (again["completed_at"], again["memo"]) == (done["completed_at"], "x")


async def test_a_failure_needs_its_reason(shop, mill):
    made = (await pay(shop, mill, 100)).body
    for reason in ({}, {"failure_reason": ""}, {"failure_reason": None}):
        answer = await patch(shop, made, status="failed", **reason)
        assert (answer.status, list(answer.fields)) == (400, ["failure_reason"])
    assert await seen(shop, made) == made
    failed = (await patch(shop, made, status="failed", failure_reason="No funds")).body
    assert (failed["status"], failed["failure_reason"]) == ("failed", "No funds")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_a_payment_that_pays_nothing_any_more_gives_the_bill_back(shop, mill, clock, status):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 12_000, (bill, 10_000), processing_fee_cents=9)).body
    assert (await shop.seen_bill(bill))["status"] == "paid"
    clock.advance(60)
    after = (await patch(shop, made, status=status, failure_reason="No funds")).body
    assert (after["allocations"], after["allocated_amount_cents"]) == ([], 0)
    again = await shop.seen_bill(bill)
    assert (again["status"], again["outstanding_balance"]) == ("received", 10_000)
    assert again["updated_at"] == after["updated_at"] > bill["updated_at"]
    roles = (Role.PAYABLE, Role.VENDOR_PREPAYMENTS, Role.PROCESSING_FEES, Role.BANK)
    assert shop.balances(*roles) == [-10_000, 0, 0, 0]
    assert shop.owed(bill) == 10_000


async def test_a_completed_payment_keeps_what_it_pays(shop, mill):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 100, (bill, 100))).body
    done = (await patch(shop, made, status="completed")).body
    assert done["allocations"] == made["allocations"]
    assert (shop.owed(bill), shop.balance(Role.BANK)) == (9900, -100)


# --- other changes ---------------------------------------------------------------------


async def test_an_update_changes_what_was_sent_and_no_more(shop, mill):
    made = (await pay(shop, mill, 100, memo="a", payment_reference="R-1")).body
    changes = {
        "payment_reference": "R-2", "check_number": "9", "description": "d",
        "metadata": {"b": 2}, "processing_fee_cents": 3,
    }  # fmt: skip
    answer = await patch(shop, made, **changes, memo=None, status=None, allocations=None)
    expected = {**made, **changes, "net_amount_cents": 97}
    del expected["memo"]
    assert answer.body == {**expected, "updated_at": answer.body["updated_at"]}
    assert shop.balances(Role.BANK, Role.PROCESSING_FEES) == [-103, 3]


async def test_allocations_replace_those_that_there_were(shop, mill):
    first, second = await shop.bill(mill, 300), await shop.bill(mill, 900)
    made = (await pay(shop, mill, 500, (first, 300), status=...)).body
    asked = [
        {"bill_id": second["id"], "amount_cents": 400, "description": "Rye"},
        {"bill_id": first["id"], "amount_cents": 100},
    ]
    changed = (await patch(shop, made, allocations=asked)).body
    rye, kept = changed["allocations"]
    assert (rye["description"], rye["amount_cents"], kept["amount_cents"]) == ("Rye", 400, 100)
    assert kept["id"] == made["allocations"][0]["id"]
    assert [shop.owed(first), shop.owed(second)] == [200, 500]
    await patch(shop, made, allocations=[])
    assert [shop.owed(first), shop.owed(second)] == [300, 900]
    assert (await shop.seen_bill(first))["status"] == "received"
    assert shop.balance(Role.VENDOR_PREPAYMENTS) == 500


async def test_the_rest_of_a_completed_payment_can_still_pay_bills(shop, mill):
    made = (await pay(shop, mill, 500)).body
    await patch(shop, made, status="completed")
    bill = await shop.bill(mill)
    asked = [{"bill_id": bill["id"], "amount_cents": 500}]
    changed = (await patch(shop, made, allocations=asked)).body
    assert changed["is_fully_allocated"]
    assert (shop.owed(bill), shop.balance(Role.VENDOR_PREPAYMENTS)) == (9500, 0)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"allocations": [{"bill_id": "bill", "amount_cents": 501}]}, "allocations"),
        ({"allocations": [{"bill_id": "bill", "amount_cents": 10_001}]},
         "allocations[0].amount_cents"),
        ({"allocations": [{"amount_cents": 1}]}, "allocations[0].bill_id"),
        ({"allocations": [{"bill_id": "bill", "amount_cents": -1}]},
         "allocations[0].amount_cents"),
        ({"processing_fee_cents": -1}, "processing_fee_cents"),
        ({"status": "cancelled", "allocations": [{"bill_id": "bill", "amount_cents": 1}]},
         "allocations"),
        ({"status": "lost"}, "status"),
    ],
)  # fmt: skip
async def test_a_refused_update_leaves_all_as_it_is(shop, mill, fields, named):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 500, (bill, 400))).body
    for one in fields.get("allocations", ()):
        if "bill_id" in one:
            one["bill_id"] = bill["id"]
    answer = await patch(shop, made, memo="changed", **fields)
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert await seen(shop, made) == made
    assert shop.owed(bill) == 9600


async def test_what_was_refunded_of_a_bill_stays_paid(shop, mill):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 10_000, (bill, 10_000))).body
    some = {"allocation_type": "bill", "bill_id": bill["id"], "amount_cents": 4000}
    await shop.vendor_refund(mill, 4000, allocations=[some])
    for fields in (
        {"status": "cancelled"},
        {"allocations": [{"bill_id": bill["id"], "amount_cents": 3999}]},
    ):
        assert (await patch(shop, made, **fields)).status == 409
    assert (await delete(shop, made)).status == 409
    assert (await shop.seen_bill(bill))["status"] == "paid"
    less = [{"bill_id": bill["id"], "amount_cents": 4000}]
    assert (await patch(shop, made, allocations=less)).status == 200


async def test_what_was_refunded_of_the_payment_pays_no_bill(shop, mill):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 500)).body
    some = {"allocation_type": "payment", "bill_payment_id": made["id"], "amount_cents": 200}
    refund = await shop.vendor_refund(mill, 200, allocations=[some], reference_number="R-1")
    shown = await seen(shop, made)
    assert shown["unallocated_amount_cents"] == 300
    (allocation,) = shown["vendor_refund_allocations"]
    assert allocation.items() >= {
        "vendor_refund_id": refund["id"], "amount_cents": 200, "reference_number": "R-1"
    }.items()  # fmt: skip
    answer = await patch(shop, made, allocations=[{"bill_id": bill["id"], "amount_cents": 301}])
    assert (answer.status, list(answer.fields)) == (400, ["allocations"])
    assert (await patch(shop, made, status="cancelled")).status == 409
    answer = await patch(shop, made, allocations=[{"bill_id": bill["id"], "amount_cents": 300}])
    assert answer.body["is_fully_allocated"]
    assert shop.balance(Role.VENDOR_PREPAYMENTS) == 0


async def test_what_a_voided_bill_holds_can_be_kept_or_taken_off(shop, mill):
    voided, bill = await shop.bill(mill), await shop.bill(mill)
    made = (await pay(shop, mill, 500, (voided, 300))).body
    await shop.post(f"bills/{voided['id']}/void/")
    (shown,) = (await seen(shop, made))["allocations"]
    assert (shown["amount_cents"], shown["bill_status"]) == (300, "voided")
    both = [{"bill_id": voided["id"], "amount_cents": 301}]
    assert (await patch(shop, made, allocations=both)).status == 400
    moved = [{"bill_id": bill["id"], "amount_cents": 500}]
    assert (await patch(shop, made, allocations=moved)).status == 200
    assert [shop.owed(voided), shop.owed(bill)] == [0, 9500]
    assert shop.balance(Role.VENDOR_PREPAYMENTS) == 0


# --- delete ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "failed"])
async def test_deleting_a_payment_cancels_it(shop, mill, clock, status):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 100, (bill, 100))).body
    await patch(shop, made, status=status, failure_reason="No funds")
    clock.advance(60)
    answer = await delete(shop, made)
    assert answer.status == 200
    assert answer.body.items() >= {"payment_id": made["id"], "status": "cancelled"}.items()
    after = await seen(shop, made)
    assert (after["status"], after["allocations"]) == ("cancelled", [])
    assert after["updated_at"] == answer.body["updated_at"]
    assert (await shop.seen_bill(bill))["outstanding_balance"] == 10_000
    assert shop.balance(Role.BANK) == 0


@pytest.mark.parametrize("status", ["processing", "completed", "cancelled"])
async def test_no_other_payment_can_be_deleted(shop, mill, status):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 100, (bill, 100))).body
    before = (await patch(shop, made, status=status)).body
    answer = await delete(shop, made)
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert await seen(shop, made) == before


async def test_the_external_id_of_a_cancelled_payment_stays_taken(shop, mill):
    made = (await pay(shop, mill, 100, external_id="p-1")).body
    await delete(shop, made)
    again = await pay(shop, mill, 100, external_id="p-1")
    assert (again.status, again.body["status"]) == (200, "cancelled")


# --- lists -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["A", "B", "C"]),
        ({"bill_id": "bill"}, ["A"]),
        ({"vendor_id": "farm"}, ["C"]),
        ({"status": "COMPLETED"}, ["B"]),
        ({"payment_method": "check"}, ["B"]),
        ({"payment_date_start": "2025-06-03"}, ["B", "C"]),
        ({"payment_date_end": "2025-06-03"}, ["A", "B"]),
        ({"search": "77"}, ["B"]),
        ({"search": "c"}, ["C"]),
        ({"page": "2", "page_size": "2"}, ["C"]),
    ],
)
async def test_filters(shop, mill, filters, found):
    farm, bill = await shop.vendor(company_name="Farm"), await shop.bill(mill)
    await pay(shop, mill, 100, (bill, 100), payment_reference="A", payment_date="2025-06-02")
    b = await pay(
        shop, mill, 100, payment_reference="B", payment_date="2025-06-03",
        payment_method="check", check_number="1771",
    )  # fmt: skip
    await patch(shop, b.body, status="completed")
    await pay(shop, farm, 100, payment_reference="C", payment_date="2025-06-04")
    ids = {"bill": bill["id"], "farm": farm["id"]}
    asked = {name: ids.get(value, value) for name, value in filters.items()}
    answer = await shop.get(PAYMENTS, **asked)
    assert [row["payment_reference"] for row in answer.body["results"]] == found


@pytest.mark.parametrize("name", ["status", "payment_method", "bill_id", "payment_date_start"])
async def test_an_unknown_value_of_a_filter_is_refused(shop, name):
    answer = await shop.get(PAYMENTS, **{name: "nothing"})
    assert (answer.status, list(answer.fields)) == (400, [name])


async def test_a_row_of_the_list_is_part_of_the_payment(shop, mill):
    bill = await shop.bill(mill)
    made = (await pay(shop, mill, 100, (bill, 100), memo="x")).body
    (row,) = (await shop.get(PAYMENTS)).body["results"]
    assert row.items() <= made.items()
    assert not {"memo", "net_amount_cents", "business_id"} & row.keys()
