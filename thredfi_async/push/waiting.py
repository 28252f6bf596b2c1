"""Records that wait for a moment to come, by a clock that tests can inject."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeAlias, TypeVar

from ..clock import Clock

__all__ = ["Spawn", "WaitingRoom"]

W = TypeVar("W")

Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
"""Starts a task, whose failure ends the run; the text names it."""


class WaitingRoom(Generic[W]):
    """Gives each of those that wait back when its time has come, all by one task."""

    def __init__(self, clock: Clock, spawn: Spawn, give_back: Callable[[W], None]) -> None:
        self._clock = clock
        self._spawn = spawn
        self._give_back = give_back
        self._waiting: list[tuple[float, int, W]] = []  # a heap; the number keeps the order
        self._number = 0
        self._wakes_at = float("inf")
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: W, seconds: float) -> None:
        """Give ``one`` back after so many seconds."""
        due = self._clock.monotonic() + seconds
        self._number += 1
        heapq.heappush(self._waiting, (due, self._number, one))
        if due < self._wakes_at:
            self._wakes_at = due
            if self._task is not None:
                self._task.cancel()
            self._task = self._spawn(self._wait(), "waiting")

    def clear(self) -> list[W]:
        """Give nothing back any more; those that waited, in the order of their times."""
        if self._task is not None:
            self._task.cancel()
        self._task, self._wakes_at = None, float("inf")
        waited, self._waiting = sorted(self._waiting), []
        return [one for _, _, one in waited]

    async def _wait(self) -> None:
        while self._waiting:
            due = self._wakes_at = self._waiting[0][0]
            seconds = due - self._clock.monotonic()
            if seconds > 0:
                await self._sleep(seconds)
                continue
            _, _, one = heapq.heappop(self._waiting)
            self._wakes_at = float("-inf")  # it is awake: `put` need not wake it
            self._give_back(one)
        self._task, self._wakes_at = None, float("inf")

    async def _sleep(self, seconds: float) -> None:
        me = self._task
        try:
            await self._clock.sleep(seconds)
        except asyncio.CancelledError:
            if self._task is me:  # neither `put` nor `clear` did it, and nobody else would wake
                raise RuntimeError("waiting was cancelled from outside") from None
            raise
