"""A call cancelled at any of its awaits leaves nothing behind, and the next one works."""

from __future__ import annotations

import asyncio

import pytest

from thredfi_async import RetryPolicy, ThredfiClient
from thredfi_async.emulator import Emulator

from .support import BUSINESS, Received, ScriptedServer, answer

pytestmark = [pytest.mark.slow, pytest.mark.both_ways]

INVOICE = {"id": "inv-id"}
BODY = {"external_id": "i-1", "sent_at": "2025-01-31", "line_items": []}


@pytest.mark.parametrize("warm", [False, True])
async def test_a_call_can_be_cancelled_at_every_step(warm: bool) -> None:
    """From cold: partner token, business token, connection, answer. Then with all that there."""
    async with Emulator() as emulator:
        name = emulator.add_business("bakery")
        finished = step = 0
        while finished < 3:
            step += 1
            async with emulator.client(max_connections=1) as thredfi:
                codes = thredfi.business(name).tax_codes
                if warm:
                    await codes.list()
                call = asyncio.create_task(codes.list())
                for _ in range(step):
                    await asyncio.sleep(0)
                call.cancel()
                outcome = (await asyncio.gather(call, return_exceptions=True))[0]
                if not isinstance(outcome, asyncio.CancelledError):
                    assert not isinstance(outcome, BaseException)
                    finished += 1
                assert (await codes.list(deadline=10)).count == 4
                assert thredfi._session._shared.gate.try_enter()
        assert step > 5
        left = {t.get_name() for t in asyncio.all_tasks() - {asyncio.current_task()}}
        assert not [task for task in left if "thredfi" in task]


async def test_a_call_can_be_cancelled_while_it_waits_to_try_again() -> None:
    async with ScriptedServer() as server:
        server.answers(answer(503, headers={"Retry-After": "30"}))

        async with ThredfiClient(
            partner_uuid="p", api_key="k", base_url=server.url, max_connections=1
        ) as thredfi:
            invoices = thredfi.business(BUSINESS).invoices
            call = asyncio.create_task(invoices.get("one"))
            await server.arrived.wait()
            for _ in range(50):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            server.answers(answer(200, INVOICE))
            assert (await invoices.get("two")).id == "inv-id"


async def test_cancelling_a_hundred_calls_under_way_closes_their_connections() -> None:
    async def hang(request: Received) -> bytes | None:
        await asyncio.sleep(60)
        return None

    async with (
        ScriptedServer() as server,
        ThredfiClient(
            partner_uuid="p", api_key="k", base_url=server.url, retry=RetryPolicy(attempts=1)
        ) as thredfi,
    ):
        invoices = thredfi.business(BUSINESS).invoices
        server.script = hang
        calls = [asyncio.create_task(invoices.create(BODY)) for _ in range(100)]
        await server.arrived.wait()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert not thredfi._session._shared.watchdog._watched
        server.answers(answer(200, INVOICE))
        await asyncio.gather(*(invoices.get("x", deadline=10) for _ in range(100)))
