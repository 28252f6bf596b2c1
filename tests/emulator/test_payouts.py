"""Payouts: what they settle, and where the money is before and after."""

from __future__ import annotations

import pytest

from thredfi_async.emulator.books import Role

from .caller import NOBODY

PAYOUTS = "payouts/"


@pytest.fixture
async def invoice(shop):
    """An invoice over 10,000."""
    customer = await shop.customer(company_name="Buyer")
    return await shop.invoice(10_000, customer_id=customer["id"])


@pytest.fixture
async def payment(shop, invoice):
    """A payment of 6,000 that names no processor."""
    return await shop.payment(invoice, 6000, external_id="p-1", payment_reference="ref-1")


@pytest.fixture
async def refund_payment(shop, invoice, payment):
    """1,000 of it, paid back."""
    refund = await shop.refund(invoice, 1000)
    return await shop.refund_payment(
        refund, 1000, external_id="rp-1", completed_at="2025-06-03T09:00:00Z"
    )


async def push(shop, **fields):
    body = {
        "external_id": "po-1",
        "processor": "stripe",
        "paid_out_amount_cents": 5900,
        "fee_cents": 100,
        "currency": "GBP",
        "status": "paid",
        "completed_at": "2025-06-04T09:00:00Z",
        **fields,
    }
    return await shop.post(PAYOUTS, body)


async def seen_payout(shop, payout):
    return (await shop.get(f"{PAYOUTS}{payout['id']}/")).body


async def listed(shop, **query):
    return [row["external_id"] for row in (await shop.get(PAYOUTS, **query)).body["results"]]


# --- what it shows ---------------------------------------------------------------------


async def test_what_was_sent_comes_back_with_its_payments(shop, invoice, payment, refund_payment):
    sent = {
        "processor_payout_id": "po_x",
        "additional_refunds_amount_cents": 50,
        "reference_number": "R-1",
        "memo": "week 23",
        "metadata": {"a": 1},
    }
    answer = await push(
        shop,
        **sent,
        paid_out_amount_cents=4800,
        completed_at="2025-06-04T10:00:00+02:00",
        payment_ids=[payment["id"]],
        refund_payment_ids=[refund_payment["id"]],
    )
    made = answer.body
    assert answer.status == 201
    assert made.items() >= {**sent, "external_id": "po-1", "business_id": shop.id}.items()
    assert (made["completed_at"], made["currency"]) == ("2025-06-04T08:00:00Z", "GBP")
    assert (made["status"], made["reconciliation_status"]) == ("paid", "unreconciled")
    assert (made["payment_count"], made["refund_payment_count"]) == (1, 1)
    assert (made["gross_payments_amount_cents"], made["total_refunds_amount_cents"]) == (6000, 1050)
    assert (made["expected_net_amount_cents"], made["amount_variance_cents"]) == (4850, -50)
    assert made["net_amount_cents"] == 4700
    assert made["payments"] == [
        {
            "id": payment["id"],
            "external_id": "p-1",
            "payment_reference": "ref-1",
            "customer_name": "Buyer",
            "payment_date": "2025-06-02",
            "total_amount_cents": 6000,
            "currency": "GBP",
        }
    ]
    assert made["refund_payments"] == [
        {
            "id": refund_payment["id"],
            "external_id": "rp-1",
            "refund_id": refund_payment["refund_id"],
            "customer_name": "Buyer",
            "refunded_amount_cents": 1000,
            "completed_at": "2025-06-03T09:00:00Z",
        }
    ]
    assert await seen_payout(shop, made) == made
    (row,) = (await shop.get(PAYOUTS)).body["results"]
    assert row.items() <= made.items()
    assert "payments" not in row


async def test_a_payout_may_settle_nothing_that_is_known(shop):
    made = await shop.payout(100)
    assert (made["payments"], made["refund_payments"], made["metadata"]) == ([], [], {})
    assert (made["expected_net_amount_cents"], made["amount_variance_cents"]) == (0, 100)


