"""JSON for standard output and standard error: what Thred answered as it came, errors, figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from ..differences import Difference
from ..errors import ApiError, InvalidRequest
from ..texts import BrokenJSON, read_json
from .output import escaped_json, note, say

__all__ = [
    "as_fields",
    "complain_differences",
    "complain_json",
    "json_line",
    "say_answer",
    "say_items",
    "say_json",
]

_TOLD = (  # of an error, besides its type and message, where it has them
    "operation",
    "attempts",
    "status",
    "code",
    "more_fields",
    "request_id",
    "retry_after",
    "method",
    "path",
    "external_id",
    "idempotency_key",
    "find_out",
)


def json_line(value: Any) -> str:
    """A value as JSON on one line."""
    return escaped_json(json.dumps(value, ensure_ascii=False, default=str))


def say_json(*values: Any) -> None:
    """Print each value as JSON on a line of its own. Raises `OutputLost`."""
    if values:
        say(*map(json_line, values))


def say_answer(data: bytes) -> None:
    """Print the JSON of an answer: indented on a terminal, one line otherwise.

    Every number and field is as it came. Nothing is printed of an empty answer.
    Raises `OutputLost`.
    """
    if data.strip():
        say(*_formatted(data, indent=2 if sys.stdout.isatty() else -1))


def say_items(items: list[bytes]) -> None:
    """Print items of a list, as they came, one on each line. Raises `OutputLost`."""
    if items:
        say(*(line for one in items for line in _formatted(one, indent=-1)))


def _formatted(data: bytes, *, indent: int) -> list[str]:
    try:
        text = msgspec.json.format(data, indent=indent).decode()
    except (msgspec.DecodeError, UnicodeError):
        try:
            value = read_json(data)[0]
        except BrokenJSON:  # where nobody expected JSON
            value = data.decode(errors="replace")
        text = json.dumps(value, ensure_ascii=False, indent=indent if indent > 0 else None)
    return [escaped_json(line) for line in text.split("\n")]


def complain_json(error: object) -> None:
    """Say on standard error, as one line of JSON, what ended a command."""
    note(json_line(as_fields(error)))


def as_fields(error: object) -> dict[str, Any]:
    """What is known of an error: ``type``, ``message``, and whatever else it has.

    ``fields`` are texts per field, of what Thred refused or of what was never sent.
    """
    told: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, ApiError) and error.message:
        told["message"] = error.message
    for name in _TOLD:
        value = getattr(error, name, None)
        if value:
            told[name] = value
    fields: dict[str, list[str]] = {}
    if isinstance(error, ApiError):
        fields = error.fields
    elif isinstance(error, InvalidRequest):
        for path, text in error.problems:
            fields.setdefault(path, []).append(text)
    if fields:
        told["fields"] = fields
    if notes := getattr(error, "__notes__", None):
        told["notes"] = list(notes)
    return told


def complain_differences(operation: str, differences: Sequence[Difference]) -> None:
    """Say on standard error that Thred had a record already, and where it differs."""
    told = {
        "type": "Differs",
        "message": "Thred had it already, with other content: nothing was changed",
        "operation": operation,
        "differences": [attrs.asdict(one) for one in differences],
    }
    note(json_line(told))
