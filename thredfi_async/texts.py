"""Text and JSON from outside, read so that nothing in them does harm later.

What a server writes ends up in exceptions, journals, databases and on terminals. Bytes that
aren't UTF-8, and halves of surrogate pairs, can't be encoded again: one of them in an error
text would stop whoever writes it down. Here they become U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

import msgspec

__all__ = ["DAMAGED", "BrokenJSON", "harmless", "nearest", "read_json", "shown"]

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


def nearest(name: str, names: Collection[str]) -> str | None:
    """The one of ``names`` that ``name`` likely stands for; None where that is anybody's guess.

    >>> nearest("costumer", ["customer", "payment"]), nearest("payout", ["customer", "payment"])
    ('customer', None)
    >>> nearest("amount", ["amount_cents", "memo"])
    'amount_cents'

    It is a slip of the pen away, or two in a long name: a character left out, added, changed, or
    in its neighbour's place. Or it is the only one that has all words of ``name``. Case doesn't
    count, nor what separates words.
    """
    plain = _plain(name)
    slips = 1 if len(plain) < 8 else 2
    near: list[tuple[int, str]] = []
    for one in names:
        other = _plain(one)
        if abs(len(other) - len(plain)) <= slips < len(plain):
            near.append((_distance(plain, other), one))
    if near and min(near)[0] <= slips:
        return min(near)[1]
    words = _words(name)
    holding = [one for one in names if words and words <= _words(one)]
    return holding[0] if len(holding) == 1 else None


def _words(name: str) -> set[str]:
    return set(re.split("[_ -]+", name.lower())) - {""}


def _plain(name: str) -> str:
    return re.sub("[_ -]", "", name.lower())


def _distance(a: str, b: str) -> int:
    """How many slips lie between two texts: optimal string alignment."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


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
