"""Payments of vendor refunds: made with their refund, their statuses, and the ledger."""

from __future__ import annotations

import pytest

from thredfi_async.emulator.books import Role

from .caller import NOBODY

PAYMENTS = "vendor-refunds/payments/"


@pytest.fixture
async def vendor(shop):
    return await shop.vendor(company_name="Supplier")


@pytest.fixture
async def bill(shop, vendor):
    """A bill over 10,000, paid."""
    made = await shop.bill(vendor, 10_000)
    await shop.bill_payment(vendor, 10_000, (made, 10_000))
    return made


async def create(shop, vendor, amount=1000, key=None, **fields):
    body = {"vendor_id": vendor["id"], "total_amount_cents": amount, **fields}
    return await shop.post(PAYMENTS, body, headers={"Idempotency-Key": key} if key else {})


async def patch(shop, made, **fields):
    return await shop.send("PATCH", f"{PAYMENTS}{made['payment']['id']}/", fields)


async def delete(shop, made):
    return await shop.post(f"{PAYMENTS}{made['payment']['id']}/delete/")


async def seen(shop, made):
    return (await shop.get(f"{PAYMENTS}{made['payment']['id']}/")).body


async def reach(shop, made, status):
    """Bring a pending payment to a status."""
    if status != "pending":
        answer = await patch(shop, made, status=status, failure_reason="no")
        assert answer.status == 200


def of_bill(bill, amount):
    return {"allocation_type": "bill", "bill_id": bill["id"], "amount_cents": amount}


# --- create ----------------------------------------------------------------------------


async def test_refund_payment_and_allocations_are_made_at_once(shop, vendor, bill):
    await shop.vendor_credit(vendor, 400)
    credit = {"allocation_type": "credit", "amount_cents": 400}
    of_refund = {
        "external_id": "vr-1",
        "refund_type": "overpayment",
        "refund_date": "2025-06-07",
        "reason": "r",
    }
    of_payment = {
        "external_id": "vr-1",
        "payment_method": "check",
        "processor": "wise",
        "payment_reference": "P-1",
        "processing_fee_cents": 20,
    }
    of_both = {"description": "d", "memo": "m", "metadata": {"a": 1}}
    made = await shop.vendor_refund_payment(
        vendor,
        1000,
        currency="gbp",
        allocations=[of_bill(bill, 600), credit],
        **{**of_refund, **of_payment, **of_both},
    )
    refund, payment = made["refund"], made["payment"]
    assert refund.items() >= {**of_refund, **of_both}.items()
    assert (refund["total_refunded_amount"], refund["status"]) == (1000, "allocated")
    assert payment.items() >= {**of_payment, **of_both, "refund_id": refund["id"]}.items()
    amounts = (payment["refunded_amount_cents"], payment["net_amount_cents"])
    assert amounts == (1000, 980)
    assert (payment["status"], payment["payment_date"]) == ("pending", "2025-06-07")
    assert (payment["vendor_id"], payment["vendor_name"]) == (vendor["id"], "Supplier")
    assert [one["amount"] for one in made["allocations"]] == [600, 400]
    assert await seen(shop, made) == made
    assert (await shop.get(f"vendor-refunds/{refund['id']}/")).body == refund
    (nested,) = refund["vendor_refund_payments"]
    assert (nested["id"], nested["refunded_amount"]) == (payment["id"], 1000)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"vendor_id": NOBODY}, "vendor_id"),
        ({"total_amount_cents": 0}, "total_amount_cents"),
        ({"external_id": ""}, "external_id"),
        ({"currency": "EUR"}, "currency"),
        ({"payment_method": "barter"}, "payment_method"),
        ({"processing_fee_cents": 1001}, "processing_fee_cents"),
        ({"processing_fee_cents": -1}, "processing_fee_cents"),
        ({"allocations": [of_bill({"id": NOBODY}, 1)]}, "allocations[0].bill_id"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_made(shop, vendor, fields, named):
    answer = await create(shop, vendor, key="k-1", **fields)
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert not shop.books.vendor_refunds
    assert not shop.books.vendor_refund_payments
    assert not shop.books.ledger.entries
    assert (await create(shop, vendor, key="k-1")).status == 201


async def test_the_same_key_answers_the_same_again(shop, vendor):
    made = await create(shop, vendor, key="k-1")
    await reach(shop, made.body, "completed")
    again = await create(shop, vendor, key="k-1")
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    assert len(shop.books.vendor_refunds) == 1


async def test_the_same_key_with_another_body_is_refused(shop, vendor):
    await create(shop, vendor, key="k-1")
    answer = await create(shop, vendor, 999, key="k-1")
    assert (answer.status, answer.code) == (409, "idempotency_key_reused")


async def test_a_known_external_id_answers_with_its_payment(shop, vendor):
    made = await create(shop, vendor, external_id="vr-1", key="k-1")
    await reach(shop, made.body, "processing")
    again = await create(shop, vendor, 999, external_id="vr-1", key="k-2")
    assert (again.status, again.body["payment"]["status"]) == (200, "processing")
    assert again.body["payment"]["id"] == made.body["payment"]["id"]


async def test_the_external_id_of_a_refund_that_was_made_alone_is_refused(shop, vendor):
    await shop.vendor_refund(vendor, 1000, external_id="vr-1")
    answer = await create(shop, vendor, external_id="vr-1")
    assert (answer.status, answer.code) == (409, "duplicate_external_id")


# --- statuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pending", "processing"),
        ("pending", "completed"),
        ("pending", "failed"),
        ("pending", "cancelled"),
        ("processing", "completed"),
        ("processing", "failed"),
        ("completed", "completed"),
    ],
)
async def test_a_status_can_change_so(shop, vendor, before, after):
    made = await shop.vendor_refund_payment(vendor, 1000)
    await reach(shop, made, before)
    answer = await patch(shop, made, status=after.upper(), failure_reason="no")
    assert (answer.status, answer.body["payment"]["status"]) == (200, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("processing", "pending"),
        ("processing", "cancelled"),
        ("completed", "failed"),
        ("completed", "pending"),
        ("failed", "completed"),
        ("failed", "cancelled"),
        ("cancelled", "pending"),
    ],
)
async def test_a_status_can_not_change_so(shop, vendor, before, after):
    made = await shop.vendor_refund_payment(vendor, 1000)
    await reach(shop, made, before)
    answer = await patch(shop, made, status=after, failure_reason="no", memo="changed")
    assert (answer.status, answer.code) == (409, "invalid_state")
    payment = (await seen(shop, made))["payment"]
    assert (payment["status"], "memo" in payment) == (before, False)


