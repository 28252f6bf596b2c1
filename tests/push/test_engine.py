"""The run: what is sent, what is reported, how it ends. Real sockets: test_push_emulator."""

from __future__ import annotations

import asyncio
import json

import pytest

from thredfi_async import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    InvalidRequest,
    OutcomeUnknown,
    ServerError,
    TransportError,
)
from thredfi_async.push import Push, Status

from .fakes import (
    FakeSender,
    PatientClock,
    customer,
    invoice,
    made,
    no_tasks_left,
    payment,
    refund,
    refund_payment,
    until,
)

ALL = [customer(), invoice(), payment(), refund(), refund_payment()]


async def run(sender, records, **more):
    return [outcome async for outcome in Push(sender, records, **more)]


async def test_every_record_is_sent_with_ids_in_place_of_external_ids():
    sender = FakeSender()
    outcomes = await run(sender, ALL)
    assert [outcome.status for outcome in outcomes] == [Status.CREATED] * 5
    sent = {kind: body for kind, _, body in sender.sent}
    assert sent["invoice"]["customer_id"] == "id-C1"
    assert sent["payment"]["allocations"] == [{"invoice_id": "id-I1", "amount_cents": 1}]
    assert sent["refund_payment"]["refund_id"] == "id-R1"
    assert outcomes[0].id == "id-C1"
    assert outcomes[0].attempts == 1


async def test_the_order_of_sending_does_not_depend_on_the_order_of_the_input():
    sender = FakeSender()
    outcomes = await run(sender, reversed(ALL))
    assert all(outcome.ok for outcome in outcomes)
    # the payment comes after the refund in this input, so nothing orders those two
    assert sender.names[:2] == ["C1", "I1"]
    assert sender.names.index("R1") < sender.names.index("RP1")


async def test_a_refund_waits_for_the_payments_of_its_invoice_that_came_before_it():
    sender = FakeSender()
    payments = [payment(f"P{number}") for number in range(20)]
    await run(sender, [customer(), invoice(), *payments, refund(), payment("late")])
    assert set(sender.names[2:22]) - {"late"} <= {f"P{number}" for number in range(20)}
    assert sender.names.index("R1") > max(sender.names.index(f"P{n}") for n in range(20))


async def test_a_refund_is_sent_also_when_an_earlier_payment_failed():
    def answer(kind, body):
        if kind == "payment":
            raise BadRequest(400, message="no")

    outcomes = await run(FakeSender(answer), ALL)
    assert {one.external_id: one.ok for one in outcomes} == {
        "C1": True, "I1": True, "P1": False, "R1": True, "RP1": True
    }  # fmt: skip


async def test_no_more_calls_are_under_way_than_asked_for():
    sender = FakeSender()
    await run(sender, [customer(f"C{number}") for number in range(50)], concurrency=7)
    assert sender.most_under_way == 7


async def test_records_of_several_businesses_go_to_their_businesses():
    sender = FakeSender()
    await run(sender, [customer("A", "shop"), customer("A", "cafe"), customer("B", "id-shop")])
    assert sorted((business, body["external_id"]) for _, business, body in sender.sent) == [
        ("id-cafe", "A"), ("id-shop", "A"), ("id-shop", "B")
    ]  # fmt: skip
    assert sender.asked_for_businesses == 1


async def test_records_may_come_from_an_async_iterable_and_as_lines():
    async def lines():
        yield json.dumps(customer())
        yield b"\n"
        yield json.dumps(invoice()).encode()

    outcomes = await run(FakeSender(), lines())
    assert [(outcome.line, outcome.ok) for outcome in outcomes] == [(1, True), (3, True)]


async def test_bad_records_are_reported_and_the_rest_goes_on():
    sender = FakeSender()
    records = [b"{", customer(business="nowhere"), customer("C2"), {"type": "x"}]
    push = Push(sender, records)
    outcomes = {outcome.line: outcome async for outcome in push}
    assert "not JSON" in outcomes[1].reason
    assert "'nowhere' is neither" in outcomes[2].reason
    assert outcomes[3].ok
    assert sender.names == ["C2"]
    assert push.summary.by_type()["unreadable"]["failed"] == 2
    assert push.summary.records == 4


