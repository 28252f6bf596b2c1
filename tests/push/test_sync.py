"""Day after day: references to what earlier runs have sent, actions, and what is unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from thredfi_async import IdStoreError, ThredfiClient
from thredfi_async.emulator import Emulator
from thredfi_async.push import (
    Key,
    Known,
    MemoryIdStore,
    Outcome,
    SqliteIdStore,
    Status,
    open_known,
)
from thredfi_async.push.records import BadRecord, read_record

DAY, TIME = "2025-01-10", "2025-01-10T10:00:00Z"


def record(type: str, external_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, "business": "shop-2", "external_id": external_id, **fields}


def line(amount: int) -> list[dict[str, Any]]:
    return [{"product": "Work", "unit_price": amount, "quantity": 1, "description": "Work"}]


def invoice(external_id: str, amount: int, **fields: Any) -> dict[str, Any]:
    return record(
        "invoice",
        external_id,
        customer_external_id="c1",
        sent_at=TIME,
        line_items=line(amount),
        **fields,
    )


BUSINESS = {
    "type": "business",
    "external_id": "shop-2",
    "legal_name": "Shop",
    "entity_type": "limited",
    "email": "shop@example.org",
    "country": "GB",
    "base_currency": "GBP",
}
BILLS = [{"bill_external_id": "b1", "amount_cents": 50}]
FIRST = [
    BUSINESS,
    record("customer", "c1", company_name="Cafe", email="cafe@example.org"),
    record("vendor", "v1", company_name="Mill", email="mill@example.org"),
    record("account", "a1", name="Own", code="4999", account_type="REVENUE"),
    record("account", "a2", name="Below", code="4998", parent_external_id="a1"),
    invoice("i1", 1000),
    invoice("i2", 500),
    invoice("i3", 700),
    record("bill", "b1", vendor_external_id="v1", received_at=TIME, due_at=TIME,
           line_items=[{"product": "Flour", "unit_price": 800, "quantity": 1}]),
]  # fmt: skip
SECOND = [
    record("payment", "p1", customer_external_id="c1", total_amount_cents=1000, currency="GBP",
           payment_date=DAY, payment_method="stripe",
           allocations=[{"invoice_external_id": "i1", "amount_cents": 1000}]),
    record("invoice", "i2", action="void"),
    record("invoice", "i3", action="update", memo="Changed"),
    record("refund", "r1", invoice_external_id="i1", amount_cents=200, method="CREDIT_CARD",
           completed_at=TIME),
    record("refund_payment", "rp1", refund_external_id="r1", amount_cents=200,
           method="CREDIT_CARD", completed_at=TIME),
    record("payout", "po1", processor="STRIPE", paid_out_amount_cents=780, fee_cents=20,
           currency="GBP", status="PAID", completed_at=TIME, payment_external_ids=["p1"],
           refund_payment_external_ids=[{"refund_external_id": "r1", "external_id": "rp1"}]),
    record("bill_payment", "bp1", vendor_external_id="v1", amount_cents=300, payment_date=DAY,
           payment_method="cash",
           allocations=[{"bill_external_id": "b1", "amount_cents": 300}]),
    record("vendor_credit", "vc1", vendor_external_id="v1", received_at=TIME,
           line_items=[{"amount": 110, "memo": "Spoiled"}]),
    record("customer_credit", "cc1", customer_external_id="c1", sent_at=TIME,
           line_items=[{"amount": 120, "memo": "Sorry"}]),
    record("write_off", "w1", invoice_external_id="i3", amount_cents=100),
    record("vendor_refund", "vr1", vendor_external_id="v1", total_refunded_amount_cents=50,
           refund_date=DAY, allocations=BILLS),
    record("vendor_refund_payment", "vrp1", vendor_external_id="v1", total_amount_cents=50,
           refund_date=DAY, allocations=BILLS),
    record("customer", "c1", action="archive"),
]  # fmt: skip


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def thredfi(emulator: Emulator) -> AsyncIterator[ThredfiClient]:
    async with emulator.client() as thredfi:
        yield thredfi


async def push(thredfi: ThredfiClient, records: list[Any], **more: Any) -> list[Outcome]:
    run = thredfi.push(records, **more)
    return sorted([outcome async for outcome in run], key=lambda one: one.line)


def told(outcomes: list[Outcome]) -> list[Any]:
    return [(one.external_id, one.status, one.reason) for one in outcomes if not one.ok]


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [str(one.status) for one in outcomes]


@pytest.mark.parametrize("kept", [True, False], ids=["id store", "look-ups"])
async def test_the_second_day_refers_to_the_first(emulator, thredfi, tmp_path, kept):
    async def day(records: list[Any]) -> list[Outcome]:
        if not kept:
            return await push(thredfi, records)
        async with SqliteIdStore(tmp_path / "ids.db") as ids:
            return await push(thredfi, records, ids=ids)

    first = await day(FIRST)
    assert told(first) == []
    assert set(statuses(first)) == {"created"}
    second = await day(SECOND)
    assert told(second) == []
    changed = [SECOND.index(one) for one in SECOND if "action" in one]
    assert statuses(second) == [
        "changed" if number in changed else "created" for number in range(len(SECOND))
    ]
    ids = {(one.type, one.external_id): one.id for one in first + second}
    shop = thredfi.business(ids["business", "shop-2"])
    assert (await shop.invoices.get(ids["invoice", "i2"])).status == "voided"
    assert (await shop.invoices.get(ids["invoice", "i3"])).memo == "Changed"
    assert (await shop.customers.get(ids["customer", "c1"])).status == "archived"
    books = emulator.books("shop-2").totals()
    assert (books.invoiced, books.paid, books.refunded) == (1700, 1000, 200)
    before = emulator.books("shop-2").snapshot()
    # And once more, all of it: nothing is doubled.
    again = await day([*FIRST, *SECOND])
    assert told(again) == []
    assert emulator.books("shop-2").snapshot() == before


# --- what is known ------------------------------------------------------------------------


async def test_what_is_as_it_was_settled_is_not_sent(emulator, thredfi):
    ids = MemoryIdStore()
    await push(thredfi, FIRST, ids=ids)
    sent = emulator.requests.total()
    again = await push(thredfi, FIRST, ids=ids)
    assert {one.reason for one in again} == {"unchanged since it was settled"}
    assert {one.attempts for one in again} == {0}
    assert emulator.requests.total() - sent <= 2, "but for the list of businesses"
    sent = emulator.requests.total()
    again = await push(thredfi, FIRST, ids=ids, send_unchanged=True)
    assert told(again) == []
    assert emulator.requests.total() - sent >= len(FIRST)


async def test_an_older_revision_is_superseded(emulator, thredfi):
    ids = MemoryIdStore()
    new = record("customer", "c9", company_name="New", revision=5)
    old = record("customer", "c9", company_name="Old", revision=4)
    await push(thredfi, [BUSINESS, new], ids=ids)
    (outcome,) = await push(thredfi, [old], ids=ids)
    assert (outcome.status, outcome.reason) == (
        Status.REPLAYED,
        "superseded: revision 5 is settled",
    )
    assert outcome.id
    # Within one input as well, without a store.
    outcomes = await push(thredfi, [new, old])
    assert outcomes[1].reason == "superseded by line 1, of a newer revision"
    newer = new | {"company_name": "Newer", "revision": 6}
    (outcome,) = await push(thredfi, [newer], ids=ids, on_difference="update")
    assert outcome.status is Status.CHANGED


async def test_another_run_reads_the_ids_of_a_store_and_leaves_it_alone(thredfi, tmp_path):
    async with SqliteIdStore(tmp_path / "ids.db") as ids:
        await push(thredfi, FIRST, ids=ids)
    run = thredfi.push(SECOND, known=[open_known(tmp_path / "ids.db")])
    assert told(sorted([one async for one in run], key=lambda one: one.line)) == []
    assert run.summary.look_ups == 0


async def test_look_ups_are_counted_made_once_and_can_be_turned_off(thredfi):
    await push(thredfi, FIRST)
    more = [record("refund", f"r{n}", invoice_external_id="none", amount_cents=1) for n in range(5)]
    run = thredfi.push(more)
    reasons = {one.reason async for one in run}
    assert reasons == {
        "invoice_external_id: no invoice 'none' of this business is known, neither in the input "
        "nor at Thred"
    }
    assert run.summary.look_ups == 1
    off = await push(thredfi, [more[0]], lookup=False)
    assert "unknown reference: no invoice 'none'" in (off[0].reason or "")


async def test_an_id_that_leads_nowhere_is_looked_up_once(thredfi):
    ids = MemoryIdStore()
    first = await push(thredfi, FIRST, ids=ids)
    shop = next(one.id for one in first if one.type == "business")
    key = Key(shop or "", "invoice", "", "i3")
    await ids.put({key: Known("00000000-0000-4000-8000-000000000000")})
    (outcome,) = await push(thredfi, [SECOND[2]], ids=ids)
    assert outcome.status is Status.CHANGED
    assert (await ids.get([key]))[key].id == next(o.id for o in first if o.external_id == "i3")


async def test_two_pushes_over_one_store_double_nothing(emulator, thredfi, tmp_path):
    async with (
        SqliteIdStore(tmp_path / "ids.db") as one,
        SqliteIdStore(tmp_path / "ids.db") as other,
    ):
        both = await asyncio.gather(
            push(thredfi, [*FIRST, *SECOND], ids=one), push(thredfi, [*FIRST, *SECOND], ids=other)
        )
    books = emulator.books("shop-2").totals()
    assert (books.invoiced, books.paid, books.refunded) == (1700, 1000, 200)
    assert {status for outcomes in both for status in statuses(outcomes)} <= {
        "created", "changed", "replayed"
    }  # fmt: skip


async def test_ids_of_another_partner_are_refused(thredfi):
    ids = MemoryIdStore()
    await ids.bind("partner p at https://elsewhere")
    with pytest.raises(IdStoreError, match="elsewhere"):
        await push(thredfi, FIRST, ids=ids)


# --- actions ------------------------------------------------------------------------------


async def test_an_action_waits_for_what_names_its_record_and_the_other_way_round(thredfi):
    records = [
        *FIRST,
        SECOND[8],
        record("customer_credit", "cc1", action="delete"),
        record("invoice", "i1", action="void"),
        record("customer", "c1", action="archive"),
        record("customer", "c1", action="unarchive"),
        invoice("i4", 5),
        record("invoice", "i4", action="update", memo="a"),
        record("invoice", "i4", action="update", memo="b"),
        record("invoice", "i4", action="update", memo="a"),
    ]
    outcomes = await push(thredfi, records, concurrency=32)
    assert told(outcomes) == []
    assert statuses(outcomes)[-3:] == ["changed"] * 3
    shop = next(one.id for one in outcomes if one.type == "business") or ""
    last = outcomes[-1].id or ""
    assert (await thredfi.business(shop).invoices.get(last)).memo == "a"


async def test_what_is_so_already_is_replayed_and_what_is_not_there_fails(thredfi):
    await push(thredfi, [*FIRST, *SECOND])
    again = [SECOND[1], SECOND[2], SECOND[-1]]
    assert statuses(await push(thredfi, again)) == ["replayed"] * 3
    (outcome,) = await push(thredfi, [record("invoice", "none", action="void")])
    assert outcome.status is Status.FAILED
    assert "no invoice 'none'" in (outcome.reason or "")


async def test_a_failed_action_fails_nobody_else(thredfi):
    outcomes = await push(
        thredfi,
        [
            *FIRST,
            record("invoice", "i1", action="update", due_at="nonsense"),
            record("refund", "r1", invoice_external_id="i1", amount_cents=1),
            SECOND[0],
        ],
    )
    by_id = {one.external_id: one for one in outcomes[len(FIRST) :]}
    assert by_id["i1"].status is Status.FAILED
    assert by_id["p1"].status is Status.CREATED


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"action": "pay"}, "action 'pay' is none of a invoice; it is one of create, update, void"),
        ({"action": 1}, "action must be one of create, update, void, not a number"),
        ({"action": "update"}, "the update of a invoice has no field to change"),
        ({"revision": "3"}, "revision must be a whole number, not text"),
        ({"file": ""}, "file must be the path of a document, not empty text"),
        ({"action": "void", "file": "a.pdf"}, "file can't be attached to the void of a invoice"),
    ],
)
def test_a_bad_action_is_told_before_anything_is_sent(given, reason):
    with pytest.raises(BadRecord) as caught:
        read_record({"type": "invoice", "business": "b", "external_id": "i", **given})
    assert reason in caught.value.reason


async def test_a_document_goes_along(emulator, thredfi, tmp_path):
    scan = tmp_path / "bill.pdf"
    scan.write_bytes(b"%PDF")
    bill = FIRST[-1] | {"file": str(scan)}
    outcomes = await push(thredfi, [*FIRST[:-1], bill])
    assert told(outcomes) == []
    (missing,) = await push(thredfi, [bill | {"external_id": "b2", "file": str(tmp_path / "no")}])
    assert missing.status is Status.FAILED
    assert "file" in (missing.reason or "")


# --- differences --------------------------------------------------------------------------


async def test_differences_are_reported_updated_or_ignored(thredfi):
    await push(thredfi, FIRST)
    other = FIRST[1] | {"company_name": "Bistro", "email": "bistro@example.org"}
    (outcome,) = await push(thredfi, [other])
    assert outcome.status is Status.DIFFERS
    (outcome,) = await push(thredfi, [other], on_difference="ignore")
    assert outcome.status is Status.REPLAYED
    assert {one.field for one in outcome.differences} == {"company_name", "email"}
    (outcome,) = await push(thredfi, [other], on_difference="update")
    assert outcome.status is Status.CHANGED
    assert outcome.reason == "updated: company_name, email"
    (outcome,) = await push(thredfi, [other])
    assert outcome.status is Status.REPLAYED


async def test_what_an_update_does_not_take_stays_different(thredfi):
    await push(thredfi, FIRST)
    other = invoice("i1", 1000, memo="Thanks") | {"sent_at": "2025-03-01T10:00:00Z"}
    (outcome,) = await push(thredfi, [other], on_difference="update")
    assert outcome.status is Status.DIFFERS
    assert [one.field for one in outcome.differences] == ["sent_at"]
