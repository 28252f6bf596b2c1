"""How the engine reaches Thred: through the services, and in no other way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from ..clock import Clock
from ..differences import Difference
from ..manner import Manner
from ..response import with_response
from ..services.businesses import Businesses
from ..session import Session
from .kinds import Kind
from .records import EXTRA_BODY

__all__ = ["Sender", "Sent", "SessionSender", "Stats"]


@attrs.frozen
class Sent:
    """A write that Thred took. ``created`` is False where Thred had it already."""

    id: str | None
    created: bool
    attempts: int
    differences: tuple[Difference, ...] = ()


class Stats(Protocol):
    """Counters of the HTTP requests made so far."""

    @property
    def requests(self) -> int: ...

    @property
    def retries(self) -> int: ...


class Sender(Protocol):
    """What the engine asks of the outside."""

    @property
    def stats(self) -> Stats:
        """The counters of whoever sends."""
        ...

    @property
    def clock(self) -> Clock:
        """By which the engine waits."""
        ...

    @property
    def target(self) -> str:
        """Which partner of which environment the records go to."""
        ...

    async def businesses(self) -> Mapping[str, str]:
        """Thred ids by external id and, so that both can be looked up, by themselves."""
        ...

    async def send(
        self, kind: Kind, business_id: str, body: dict[str, Any], manner: Manner
    ) -> Sent:
        """Create one record. Raises as the services do, and `HandedBack`."""
        ...


class SessionSender:
    """Sends through the session of a client."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def stats(self) -> Stats:
        """The session's counters."""
        return self._session.statistics

    @property
    def clock(self) -> Clock:
        """The session's clock."""
        return self._session.clock

    @property
    def target(self) -> str:
        """Which partner of which environment the records go to."""
        return f"partner {self._session.partner_uuid} at {self._session.base_url}"

    async def businesses(self) -> Mapping[str, str]:
        """Every business of the partner, asked for once a run."""
        found: dict[str, str] = {}
        ids: dict[str, str] = {}
        async for business in Businesses(self._session).list():
            id, external_id = _text(business.id), _text(business.external_id)
            if id is None:
                continue
            ids[id] = id
            if external_id is not None:
                found[external_id] = id
        return found | ids  # a Thred id wins over another business's external id

    async def send(
        self, kind: Kind, business_id: str, body: dict[str, Any], manner: Manner
    ) -> Sent:
        """Create one record in its business."""
        service = kind.service(self._session.bound(manner), business_id)
        options = {EXTRA_BODY: body.pop(EXTRA_BODY)} if EXTRA_BODY in body else {}
        path = () if kind.parent is None else (body.pop(kind.parent),)
        response = await with_response(service.create(*path, body, **options))
        return Sent(
            _text(response.value.id), response.created, response.attempts, response.differences
        )


def _text(value: object) -> str | None:
    """An id as an answer has it: whatever else may come in its place is none."""
    return value if isinstance(value, str) else None