async def test_a_record_that_can_not_be_read_fails_what_refers_to_it():
    broken = customer() | {"customer_id": "x", "external_id": "I1", "type": "invoice",
                           "customer_external_id": "C1"}  # fmt: skip
    outcomes = await run(FakeSender(), [payment(), customer(), broken])
    failed = {outcome.external_id: outcome for outcome in outcomes if not outcome.ok}
    assert "both given" in failed["I1"].reason
    assert failed["P1"].waited_for.line == 3


async def test_a_refusal_fails_the_record_and_its_dependents_with_reasons():
    def answer(kind, body):
        if kind == "invoice":
            raise BadRequest(
                400, code="validation_error", fields={"sent_at": ["is required"]}, attempts=1
            )

    outcomes = {one.external_id: one for one in await run(FakeSender(answer), ALL)}
    entry = outcomes["I1"].as_failed_line()
    assert entry["error"] == {
        "type": "BadRequest",
        "status": 400,
        "code": "validation_error",
        "fields": {"sent_at": ["is required"]},
    }
    assert entry["record"] == invoice()
    assert entry["resolved"] == {"customer": {"C1": "id-C1"}}
    for name, waited_for in (("P1", "I1"), ("R1", "I1"), ("RP1", "R1")):
        assert outcomes[name].waited_for.external_id == waited_for
        assert outcomes[name].as_failed_line()["waited_for"]["external_id"] == waited_for
        assert outcomes[name].attempts == 0


async def test_the_failed_lines_can_be_pushed_alone_after_mending():
    def refuse_cash(kind, body):
        if body.get("payment_method") == "cash":
            raise BadRequest(400)

    records = [customer(), invoice(), payment(payment_method="cash")]
    outcomes = await run(FakeSender(refuse_cash), records)
    lines = [json.dumps(one.as_failed_line()) for one in outcomes if not one.ok]
    assert len(lines) == 1
    sender = FakeSender(refuse_cash)
    (again,) = await run(sender, [lines[0].replace('"cash"', '"check"')])
    assert again.ok
    assert sender.sent[0][2]["allocations"][0]["invoice_id"] == "id-I1"


async def test_a_mended_line_is_sent_as_one_that_was_refused_with_other_content():
    """Under the key of before, a server that remembers keys would refuse it for ever."""

    def answer(kind, body):
        match body["external_id"]:
            case "refused" | "as before":
                raise BadRequest(400, operation="create_customer", attempts=1)
            case "never sent":
                raise InvalidRequest.at("name", "is wrong")
            case "lost":
                raise OutcomeUnknown("lost", operation="o", method="POST", path="/", attempts=2)

    names = ["refused", "as before", "never sent", "lost"]
    outcomes = await run(FakeSender(answer), map(customer, names), concurrency=1)
    entries = [json.loads(json.dumps(outcome.as_failed_line())) for outcome in outcomes]
    for entry in entries:
        if entry["record"]["external_id"] != "as before":
            entry["record"]["company_name"] = "Mended"
    sender = FakeSender()
    await run(sender, entries, concurrency=1)
    changed = {name: m.changed for name, m in zip(sender.names, sender.manners, strict=True)}
    assert changed == {"refused": True, "as before": False, "never sent": False, "lost": False}


async def test_an_uncertain_write_is_reported_as_unknown():
    def answer(kind, body):
        raise OutcomeUnknown("lost", operation="create_customer", method="POST", path="/")

    (outcome,) = await run(FakeSender(answer), [customer()])
    assert outcome.status is Status.UNKNOWN
    assert outcome.as_failed_line()["status"] == "unknown"
    assert outcome.as_failed_line()["error"]["type"] == "OutcomeUnknown"


