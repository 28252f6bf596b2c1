"""Answers that differ from the description: read all the same, and what differed noted.

The strict reader (msgspec, in `codec`) takes nearly every answer. Only what it
refuses comes here. `read_leniently` keeps what fits, keeps the raw value where it
doesn't fit, and says so, because an answer to a committed write must never
become a failure just for looking unexpected. The strict reader passes over fields
that the models don't know; `unknown_fields` finds those.
"""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import attrs

from .fields import ModelField, UnsetType, is_whole, model_fields, rest_of, told_by
from .texts import BrokenJSON

__all__ = ["Drift", "read_leniently", "unknown_fields"]


@attrs.frozen
class Drift:
    """One difference between an answer and the description.

    ``path`` is where (``line_items[].quantity``), ``expected`` and ``got`` are names of
    types, never values: those may be personal data. A field that the description doesn't
    know is expected to be ``nothing``.
    """

    path: str
    expected: str
    got: str


def read_leniently(wanted: Any, raw: Any) -> tuple[Any, tuple[Drift, ...]]:
    """``raw`` (decoded JSON) as the type ``wanted``, as far as it fits, and what didn't."""
    found: dict[Drift, None] = {}

    def note(path: str, expected: Any, got: str) -> None:
        found[Drift(path, expected if isinstance(expected, str) else _name(expected), got)] = None

    value = _read(wanted, raw, "", note)
    return value, tuple(found)


def unknown_fields(wanted: Any, raw: Any) -> tuple[Drift, ...]:
    """The fields of ``raw`` (decoded JSON) that the model, or list of one, doesn't know.

    Those below models and lists of them are found; unions and dicts are not looked into.
    """
    found: dict[Drift, None] = {}
    held = _held_model(wanted)
    if held is not None:
        _find_unknown(held, raw, "", found)
    return tuple(found)


def _find_unknown(model: type, raw: Any, path: str, found: dict[Drift, None]) -> None:
    if isinstance(raw, list):
        for one in raw:
            _find_unknown(model, one, f"{path}[]", found)
        return
    if not isinstance(raw, dict):
        return
    known, nested = _known(model)
    before = f"{path}." if path else ""
    if not raw.keys() <= known and rest_of(model) is None:
        for key in raw:
            if key not in known:
                found[Drift(f"{before}{key}", _NOTHING, _json_type(raw[key]))] = None
    for name, inner in nested:
        if raw.get(name):
            _find_unknown(inner, raw[name], before + name, found)


@cache
def _known(model: Hashable) -> tuple[frozenset[str], tuple[tuple[str, type], ...]]:
    """The names that a model knows, and the models that it holds by these names."""
    fields = model_fields(model)
    nested = [(field.wire_name, _held_model(field.type)) for field in fields]
    return (
        frozenset(field.wire_name for field in fields),
        tuple((name, held) for name, held in nested if held is not None),
    )


def _held_model(wanted: Any) -> type | None:
    """The model that a type is, may be, or is a list of."""
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        members = [one for one in get_args(wanted) if one not in (UnsetType, type(None))]
        return _held_model(members[0]) if len(members) == 1 else None
    if origin is list:
        return _held_model(get_args(wanted)[0])
    return wanted if attrs.has(wanted) else None


_NOTHING = "nothing"
_ROWS_LIMIT = 1000

Note = Callable[[str, Any, str], None]


def _read(wanted: Any, raw: Any, path: str, note: Note) -> Any:
    if wanted is Any or wanted is object:
        return raw
    origin = get_origin(wanted)
    if origin is Annotated:
        told = told_by(wanted)
        return _read(get_args(wanted)[0] if told is None else _told(told, raw), raw, path, note)
    if origin in (Union, types.UnionType):
        return _read_union(wanted, raw, path, note)
    if isinstance(wanted, _Untold):
        where = f"{path}.{wanted.tag}" if path else wanted.tag
        held = isinstance(raw, dict) and wanted.tag in raw
        note(where, wanted.values, _json_type(raw[wanted.tag]) if held else "absent")
        return raw
    if raw is None:
        if wanted is not type(None):
            note(path, wanted, "null")
        return None
    if origin is list:
        if not isinstance(raw, list):
            return _misfit(wanted, raw, path, note)
        (inner,) = get_args(wanted)
        if attrs.has(inner) and len(raw) >= _ROWS_LIMIT:
            _refuse_foreign_rows(inner, raw)
        return [_read(inner, one, f"{path}[]", note) for one in raw]
    if origin is dict:
        if not isinstance(raw, dict):
            return _misfit(wanted, raw, path, note)
        inner = get_args(wanted)[1]
        return {key: _read(inner, one, f"{path}.*", note) for key, one in raw.items()}
    if attrs.has(wanted):
        return _read_model(wanted, raw, path, note)
    return _read_scalar(wanted, raw, path, note)


