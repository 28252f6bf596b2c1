"""A run under way: reading, sending and reporting side by side. All the waiting is here.

One task reads and feeds the scheduler; as many workers as calls may be under way send
what it calls ready; whoever iterates takes the outcomes. What may be sent when is decided
in `scheduler`, how a record is read in `records`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import attrs

from ..errors import (
    AuthenticationFailed,
    ConfigurationError,
    InvalidAnswer,
    InvalidRequest,
    JournalError,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    ThredfiError,
    TransportError,
)
from .journal import Journal, Row
from .kinds import KINDS
from .outcome import Outcome, Status
from .postponed import Postponed
from .records import BadRecord, Draft, Reference, Unreadable, read_record
from .report import Summary
from .scheduler import Need, Node, Scheduler, Settled, Strength, Verdict
from .sender import Sender

__all__ = ["Record", "Run"]

Record: TypeAlias = Mapping[str, Any] | bytes | str | Unreadable
"""A mapping, or one line of JSON."""

READ_AHEAD = 64  # records read before others get their turn
DISTURBANCE = 20  # failures in a row, none of them the record's fault, that call for a pause
OUTAGE = 100  # failures in a row, none of them the record's fault, that end a run
NO_FAULT_OF_RECORDS = (TransportError, ServerError, RateLimited, InvalidAnswer, OutcomeUnknown)
PARTNER_TOKEN = "get_partner_token"  # noqa: S105  (an operation's name)
TOKENS = (PARTNER_TOKEN, "get_business_token")


@attrs.define(eq=False)
class _Job:
    """What the engine keeps with a node of the scheduler."""

    draft: Draft
    business_id: str


@attrs.frozen
class _Detail:
    """What the sender of a record knows about its end."""

    attempts: int = 0
    error: Exception | None = None


class Run:
    """The tasks of one push and what they share."""

    def __init__(
        self,
        sender: Sender,
        records: Iterable[Record] | AsyncIterable[Record],
        concurrency: int,
        journal: Journal | None = None,
    ) -> None:
        self.outcomes: deque[Outcome] = deque()
        self.fatal: Exception | None = None
        self.changed = asyncio.Event()
        self._sender = sender
        self._records = records
        self._concurrency = concurrency
        # Enough to keep every worker busy behind a few slow records; bounds the memory.
        self._window = 1000 + 8 * concurrency
        self._journal = journal
        self._scheduler: Scheduler[_Job] = Scheduler(journal.done() if journal else None)
        self._queue: asyncio.Queue[Node[_Job]] = asyncio.Queue()
        self._postponed: Postponed[Node[_Job]] = Postponed(self._queue.put_nowait)
        self._room = asyncio.Event()
        self._businesses: Mapping[str, str] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._unkept: list[tuple[Row | None, Outcome]] = []  # settled, not in the journal yet
        self._unkept_came = asyncio.Event()
        self._kept = asyncio.Event()  # set once the journal has what is in `_unkept` now
        self._in_flight = 0
        self._outages = 0
        self._reading = True
        self._stopping = False
        self._given_up = False
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        self._summary = Summary()
        self._started_at: float | None = None
        self._closed = False
        self._requests_before = self._retries_before = 0

    # --- beginning and end -------------------------------------------------------------

    def start(self) -> None:
        self._started_at = asyncio.get_running_loop().time()
        self._requests_before = self._sender.stats.requests
        self._retries_before = self._sender.stats.retries
        if self._stopping:
            self._reading = False
            return
        if self._journal is not None:
            self._keeper = asyncio.create_task(
                self._keep(self._journal), name="thredfi push: journal"
            )
        self._reader = asyncio.create_task(self._read(), name="thredfi push: reader")
        self._workers = [
            asyncio.create_task(self._work(), name=f"thredfi push: worker {number}")
            for number in range(self._concurrency)
        ]

    @property
    def is_over(self) -> bool:
        if self._reading or self._unkept:
            return False
        return (self._in_flight if self._stopping else self._scheduler.active) == 0

    def stop(self, grace: float) -> None:
        if self._closed:
            return
        self._halt()
        if self._timer is not None:
            self._timer.cancel()
        if self._started_at is not None:
            self._timer = asyncio.get_running_loop().call_later(grace, self._give_up)

    def _halt(self) -> None:
        """Read and send nothing more. Calls under way go on."""
        self._stopping = True
        if self._reader is not None:
            self._reader.cancel()
        self._reading = False  # a task that is cancelled before it starts can't say so itself
        self._postponed.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
        self.changed.set()

    def _abort(self, error: Exception) -> None:
        """Going on is pointless."""
        if self.fatal is None:
            self.fatal = error
        self._halt()

    def _give_up(self) -> None:
        self._given_up = True
        for worker in self._workers:
            worker.cancel()

    async def close(self) -> None:
        """End all tasks. Does nothing the second time."""
        if self._closed:
            return
        self._stopping = self._stopping or not self.is_over
        if self._timer is not None:
            self._timer.cancel()
        self._postponed.clear()
        tasks = [*self._workers, *([] if self._reader is None else [self._reader])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._keeper is not None:
            self._closing = True
            self._unkept_came.set()
            await self._keeper  # it ends once all that is settled is kept
        self.summary_now()
        self._summary.unsent = self._summary.records - self._summary.total()
        self._summary.complete = not self._stopping and self._scheduler.active == 0
        self._reading = False
        self._closed = True
        self.changed.set()

    def summary_now(self) -> Summary:
        if self._started_at is not None and not self._closed:
            stats = self._sender.stats
            self._summary.seconds = asyncio.get_running_loop().time() - self._started_at
            self._summary.requests = stats.requests - self._requests_before
            self._summary.retries = stats.retries - self._retries_before
        return self._summary

    # --- reading -----------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            line = 0
            async with _each(self._records) as records:
                async for given in records:
                    line += 1
                    await self._take(line, given)
                    if not self._has_room(1.0):
                        self._room.clear()
                        await self._room.wait()
                    elif line % READ_AHEAD == 0:
                        await asyncio.sleep(0)
            self._scheduler.finish()
            self._collect()
        except Exception as error:
            self._abort(error)
        finally:
            self._reading = False
            self.changed.set()

    async def _take(self, line: int, given: Record) -> None:
        try:
            draft = read_record(given)
        except BadRecord as bad:
            self._summary.records += 1
            await self._refuse(line, bad)
            return
        if draft is None:
            return
        self._summary.records += 1
        business_id = await self._business_id(draft.business)
        if business_id is None:
            await self._refuse(line, _unknown_business(draft))
            return
        node = self._node(line, draft, business_id)
        self._check_against_journal(node)
        self._scheduler.add(node)
        self._collect()

    def _check_against_journal(self, node: Node[_Job]) -> None:
        known = self._scheduler.seen.get(node.key) if self._journal is not None else None
        # Each line is read once, so an entry of this very line is the journal's.
        if known and known.line == node.line and known.fingerprint != node.fingerprint:
            raise JournalError(
                f"the journal is of another input: line {node.line} had other content when it "
                "was sent"
            )

    async def _refuse(self, line: int, bad: BadRecord) -> None:
        """Report a record that can't be sent, and fail what refers to it."""
        self._report(
            Outcome(
                line=line,
                type=bad.kind,
                business=bad.business,
                external_id=bad.external_id,
                status=Status.FAILED,
                reason=bad.reason,
                record=bad.record,
            )
        )
        if bad.kind in KINDS and bad.business and bad.external_id:
            business_id = await self._business_id(bad.business)
            if business_id is not None:
                self._scheduler.reject((business_id, bad.kind, bad.external_id), line)
        self._collect()

    async def _business_id(self, name: str) -> str | None:
        if self._businesses is None:
            self._businesses = await self._sender.businesses()
        return self._businesses.get(name)

    def _node(self, line: int, draft: Draft, business_id: str) -> Node[_Job]:
        kind = draft.kind
        needs = []
        for reference in draft.references:
            key = (business_id, reference.kind, reference.external_id)
            if _resolved_id(draft, reference) is None or self._scheduler.knows(key):
                strength = Strength.PREFERRED if reference.native else Strength.REQUIRED
                needs.append(Need(key, strength))
        return Node(
            (business_id, kind.name, draft.external_id),
            line,
            draft.fingerprint,
            _Job(draft, business_id),
            needs,
            [(business_id, *mark) for mark in draft.marks(kind.before)] if kind.before else (),
            [(business_id, *mark) for mark in draft.marks(kind.after)] if kind.after else (),
            kind.referenced,
        )

    def _has_room(self, share: float) -> bool:
        limit = self._window * share
        underway = self._scheduler.active - self._scheduler.stuck
        return underway < limit and len(self.outcomes) + len(self._unkept) < limit

    def make_room(self) -> None:
        """Let the reader go on, where it waits and the way is clear again."""
        if not self._room.is_set() and self._has_room(0.75):
            self._room.set()

    # --- sending -----------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            node = await self._queue.get()
            self._in_flight += 1
            try:
                await self._send(node)
            finally:
                self._in_flight -= 1
                self._collect()
            # Only then the next: what a crash leaves open is never more than the concurrency.
            if self._unkept_came.is_set():
                await self._kept.wait()

    async def _send(self, node: Node[_Job]) -> None:
        job = node.payload
        try:
            body = job.draft.body(lambda reference: self._id_of(job, reference))
            sent = await self._sender.send(job.draft.kind, job.business_id, body)
        except asyncio.CancelledError:
            if self._given_up:
                reason = "interrupted while it was under way; whether Thred has it is not known"
                self._scheduler.failed(node, Verdict.UNKNOWN, reason, _Detail(attempts=1))
            raise
        except ThredfiError as error:
            self._not_sent(node, error)
        except Exception as error:
            self._outages = 0
            reason = f"unexpected {type(error).__name__}: {error}"
            self._scheduler.failed(node, Verdict.UNKNOWN, reason, _Detail(error=error))
        else:
            self._outages = 0
            self._postponed.succeeded(job.business_id)
            verdict = Verdict.CREATED if sent.created else Verdict.REPLAYED
            self._scheduler.done(node, verdict, sent.id, _Detail(sent.attempts))

    def _not_sent(self, node: Node[_Job], error: ThredfiError) -> None:
        error.__traceback__ = None  # it would keep the request and its frames alive
        if isinstance(error, NO_FAULT_OF_RECORDS):
            self._outages += 1
        else:
            self._outages = 0
        if self._may_pass(error) and self._postponed.put(node.payload.business_id, node):
            return
        if (
            isinstance(error, AuthenticationFailed | ConfigurationError)
            or getattr(error, "operation", "") == PARTNER_TOKEN
        ):
            self._abort(error)
            return  # the record is as good as it was: it counts as unsent
        verdict = Verdict.UNKNOWN if isinstance(error, OutcomeUnknown) else Verdict.FAILED
        attempts = getattr(error, "attempts", 0)
        self._scheduler.failed(node, verdict, str(error), _Detail(attempts, error))
        if self._outages >= max(OUTAGE, 2 * self._concurrency):
            self._abort(error)

    def _may_pass(self, error: ThredfiError) -> bool:
        """Whether it is worth a pause: what failed is no record, and may soon work again."""
        if self._stopping:
            return False
        operation = getattr(error, "operation", "")
        if isinstance(error, AuthenticationFailed):
            return operation != PARTNER_TOKEN  # there, the API key itself is wrong
        if operation in TOKENS and isinstance(error, NO_FAULT_OF_RECORDS):
            return True
        return self._outages > DISTURBANCE

    def _id_of(self, job: _Job, reference: Reference) -> str | None:
        key = (job.business_id, reference.kind, reference.external_id)
        found = self._scheduler.id_of(key) or _resolved_id(job.draft, reference)
        if found is None and not reference.native:
            raise InvalidRequest.at(
                f"{reference.kind}_external_id",
                f"Thred's answer for {reference.kind} {reference.external_id!r} had no id",
            )
        return found

    # --- reporting ---------------------------------------------------------------------

    def _collect(self) -> None:
        """Hand on what the scheduler has decided."""
        scheduler = self._scheduler
        while scheduler.settled:
            end = scheduler.settled.popleft()
            self._report(self._outcome(end), end.node)
        if not self._stopping:
            while scheduler.ready:
                self._queue.put_nowait(scheduler.ready.popleft())
        self.changed.set()
        self.make_room()

    def _report(self, outcome: Outcome, node: Node[_Job] | None = None) -> None:
        if self._keeper is None:
            self._hand_out(outcome)
            return
        row = None
        if node is not None and not node.repeats:
            row = Row(
                node.key, node.line, outcome.status, outcome.id, outcome.reason, node.fingerprint
            )
        self._unkept.append((row, outcome))
        self._unkept_came.set()

    async def _keep(self, journal: Journal) -> None:
        """Hand out each outcome once the journal has it: those of one moment at one go."""
        while not (self._closing and not self._unkept):
            await self._unkept_came.wait()
            self._unkept_came.clear()
            batch = list(self._unkept)
            kept, self._kept = self._kept, asyncio.Event()
            rows = [row for row, _ in batch if row is not None]
            if rows and not isinstance(self.fatal, JournalError):
                try:
                    await asyncio.to_thread(journal.write, rows)
                except JournalError as error:
                    self._abort(error)
            del self._unkept[: len(batch)]
            for _, outcome in batch:
                self._hand_out(outcome)
            kept.set()
            self.changed.set()
            self.make_room()

    def _hand_out(self, outcome: Outcome) -> None:
        self._summary.add(outcome)
        self.outcomes.append(outcome)

    def _outcome(self, end: Settled[_Job]) -> Outcome:
        draft = end.node.payload.draft
        detail = end.detail if end.detail is not None else _Detail()
        status = _STATUS[end.verdict]
        known = None
        if status is Status.FAILED or status is Status.UNKNOWN:
            known = self._known_ids(end.node.payload)
        return Outcome(
            line=end.node.line,
            type=draft.kind.name,
            business=draft.business,
            external_id=draft.external_id,
            status=status,
            id=end.id,
            reason=end.reason,
            error=detail.error,
            attempts=detail.attempts,
            waited_for=end.waited_for,
            record=draft.record,
            resolved=known,
        )

    def _known_ids(self, job: _Job) -> dict[str, dict[str, str]]:
        known: dict[str, dict[str, str]] = {}
        for reference in job.draft.references:
            key = (job.business_id, reference.kind, reference.external_id)
            found = self._scheduler.id_of(key) or _resolved_id(job.draft, reference)
            if found is not None:
                known.setdefault(reference.kind, {})[reference.external_id] = found
        return known


_STATUS = {
    Verdict.CREATED: Status.CREATED,
    Verdict.REPLAYED: Status.REPLAYED,
    Verdict.FAILED: Status.FAILED,
    Verdict.UNKNOWN: Status.UNKNOWN,
}


def _resolved_id(draft: Draft, reference: Reference) -> str | None:
    """The id that a failed file's entry brought along."""
    return draft.resolved.get(reference.kind, {}).get(reference.external_id)


def _unknown_business(draft: Draft) -> BadRecord:
    return BadRecord(
        f"business {draft.business[:80]!r} is neither the Thred id nor the external_id of a "
        "business of this partner",
        draft.record,
        kind=draft.kind.name,
        business=draft.business,
        external_id=draft.external_id,
    )


@asynccontextmanager
async def _each(
    records: Iterable[Record] | AsyncIterable[Record],
) -> AsyncGenerator[AsyncIterator[Record], None]:
    """``records``, of either sort, one after the other; closed at the end where it can be."""
    iterator = aiter(records) if isinstance(records, AsyncIterable) else _lifted(records)
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def _lifted(records: Iterable[Record]) -> AsyncGenerator[Record, None]:
    for record in records:
        yield record