async def test_an_unexpected_exception_fails_one_record_only():
    def answer(kind, body):
        if body["external_id"] == "C1":
            raise ZeroDivisionError("oops")

    outcomes = await run(FakeSender(answer), [customer("C1"), customer("C2")])
    assert sorted(outcome.status for outcome in outcomes) == [Status.CREATED, Status.UNKNOWN]
    assert "ZeroDivisionError" in next(one.reason for one in outcomes if not one.ok)


async def test_replays_are_told_from_new_records():
    (outcome,) = await run(FakeSender(lambda *_: made("id", created=False)), [customer()])
    assert outcome.status is Status.REPLAYED


async def test_a_reference_without_an_id_fails_the_one_that_needs_it():
    outcomes = await run(FakeSender(lambda *_: made(None)), [customer(), payment()])
    reasons = [one.reason for one in outcomes if not one.ok]
    assert reasons == [
        "customer_external_id: no customer 'C1' of this business is known, neither in the input "
        "nor at Thred"
    ]
    outcomes = await run(FakeSender(lambda *_: made(None)), [customer(), invoice(), payment()])
    assert [one.external_id for one in outcomes if not one.ok] == ["P1"]
    assert "no customer 'C1' of this business is known" in outcomes[-1].reason


async def test_bad_credentials_end_the_run_and_blame_no_record():
    def answer(kind, body):
        raise AuthenticationFailed(401, operation="get_partner_token")

    push = Push(FakeSender(answer), [customer(f"C{number}") for number in range(500)])
    with pytest.raises(AuthenticationFailed):
        await anext(push)
    assert push.summary.unsent > 0
    assert not push.summary.complete
    assert no_tasks_left()


async def test_no_partner_token_for_any_reason_ends_the_run():
    def answer(kind, body):
        raise TransportError("no connection", operation="get_partner_token")

    with pytest.raises(TransportError):
        await run(FakeSender(answer, clock=PatientClock()), [customer()])


def no_token(business, failures):
    """An answer to records of this business while its token can't be had, so many times."""
    left = iter(range(failures))

    def answer(kind, body):
        if body["external_id"].startswith(business) and next(left, None) is not None:
            raise ServerError(503, operation="get_business_token")

    return answer


async def test_records_whose_business_has_no_token_for_a_moment_wait_for_it():
    records = [customer(f"shop-{n}") for n in range(20)]
    records += [customer(f"cafe-{n}", business="cafe") for n in range(20)]
    outcomes = await run(FakeSender(no_token("shop", 20), clock=PatientClock()), records)
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}
    assert [one.external_id[:4] for one in outcomes] == ["cafe"] * 20 + ["shop"] * 20


async def test_records_whose_business_gets_no_token_at_all_fail_and_the_others_go_on():
    records = [
        customer(f"{name}-{n}", business=name) for n in range(5) for name in ("shop", "cafe")
    ]
    sender = FakeSender(no_token("shop", 1_000), clock=PatientClock())
    outcomes = await run(sender, records, concurrency=1)
    assert {one.status for one in outcomes if one.business == "cafe"} == {Status.CREATED}
    failed = [one for one in outcomes if one.business == "shop"]
    assert {one.status for one in failed} == {Status.FAILED}
    assert all("get_business_token" in one.reason for one in failed)
    assert len(sender.sent) <= 5 + 4 * 5  # each of them once and after each pause


async def test_a_stop_does_not_wait_for_those_without_a_token():
    sender = FakeSender(no_token("shop", 1))
    push = Push(sender, [customer("shop-1")])
    first = asyncio.ensure_future(anext(push))
    await until(lambda: sender.sent and not sender.under_way)
    push.stop()
    with pytest.raises(StopAsyncIteration):
        await first
    assert push.summary.unsent == 1
    assert no_tasks_left()


async def test_one_failure_to_connect_is_the_records_own():
    def answer(kind, body):
        if body["external_id"] == "C1":
            raise TransportError("no connection", operation="create_customer")

    outcomes = await run(FakeSender(answer), [customer("C1"), customer("C2")])
    assert sorted(outcome.status for outcome in outcomes) == [Status.CREATED, Status.FAILED]


