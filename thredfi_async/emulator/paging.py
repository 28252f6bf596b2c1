"""Lists: filters were applied already; here a page is cut out and put into an envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode

from .call import Answer, Call
from .problems import invalid, not_found

__all__ = [
    "cut_page",
    "is_filtered",
    "matches_text",
    "ordered",
    "page_of",
    "within",
    "within_days",
]

Row = TypeVar("Row")
_Value: TypeAlias = date | int | Decimal  # an instant is a date too


def page_of(call: Call, rows: Sequence[Row], view: Callable[[Row], dict[str, Any]]) -> Answer:
    """One page of the rows, in the envelope that the emulator was set to."""
    number, size, pages = _asked(call, rows)
    results = [view(row) for row in cut_page(call, rows)]
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


def cut_page(call: Call, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of the page that is asked for. Raises 404 past the end."""
    number, size, pages = _asked(call, rows)
    if number > pages:
        raise not_found("page")
    return rows[(number - 1) * size : number * size]


def _asked(call: Call, rows: Sequence[Row]) -> tuple[int, int, int]:
    """Number and size of the page that is asked for, and how many pages there are."""
    size = call.query.get("page_size", 20)
    return call.query.get("page", 1), size, max(1, -(-len(rows) // size))


def _url(call: Call, number: int) -> str:
    """The address of another page of the same list."""
    path, _, query = call.target.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name != "page"]
    return f"http://{call.headers.get('Host')}{path}?{urlencode([*kept, ('page', number)])}"


def is_filtered(call: Call) -> bool:
    """Whether anything but a page was asked for."""
    return not call.query.keys() <= {"page", "page_size"}


def ordered(
    rows: Iterable[Row],
    ordering: str,
    keys: Mapping[str, Callable[[Row], Any]],
) -> list[Row]:
    """The rows sorted by names of ``keys``: with commas, a minus for descending. Raises 400."""
    found = list(rows)
    for name in reversed(ordering.split(",")):
        key = keys.get(name.removeprefix("-"))
        if key is None:
            raise invalid(ordering=f"Must be any of {', '.join(keys)}, with a minus to reverse.")
        found.sort(key=partial(_none_last, key), reverse=name.startswith("-"))
    return found


def _none_last(key: Callable[[Row], Any], row: Row) -> tuple[bool, Any]:
    value = key(row)
    return value is None, value


def matches_text(wanted: str | None, texts: Iterable[object]) -> bool:
    """Whether a search text occurs in any of these, in any case."""
    if not wanted:
        return True
    folded = wanted.casefold()
    return any(folded in str(text).casefold() for text in texts if text)


def within(value: _Value | None, first: _Value | None, last: _Value | None) -> bool:
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
