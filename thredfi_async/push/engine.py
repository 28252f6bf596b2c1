"""A run under way: reading, sending and reporting side by side. All the waiting is here.

One task reads and feeds the scheduler; as many workers as calls may be under way send
what may go; whoever iterates takes the outcomes. What may be sent when is decided in
`scheduler`, at which pace in `limiter`, what a failure calls for in `outages`.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterable, Coroutine, Iterable
from functools import partial
from typing import Any

import attrs

from ..errors import DeadlineExceeded, ThredfiError
from ..limits import files_allow
from ..manner import Manner
from .delivery import Delivery
from .endings import Detail, kept_of, outcome_of
from .ids import IdStore
from .intake import Intake
from .journal import Journal
from .limiter import Limiter
from .nodes import Node, Settled, Verdict
from .outages import Outages
from .records import Record, each
from .references import Job, References
from .reporter import Reporter
from .scheduler import Scheduler
from .sender import OnDifference, Sender
from .summary import Summary
from .waiting import WaitingRoom

__all__ = ["Engine", "Plan"]

GRACE = 10.0  # seconds that calls under way have at the end

READ_AHEAD = 64  # records read before others get their turn
FAR_AHEAD = 16  # windows of records, where most of them are of businesses that have to wait


class Stage(enum.Enum):
    """How far a run is. It only ever goes on."""

    NEW = enum.auto()
    READING = enum.auto()  # and sending what was read
    SENDING = enum.auto()  # the input has been read to its end
    STOPPING = enum.auto()  # nothing more is read or sent; calls under way end
    CLOSED = enum.auto()


@attrs.frozen(kw_only=True)
class Plan:
    """How a push goes about it, beside how many calls are under way: see `push`."""

    ids: IdStore | None = None
    known: tuple[IdStore, ...] = ()
    lookup: bool = True
    sends_unchanged: bool = False
    on_difference: OnDifference = "report"
    deadline: float | None = None  # seconds


class Engine:
    """The tasks of one push and what they share."""

    def __init__(
        self,
        sender: Sender,
        records: Iterable[Record] | AsyncIterable[Record],
        concurrency: int,
        journal: Journal | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.fatal: Exception | None = None
        self.changed = asyncio.Event()
        self.stage = Stage.NEW
        self._sender = sender
        self._records = records
        plan = plan or Plan()
        self._plan = plan
        self._concurrency = files_allow(concurrency)
        # Enough to keep every worker busy behind a few slow records; bounds the memory.
        self._window = 1000 + 8 * concurrency
        self._summary = Summary()
        self._scheduler: Scheduler[Job] = Scheduler(
            journal.earlier() if journal else None,
            closed=not plan.lookup,
            resends_differing=plan.on_difference == "update",
        )
        self._outages = Outages(concurrency)
        self._references = References(
            sender,
            self._scheduler,
            self._summary,
            plan.ids,
            plan.known,
            looks_up=plan.lookup,
        )
        self.reporter = Reporter(journal, plan.ids, self._summary, self._notice, self.abort)
        self._intake = Intake(
            sender,
            self._scheduler,
            self._references,
            self._outages,
            self._summary,
            refuse=self.reporter.report,
            spawn=self._spawn,
            added=self._collect,
            sends_unchanged=plan.sends_unchanged,
        )
        self._clock = sender.clock
        self._queue: asyncio.Queue[Node[Job]] = asyncio.Queue()
        self._limiter: Limiter[Node[Job]] = Limiter(
            self._clock, self._spawn, self._queue.put_nowait
        )
        self._paused: WaitingRoom[Node[Job]] = WaitingRoom(
            self._clock, self._spawn, self._queue.put_nowait
        )
        resumed = journal is not None and journal.resumed
        self._delivery = Delivery(
            sender,
            self._scheduler,
            self._references,
            self._outages,
            self._limiter,
            self._paused,
            manner=Manner(hands_back=True, may_scan=True, resumed=resumed),
            on_difference=plan.on_difference,
            abort=self.abort,
            stopping=lambda: self.stage is Stage.STOPPING,
            report=self._report,
        )
        self._room = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._reader: asyncio.Task[None] | None = None
        self._grace: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._started_at = 0.0
        self._requests_before = self._retries_before = 0

    # --- beginning and end -------------------------------------------------------------

    def start(self) -> None:
        """Start the tasks, unless it was stopped before. Raises `JournalError`."""
        self._started_at = self._clock.monotonic()
        self._requests_before = self._sender.stats.requests
        self._retries_before = self._sender.stats.retries
        if self.stage is not Stage.NEW:
            return
        self.reporter.start()
        self.stage = Stage.READING
        if self._plan.deadline is not None:
            self._spawn(self._end_in(self._plan.deadline), "deadline")
        self._reader = self._spawn(self._read(), "reader", vital=True)
        self._workers = [
            self._spawn(self._work(), f"worker {number}", vital=True)
            for number in range(self._concurrency)
        ]

    @property
    def is_over(self) -> bool:
        """Whether every outcome that will ever come has come."""
        if self.reporter.unkept:
            return False
        match self.stage:
            case Stage.SENDING:
                return self._scheduler.active == 0
            case Stage.STOPPING:
                return self._in_flight == 0
            case Stage.CLOSED:
                return True
            case _:
                return False

    def stop(self, grace: float) -> None:
        """Send nothing more; cancel what is under way after ``grace`` seconds."""
        if self.stage is Stage.CLOSED:
            return
        started = self.stage is not Stage.NEW
        self._halt()
        if self._grace is not None:
            self._grace.cancel()
        if started:
            self._grace = self._spawn(self._give_up(grace), "grace")

    def abort(self, error: Exception) -> None:
        """Going on is pointless: end as `stop` does, and raise this in the end."""
        if self.fatal is None:
            self.fatal = error
        if self.stage is not Stage.CLOSED:
            self._halt()

    async def close(self) -> None:
        """End all tasks, cancelling calls under way. Does nothing the second time."""
        if self.stage is Stage.CLOSED:
            return
        self._halt()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)
        await self.reporter.close()
        self.summary_now()
        self._summary.unsent = self._summary.records - self._summary.total()
        self._summary.complete = self._scheduler.finished and not self._summary.unsent
        self.stage = Stage.CLOSED
        self.changed.set()

    def summary_now(self) -> Summary:
        """The figures, brought up to this moment while the run goes on."""
        if self.stage not in (Stage.NEW, Stage.CLOSED):
            stats = self._sender.stats
            self._summary.seconds = self._clock.monotonic() - self._started_at
            self._summary.requests = stats.requests - self._requests_before
            self._summary.retries = stats.retries - self._retries_before
        return self._summary

    def _halt(self) -> None:
        """Read and send nothing more. Calls under way go on."""
        if self.stage is Stage.STOPPING:
            return
        self.stage = Stage.STOPPING
        if self._reader is not None:
            self._reader.cancel()
        waiting = [*self._paused.clear(), *self._limiter.clear()]
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        for node in waiting:
            if node.payload.was_sent:
                reason = "stopped before it was known whether Thred has it"
                self._scheduler.failed(node, Verdict.UNKNOWN, reason, Detail(attempts=1))
        self._collect()

    async def _end_in(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if self.stage in (Stage.READING, Stage.SENDING):
            self.fatal = self.fatal or DeadlineExceeded(
                f"the push was given {seconds:g} s, which have passed", operation="push", attempts=0
            )
            self.stop(GRACE)

    async def _give_up(self, grace: float) -> None:
        await self._clock.sleep(grace)
        for worker in self._workers:
            worker.cancel()

    def _spawn(
        self, work: Coroutine[Any, Any, None], name: str, *, vital: bool = False
    ) -> asyncio.Task[None]:
        """Start a task, whose failure ends the run; so does the end of a ``vital`` one."""
        task = asyncio.create_task(work, name=f"thredfi push: {name}")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, vital))
        return task

    def _ended(self, vital: bool, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            if vital and self.stage in (Stage.READING, Stage.SENDING):
                self.abort(ThredfiError(f"{task.get_name()} was cancelled from outside"))
        elif isinstance(error := task.exception(), Exception):
            self.abort(error)
        self._notice()

    # --- reading -----------------------------------------------------------------------

    async def _read(self) -> None:
        line = 0
        await self._bind()
        async with each(self._records) as records:
            async for given in records:
                line += 1
                await self._intake.take(line, given)
                self._collect()
                if not self._has_room(1.0):
                    self._room.clear()
                    await self._room.wait()
                elif line % READ_AHEAD == 0:
                    await asyncio.sleep(0)
        await self._intake.flush()
        self._scheduler.finish()
        if self.stage is Stage.READING:
            self.stage = Stage.SENDING
        self._collect()

    async def _bind(self) -> None:
        """Ids are those of one partner. Raises as the stores do."""
        for store in (self._plan.ids, *self._plan.known):
            if store is not None:
                await store.bind(self._sender.target)

    def _has_room(self, share: float) -> bool:
        limit = self._window * share
        if self.reporter.pending >= limit:
            return False
        underway = self._scheduler.active - self._scheduler.stuck
        if underway < limit or underway >= limit * FAR_AHEAD:
            return underway < limit
        # Those that have to wait for Thred must not keep the others from being read.
        held = sum(self._scheduler.active_of[business] for business in self._limiter.slowed)
        return underway - held < limit

    def make_room(self) -> None:
        """Let the reader go on, where it waits and the way is clear again."""
        if not self._room.is_set() and self._has_room(0.75):
            self._room.set()

    # --- sending -----------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            node = await self._queue.get()
            if self._limiter.holds(node.payload.business, node):
                continue
            self._in_flight += 1
            try:
                await self._delivery.carry_out(node)
            finally:
                self._in_flight -= 1
                self._collect()
            # Only then the next: what a crash leaves open is never more than the concurrency.
            if self.reporter.unkept:
                await self.reporter.kept()

    # --- reporting ---------------------------------------------------------------------

    def _notice(self) -> None:
        """Something came of what others may wait for."""
        self.changed.set()
        self.make_room()

    def _collect(self) -> None:
        """Hand on what the scheduler has decided."""
        scheduler = self._scheduler
        while scheduler.settled:
            self._report(scheduler.settled.popleft())
        if self.stage in (Stage.READING, Stage.SENDING):
            while scheduler.ready:
                self._queue.put_nowait(scheduler.ready.popleft())
        self._notice()

    def _report(self, end: Settled[Job]) -> None:
        try:
            kept = kept_of(end, self._references) if self.reporter.keeps else None
            self.reporter.report(outcome_of(end, self._references), kept)
        except Exception as error:  # the record has no outcome, so the run isn't complete
            self.abort(error)
