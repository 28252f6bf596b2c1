"""Carries out one record, and settles it whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import attrs

from ..errors import InvalidRequest, NotFound, OutcomeUnknown, RateLimited, ThredfiError
from ..manner import HandedBack, History, Manner
from ..operation import Replay
from .draft import Reference
from .endings import Detail
from .kinds import DELETE
from .limiter import Limiter
from .nodes import Node, Settled, Verdict
from .outages import LONGEST_WAIT, Outages, Ruling, too_long
from .references import Job, References
from .scheduler import Scheduler
from .sender import Effect, OnDifference, Order, Sender, Sent
from .waiting import WaitingRoom

__all__ = ["Delivery"]

IN_PROGRESS = 20  # times that Thred may say that it is at a record already


class Delivery:
    """From a record that may go to its end. ``abort`` ends the run, ``stopping`` tells whether."""

    def __init__(
        self,
        sender: Sender,
        scheduler: Scheduler[Job],
        references: References,
        outages: Outages,
        limiter: Limiter[Node[Job]],
        paused: WaitingRoom[Node[Job]],
        *,
        manner: Manner,
        on_difference: OnDifference,
        abort: Callable[[Exception], None],
        stopping: Callable[[], bool],
        report: Callable[[Settled[Job]], None],
    ) -> None:
        self._sender = sender
        self._scheduler = scheduler
        self._references = references
        self._outages = outages
        self._limiter = limiter
        self._paused = paused
        self._manner = manner
        self._on_difference = on_difference
        self._abort = abort
        self._stopping = stopping
        self._report = report
        self._clock = sender.clock

    async def carry_out(self, node: Node[Job]) -> None:
        """Send a record, and settle it, or let it wait."""
        try:
            await self._send(node)
        except asyncio.CancelledError as error:
            self.settle_unknown(node, "interrupted while it was under way", error)
            task = asyncio.current_task()
            if task is None or task.cancelling():  # else a call has let a stray one out
                raise
        except Exception as error:
            self.settle_unknown(node, f"unexpected {type(error).__name__}: {error}", error)

    def settle_unknown(self, node: Node[Job], reason: str, error: BaseException | None) -> None:
        """End a record of which nobody can tell any more whether Thred has it."""
        if node.settled:  # what failed came after its end was settled
            if isinstance(error, Exception):
                self._abort(error)
            return
        reason += "; whether Thred has it is not known"
        detail = Detail(1, error if isinstance(error, Exception) else None)
        try:
            self._scheduler.failed(node, Verdict.UNKNOWN, reason, detail)
        except Exception as unforeseen:
            self._report(Settled(node, Verdict.UNKNOWN, reason=reason, detail=detail))
            self._abort(unforeseen)

    async def _send(self, node: Node[Job]) -> None:
        job = node.payload
        sent_at = self._clock.monotonic()
        if node.uncertain and job.history is None and _once_only(job):
            text = "an earlier run may have sent it, and Thred would not know it again"
            self.settle_unknown(node, text, None)
            return
        try:
            sent = await self._sent(node)
        except HandedBack as back:
            self._handed_back(node, back.history, back.retry_after, back.error, sent_at)
        except RateLimited as error:  # of a token: the record itself was not sent
            self._handed_back(node, job.history, error.retry_after, error, sent_at)
        except ThredfiError as error:
            self._limiter.got_through(job.business, sent_at)
            self._not_sent(node, error)
        else:
            self._limiter.got_through(job.business, sent_at)
            self._outages.succeeded(job.business, self._clock.monotonic())
            self._done(node, sent)

    async def _sent(self, node: Node[Job]) -> Sent:
        job = node.payload
        if node.uncertain and job.history is None:
            job.history = History(uncertain=True)
        try:
            return await self._once(node)
        except NotFound:
            if job.forgotten:
                raise
            job.forgotten = True
        except InvalidRequest:
            if job.forgotten and job.draft.action == DELETE:
                return _GONE
            raise
        stale = self._references.forget(job)
        if not stale and job.draft.action != DELETE:
            return await self._once(node)
        try:
            if not stale:
                return _GONE
            await self._find(job)
        except InvalidRequest:
            if job.draft.action == DELETE:  # it is gone, and no look-up finds it elsewhere
                return _GONE
            raise
        finally:
            await self._references.drop(job, stale)
        return await self._once(node)

    async def _once(self, node: Node[Job]) -> Sent:
        job = node.payload
        await self._find(job)
        order = self._order(job)
        manner = self._manner
        if job.history is not None or node.changed:
            manner = attrs.evolve(manner, earlier=job.history, changed=node.changed)
        return await self._sender.send(order, manner, self._on_difference)

    async def _find(self, job: Job) -> None:
        try:
            await self._references.find(job)
        except HandedBack as back:
            raise HandedBack(job.history or History(), back.retry_after, back.error) from None

    def _order(self, job: Job) -> Order:
        draft, references = job.draft, self._references
        try:
            body = draft.body(partial(self._id_of, job))
            id = None if draft.creates else self._id_of(job, draft.itself)
            business = references.business_id(job.business) or ""
            return Order(draft.kind, draft.action, business, body, id, draft.file)
        except ThredfiError:
            raise
        except Exception as error:  # as nothing was sent, it is known where the record is not
            raise InvalidRequest.at("", f"unexpected {type(error).__name__}: {error}") from error

    def _id_of(self, job: Job, reference: Reference) -> str | None:
        """The id of what a record refers to; None where Thred finds it by its external id."""
        found = self._references.id_of(job, reference)
        if found is None and not reference.native:
            raise InvalidRequest.at(
                f"{reference.kind}_external_id",
                f"Thred's answer for {reference.kind} {reference.external_id!r} had no id",
            )
        return found

    # --- ends -------------------------------------------------------------------------

    def _done(self, node: Node[Job], sent: Sent) -> None:
        verdict, reason = _VERDICTS[sent.effect], None
        if sent.updated:
            reason = f"updated: {', '.join(sent.updated)}"
        if sent.differences and self._on_difference != "ignore":
            verdict = Verdict.DIFFERS
            left = "Thred has it with other content: " + "; ".join(map(str, sent.differences))
            reason = "; ".join(filter(None, (reason, left, sent.problem)))
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
            self._abort(too_long(error, retry_after))
        if self._stopping():
            if job.was_sent:
                self.settle_unknown(node, "stopped while Thred had it wait", error)
        elif isinstance(error, RateLimited):
            self._limiter.told_to_wait(job.business, node, sent_at=sent_at, retry_after=retry_after)
        elif job.rounds < IN_PROGRESS:
            job.rounds += 1
            self._paused.put(node, retry_after or min(0.2 * 2.0**job.rounds, 5.0))
        else:
            self.settle_unknown(node, f"Thred is still at it: {error}", error)

    def _not_sent(self, node: Node[Job], error: ThredfiError) -> None:
        error.__traceback__ = None  # it would keep the request and its frames alive
        job = node.payload
        now = self._clock.monotonic()
        ruling, pause = self._outages.judge(error, job.business, now)
        is_unknown = isinstance(error, OutcomeUnknown)
        if is_unknown:
            job.history = History(uncertain=True, last_sent=now)
        if ruling is Ruling.WAIT and not self._stopping() and not (is_unknown and _once_only(job)):
            self._paused.put(node, pause)
            return
        if ruling in (Ruling.WAIT, Ruling.END):
            if ruling is Ruling.END:
                self._abort(error)
            if not job.was_sent:
                return  # the record is as good as it was: it counts as unsent
            is_unknown = True
        # Else the call has judged it, and knew of the earlier rounds.
        verdict = Verdict.UNKNOWN if is_unknown else Verdict.FAILED
        attempts = getattr(error, "attempts", 0)
        self._scheduler.failed(node, verdict, str(error), Detail(attempts, error))
        if ruling is Ruling.FAIL_AND_END:
            self._abort(error)


def _once_only(job: Job) -> bool:
    """Whether Thred would do it again, were it sent again."""
    return job.draft.kind.actions[job.draft.action].replay is Replay.UNSAFE


_GONE = Sent(None, Effect.NOTHING, 1)
_VERDICTS: dict[Effect, Verdict] = {
    Effect.CREATED: Verdict.CREATED,
    Effect.CHANGED: Verdict.CHANGED,
    Effect.NOTHING: Verdict.REPLAYED,
}
