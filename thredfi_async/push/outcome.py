"""What became of one record, and how a failure is written down so that it can be pushed again."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import attrs

from ..differences import Difference
from ..errors import ApiError, OutcomeUnknown, ThredfiError

__all__ = ["CONTENT", "Outcome", "Status", "WaitedFor"]

CONTENT = "content"
"""The key of a failed file's entry that tells whether its record was changed since."""


class Status(enum.StrEnum):
    """What became of one record."""

    CREATED = "created"
    """Thred made it now."""
    CHANGED = "changed"
    """An update or another action took effect, or a difference was updated away."""
    REPLAYED = "replayed"
    """Thred had it already as it was given, or an identical record of the same input made it."""
    DIFFERS = "differs"
    """It is at Thred, under its external_id, with other content; ``differences`` says where."""
    FAILED = "failed"
    """It is not at Thred; ``reason`` says why."""
    UNKNOWN = "unknown"
    """It was sent, and whether Thred has it is not known.

    Pushing it again is safe, but for a write-off, which Thred wouldn't know again.
    """


_WELL = frozenset({Status.CREATED, Status.CHANGED, Status.REPLAYED})


@attrs.frozen
class WaitedFor:
    """The record that another one waited for in vain. ``line`` is None where it never came."""

    type: str
    external_id: str
    line: int | None = None


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one record.

    ``line`` is its place in the input, counted from 1 (in a file: the line). ``type``,
    ``business``, ``external_id`` and ``action`` are as the record gave them, None where it was too
    broken to tell. ``id`` is Thred's id. ``attempts`` counts the requests made for it,
    0 where nothing was sent. ``record`` is what was given: the mapping, or the text of
    a line that couldn't be read. ``differences`` are those of a record that `Status.DIFFERS`
    between what was sent and what Thred has, also where they are ignored. ``journaled`` is False
    where the journal or the id store of the run could not take it, so that another run sends the
    record again.
    """

    line: int
    type: str | None
    business: str | None
    external_id: str | None
    status: Status
    action: str | None = None
    id: str | None = None
    reason: str | None = None
    error: Exception | None = None
    attempts: int = 0
    differences: tuple[Difference, ...] = ()
    waited_for: WaitedFor | None = None
    journaled: bool | None = None
    record: Any = attrs.field(default=None, repr=False)
    resolved: Mapping[str, Mapping[str, str]] | None = attrs.field(default=None, repr=False)
    content: str | None = attrs.field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether Thred has now what was given."""
        return self.status in _WELL

    def as_failed_line(self) -> dict[str, Any]:
        """The entry for a file of failures: JSON-ready, and accepted by `push` as a record.

        ``resolved`` keeps the Thred ids of references that were known, so that the record
        alone can be pushed again without the records that it refers to. ``content`` tells
        whether a record that Thred refused has been changed since. The whole record is in it, so
        the file wants the same care as the input.
        """
        entry: dict[str, Any] = {
            "line": self.line,
            "status": str(self.status),
            "reason": self.reason,
            "record": self.record,
        }
        if self.error is not None:
            entry["error"] = _describe(self.error)
        if self.differences:
            entry["differences"] = list(map(str, self.differences))
        if self.content is not None:
            entry[CONTENT] = self.content
        if self.waited_for is not None:
            entry["waited_for"] = attrs.asdict(self.waited_for)
        if self.resolved:
            entry["resolved"] = {kind: dict(ids) for kind, ids in self.resolved.items()}
        return entry


def _describe(error: Exception) -> dict[str, Any]:
    described: dict[str, Any] = {"type": type(error).__name__}
    if isinstance(error, ApiError):
        described |= {"status": error.status, "code": error.code, "fields": error.fields}
        if error.request_id:
            described["request_id"] = error.request_id
    elif isinstance(error, OutcomeUnknown):
        described |= {"status": error.status, "operation": error.operation}
    elif not isinstance(error, ThredfiError):
        described["unexpected"] = True
    return described
