"""One kind of fault on purpose, and when it strikes: the settings, as a plan has them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from fnmatch import filter as matching
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import attrs

from .. import operations
from . import documents

__all__ = ["Asked", "Fault", "Kind", "fault_of", "read_plan"]

Kind = Literal[
    "refuse",
    "reset",
    "status",
    "hang",
    "drip",
    "cut",
    "cut_chunk",
    "length_too_long",
    "length_too_short",
    "invalid_json",
    "wrong_content_type",
    "empty_body",
    "gzip_bomb",
    "huge_body",
    "hang_up",
    "expire_tokens",
    "revoke_tokens",
    "rotate_key",
    "unknown_field",
    "unknown_enum",
    "changed_type",
    "dropped_field",
    "garble",
    "duplicate",
    "throttle",
]
_KINDS: tuple[str, ...] = get_args(Kind)
_DUPLICATE = (400, 409, 422)  # what servers answer to an external_id that is taken
_RETRY_AFTER = ("none", "seconds", "date", "absurd")
_IDS = [*operations.OPERATIONS, *(operation.id for operation in documents.OPERATIONS)]


def _must_be(text: str, test: Callable[[Any], bool]) -> Callable[[Any, Any, Any], None]:
    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not test(value):
            raise ValueError(f"{attribute.name} must be {text}, not {value!r}")

    return check


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_operations(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError(f'operations must be a list such as ["create_*"], not {value!r}')
    for pattern in value:
        if not matching(_IDS, pattern):
            raise ValueError(f"operations: {pattern!r} fits none of the description")


@attrs.frozen
class Asked:
    """What a request is for: the id of its operation, and the names of its business."""

    operation: str
    business: frozenset[str] = frozenset()  # id and external_id, where the path names one


@attrs.frozen
class Fault:
    """One kind of fault, and when it strikes. Raises ValueError.

    - ``kind``: see docs/emulator.md for what each one does.
    - ``probability``: of striking a request that it fits, 0 to 1.
    - ``operations``: patterns of operation ids (``create_*``); empty: all of them.
    - ``business``: the id or external_id of the one business whose requests it strikes.
    - ``applied``: whether the request is carried out before a reset, a status or a hang.
    - ``times``: how often it strikes at most; None: no limit.
    - ``status``: of the kinds ``status`` (503 by default) and ``duplicate`` (400, 422, or 409).
    - ``retry_after``: of the kinds ``status`` and ``throttle``: none, seconds, date or absurd (a
      day, or nonsense).
    - ``rate``: how many requests a second a ``throttle`` lets through.
    - ``seconds``: how long a hang, a drip or a refusal lasts, or a Retry-After asks to wait.
    """

    kind: str = attrs.field(validator=_must_be(f"one of {', '.join(_KINDS)}", _KINDS.__contains__))
    probability: float = attrs.field(
        default=1.0,
        kw_only=True,
        validator=_must_be("a number from 0 to 1", lambda x: _is_number(x) and 0 <= x <= 1),
    )
    operations: Sequence[str] = attrs.field(default=(), kw_only=True, validator=_check_operations)
    applied: bool = attrs.field(
        default=False,
        kw_only=True,
        validator=_must_be("true or false", lambda x: isinstance(x, bool)),
    )
    times: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_must_be("a whole number", lambda x: x is None or (_is_whole(x) and x >= 0)),
    )
    status: int = attrs.field(
        default=attrs.Factory(lambda self: 409 if self.kind == "duplicate" else 503, True),
        kw_only=True,
        validator=_must_be("from 400 to 599", lambda x: _is_whole(x) and 400 <= x <= 599),
    )
    retry_after: str = attrs.field(
        default="none",
        kw_only=True,
        validator=_must_be(f"one of {', '.join(_RETRY_AFTER)}", _RETRY_AFTER.__contains__),
    )
    seconds: float = attrs.field(
        default=1.0,
        kw_only=True,
        validator=_must_be("a number of seconds", lambda x: _is_number(x) and 0 <= x < math.inf),
    )
    business: str | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_must_be("a text", lambda x: x is None or isinstance(x, str)),
    )
    rate: float | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_must_be(
            "a number above 0", lambda x: x is None or (_is_number(x) and 0 < x < math.inf)
        ),
    )

    def __attrs_post_init__(self) -> None:
        if self.kind == "duplicate" and self.status not in _DUPLICATE:
            listed = ", ".join(map(str, _DUPLICATE))
            raise ValueError(f"status of a duplicate must be one of {listed}, not {self.status}")
        if self.kind == "throttle" and self.rate is None:
            raise ValueError("rate is missing: how many requests a second it lets through")

    def fits(self, asked: Asked) -> bool:
        """Whether it may strike this request."""
        if self.business is not None and self.business not in asked.business:
            return False
        ids = self.operations
        return not ids or any(fnmatchcase(asked.operation, one) for one in ids)


def fault_of(settings: dict[str, Any]) -> Fault:
    """A fault of these settings. Raises ValueError."""
    known = [field.name for field in attrs.fields(Fault)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise ValueError(f"unknown {', '.join(unknown)}; a fault has {', '.join(known)}")
    if "kind" not in settings:
        raise ValueError(f"kind is missing: one of {', '.join(_KINDS)}")
    return Fault(**settings)


def read_plan(path: str | PathLike[str]) -> tuple[int | None, list[Fault]]:
    """The seed and the faults of a TOML file. Raises ValueError that names what is wrong."""
    try:
        plan = tomllib.loads(Path(path).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None
    unknown = set(plan) - {"seed", "fault"}
    if unknown:
        raise ValueError(f"{path}: unknown {', '.join(sorted(unknown))}; use seed and [[fault]]")
    seed, tables = plan.get("seed"), plan.get("fault", [])
    if seed is not None and not _is_whole(seed):
        raise ValueError(f"{path}: seed must be a whole number, not {seed!r}")
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ValueError(f"{path}: each fault is a table of its own under [[fault]]")
    faults = []
    for number, settings in enumerate(tables, 1):
        try:
            faults.append(fault_of(settings))
        except ValueError as error:
            raise ValueError(f"{path}: fault {number}: {error}") from None
    return seed, faults
