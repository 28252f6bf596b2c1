"""From what is given to what the scheduler orders: the reading half of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

import attrs

from ..errors import TransportError
from ..limits import is_exhaustion
from .draft import Draft
from .kinds import BUSINESS, DELETE, KINDS
from .nodes import Need, Node, Preset, Strength, Verdict
from .outages import Outages, Ruling
from .outcome import Outcome, Status
from .records import BadRecord, Record, read_record
from .references import NEW, Job, References, home_of, need_of
from .results import FINGERPRINT_BYTES, Key
from .scheduler import Scheduler
from .sender import Sender
from .summary import Summary

__all__ = ["Intake"]

BATCH = 256  # records that id stores are asked about at once


class Intake:
    """Reads records, finds their businesses, and feeds the scheduler.

    ``refuse`` takes the outcome of a record that can't be sent at all; ``spawn`` starts a task;
    ``added`` is called when the scheduler has more. ``sends_unchanged``: also what an earlier run
    settled with the same content.
    """

    def __init__(
        self,
        sender: Sender,
        scheduler: Scheduler[Job],
        references: References,
        outages: Outages,
        summary: Summary,
        *,
        refuse: Callable[[Outcome], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
        added: Callable[[], None],
        sends_unchanged: bool = False,
    ) -> None:
        self._sender = sender
        self._scheduler = scheduler
        self._references = references
        self._outages = outages
        self._summary = summary
        self._refuse = refuse
        self._spawn = spawn
        self._added = added
        self._sends_unchanged = sends_unchanged
        self._businesses: dict[str, str] | None = None
        self._batch: list[tuple[int, Job | BadRecord]] = []
        self._turn = asyncio.Lock()
        self._steps: dict[Key, int] = {}  # of records that something is done with
        self._revisions: dict[Key, int] = {}

    async def take(self, line: int, given: Record) -> None:
        """The next record of the input; nothing for a blank line."""
        taken: Job | BadRecord
        try:
            draft = read_record(given)
            if draft is None:
                return
            taken = Job(draft, await self._business(draft))
            if draft.kind.name == BUSINESS and not taken.business.startswith(NEW):
                taken.ids[draft.itself] = taken.business
        except BadRecord as bad:
            taken = bad
        self._summary.records += 1
        if not self._references.has_stores:
            await self._enter(line, taken)
            return
        self._batch.append((line, taken))
        if len(self._batch) == 1:  # with all that comes before the loop has its next turn
            self._spawn(self.flush(), "id store")
        elif len(self._batch) >= BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Hand on what has been taken. Raises as the id stores do."""
        async with self._turn:
            batch, self._batch = self._batch, []
            await self._references.fetch(job for _, job in batch if isinstance(job, Job))
            for line, taken in batch:
                await self._enter(line, taken)
        if batch:
            self._added()

    async def _enter(self, line: int, taken: Job | BadRecord) -> None:
        if isinstance(taken, Job):
            self._scheduler.add(self._node(line, taken))
        else:
            await self._reject(line, taken)

    async def _reject(self, line: int, bad: BadRecord) -> None:
        """Report a record that can't be sent, and fail what refers to it."""
        self._refuse(
            Outcome(
                line=line,
                type=bad.kind,
                business=bad.business,
                external_id=bad.external_id,
                action=bad.action,
                status=Status.FAILED,
                reason=bad.reason,
                record=bad.record,
            )
        )
        if bad.kind in KINDS and bad.external_id and bad.creates:
            business: str | None = ""
            if bad.kind != BUSINESS:
                business = (await self._all_businesses()).get(bad.business or "")
            if business is not None:
                self._scheduler.reject(Key(business, bad.kind, bad.external_id), line)

    # --- businesses -------------------------------------------------------------------

    async def _business(self, draft: Draft) -> str:
        """What stands for the business in keys: its id where Thred has it. Raises `BadRecord`."""
        businesses = await self._all_businesses()
        name = draft.external_id if draft.kind.name == BUSINESS else draft.business
        found = businesses.get(name)
        if found is None:
            if draft.kind.name != BUSINESS or not draft.creates:
                raise _unknown_business(name, draft)
            found = businesses[name] = NEW + name  # those after it refer to it by this
        return found

    async def _all_businesses(self) -> dict[str, str]:
        while self._businesses is None:
            try:
                self._businesses = dict(await self._sender.businesses())
            except TransportError as error:
                if not is_exhaustion(error):
                    raise
                ruling, pause = self._outages.judge(error, "", self._sender.clock.monotonic())
                if ruling is not Ruling.WAIT:
                    raise
                await self._sender.clock.sleep(pause)
        return self._businesses

    # --- nodes ------------------------------------------------------------------------

    def _node(self, line: int, job: Job) -> Node[Job]:
        draft = job.draft
        itself = need_of(job.business, draft.itself).key
        step, end, superseded = self._step(itself, job)
        holds, after = _marks(job, step)
        return Node(
            itself._replace(step=step),
            line,
            draft.fingerprint,
            job,
            self._needs(job),
            holds,
            after,
            creates=draft.creates,
            deletes=draft.action == DELETE,
            changed=draft.changed or bool(draft.creates and step),
            uncertain=draft.uncertain,
            preset=end,
            superseded=superseded,
        )

    def _needs(self, job: Job) -> list[Need]:
        needs = []
        draft = job.draft
        if not draft.creates:
            needs.append(
                attrs.evolve(need_of(job.business, draft.itself), strength=Strength.EARLIER)
            )
        for reference in draft.references:
            need = need_of(job.business, reference)
            told = draft.known_id(reference) or job.ids.get(reference)
            if told is None or self._scheduler.knows(need.key):
                if reference.native:
                    need = attrs.evolve(need, strength=Strength.PREFERRED)
                needs.append(need)
        if job.business.startswith(NEW) and draft.kind.name != BUSINESS:
            needs.append(Need(Key("", BUSINESS, job.business.removeprefix(NEW))))
        return needs

    def _step(self, record: Key, job: Job) -> tuple[int, Preset | None, bool]:
        """Which line of its record this is, and its end where nothing need be sent.

        And whether it shares the end of an earlier line, which is of a newer revision.
        """
        draft = job.draft
        steps, newest = self._steps.get(record), self._revisions.get(record)
        is_first = steps is None and newest is None and not self._scheduler.knows(record)
        if draft.revision is not None:
            if newest is not None and draft.revision < newest and draft.creates:
                return self._next(record), None, True
            known = job.own.revision if is_first and job.own is not None else newest
            if known is not None and draft.revision < known:
                superseded = f"superseded: revision {known} is settled"
                end = Preset(Verdict.REPLAYED, self._id(job), superseded)
                return self._next(record), end, False
            self._revisions[record] = draft.revision
        if is_first and not self._sends_unchanged and _is_unchanged(job):
            step = 0 if draft.creates else self._next(record)
            unchanged = "unchanged since it was settled"
            return step, Preset(Verdict.REPLAYED, self._id(job), unchanged), False
        if draft.creates and steps is None and (newest is None or newest == draft.revision):
            return 0, None, False
        return self._next(record), None, False

    def _next(self, record: Key) -> int:
        step = self._steps[record] = self._steps.get(record, 0) + 1
        return step

    def _id(self, job: Job) -> str | None:
        return self._references.id_of(job, job.draft.itself)