def _refuse_foreign_rows(model: Any, rows: list[Any]) -> None:
    """Raise `BrokenJSON` where ``_ROWS_LIMIT`` rows have nothing of the model.

    A few such rows are kept as they came. So many are another kind of answer, and reading them
    would hold up everything else.
    """
    known, _ = _known(model)
    foreign = 0
    for row in rows:
        if not isinstance(row, dict) or known.isdisjoint(row):
            foreign += 1
            if foreign == _ROWS_LIMIT:
                raise BrokenJSON(f"{foreign} rows have none of the fields of {model.__name__}")


@attrs.frozen
class _Untold:
    """What should have said which model it is, and doesn't."""

    tag: str
    values: str


def _told(told: tuple[str, Mapping[str, Any]], raw: Any) -> Any:
    """The model that the field for it names."""
    tag, models = told
    value = raw.get(tag) if isinstance(raw, dict) else None
    return (isinstance(value, str) and models.get(value)) or _Untold(tag, " or ".join(models))


def _read_union(wanted: Any, raw: Any, path: str, note: Note) -> Any:
    members = [one for one in get_args(wanted) if one is not UnsetType]
    if raw is None and type(None) in members:
        return None
    members = [one for one in members if one is not type(None)]
    if len(members) == 1:
        return _read(members[0], raw, path, note)
    for member in members:
        value, differences = read_leniently(member, raw)
        if not differences:
            return value
    return _read(members[0], raw, path, note) if members else raw


def _read_model(model: type, raw: Any, path: str, note: Note) -> Any:
    if isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], dict):
        note(path, model, "array of one object")
        raw = raw[0]
    if not isinstance(raw, dict):
        return _misfit(model, raw, path, note)
    instance: Any = object.__new__(model)
    before = f"{path}." if path else ""
    fields, unsaid = _plan(model)
    rest = rest_of(model)
    others: dict[str, Any] = {}
    for key, one in raw.items():
        field = fields.get(key)
        if field is None and rest is not None:
            others[key] = one
        elif field is None:
            note(f"{before}{key}", _NOTHING, _json_type(one))
        else:
            value = _read(field.type, one, before + key, note)
            object.__setattr__(instance, field.name, value)
    if rest is not None:
        others = _read(rest.type, others, path, note)
        object.__setattr__(instance, rest.name, others)
    for field in unsaid:
        if field.wire_name not in raw:
            if field.required:
                note(before + field.wire_name, field.type, "absent")
            default = field.default
            if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
                default = default.factory()
            object.__setattr__(instance, field.name, default)
    return instance


@cache
def _plan(model: Hashable) -> tuple[dict[str, ModelField], tuple[ModelField, ...]]:
    """The fields by their names on the wire, and those that an instance has to have of its own."""
    fields = model_fields(model)
    unsaid = (one for one in fields if one.required or not hasattr(model, one.name))
    return {field.wire_name: field for field in fields}, tuple(unsaid)


def _read_scalar(wanted: Any, raw: Any, path: str, note: Note) -> Any:
    if wanted is float and is_whole(raw):
        try:
            return float(raw)
        except OverflowError:
            return _misfit(wanted, raw, path, note)
    if isinstance(wanted, type):
        if issubclass(wanted, enum.Enum) and isinstance(raw, str):
            return wanted(raw)
        if wanted is Decimal and isinstance(raw, str | int | float) and not isinstance(raw, bool):
            try:
                return Decimal(str(raw))
            except ArithmeticError:
                return _misfit(wanted, raw, path, note)
        if wanted in (datetime, date) and isinstance(raw, str):
            try:
                value = wanted.fromisoformat(raw)
            except ValueError:
                return _misfit(wanted, raw, path, note)
            if isinstance(value, datetime) and value.tzinfo is None:
                return _misfit("datetime with a time zone", raw, path, note)
            return value
        if type(raw) is wanted:
            return raw
    if wanted is int and isinstance(raw, float) and raw.is_integer():
        note(path, wanted, "number with a fraction")
        return int(raw)
    return _misfit(wanted, raw, path, note)


def _misfit(wanted: Any, raw: Any, path: str, note: Note) -> Any:
    note(path, wanted, _json_type(raw))
    return raw


def _json_type(raw: Any) -> str:
    if isinstance(raw, bool):
        return "boolean"
    return {dict: "object", list: "array", str: "string", int: "integer", float: "number"}.get(
        type(raw), "null"
    )


@cache
def _name(wanted: Any) -> str:
    """A type as one would write it, without the modules that its parts come from."""
    plain = isinstance(wanted, type) and not get_args(wanted)
    written = wanted.__name__ if plain else str(wanted)
    return re.sub(r"[\w.]+\.(\w+)", r"\1", written)
