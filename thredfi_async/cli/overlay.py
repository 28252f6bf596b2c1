"""From differences between answers and the description to OpenAPI Overlay actions."""

from __future__ import annotations

import json
import re
import types
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin

import attrs

from .. import codec
from ..drift import Drift
from ..fields import UnsetType, model_fields
from ..operations import OPERATIONS

__all__ = ["overlay_actions"]

_SCALARS: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}
_JSON_TYPES: Mapping[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "number with a fraction": {"type": "number"},
    "boolean": {"type": "boolean"},
    "array": {"type": "array", "items": {}},
    "object": {"type": "object"},
}


@attrs.frozen(order=True)
class Place:
    """A field of a schema: the JSONPath of the schema, and the field's name."""

    target: str
    name: str


@attrs.define
class Seen:
    """What came in one place. ``wanted`` is the field's type, None for an unknown field."""

    wanted: Any
    expected: str
    got: set[str] = attrs.field(factory=set)
    times: Counter[str] = attrs.field(factory=Counter)  # by operation


def overlay_actions(drift: Mapping[tuple[str, Drift], int]) -> str:
    """YAML to paste below the ``actions`` of an overlay; the rest as comments.

    The actions make the description say what came: unknown fields are added, absent ones no
    longer required, other types allowed. They hold names and types, no values.
    """
    places: dict[Place, Seen] = {}
    comments = []
    for (operation, one), times in drift.items():
        found = _place(operation, one)
        if found is None:
            comments.append(f"# {operation}: {_shown(one)}, {_times(times)}: no action fits that.")
            continue
        place, wanted = found
        seen = places.setdefault(place, Seen(wanted, one.expected))
        seen.got.add(one.got)
        seen.times[operation] += times
    lines = [line for place in sorted(places) for line in _actions(place, places[place])]
    return "\n".join(lines + sorted(comments))


def _shown(drift: Drift) -> str:
    where = json.dumps(drift.path) if drift.path else "the answer"
    return f"{where} should be {drift.expected}, but was {drift.got}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


# --- actions -----------------------------------------------------------------------------


def _actions(place: Place, seen: Seen) -> Iterator[str]:
    operations = ", ".join(f"{name} {times}" for name, times in sorted(seen.times.items()))
    came = f"{seen.expected} was expected, but {' or '.join(sorted(seen.got))} came"
    said = f"{came}: {_times(seen.times.total())} ({operations})."
    if seen.wanted is None:
        yield from _update(place, said, _widened([], seen.got))
        return
    if "absent" in seen.got:
        target = f"{place.target}.required[?@ == {_quoted(place.name)}]"
        yield from (f"- target: {target}", f"  description: {_text(said)}", "  remove: true")
    got = seen.got - {"absent"}
    if got == {"null"}:
        yield from _update(place, said, {"nullable": True})
    elif got:
        target = f"{place.target}.properties[{_quoted(place.name)}]"
        yield from (f"- target: {target}", "  description: To be replaced.", "  remove: true")
        wanted = [_schema(place, seen.wanted)]
        yield from _update(place, said, {**_widened(wanted, got), "nullable": True})


def _update(place: Place, said: str, schema: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"- target: {place.target}",
        f"  description: {_text(said)}",
        f"  update: {_flow({'properties': {place.name: schema}})}",
    )


def _widened(wanted: list[dict[str, Any]], got: Iterable[str]) -> dict[str, Any]:
    """A schema that takes what was wanted and what came."""
    schemas = list(wanted)
    for name in sorted(got):
        if name == "array of one object":
            schemas += [{"type": "array", "items": one} for one in wanted]
        elif name in _JSON_TYPES:
            schemas.append(_JSON_TYPES[name])
    for wide, narrow in (("string", "string"), ("number", "integer")):
        if {"type": wide} in schemas:  # it takes dates and enums as well, or whole numbers
            schemas = [one for one in schemas if one.get("type") != narrow]
            schemas = [one for one in schemas if one != {"type": wide}] + [{"type": wide}]
    nullable = {"nullable": True} if "null" in got else {}
    if len(schemas) == 1:
        return schemas[0] | nullable
    return ({"anyOf": schemas} if schemas else {}) | nullable


def _schema(place: Place, wanted: Any) -> dict[str, Any]:
    """The schema of a type, as far as an alternative in a union needs to be known."""
    wanted = _plain(wanted)
    if get_origin(wanted) is list:
        return {"type": "array", "items": _schema(place, get_args(wanted)[0])}
    if isinstance(wanted, type):
        if attrs.has(wanted):
            if _is_inline(wanted, _owner(place), place.name):
                return {"type": "object"}
            return {"$ref": f"#/components/schemas/{wanted.__name__}"}
        if issubclass(wanted, Enum):
            return {"type": "string"}
    if wanted in _SCALARS:
        return _SCALARS[wanted]
    return {"type": "object"} if get_origin(wanted) is dict else {}


# --- where -------------------------------------------------------------------------------


def _place(operation: str, drift: Drift) -> tuple[Place, Any] | None:
    """Where a difference stands in the description, and the type that stands there."""
    for _, ref in OPERATIONS[operation].answers:
        if ref is None:
            continue
        wanted, path = codec.load(ref), drift.path
        while get_origin(wanted) is list:
            wanted, path = get_args(wanted)[0], path.removeprefix("[]").removeprefix(".")
        if attrs.has(wanted):
            target = f"$.components.schemas.{wanted.__name__}"
            found = _below(wanted, target, path, is_unknown=drift.expected == "nothing")
            if found is not None:
                return found
    return None


def _below(model: type, target: str, path: str, *, is_unknown: bool) -> tuple[Place, Any] | None:
    for field in model_fields(model):
        if path == field.wire_name:
            return Place(target, path), field.type
        rest = path.removeprefix(field.wire_name)
        if rest == path or rest[0] not in "[.":
            continue
        inner, below = _plain(field.type), f"{target}.properties[{_quoted(field.wire_name)}]"
        while rest.startswith("[]") and get_origin(inner) is list:
            inner, below, rest = _plain(get_args(inner)[0]), f"{below}.items", rest[2:]
        if rest.startswith(".") and attrs.has(inner):
            if not _is_inline(inner, model.__name__, field.wire_name):
                below = f"$.components.schemas.{inner.__name__}"
            found = _below(inner, below, rest[1:], is_unknown=is_unknown)
            if found is not None:
                return found
    return (Place(target, path), None) if is_unknown and path else None


def _plain(wanted: Any) -> Any:
    """A type without what stands for null and for absence."""
    if get_origin(wanted) in (Union, types.UnionType):
        members = [one for one in get_args(wanted) if one not in (UnsetType, type(None))]
        return _plain(members[0]) if len(members) == 1 else wanted
    return _plain(get_args(wanted)[0]) if hasattr(wanted, "__metadata__") else wanted


def _is_inline(model: type, owner: str, field: str) -> bool:
    """Whether a model has no schema of its own: it is named by the field that holds it."""
    camel = "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", field))
    return model.__name__ in (owner + camel, f"{owner}{camel}Item")


def _owner(place: Place) -> str:
    return place.target.rpartition(".")[2]


# --- YAML --------------------------------------------------------------------------------


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{4,}", value):
        return value if value.lower() not in ("null", "true", "false") else json.dumps(value)
    return json.dumps(value)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    """A name in a JSONPath."""
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
