"""From what is written on the command line to the arguments of an operation, by its description.

Whatever can't be sent raises `InvalidRequest`, which names the option and the remedy.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

from ..errors import InvalidRequest
from ..operation import Operation, Parameter, Style
from ..operations import OPERATIONS
from ..texts import BrokenJSON, nearest, read_json

__all__ = ["body_of", "named_values", "operation_of", "path_of", "query_of"]

STANDARD_INPUT = "-"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_SHOWN = 6  # names in a hint


def operation_of(name: str) -> Operation[Any]:
    """The operation of this id, in any case and with - for _. Raises `InvalidRequest`."""
    found = OPERATIONS.get(name.lower().replace("-", "_"))
    if found is not None:
        return found
    if not name:
        text = f"is missing; thredfi call --list shows all {len(OPERATIONS)}"
        raise InvalidRequest.at("OPERATION", text)
    near = nearest(name, OPERATIONS)
    words = [word for word in name.lower().replace("-", "_").split("_") if len(word) > 2]
    likely = [one for one in OPERATIONS if words and all(word in one for word in words)]
    if near is not None:
        hint = f"did you mean {near}?"
    elif likely:
        more = f" and {len(likely) - _SHOWN} more" if len(likely) > _SHOWN else ""
        hint = f"like it are {', '.join(likely[:_SHOWN])}{more}"
    else:
        hint = f"thredfi call --list shows all {len(OPERATIONS)}"
    raise InvalidRequest.at("OPERATION", f"{name[:80]!r} is unknown; {hint}")


def named_values(option: str, given: Iterable[str]) -> dict[str, list[str]]:
    """``name=value`` as often as it is given, by name."""
    found: dict[str, list[str]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise InvalidRequest.at(option, f"must be name=value, not {one[:80]!r}")
        found.setdefault(name, []).append(value)
    return found


def path_of(operation: Operation[Any], given: Iterable[str], business: bool) -> dict[str, str]:
    """The path parameters, but for the business's id where ``business`` says that it is given."""
    known = operation.path_parameters
    values: dict[str, str] = {}
    for name, texts in named_values("--path", given).items():
        if name not in known:
            raise InvalidRequest.at(f"--path {name}", _no_parameter(operation, name, known, "path"))
        if len(texts) > 1:
            raise InvalidRequest.at(f"--path {name}", "is given more than once")
        values[name] = texts[0]
    if business:
        if "business_id" not in known:
            text = f"{operation.id} is not of one business: leave --business out"
            raise InvalidRequest.at("--business", text)
        if "business_id" in values:
            raise InvalidRequest.at("--business", "is given as --path business_id, too")
    missing = [name for name in known if name not in values]
    problems = [
        ("--business", f"{operation.id} is of one business: give its Thred id or external_id")
        if name == "business_id"
        else (f"--path {name}", f"is missing: give --path {name}=…, for {operation.path}")
        for name in missing
        if not (name == "business_id" and business)
    ]
    if problems:
        raise InvalidRequest(problems)
    return values


def query_of(operation: Operation[Any], given: Iterable[str]) -> dict[str, Any]:
    """The query parameters, as values of their types: lists where they are given repeatedly."""
    known = {one.name: one for one in operation.query}
    values: dict[str, Any] = {}
    for name, texts in named_values("--query", given).items():
        parameter = known.get(name)
        if parameter is None:
            text = _no_parameter(operation, name, known, "query")
            raise InvalidRequest.at(f"--query {name}", text)
        typed = [_typed(parameter, text) for text in texts]
        if parameter.style is Style.PLAIN and len(typed) > 1:
            raise InvalidRequest.at(f"--query {name}", "takes one value, not several")
        values[name] = typed[0] if parameter.style is Style.PLAIN else typed
    missing = [one.name for one in operation.query if one.required and one.name not in values]
    if missing:
        raise InvalidRequest(
            [(f"--query {one}", f"is required: {_how(known[one])}") for one in missing]
        )
    return values


def _no_parameter(operation: Operation[Any], name: str, known: Iterable[str], kind: str) -> str:
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        hint = f"did you mean {near}?"
    elif names:
        hint = f"it has {', '.join(names)}"
    else:
        hint = "it has none"
    return f"isn't a {kind} parameter of {operation.id}; {hint}"


# --- values ------------------------------------------------------------------------------


def _date_or_instant(text: str) -> date | datetime:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "integer": (int, "a whole number"),
    "number": (_number, "a number"),
    "boolean": (_truth, "true or false"),
    "date": (date.fromisoformat, "a date such as 2025-01-31"),
    "date-time": (datetime.fromisoformat, "an instant such as 2025-01-31T12:00:00Z"),
    "date-or-date-time": (_date_or_instant, "a date or an instant such as 2025-01-31T12:00:00Z"),
    "uuid": (UUID, "a UUID, as Thred's ids are"),
}


def _typed(parameter: Parameter, text: str) -> Any:
    reader = _READERS.get(parameter.type)
    value: Any = text
    if reader is not None:
        read, called = reader
        try:
            value = read(text)
        except (ValueError, KeyError, InvalidOperation):
            several = parameter.style is not Style.PLAIN and "," in text
            hint = "; give each value its own --query" if several else ""
            where = f"--query {parameter.name}"
            raise InvalidRequest.at(where, f"must be {called}, not {text[:80]!r}{hint}") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        text = f"{text[:80]!r} has no time zone: write it with one, such as 2025-01-31T12:00:00Z"
        raise InvalidRequest.at(f"--query {parameter.name}", text)
    if parameter.style is Style.COMMA and isinstance(value, str) and "," in value:
        text = f"{text[:80]!r} has a comma; give each value its own --query"
        raise InvalidRequest.at(f"--query {parameter.name}", text)
    return value


def _how(parameter: Parameter) -> str:
    called = _READERS[parameter.type][1] if parameter.type in _READERS else "text"
    return f"--query {parameter.name}=…, {called}"


# --- the body ----------------------------------------------------------------------------


def body_of(operation: Operation[Any], source: str | None, *, has_file: bool) -> Any:
    """What ``--body`` names, decoded; None where there is none."""
    if source is None:
        if operation.body_required and not has_file:
            text = f"{operation.id} needs one: --body FILE, or - for standard input"
            raise InvalidRequest.at("--body", text)
        return None
    data = _read(source)
    if not any("json" in kind or kind in _FORMS for kind, _ in operation.bodies):
        return data  # as it is, of whatever type the description says
    try:
        value, wrong = read_json(data)
    except BrokenJSON:
        value, wrong = None, "broken"
    if wrong:
        raise InvalidRequest.at("--body", f"{_called(source)} is not valid JSON{_where(data)}")
    return value


def _read(source: str) -> bytes:
    if source == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no name of a file"
        hint = ""
        if source.lstrip()[:1] in ("{", "["):
            hint = "; to give the JSON itself, pipe it: echo '…' | thredfi call … --body -"
        raise InvalidRequest.at("--body", f"{source[:80]}: {reason}{hint}") from None


def _called(source: str) -> str:
    return "standard input" if source == STANDARD_INPUT else source[:80]


def _where(data: bytes) -> str:
    """Where JSON breaks off, without repeating what it holds."""
    if not data.strip():
        return ": it is empty"
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return f": {error.msg}, line {error.lineno} column {error.colno}"
    except (ValueError, RecursionError):
        pass
    return ""
