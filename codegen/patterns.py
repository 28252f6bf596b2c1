"""Whether a regular expression of a description is harmless to try on whatever a user types.

Python's matcher goes back and tries again wherever two parts of a pattern can share a text
between them in several ways: ``^(a+)+$`` takes for ever on thirty letters. A pattern passes here
if no part that may be longer or shorter can trade characters with another one. Some harmless
patterns don't pass; leaving those out only leaves the check to the server.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import warnings
from collections.abc import Iterable
from functools import cache
from typing import Any

_parser: Any = importlib.import_module("re._parser")  # sre_parse, as it was called before 3.11

_SIZE = sys.maxunicode + 1
_ALL = (1 << _SIZE) - 1  # sets of characters are the bits of an integer
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")
_CHARACTERS = ("LITERAL", "NOT_LITERAL", "ANY", "IN")
_LOOKS = ("ASSERT", "ASSERT_NOT")
_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}

Items = Iterable[tuple[Any, Any]]


def compiles(pattern: str) -> bool:
    """Whether Python understands a pattern that was written for ECMAScript."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, Warning, OverflowError, RecursionError):
        return False
    return True


def is_harmless(pattern: str) -> bool:
    """Whether a pattern that compiles surely takes no more than a glance per character."""
    parsed = _parser.parse(pattern)
    if parsed.state.flags & re.IGNORECASE:
        return False
    first = parsed[0] if len(parsed) else (None, None)
    is_anchored = str(first[0]) == "AT" and str(first[1]).startswith("AT_BEGINNING")
    try:
        # A search that isn't anchored starts as often as it likes: a part of any length itself.
        _walk(parsed, frozenset() if is_anchored else frozenset([_ALL]))
    except (_Doubtful, RecursionError):
        return False
    return True


class _Doubtful(Exception):
    """Two parts of a pattern may trade characters, or what a part does isn't known here."""


def _walk(items: Items, free: frozenset[int]) -> frozenset[int]:
    """Go along a sequence; ``free`` are the sets of the parts whose end isn't settled yet."""
    for op, argument in items:
        name = str(op)
        if name in _CHARACTERS:
            free = _settled(free, _set(name, argument))
        elif name == "SUBPATTERN" and not argument[1] and not argument[2]:
            free = _walk(argument[3], free)
        elif name in _LOOKS:
            _walk(argument[1], frozenset())  # it takes nothing itself
        elif name == "BRANCH":
            free = _walk_branches(argument[1], free)
        elif name in _REPEATS:
            least, most, held = argument
            free = _walk_repeat(least, most, held, free)
        elif name != "AT":
            raise _Doubtful
    return free


def _walk_branches(branches: list[Items], free: frozenset[int]) -> frozenset[int]:
    ends = frozenset(end for one in branches for end in _walk(one, free))
    return ends if _are_apart(branches) else ends | _part(free, _union(map(_first, branches)))


def _walk_repeat(least: int, most: int, held: Items, free: frozenset[int]) -> frozenset[int]:
    if most == 1:
        if least == 1:
            return _walk(held, free)
        return free | _part(free, _first(held)) | _walk(held, free)
    if not _is_fixed(held):
        raise _Doubtful
    after = _walk(held, free) if least else free
    return after if least == most else after | _part(free, _every(held))


def _part(free: frozenset[int], characters: int) -> frozenset[int]:
    """One more part whose end isn't settled, which must not share characters with those before."""
    if any(one & characters for one in free):
        raise _Doubtful
    return frozenset([characters])


def _settled(free: frozenset[int], characters: int) -> frozenset[int]:
    """What is still free after a character: a part that can't hold it has to end before it."""
    return frozenset(one for one in free if one & characters)


def _is_fixed(items: Items) -> bool:
    """Whether a sequence can match a text in one way only."""
    for op, argument in items:
        name = str(op)
        if name == "SUBPATTERN" and not argument[1] and not argument[2]:
            fixed = _is_fixed(argument[3])
        elif name == "BRANCH":
            fixed = _are_apart(argument[1]) and all(map(_is_fixed, argument[1]))
        elif name in _REPEATS:
            fixed = argument[0] == argument[1] and _is_fixed(argument[2])
        else:
            fixed = name in _CHARACTERS
        if not fixed:
            return False
    return True


def _are_apart(branches: list[Items]) -> bool:
    """Whether the first character says which branch it is."""
    pairs = itertools.combinations(map(_first, branches), 2)
    return not any(one & other for one, other in pairs)


def _first(items: Items) -> int:
    """The characters that a sequence may begin with; all where it may be empty."""
    found = 0
    for op, argument in items:
        name = str(op)
        if name in _CHARACTERS:
            return found | _set(name, argument)
        if name == "SUBPATTERN":
            inner = _first(argument[3])
        elif name == "BRANCH":
            inner = _union(map(_first, argument[1]))
        elif name in _REPEATS:
            inner = _first(argument[2])
            if argument[0] == 0 and inner != _ALL:
                found |= inner
                continue
        elif name == "AT" or name in _LOOKS:
            continue
        else:
            return _ALL
        return found | inner
    return _ALL


def _every(items: Items) -> int:
    """The characters that a fixed sequence may hold anywhere."""
    found = 0
    for op, argument in items:
        name = str(op)
        if name in _CHARACTERS:
            found |= _set(name, argument)
        elif name == "SUBPATTERN":
            found |= _every(argument[3])
        elif name == "BRANCH":
            found |= _union(map(_every, argument[1]))
        else:
            found |= _every(argument[2])
    return found


def _union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found


def _set(name: str, argument: Any) -> int:
    """The characters that one item stands for."""
    match name:
        case "LITERAL":
            return 1 << int(argument)
        case "NOT_LITERAL":
            return _ALL ^ (1 << int(argument))
        case "RANGE":
            low, high = map(int, argument)
            return ((1 << (high - low + 1)) - 1) << low
        case "CATEGORY":
            return _category(str(argument))
        case "IN":
            parts = [(str(op), value) for op, value in argument]
            found = _union(_set(op, value) for op, value in parts if op != "NEGATE")
            return _ALL ^ found if parts[0][0] == "NEGATE" else found
    return _ALL  # ANY, less the newline


@cache
def _category(name: str) -> int:
    kind = name.removeprefix("CATEGORY_")
    if kind.removeprefix("NOT_") not in _CATEGORIES:
        raise _Doubtful
    runs = re.finditer(
        _CATEGORIES[kind.removeprefix("NOT_")] + "+", "".join(map(chr, range(_SIZE)))
    )
    found: int = _union(_set("RANGE", (run.start(), run.end() - 1)) for run in runs)
    return _ALL ^ found if kind.startswith("NOT_") else found
