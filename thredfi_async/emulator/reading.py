"""Reading a request: query parameters and bodies, checked by the description."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import attrs
import msgspec
from aiohttp import web

from .. import codec
from ..errors import InvalidRequest
from ..fields import OpenEnum, model_fields, taken_besides
from ..operation import Operation, Parameter, Style
from .forms import FORMS, read_form
from .problems import REQUIRED, Problem, invalid_fields

__all__ = ["Body", "as_model", "read_body", "read_query"]

_BOUNDS = {"page": (1, None), "page_size": (1, 100)}
_MOST_PARAMETERS = 1000
_IS_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_DEEPEST = 64
_INTEGERS = range(-(2**63), 2**63)  # what a database column holds


# --- query parameters ------------------------------------------------------------------


def read_query(operation: Operation[Any], query: str) -> dict[str, Any]:
    """The documented parameters with their values; others are ignored. Raises 400."""
    if not operation.query:
        return {}
    given = _given(query)
    values: dict[str, Any] = {}
    detail: dict[str, list[str]] = {}
    for parameter in operation.query:
        texts = given.get(parameter.name, [])
        if parameter.style is Style.COMMA:
            texts = [one for text in texts for one in text.split(",") if one]
        try:
            read = [_query_value(parameter, text) for text in texts]
        except ValueError as error:
            detail[parameter.name] = [str(error)]
            continue
        if read:
            values[parameter.name] = read[-1] if parameter.style is Style.PLAIN else read
        elif parameter.required:
            detail[parameter.name] = [REQUIRED]
    if detail:
        raise invalid_fields(detail)
    return values


def _given(query: str) -> dict[str, list[str]]:
    """All values by name; a parameter without a value is as good as none."""
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_PARAMETERS) if query else ()
    except ValueError:
        raise Problem(400, "validation_error", "Too many query parameters.") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _query_value(parameter: Parameter, text: str) -> Any:
    """Raises ValueError with a text for the caller."""
    match parameter.type:
        case "integer":
            if not re.fullmatch(r"-?[0-9]{1,18}", text):
                raise ValueError("A valid integer is required.")
            return _bounded(parameter.name, int(text))
        case "number":
            if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", text):
                raise ValueError("A valid number is required.")
            return Decimal(text)
        case "boolean":
            if text.lower() not in ("true", "false", "1", "0"):
                raise ValueError("Must be true or false.")
            return text.lower() in ("true", "1")
        case "uuid":
            return _uuid(text)
        case "date-time":
            return _instant(text)
        case "date":
            return _day(text)
        case "date-or-date-time":
            return _instant(text) if len(text) > len("2025-01-31") else _day(text)
    known = [value.lower() for value in parameter.values]
    if known and text.lower() not in known:
        raise ValueError(f"Must be one of {', '.join(known)}.")
    return text.lower() if known else text


def _bounded(name: str, value: int) -> int:
    lowest, highest = _BOUNDS.get(name, (None, None))
    if lowest is not None and value < lowest:
        raise ValueError(f"Must be at least {lowest}.")
    if highest is not None and value > highest:
        raise ValueError(f"Must be at most {highest}.")
    return value


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("Must be a valid UUID.") from None


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        # In a query a + that was not escaped reads as a space.
        raise ValueError("Must be an instant such as 2025-01-31T12:00:00Z.") from None
    if found.tzinfo is None:
        raise ValueError("Must have a time zone, such as 2025-01-31T12:00:00Z.")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("Lies outside of the calendar in UTC.") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("Must be a date such as 2025-01-31.") from None


# --- bodies ----------------------------------------------------------------------------


@attrs.frozen
class Body:
    """What a request carried: plain data, and where it was a form, `File` for each file."""

    content_type: str
    data: dict[str, Any]


async def read_body(operation: Operation[Any], request: web.BaseRequest) -> Body | None:
    """The body, where the operation takes one. Raises 400, 413 and 415."""
    if not operation.bodies:
        return None
    content_type = request.content_type
    if content_type in FORMS and request.can_read_body:
        if content_type not in dict(operation.bodies):
            raise Problem(415, "unsupported_media_type", f"{content_type} is not taken here.")
        data: Any = await read_form(request, _model(operation, content_type))
    else:
        data = _json(await _bytes(request), operation)
    if not isinstance(data, dict):
        raise invalid_fields({"non_field_errors": ["The body must be a JSON object."]})
    _check_plain(data)
    _check_uuids(_model(operation, content_type), data, "")
    return Body(content_type, data)


def as_model(operation: Operation[Any], body: Body | None) -> Any:
    """The body as the operation's request model, or as it is without one. Raises 400."""
    if body is None:
        return None
    model = _model(operation, body.content_type)
    return body.data if model is None else _built(model, body.data)


def _model(operation: Operation[Any], content_type: str) -> Any:
    ref = dict(operation.bodies).get(content_type, operation.bodies[0][1])
    return codec.load(ref) if ref is not None else None


