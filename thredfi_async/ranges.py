"""The limits that a description sets to a value: how long, how large, which ones.

Each is a function that says whether a value breaks it, and the text that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from decimal import Decimal
from typing import Any

import attrs

__all__ = ["broken_limits"]

Limit = tuple[Callable[[Any], bool], str]


def broken_limits(given: Mapping[str, Any]) -> list[Limit]:
    """The limits of these names, in the order in which they are looked at."""
    return [
        (_BROKEN[name](given[name]), _TEXTS[name].format(_shown(given[name])))
        for name in _BROKEN
        if name in given
    ]


_TEXTS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusive_minimum": "must be above {}",
    "exclusive_maximum": "must be below {}",
    "multiple_of": "must be a multiple of {}",
    "min_length": "needs at least {} characters",
    "max_length": "takes at most {} characters",
    "pattern": "must match {}",
    "min_items": "must have at least {} items",
    "max_items": "must have at most {} items",
    "min_properties": "must have at least {} entries",
    "max_properties": "must have at most {} entries",
    "unique_items": "must not have the same item twice",
    "values": "must be {}",
}


def _pattern(pattern: str) -> Callable[[Any], bool]:
    found = re.compile(pattern).search
    return lambda value: found(str(value)) is None


def _multiple(of: float) -> Callable[[Any], bool]:
    exact = Decimal(repr(of))  # 0.07 is a multiple of 0.01, but not to a float
    return lambda value: Decimal(str(value)) % exact != 0


def _values(known: tuple[Any, ...]) -> Callable[[Any], bool]:
    return lambda value: (
        not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in known)
    )


_BROKEN: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "minimum": lambda least: lambda value: value < least,
    "maximum": lambda most: lambda value: value > most,
    "exclusive_minimum": lambda bound: lambda value: value <= bound,
    "exclusive_maximum": lambda bound: lambda value: value >= bound,
    "multiple_of": _multiple,
    "min_length": lambda least: lambda value: len(value) < least,
    "max_length": lambda most: lambda value: len(value) > most,
    "pattern": _pattern,
    "min_items": lambda least: lambda value: len(value) < least,
    "max_items": lambda most: lambda value: len(value) > most,
    "min_properties": lambda least: lambda value: len(value) < least,
    "max_properties": lambda most: lambda value: len(value) > most,
    "unique_items": lambda _: lambda value: len(set(map(_comparable, value))) < len(value),
    "values": _values,
}


def _shown(limit: Any) -> str:
    return " or ".join(map(repr, limit)) if isinstance(limit, tuple) else str(limit)


def _comparable(value: Any) -> Hashable:
    """A value as JSON compares it: true is not 1, and a list holds the same or it doesn't."""
    if isinstance(value, Mapping):
        return frozenset((key, _comparable(one)) for key, one in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_comparable, value))
    if attrs.has(kind := type(value)):
        return kind, tuple(_comparable(getattr(value, one.name)) for one in attrs.fields(kind))
    return isinstance(value, bool), value
