"""Lists: filters were applied already; here a page is cut out and put into an envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from .call import Answer, Call, instant
from .problems import not_found

__all__ = ["matches_text", "page_of", "within", "within_days"]

Row = TypeVar("Row")


def page_of(call: Call, rows: Sequence[Row], view: Callable[[Row], dict[str, Any]]) -> Answer:
    """One page of the rows, in the envelope that the emulator was set to."""
    number = call.query.get("page") or 1
    size = call.query.get("page_size") or 20
    pages = -(-len(rows) // size)
    if number > max(pages, 1):
        raise not_found("page")
    results = [view(row) for row in rows[(number - 1) * size : number * size]]
    body: dict[str, Any] = {"count": len(rows), "results": results}
    if call.envelope == "guide":
        body["next"] = f"?page={number + 1}" if number < pages else None
        body["previous"] = f"?page={number - 1}" if number > 1 else None
    else:
        body["page_info"] = {
            "total_count": len(rows),
            "current_page": number,
            "total_pages": pages,
            "page_size": size,
        }
    return Answer(200, body)


def matches_text(wanted: str | None, texts: Iterable[object]) -> bool:
    """Whether a search text occurs in any of these, in any case."""
    if not wanted:
        return True
    folded = wanted.casefold()
    return any(folded in str(text).casefold() for text in texts if text)


def within(
    value: datetime | int | None, first: datetime | int | None, last: datetime | int | None
) -> bool:
    """Whether a value lies between two bounds, both included; a missing bound is none."""
    if first is None and last is None:
        return True
    if value is None:
        return False
    return (first is None or value >= first) and (last is None or value <= last)  # type: ignore[operator]


def within_days(value: datetime, first: date | None, last: date | None) -> bool:
    """As `within`, for bounds that are days or instants; the last day is included whole."""
    if last is not None and not isinstance(last, datetime):
        last = instant(last) + timedelta(days=1) - timedelta.resolution
    return within(value, instant(first) if first else None, last)
