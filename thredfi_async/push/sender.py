"""How the engine reaches Thred: through the client's services, and in no other way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from ..response import with_response
from .kinds import Kind
from .records import EXTRA_BODY

if TYPE_CHECKING:
    from ..client import BusinessClient, ThredfiClient

__all__ = ["ClientSender", "Sender", "Sent", "Stats"]


@attrs.frozen
class Sent:
    """A write that Thred took. ``created`` is False where Thred had it already."""

    id: str | None
    created: bool
    attempts: int


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

    async def businesses(self) -> Mapping[str, str]:
        """Thred ids by external id and, so that both can be looked up, by themselves."""
        ...

    async def send(self, kind: Kind, business_id: str, body: dict[str, Any]) -> Sent:
        """Create one record. Raises as the services do."""
        ...


class ClientSender:
    """Sends through a `ThredfiClient`."""

    def __init__(self, thredfi: ThredfiClient) -> None:
        self._thredfi = thredfi
        self._shops: dict[str, BusinessClient] = {}

    @property
    def stats(self) -> Stats:
        """The client's counters."""
        return self._thredfi.statistics

    @property
    def target(self) -> str:
        """Which partner of which environment the records go to."""
        return f"partner {self._thredfi.partner_uuid} at {self._thredfi.base_url}"

    async def businesses(self) -> Mapping[str, str]:
        """Every business of the partner, asked for once a run."""
        found: dict[str, str] = {}
        ids: dict[str, str] = {}
        async for business in self._thredfi.businesses.list():
            id, external_id = _text(business.id), _text(business.external_id)
            if id is None:
                continue
            ids[id] = id
            if external_id is not None:
                found[external_id] = id
        return found | ids  # a Thred id wins over another business's external id

    async def send(self, kind: Kind, business_id: str, body: dict[str, Any]) -> Sent:
        """Create one record in its business."""
        shop = self._shops.get(business_id)
        if shop is None:
            shop = self._shops[business_id] = self._thredfi.business(business_id)
        service: Any = getattr(shop, kind.service)
        options = {EXTRA_BODY: body.pop(EXTRA_BODY)} if EXTRA_BODY in body else {}
        path = () if kind.parent is None else (body.pop(kind.parent),)
        response = await with_response(service.create(*path, body, **options))
        return Sent(_text(response.value.id), response.created, response.attempts)


def _text(value: object) -> str | None:
    """An id as an answer has it: whatever else may come in its place is none."""
    return value if isinstance(value, str) else None
