"""Bounds on calls under way: nobody is lost, nobody gets in twice, timers ring in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async.limits import Gate, Watchdog


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_gate_lets_no_more_than_its_limit_through() -> None:
    gate = Gate(3)
    inside = most = 0

    async def visit() -> None:
        nonlocal inside, most
        await gate.enter()
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        gate.leave()

    await asyncio.gather(*(visit() for _ in range(50)))
    assert most == 3
    assert gate.try_enter()


async def test_a_gate_is_first_come_first_served() -> None:
    gate = Gate(1)
    await gate.enter()
    order: list[int] = []

    async def visit(number: int) -> None:
        await gate.enter()
        order.append(number)
        gate.leave()

    visitors = [asyncio.create_task(visit(number)) for number in range(5)]
    await settle()
    gate.leave()
    await asyncio.gather(*visitors)
    assert order == [0, 1, 2, 3, 4]


async def test_nobody_jumps_the_queue() -> None:
    gate = Gate(1)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await settle()
    gate.leave()
    assert not gate.try_enter()
    await waiting


@given(st.lists(st.sampled_from(["enter", "leave", "cancel", "tick"]), max_size=60))
async def test_whatever_happens_a_gate_loses_no_place_and_gives_none_twice(
    steps: list[str],
) -> None:
    gate = Gate(2)
    tasks: list[asyncio.Task[None]] = []
    held: set[asyncio.Task[None]] = set()

    async def enter() -> None:
        await gate.enter()

    def inside() -> list[asyncio.Task[None]]:
        return [t for t in tasks if t.done() and not t.cancelled() and t not in held]

    for step in steps:
        if step == "enter":
            tasks.append(asyncio.create_task(enter()))
        elif step == "leave" and inside():
            held.add(inside()[0])
            gate.leave()
        elif step == "cancel" and tasks:
            tasks[len(held) % len(tasks)].cancel()
        else:
            await asyncio.sleep(0)
        assert len(inside()) <= 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in inside():
        gate.leave()
    assert gate.try_enter()
    assert gate.try_enter()
    assert not gate.try_enter()


async def test_a_wait_that_ends_in_time_gives_its_result() -> None:
    watchdog = Watchdog()
    assert await watchdog.wait(asyncio.sleep(0, "done"), 5) == "done"
    watchdog.close()


async def test_a_wait_that_takes_too_long_is_ended() -> None:
    watchdog = Watchdog()
    with pytest.raises(TimeoutError):
        await watchdog.wait(asyncio.sleep(60), 0.01)
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_each_wait_has_a_deadline_of_its_own() -> None:
    watchdog = Watchdog()

    async def wait(seconds: float) -> str:
        try:
            return await watchdog.wait(asyncio.sleep(0.1, "done"), seconds)
        except TimeoutError:
            return "ended"

    outcomes = await asyncio.gather(*(wait(seconds) for seconds in (30, 0.01, 60, 0.02, 30)))
    assert outcomes == ["done", "ended", "done", "ended", "done"]
    watchdog.close()


async def test_a_cancellation_from_outside_stays_one() -> None:
    watchdog = Watchdog()
    task = asyncio.create_task(watchdog.wait(asyncio.sleep(60), 30))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    watchdog.close()


async def test_a_cancellation_that_meets_the_deadline_is_not_swallowed() -> None:
    watchdog = Watchdog()
    loop = asyncio.get_running_loop()

    async def both() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop.call_later(0.01, task.cancel)
        loop.call_later(0.01, task.cancel)
        await watchdog.wait(asyncio.sleep(60), 0.01)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(both())
    watchdog.close()


async def test_a_wait_that_ends_in_another_exception_leaves_no_cancellation_behind() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError("mine") from None

    watchdog = Watchdog()
    with pytest.raises(ValueError, match="mine"):
        await watchdog.wait(stubborn(), 0.01)
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_closing_ends_the_waits_under_way() -> None:
    watchdog = Watchdog()
    wait = asyncio.create_task(watchdog.wait(asyncio.Event().wait(), 60))
    await settle()
    watchdog.close()
    with pytest.raises(TimeoutError):
        await wait


async def test_an_exception_passes_through() -> None:
    async def fail() -> Any:
        raise ValueError("mine")

    watchdog = Watchdog()
    with pytest.raises(ValueError, match="mine"):
        await watchdog.wait(fail(), 30)
    watchdog.close()


async def test_many_waits_need_one_timer() -> None:
    watchdog = Watchdog()
    loop = asyncio.get_running_loop()
    before = len(loop._scheduled)  # type: ignore[attr-defined]
    waits = [asyncio.create_task(watchdog.wait(asyncio.Event().wait(), 30)) for _ in range(100)]
    await settle()
    assert len(loop._scheduled) == before + 1  # type: ignore[attr-defined]
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    watchdog.close()
