"""How calls end besides with an answer: cancelled, closed, without a token; and who is told."""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import Any

import attrs
import pytest

from thredfi_async import (
    AuthenticationFailed,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ThredfiClient,
    Token,
)
from thredfi_async.shared import AttemptEnded, CallEnded

from .support import BUSINESS, FakeClock, Received, answer

INVOICE = {
    "external_id": "inv-1",
    "sent_at": "2025-01-31T12:00:00Z",
    "line_items": [{"description": "Bread", "quantity": 1, "unit_price": 450}],
}
MADE = answer(201, {"id": "i-7", **INVOICE})


async def hang(request: Received) -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


# --- cancelled -----------------------------------------------------------------------------


async def test_a_cancelled_write_says_which_record_is_open(server, thredfi):
    async def create() -> None:
        async with asyncio.timeout(None) as bound:

            async def script(request: Received) -> bytes:
                bound.reschedule(0)  # now
                return await hang(request)

            server.script = script
            await thredfi.business(BUSINESS).invoices.create(INVOICE)

    with pytest.raises(TimeoutError) as caught:
        await create()
    told = "".join(traceback.format_exception(caught.value))
    assert "create_invoice of external_id 'inv-1' was cancelled after it had been sent" in told
    assert "may or may not have been applied" in told


async def test_a_cancelled_read_or_what_was_not_sent_leaves_nothing_open(server, thredfi):
    server.script = hang
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.2):
            await thredfi.business(BUSINESS).invoices.get("i")
    assert "applied" not in "".join(traceback.format_exception(caught.value))
    server.script_tokens = hang
    await thredfi._session.tokens.drop(BUSINESS, thredfi._session.tokens.current(BUSINESS))
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.2):
            await thredfi.business(BUSINESS).invoices.create(INVOICE)
    assert "applied" not in "".join(traceback.format_exception(caught.value))


# --- closed --------------------------------------------------------------------------------


async def test_closing_with_grace_lets_calls_under_way_end(server):
    go_on = asyncio.Event()

    async def script(request: Received) -> bytes:
        await go_on.wait()
        return MADE

    server.script = script
    thredfi = ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url)
    call = asyncio.create_task(thredfi.business(BUSINESS).invoices.create(INVOICE))
    await server.arrived.wait()
    closing = asyncio.create_task(thredfi.aclose(grace=30))
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert (await call).id == "i-7"


async def test_a_grace_ends_and_without_calls_there_is_none(server):
    server.script = hang
    thredfi = ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url)
    call = asyncio.create_task(thredfi.business(BUSINESS).invoices.get("i"))
    await server.arrived.wait()
    await thredfi.aclose(grace=0.05)
    with pytest.raises(Exception, match="closed"):
        await call
    started = time.monotonic()
    await ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url).aclose(grace=60)
    assert time.monotonic() - started < 5


# --- no token --------------------------------------------------------------------------------


async def test_without_a_token_in_time_the_last_failure_is_the_cause_with_its_url(server):
    clock = FakeClock()

    async def script(request: Received) -> bytes | None:
        if len(server.token_requests) < 3:
            return None
        return await hang(request)

    server.script_tokens = script
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=clock
    ) as thredfi:
        with pytest.raises(DeadlineExceeded) as caught:
            await thredfi.business(BUSINESS).invoices.create(INVOICE, deadline=1.5)
    assert "no token within the deadline; the last try: get_partner_token: " in str(caught.value)
    assert server.url in str(caught.value)
    assert " broke: " in str(caught.value.__cause__)  # the connection


async def test_a_failure_without_an_answer_names_the_url(server, thredfi):
    server.answers(None)
    with pytest.raises(Exception, match="GET http") as caught:
        await thredfi.business(BUSINESS).invoices.get("i")
    assert f"(GET {server.url}/v1/platform/businesses/{BUSINESS}/invoices/i/)" in str(caught.value)