async def test_a_short_outage_costs_few_records():
    left = iter(range(200))

    def answer(kind, body):
        if next(left, None) is not None:
            raise TransportError("no connection", operation="create_customer")

    push = Push(
        FakeSender(answer, clock=PatientClock(turns=300)),
        [customer(f"C{n}") for n in range(1_000)],
        concurrency=10,
    )
    outcomes = [outcome async for outcome in push]
    assert len(outcomes) == 1_000
    assert 20 <= push.summary.failed <= 30
    assert push.summary.complete


async def test_a_token_that_is_refused_twice_is_waited_out_and_a_wrong_key_is_not():
    refused = iter(("create_customer", "get_business_token"))

    def revoked(kind, body):
        operation = next(refused, None)
        if operation is not None:
            raise AuthenticationFailed(401, operation=operation)

    outcomes = await run(
        FakeSender(revoked, clock=PatientClock()), [customer(f"C{n}") for n in range(5)]
    )
    assert all(outcome.ok for outcome in outcomes)

    def wrong_key(kind, body):
        raise AuthenticationFailed(401, operation="get_partner_token")

    sender = FakeSender(wrong_key, clock=PatientClock())
    with pytest.raises(AuthenticationFailed):
        await run(sender, [customer()])
    assert len(sender.sent) == 1


async def test_an_outage_ends_the_run_instead_of_failing_every_record():
    def answer(kind, body):
        raise TransportError("no connection", operation="create_customer")

    sender = FakeSender(answer, clock=PatientClock())
    push = Push(sender, (customer(f"C{number}") for number in range(100_000)), concurrency=10)
    with pytest.raises(TransportError):
        async for _ in push:
            pass
    assert 20 <= push.summary.failed <= 60
    assert len(sender.sent) <= 5_000  # those in sight, once for each pause


async def test_an_exception_of_the_input_comes_out_after_what_was_under_way():
    sender = FakeSender()
    sender.gate.clear()

    async def records():
        yield customer()
        await until(lambda: sender.under_way == 1)
        raise OSError("the disk is gone")

    push = Push(sender, records(), concurrency=1)
    first = asyncio.ensure_future(anext(push))
    await until(lambda: push._engine.fatal is not None)
    sender.gate.set()
    assert (await first).ok
    with pytest.raises(OSError, match="the disk is gone"):
        await anext(push)
    assert no_tasks_left()


async def test_reading_stays_close_to_sending():
    read = 0

    def records():
        nonlocal read
        for number in range(50_000):
            read += 1
            yield customer(f"C{number}")

    sender = FakeSender()
    sender.gate.clear()
    push = Push(sender, records(), concurrency=4)
    first = asyncio.ensure_future(anext(push))
    for _ in range(200):
        await asyncio.sleep(0)
    assert read <= 1100
    sender.gate.set()
    await first
    await push.aclose()
    assert read <= 2200


async def test_records_behind_a_slow_one_do_not_pile_up_in_memory():
    read = 0

    def records():
        nonlocal read
        yield customer()
        for number in range(50_000):
            read += 1
            yield invoice(f"I{number}")

    sender = FakeSender()
    sender.gate.clear()
    push = Push(sender, records(), concurrency=4)
    first = asyncio.ensure_future(anext(push))
    for _ in range(2000):
        await asyncio.sleep(0)
    assert read <= 1100
    first.cancel()
    await push.aclose()


async def test_records_that_came_too_early_never_stop_the_reading():
    invoices = [invoice(f"I{number}", f"C{number}") for number in range(3000)]
    customers = [customer(f"C{number}") for number in range(3000)]
    sender = FakeSender()
    outcomes = await run(sender, [*invoices, *customers], concurrency=8)
    assert len(outcomes) == 6000
    assert all(outcome.ok for outcome in outcomes)
    assert sender.most_under_way == 8, "and don't make it slow either"


