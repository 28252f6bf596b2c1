"""Whatever goes wrong inside a run: no record vanishes, and nothing hangs."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from thredfi_async import BadRequest, RateLimited, ThredfiError
from thredfi_async.push import Journal, Push, Status, engine, reporter, scheduler
from thredfi_async.push.draft import Draft
from thredfi_async.push.intake import Intake
from thredfi_async.push.limiter import Limiter
from thredfi_async.push.outages import Outages
from thredfi_async.push.references import References
from thredfi_async.push.results import Results
from thredfi_async.push.summary import Summary

from .fakes import FakeSender, StillClock, customer, invoice, no_tasks_left, payment, until

RECORDS = [
    record
    for number in range(6)
    for record in (
        customer(f"C{number}"),
        invoice(f"I{number}", f"C{number}"),
        payment(f"P{number}", f"I{number}"),
    )
]
STEPS = [
    (FakeSender, "send"),
    (Draft, "body"),
    (References, "id_of"),
    (References, "find"),
    (References, "known_ids"),
    (Intake, "take"),
    (scheduler.Scheduler, "add"),
    (scheduler.Scheduler, "done"),
    (scheduler.Scheduler, "failed"),
    (scheduler.Scheduler, "finish"),
    (scheduler.Scheduler, "_close"),
    (Results, "put"),
    (Results, "get"),
    (Limiter, "holds"),
    (Limiter, "got_through"),
    (Outages, "succeeded"),
    (Outages, "judge"),
    (engine, "outcome_of"),
    (engine, "kept_of"),
    (reporter.Reporter, "report"),
    (reporter.Reporter, "kept"),
    (Summary, "add"),
    (Journal, "write"),
]


def refuse_one(kind, body):
    if body["external_id"] == "I4":
        raise BadRequest(400, operation="create_invoice", attempts=1)


@pytest.mark.parametrize("calls", [{1}, {4}, {2, 3, 5}, set(range(1, 1000))], ids=str)
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda step: getattr(step, "__name__", step))
async def test_a_failure_at_any_step_ends_the_run_or_one_record(
    owner, name, calls, tmp_path, monkeypatch
):
    real, made = getattr(owner, name), iter(range(1, 1_000_000))

    def failing(*args, **kwargs):
        if next(made) in calls:
            raise ZeroDivisionError("injected")
        return real(*args, **kwargs)

    with Journal(tmp_path / "run.db") as journal:
        push = Push(FakeSender(refuse_one), RECORDS, concurrency=4, journal=journal)
        monkeypatch.setattr(owner, name, failing)
        outcomes, error = await collect(push)
    summary = push.summary
    assert len({outcome.line for outcome in outcomes}) == len(outcomes), "one outcome at most"
    if error is None:
        assert summary.complete
        assert len(outcomes) == len(RECORDS) == summary.records
    else:
        assert not summary.complete
        assert "injected" in str(error) or "ZeroDivisionError" in str(error)
    assert summary.unsent == summary.records - summary.total()
    assert no_tasks_left()


async def collect(push):
    """All outcomes, and what was raised in the end."""
    outcomes = []
    try:
        async with asyncio.timeout(10):
            async for outcome in push:
                outcomes.append(outcome)
    except TimeoutError:
        raise
    except Exception as error:
        return outcomes, error
    return outcomes, None


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (scheduler.Scheduler, "done"),
        (Results, "put"),
        (Limiter, "got_through"),
        (Outages, "succeeded"),
    ],
)
async def test_what_fails_after_an_answer_settles_that_record_as_unknown(owner, name, monkeypatch):
    real, made = getattr(owner, name), iter(range(1, 1000))

    def failing(*args, **kwargs):
        if next(made) == 1:
            raise ZeroDivisionError("injected")
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, failing)
    push = Push(FakeSender(), [customer(f"C{number}") for number in range(5)])
    outcomes, error = await collect(push)
    assert error is None
    assert Counter(outcome.status for outcome in outcomes) == {
        Status.CREATED: 4, Status.UNKNOWN: 1
    }  # fmt: skip
    unknown = next(outcome for outcome in outcomes if not outcome.ok)
    assert "ZeroDivisionError: injected; whether Thred has it is not known" in unknown.reason
    assert push.summary.complete


async def test_a_cancellation_that_a_call_lets_out_is_no_end_of_its_worker():
    def answer(kind, body):
        if body["external_id"] in ("C1", "C3"):
            raise asyncio.CancelledError

    push = Push(FakeSender(answer), [customer(f"C{number}") for number in range(9)], concurrency=1)
    outcomes, error = await collect(push)
    assert error is None
    assert {outcome.external_id for outcome in outcomes if not outcome.ok} == {"C1", "C3"}
    assert push.summary.complete


@pytest.mark.parametrize("name", ["reader", "worker 0"])
async def test_a_task_that_is_cancelled_from_outside_ends_the_run_with_an_error(name):
    sender = FakeSender()
    sender.gate.clear()

    async def records():
        yield customer()
        await asyncio.Event().wait()

    push = Push(sender, records(), concurrency=1)
    first = asyncio.ensure_future(collect(push))
    await until(lambda: sender.under_way)
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == f"thredfi push: {name}"]
    task.cancel()
    await asyncio.sleep(0)
    sender.gate.set()
    outcomes, error = await first
    assert isinstance(error, ThredfiError)
    assert f"{name} was cancelled from outside" in str(error)
    assert [outcome.ok for outcome in outcomes] == [name == "reader"]
    assert not push.summary.complete
    assert no_tasks_left()


async def test_an_input_that_lets_a_cancellation_out_ends_the_run_with_an_error():
    async def records():
        yield customer()
        raise asyncio.CancelledError

    push = Push(FakeSender(), records())
    outcomes, error = await collect(push)
    assert isinstance(error, ThredfiError)
    assert len(outcomes) <= 1
    assert not push.summary.complete


async def test_the_waiting_of_records_that_is_cancelled_from_outside_ends_the_run():
    def answer(kind, body):
        raise RateLimited(429, retry_after=600.0, operation="create_customer")

    push = Push(FakeSender(answer, clock=StillClock()), [customer()])
    first = asyncio.ensure_future(collect(push))
    waiting = "thredfi push: waiting"
    await until(lambda: [one for one in asyncio.all_tasks() if one.get_name() == waiting])
    await asyncio.sleep(0)
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == waiting]
    task.cancel()
    outcomes, error = await first
    assert "waiting was cancelled from outside" in str(error)
    assert outcomes == []
    assert push.summary.unsent == 1
