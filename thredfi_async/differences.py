"""What Thred has against what was sent, where a create was answered by a record of before.

Only fields that both have are compared, and only what they mean: instants as instants, numbers
as numbers, text without regard to case (enums come in both) and to spaces around it, lists of
lines by their totals, in any order. No I/O happens here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

from .texts import DAMAGED

__all__ = ["Difference", "compare"]

_SAME_INSTANT = 1.0  # second: what rounding on the way may do
_AMOUNTS = ("amount", "total_amount", "total", "amount_cents")  # of a line, first come


@attrs.frozen
class Difference:
    """One field that both have, and that differs. ``field`` is its name on the wire."""

    field: str
    sent: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.field}: sent {self.sent!r:.80}, Thred has {self.found!r:.80}"


def compare(sent: Any, found: Any, within: str = "") -> tuple[Difference, ...]:
    """Where ``found`` differs from ``sent``, both as decoded JSON. What isn't there is equal."""
    if not isinstance(sent, Mapping) or not isinstance(found, Mapping):
        return ()
    differing: list[Difference] = []
    for name, mine in sent.items():
        theirs = found.get(name)
        if mine is None or theirs is None:
            continue
        field = f"{within}.{name}" if within else str(name)
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            differing.extend(compare(mine, theirs, field))
        elif isinstance(mine, list) and isinstance(theirs, list):
            differing.extend(_compare_lists(field, mine, theirs))
        elif not _equal(mine, theirs):
            differing.append(Difference(field, mine, theirs))
    return tuple(differing)


def _compare_lists(field: str, mine: list[Any], theirs: list[Any]) -> tuple[Difference, ...]:
    if any(isinstance(one, Mapping) for one in (*mine, *theirs)):
        sent, found = _total(mine), _total(theirs)
        if sent is None or found is None or sent == found:
            return ()
        return (Difference(f"{field} (total)", _plain(sent), _plain(found)),)
    if Counter(map(_comparable, mine)) == Counter(map(_comparable, theirs)):
        return ()
    return (Difference(field, mine, theirs),)


def _total(lines: list[Any]) -> Decimal | None:
    """What lines come to; None where a line doesn't say."""
    total = Decimal(0)
    for line in lines:
        amount = _amount(line) if isinstance(line, Mapping) else None
        if amount is None:
            return None
        total += amount
    return total


def _amount(line: Mapping[str, Any]) -> Decimal | None:
    quantity = _number(line.get("quantity"))
    price = line.get("unit_price")
    price = _number(line.get("unit_price_cents") if price is None else price)
    if quantity is not None and price is not None:
        return quantity * price
    return next((n for name in _AMOUNTS if (n := _number(line.get(name))) is not None), None)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _equal(mine: Any, theirs: Any) -> bool:
    a, b = _comparable(mine), _comparable(theirs)
    if a == b or (isinstance(theirs, str) and DAMAGED in theirs):
        return True  # or nobody can read what Thred has
    if isinstance(a, date) and isinstance(b, date):
        return _same_time(a, b)
    # Objects and lists against anything else: of another shape, which tells nothing.
    return isinstance(mine, Mapping | list) or isinstance(theirs, Mapping | list)


def _same_time(a: date, b: date) -> bool:
    if isinstance(a, datetime) and isinstance(b, datetime):
        return abs((a - b).total_seconds()) < _SAME_INSTANT
    # A day against an instant of it: the day's own time zone isn't known.
    day, other = (b, a) if isinstance(a, datetime) else (a, b)
    return isinstance(other, datetime) and abs((other.date() - day).days) <= 1


def _comparable(value: Any) -> Any:
    """A value as what it means. Numbers are Decimals, instants datetimes in UTC."""
    if isinstance(value, bool) or value is None:
        return value
    number = _number(value)
    if number is not None:
        return number
    if not isinstance(value, str):
        return repr(value)
    text = value.strip()
    if len(text) >= 10 and text[:4].isdigit() and text[4] == "-":
        try:
            if len(text) == 10:
                return date.fromisoformat(text)
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            pass
    return text.casefold()


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        plain = value.strip().removeprefix("-")
        if not (plain.isascii() and plain.replace(".", "", 1).isdigit()) or len(plain) > 40:
            return None
        # A code such as "0012" or "+44" is text: leading noughts count.
        if plain.startswith("0") and not plain.startswith("0.") and plain != "0":
            return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
