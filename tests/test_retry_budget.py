"""An outage must not make a storm of retries; an outage that ends must be forgotten."""

from __future__ import annotations

import asyncio

import pytest

from thredfi_async import RateLimited, RetryPolicy, ServerError, ThredfiClient, TransportError

from .support import BUSINESS, FakeClock, answer

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

CALLS = 1_000
DOWN = answer(503, {"error_code": "unavailable", "message": "Down.", "detail": {}})


async def read_all(thredfi: ThredfiClient, calls: int = CALLS) -> list[object]:
    invoices = thredfi.business(BUSINESS).invoices
    return await asyncio.gather(
        *(invoices.get(f"i-{number}") for number in range(calls)), return_exceptions=True
    )


@pytest.mark.parametrize("fault", [DOWN, None, answer(429, {})])
async def test_in_a_total_outage_few_more_requests_are_sent_than_calls_made(
    server, thredfi, fault
) -> None:
    server.answers(fault)
    ends = await read_all(thredfi)
    assert {type(end) for end in ends} <= {ServerError, TransportError, RateLimited}
    assert CALLS < len(server.requests) < 1.2 * CALLS
    noted = [end for end in ends if "budget is used up" in str(getattr(end, "__notes__", ""))]
    assert len(noted) > CALLS / 2


async def test_with_nobody_listening_neither(server) -> None:
    async with ThredfiClient(
        partner_uuid="p",
        api_key="k",
        base_url="http://127.0.0.1:9",
        clock=FakeClock(),
        token_scope="partner",
    ) as thredfi:
        ends = await read_all(thredfi)
        assert {type(end) for end in ends} == {TransportError}
        assert thredfi.statistics.requests < 1.2 * CALLS


async def test_after_an_outage_retries_come_back_with_success(server, thredfi) -> None:
    server.answers(DOWN)
    await read_all(thredfi)
    server.answers(answer(200, {"id": "i"}))
    await read_all(thredfi, 10)  # two retries are earned
    server.requests.clear()
    server.answers(DOWN, DOWN, answer(200, {"id": "i"}))
    assert (await thredfi.business(BUSINESS).invoices.get("i")).id == "i"
    assert len(server.requests) == 3


async def test_waiting_as_the_server_asks_costs_nothing(server) -> None:
    policy = RetryPolicy(budget=1, attempts=10)
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=FakeClock(), retry=policy
    ) as thredfi:
        slow_down = answer(429, {}, {"Retry-After": "1"})
        server.answers(*[slow_down] * 8, answer(200, {"id": "i"}))
        assert (await thredfi.business(BUSINESS).invoices.get("i")).id == "i"
