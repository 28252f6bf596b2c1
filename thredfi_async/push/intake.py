"""From what is given to what the scheduler orders: the reading half of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ..errors import InvalidRequest, TransportError
from ..limits import is_exhaustion
from ..manner import History
from .kinds import KINDS
from .outages import Outages, Ruling
from .outcome import Outcome, Status
from .records import BadRecord, Draft, Record, Reference, read_record
from .results import Key
from .scheduler import Need, Node, Scheduler, Strength
from .sender import Sender
from .summary import Summary

__all__ = ["Intake", "Job"]


@attrs.define(eq=False)
class Job:
    """What the engine keeps with a node of the scheduler."""

    draft: Draft
    business_id: str
    history: History | None = None  # of its earlier rounds, where it was handed back
    rounds: int = 0  # how often it was handed back because Thred was at it already

    @property
    def was_sent(self) -> bool:
        """Whether an earlier round may have been applied."""
        return self.history is not None and self.history.uncertain


class Intake:
    """Reads records, finds their businesses, and feeds the scheduler.

    ``refuse`` takes the outcome of a record that can't be sent at all.
    """

    def __init__(
        self,
        sender: Sender,
        scheduler: Scheduler[Job],
        outages: Outages,
        summary: Summary,
        refuse: Callable[[Outcome], None],
    ) -> None:
        self._sender = sender
        self._scheduler = scheduler
        self._outages = outages
        self._summary = summary
        self._refuse = refuse
        self._businesses: Mapping[str, str] | None = None

    async def take(self, line: int, given: Record) -> None:
        """The next record of the input; nothing for a blank line."""
        try:
            draft = read_record(given)
        except BadRecord as bad:
            self._summary.records += 1
            await self._reject(line, bad)
            return
        if draft is None:
            return
        self._summary.records += 1
        business_id = await self._business_id(draft.business)
        if business_id is None:
            await self._reject(line, _unknown_business(draft))
        else:
            self._scheduler.add(self._node(line, draft, business_id))

    def id_of(self, job: Job, reference: Reference) -> str | None:
        """The id of what a record refers to; None where Thred finds it by its external id."""
        found = self._known_id(job, reference)
        if found is None and not reference.native:
            raise InvalidRequest.at(
                f"{reference.kind}_external_id",
                f"Thred's answer for {reference.kind} {reference.external_id!r} had no id",
            )
        return found

    def known_ids(self, job: Job) -> dict[str, dict[str, str]]:
        """The ids of all that a record refers to, as far as they are known, for a failed file."""
        known: dict[str, dict[str, str]] = {}
        for reference in job.draft.references:
            found = self._known_id(job, reference)
            if found is not None:
                known.setdefault(reference.kind, {})[reference.external_id] = found
        return known

    def _known_id(self, job: Job, reference: Reference) -> str | None:
        key = Key(job.business_id, reference.kind, reference.external_id)
        return self._scheduler.id_of(key) or job.draft.known_id(reference)

    async def _reject(self, line: int, bad: BadRecord) -> None:
        """Report a record that can't be sent, and fail what refers to it."""
        self._refuse(
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
                self._scheduler.reject(Key(business_id, bad.kind, bad.external_id), line)

    async def _business_id(self, name: str) -> str | None:
        while self._businesses is None:
            try:
                self._businesses = await self._sender.businesses()
            except TransportError as error:
                if not is_exhaustion(error):
                    raise
                ruling, pause = self._outages.judge(error, "", self._sender.clock.monotonic())
                if ruling is not Ruling.WAIT:
                    raise
                await self._sender.clock.sleep(pause)
        return self._businesses.get(name)

    def _node(self, line: int, draft: Draft, business_id: str) -> Node[Job]:
        kind = draft.kind
        needs = []
        for reference in draft.references:
            key = Key(business_id, reference.kind, reference.external_id)
            if draft.known_id(reference) is None or self._scheduler.knows(key):
                strength = Strength.PREFERRED if reference.native else Strength.REQUIRED
                needs.append(Need(key, strength))
        return Node(
            Key(business_id, kind.name, draft.external_id, draft.parent),
            line,
            draft.fingerprint,
            Job(draft, business_id),
            needs,
            [(business_id, *mark) for mark in draft.marks(kind.before)] if kind.before else (),
            [(business_id, *mark) for mark in draft.marks(kind.after)] if kind.after else (),
            kind.referenced,
            draft.changed,
            draft.uncertain,
        )


def _unknown_business(draft: Draft) -> BadRecord:
    return BadRecord(
        f"business {draft.business[:80]!r} is neither the Thred id nor the external_id of a "
        "business of this partner",
        draft.record,
        kind=draft.kind.name,
        business=draft.business,
        external_id=draft.external_id,
    )