async def test_leaving_the_iteration_ends_all_tasks():
    async for _ in Push(FakeSender(), (customer(f"C{number}") for number in range(10_000))):
        break
    for _ in range(5):
        await asyncio.sleep(0)
    assert no_tasks_left()


async def test_closing_cancels_what_is_under_way():
    sender = FakeSender()
    sender.gate.clear()
    push = Push(sender, [customer()])
    waiting = asyncio.ensure_future(anext(push))
    for _ in range(5):
        await asyncio.sleep(0)
    assert sender.under_way == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await push.aclose()
    assert sender.under_way == 0
    assert no_tasks_left()


async def test_closing_closes_the_input():
    closed = []

    async def records():
        try:
            while True:
                yield customer(f"C{len(closed)}")
        finally:
            closed.append(True)

    push = Push(FakeSender(), records())
    await anext(push)
    await push.aclose()
    assert closed == [True]


async def test_a_gentle_stop_reports_what_was_under_way_and_sends_no_more():
    sender = FakeSender()
    sender.gate.clear()
    push = Push(sender, (customer(f"C{number}") for number in range(10_000)), concurrency=5)
    outcomes = asyncio.ensure_future(_all(push))
    await until(lambda: sender.under_way == 5)
    push.stop(grace=60)
    await asyncio.sleep(0)
    sender.gate.set()
    assert [outcome.status for outcome in await outcomes] == [Status.CREATED] * 5
    assert len(sender.sent) == 5
    assert push.summary.unsent == push.summary.records - 5
    assert not push.summary.complete
    assert no_tasks_left()


async def test_a_stop_gives_up_on_calls_that_take_too_long():
    sender = FakeSender()
    sender.gate.clear()
    push = Push(sender, [customer("C1"), customer("C2"), invoice()])
    outcomes = asyncio.ensure_future(_all(push))
    await until(lambda: sender.under_way == 2)
    push.stop(grace=0)
    ended = {outcome.external_id: outcome for outcome in await outcomes}
    assert ended["C1"].status is ended["C2"].status is Status.UNKNOWN
    assert "interrupted" in ended["C1"].reason
    assert no_tasks_left()


async def _all(push):
    return [outcome async for outcome in push]


async def test_a_stop_before_the_start_sends_nothing():
    sender = FakeSender()
    push = Push(sender, [customer()])
    push.stop()
    assert await _all(push) == []
    assert sender.sent == []


async def test_the_summary_counts_what_happened():
    sender = FakeSender(lambda kind, body: made("id", created=kind != "customer"))
    push = Push(sender, [*ALL, customer(), b"{"])
    await _all(push)
    figures = push.summary.as_dict()
    assert figures["records"] == 7
    assert (figures["created"], figures["replayed"], figures["failed"]) == (4, 2, 1)
    assert list(figures["types"]) == [
        "customer", "invoice", "payment", "refund", "refund_payment", "unreadable"
    ]  # fmt: skip
    assert figures["requests"] == 5
    assert figures["complete"] is True
    assert figures["unsent"] == 0


async def test_an_empty_input_is_a_complete_run():
    push = Push(FakeSender(), [])
    assert await _all(push) == []
    assert push.summary.complete


@pytest.mark.parametrize("wrong", [customer(), "{}", b"{}"])
def test_one_record_in_place_of_many_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="must be many"):
        Push(FakeSender(), wrong)


def test_a_concurrency_of_none_at_all_is_refused():
    with pytest.raises(ConfigurationError, match="at least 1"):
        Push(FakeSender(), [], concurrency=0)


async def test_a_stop_in_the_moment_of_starting_ends_the_run():
    push = Push(FakeSender(), [customer()])
    first = asyncio.ensure_future(anext(push, None))
    asyncio.get_running_loop().call_soon(push.stop)
    assert await asyncio.wait_for(first, 5) is None
    assert no_tasks_left()
