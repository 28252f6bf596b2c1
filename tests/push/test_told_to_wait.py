"""Records that Thred tells to wait: none of them fails, and they hold up nobody else."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from thredfi_async import BadRequest, Conflict, OutcomeUnknown, RateLimited, TransportError
from thredfi_async.manner import HandedBack, History
from thredfi_async.push import Push, Status
from thredfi_async.push.delivery import IN_PROGRESS

from .fakes import FakeSender, PatientClock, StillClock, customer, invoice, no_tasks_left, until

pytestmark = pytest.mark.no_cover


def told_to_wait(seconds=None, *, uncertain=False, attempts=0):
    error = RateLimited(429, code="slow_down", retry_after=seconds, operation="create_customer")
    return HandedBack(History(attempts, uncertain, None), seconds, error)


def in_progress():
    return HandedBack(History(1, True, None), None, Conflict(409, operation="create_customer"))


def first_times(count, raised, matches=lambda body: True):
    """An answer that raises so many times for each record."""
    times: Counter[str] = Counter()

    def answer(kind, body):
        name = body["external_id"]
        if matches(body) and times[name] < count:
            times[name] += 1
            raise raised()

    return answer


async def run(sender, records, **more):
    push = Push(sender, records, **more)
    async with asyncio.timeout(30):
        return [outcome async for outcome in push], push.summary


@pytest.mark.parametrize("seconds", [None, 0.0, 2.0])
async def test_no_record_fails_however_often_it_is_told(seconds):
    sender = FakeSender(first_times(30, lambda: told_to_wait(seconds)), clock=PatientClock(turns=5))
    outcomes, summary = await run(sender, [customer(f"C{number}") for number in range(20)])
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}
    assert len(sender.sent) == 20 * 31
    assert summary.complete


async def test_many_more_of_them_in_a_row_than_make_an_outage_are_none():
    sender = FakeSender(first_times(1, told_to_wait), clock=PatientClock(turns=5))
    outcomes, _ = await run(sender, [customer(f"C{n}") for n in range(600)], concurrency=200)
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}


async def test_its_place_is_free_for_others_while_it_waits():
    clock = PatientClock()
    sender = FakeSender(first_times(1, lambda: told_to_wait(600.0), is_first), clock=clock)
    records = [customer(f"C{number}") for number in range(50)]
    outcomes, _ = await run(sender, records, concurrency=1)
    assert [outcome.external_id for outcome in outcomes] == [f"C{n}" for n in range(1, 50)] + ["C0"]
    assert clock.now >= 600


def is_first(body):
    return body["external_id"] == "C0"


async def test_one_business_that_has_to_wait_does_not_hold_the_others():
    """Also not when more of its records come before the others' than are read ahead."""
    throttled = [customer(f"cafe-{number}", business="cafe") for number in range(4000)]
    throttled += [invoice(f"i-{number}", f"cafe-{number}", business="cafe") for number in range(50)]
    others = [customer(f"shop-{number}") for number in range(500)]

    def answer(kind, body):
        if body["external_id"].startswith("cafe"):
            raise told_to_wait(600.0)

    sender = FakeSender(answer, clock=StillClock())
    push = Push(sender, [*throttled, *others], concurrency=8)
    async with asyncio.timeout(30):
        outcomes = [await anext(push) for _ in others]
    assert {outcome.business for outcome in outcomes} == {"shop"}
    assert all(outcome.ok for outcome in outcomes)
    await push.aclose()
    assert push.summary.unsent == push.summary.records - 500
    assert push.summary.failed == 0
    assert no_tasks_left()


async def test_a_business_that_has_to_wait_is_not_read_without_end():
    read = 0

    def records():
        nonlocal read
        for number in range(200_000):
            read += 1
            yield customer(f"C{number}")

    def answer(kind, body):
        raise told_to_wait(600.0)

    push = Push(FakeSender(answer, clock=StillClock()), records(), concurrency=4)
    first = asyncio.ensure_future(anext(push))
    before = -1
    while read != before:
        before = read
        for _ in range(500):
            await asyncio.sleep(0)
    assert 1032 < read < 20_000
    first.cancel()
    await push.aclose()


