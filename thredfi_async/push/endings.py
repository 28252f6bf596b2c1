"""From the end of a record, as the scheduler says it, to what the caller and the journal get."""

from __future__ import annotations

import attrs

from ..differences import Difference
from . import ids
from .ids import Known
from .journal import Row
from .nodes import Settled, Verdict
from .outcome import Outcome, Status
from .references import Job, References
from .results import FINGERPRINT_BYTES

__all__ = ["Detail", "Kept", "kept_of", "outcome_of"]

_STATUS = {
    Verdict.CREATED: Status.CREATED,
    Verdict.CHANGED: Status.CHANGED,
    Verdict.REPLAYED: Status.REPLAYED,
    Verdict.DIFFERS: Status.DIFFERS,
    Verdict.FAILED: Status.FAILED,
    Verdict.UNKNOWN: Status.UNKNOWN,
}


@attrs.define
class Detail:
    """What the sender of a record knows about its end."""

    attempts: int = 0
    error: Exception | None = None
    differences: tuple[Difference, ...] = ()

    @classmethod
    def of(cls, end: Settled[Job]) -> Detail:
        """What is known of an end: nothing, where the record was not sent."""
        return end.detail if isinstance(end.detail, cls) else cls()


@attrs.frozen
class Kept:
    """What is written down of a record's end.

    ``row`` is for the journal. ``key`` and ``known`` are for the id store, which forgets what
    nothing is known of.
    """

    row: Row | None = None
    key: ids.Key | None = None
    known: Known | None = None


def outcome_of(end: Settled[Job], references: References) -> Outcome:
    """What the caller gets."""
    job = end.node.payload
    draft = job.draft
    detail = Detail.of(end)
    status = _STATUS[end.verdict]
    outcome = Outcome(
        line=end.node.line,
        type=draft.kind.name,
        business=draft.business or None,
        external_id=draft.external_id,
        action=draft.action,
        status=status,
        id=end.id,
        reason=end.reason,
        error=detail.error,
        attempts=detail.attempts,
        differences=detail.differences,
        waited_for=end.waited_for,
        record=draft.record,
        content=draft.content if status is Status.FAILED and detail.attempts else None,
    )
    return outcome if outcome.ok else attrs.evolve(outcome, resolved=references.known_ids(job))


def kept_of(end: Settled[Job], references: References) -> Kept | None:
    """What is written down; nothing of a record that shares the end of another."""
    node = end.node
    if node.repeats:
        return None
    job, attempts = node.payload, Detail.of(end).attempts
    home = references.business_id(node.key.business)
    status = _STATUS[end.verdict]
    key = node.key if home is None else node.key._replace(business=home)
    row = Row(key, node.line, status, end.id, end.reason, attempts, node.fingerprint)
    stored = references.store_key(job, job.draft.itself)
    if references.store is None or stored is None or status is Status.FAILED:
        return Kept(row)
    if status is Status.UNKNOWN:  # whatever it had before, it may be otherwise now
        return Kept(row, stored, Known(references.id_of(job, job.draft.itself)))
    known = None if node.deletes else _known(end, references)
    if node.preset is not None and known == job.own:
        return Kept(row)
    return Kept(row, stored, known)


def _known(end: Settled[Job], references: References) -> Known:
    """What the id store keeps of a record that is at Thred."""
    node, job = end.node, end.node.payload
    own = job.own or Known(None)
    id = end.id or references.id_of(job, job.draft.itself)
    revision = job.draft.revision  # where it has none, the store keeps the one that it has
    if node.preset is not None:
        given = [one for one in (own.revision, revision) if one is not None]
        return Known(id, own.digest, max(given, default=None))
    if end.verdict is Verdict.DIFFERS or Detail.of(end).differences:
        return Known(id, b"", revision)  # its content is not what was given
    made = references.made(job) or own.digest[:FINGERPRINT_BYTES].ljust(FINGERPRINT_BYTES, b"\0")
    digest = node.fingerprint if job.draft.creates else made + node.fingerprint
    return Known(id, digest, revision)
