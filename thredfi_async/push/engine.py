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

from ..errors import InvalidRequest, OutcomeUnknown, RateLimited, ThredfiError
from ..limits import files_allow
from ..manner import HandedBack, History, Manner
from .endings import Detail, outcome_of, row_of
from .intake import Intake, Job
from .journal import Journal
from .limiter import Limiter
from .outages import LONGEST_WAIT, Outages, Ruling, too_long
from .records import Record, each
from .reporter import Reporter
from .scheduler import Node, Scheduler, Settled, Verdict
from .sender import Sender, Sent
from .summary import Summary
from .waiting import WaitingRoom

__all__ = ["Engine"]

READ_AHEAD = 64  # records read before others get their turn
FAR_AHEAD = 16  # windows of records, where most of them are of businesses that have to wait
IN_PROGRESS = 20  # times that Thred may say that it is at a record already


class Stage(enum.Enum):
    """How far a run is. It only ever goes on."""

    NEW = enum.auto()
    READING = enum.auto()  # and sending what was read
    SENDING = enum.auto()  # the input has been read to its end
    STOPPING = enum.auto()  # nothing more is read or sent; calls under way end
    CLOSED = enum.auto()


class Engine:
    """The tasks of one push and what they share."""

    def __init__(
        self,
        sender: Sender,
        records: Iterable[Record] | AsyncIterable[Record],
        concurrency: int,
        journal: Journal | None = None,
    ) -> None:
        self.fatal: Exception | None = None
        self.changed = asyncio.Event()
        self.stage = Stage.NEW
        self._sender = sender
        self._records = records
        resumed = journal is not None and journal.resumed
        self._manner = Manner(hands_back=True, may_scan=True, resumed=resumed)
        self._concurrency = files_allow(concurrency)
        # Enough to keep every worker busy behind a few slow records; bounds the memory.
        self._window = 1000 + 8 * concurrency
        self._summary = Summary()
        self._scheduler: Scheduler[Job] = Scheduler(journal.earlier() if journal else None)
        self.reporter = Reporter(journal, self._summary, self._notice, self.abort)
        self._outages = Outages(concurrency)
        self._intake = Intake(
            sender, self._scheduler, self._outages, self._summary, self.reporter.report
        )
        self._clock = sender.clock
        self._queue: asyncio.Queue[Node[Job]] = asyncio.Queue()
        self._limiter: Limiter[Node[Job]] = Limiter(
            self._clock, self._spawn, self._queue.put_nowait
        )
        self._paused: WaitingRoom[Node[Job]] = WaitingRoom(
            self._clock, self._spawn, self._queue.put_nowait
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
        self._scheduler.finish()
        if self.stage is Stage.READING:
            self.stage = Stage.SENDING
        self._collect()

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
            if self._limiter.holds(node.payload.business_id, node):
                continue
            self._in_flight += 1
            try:
                await self._carry_out(node)
            finally:
                self._in_flight -= 1
                self._collect()
            # Only then the next: what a crash leaves open is never more than the concurrency.
            if self.reporter.unkept:
                await self.reporter.kept()

    async def _carry_out(self, node: Node[Job]) -> None:
        """Send a record, and settle it whatever happens."""
        try:
            await self._send(node)
        except asyncio.CancelledError as error:
            self._settle_unknown(node, "interrupted while it was under way", error)
            task = asyncio.current_task()
            if task is None or task.cancelling():  # else a call has let a stray one out
                raise
        except Exception as error:
            self._settle_unknown(node, f"unexpected {type(error).__name__}: {error}", error)

    def _settle_unknown(self, node: Node[Job], reason: str, error: BaseException) -> None:
        if node.settled:  # what failed came after its end was settled
            if isinstance(error, Exception):
                self.abort(error)
            return
        reason += "; whether Thred has it is not known"
        detail = Detail(1, error if isinstance(error, Exception) else None)
        try:
            self._scheduler.failed(node, Verdict.UNKNOWN, reason, detail)
        except Exception as unforeseen:
            self._report(Settled(node, Verdict.UNKNOWN, reason=reason, detail=detail))
            self.abort(unforeseen)

    async def _send(self, node: Node[Job]) -> None:
        job = node.payload
        sent_at = self._clock.monotonic()
        try:
            body = self._body(job)
            manner = self._manner
            if job.history is None and node.uncertain:
                job.history = History(uncertain=True)
            if job.history is not None or node.changed:
                manner = attrs.evolve(manner, earlier=job.history, changed=node.changed)
            sent = await self._sender.send(job.draft.kind, job.business_id, body, manner)
        except HandedBack as back:
            self._handed_back(node, back.history, back.retry_after, back.error, sent_at)
        except RateLimited as error:  # of a token: the record itself was not sent
            self._handed_back(node, job.history, error.retry_after, error, sent_at)
        except ThredfiError as error:
            self._limiter.got_through(job.business_id, sent_at)
            self._not_sent(node, error)
        else:
            self._limiter.got_through(job.business_id, sent_at)
            self._outages.succeeded(job.business_id, self._clock.monotonic())
            self._sent(node, sent)

    def _body(self, job: Job) -> dict[str, Any]:
        try:
            return job.draft.body(partial(self._intake.id_of, job))
        except ThredfiError:
            raise
        except Exception as error:  # as nothing was sent, it is known where the record is not
            raise InvalidRequest.at("", f"unexpected {type(error).__name__}: {error}") from error

    def _sent(self, node: Node[Job], sent: Sent) -> None:
        verdict = Verdict.CREATED if sent.created else Verdict.REPLAYED
        reason = None
        if sent.differences:
            verdict = Verdict.DIFFERS
            reason = "Thred has it with other content: " + "; ".join(map(str, sent.differences))
        detail = Detail(sent.attempts, differences=sent.differences)
        self._scheduler.done(node, verdict, sent.id, detail, reason)

    def _handed_back(
        self,
        node: Node[Job],
        history: History | None,
        retry_after: float | None,
        error: ThredfiError,
        sent_at: float,
    ) -> None:
        """Thred asks to wait: let others have the place of this record meanwhile."""
        job = node.payload
        error.__traceback__ = None
        job.history = history
        if retry_after is not None and retry_after > LONGEST_WAIT:
            self.abort(too_long(error, retry_after))
        if self.stage is Stage.STOPPING:
            if job.was_sent:
                self._settle_unknown(node, "stopped while Thred had it wait", error)
        elif isinstance(error, RateLimited):
            self._limiter.told_to_wait(
                job.business_id, node, sent_at=sent_at, retry_after=retry_after
            )
        elif job.rounds < IN_PROGRESS:
            job.rounds += 1
            self._paused.put(node, retry_after or min(0.2 * 2.0**job.rounds, 5.0))
        else:
            self._settle_unknown(node, f"Thred is still at it: {error}", error)

    def _not_sent(self, node: Node[Job], error: ThredfiError) -> None:
        error.__traceback__ = None  # it would keep the request and its frames alive
        job = node.payload
        now = self._clock.monotonic()
        ruling, pause = self._outages.judge(error, job.business_id, now)
        is_unknown = isinstance(error, OutcomeUnknown)
        if is_unknown:
            job.history = History(uncertain=True, last_sent=now)
        if ruling is Ruling.WAIT and self.stage is not Stage.STOPPING:
            self._paused.put(node, pause)
            return
        if ruling in (Ruling.WAIT, Ruling.END):
            if ruling is Ruling.END:
                self.abort(error)
            if not job.was_sent:
                return  # the record is as good as it was: it counts as unsent
            is_unknown = True
        # Else the call has judged it, and knew of the earlier rounds.
        verdict = Verdict.UNKNOWN if is_unknown else Verdict.FAILED
        attempts = getattr(error, "attempts", 0)
        self._scheduler.failed(node, verdict, str(error), Detail(attempts, error))
        if ruling is Ruling.FAIL_AND_END:
            self.abort(error)

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
            row = row_of(end) if self.reporter.keeps else None
            self.reporter.report(outcome_of(end, self._intake), row)
        except Exception as error:  # the record has no outcome, so the run isn't complete
            self.abort(error)
