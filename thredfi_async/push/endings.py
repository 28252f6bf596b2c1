"""From the end of a record, as the scheduler says it, to what the caller and the journal get."""

from __future__ import annotations

import attrs

from ..differences import Difference
from .intake import Intake, Job
from .journal import Row
from .outcome import Outcome, Status
from .scheduler import Settled, Verdict

__all__ = ["Detail", "outcome_of", "row_of"]

_STATUS = {
    Verdict.CREATED: Status.CREATED,
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


def outcome_of(end: Settled[Job], intake: Intake) -> Outcome:
    """What the caller gets."""
    job = end.node.payload
    draft = job.draft
    detail = end.detail if isinstance(end.detail, Detail) else Detail()
    status = _STATUS[end.verdict]
    is_done = status is Status.CREATED or status is Status.REPLAYED
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
        differences=detail.differences,
        waited_for=end.waited_for,
        record=draft.record,
        resolved=None if is_done else intake.known_ids(job),
        content=draft.content if status is Status.FAILED and detail.attempts else None,
    )


def row_of(end: Settled[Job]) -> Row | None:
    """What the journal keeps; nothing of a record that shares the end of another."""
    node, detail = end.node, end.detail
    if node.repeats:
        return None
    attempts = detail.attempts if isinstance(detail, Detail) else 0
    status = _STATUS[end.verdict]
    return Row(node.key, node.line, status, end.id, end.reason, attempts, node.fingerprint)
