"""Bounds on calls under way: how many at once (`Gate`), and how long each (`Watchdog`).

asyncio has both (Semaphore, timeout), at several microseconds a call; these two cost a
call that neither waits nor times out well under one. How many there can be at once, the
limit on open files says, too (`files_allow`).
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

__all__ = ["Gate", "Watchdog", "files_allow", "is_exhaustion"]

T = TypeVar("T")

_OTHER_FILES = 32  # at least, that are left for other things than connections
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


def files_allow(connections: int) -> int:
    """So many connections, or as many as the limit on open files has room for; at least 1.

    A quarter of the files is left for others: journals, logs, look-ups of names.
    """
    if resource is None:
        return connections
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, limit - max(_OTHER_FILES, limit // 4)))


def is_exhaustion(error: BaseException | None) -> bool:
    """Whether this machine ran out of something: files, ports, memory. It passes with time.

    So it is where the error or one of its causes is such an OSError.
    """
    seen = 0
    while error is not None and seen < 16:  # causes may go in a circle
        if isinstance(error, OSError) and error.errno in _EXHAUSTED:
            return True
        error = error.__cause__
        seen += 1
    return False


class Gate:
    """Lets ``limit`` through at once; the others queue, first come, first served."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_enter(self) -> bool:
        """Enter without waiting, if there is room and nobody queues."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return True
        return False

    async def enter(self) -> None:
        """Enter when it is one's turn."""
        if self.try_enter():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the turn came in the same moment: pass it on
            else:
                with suppress(ValueError):  # `leave` may have taken it out already
                    self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Make room: the first in the queue takes it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class _Watched:
    """One wait that is bounded: whose it is, until when, and whether it was ended."""

    __slots__ = ("cancelling", "deadline", "expired", "task")

    def __init__(self, task: asyncio.Task[object], deadline: float) -> None:
        self.task = task
        self.deadline = deadline
        self.cancelling = task.cancelling()
        self.expired = False

    def end(self) -> None:
        """Cancel the wait, once."""
        if not self.expired:
            self.expired = True
            self.task.cancel()


class Watchdog:
    """Ends waits that take too long, all of them with one timer of the event loop.

    The timer is set to the earliest deadline there was when it was last set, so with
    equal timeouts it rings about once per timeout, not once per call.
    """

    __slots__ = ("_ring_at", "_timer", "_watched")

    def __init__(self) -> None:
        self._watched: set[_Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ring_at = float("inf")

    async def wait(self, awaitable: Awaitable[T], seconds: float) -> T:
        """The result of ``awaitable``, which is cancelled after ``seconds``.

        Raises TimeoutError then; otherwise behaves as the awaitable itself.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        watched = _Watched(task, loop.time() + seconds)
        self._watched.add(watched)
        if watched.deadline < self._ring_at:
            self._set(loop, watched.deadline)
        try:
            return await awaitable
        except asyncio.CancelledError:
            # Not ours to swallow where somebody else cancelled the task as well.
            if watched.expired and task.cancelling() <= watched.cancelling + 1:
                raise TimeoutError from None
            raise
        finally:
            self._watched.discard(watched)
            if watched.expired:
                task.uncancel()

    def close(self) -> None:
        """End all waits, as if their time were up."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ring_at = float("inf")
        for watched in self._watched:
            watched.end()

    def _set(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ring_at = when
        self._timer = loop.call_at(when, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._ring_at = float("inf")
        now = loop.time()
        earliest = float("inf")
        for watched in self._watched:
            if watched.deadline <= now:
                watched.end()
            else:
                earliest = min(earliest, watched.deadline)
        if earliest < float("inf"):
            self._set(loop, earliest)
