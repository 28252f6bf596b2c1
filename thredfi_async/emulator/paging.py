"""Lists: filters were applied already; here a page is cut out and put into an envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from .call import Answer, Call
from .problems import not_found

__all__ = ["is_filtered", "matches_text", "page_of", "within", "within_days"]

Row = TypeVar("Row")


def page_of(call: Call, rows: Sequence[Row], view: Callable[[Row], dict[str, Any]]) -> Answer:
    """One page of the rows, in the envelope that the emulator was set to."""
    number = call.query.get("page", 1)
    size = call.query.get("page_size", 20)
    pages = max(1, -(-len(rows) // size))
    if number > pages:
        raise not_found("page")
    results = [view(row) for row in rows[(number - 1) * size : number * size]]
    body: dict[str, Any] = {"count": len(rows), "results": results}
    if call.envelope == "guide":
        body["next"] = _url(call, number + 1) if number < pages else None
        body["previous"] = _url(call, number - 1) if number > 1 else None
    else:
        body["page_info"] = {
            "total_count": len(rows),
            "current_page": number,
            "total_pages": pages,
            "page_size": size,
        }
    return Answer(200, body)


def _url(call: Call, number: int) -> str:
    """The address of another page of the same list."""
    path, _, query = call.target.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name != "page"]
    return f"http://{call.headers.get('Host')}{path}?{urlencode([*kept, ('page', number)])}"


def is_filtered(call: Call) -> bool:
    """Whether anything but a page was asked for."""
    return not call.query.keys() <= {"page", "page_size"}


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
    """As `within`, for bounds that are days (UTC, both included whole) or instants."""
    return within(value, _at(first, time.min), _at(last, time.max))


def _at(bound: date | None, of_day: time) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    return datetime.combine(bound, of_day, UTC)