def _is_unchanged(job: Job) -> bool:
    """Whether the last that was settled of the record has this content."""
    if job.own is None:
        return False
    made, done = job.own.digest[:FINGERPRINT_BYTES], job.own.digest[FINGERPRINT_BYTES:]
    return job.draft.fingerprint == (made if job.draft.creates else done)


def _marks(job: Job, step: int) -> tuple[list[Hashable], list[Hashable]]:
    """What the record holds on to while it is under way, and what it waits for.

    An action waits for every earlier line that is or names its record, and every later such
    line waits for it.
    """
    draft, kind = job.draft, job.draft.kind
    itself = (home_of(job.business, draft.itself), kind.name, "external_id", draft.external_id)
    marks = list(draft.marks())
    names = [(job.business, *mark) for mark in marks]
    if draft.creates:
        names.append(itself)
    holds: list[Hashable] = [("names", *one) for one in names]
    after: list[Hashable] = [("acts", *one) for one in names]
    if not draft.creates:
        holds.append(("acts", *itself))
        after += [("names", *itself), ("acts", *itself)]
        return holds, after
    if step:
        after.append(("names", *itself))
    if kind.before is not None:
        holds += [("before", job.business, *mark) for mark in marks if mark[0] == kind.before]
    if kind.after is not None:
        after += [("before", job.business, *mark) for mark in marks if mark[0] == kind.after]
    return holds, after


def _unknown_business(name: str, draft: Draft) -> BadRecord:
    return BadRecord(
        f"business {name[:80]!r} is neither the Thred id nor the external_id of a business of this "
        "partner, and its own record has not come before",
        draft.record,
        kind=draft.kind.name,
        business=draft.business or None,
        external_id=draft.external_id,
        action=draft.action,
    )
