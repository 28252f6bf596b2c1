"""The summary of a push for people."""

from __future__ import annotations

from collections.abc import Mapping

from ..push import Status, Summary
from .output import counted

__all__ = ["not_ok_text", "summary_text"]

_COLUMNS = ("created", "changed", "replayed", "differs", "failed")
_IF_ANY = ("changed", "differs")


def summary_text(summary: Summary) -> list[str]:
    """Lines: a table of counts per type, and one of totals."""
    rows = summary.by_type()
    columns = [
        column
        for column in _COLUMNS
        if column not in _IF_ANY or any(row.get(column) for row in rows.values())
    ]
    table = [["", *columns]] if rows else []
    for kind, row in rows.items():
        table.append([kind.replace("_", " "), *(f"{row[column]:,}" for column in columns)])
    first = max((len(cells[0]) for cells in table), default=0)
    lines = [
        cells[0].ljust(first) + "".join(cell.rjust(11) for cell in cells[1:]) for cells in table
    ]
    total, seconds = summary.total(), summary.seconds
    rate = f" ({total / seconds:,.0f}/s)" if seconds else ""
    requests, retries = (
        counted(summary.requests, "request"),
        counted(summary.retries, "retry", "retries"),
    )
    looked_up = f", {counted(summary.look_ups, 'look-up')}" if summary.look_ups else ""
    lines.append(
        f"{counted(total, 'record')} in {seconds:.1f} s{rate}, {requests}, {retries}{looked_up}"
    )
    return lines


def not_ok_text(counts: Mapping[Status, int]) -> str:
    """Such as ``2 records failed, 1 differs, 3 are of unknown outcome``."""
    words = {"failed": ("failed", "failed"), "differs": ("differs", "differ")}
    unknown = ("is of unknown outcome", "are of unknown outcome")
    parts: list[str] = []
    for status, number in sorted(counts.items()):
        one, more = words.get(status, unknown)
        subject = f"{number:,}" if parts else counted(number, "record")
        parts.append(f"{subject} {one if number == 1 else more}")
    return ", ".join(parts)
