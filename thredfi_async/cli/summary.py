"""The summary of a push for people."""

from __future__ import annotations

from ..push import Summary

__all__ = ["summary_text"]

_COLUMNS = ("created", "replayed", "failed")


def summary_text(summary: Summary) -> str:
    """A table of counts per type and a line of totals."""
    rows = [
        [kind.replace("_", " "), *(f"{row[column]:,}" for column in _COLUMNS)]
        for kind, row in summary.by_type().items()
    ]
    table = [["", *_COLUMNS], *rows]
    first = max(len(row[0]) for row in table)
    lines = [
        row[0].ljust(first) + "".join(cell.rjust(11) for cell in row[1:]) for row in table if rows
    ]
    seconds = summary.seconds
    rate = f" ({summary.total() / seconds:,.0f}/s)" if seconds else ""
    lines.append(
        f"{summary.total():,} records in {seconds:.1f} s{rate}, "
        f"{summary.requests:,} requests, {summary.retries:,} retries"
    )
    return "\n".join(lines)
