"""From an operation and its arguments to what goes over the wire. No I/O happens here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from hashlib import sha256
from math import isfinite
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4, uuid5

import attrs

from . import bodies
from .checks import LARGEST, NAIVE_DATETIME
from .errors import InvalidRequest
from .fields import UNSET
from .operation import Operation, Parameter, Replay, Style
from .uploads import Form, Upload

__all__ = ["Request", "prepare", "with_key_of_body"]

IDEMPOTENCY_KEY = "Idempotency-Key"

_MOMENTS = ("date", "date-time")  # types of parameters
_SEPARATORS = {Style.COMMA: (",", "comma"), Style.SPACE: (" ", "space"), Style.PIPE: ("|", "pipe")}
_ENCODED = {Style.COMMA: ",", Style.SPACE: "%20", Style.PIPE: "%7C"}
_HEADER_NAME = re.compile(r"[\w-]+").fullmatch

# Makes the same key from the same external_id in every run, so that a repeated run is a replay.
_KEY_NAMESPACE = UUID("6f0f2a4e-3c58-4c7a-9d43-0d6a5e0d9f11")


@attrs.define
class Request:
    """One call, ready to be sent as often as need be: nothing in it changes between attempts."""

    operation: Operation[Any]
    target: str  # path and query, quoted
    path: Mapping[str, str]  # the values of its path parameters
    body: bytes | Form | None = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)  # beyond those of every call
    external_id: str | None
    idempotency_key: str | None
    key_is_made: bool = False  # of its external_id: neither the caller's own, nor of chance


def prepare(
    operation: Operation[Any],
    *,
    path: Mapping[str, str],
    query: Mapping[str, Any],
    body: Any,
    file: Upload | None = None,
    extra_body: Mapping[str, Any] | None = None,
    extra_query: Mapping[str, Any] | None = None,
    extra_headers: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Request:
    """Check and encode one call. Raises `InvalidRequest` before anything is sent."""
    values = tuple(map(path.get, operation.path_parameters))
    for name, value in zip(operation.path_parameters, values, strict=True):
        if not isinstance(value, str | UUID):
            raise InvalidRequest.at(name, f"must be text, not {type(value).__name__}")
    target = _fill(operation, values)
    required = _required(operation)
    if query or extra_query or required:
        target += _query(operation, query, extra_query)
    model, content, content_type = _body(operation, body, extra_body, file)
    external_id = _external_id(model, extra_body)
    key = idempotency_key
    makes_key = key is None and operation.replay is Replay.IDEMPOTENCY_KEY
    if makes_key:
        key = _key(operation, path, external_id)
    headers: dict[str, str] = {} if content_type is None else {"Content-Type": content_type}
    if extra_headers:
        _check_headers(extra_headers)
        headers.update(extra_headers)
    if idempotency_key is not None:
        _check_header_value("idempotency_key", idempotency_key)
    if key is not None:
        headers[IDEMPOTENCY_KEY] = key
    if required:
        _check_required_headers(operation, headers)
    return Request(
        operation, target, path, content, headers, external_id, key, makes_key and bool(external_id)
    )


def with_key_of_body(request: Request) -> Request:
    """The same request under another Idempotency-Key, which its body is part of.

    For where the usual one is known to be burnt: a server that remembers the keys of refused
    requests would refuse the mended one for ever.
    """
    body = request.body
    if isinstance(body, Form):
        content = b"".join(one for one in body.pieces if isinstance(one, bytes))
    else:
        content = body or b""
    key = str(uuid5(_KEY_NAMESPACE, f"{request.idempotency_key}/{sha256(content).hexdigest()}"))
    headers = {**request.headers, IDEMPOTENCY_KEY: key}
    return attrs.evolve(request, headers=headers, idempotency_key=key, key_is_made=False)


@lru_cache(maxsize=4096)
def _fill(operation: Operation[Any], values: tuple[str | UUID, ...]) -> str:
    filled = operation.path
    for name, given in zip(operation.path_parameters, values, strict=True):
        value = str(given)
        if not value or value in (".", ".."):
            # An empty id would turn "this invoice" into "all invoices".
            raise InvalidRequest.at(name, f"{value!r} isn't an id")
        filled = filled.replace(f"{{{name}}}", _quoted(name, value))
    return filled


def _query(
    operation: Operation[Any], values: Mapping[str, Any], extra: Mapping[str, Any] | None
) -> str:
    pairs: list[str] = []
    known = _query_parameters(operation)
    for name, value in values.items():
        if name not in known and value is not None and value is not UNSET:
            # Left out, a filter would turn "the paid invoices" into "all invoices".
            raise InvalidRequest.at(name, f"isn't a query parameter of {operation.id}")
    for name, parameter in known.items():
        before = len(pairs)
        value = values.get(name)
        if value is not None and value is not UNSET:
            if parameter.type in _MOMENTS:
                _check_moment(parameter, value)
            pairs.extend(_pairs(name, value, parameter.style))
        if parameter.required and len(pairs) == before and (extra or {}).get(name) is None:
            raise InvalidRequest.at(name, "is required")
    for name, value in (extra or {}).items():
        if not isinstance(name, str):
            raise InvalidRequest.at("extra_query", f"{name!r} isn't a name")
        if value is not None:
            pairs.extend(_pairs(name, value, Style.REPEAT))
    return "?" + "&".join(pairs) if pairs else ""


@cache
def _query_parameters(operation: Operation[Any]) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in operation.query}


@cache
def _required(operation: Operation[Any]) -> bool:
    """Whether a query or header parameter of an operation is required."""
    return any(one.required for one in (*operation.query, *operation.headers))


def _check_required_headers(operation: Operation[Any], headers: Mapping[str, str]) -> None:
    given = {name.lower() for name in headers}
    for parameter in operation.headers:
        if parameter.required and parameter.name.lower() not in given:
            raise InvalidRequest.at(parameter.name, "is required, as one of extra_headers")


def _check_moment(parameter: Parameter, value: Any) -> None:
    """Refuse an instant in place of a day, and a day in place of an instant."""
    is_instant = isinstance(value, datetime)
    if parameter.type == "date" and is_instant:
        raise InvalidRequest.at(parameter.name, "must be a date such as 2025-01-31, not datetime")
    if parameter.type == "date-time" and isinstance(value, date) and not is_instant:
        raise InvalidRequest.at(
            parameter.name, "must be an aware datetime such as 2025-01-31T12:00:00Z, not date"
        )


def _pairs(name: str, value: Any, style: Style) -> list[str]:
    key = _quoted(name, name)
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return [f"{key}={_quoted(name, _text(name, value))}"]
    texts = [_text(name, one) for one in value]
    if style in _SEPARATORS:
        separator, called = _SEPARATORS[style]
        for one in texts:
            if separator in one:
                text = f"{one!r} has a {called}, which separates the values"
                raise InvalidRequest.at(name, text)
        joined = _ENCODED[style].join(_quoted(name, one) for one in texts)
        return [f"{key}={joined}"] if texts else []
    if style is Style.PLAIN:
        raise InvalidRequest.at(name, "takes one value, not several")
    return [f"{key}={_quoted(name, one)}" for one in texts]


def _quoted(name: str, text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeError:
        raise InvalidRequest.at(name, f"{text!r:.80} is not valid Unicode") from None


def _text(name: str, value: Any) -> str:
    match value:
        case Enum():
            return str(value.value)
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            if value.tzinfo is None:
                raise InvalidRequest.at(name, NAIVE_DATETIME)
            return value.isoformat()
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case int() if -LARGEST <= value < LARGEST:
            return str(int(value))
        case float() if isfinite(value):
            return str(float(value))
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case int() | float():
            raise InvalidRequest.at(name, "must be a finite number of at most 64 bits")
    raise InvalidRequest.at(name, f"{type(value).__name__} can't be a query value")


def _body(
    operation: Operation[Any], body: Any, extra: Mapping[str, Any] | None, file: Upload | None
) -> tuple[Any, bytes | Form | None, str | None]:
    """The body as a model (or plain data), as what is sent, and its type where that isn't JSON."""
    if not operation.bodies:
        if body is not None or extra or file is not None:
            raise InvalidRequest.at("body", f"{operation.id} takes none")
        return None, None, None
    kind: Any = type(body)
    if file is not None or not bodies.is_json(operation, kind):
        return bodies.written(operation, body, extra, file)
    model = bodies.as_model(operation, operation.bodies[0][1], body, extra)
    return model, bodies.as_json(model, extra), None


def _external_id(model: Any, extra: Mapping[str, Any] | None) -> str | None:
    if extra and "external_id" in extra:
        held = extra["external_id"]
    else:
        held = getattr(model, "external_id", None)
    return held if isinstance(held, str) else None


def _key(operation: Operation[Any], path: Mapping[str, str], external_id: str | None) -> str:
    if not external_id:
        return str(uuid4())
    where = "/".join(str(value) for value in path.values())
    return str(uuid5(_KEY_NAMESPACE, f"{operation.id}/{where}/{external_id}"))


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        where = f"extra_headers[{name!r}]"
        if not isinstance(name, str) or not name.isascii() or not _HEADER_NAME(name):
            raise InvalidRequest.at(where, "isn't the name of a header")
        if name.lower() in ("authorization", "host", "content-length", "transfer-encoding"):
            raise InvalidRequest.at(where, "is set by the client itself")
        if name.lower() == IDEMPOTENCY_KEY.lower():
            raise InvalidRequest.at(where, "is given as idempotency_key=")
        _check_header_value(where, value)


def _check_header_value(where: str, value: object) -> None:
    if not isinstance(value, str) or not value.isprintable():
        raise InvalidRequest.at(where, "must be one line of printable text")
