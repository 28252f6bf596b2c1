"""Reading answers: bytes to models, and a count of where they differ from the description."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from . import codec
from .drift import Drift
from .operation import Operation

__all__ = ["Answers", "read_as"]

_LOOK_EVERY = 16  # answers, for fields that are unknown; and at as many first ones
_KINDS_OF_DRIFT = 10_000  # that are counted; what comes new after that is not


class Answers:
    """Reads the answers of one session. ``drift`` counts what differed."""

    def __init__(self) -> None:
        self.drift: Counter[tuple[str, Drift]] = Counter()
        self._read: dict[str, int] = {}  # of each operation, so far

    def read(self, operation: Operation[Any], status: int, data: bytes) -> Any:
        """The value of a 2xx answer. Raises `BrokenJSON` where it isn't JSON."""
        wanted = _type_of(operation, status)
        if wanted is None:
            return None
        value, differences = codec.decode(wanted, data)
        if not differences and self._count(operation.id):
            differences = codec.unknown(wanted, data)
        for one in differences:
            if len(self.drift) < _KINDS_OF_DRIFT or (operation.id, one) in self.drift:
                self.drift[operation.id, one] += 1
        if operation.unwrap is not None:
            value = codec.unwrap(value, operation.unwrap, data)
        return value

    def _count(self, operation: str) -> bool:
        """Count an answer; whether to look for unknown fields in this one."""
        self._read[operation] = number = self._read.get(operation, 0) + 1
        return number <= _LOOK_EVERY or number % _LOOK_EVERY == 0


def read_as(operation: Operation[Any], data: bytes) -> Any:
    """The answer of a read as what ``operation`` answers. Differences are expected, not counted."""
    wanted = _type_of(operation, 200)
    if wanted is None:
        return None
    value = codec.decode(wanted, data)[0]
    return value if operation.unwrap is None else codec.unwrap(value, operation.unwrap, data)


@cache
def _type_of(operation: Operation[Any], status: int) -> Any:
    """What a 2xx answer of this status holds; None: no body worth reading."""
    if status in (204, 205) or not operation.answers:
        return None
    ref = dict(operation.answers).get(status, operation.answers[0][1])
    return None if ref is None else codec.load(ref)