@pytest.mark.parametrize("fields", [{}, {"failure_reason": ""}, {"failure_reason": None}])
async def test_a_failure_needs_its_reason(shop, vendor, fields):
    made = await shop.vendor_refund_payment(vendor, 1000)
    answer = await patch(shop, made, status="failed", **fields)
    assert (answer.status, list(answer.fields)) == (400, ["failure_reason"])
    assert (await seen(shop, made))["payment"]["status"] == "pending"


async def test_each_status_has_its_instant(shop, vendor, clock):
    made = await shop.vendor_refund_payment(vendor, 1000)
    instants = {"submitted_at", "completed_at", "failed_at"}
    assert not instants & made["payment"].keys()
    clock.advance(60)
    now = (await patch(shop, made, status="processing")).body
    assert now["payment"]["submitted_at"] == "2025-06-15T15:07:40Z"
    assert now["payment"]["updated_at"] == now["refund"]["updated_at"] == "2025-06-15T15:07:40Z"
    clock.advance(60)
    now = (await patch(shop, made, status="completed")).body["payment"]
    assert now["submitted_at"] == "2025-06-15T15:07:40Z"
    assert now["completed_at"] == "2025-06-15T15:08:40Z"
    failed = await shop.vendor_refund_payment(vendor, 1000)
    now = (await patch(shop, failed, status="failed", failure_reason="no")).body["payment"]
    assert (now["failed_at"], now["failure_reason"]) == ("2025-06-15T15:08:40Z", "no")


