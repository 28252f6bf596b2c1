"""The figures of one run, kept while it goes on."""

from __future__ import annotations

from typing import Any

import attrs

from .kinds import KINDS
from .outcome import Outcome, Status

__all__ = ["Summary"]

UNREADABLE = "unreadable"


@attrs.define
class Summary:
    """What a run has done so far.

    ``records`` were read; each of them has an outcome in ``counts`` (by type, then by
    status), is on its way, or waits. ``unsent`` is how many were read and not settled
    when the run ended early. ``complete``: the input was read to its end, and every record of
    it has an outcome.
    ``requests`` and ``retries`` count HTTP requests, those for tokens included; ``look_ups`` are
    the records that were looked up at Thred because others name them.
    """

    records: int = 0
    counts: dict[str, dict[Status, int]] = attrs.field(factory=dict)
    seconds: float = 0.0
    requests: int = 0
    retries: int = 0
    look_ups: int = 0
    unsent: int = 0
    complete: bool = False

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        kind = outcome.type if outcome.type in KINDS else UNREADABLE
        by_status = self.counts.get(kind or UNREADABLE)
        if by_status is None:
            by_status = self.counts[kind or UNREADABLE] = dict.fromkeys(Status, 0)
        by_status[outcome.status] += 1

    def total(self, *statuses: Status) -> int:
        """How many records ended in one of ``statuses`` (none named: in any)."""
        wanted = statuses or tuple(Status)
        return sum(counts[status] for counts in self.counts.values() for status in wanted)

    @property
    def failed(self) -> int:
        """Records that failed, those of unknown outcome included."""
        return self.total(Status.FAILED, Status.UNKNOWN)

    @property
    def differs(self) -> int:
        """Records that Thred has with other content."""
        return self.total(Status.DIFFERS)

    def by_type(self) -> dict[str, dict[str, int]]:
        """Counts per type in the order of sending; ``failed`` includes ``unknown``."""
        return {
            kind: _row(self.counts[kind]) for kind in (*KINDS, UNREADABLE) if kind in self.counts
        }

    def as_dict(self) -> dict[str, Any]:
        """All figures, JSON-ready."""
        return {
            "records": self.records,
            "created": self.total(Status.CREATED),
            "changed": self.total(Status.CHANGED),
            "replayed": self.total(Status.REPLAYED),
            "differs": self.differs,
            "failed": self.failed,
            "unknown": self.total(Status.UNKNOWN),
            "unsent": self.unsent,
            "complete": self.complete,
            "types": self.by_type(),
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "retries": self.retries,
            "look_ups": self.look_ups,
        }


def _row(counts: dict[Status, int]) -> dict[str, int]:
    return {
        "created": counts[Status.CREATED],
        "changed": counts[Status.CHANGED],
        "replayed": counts[Status.REPLAYED],
        "differs": counts[Status.DIFFERS],
        "failed": counts[Status.FAILED] + counts[Status.UNKNOWN],
        "unknown": counts[Status.UNKNOWN],
    }