async def test_what_earlier_rounds_know_stays_with_the_record():
    answers = iter([told_to_wait(uncertain=True, attempts=2), told_to_wait(uncertain=True)])

    def answer(kind, body):
        if (raised := next(answers, None)) is not None:
            raise raised

    sender = FakeSender(answer, clock=PatientClock())
    await run(sender, [customer()])
    assert [manner.earlier for manner in sender.manners] == [
        None, History(2, True, None), History(0, True, None)
    ]  # fmt: skip
    assert all(manner.hands_back and manner.may_scan for manner in sender.manners)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest(400, operation="create_customer"), Status.FAILED),
        (OutcomeUnknown("lost", operation="o", method="POST", path="/"), Status.UNKNOWN),
    ],
)
async def test_the_call_that_knows_of_the_earlier_rounds_judges_the_record(error, status):
    answers = iter([told_to_wait(uncertain=True), error])

    def answer(kind, body):
        raise next(answers)

    (outcome,), _ = await run(FakeSender(answer, clock=PatientClock()), [customer()])
    assert outcome.status is status


async def test_a_record_that_may_be_there_goes_on_knowing_it_after_a_pause():
    """So many are lost in a row that the run pauses: the next round must not forget them."""
    times: Counter[str] = Counter()

    def answer(kind, body):
        name = body["external_id"]
        times[name] += 1
        if times[name] == 1:
            raise OutcomeUnknown("lost", operation="o", method="POST", path="/", attempts=3)

    sender = FakeSender(answer, clock=PatientClock(turns=300))
    await run(sender, [customer(f"C{number}") for number in range(60)], concurrency=60)
    later = [manner.earlier for manner in sender.manners[60:]]
    assert later
    assert all(history.uncertain for history in later)


async def test_a_wait_of_more_than_a_quarter_of_an_hour_ends_the_run_and_fails_nothing():
    def answer(kind, body):
        raise told_to_wait(901.0)

    push = Push(FakeSender(answer, clock=PatientClock()), [customer(f"C{n}") for n in range(200)])
    with pytest.raises(RateLimited, match="Thred asks to wait 901 s") as caught:
        async for _ in push:
            pass
    assert caught.value.retry_after == 901.0
    assert push.summary.failed == 0
    assert push.summary.unsent == push.summary.records > 0
    assert not push.summary.complete
    assert no_tasks_left()


async def test_a_stop_leaves_those_that_wait_unsent_and_calls_unknown_what_may_be_there():
    def answer(kind, body):
        raise told_to_wait(600.0, uncertain=body["external_id"] == "C1", attempts=1)

    sender = FakeSender(answer, clock=StillClock())
    push = Push(sender, [customer(f"C{number}") for number in range(3)])
    first = asyncio.ensure_future(anext(push))
    await until(lambda: len(sender.sent) == 3 and not sender.under_way)
    push.stop()
    outcome = await first
    assert (outcome.external_id, outcome.status) == ("C1", Status.UNKNOWN)
    assert [more async for more in push] == []
    assert push.summary.unsent == 2


async def test_a_record_that_thred_is_at_already_waits_and_does_not_slow_its_business():
    sender = FakeSender(first_times(3, in_progress, is_first), clock=PatientClock())
    push = Push(sender, [customer(f"C{number}") for number in range(30)], concurrency=2)
    outcomes = [outcome async for outcome in push]
    assert all(outcome.ok for outcome in outcomes)
    assert outcomes[-1].external_id == "C0"
    assert list(push._engine._limiter.slowed) == []


async def test_a_record_that_thred_is_at_for_ever_ends_as_unknown():
    sender = FakeSender(first_times(1_000, in_progress), clock=PatientClock())
    (outcome,), _ = await run(sender, [customer()])
    assert outcome.status is Status.UNKNOWN
    assert "still at it" in outcome.reason
    assert len(sender.sent) == IN_PROGRESS + 1


async def test_a_token_call_that_is_told_to_wait_fails_no_record():
    times = iter(range(50))

    def answer(kind, body):
        if next(times, None) is not None:
            raise RateLimited(429, retry_after=1.0, operation="get_business_token")

    sender = FakeSender(answer, clock=PatientClock(turns=5))
    outcomes, _ = await run(sender, [customer(f"C{number}") for number in range(20)])
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}


async def test_what_this_machine_has_run_out_of_fails_no_record():
    def exhausted():
        error = TransportError("no connection", operation="create_customer", attempts=5)
        error.__cause__ = OSError(24, "Too many open files")
        return error

    sender = FakeSender(first_times(7, exhausted), clock=PatientClock(turns=5))
    outcomes, _ = await run(sender, [customer(f"C{number}") for number in range(300)])
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}
