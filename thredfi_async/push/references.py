"""Thred's ids of what records name: from the input, from id stores, else looked up at Thred."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

from ..errors import InvalidRequest
from ..manner import History
from . import ids
from .draft import Draft, Reference
from .ids import IdStore, Known
from .kinds import BUSINESS, KINDS
from .nodes import Need
from .results import Key
from .scheduler import Scheduler
from .sender import Sender
from .summary import Summary

__all__ = ["NEW", "Job", "References", "home_of", "need_of"]

NEW = "\0new "
"""Before the external_id of a business that isn't at Thred when its records are read."""

_REMEMBERED = 100_000  # ids that were looked up

Name: TypeAlias = tuple[str, Reference]  # a business as in the keys of the run, and a record of it


@attrs.define(eq=False)
class Job:
    """What the engine keeps with a node of the scheduler."""

    draft: Draft
    business: str  # as in the keys of the run: see `References.business_id`
    own: Known | None = None  # what the id store knows of the record
    ids: dict[Reference, str] = attrs.field(factory=dict)  # and of all that it names
    history: History | None = None  # of its earlier rounds, where it was handed back
    rounds: int = 0  # how often it was handed back because Thred was at it already
    found: bool = False  # all that it is sent with was looked up
    forgotten: bool = False  # once, as the ids that it was sent with led nowhere

    @property
    def was_sent(self) -> bool:
        """Whether an earlier round may have been applied."""
        return self.history is not None and self.history.uncertain

    @property
    def needed(self) -> tuple[Reference, ...]:
        """All whose ids it is sent with: an action needs its own."""
        draft = self.draft
        return draft.references if draft.creates else (draft.itself, *draft.references)


def home_of(business: str, reference: Reference) -> str:
    """The business in the key of what a record of ``business`` names."""
    return "" if reference.kind == BUSINESS else business


def need_of(business: str, reference: Reference) -> Need:
    """What a record of ``business`` names, as the scheduler knows it."""
    anywhere = not reference.parent and KINDS[reference.kind].parent is not None
    home = home_of(business, reference)
    key = Key(home, reference.kind, reference.external_id, reference.parent)
    return Need(key, anywhere=anywhere)


