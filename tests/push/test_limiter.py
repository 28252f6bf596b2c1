"""The pace of each business: what is learned from 429s, and who has to wait."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from thredfi_async.push.limiter import (
    FIRST_GAP,
    LONGEST_BLOCK,
    LONGEST_GAP,
    Limiter,
    Pace,
)
from thredfi_async.push.waiting import WaitingRoom

from .fakes import PatientClock, StillClock, until


def spawn(work, name):
    return asyncio.create_task(work, name=name)


def test_the_gap_changes_once_for_all_that_were_sent_before_the_last_change():
    pace = Pace()
    for _ in range(50):  # all of them were under way when the first came back
        pace.told_to_wait(10.0, sent_at=9.0)
    assert pace.gap == FIRST_GAP
    pace.got_through(10.1, sent_at=9.9)
    assert pace.gap == FIRST_GAP
    pace.told_to_wait(11.0, sent_at=10.5)
    wider = pace.gap
    assert wider > FIRST_GAP
    pace.got_through(12.0, sent_at=11.5)
    assert FIRST_GAP < pace.gap < wider


def test_the_gap_is_short_while_some_get_through_and_longer_while_none_do():
    pace = Pace()
    for number in range(100):
        pace.told_to_wait(2 * number + 0.5, sent_at=2 * number)
        pace.got_through(2 * number + 1.5, sent_at=2 * number + 1)
        assert pace.gap <= LONGEST_GAP
    for number in range(300, 350):
        pace.told_to_wait(number + 0.5, sent_at=number)
    assert pace.gap == LONGEST_BLOCK
    pace.got_through(401.0, sent_at=400.0)
    assert pace.gap <= LONGEST_GAP
    rounds = 0
    while pace.gap:
        rounds += 1
        pace.got_through(500.5 + rounds, sent_at=500.0 + rounds)
    assert rounds < 100


async def test_a_business_that_was_never_told_to_wait_goes_at_once():
    went = []
    limiter = Limiter(PatientClock(), spawn, went.append)
    assert not limiter.holds("shop", "a record")
    assert went == []
    assert list(limiter.slowed) == []


async def test_a_record_waits_for_its_retry_after_and_the_others_do_not():
    clock, went = PatientClock(), []
    limiter = Limiter(clock, spawn, lambda record: went.append((record, clock.now)))
    before = clock.now
    limiter.told_to_wait("shop", "told", sent_at=before, retry_after=30.0)
    assert not limiter.holds("cafe", "of another business")
    assert limiter.holds("shop", "of the same business")
    assert list(limiter.slowed) == ["shop"]
    await until(lambda: len(went) >= 2)
    after = {record: now - before for record, now in went}
    assert after["of the same business"] < 1
    assert 30 <= after["told"] <= 33, "with jitter on top"


async def test_without_a_retry_after_the_wait_is_a_short_one_with_jitter():
    clock, went = PatientClock(), []
    limiter = Limiter(clock, spawn, lambda record: went.append(clock.now), rand=lambda: 0.5)
    before = clock.now
    limiter.told_to_wait("shop", "told", sent_at=before, retry_after=None)
    await until(lambda: went)
    assert went[0] - before == pytest.approx(1.5 * FIRST_GAP)


async def test_a_slowed_business_goes_at_its_pace_and_then_as_fast_as_before():
    clock, went = PatientClock(), []
    limiter = Limiter(clock, spawn, lambda record: went.append(clock.now))
    limiter.told_to_wait("shop", -1, sent_at=clock.now, retry_after=None)
    for number in range(100):
        assert limiter.holds("shop", number)
    assert len(went) <= 1
    await until(lambda: len(went) >= 101)
    assert went[-1] - went[0] >= 20 * FIRST_GAP
    for _ in range(200):
        clock.now += 1
        limiter.got_through("shop", clock.now)
    assert list(limiter.slowed) == []


async def test_what_waits_is_given_up_when_the_run_stops():
    went = []
    limiter = Limiter(StillClock(), spawn, went.append)
    limiter.told_to_wait("shop", "told", sent_at=0.0, retry_after=60.0)
    for number in range(3):
        assert limiter.holds("shop", number)
    waited = limiter.clear()
    assert Counter(map(str, [*waited, *went])) == Counter(["told", "0", "1", "2"])
    assert list(limiter.slowed) == []


async def test_a_limit_of_500_a_second_is_found_and_used():
    """64 workers, each answered after 5 ms: without a limit, they would do 12,800 a second."""
    clock = PatientClock(turns=3)
    queue: asyncio.Queue[int] = asyncio.Queue()
    done, told = set(), 0
    left, refilled = 50.0, clock.now
    limiter = Limiter(clock, spawn, queue.put_nowait)

    async def work():
        nonlocal left, refilled, told
        while len(done) < 2000:
            record = await queue.get()
            if limiter.holds("shop", record):
                continue
            sent_at = clock.now
            await clock.sleep(0.005)
            left, refilled = min(50.0, left + 500 * (clock.now - refilled)), clock.now
            if left < 1:
                told += 1
                limiter.told_to_wait("shop", record, sent_at=sent_at, retry_after=None)
            else:
                left -= 1
                done.add(record)
                limiter.got_through("shop", sent_at)

    for number in range(2000):
        queue.put_nowait(number)
    workers = [asyncio.create_task(work()) for _ in range(64)]
    await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
    for worker in workers:
        worker.cancel()
    assert 3.9 <= clock.now < 7, "3.9 s is what the limit allows"
    assert told < 1000, "some, as nobody else can tell where the limit is"


async def test_waiting_ends_in_the_order_of_the_times_and_the_sooner_wakes_first():
    clock, back = PatientClock(), []
    room = WaitingRoom(clock, spawn, back.append)
    for name, seconds in (("late", 5.0), ("soon", 1.0), ("later", 9.0), ("at once", 0.0)):
        room.put(name, seconds)
    await until(lambda: not len(room))
    assert back == ["at once", "soon", "late", "later"]
