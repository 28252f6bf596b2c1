"""Which rows of a list are asked for, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias, TypeVar

from .books import Owed
from .call import Call
from .problems import invalid

__all__ = [
    "has_status",
    "is_filtered",
    "matches_text",
    "ordered",
    "within",
    "within_days",
]

Row = TypeVar("Row")
_Value: TypeAlias = date | int | Decimal  # an instant is a date too


def is_filtered(call: Call) -> bool:
    """Whether anything but a page was asked for."""
    return not call.query.keys() <= {"page", "page_size"}


def has_status(call: Call, owed: Owed) -> bool:
    """Whether an invoice or a bill has one of the statuses asked for.

    Among them may be overdue and unpaid, which go with others.
    """
    statuses = call.query.get("status")
    if not statuses or owed.status in statuses:
        return True
    if "overdue" in statuses and owed.is_overdue(call.now):
        return True
    return "unpaid" in statuses and owed.outstanding > 0


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


def within_days(value: datetime | None, first: date | None, last: date | None) -> bool:
    """As `within`, for bounds that are days (UTC, both included whole) or instants."""
    return within(value, _at(first, time.min), _at(last, time.max))


def _at(bound: date | None, of_day: time) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    return datetime.combine(bound, of_day, UTC)


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