async def test_a_refund_is_completed_once_all_of_it_is(shop, vendor):
    payments = [{"refunded_amount_cents": 600}, {"refunded_amount_cents": 400}]
    refund = await shop.vendor_refund(vendor, 1000, payments=payments)
    one, two = ({"payment": payment} for payment in refund["vendor_refund_payments"])
    assert (await patch(shop, one, status="completed")).body["refund"]["status"] == "pending"
    assert (await patch(shop, two, status="completed")).body["refund"]["status"] == "completed"


async def test_a_refund_whose_payments_are_all_cancelled_is_too_and_frees_its_bill(
    shop, vendor, bill
):
    payments = [{"refunded_amount_cents": 600}, {"refunded_amount_cents": 400}]
    refund = await shop.vendor_refund(
        vendor, 1000, payments=payments, allocations=[of_bill(bill, 1000)]
    )
    one, two = ({"payment": payment} for payment in refund["vendor_refund_payments"])
    now = (await patch(shop, one, status="cancelled")).body
    assert now["refund"]["status"] == "allocated"
    assert (await shop.seen_bill(bill))["vendor_refund_allocations"] != []
    now = (await patch(shop, two, status="cancelled")).body
    assert now["refund"]["status"] == "cancelled"
    assert [one["amount"] for one in now["allocations"]] == [1000]
    assert (await shop.seen_bill(bill))["vendor_refund_allocations"] == []
    await shop.vendor_refund(vendor, 10_000, allocations=[of_bill(bill, 10_000)])
    rows = (await shop.get("vendor-refunds/", status="cancelled")).body["results"]
    assert [row["id"] for row in rows] == [refund["id"]]


async def test_a_cancelled_refund_of_credit_leaves_it_open(shop, vendor):
    await shop.vendor_credit(vendor, 400)
    allocations = [{"allocation_type": "credit", "amount_cents": 400}]
    made = await shop.vendor_refund_payment(vendor, 400, allocations=allocations)
    assert (await create(shop, vendor, allocations=allocations)).status == 400
    await delete(shop, made)
    assert (await create(shop, vendor, allocations=allocations)).status == 201


async def test_a_refund_whose_payment_failed_is_still_due(shop, vendor, bill):
    made = await shop.vendor_refund_payment(vendor, 1000, allocations=[of_bill(bill, 1000)])
    await reach(shop, made, "failed")
    assert (await seen(shop, made))["refund"]["status"] == "allocated"
    assert (await shop.seen_bill(bill))["vendor_refund_allocations"] != []


# --- the other operations --------------------------------------------------------------


async def test_an_update_changes_what_is_sent(shop, vendor):
    made = await shop.vendor_refund_payment(vendor, 1000, memo="a", payment_reference="P-1")
    answer = await patch(shop, made, memo="b", metadata={"x": 1}, payment_reference=None)
    payment = answer.body["payment"]
    assert (payment["memo"], payment["metadata"]) == ("b", {"x": 1})
    assert "payment_reference" not in payment
    assert answer.body["refund"]["memo"] == "a"
    payment = (await patch(shop, made, processing_fee_cents=30, metadata=None)).body["payment"]
    assert (payment["processing_fee_cents"], payment["net_amount_cents"]) == (30, 970)
    assert "metadata" not in payment
    assert (await seen(shop, made))["payment"] == payment


@pytest.mark.parametrize(
    "fields",
    [
        {"processing_fee_cents": 1001},
        {"processing_fee_cents": -1},
        {"payment_reference": "x" * 101},
        {"status": "lost"},
    ],
)
async def test_a_bad_change_is_named(shop, vendor, fields):
    made = await shop.vendor_refund_payment(vendor, 1000)
    answer = await patch(shop, made, **fields)
    assert (answer.status, list(answer.fields)) == (400, list(fields))
    assert await seen(shop, made) == made


