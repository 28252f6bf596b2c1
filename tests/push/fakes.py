"""A stand-in for the client, for what needs no server: who was sent what, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from thredfi_async.push.kinds import Kind
from thredfi_async.push.sender import Sent


@attrs.define
class Stats:
    requests: int = 0
    retries: int = 0


class FakeSender:
    """Takes everything, gives ids like ``id-C1``; ``answer`` may raise or return otherwise."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Sent | None] | None = None) -> None:
        self.stats = Stats()
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

    async def send(self, kind: Kind, business_id: str, body: dict[str, Any]) -> Sent:
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
        return answer or Sent(f"id-{body['external_id']}", True, 1)

    @property
    def names(self) -> list[str]:
        return [body["external_id"] for _, _, body in self.sent]


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
