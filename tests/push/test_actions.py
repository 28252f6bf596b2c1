"""What is done with records, in which order, and what is remembered of it; without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from thredfi_async import BadRequest, OutcomeUnknown
from thredfi_async.push import Journal, MemoryIdStore, Outcome, Push, Status
from thredfi_async.push.engine import Plan

from .fakes import FakeSender, PatientClock, customer, invoice, payment


def update(name: str = "C1", **fields: Any) -> dict[str, Any]:
    return customer(name, action="update", **fields)


def account(name: str, parent: str) -> dict[str, Any]:
    return {
        "type": "account", "business": "shop", "external_id": name, "parent_external_id": parent
    }  # fmt: skip


async def run(sender: FakeSender, records: list[Any], **more: Any) -> list[Outcome]:
    journal = more.pop("journal", None)
    push = Push(sender, records, concurrency=4, journal=journal, plan=Plan(**more))
    async with asyncio.timeout(20):
        return sorted([outcome async for outcome in push], key=lambda one: one.line)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [str(one.status) for one in outcomes]


# --- circles ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "records", [[account("a", "a")], [account("a", "b"), account("b", "a")]], ids=["one", "two"]
)
async def test_a_circle_of_references_fails_and_hangs_nobody(records):
    outcomes = await run(FakeSender(), [*records, customer()])
    assert statuses(outcomes) == ["failed"] * len(records) + ["created"]
    assert "in a circle" in (outcomes[0].reason or "")


async def test_a_reference_to_a_later_line_wins_over_the_order_of_lines():
    lines = [customer(), payment("P1", "I9"), update(notes="x"), invoice("I9")]
    sender = FakeSender()
    assert statuses(await run(sender, lines)) == ["created", "created", "changed", "created"]
    sent = [order.kind.name for order in sender.orders]
    assert sent.index("invoice") < sent.index("payment")


# --- revisions ----------------------------------------------------------------------------


async def test_an_older_revision_shares_the_end_of_the_newer():
    new, old = customer(revision=5, notes="new"), customer(revision=4, notes="old")
    outcomes = await run(FakeSender(), [new, old, invoice()])
    assert statuses(outcomes) == ["created", "replayed", "created"]

    def refuse(kind: str, body: dict[str, Any]) -> None:
        raise BadRequest(400, operation="create_customer", attempts=1)

    assert statuses(await run(FakeSender(refuse), [new, old])) == ["failed", "failed"]


async def test_a_newer_revision_follows_the_older():
    sender = FakeSender()
    await run(sender, [customer(revision=1, notes="a"), customer(revision=2, notes="b")])
    assert [order.body["notes"] for order in sender.orders] == ["a", "b"]
    assert sender.most_under_way == 1


# --- what is remembered -------------------------------------------------------------------


async def test_what_is_deleted_is_made_again():
    ids = MemoryIdStore()
    await run(FakeSender(), [customer(), {**invoice(), "type": "customer_credit"}], ids=ids)
    gone = {"type": "customer_credit", "business": "shop", "external_id": "I1"}
    await run(FakeSender(), [{**gone, "action": "delete"}], ids=ids)
    again = await run(FakeSender(), [{**invoice(), "type": "customer_credit"}], ids=ids)
    assert statuses(again) == ["created"]


async def test_the_store_knows_the_last_of_several_changes():
    ids = MemoryIdStore()
    await run(FakeSender(), [customer()], ids=ids)
    await run(FakeSender(), [update(notes="a")], ids=ids)
    assert statuses(await run(FakeSender(), [update(notes="a")], ids=ids)) == ["replayed"]
    await run(FakeSender(), [update(notes="b"), update(notes="a")], ids=ids)
    assert statuses(await run(FakeSender(), [update(notes="b")], ids=ids)) == ["changed"]
    assert statuses(await run(FakeSender(), [customer()], ids=ids)) == ["replayed"]


def unknown(kind: str, body: dict[str, Any]) -> None:
    raise OutcomeUnknown(
        "lost", operation="call", method="POST", path="/", attempts=1, external_id=None,
        idempotency_key=None, status=None, find_out="",
    )  # fmt: skip


async def test_what_may_have_been_changed_is_not_unchanged():
    ids = MemoryIdStore()
    await run(FakeSender(), [customer(), update(notes="a")], ids=ids)
    lost = FakeSender(unknown, clock=PatientClock())
    assert statuses(await run(lost, [update(notes="b")], ids=ids)) == ["unknown"]
    assert statuses(await run(FakeSender(), [update(notes="a")], ids=ids)) == ["changed"]


async def test_an_older_revision_never_overwrites_a_newer_in_the_store():
    ids = MemoryIdStore()
    await run(FakeSender(), [customer(revision=5), customer(revision=4, notes="old")], ids=ids)
    (outcome,) = await run(FakeSender(), [customer(revision=4, notes="old")], ids=ids)
    assert outcome.reason == "superseded: revision 5 is settled"


async def test_a_resumed_run_keeps_the_order_of_what_is_done_with_a_record(tmp_path):
    lines = [customer(), update(notes="a"), update(notes="b")]

    def refuse(kind: str, body: dict[str, Any]) -> None:
        if body.get("notes") == "a":
            raise BadRequest(400, operation="update_customer", attempts=1)

    with Journal(tmp_path / "run.db") as journal:
        outcomes = await run(FakeSender(refuse), lines, journal=journal)
    assert statuses(outcomes) == ["created", "failed", "changed"]
    sender = FakeSender()
    with Journal(tmp_path / "run.db", resume=True) as journal:
        outcomes = await run(sender, lines, journal=journal)
    assert statuses(outcomes) == ["replayed", "changed", "changed"]
    assert [order.body["notes"] for order in sender.orders] == ["a", "b"]


# --- what must not be done twice ----------------------------------------------------------


async def test_what_thred_would_do_again_is_not_sent_again_by_itself():
    write_offs = [
        {"type": "write_off", "business": "shop", "external_id": f"W{n}", "invoice_id": "i"}
        for n in range(40)
    ]
    sender = FakeSender(unknown, clock=PatientClock())
    outcomes = await run(sender, write_offs)
    assert len(sender.names) == len(set(sender.names))
    again = FakeSender()
    entries = [one.as_failed_line() for one in outcomes if one.status is Status.UNKNOWN]
    assert entries
    assert set(statuses(await run(again, entries))) == {"unknown"}
    assert again.sent == []


async def test_a_reference_of_two_parents_needs_one():
    two = [
        {"type": "refund_payment", "business": "shop", "external_id": "x", "refund_id": refund}
        for refund in ("r1", "r2")
    ]
    payout = {"type": "payout", "business": "shop", "external_id": "po"}
    by_text = {**payout, "refund_payment_external_ids": ["x"]}
    (*_, outcome) = await run(FakeSender(), [*two, by_text])
    assert "'x' names more than one refund_payment" in (outcome.reason or "")
    exact = [{"refund_id": "r2", "external_id": "x"}]
    sender = FakeSender()
    outcomes = await run(sender, [*two, {**payout, "refund_payment_external_ids": exact}])
    assert statuses(outcomes) == ["created"] * 3
    listed = await run(FakeSender(), [{**payout, "payment_ids": "abc", "payment_external_ids": []}])
    assert listed[0].reason == "payment_ids must be a list, not text"


async def test_ids_that_are_known_are_not_looked_up():
    ids = MemoryIdStore()
    sender = FakeSender(there={"C1": "found"})
    await run(sender, [customer()], ids=ids)
    await run(sender, [invoice("I2"), payment("P2", "I2")], ids=ids)
    assert sender.looked_up == []
    assert sender.orders[-1].body["customer_id"] == "id-C1"
