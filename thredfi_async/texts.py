"""Text and JSON from outside, read so that nothing in them does harm later.

What a server writes ends up in exceptions, journals, databases and on terminals. Bytes that
aren't UTF-8, and halves of surrogate pairs, can't be encoded again: one of them in an error
text would stop whoever writes it down. Here they become U+FFFD.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

__all__ = ["DAMAGED", "BrokenJSON", "harmless", "read_json", "shown"]

DAMAGED = "\ufffd"
"""Stands where a text can't be read: what holds it was something else."""

_SHOWN = 80  # characters
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]").search
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class BrokenJSON(ValueError):
    """The bytes are not valid JSON, or nothing that was asked for. Its text never repeats them."""


def harmless(text: str) -> str:
    """``text`` as it can be encoded: halves of surrogate pairs become U+FFFD."""
    return text if text.isascii() else _HALF_PAIR.sub(DAMAGED, text)


def shown(value: object) -> str:
    """How an error text quotes a value: in short, and whatever it is.

    Integers of thousands of digits, and what is nested too deeply, have no repr.
    """
    try:
        return harmless(repr(value)[:_SHOWN])
    except Exception:
        return f"a value of type {type(value).__name__}"


def read_json(data: bytes) -> tuple[Any, str]:
    """The JSON in ``data``, and what is wrong with it all the same; no text where nothing is.

    Bad bytes in a text, NaN, half a surrogate pair and a byte order mark are put up with: an
    answer must not be lost for them. Raises `BrokenJSON`.
    """
    try:
        return msgspec.json.decode(data), ""
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # not valid JSON, or what msgspec alone is too strict for
    wrong = "almost JSON"
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeError:
        wrong = "bad bytes"
        text = data.decode(encoding, "replace")
    try:
        value = json.loads(text, parse_int=_integer)
        return _harmless(value) if _ESCAPED_HALF(text) else value, wrong
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
    # Out here, so that the cause, which holds the bytes, isn't dragged along as the context.
    raise BrokenJSON(why)


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {harmless(key): _harmless(one) for key, one in value.items()}
    return value


def _integer(digits: str) -> int | str:
    """An integer; one of thousands of digits, which Python won't read, stays text."""
    try:
        return int(digits)
    except ValueError:
        return digits