class References:
    """Knows the ids of records by their names.

    ``store`` is asked, and told by others; those in ``known`` are only asked. ``looks_up``: what
    they don't know is looked up at Thred.
    """

    def __init__(
        self,
        sender: Sender,
        scheduler: Scheduler[Job],
        summary: Summary,
        store: IdStore | None = None,
        known: Sequence[IdStore] = (),
        *,
        looks_up: bool = True,
    ) -> None:
        self.store = store
        self._known = tuple(known)
        self._sender = sender
        self._scheduler = scheduler
        self._summary = summary
        self._looks_up = looks_up
        self._found: dict[Name, str | None] = {}  # by look-ups; None: it surely isn't there
        self._turns: dict[Name, asyncio.Lock] = {}

    # --- what is known ----------------------------------------------------------------

    @property
    def has_stores(self) -> bool:
        """Whether there is anything to fetch."""
        return self.store is not None or bool(self._known)

    def business_id(self, business: str) -> str | None:
        """Thred's id of a business by what the keys of the run have."""
        if not business.startswith(NEW):
            return business
        return self._scheduler.id_of(Need(Key("", BUSINESS, business.removeprefix(NEW))))

    def id_of(self, job: Job, reference: Reference) -> str | None:
        """The id of a record, as far as it is known by now."""
        return (
            self._scheduler.id_of(need_of(job.business, reference))
            or job.draft.known_id(reference)
            or job.ids.get(reference)
            or self._found.get(_name(job, reference))
        )

    def parent_id(self, job: Job, reference: Reference) -> str | None:
        """The id of what a record belongs to, as far as it is known by now."""
        above = _above(reference)
        return self.id_of(job, above) if isinstance(above, Reference) else above

    def known_ids(self, job: Job) -> dict[str, dict[str, str]]:
        """The ids of all that a record is sent with, where they are known, for a failed file."""
        known: dict[str, dict[str, str]] = {}
        for reference in job.needed:
            found = self.id_of(job, reference)
            if found is not None:
                known.setdefault(reference.kind, {})[reference.name] = found
        return known

    def made(self, job: Job) -> bytes | None:
        """The fingerprint that the record was made with, as far as the run knows it."""
        return self._scheduler.fingerprint_of(need_of(job.business, job.draft.itself).key)

    # --- id stores --------------------------------------------------------------------

    async def fetch(self, jobs: Iterable[Job]) -> None:
        """Ask the stores for all that these name, at once. Raises as they do."""
        named = [(job, one) for job in jobs for one in _all_named(job.draft)]
        has_parent = [KINDS[one.kind].parent is not None for _, one in named]
        # First what has no parent: the keys of the others have their parents' ids.
        for inner in (False, True):
            wanted: dict[tuple[Job, Reference], ids.Key] = {}
            for (job, one), has in zip(named, has_parent, strict=True):
                if has is inner and (key := self.store_key(job, one)) is not None:
                    wanted[job, one] = key
            if wanted:
                await self._ask(wanted)

    def store_key(self, job: Job, reference: Reference) -> ids.Key | None:
        """What names a record in a store; None while that isn't known yet."""
        parent: str | None = ""
        if KINDS[reference.kind].parent is not None:
            parent = self.parent_id(job, reference)
        home = self.business_id(home_of(job.business, reference))
        if parent is None or home is None:
            return None
        return ids.Key(home, reference.kind, parent, reference.external_id)

    async def _ask(self, wanted: Mapping[tuple[Job, Reference], ids.Key]) -> None:
        keys = frozenset(wanted.values())
        here = {} if self.store is None else await self.store.get(keys)
        elsewhere: dict[ids.Key, Known] = {}
        for store in self._known:
            missing = keys - here.keys() - elsewhere.keys()
            if missing:
                elsewhere.update(await store.get(missing))
        for (job, reference), key in wanted.items():
            if key in here and reference == job.draft.itself:
                job.own = here[key]
            known = here.get(key) or elsewhere.get(key)
            if known is not None and known.id is not None:
                job.ids[reference] = known.id

    # --- look-ups ---------------------------------------------------------------------

    async def find(self, job: Job) -> None:
        """Look up what it needs and nothing knows.

        Raises `InvalidRequest` for what isn't there, and as `Sender.look_up` does.
        """
        if job.found:
            return
        for reference in job.needed:
            if not reference.native and self.id_of(job, reference) is None:
                job.ids[reference] = await self._find(job, reference)
        job.found = True

    async def _find(self, job: Job, reference: Reference) -> str:
        """The id of one. One look-up at a time for each, for all who name it."""
        name = _name(job, reference)
        turn = self._turns.setdefault(name, asyncio.Lock())
        try:
            async with turn:
                if name not in self._found:
                    if len(self._found) >= _REMEMBERED:
                        self._found.clear()
                    self._found[name] = await self._look_up(job, reference)
        finally:
            if not turn.locked():
                self._turns.pop(name, None)
        id = self._found.get(name)
        if id is None:
            raise _nowhere(reference, "neither in the input nor at Thred")
        return id

    async def _look_up(self, job: Job, reference: Reference) -> str | None:
        business = self.business_id(job.business)
        if not self._looks_up or business is None:
            stores = " or an id store" if self.has_stores else ""
            raise _nowhere(reference, f"not in the input{stores}")
        kind = KINDS[reference.kind]
        parent: str | None = None
        if kind.parent is not None:
            above = _above(reference)
            if above is None:
                raise _nowhere(
                    reference,
                    f"not in the input, and at Thred it is found only with its "
                    f"{kind.parent.external_field}",
                )
            parent = self.parent_id(job, reference)
            if parent is None and isinstance(above, Reference):
                parent = await self._find(job, above)
        self._summary.look_ups += 1
        return await self._sender.look_up(kind, business, parent, reference.external_id)

    def forget(self, job: Job) -> dict[Reference, str]:
        """Forget the ids it was sent with that this run has not made, as one leads nowhere.

        What they were; nothing where there are none.
        """
        stale = {
            one: id
            for one in job.needed
            if self._is_borrowed(job, one) and (id := self.id_of(job, one)) is not None
        }
        for one in stale:
            job.ids.pop(one, None)
            self._found.pop(_name(job, one), None)
            self._scheduler.forget(need_of(job.business, one))
        job.found = not stale
        return stale

    async def drop(self, job: Job, stale: Mapping[Reference, str]) -> None:
        """Take out of the store what leads elsewhere now, or nowhere."""
        keys = [
            key
            for one, id in stale.items()
            if self.id_of(job, one) != id and (key := self.store_key(job, one)) is not None
        ]
        if self.store is not None and keys:
            await self.store.drop(keys)

    def _is_borrowed(self, job: Job, reference: Reference) -> bool:
        need = need_of(job.business, reference)
        if self._scheduler.id_of(need) is not None:
            return self._scheduler.is_earlier(need)
        return reference in job.ids or self._found.get(_name(job, reference)) is not None


def _all_named(draft: Draft) -> Iterator[Reference]:
    """A record, all that it refers to, and what these belong to."""
    for reference in dict.fromkeys((draft.itself, *draft.references)):
        above = _above(reference)
        if isinstance(above, Reference):
            yield above
        yield reference


def _above(reference: Reference) -> Reference | str | None:
    """What a record belongs to: its name or its id; None where it belongs to nothing."""
    link = KINDS[reference.kind].parent
    field, _, name = reference.parent.partition(":")
    if link is None or not name:
        return None
    return name if field == link.id_field else Reference(link.to, name)


def _name(job: Job, reference: Reference) -> Name:
    return home_of(job.business, reference), reference._replace(native=False)


def _nowhere(reference: Reference, where: str) -> InvalidRequest:
    kind = reference.kind
    text = f"no {kind} {reference.external_id!r} of this business is known, {where}"
    return InvalidRequest.at(f"{kind}_external_id", text)
