"""``thredfi call --list``: what operations there are, and what one of them takes."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import attrs

from .. import codec
from ..fields import UnsetType, model_fields
from ..operation import Operation, Parameter, Style
from ..operations import OPERATIONS
from .arguments import operation_of
from .json_text import say_json
from .output import say

__all__ = ["list_operations"]

_TYPES = {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}


def list_operations(name: str | None, *, as_json: bool) -> None:
    """Print all operations by tag, or all about the one of this name. Raises `InvalidRequest`."""
    chosen = sorted(OPERATIONS.values(), key=lambda one: one.tag) if name is None else []
    if name is not None:
        chosen = [operation_of(name)]
    if as_json:
        say_json(*map(_as_data, chosen))
    elif name is None:
        say(*_all(chosen))
    else:
        say(*_one(chosen[0]))


def _all(operations: list[Operation[Any]]) -> Iterator[str]:
    width = max(len(one.id) for one in operations)
    tag = None
    for one in operations:
        if one.tag != tag:
            if tag is not None:
                yield ""
            tag = one.tag
            yield tag
        yield f"  {one.id.ljust(width)}  {one.method.ljust(6)}  {one.path}"
    yield ""
    yield "thredfi call OPERATION --list says what one of them takes."


def _one(operation: Operation[Any]) -> Iterator[str]:
    yield f"{operation.method} {operation.path}"
    if operation.undocumented:
        yield "Undocumented: only Thred's own widget knows it."
    command = f"thredfi call {operation.id}"
    for name in operation.path_parameters:
        command += " --business BUSINESS" if name == "business_id" else f" --path {name}=…"
    for one in operation.query:
        command += f" --query {one.name}=…" if one.required else ""
    if operation.body_required:
        command += " --body FILE"
    yield f"  {command}"
    if operation.query:
        yield from ("", "--query")
        yield from _columns([(one.name, _called(one)) for one in operation.query])
    for kind, model in _bodies(operation):
        yield from ("", f"--body, {kind}")
        yield from _columns(_fields(model)) if model is not None else ("  anything",)
    if operation.file is not None:
        yield from ("", f"--file, as {operation.file} of the form")


def _columns(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return (f"  {name.ljust(width)}  {text}".rstrip() for name, text in rows)


def _called(parameter: Parameter) -> str:
    words = [parameter.type if parameter.type != "string" else "text"]
    if parameter.style is not Style.PLAIN:
        words.append("can be repeated")
    if parameter.required:
        words.append("required")
    if parameter.values:
        words.append(f"such as {', '.join(parameter.values)}")
    return ", ".join(words)


def _bodies(operation: Operation[Any]) -> list[tuple[str, Any]]:
    """What a body may be: the first kind, JSON if there is one."""
    return [(kind, None if ref is None else codec.load(ref)) for kind, ref in operation.bodies[:1]]


def _fields(model: Any) -> list[tuple[str, str]]:
    if not attrs.has(model):
        return [("…", _type(model))]
    fields = sorted(model_fields(model), key=lambda one: not one.required)
    return [
        (one.wire_name, _type(one.type) + (", required" if one.required else "")) for one in fields
    ]


def _type(wanted: Any) -> str:
    """A type as people call it."""
    if hasattr(wanted, "__metadata__"):
        return _type(get_args(wanted)[0])
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        kinds = [_type(one) for one in inner if one not in (UnsetType, type(None))]
        return " or ".join(dict.fromkeys(kinds))
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict or wanted is dict:
        return "object"
    name = getattr(wanted, "__name__", "anything")
    if attrs.has(wanted):
        return f"object ({', '.join(one.wire_name for one in model_fields(wanted))})"
    return {**_TYPES, "datetime": "date-time", "Any": "anything"}.get(name, name)


def _as_data(operation: Operation[Any]) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "tag": operation.tag,
        "path_parameters": operation.path_parameters,
        "query": [
            {
                "name": one.name,
                "type": one.type,
                "required": one.required,
                "list": one.style is not Style.PLAIN,
                "values": one.values,
            }
            for one in operation.query
        ],
        "body": [kind for kind, _ in operation.bodies],
        "body_required": operation.body_required,
        "file": operation.file,
        "documented": not operation.undocumented,
    }
