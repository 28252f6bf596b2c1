"""How fast each business may go on: learned from the answers that tell it to wait.

A 429 is a pace, not a failure. The record that it hit waits for as long as the answer asks, and
the other records of its business go on with a gap between them, which grows with each further
429 and shrinks with each record that gets through. Other businesses notice nothing.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

import attrs

from ..clock import Clock
from .waiting import Spawn, WaitingRoom

__all__ = ["Limiter", "Pace"]

R = TypeVar("R", bound=Hashable)

FIRST_GAP = 0.001  # seconds between records, after the first 429
SHORTEST_GAP = 0.0001  # below it, there is none
LONGEST_GAP = 0.02  # while some get through; not every 429 says something about the pace
BLOCKED, LONGEST_BLOCK = 6, 1.0  # so many 429s in a row, and the gap where none gets through
SLOWER, FASTER = 1.5, 0.93  # by which the gap changes
BURST = 0.05  # seconds of idleness that may be made up for


@attrs.define
class Pace:
    """The gap between two records of a business, in seconds: 0 while nobody tells it to wait.

    It changes once a round trip: what was sent before the last change says nothing of the gap
    that there is now.
    """

    gap: float = 0.0
    _changed_at: float = float("-inf")
    _refused: int = 0  # changes in a row, each by a record that was told to wait

    def told_to_wait(self, now: float, sent_at: float) -> None:
        """A record that was sent at ``sent_at`` came too fast."""
        if sent_at <= self._changed_at:
            return
        self._changed_at = now
        self._refused += 1
        longest = LONGEST_GAP if self._refused < BLOCKED else LONGEST_BLOCK
        self.gap = min(max(self.gap * SLOWER, FIRST_GAP), longest)

    def got_through(self, now: float, sent_at: float) -> None:
        """A record that was sent at ``sent_at`` was not told to wait."""
        if sent_at <= self._changed_at:
            return
        self._changed_at = now
        self._refused = 0
        self.gap = min(self.gap, LONGEST_GAP) * FASTER
        if self.gap < SHORTEST_GAP:
            self.gap = 0.0


@attrs.define(eq=False)
class _Lane(Generic[R]):
    """A business that was told to wait."""

    free_at: float  # when the next one may go
    pace: Pace = attrs.field(factory=Pace)
    records: deque[R] = attrs.field(factory=deque)  # may go, one gap after the other
    told: int = 0  # so many of its records wait for what their answers asked
    has_alarm: bool = False


class Limiter(Generic[R]):
    """Holds the records of businesses that were told to wait, and gives them back in time."""

    def __init__(
        self,
        clock: Clock,
        spawn: Spawn,
        give_back: Callable[[R], None],
        *,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._give_back = give_back
        self._rand = rand
        self._lanes: dict[str, _Lane[R]] = {}
        self._granted: set[R] = set()  # they were given back because their turn had come
        self._room: WaitingRoom[tuple[_Lane[R], R | None]] = WaitingRoom(clock, spawn, self._alarm)

    @property
    def slowed(self) -> Iterator[str]:
        """The businesses that were told to wait, and are not back at full speed."""
        return iter(self._lanes)

    def holds(self, business: str, record: R) -> bool:
        """Whether it has to wait for its turn; then it is given back when that has come."""
        if not self._lanes and not self._granted:
            return False
        if record in self._granted:
            self._granted.discard(record)
            return False
        lane = self._lanes.get(business)
        if lane is None or not lane.pace.gap:
            return False
        lane.records.append(record)
        self._drain(lane)
        return True

    def told_to_wait(
        self, business: str, record: R, *, sent_at: float, retry_after: float | None
    ) -> None:
        """It was sent and told to wait: it goes first once its time has come."""
        now = self._clock.monotonic()
        lane = self._lanes.setdefault(business, _Lane(free_at=now))
        lane.pace.told_to_wait(now, sent_at)
        if retry_after:
            wait = retry_after * (1 + self._rand() / 10)
        else:
            wait = max(lane.pace.gap, FIRST_GAP) * (1 + self._rand())
        lane.told += 1
        self._room.put((lane, record), wait)

    def got_through(self, business: str, sent_at: float) -> None:
        """A record of the business that was sent at ``sent_at`` was not told to wait."""
        lane = self._lanes.get(business)
        if lane is None:
            return
        lane.pace.got_through(self._clock.monotonic(), sent_at)
        self._drain(lane)
        if not lane.pace.gap and not lane.told and not lane.records:
            del self._lanes[business]

    def clear(self) -> list[R]:
        """Give nothing back any more; the records that waited."""
        waited = [record for _, record in self._room.clear() if record is not None]
        for lane in self._lanes.values():
            waited += lane.records
        self._lanes.clear()
        self._granted.clear()
        return waited

    def _alarm(self, waited: tuple[_Lane[R], R | None]) -> None:
        lane, record = waited
        if record is None:
            lane.has_alarm = False
        else:
            lane.told -= 1
            lane.records.appendleft(record)
        self._drain(lane)

    def _drain(self, lane: _Lane[R]) -> None:
        now = self._clock.monotonic()
        gap = lane.pace.gap
        while lane.records and (now >= lane.free_at or not gap):
            lane.free_at = max(lane.free_at, now - BURST) + gap
            record = lane.records.popleft()
            if gap:
                self._granted.add(record)
            self._give_back(record)
        if lane.records and not lane.has_alarm:
            lane.has_alarm = True
            self._room.put((lane, None), lane.free_at - now)
