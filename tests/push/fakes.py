"""A stand-in for the client, for what needs no server: who was sent what, and when."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from tests.support import FakeClock
from thredfi_async.clock import Clock, SystemClock
from thredfi_async.manner import Manner
from thredfi_async.push.kinds import Kind
from thredfi_async.push.sender import Effect, OnDifference, Order, Sent


class PatientClock(FakeClock):
    """It moves on to the next moment that somebody waits for when all others have had their turn.

    ``turns``: so many turns of the loop they have before that.
    """

    def __init__(self, turns: int = 30) -> None:
        super().__init__(0.0)
        self._turns = turns
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._driver: asyncio.Task[None] | None = None

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        awake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, len(self.slept), awake))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        await awake

    async def _drive(self) -> None:
        while self._sleepers:
            for _ in range(self._turns):
                await asyncio.sleep(0)
            due, _, awake = heapq.heappop(self._sleepers)
            if not awake.done():
                self.now = max(self.now, due)
                awake.set_result(None)


class StillClock(FakeClock):
    """Whoever sleeps sleeps for ever."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.Event().wait()


@attrs.define
class Stats:
    requests: int = 0
    retries: int = 0


class FakeSender:
    """Takes everything, gives ids like ``id-C1``; ``answer`` may raise or return otherwise."""

    target = "partner p at nowhere"

    def __init__(
        self,
        answer: Callable[[str, dict[str, Any]], Sent | None] | None = None,
        *,
        clock: Clock | None = None,
        there: Mapping[str, str] | None = None,
    ) -> None:
        self.stats = Stats()
        self.there = dict(there or {})  # what a look-up finds, by external_id
        self.looked_up: list[tuple[str, str, str | None, str]] = []
        self.orders: list[Order] = []
        self.clock = clock or SystemClock()
        self.manners: list[Manner] = []
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.asked_for_businesses = 0
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._answer = answer

    async def businesses(self) -> Mapping[str, str]:
        self.asked_for_businesses += 1
        return {"shop": "id-shop", "id-shop": "id-shop", "cafe": "id-cafe"}

    async def look_up(
        self, kind: Kind, business_id: str, parent_id: str | None, external_id: str
    ) -> str | None:
        self.looked_up.append((kind.name, business_id, parent_id, external_id))
        await asyncio.sleep(0)
        return self.there.get(external_id)

    async def send(self, order: Order, manner: Manner, on_difference: OnDifference) -> Sent:
        kind, business_id, body = order.kind, order.business_id, order.body
        self.orders.append(order)
        self.manners.append(manner)
        self.stats.requests += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self.sent.append((kind.name, business_id, body))
            await asyncio.sleep(0)
            await self.gate.wait()
            answer = self._answer(kind.name, body) if self._answer else None
        finally:
            self.under_way -= 1
        if answer is not None:
            return answer
        if order.id is not None:
            return Sent(order.id, Effect.CHANGED, 1)
        return made(f"id-{body['external_id']}")

    @property
    def names(self) -> list[str]:
        return [body["external_id"] for _, _, body in self.sent]


def made(id: str | None, *, created: bool = True, differences: tuple[Any, ...] = ()) -> Sent:
    """What comes of a create that was answered."""
    return Sent(id, Effect.CREATED if created else Effect.NOTHING, 1, differences)


async def until(true: Callable[[], Any]) -> None:
    """Return when it has come to that."""
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to that")


def no_tasks_left() -> bool:
    """Whether all tasks of all pushes have ended."""
    return not [task for task in asyncio.all_tasks() if "thredfi push" in task.get_name()]


def customer(name: str = "C1", business: str = "shop", **fields: Any) -> dict[str, Any]:
    return {"type": "customer", "business": business, "external_id": name, **fields}


def invoice(name: str = "I1", customer: str = "C1", **fields: Any) -> dict[str, Any]:
    return {
        "type": "invoice",
        "business": "shop",
        "external_id": name,
        "customer_external_id": customer,
        **fields,
    }


def payment(name: str = "P1", invoice: str = "I1", **fields: Any) -> dict[str, Any]:
    return {
        "type": "payment",
        "business": "shop",
        "external_id": name,
        "customer_external_id": "C1",
        "allocations": [{"invoice_external_id": invoice, "amount_cents": 1}],
        **fields,
    }


def refund(name: str = "R1", invoice: str = "I1", **fields: Any) -> dict[str, Any]:
    return {
        "type": "refund",
        "business": "shop",
        "external_id": name,
        "invoice_external_id": invoice,
        **fields,
    }


def refund_payment(name: str = "RP1", refund: str = "R1", **fields: Any) -> dict[str, Any]:
    return {
        "type": "refund_payment",
        "business": "shop",
        "external_id": name,
        "refund_external_id": refund,
        **fields,
    }