async def test_any_processor_pays_out(shop):
    assert (await shop.payout(1, processor="Mollie"))["processor"] == "Mollie"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"external_id": None}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"processor": ""}, "processor"),
        ({"processor": None}, "processor"),
        ({"paid_out_amount_cents": None}, "paid_out_amount_cents"),
        ({"fee_cents": -1}, "fee_cents"),
        ({"additional_refunds_amount_cents": -1}, "additional_refunds_amount_cents"),
        ({"currency": "EUR"}, "currency"),
        ({"status": "lost"}, "status"),
        ({"completed_at": "2025-06-04"}, "completed_at"),
        ({"payment_ids": [NOBODY]}, "payment_ids[0]"),
        ({"refund_payment_ids": [NOBODY]}, "refund_payment_ids[0]"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_kept(shop, payment, fields, named):
    answer = await push(shop, **{"payment_ids": [payment["id"]], **fields})
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert not shop.books.payouts
    assert shop.books.payments[payment["id"]].payout_id is None


async def test_an_unknown_payout_is_not_found(shop):
    for method in ("GET", "DELETE"):
        answer = await shop.send(method, f"{PAYOUTS}{NOBODY}/")
        assert (answer.status, answer.code) == (404, "payout_not_found")


# --- the ledger ------------------------------------------------------------------------

CASH = (Role.BANK, Role.CLEARING, Role.PROCESSING_FEES)


async def test_payments_wait_at_the_processor_until_it_pays_out(shop, payment, refund_payment):
    assert shop.balances(*CASH) == [5000, 0, 0]
    ids = {"payment_ids": [payment["id"]], "refund_payment_ids": [refund_payment["id"]]}
    await push(shop, status="pending", paid_out_amount_cents=4900, **ids)
    assert shop.balances(*CASH) == [0, 5000, 0]
    await push(shop, paid_out_amount_cents=4900, **ids)
    assert shop.balances(*CASH) == [4900, 0, 100]
    entry = list(shop.books.ledger.entries.values())[-1]
    assert (str(entry.day), entry.source.kind) == ("2025-06-04", "payout")


async def test_a_payment_is_booked_anew_when_a_payout_takes_it(shop, clock, payment):
    clock.advance(60)
    await push(shop, payment_ids=[payment["id"]])
    reversal, again = list(shop.books.ledger.entries.values())[-3:-1]
    assert reversal.reverses is not None
    for entry in (reversal, again):
        assert (str(entry.day), entry.source.id) == ("2025-06-02", payment["id"])
        assert f"{entry.posted_at:%H:%M:%S}" == "15:07:40"


async def test_what_the_processor_did_not_pay_out_stays_with_it(shop, payment):
    await push(shop, paid_out_amount_cents=5800, payment_ids=[payment["id"]])
    assert shop.balances(*CASH) == [5800, 100, 100]


async def test_fees_of_the_payments_themselves_are_not_booked_twice(shop, invoice):
    payment = await shop.payment(invoice, 6000, processing_fee_cents=60, payment_processor="stripe")
    refund = await shop.refund(invoice, 1000)
    refund_payment = await shop.refund_payment(
        refund, 1000, refund_processing_fee_cents=10, processor="STRIPE"
    )
    assert shop.balances(*CASH) == [0, 4930, 70]
    await push(
        shop,
        paid_out_amount_cents=4900,
        payment_ids=[payment["id"]],
        refund_payment_ids=[refund_payment["id"]],
    )
    assert shop.balances(*CASH) == [4900, 0, 100]


async def test_a_negative_payout_takes_money_from_the_bank(shop, refund_payment):
    await push(
        shop,
        paid_out_amount_cents=-1000,
        fee_cents=0,
        refund_payment_ids=[refund_payment["id"]],
    )
    assert shop.balances(*CASH) == [6000 - 1000, 0, 0]


# --- the same external_id again ---------------------------------------------------------


async def test_a_known_external_id_changes_the_payout(shop, clock, invoice, payment):
    made = (await push(shop, payment_ids=[payment["id"]], memo="one", reference_number="R")).body
    other = await shop.payment(invoice, 3000)
    clock.advance(60)
    answer = await push(
        shop,
        paid_out_amount_cents=2950,
        fee_cents=50,
        processor="adyen",
        memo="two",
        completed_at="2025-06-05T09:00:00Z",
        payment_ids=[other["id"]],
    )
    changed = answer.body
    assert (answer.status, changed["id"]) == (200, made["id"])
    assert (changed["memo"], changed["reference_number"]) == ("two", "R")
    assert (changed["processor"], changed["completed_at"]) == ("adyen", "2025-06-05T09:00:00Z")
    assert (changed["created_at"], changed["updated_at"]) == (
        made["created_at"],
        "2025-06-15T15:07:40Z",
    )
    assert [one["id"] for one in changed["payments"]] == [other["id"]]
    assert shop.balances(*CASH) == [6000 + 2950, 0, 50]


async def test_payments_that_are_not_sent_again_stay(shop, payment, refund_payment):
    ids = {"payment_ids": [payment["id"]], "refund_payment_ids": [refund_payment["id"]]}
    await push(shop, **ids)
    for again in ({}, {"payment_ids": None, "refund_payment_ids": None}):
        answer = await push(shop, **again)
        assert (answer.body["payment_count"], answer.body["refund_payment_count"]) == (1, 1)
    answer = await push(shop, payment_ids=[], refund_payment_ids=[])
    assert (answer.body["payment_count"], answer.body["refund_payment_count"]) == (0, 0)


async def test_null_empties_a_text(shop):
    await push(shop, memo="one")
    assert "memo" not in (await push(shop, memo=None)).body


async def test_a_refused_change_leaves_all_as_it_was(shop, payment):
    made = (await push(shop, payment_ids=[payment["id"]])).body
    answer = await push(shop, fee_cents=1, payment_ids=[], refund_payment_ids=[NOBODY])
    assert answer.status == 400
    assert await seen_payout(shop, made) == made


# --- what can't be in a payout ----------------------------------------------------------


async def test_a_payment_is_in_one_payout(shop, payment, refund_payment):
    ids = {"payment_ids": [payment["id"]], "refund_payment_ids": [refund_payment["id"]]}
    made = (await push(shop, **ids)).body
    for name in ids:
        answer = await push(shop, external_id="po-2", **{name: ids[name]})
        assert (answer.status, list(answer.fields)) == (400, [f"{name}[0]"])
    await push(shop, payment_ids=[], refund_payment_ids=[])
    answer = await push(shop, external_id="po-2", **ids)
    assert (answer.status, answer.body["payment_count"]) == (201, 1)
    assert (await seen_payout(shop, made))["payment_count"] == 0


async def test_a_payment_that_is_named_twice_counts_once(shop, payment):
    answer = await push(shop, payment_ids=[payment["id"], payment["id"]])
    assert (answer.body["payment_count"], answer.body["gross_payments_amount_cents"]) == (1, 6000)


async def test_a_payment_that_pays_nothing_is_refused(shop, invoice, payment):
    await shop.send("PATCH", f"invoices/payments/{payment['id']}/", {"status": "failed"})
    good = await shop.payment(invoice, 100)
    answer = await push(shop, payment_ids=[good["id"], payment["id"]])
    assert (answer.status, list(answer.fields)) == (400, ["payment_ids[1]"])


async def test_a_payment_that_came_over_the_bank_itself_is_refused(shop, emulator, invoice):
    transaction = emulator.add_bank_transaction(shop.id, 4000)
    body = {"transaction_id": transaction, "invoice_id": invoice["id"]}
    answer = await shop.post(f"bank-transactions/{transaction}/match-payment/", body)
    assert answer.status == 200, answer.body
    answer = await push(shop, payment_ids=[answer.body["payment_id"]])
    assert (answer.status, list(answer.fields)) == (400, ["payment_ids[0]"])


@pytest.mark.parametrize(
    "change",
    [
        {"total_amount_cents": 7000},
        {"status": "cancelled"},
        {"status": "pending"},
        {"processing_fee_cents": 5},
    ],
)
async def test_what_was_paid_out_does_not_change(shop, payment, change):
    made = (await push(shop, payment_ids=[payment["id"]])).body
    path = f"invoices/payments/{payment['id']}/"
    answer = await shop.send("PATCH", path, change)
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await shop.send("PATCH", path, {"notes": "x"})).status == 200
    assert (await seen_payout(shop, made))["amount_variance_cents"] == 0
    await push(shop, payment_ids=[])
    assert (await shop.send("PATCH", path, change)).status == 200