async def _bytes(request: web.BaseRequest) -> bytes:
    try:
        return await request.read()
    except web.HTTPException:
        raise
    except Exception as error:  # compressed or chunked, and broken, or cut off
        raise Problem(400, "validation_error", f"The body can't be read: {error}.") from None


def _json(data: bytes, operation: Operation[Any]) -> Any:
    if not data.strip():
        if operation.body_required:
            raise invalid_fields({"non_field_errors": ["A body is required."]})
        return {}
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise Problem(400, "validation_error", "The body nests too deeply.") from None
    except ValueError as error:  # msgspec's own errors, and Python's for endless numbers
        raise Problem(400, "validation_error", f"The body is no JSON: {error}.") from None


def _check_uuids(model: Any, data: Mapping[str, Any], path: str) -> None:
    """Refuse what stands in the place of a UUID and is none."""
    for name in getattr(model, "__uuids__", frozenset()) & data.keys():
        value = data[name]
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str) and not _IS_UUID(one):
                raise invalid_fields({path + name: ["Must be a valid UUID."]})
    for name, below in _lists_with_uuids(model) if model is not None else ():
        held = data.get(name)
        for number, one in enumerate(held if isinstance(held, list) else ()):
            if isinstance(one, dict):
                _check_uuids(below, one, f"{path}{name}[{number}].")


@cache
def _lists_with_uuids(model: Any) -> list[tuple[str, Any]]:
    """The fields of a model that hold lists of models with UUIDs, and those models."""
    return [
        (field.wire_name, get_args(kind)[0])
        for field in model_fields(model)
        for kind in (field.type, *get_args(field.type))
        if get_origin(kind) is list
        and attrs.has(get_args(kind)[0])
        and (get_args(kind)[0].__uuids__ or _lists_with_uuids(get_args(kind)[0]))
    ]


def _check_plain(data: dict[str, Any]) -> None:
    """Refuse what no database takes, wherever it stands: endless integers, endless nesting."""
    too_large: list[str] = []
    _inspect(data, "", 0, too_large)
    if too_large:
        raise invalid_fields({path: ["This integer is too large."] for path in too_large})


def _inspect(value: Any, path: str, depth: int, too_large: list[str]) -> None:
    kind = type(value)
    if kind is int:
        if value not in _INTEGERS:
            too_large.append(path)
    elif kind is dict or kind is list:
        if depth > _DEEPEST:
            raise Problem(400, "validation_error", "The body nests too deeply.")
        for key, held in value.items() if kind is dict else enumerate(value):
            if type(held) is not str:
                step = f"[{key}]" if kind is list else f".{key}" if path else str(key)
                _inspect(held, path + step, depth + 1, too_large)


def _built(model: Any, data: dict[str, Any]) -> Any:
    try:
        body = codec.structure(model, data, ignore_unknown=True)
    except InvalidRequest as error:
        detail: dict[str, list[str]] = {}
        for path, text in error.problems:
            detail.setdefault(path or "non_field_errors", []).append(_sentence(text))
        raise invalid_fields(detail) from None
    _settle_enums(body)
    return body


def _sentence(text: str) -> str:
    return REQUIRED if text == "is required" else f"{text[0].upper()}{text[1:]}."


def _settle_enums(body: Any, path: str = "") -> None:
    """Write enums as the description does, whatever case they came in. Raises 400."""
    model: Any = type(body)
    for name, wire_name, values in _enums(model):
        value = getattr(body, name)
        if isinstance(value, str):
            if value.lower() not in values:
                listed = ", ".join(values.values())
                raise invalid_fields({path + wire_name: [f"Must be one of {listed}."]})
            setattr(body, name, values[value.lower()])
    for name, wire_name in _lists_of_models(model):
        for number, one in enumerate(getattr(body, name) or ()):
            _settle_enums(one, f"{path}{wire_name}[{number}].")


@cache
def _enums(model: Any) -> list[tuple[str, str, dict[str, str]]]:
    """The enum fields of a model: both their names, and their values by the lower-case ones."""
    return [
        (field.name, field.wire_name, _values(kind))
        for field in model_fields(model)
        for kind in (field.type, *get_args(field.type))
        if isinstance(kind, type) and issubclass(kind, OpenEnum) and not taken_besides(kind)[1]
    ]


def _values(kind: type[OpenEnum]) -> dict[str, str]:
    values = {member.lower(): member.value for member in kind}
    return {"": "", **values} if taken_besides(kind)[0] else values


@cache
def _lists_of_models(model: Any) -> list[tuple[str, str]]:
    """The fields of a model that hold lists of models with enums: both their names."""
    return [
        (field.name, field.wire_name)
        for field in model_fields(model)
        for kind in (field.type, *get_args(field.type))
        if get_origin(kind) is list
        and attrs.has(get_args(kind)[0])
        and (_enums(get_args(kind)[0]) or _lists_of_models(get_args(kind)[0]))
    ]
