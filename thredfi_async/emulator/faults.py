"""Faults on purpose: what networks and servers do to a client, by a seeded plan."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from os import PathLike
from random import Random
from typing import Any, Self

import attrs
from aiohttp import web

from . import spoiling
from .fault import Asked, Fault, Kind, fault_of, read_plan
from .problems import duplicate, invalid
from .responses import REPLAYED, refusal
from .spoiling import Patience

__all__ = ["Faults", "Powers"]

_ABSURD = ("86400", "-5", "soon", "1e400", "nan", "Thu, 99 Jan 2025 00:00:00 GMT")
_MANNERS = ("duplicate", "throttle")  # how the server itself is, whatever happens on the way to it

Serve = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


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
    room: float = 0.0  # for requests that a throttle lets through now
    at: float = -math.inf  # when it was counted last, by the emulator's clock

    def lets_through(self, now: float) -> bool:
        """Count one more request, if the rate allows it: a second's worth at once, at most."""
        rate = self.fault.rate or math.inf
        most = max(rate, 1.0)
        self.room = min(most, self.room + max(0.0, now - self.at) * rate)
        self.at = now
        if self.room < 1:
            return False
        self.room -= 1
        return True


class Faults:
    """The plan of an emulator's faults: ``add`` some, ``clear`` them again.

    The first fault of the plan that fits a request and whose chance comes up strikes it. The
    same plan and seed strike the same requests, if they come in the same order. ``struck``
    counts how often each kind has. A throttle, or what is done with duplicates, is how the
    server behaves: it comes on top of what else strikes.
    """

    def __init__(
        self,
        serve: Serve,
        asked: Callable[[web.BaseRequest], Asked | None],
        powers: Powers,
        random: Random,
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._serve = serve
        self._asked = asked
        self._powers = powers
        self._random = random
        self._plan: list[_Planned] = []
        self._patience = Patience()

    # --- the plan ------------------------------------------------------------------------

    def add(self, kind: Kind, **settings: Any) -> Self:
        """One more fault; ``settings`` are the fields of `Fault`. Raises ValueError."""
        self._add(fault_of({"kind": kind, **settings}))
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
        seed, faults = read_plan(path)
        if seed is not None:
            self.seed(seed)
        for fault in faults:
            self._add(fault)

    def _add(self, fault: Fault) -> None:
        self._plan.append(_Planned(fault, math.inf if fault.times is None else fault.times))

    def _draw(self, asked: Asked) -> Fault | None:
        """The fault that strikes this request, if any."""
        for planned in self._plan:
            if planned.fault.kind not in _MANNERS and self._strikes(planned, asked):
                return planned.fault
        return None

    def _strikes(self, planned: _Planned, asked: Asked) -> bool:
        fault = planned.fault
        if not planned.left or not fault.fits(asked) or self._random.random() >= fault.probability:
            return False
        planned.left -= 1
        self.struck[fault.kind] += 1
        return True

    # --- striking ------------------------------------------------------------------------

    async def wait(self, seconds: float) -> None:
        """So long, or until the faults are cleared."""
        await self._patience.wait(seconds)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request, or what a fault makes of it."""
        asked = self._asked(request) if self._plan else None
        if asked is None:
            return await self._serve(request)
        fault = self._draw(asked)
        if fault is None:
            return await self._answer(request, asked)
        match fault.kind:
            case "reset" | "status" | "hang":
                return await self._unanswered(request, asked, fault)
            case "expire_tokens":
                self._powers.expire_tokens()
            case "revoke_tokens":
                self._powers.revoke_tokens()
            case "rotate_key":
                self._powers.rotate_key()
        answer = await self._answer(request, asked)
        if fault.kind == "refuse":
            await self._powers.refuse(fault.seconds)
            answer.force_close()
        elif isinstance(answer, web.Response):
            return await spoiling.spoiled(
                fault.kind, request, answer, fault.seconds, self._patience, self._random
            )
        return answer

    async def _answer(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        """What the server answers, by its own manners: no network is between."""
        now = self._powers.now().timestamp()
        for planned in self._planned("throttle"):
            if (
                planned.fault.fits(asked)
                and not planned.lets_through(now)
                and self._strikes(planned, asked)
            ):
                return self._status(planned.fault, 429)
        answer = await self._serve(request)
        if answer.get(REPLAYED):
            for planned in self._planned("duplicate"):
                if self._strikes(planned, asked):
                    return _refused(planned.fault)
        return answer

    def _planned(self, kind: str) -> list[_Planned]:
        return [planned for planned in self._plan if planned.fault.kind == kind]

    async def _unanswered(
        self, request: web.BaseRequest, asked: Asked, fault: Fault
    ) -> web.StreamResponse:
        """Without the answer that would have come, whether it was carried out or not."""
        if fault.applied:
            await self._answer(request, asked)
        if fault.kind == "status":
            return self._status(fault, fault.status)
        if fault.kind == "hang":
            await self._patience.wait(fault.seconds, request)
        return spoiling.reset(request)

    def _status(self, fault: Fault, status: int) -> web.Response:
        headers = {}
        if fault.retry_after == "seconds":
            headers["Retry-After"] = str(math.ceil(fault.seconds))
        elif fault.retry_after == "date":
            at = self._powers.now() + timedelta(seconds=fault.seconds)
            headers["Retry-After"] = format_datetime(at, usegmt=True)
        elif fault.retry_after == "absurd":
            headers["Retry-After"] = self._random.choice(_ABSURD)
        if status == 502:  # as a proxy in front says it
            text = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            return web.Response(status=502, text=text, content_type="text/html", headers=headers)
        body = {"error_code": "fault", "message": "On purpose.", "detail": {}, "request_id": ""}
        return web.json_response(body, status=status, headers=headers)


def _refused(fault: Fault) -> web.Response:
    """The answer of a server to which a known external_id is a mistake."""
    if fault.status == 409:
        return refusal(duplicate("record"), "reference")
    problem = invalid(external_id="A record with this external_id already exists.")
    problem.status = fault.status
    return refusal(problem, "reference")