@pytest.mark.parametrize("status", ["pending", "failed"])
async def test_a_payment_that_took_no_money_can_be_deleted(shop, vendor, status, clock):
    made = await shop.vendor_refund_payment(vendor, 1000)
    await reach(shop, made, status)
    clock.advance(60)
    answer = await delete(shop, made)
    assert answer.status == 200
    assert answer.body.pop("message")
    assert answer.body == {
        "payment_id": made["payment"]["id"],
        "refund_id": made["refund"]["id"],
        "status": "cancelled",
        "updated_at": "2025-06-15T15:07:40Z",
    }
    now = await seen(shop, made)
    assert (now["payment"]["status"], now["refund"]["status"]) == ("cancelled", "cancelled")


@pytest.mark.parametrize("status", ["processing", "completed", "cancelled"])
async def test_other_payments_can_not_be_deleted(shop, vendor, status):
    made = await shop.vendor_refund_payment(vendor, 1000)
    await reach(shop, made, status)
    answer = await delete(shop, made)
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await seen(shop, made))["payment"]["status"] == status


async def test_lists_are_filtered(shop, vendor):
    one = await shop.vendor_refund_payment(vendor, 1000, refund_date="2025-06-01")
    two = await shop.vendor_refund_payment(
        vendor, 1000, refund_date="2025-06-02", payment_method="check", payment_reference="CH-77"
    )
    await reach(shop, two, "completed")
    refund = await shop.vendor_refund(
        vendor,
        500,
        payments=[{"refunded_amount_cents": 500, "payment_date": "2025-06-03"}],
    )
    three = {"payment": refund["vendor_refund_payments"][0]}
    for asked, found in [
        ({}, [one, two, three]),
        ({"status": "COMPLETED"}, [two]),
        ({"status": "pending"}, [one, three]),
        ({"payment_method": "Check"}, [two]),
        ({"refund_id": refund["id"]}, [three]),
        ({"payment_date_start": "2025-06-02"}, [two, three]),
        ({"payment_date_end": "2025-06-02"}, [one, two]),
        ({"search": "ch-7"}, [two]),
    ]:
        rows = (await shop.get(PAYMENTS, **asked)).body["results"]
        assert [row["id"] for row in rows] == [made["payment"]["id"] for made in found], asked


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "lost"},
        {"payment_method": "barter"},
        {"refund_id": "x"},
        {"payment_date_start": "soon"},
    ],
)
async def test_a_bad_filter_is_named(shop, asked):
    answer = await shop.get(PAYMENTS, **asked)
    assert (answer.status, list(answer.fields)) == (400, list(asked))


async def test_an_unknown_payment_is_not_found(shop):
    for method, path, *body in [("GET", ""), ("PATCH", "", {}), ("POST", "delete/")]:
        answer = await shop.send(method, f"{PAYMENTS}{NOBODY}/{path}", *body)
        assert (answer.status, answer.code) == (404, "vendor_refund_payment_not_found")


# --- the ledger ------------------------------------------------------------------------


async def test_money_comes_in_less_the_fee(shop, vendor):
    roles = (Role.BANK, Role.PROCESSING_FEES, Role.VENDOR_REFUNDS, Role.VENDOR_CREDITS)
    made = await shop.vendor_refund_payment(
        vendor, 1000, processing_fee_cents=20, processor="wise", refund_date="2025-03-01"
    )
    assert shop.balances(*roles) == [980, 20, 0, -1000]
    assert {str(entry.day) for entry in shop.books.ledger.entries.values()} == {"2025-03-01"}
    await patch(shop, made, processing_fee_cents=50)
    assert shop.balances(*roles) == [950, 50, 0, -1000]


async def test_a_failure_takes_the_money_back_and_leaves_the_refund_owed(shop, vendor):
    made = await shop.vendor_refund_payment(vendor, 1000, processing_fee_cents=20)
    await reach(shop, made, "failed")
    assert shop.balances(Role.BANK, Role.PROCESSING_FEES) == [0, 0]
    assert shop.balance(Role.VENDOR_REFUNDS) == 1000


async def test_a_cancelled_payment_leaves_nothing_in_the_ledger(shop, vendor, bill):
    before = shop.books.snapshot()["accounts"]
    made = await shop.vendor_refund_payment(vendor, 1000, allocations=[of_bill(bill, 1000)])
    assert shop.books.snapshot()["accounts"] != before
    await delete(shop, made)
    assert shop.books.snapshot()["accounts"] == before
