"""Faults on purpose: what networks and servers do to a client, by a seeded plan."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from fnmatch import filter as matching
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from random import Random
from typing import Any, Literal, Self, get_args

import attrs
from aiohttp import web

from .. import operations
from . import documents, spoiling
from .spoiling import Patience

__all__ = ["Fault", "Faults", "Kind", "Powers"]

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
]
_KINDS: tuple[str, ...] = get_args(Kind)
_RETRY_AFTER = ("none", "seconds", "date", "absurd")
_ABSURD = ("86400", "-5", "soon", "1e400", "nan", "Thu, 99 Jan 2025 00:00:00 GMT")
_IDS = [*operations.OPERATIONS, *(operation.id for operation in documents.OPERATIONS)]

Serve = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


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
class Fault:
    """One kind of fault, and when it strikes. Raises ValueError.

    - ``kind``: see docs/emulator.md for what each one does.
    - ``probability``: of striking a request that it fits, 0 to 1.
    - ``operations``: patterns of operation ids (``create_*``); empty: all of them.
    - ``applied``: whether the request is carried out before a reset, a status or a hang.
    - ``times``: how often it strikes at most; None: no limit.
    - ``status``, ``retry_after``: of the kind ``status``; retry_after is none, seconds, date or
      absurd (a day, or nonsense).
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
        default=503,
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

    def fits(self, operation: str) -> bool:
        """Whether it may strike a request for this operation."""
        return not self.operations or any(fnmatchcase(operation, one) for one in self.operations)


@attrs.frozen
class Powers:
    """What faults do beyond one answer; the emulator lends it."""

    expire_tokens: Callable[[], None]
    revoke_tokens: Callable[[], None]
    rotate_key: Callable[[], None]
    refuse: Callable[[float], Awaitable[None]]  # connections, for that many seconds
    now: Callable[[], datetime]


@attrs.define
class _Planned:
    fault: Fault
    left: float  # times that it may still strike


class Faults:
    """The plan of an emulator's faults: ``add`` some, ``clear`` them again.

    The first fault of the plan that fits a request and whose chance comes up strikes it. The
    same plan and seed strike the same requests, if they come in the same order. ``struck``
    counts how often each kind has.
    """

    def __init__(
        self,
        serve: Serve,
        operation_of: Callable[[web.BaseRequest], str | None],
        powers: Powers,
        random: Random,
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._serve = serve
        self._operation_of = operation_of
        self._powers = powers
        self._random = random
        self._plan: list[_Planned] = []
        self._patience = Patience()

    # --- the plan ------------------------------------------------------------------------

    def add(self, kind: Kind, **settings: Any) -> Self:
        """One more fault; ``settings`` are the fields of `Fault`. Raises ValueError."""
        self._add(_fault({"kind": kind, **settings}))
        return self

    def clear(self) -> None:
        """No more faults; those that last end now."""
        self._plan.clear()
        self.release()

    def release(self) -> None:
        """Let go of whatever hangs, drips or is refused; the plan stays."""
        self._patience.end()
        self._patience = Patience()

    def seed(self, seed: int) -> None:
        """Begin the sequence of chances anew."""
        self._random.seed(seed)

    def load(self, path: str | PathLike[str]) -> None:
        """Add the faults of a TOML file: ``seed``, and ``[[fault]]`` tables of `Fault`'s fields.

        Raises ValueError that names what is wrong, and OSError; nothing is added then.
        """
        try:
            plan = tomllib.loads(Path(path).read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no TOML: {error}") from None
        unknown = set(plan) - {"seed", "fault"}
        if unknown:
            raise ValueError(
                f"{path}: unknown {', '.join(sorted(unknown))}; use seed and [[fault]]"
            )
        seed, tables = plan.get("seed"), plan.get("fault", [])
        if seed is not None and not _is_whole(seed):
            raise ValueError(f"{path}: seed must be a whole number, not {seed!r}")
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise ValueError(f"{path}: each fault is a table of its own under [[fault]]")
        faults = []
        for number, settings in enumerate(tables, 1):
            try:
                faults.append(_fault(settings))
            except ValueError as error:
                raise ValueError(f"{path}: fault {number}: {error}") from None
        if seed is not None:
            self.seed(seed)
        for fault in faults:
            self._add(fault)

    def _add(self, fault: Fault) -> None:
        self._plan.append(_Planned(fault, math.inf if fault.times is None else fault.times))

    def _draw(self, operation: str) -> Fault | None:
        """The fault that strikes this request, if any."""
        for planned in self._plan:
            fault = planned.fault
            if planned.left and fault.fits(operation) and self._random.random() < fault.probability:
                planned.left -= 1
                return fault
        return None

    # --- striking ------------------------------------------------------------------------

    async def wait(self, seconds: float) -> None:
        """So long, or until the faults are cleared."""
        await self._patience.wait(seconds)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request, or what a fault makes of it."""
        operation = self._operation_of(request) if self._plan else None
        fault = None if operation is None else self._draw(operation)
        if fault is None:
            return await self._serve(request)
        self.struck[fault.kind] += 1
        match fault.kind:
            case "reset" | "status" | "hang":
                return await self._unanswered(request, fault)
            case "expire_tokens":
                self._powers.expire_tokens()
            case "revoke_tokens":
                self._powers.revoke_tokens()
            case "rotate_key":
                self._powers.rotate_key()
        answer = await self._serve(request)
        if fault.kind == "refuse":
            await self._powers.refuse(fault.seconds)
            answer.force_close()
        elif isinstance(answer, web.Response):
            return await spoiling.spoiled(
                fault.kind, request, answer, fault.seconds, self._patience, self._random
            )
        return answer

    async def _unanswered(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        """Without the answer that would have come, whether it was carried out or not."""
        if fault.applied:
            await self._serve(request)
        if fault.kind == "status":
            return self._status(fault)
        if fault.kind == "hang":
            await self._patience.wait(fault.seconds, request)
        return spoiling.reset(request)

    def _status(self, fault: Fault) -> web.Response:
        headers = {}
        if fault.retry_after == "seconds":
            headers["Retry-After"] = str(math.ceil(fault.seconds))
        elif fault.retry_after == "date":
            at = self._powers.now() + timedelta(seconds=fault.seconds)
            headers["Retry-After"] = format_datetime(at, usegmt=True)
        elif fault.retry_after == "absurd":
            headers["Retry-After"] = self._random.choice(_ABSURD)
        if fault.status == 502:  # as a proxy in front says it
            text = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            return web.Response(status=502, text=text, content_type="text/html", headers=headers)
        body = {"error_code": "fault", "message": "On purpose.", "detail": {}, "request_id": ""}
        return web.json_response(body, status=fault.status, headers=headers)


def _fault(settings: dict[str, Any]) -> Fault:
    """A fault of these settings. Raises ValueError."""
    known = [field.name for field in attrs.fields(Fault)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise ValueError(f"unknown {', '.join(unknown)}; a fault has {', '.join(known)}")
    if "kind" not in settings:
        raise ValueError(f"kind is missing: one of {', '.join(_KINDS)}")
    return Fault(**settings)
