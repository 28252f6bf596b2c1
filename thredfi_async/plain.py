"""From a mapping that is as it should be to its model, by a function made for that model.

Most mappings are: their keys are known, their values of the field's own type or its JSON form.
What isn't built here goes through cattrs, in `structuring`: for what it converts besides, and
for messages that name the field.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Union, get_args, get_origin

import attrs

from .fields import UNSET, UnsetType, model_fields, rest_of

__all__ = ["NOT_PLAIN", "builder"]

Reader = Callable[[Any], Any]

NOT_PLAIN = (TypeError, ValueError, KeyError, AttributeError, RecursionError)
"""What a builder raises for what it doesn't build, `InvalidRequest` included."""

_AS_IT_IS = (str, int, float, bool, Decimal, Any)
_SHORTEST_INSTANT = len("2025-01-31T")


@cache
def builder(model: Any) -> Callable[[dict[str, Any]], Any]:
    """What makes a model of a dict; it raises one of `NOT_PLAIN` where the dict isn't plain.

    The model itself refuses unknown names and wrong types. So only what has another form in JSON
    is looked at here: instants and days, models, and lists of these.
    """
    if not hasattr(model, "__checks__") or rest_of(model) is not None:
        return _never
    if any(one.wire_name != one.name for one in model_fields(model)):
        return _never
    read = [(one.name, reader) for one in model_fields(model) if (reader := _reader(one.type))]

    required = [one.name for one in attrs.fields(model) if one.default is attrs.NOTHING]

    def build(mapping: dict[str, Any]) -> Any:
        values = mapping.copy()
        for name in required:
            if values[name] is UNSET:
                raise KeyError(name)
        for name, reader in read:
            value = values.get(name)
            if value is not None and value is not UNSET:
                values[name] = reader(value)
        return model(**values)

    return build


def _reader(kind: Any) -> Reader | None:
    """From the JSON form of a type to its own; None: the model takes it as it is."""
    if get_origin(kind) in (Union, types.UnionType):
        members = [one for one in get_args(kind) if one not in (UnsetType, type(None))]
        return _reader(members[0]) if len(members) == 1 else _reader_of_any(members)
    if kind in _AS_IT_IS or _is_enum(kind):
        return None
    if kind == dict[str, Any]:
        return _dict
    if kind is datetime:
        return _instant
    if kind is date:
        return _day
    if get_origin(kind) is list:
        return _reader_of_list(*get_args(kind))
    if isinstance(kind, type) and attrs.has(kind):
        return _reader_of_model(kind)
    return _never


def _never(_: Any) -> Any:
    raise TypeError("for cattrs")


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _reader_of_any(members: list[Any]) -> Reader | None:
    if set(members) == {datetime, date}:
        return _instant_or_day
    return None if all(one is str or _is_enum(one) for one in members) else _never


def _reader_of_list(element: Any) -> Reader:
    read = _reader(element)

    def build(value: Any) -> list[Any]:
        if type(value) is not list or any(one is UNSET for one in value):
            raise TypeError
        return value.copy() if read is None else [read(one) for one in value]

    return build


def _reader_of_model(kind: type) -> Reader:
    def build(value: Any) -> Any:
        if type(value) is kind:
            return value
        if type(value) is not dict:
            raise TypeError
        return builder(kind)(value)

    return build


def _dict(value: Any) -> Any:
    is_plain = type(value) is dict and all(type(key) is str for key in value)
    return value if is_plain else _never(value)


def _instant(value: Any) -> datetime:
    if type(value) is str and len(value) >= _SHORTEST_INSTANT:
        return datetime.fromisoformat(value)
    return value if type(value) is datetime else _never(value)


def _day(value: Any) -> date:
    if type(value) is str:
        return date.fromisoformat(value)
    return value if type(value) is date else _never(value)


def _instant_or_day(value: Any) -> date:
    is_instant = type(value) is datetime or (type(value) is str and len(value) >= _SHORTEST_INSTANT)
    return _instant(value) if is_instant else _day(value)