async def test_a_pending_payment_in_a_payout_is_not_deleted(shop, payment):
    path = f"invoices/payments/{payment['id']}/"
    await shop.send("PATCH", path, {"status": "pending"})
    await push(shop, payment_ids=[payment["id"]])
    answer = await shop.post(f"{path}delete/")
    assert (answer.status, answer.code) == (409, "invalid_state")


async def test_a_refund_payment_in_a_payout_is_not_deleted(shop, refund_payment):
    made = await push(shop, refund_payment_ids=[refund_payment["id"]])
    path = f"invoices/refunds/{refund_payment['refund_id']}/payments/{refund_payment['id']}/"
    assert (await shop.send("DELETE", path)).status == 409
    await shop.send("DELETE", f"{PAYOUTS}{made.body['id']}/")
    assert (await shop.send("DELETE", path)).status == 200


# --- delete and list --------------------------------------------------------------------


async def test_a_deleted_payout_frees_its_payments(shop, payment, refund_payment):
    ids = {"payment_ids": [payment["id"]], "refund_payment_ids": [refund_payment["id"]]}
    made = (await push(shop, **ids)).body
    answer = await shop.send("DELETE", f"{PAYOUTS}{made['id']}/")
    assert (answer.status, answer.body) == (200, {"deleted": True})
    assert (await shop.get(f"{PAYOUTS}{made['id']}/")).status == 404
    assert shop.balances(*CASH) == [5000, 0, 0]
    assert (await push(shop, **ids)).status == 201


async def test_lists_filter_by_instant_amount_name_and_status(shop):
    await shop.payout(100, external_id="Alpha", completed_at="2025-06-01T00:00:00Z", memo="first")
    await shop.payout(
        200, external_id="beta", processor="adyen", status="pending", reference_number="R-2"
    )
    assert await listed(shop) == ["Alpha", "beta"]
    assert await listed(shop, completed_at_end="2025-06-01T00:00:00Z") == ["Alpha"]
    assert await listed(shop, completed_at_start="2025-06-01T00:00:01Z") == ["beta"]
    assert await listed(shop, external_id="ALP") == ["Alpha"]
    assert await listed(shop, max_amount=100) == ["Alpha"]
    assert await listed(shop, min_amount=101) == ["beta"]
    assert await listed(shop, processor="ADYEN") == ["beta"]
    assert await listed(shop, status="pending") == ["beta"]
    assert await listed(shop, search="r-2") == ["beta"]
    assert await listed(shop, search="FIRST") == ["Alpha"]
    assert (await shop.get(PAYOUTS, status="lost")).fields.keys() == {"status"}