# --- tokens that are refused -------------------------------------------------------------------


async def test_a_second_401_renews_once_more_where_somebody_else_had_renewed(server):
    """Two calls share a token that is refused; the second finds the first one's, dead as well."""
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=FakeClock()
    ) as thredfi:
        cache = thredfi._session.tokens
        names = iter(("one", "two", "three", "four"))
        server.script_tokens = lambda _: answer(
            200, {"access_token": next(names, "more"), "expires_in": 3600}
        )

        async def script(request: Received) -> bytes:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            if token == "two":  # the first of the business; somebody else renews meanwhile
                await cache.drop(BUSINESS, cache.current(BUSINESS))
                await cache.get(BUSINESS)
            return MADE if token == "four" else answer(401, {})

        server.script = script
        invoice = await thredfi.business(BUSINESS).invoices.create(INVOICE)
        assert invoice.id == "i-7"
        used = [r.headers["Authorization"].removeprefix("Bearer ") for r in server.requests]
        assert used == ["two", "three", "four"]
        server.script = lambda request: answer(401, {})
        server.requests.clear()
        with pytest.raises(AuthenticationFailed):
            await thredfi.business(BUSINESS).invoices.create(INVOICE)
        assert len(server.requests) == 2


@pytest.mark.parametrize("stored", [True, False])
async def test_a_business_token_from_a_store_that_gets_403_is_replaced_once(server, stored):
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=FakeClock()
    ) as thredfi:
        session = thredfi._session
        await session.tokens.get(BUSINESS)
        fresh = session.tokens.current
        old = Token.issued("left-by-another", lifetime=3600, now=session.clock.time())

        held = attrs.evolve(old, stored=stored)
        dropped: list[Any] = []

        async def drop(scope: Any, token: Any) -> None:
            dropped.append(token)

        session.tokens.drop = drop
        session.tokens.current = lambda scope: fresh(scope) if dropped else held
        server.script = lambda request: (
            answer(403, {})
            if request.headers["Authorization"].endswith("left-by-another")
            else MADE
        )
        if stored:
            await thredfi.business(BUSINESS).invoices.create(INVOICE)
            assert dropped == [held]
            server.answers(answer(403, {}))
        server.requests.clear()
        with pytest.raises(PermissionDenied):
            await thredfi.business(BUSINESS).invoices.create(INVOICE)
        assert len(server.requests) == 1


# --- hooks ---------------------------------------------------------------------------------------


async def test_hooks_are_told_of_attempts_and_of_how_calls_end(server, thredfi):
    attempts: list[AttemptEnded] = []
    ends: list[CallEnded] = []
    session = thredfi._session
    session.on_attempt.append(attempts.append)
    session.on_outcome.append(ends.append)
    server.answers(None, answer(503), MADE, answer(404, {}))
    shop = thredfi.business(BUSINESS)
    await shop.invoices.create(INVOICE)
    with pytest.raises(NotFound) as caught:
        await shop.invoices.get("nothing")
    with pytest.raises(InvalidRequest):
        await shop.invoices.create(INVOICE, file="no upload")
    told = [(one.operation, one.attempt, one.status) for one in attempts]
    assert told == [
        ("get_partner_token", 1, 200),
        ("get_business_token", 1, 200),
        ("create_invoice", 1, None),
        ("create_invoice", 2, 503),
        ("create_invoice", 3, 201),
        ("fetch_invoice", 1, 404),
    ]
    assert [one.error is None for one in attempts] == [True, True, False, False, True, False]
    assert all(one.seconds >= 0 for one in attempts)
    assert [(one.operation, one.attempts) for one in ends] == [
        ("get_partner_token", 1),
        ("get_business_token", 1),
        ("create_invoice", 3),
        ("fetch_invoice", 1),
    ]
    assert ends[-1].error is caught.value
    assert ends[-2].error is None
    assert ends[-2].seconds > 0  # of the injected clock: two pauses
