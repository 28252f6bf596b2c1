"""Reading a request: query parameters and bodies, checked by the description."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, get_args

import msgspec
from aiohttp import web

from .. import codec
from ..drift import model_fields
from ..errors import InvalidRequest
from ..operation import ModelRef, Operation, Parameter, Style
from .problems import Problem, invalid_fields

__all__ = ["read_body", "read_query"]

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_BOUNDS = {"page": (1, None), "page_size": (1, 100)}


def read_query(operation: Operation[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The documented parameters with their values; others are ignored. Raises 400."""
    values: dict[str, Any] = {}
    detail: dict[str, list[str]] = {}
    for parameter in operation.query:
        texts: list[str] = given.getall(parameter.name, [])  # type: ignore[attr-defined]
        if parameter.style is Style.COMMA:
            texts = [one for text in texts for one in text.split(",")]
        texts = [text for text in texts if text]
        if not texts:
            if parameter.required:
                detail[parameter.name] = ["This field is required."]
            continue
        try:
            read = [_query_value(parameter, text) for text in texts]
        except ValueError as error:
            detail[parameter.name] = [str(error)]
            continue
        values[parameter.name] = read[-1] if parameter.style is Style.PLAIN else read
    if detail:
        raise invalid_fields(detail)
    return values


def _query_value(parameter: Parameter, text: str) -> Any:
    match parameter.type:
        case "integer":
            if not text.lstrip("-").isdecimal() or len(text) > 18:
                raise ValueError("A valid integer is required.")
            return _bounded(parameter.name, int(text))
        case "boolean":
            if text.lower() not in ("true", "false", "1", "0"):
                raise ValueError("Must be true or false.")
            return text.lower() in ("true", "1")
        case "date-time":
            return _instant(text)
        case "date":
            return _day(text)
        case "string" if parameter.name.startswith("sent_at_"):
            return _instant(text) if len(text) > len("2025-01-31") else _day(text)
    if parameter.values and text.lower() not in parameter.values:
        raise ValueError(f"Must be one of {', '.join(parameter.values)}.")
    return text.lower() if parameter.values else text


def _bounded(name: str, value: int) -> int:
    lowest, highest = _BOUNDS.get(name, (None, None))
    if lowest is not None and value < lowest:
        raise ValueError(f"Must be at least {lowest}.")
    if highest is not None and value > highest:
        raise ValueError(f"Must be at most {highest}.")
    return value


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Must be an instant such as 2025-01-31T12:00:00Z.") from None
    if found.tzinfo is None:
        raise ValueError("Must have a time zone, such as 2025-01-31T12:00:00Z.")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("Must be a date such as 2025-01-31.") from None


async def read_body(operation: Operation[Any], request: web.BaseRequest) -> Any:
    """The body as the operation's request model. Raises 400 and 415."""
    if not operation.bodies:
        return None
    content_type = request.content_type
    model = dict(operation.bodies).get(content_type, operation.bodies[0][1])
    if content_type in _FORMS and request.can_read_body:
        if content_type not in dict(operation.bodies):
            raise Problem(415, "unsupported_media_type", f"{content_type} is not taken here.")
        data: Any = _typed(model, await _form(request))
    else:
        data = _json(await request.read(), operation)
    if not isinstance(data, dict):
        raise invalid_fields({"non_field_errors": ["The body must be a JSON object."]})
    if model is None:
        return data
    try:
        return codec.structure(codec.load(model), data, ignore_unknown=True)
    except InvalidRequest as error:
        detail: dict[str, list[str]] = {}
        for path, text in error.problems:
            detail.setdefault(path or "non_field_errors", []).append(_sentence(text))
        raise invalid_fields(detail) from None


def _sentence(text: str) -> str:
    return "This field is required." if text == "is required" else f"{text[0].upper()}{text[1:]}."


def _json(data: bytes, operation: Operation[Any]) -> Any:
    if not data.strip():
        if operation.body_required:
            raise invalid_fields({"non_field_errors": ["A body is required."]})
        return {}
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(400, "validation_error", f"The body is no JSON: {error}.") from None


async def _form(request: web.BaseRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in (await request.post()).items():
        found[name] = value.file.read() if isinstance(value, web.FileField) else value
    return found


def _typed(ref: ModelRef | None, fields: dict[str, Any]) -> dict[str, Any]:
    """A form's texts as what their fields take: numbers, booleans, and JSON where it nests."""
    if ref is None:
        return fields
    types = {field.wire_name: field.type for field in model_fields(codec.load(ref))}
    return {name: _from_text(types.get(name), value) for name, value in fields.items()}


def _from_text(wanted: Any, value: Any) -> Any:
    kinds = {wanted, *get_args(wanted)}
    if not isinstance(value, str) or str in kinds or wanted is None:
        return value
    try:
        return msgspec.json.decode(value.encode())
    except msgspec.DecodeError:
        return value  # dates and instants stay text; what is wrong is refused by the model
