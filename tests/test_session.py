"""One call over a real socket: tokens, retries, and what the caller is told."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aioresponses import aioresponses

from thredfi_async import (
    ApiError,
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    DeadlineExceeded,
    InvalidAnswer,
    InvalidRequest,
    MemoryTokenStore,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    RetryPolicy,
    ServerError,
    ThredfiClient,
    ThredfiError,
    Token,
    TokenKey,
    TransportError,
    Upload,
    with_response,
)
from thredfi_async.drift import Drift
from thredfi_async.models import CreateInvoiceRequest, InvoiceLineItemRequest
from thredfi_async.push import Journal, Status

from .support import BUSINESS, FakeClock, Received, ScriptedServer, answer

INVOICE = {"id": "inv-id", "status": "SENT", "external_id": "inv-1"}
BODY: dict[str, Any] = {
    "external_id": "inv-1",
    "sent_at": "2025-01-31T12:00:00Z",
    "line_items": [{"description": "Bread", "quantity": 1, "unit_price": 450}],
}
NAMELESS = {key: value for key, value in BODY.items() if key != "external_id"}
PAYMENT = {"invoice_id": "inv-id", "amount_cents": 450, "payment_method": "cash"}


# --- tokens --------------------------------------------------------------------------


async def test_a_business_call_carries_the_business_token(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    def tokens(request: Received) -> bytes:
        value = "business" if BUSINESS in request.target else "partner"
        return answer(200, {"access_token": value, "expires_in": 3600})

    server.script_tokens = tokens
    await thredfi.business(BUSINESS).invoices.get("inv-id")
    first, second = server.token_requests
    assert first.headers["Authorization"] == "Basic cGFydG5lcjpzZWNyZXQta2V5"
    assert first.json() == {"client_id": "partner", "grant_type": "client_credentials"}
    assert second.headers["Authorization"] == "Bearer partner"
    assert server.requests[0].headers["Authorization"] == "Bearer business"


async def test_token_scope_partner_sends_the_partner_token_everywhere(
    server: ScriptedServer,
) -> None:
    async with ThredfiClient(
        partner_uuid="partner", api_key="key", base_url=server.url, token_scope="partner"
    ) as thredfi:
        await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert [request.target for request in server.token_requests] == ["/v1/platform/oauth2/token/"]


async def test_changing_a_business_takes_the_partner_token(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    await thredfi.businesses.update(BUSINESS, {"email": "a@example.com"})
    assert len(server.token_requests) == 1


async def test_a_401_is_answered_with_a_new_token_once(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    issued = iter(["p1", "old", "new"])
    server.script_tokens = lambda _: answer(200, {"access_token": next(issued), "expires_in": 3600})
    server.answers(answer(401, {"error_code": "invalid_token"}), answer(201, INVOICE))
    invoice = await thredfi.business(BUSINESS).invoices.create(BODY)
    assert invoice.id == "inv-id"
    assert [r.headers["Authorization"] for r in server.requests] == ["Bearer old", "Bearer new"]


async def test_a_second_401_is_final(server: ScriptedServer, thredfi: ThredfiClient) -> None:
    server.answers(answer(401, {"error_code": "invalid_token", "request_id": "r-1"}))
    with pytest.raises(AuthenticationFailed) as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    assert (caught.value.code, caught.value.request_id) == ("invalid_token", "r-1")
    assert len(server.requests) == 2


async def test_wrong_credentials_fail_at_once(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.script_tokens = lambda _: answer(401, {"error_code": "authentication_required"})
    with pytest.raises(AuthenticationFailed) as caught:
        await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert caught.value.operation == "get_partner_token"
    assert len(server.token_requests) == 1
    assert not server.requests


async def test_a_refused_partner_token_is_renewed_for_the_business_token(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    answers = [
        answer(200, {"access_token": "p1", "expires_in": 3600}),
        answer(401, {"error_code": "invalid_token"}),
        answer(200, {"access_token": "p2", "expires_in": 3600}),
        answer(200, {"access_token": "b", "expires_in": 3600}),
    ]
    server.script_tokens = lambda _: answers.pop(0)
    await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert server.token_requests[3].headers["Authorization"] == "Bearer p2"


@pytest.mark.parametrize(
    "token", [b"<html>", b"", b"{}", b'{"access_token": 5, "expires_in": 1}', b"[]"]
)
async def test_a_token_answer_without_a_token_is_an_error_of_ours(
    server: ScriptedServer, thredfi: ThredfiClient, token: bytes
) -> None:
    server.script_tokens = lambda _: answer(200, raw=token)
    with pytest.raises(InvalidAnswer):
        await thredfi.business(BUSINESS).invoices.get("inv-id")


@pytest.mark.parametrize("lifetime", [None, "soon", -1, 0, 10**400])
async def test_a_senseless_lifetime_counts_as_the_documented_hour(
    server: ScriptedServer, thredfi: ThredfiClient, clock: FakeClock, lifetime: object
) -> None:
    server.script_tokens = lambda _: answer(200, {"access_token": "t", "expires_in": lifetime})
    await thredfi.business(BUSINESS).invoices.get("inv-id")
    clock.advance(3200)
    await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert len(server.token_requests) == 2


# --- retries -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_create_with_an_external_id_is_sent_again_after_a_5xx(
    server: ScriptedServer, thredfi: ThredfiClient, status: int
) -> None:
    server.answers(answer(status, raw=b"<html>"), answer(200, INVOICE))
    response = await with_response(thredfi.business(BUSINESS).invoices.create(BODY))
    assert (response.attempts, response.status, response.created) == (2, 200, False)
    assert server.requests[0] == server.requests[1]


async def test_a_create_without_a_name_is_not_sent_again_after_a_5xx(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(502, raw=b"<html>"))
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).invoices.create(NAMELESS)
    assert len(server.requests) == 1
    assert caught.value.status == 502
    assert isinstance(caught.value.__cause__, ServerError)


async def test_an_unknown_outcome_says_what_was_sent_and_how_to_find_out(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(None)
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    error = caught.value
    assert (error.operation, error.method) == ("create_invoice", "POST")
    assert error.path == f"/v1/platform/businesses/{BUSINESS}/invoices/"
    assert (error.external_id, error.attempts) == ("inv-1", 5)
    assert "inv-1" in error.find_out
    assert error.find_out in str(error)


async def test_a_payment_is_sent_again_with_the_same_key(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(None, answer(503), answer(201, {"payment": {"id": "pay-id"}}))
    payment = await thredfi.business(BUSINESS).payments.create(PAYMENT)
    assert payment.id == "pay-id"
    keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_two_payments_without_external_id_have_keys_of_their_own(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, {"payment": {"id": "pay-id"}}))
    for _ in range(2):
        await thredfi.business(BUSINESS).payments.create(PAYMENT)
    first, second = (request.headers["Idempotency-Key"] for request in server.requests)
    assert first != second


async def test_a_payment_with_an_external_id_has_the_same_key_in_every_run(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, {"payment": {"id": "pay-id"}}))
    for business, name in [
        (BUSINESS, "p-1"),
        (BUSINESS, "p-1"),
        (BUSINESS, "p-2"),
        ("other", "p-1"),
    ]:
        await thredfi.business(business).payments.create({**PAYMENT, "external_id": name})
    one, again, two, elsewhere = (r.headers["Idempotency-Key"] for r in server.requests)
    assert one == again
    assert len({one, two, elsewhere}) == 3


async def test_a_key_of_the_caller_wins(server: ScriptedServer, thredfi: ThredfiClient) -> None:
    server.answers(answer(201, {"payment": {"id": "pay-id"}}))
    await thredfi.business(BUSINESS).payments.create(PAYMENT, idempotency_key="mine")
    assert server.requests[0].headers["Idempotency-Key"] == "mine"


@pytest.mark.parametrize("dropped", ["get", "update"])
async def test_reads_and_updates_are_sent_again_by_us_and_counted(
    server: ScriptedServer, thredfi: ThredfiClient, dropped: str
) -> None:
    invoices = thredfi.business(BUSINESS).invoices
    await invoices.get("inv-id")  # leaves a connection to reuse, on which aiohttp would repeat
    server.requests.clear()
    server.answers(None, None, answer(200, INVOICE))
    call = invoices.get("inv-id") if dropped == "get" else invoices.update("inv-id", {"memo": "x"})
    response = await with_response(call)
    assert response.attempts == 3
    assert len(server.requests) == 3
    assert thredfi.statistics.retries == 2


async def test_a_state_change_that_nothing_confirms_is_not_sent_again_after_a_lost_answer(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(None)
    with pytest.raises(OutcomeUnknown):
        await thredfi.business(BUSINESS).receipts.reconcile("receipt-id", {})
    assert len(server.requests) == 1


async def test_a_delete_on_a_reused_connection_is_not_repeated_behind_our_back(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    refunds = thredfi.business(BUSINESS).refunds
    await refunds.get("refund-id")
    server.requests.clear()
    server.answers(None)
    with pytest.raises(OutcomeUnknown) as caught:
        await refunds.delete("refund-id", retries=2)
    assert len(server.requests) == caught.value.attempts == 3


@pytest.mark.parametrize("status", [307, 400, 401, 403, 404, 409, 422, 423])
async def test_no_refusal_proves_that_an_attempt_whose_answer_was_lost_did_nothing(
    server: ScriptedServer, thredfi: ThredfiClient, status: int
) -> None:
    server.answers(None, answer(status, {"error_code": "conflict"}))
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).payments.create(PAYMENT)
    assert caught.value.status == status


@pytest.mark.parametrize("line", [b"HTTP/1.1 101 Switching", b"HTTP/1.1 000 None"])
async def test_a_status_that_says_nothing_leaves_the_outcome_of_a_write_unknown(
    server: ScriptedServer, thredfi: ThredfiClient, line: bytes
) -> None:
    server.answers(line + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with pytest.raises(OutcomeUnknown):
        await thredfi.business(BUSINESS).invoices.create(NAMELESS)


async def test_a_duplicate_after_a_lost_answer_may_be_our_own(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(None, answer(400, {"error_code": "duplicate_external_id"}))
    with pytest.raises(OutcomeUnknown):
        await thredfi.business(BUSINESS).invoices.create(BODY)


async def test_an_unknown_outcome_has_no_status_of_an_earlier_attempt(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(503), None)
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    assert caught.value.status is None


async def test_a_key_that_thred_does_not_look_at_is_no_advice(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(None)
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).invoices.create(NAMELESS, idempotency_key="mine")
    assert "mine" not in caught.value.find_out


async def test_a_key_of_the_caller_is_the_one_to_send_again(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(None)
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).payments.create(
            {**PAYMENT, "external_id": "p-1"}, idempotency_key="mine"
        )
    assert "idempotency_key='mine'" in caught.value.find_out


@pytest.mark.parametrize("external_id", [None, 5, ""])
async def test_a_create_whose_name_is_taken_away_by_extra_body_is_not_sent_again(
    server: ScriptedServer, thredfi: ThredfiClient, external_id: object
) -> None:
    server.answers(None)
    with pytest.raises(OutcomeUnknown) as caught:
        await thredfi.business(BUSINESS).invoices.create(
            BODY, extra_body={"external_id": external_id}
        )
    assert len(server.requests) == 1
    assert not caught.value.external_id


async def test_what_was_refused_is_not_sent_again(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    body = {"error_code": "validation_error", "message": "No.", "detail": {"sent_at": ["Bad."]}}
    server.answers(answer(400, body))
    with pytest.raises(BadRequest) as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    assert caught.value.fields == {"sent_at": ["Bad."]}
    assert len(server.requests) == 1


async def test_a_429_is_sent_again_after_the_wait_it_asks_for(
    server: ScriptedServer, thredfi: ThredfiClient, clock: FakeClock
) -> None:
    server.answers(answer(429, headers={"Retry-After": "7"}), answer(201, INVOICE))
    await thredfi.business(BUSINESS).invoices.create(NAMELESS)
    (slept,) = clock.slept
    assert 7.0 <= slept <= 7.25  # with the jitter of the first pause


async def test_an_absurd_retry_after_fails_at_once(
    server: ScriptedServer, thredfi: ThredfiClient, clock: FakeClock
) -> None:
    server.answers(answer(429, headers={"Retry-After": "86400"}))
    with pytest.raises(RateLimited) as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    assert caught.value.retry_after == 86400
    assert clock.slept == []


async def test_attempts_end_and_the_error_says_how_many(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(500))
    with pytest.raises(ServerError) as caught:
        await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert caught.value.attempts == len(server.requests) == 5


async def test_retries_can_be_set_per_call(server: ScriptedServer, thredfi: ThredfiClient) -> None:
    server.answers(answer(500))
    with pytest.raises(ServerError):
        await thredfi.business(BUSINESS).invoices.get("inv-id", retries=0)
    assert len(server.requests) == 1


async def test_a_wait_beyond_the_deadline_is_not_begun(
    server: ScriptedServer, thredfi: ThredfiClient, clock: FakeClock
) -> None:
    server.answers(answer(503, headers={"Retry-After": "30"}))
    with pytest.raises(ServerError):
        await thredfi.business(BUSINESS).invoices.get("inv-id", deadline=20)
    assert clock.slept == []


async def test_no_connection_means_not_sent(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    store = MemoryTokenStore()
    token = Token.issued("t", lifetime=3600, now=time.time())
    await store.put(TokenKey(url, "p", BUSINESS), token)
    async with ThredfiClient(
        partner_uuid="p",
        api_key="k",
        base_url=url,
        token_store=store,
    ) as thredfi:
        with pytest.raises(TransportError, match="no connection") as caught:
            await thredfi.business(BUSINESS).invoices.create(NAMELESS, retries=1)
    assert caught.value.attempts == 2


async def test_an_attempt_that_hangs_ends_at_its_timeout(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    async def hang(request: Received) -> bytes | None:
        await asyncio.sleep(30)
        return None

    await thredfi.business(BUSINESS).invoices.get("inv-id")
    server.script = hang
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no answer within"):
        await thredfi.business(BUSINESS).invoices.create(NAMELESS, timeout=0.05)
    assert time.monotonic() - began < 10


async def test_a_call_that_queues_beyond_its_deadline_was_not_sent(server: ScriptedServer) -> None:
    release = asyncio.Event()

    async def hold(request: Received) -> bytes:
        await release.wait()
        return answer(200, INVOICE)

    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, max_connections=1
    ) as thredfi:
        await thredfi.tokens.business(BUSINESS)
        invoices = thredfi.business(BUSINESS).invoices
        server.script = hold
        first = asyncio.create_task(invoices.get("one"))
        await server.arrived.wait()
        with pytest.raises(DeadlineExceeded):
            await invoices.create(NAMELESS, deadline=0.05)
        release.set()
        await first
        assert len(server.requests) == 1
        server.answers(answer(200, INVOICE))
        await invoices.get("two")


async def test_a_cancelled_call_leaves_room_for_the_next(server: ScriptedServer) -> None:
    async def hang(request: Received) -> bytes | None:
        await asyncio.sleep(30)
        return None

    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, max_connections=1
    ) as thredfi:
        invoices = thredfi.business(BUSINESS).invoices
        server.script = hang
        call = asyncio.create_task(invoices.get("one"))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.answers(answer(200, INVOICE))
        assert (await invoices.get("two", deadline=5)).id == "inv-id"


# --- answers -------------------------------------------------------------------------

BROKEN = [
    answer(200, raw=b"<html><body>Sign in to the hotel's network</body></html>"),
    answer(200, raw=b'{"id": "inv-id", "sta'),
    answer(200, raw=b""),
    answer(200, raw=b"\xff\xfe\x00"),
    b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
    b"SSH-2.0-OpenSSH_9.2\r\nconnection: close\r\n\r\n",
    b"HTTP/1.1 999999 ?\r\nconnection: close\r\n\r\n",
]


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_answer_to_a_read_is_an_error_of_ours(
    server: ScriptedServer, thredfi: ThredfiClient, broken: bytes
) -> None:
    server.answers(broken)
    with pytest.raises((InvalidAnswer, TransportError)):
        await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert len(server.requests) == 5


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_answer_to_a_write_leaves_its_outcome_unknown(
    server: ScriptedServer, thredfi: ThredfiClient, broken: bytes
) -> None:
    server.answers(broken)
    with pytest.raises(OutcomeUnknown):
        await thredfi.business(BUSINESS).invoices.create(NAMELESS)
    assert len(server.requests) == 1


async def test_a_broken_answer_to_a_named_write_is_cured_by_a_replay(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, raw=b'{"id": '), answer(200, INVOICE))
    assert (await thredfi.business(BUSINESS).invoices.create(BODY)).id == "inv-id"


async def test_an_answer_that_differs_from_the_model_is_read_and_noted(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, {**INVOICE, "total_amount": "12.50", "novel": {"a": 1}}))
    invoice = await thredfi.business(BUSINESS).invoices.create(NAMELESS)
    assert invoice.id == "inv-id"
    assert invoice.total_amount == "12.50"  # type: ignore[comparison-overlap]
    noted = {(name, drift.path): times for (name, drift), times in thredfi.drift.items()}
    assert noted == {("create_invoice", "total_amount"): 1, ("create_invoice", "novel"): 1}


async def test_a_committed_write_is_no_failure_for_a_number_that_fits_no_float(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    raw = b'{"id": "inv-id", "line_items": [{"quantity": 1%s}]}' % (b"0" * 400)
    server.answers(answer(201, raw=raw))
    assert (await thredfi.business(BUSINESS).invoices.create(NAMELESS)).id == "inv-id"


@pytest.mark.parametrize(
    "raw",
    [
        b'\xef\xbb\xbf{"id": "inv-id"}',
        b'{"id": "inv-id", "memo": "\\ud83d"}',
        b'{"id": "inv-id", "subtotal": NaN}',
        b'{"id": "inv-id", "subtotal": 1e999}',
    ],
)
async def test_json_that_is_not_quite_json_is_read_and_noted(
    server: ScriptedServer, thredfi: ThredfiClient, raw: bytes
) -> None:
    server.answers(answer(201, raw=raw))
    assert (await thredfi.business(BUSINESS).invoices.create(NAMELESS)).id == "inv-id"
    assert thredfi.drift


async def test_an_object_in_an_array_of_one_is_taken_out(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(200, [INVOICE]))
    assert (await thredfi.business(BUSINESS).invoices.get("inv-id")).id == "inv-id"


@pytest.mark.parametrize("body", [{"payment": {"id": "pay-id"}}, {"id": "pay-id"}])
async def test_a_payment_is_read_with_and_without_its_wrapper(
    server: ScriptedServer, thredfi: ThredfiClient, body: dict[str, Any]
) -> None:
    server.answers(answer(201, body))
    assert (await thredfi.business(BUSINESS).payments.create(PAYMENT)).id == "pay-id"


async def test_an_answer_above_the_size_limit_is_cut_off(server: ScriptedServer) -> None:
    server.answers(answer(200, {"memo": "x" * 10_000}))
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, max_answer_size=5000
    ) as thredfi:
        with pytest.raises(InvalidAnswer, match="5000 bytes"):
            await thredfi.business(BUSINESS).invoices.get("inv-id", retries=0)


async def test_redirects_are_refused(server: ScriptedServer, thredfi: ThredfiClient) -> None:
    server.answers(answer(307, headers={"Location": "http://127.0.0.1:1/elsewhere"}))
    with pytest.raises(ApiError, match="base URL") as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    assert caught.value.status == 307
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(server: ScriptedServer, thredfi: ThredfiClient) -> None:
    server.answers(answer(200, INVOICE, {"Set-Cookie": "a=b; Path=/"}))
    for _ in range(2):
        await thredfi.business(BUSINESS).invoices.get("inv-id")
    assert "Cookie" not in server.requests[1].headers


async def test_with_response_shows_what_came_around_the_answer(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, INVOICE, {"X-Request-ID": "r-9"}))
    response = await with_response(thredfi.business(BUSINESS).invoices.create(BODY))
    assert response.value.id == "inv-id"
    assert (response.status, response.created, response.attempts) == (201, True, 1)
    assert response.request_id == "r-9"
    assert b"inv-id" in response.body


async def test_with_response_refuses_what_it_can_not_look_into(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    task = asyncio.create_task(thredfi.business(BUSINESS).invoices.get("inv-id"))
    await task
    with pytest.raises(TypeError, match="un-awaited"):
        await with_response(task)


# --- requests ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../x", "a/b", "a?b=c", "a#b", "a%2Fb", "a b", "ä"])
async def test_no_id_changes_the_path(
    server: ScriptedServer, thredfi: ThredfiClient, name: str
) -> None:
    await thredfi.business(BUSINESS).invoices.get(name)
    path = server.requests[0].target.removeprefix(f"/v1/platform/businesses/{BUSINESS}/invoices/")
    assert path.endswith("/")
    assert "/" not in path[:-1]
    assert "?" not in path
    assert "#" not in path


@pytest.mark.parametrize("name", ["", ".", "..", None, 5, ["inv-id"], {}, "\ud800"])
async def test_what_is_no_id_is_refused_before_anything_is_sent(
    server: ScriptedServer, thredfi: ThredfiClient, name: Any
) -> None:
    with pytest.raises(InvalidRequest, match="invoice_id"):
        await thredfi.business(BUSINESS).invoices.get(name)
    assert not server.requests


async def test_lists_of_values_are_sent_as_documented(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(200, {"count": 0, "results": []}))
    invoices = thredfi.business(BUSINESS).invoices
    await invoices.list(status=["sent", "partially_paid"], search="a&b=c").collect()
    query = server.requests[0].target.partition("?")[2]
    assert set(query.split("&")) == {
        "search=a%26b%3Dc",
        "status=sent,partially_paid",
        "page=1",
        "page_size=100",
    }


async def test_extra_body_query_and_headers_are_sent_along(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, INVOICE))
    await thredfi.business(BUSINESS).invoices.create(
        BODY,
        extra_body={"novel": {"a": 1}, "memo": None},
        extra_query={"expand": ["a", "b"]},
        extra_headers={"X-Trace": "t-1"},
    )
    request = server.requests[0]
    assert request.json() == {**BODY, "novel": {"a": 1}, "memo": None}
    assert request.target.endswith("?expand=a&expand=b")
    assert request.headers["X-Trace"] == "t-1"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-Injected: 1"},
        {"X-A\r\nB": "c"},
        {"Authorization": "Bearer stolen"},
        {"X-A": "b\x00"},
    ],
)
async def test_no_header_can_be_injected(
    server: ScriptedServer, thredfi: ThredfiClient, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequest, match="extra_headers"):
        await thredfi.business(BUSINESS).invoices.get("inv-id", extra_headers=headers)
    with pytest.raises(InvalidRequest, match="idempotency_key"):
        await thredfi.business(BUSINESS).invoices.create(BODY, idempotency_key="a\r\nb: c")
    assert not server.requests


async def test_an_unknown_key_is_refused_and_the_nearest_known_one_suggested(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    with pytest.raises(InvalidRequest, match=r"line_items\[0\]\.unit_prise.*unit_price"):
        await thredfi.business(BUSINESS).invoices.create(
            {**BODY, "line_items": [{"quantity": 1, "unit_prise": 5}]}
        )
    assert not server.requests
    assert not server.token_requests


@pytest.mark.parametrize(
    "option",
    [
        {"timeout": 0},
        {"timeout": None},
        {"timeout": "5"},
        {"timeout": True},
        {"deadline": -1},
        {"deadline": float("nan")},
        {"retries": -1},
        {"retries": None},
        {"retries": 1.5},
        {"idempotency_key": ""},
        {"idempotency_key": 5},
        {"extra_body": [("a", 1)]},
        {"extra_query": "a=1"},
        {"extra_query": {1: 2}},
        {"extra_query": {"extra_query": {"a": 1}}},
        {"extra_query": {"extra_query": b"a"}},
        {"extra_query": {"extra_query": float("nan")}},
        {"extra_query": {"extra_query": "\ud800"}},
        {"extra_headers": "a: b"},
        {"extra_headers": {1: "b"}},
        {"extra_headers": {"idempotency-key": "mine"}},
    ],
)
async def test_an_option_without_sense_is_refused(
    server: ScriptedServer, thredfi: ThredfiClient, option: Any
) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(option))):
        await thredfi.business(BUSINESS).invoices.get("x", **option)
    assert not server.requests


async def test_a_misspelt_argument_is_refused_and_the_nearest_one_suggested(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    invoices = thredfi.business(BUSINESS).invoices
    with pytest.raises(InvalidRequest, match=r"timout.*timeout"):
        await invoices.get("x", timout=5)  # type: ignore[call-arg]
    with pytest.raises(InvalidRequest, match=r"statuses.*status"):
        await invoices.list(statuses=["sent"]).collect()  # type: ignore[call-arg]
    assert not server.requests


@pytest.mark.parametrize(
    "body",
    [
        {**BODY, "external_id": "\ud800"},
        {**BODY, "line_items": [{"quantity": float("nan"), "unit_price": 1}]},
        {**BODY, "line_items": [{"quantity": float("inf"), "unit_price": 1}]},
    ],
)
async def test_what_json_can_not_carry_is_refused_before_anything_is_sent(
    server: ScriptedServer, thredfi: ThredfiClient, body: Any
) -> None:
    with pytest.raises(InvalidRequest):
        await thredfi.business(BUSINESS).invoices.create(body)
    assert not server.requests


async def test_a_body_that_holds_itself_is_refused(thredfi: ThredfiClient) -> None:
    endless: dict[str, Any] = {}
    endless["metadata"] = endless
    with pytest.raises(InvalidRequest):
        await thredfi.business(BUSINESS).invoices.create(BODY, extra_body=endless)


async def test_a_model_of_another_operation_is_refused(thredfi: ThredfiClient) -> None:
    from thredfi_async.models import CreateCustomerRequest

    with pytest.raises(InvalidRequest, match="CreateInvoiceRequest or a mapping"):
        await thredfi.business(BUSINESS).invoices.create(CreateCustomerRequest())  # type: ignore[arg-type]


# --- the client ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"base_url": "http://api.thredfi.com"}, "unencrypted"),
        ({"base_url": "ftp://x"}, "https"),
        ({"base_url": "api.thredfi.com"}, "https"),
        ({"base_url": "https://user:pw@x"}, "user"),
        ({"base_url": "https://x", "environment": "sandbox"}, "not both"),
        ({"environment": "prod"}, "sandbox, production"),
        ({"token_scope": "none"}, "token_scope"),
        ({"max_connections": 0}, "max_connections"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": None}, "timeout"),
        ({"connect_timeout": "5"}, "connect_timeout"),
        ({"max_connections": 1.5}, "max_connections"),
        ({"max_answer_size": 0}, "max_answer_size"),
        ({"user_agent": "a\r\nX-Injected: b"}, "user_agent"),
        ({"partner_uuid": ""}, "THREDFI_PARTNER_UUID"),
    ],
)
def test_a_client_that_can_not_work_is_refused_with_the_remedy(
    arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        ThredfiClient(**{"partner_uuid": "p", "api_key": "k", **arguments})


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1/", "http://[::1]:1"])
def test_plain_http_is_for_loopback(url: str) -> None:
    ThredfiClient(partner_uuid="p", api_key="k", base_url=url)


def test_the_environment_configures_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREDFI_PARTNER_UUID", "p")
    monkeypatch.setenv("THREDFI_API_KEY", "k")
    monkeypatch.setenv("THREDFI_ENVIRONMENT", "production")
    assert "api.thredfi.com" in repr(ThredfiClient.from_env())
    monkeypatch.setenv("THREDFI_BASE_URL", "http://localhost:1")
    assert "localhost:1" in repr(ThredfiClient.from_env())
    assert "localhost:2" in repr(ThredfiClient.from_env(base_url="http://localhost:2"))
    assert "sandbox" in repr(ThredfiClient.from_env(environment="sandbox"))


async def test_a_borrowed_session_is_used_and_left_open(server: ScriptedServer) -> None:
    async with aiohttp.ClientSession() as http:
        async with ThredfiClient(
            partner_uuid="p", api_key="k", base_url=server.url, http=http
        ) as thredfi:
            await thredfi.business(BUSINESS).invoices.get("inv-id")
        assert not http.closed


async def test_a_borrowed_session_that_adds_credentials_is_refused() -> None:
    with pytest.warns(DeprecationWarning, match="auth"):
        http = aiohttp.ClientSession(auth=aiohttp.BasicAuth("app", "secret"))
    async with http:
        with pytest.raises(ConfigurationError, match="auth"):
            ThredfiClient(partner_uuid="p", api_key="k", http=http)


async def test_a_borrowed_session_may_leave_answers_compressed(server: ScriptedServer) -> None:
    zipped = gzip.compress(b'{"id": "inv-id"}')
    server.answers(answer(201, raw=zipped, headers={"Content-Encoding": "gzip"}))
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url, http=http) as thredfi,
    ):
        assert (await thredfi.business(BUSINESS).invoices.create(NAMELESS)).id == "inv-id"


async def test_a_borrowed_session_that_was_closed_is_no_unknown_outcome(
    server: ScriptedServer,
) -> None:
    http = aiohttp.ClientSession()
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, http=http
    ) as thredfi:
        await thredfi.tokens.partner()
        await http.close()
        with pytest.raises(ConfigurationError, match="closed"):
            await thredfi.business(BUSINESS).invoices.create(BODY)


@pytest.mark.parametrize("borrowed", [False, True])
async def test_closing_ends_a_write_under_way_with_an_unknown_outcome(
    server: ScriptedServer, borrowed: bool
) -> None:
    async def hang(request: Received) -> bytes | None:
        await asyncio.sleep(30)
        return None

    server.script = hang
    http = aiohttp.ClientSession() if borrowed else None
    thredfi = ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, http=http, clock=FakeClock()
    )
    call = asyncio.create_task(thredfi.business(BUSINESS).invoices.create(BODY))
    await server.arrived.wait()
    await thredfi.aclose()
    async with asyncio.timeout(10):
        with pytest.raises(OutcomeUnknown, match="closed"):
            await call
    if http is not None:
        await http.close()


def test_a_client_taken_to_another_event_loop_says_so() -> None:
    async def first() -> ThredfiClient:
        async with ScriptedServer() as server:
            thredfi = ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url)
            await thredfi.business(BUSINESS).invoices.get("x")
            assert thredfi._session.transport._http is not None
            await thredfi._session.transport._http.close()
            return thredfi

    async def second(thredfi: ThredfiClient) -> None:
        with pytest.raises(ConfigurationError, match="event loop"):
            await thredfi.business(BUSINESS).invoices.create(NAMELESS)

    asyncio.run(second(asyncio.run(first())))


async def test_closing_leaves_no_task_and_no_socket(
    server: ScriptedServer, recwarn: pytest.WarningsRecorder
) -> None:
    async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
        await asyncio.gather(*(thredfi.business(BUSINESS).invoices.get("x") for _ in range(20)))
    await asyncio.sleep(0.05)
    assert not server._writers
    own = {asyncio.current_task()}
    assert not [t for t in asyncio.all_tasks() - own if "thredfi" in t.get_name()]
    gc.collect()
    assert not recwarn.list


async def test_a_closed_client_says_so(server: ScriptedServer) -> None:
    thredfi = ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url)
    await thredfi.aclose()
    await thredfi.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await thredfi.business(BUSINESS).invoices.get("x")


async def test_secrets_are_in_no_message_repr_or_log(
    server: ScriptedServer, thredfi: ThredfiClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers(answer(500, raw=b"<html>"))
    errors: list[ThredfiError] = []
    with caplog.at_level(logging.DEBUG, logger="thredfi_async"):
        for call in (
            thredfi.business(BUSINESS).invoices.create(BODY),
            thredfi.business(BUSINESS).invoices.get("x"),
        ):
            with pytest.raises(ThredfiError) as caught:
                await call
            errors.append(caught.value)
    token = await thredfi.tokens.partner()
    seen = [caplog.text, repr(thredfi), repr(vars(thredfi)), repr(token)]
    for error in errors:
        seen += [str(error), repr(error), repr(vars(error))]
    for text in seen:
        assert "secret-key" not in text
        assert "secret-token" not in text
        assert "c2VjcmV0LWtleQ" not in text


async def test_secrets_are_in_no_traceback_with_locals(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(201, INVOICE), answer(500), None)
    invoices = thredfi.business(BUSINESS).invoices
    await invoices.create(NAMELESS)
    errors: list[ThredfiError] = []
    for _ in range(2):
        with pytest.raises(ThredfiError) as caught:
            await invoices.create(NAMELESS)
        errors.append(caught.value)
    await thredfi.aclose()
    with pytest.raises(ThredfiError) as caught:
        await invoices.create(NAMELESS)
    errors.append(caught.value)
    for error in errors:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        lines = "".join(told.format())
        assert "secret-token" not in lines
        assert "secret-key" not in lines
        assert "c2VjcmV0LWtleQ" not in lines


async def test_drift_that_is_known_is_counted_on_when_the_list_is_full(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    server.answers(answer(200, {**INVOICE, "memo": 1}))
    invoices = thredfi.business(BUSINESS).invoices
    await invoices.get("x")
    (known,) = thredfi.drift
    for number in range(10_000):
        thredfi.drift["", Drift(str(number), "", "")] += 1
    await invoices.get("x")
    assert thredfi.drift[known] == 2


async def test_a_scripted_answer_can_be_given_by_aioresponses() -> None:
    with aioresponses() as scripted:
        base = "https://sandbox.thredfi.com/v1/platform"
        token = {"access_token": "t", "expires_in": 3600}
        scripted.post(f"{base}/oauth2/token/", payload=token)
        scripted.post(f"{base}/{BUSINESS}/oauth2/token/", payload=token)
        scripted.get(f"{base}/businesses/{BUSINESS}/invoices/x/", status=403, payload={})
        async with ThredfiClient(partner_uuid="p", api_key="k") as thredfi:
            with pytest.raises(PermissionDenied):
                await thredfi.business(BUSINESS).invoices.get("x")


async def test_a_policy_of_the_client_is_used(server: ScriptedServer) -> None:
    server.answers(answer(500))
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, retry=RetryPolicy(attempts=1)
    ) as thredfi:
        with pytest.raises(ServerError):
            await thredfi.business(BUSINESS).invoices.get("x")
    assert len(server.requests) == 1


# --- text that isn't UTF-8 --------------------------------------------------------------


@pytest.mark.parametrize("bad", [b"caf\xe9", b"\\ud83d"])
async def test_one_bad_byte_in_an_answer_makes_no_failure_of_a_committed_write(
    server: ScriptedServer, thredfi: ThredfiClient, bad: bytes
) -> None:
    server.answers(answer(201, raw=b'{"id": "inv-id", "external_id": "inv-1", "memo": "%s"}' % bad))
    invoice = await thredfi.business(BUSINESS).invoices.create(BODY)
    assert invoice.id == "inv-id"
    assert (invoice.memo or "").endswith("\ufffd")
    assert len(server.requests) == 1
    assert [drift.path for _, drift in thredfi.drift] == [""]


async def test_one_bad_byte_in_a_token_answer_is_put_up_with(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    good = b'{"access_token": "t", "expires_in": 3600, "scope": "\xe9"}'
    server.script_tokens = lambda request: answer(200, raw=good)
    assert await thredfi.business(BUSINESS).invoices.get("inv-id") is not None


async def test_a_bad_byte_in_a_refusal_and_its_headers_can_be_written_down(
    server: ScriptedServer, thredfi: ThredfiClient
) -> None:
    refusal = answer(400, raw=b'{"message": "caf\xe9"}', headers={"X-Request-ID": "r~"})
    server.answers(refusal.replace(b"r~", b"r\xe9"))
    with pytest.raises(BadRequest, match="caf\ufffd") as caught:
        await thredfi.business(BUSINESS).invoices.create(BODY)
    str(caught.value).encode()
    assert caught.value.request_id == "r\ufffd"


async def test_a_journaled_push_gets_over_text_that_can_not_be_encoded(
    server: ScriptedServer, thredfi: ThredfiClient, tmp_path: Path
) -> None:
    def script(request: Received) -> bytes:
        if request.method == "GET":
            return answer(200, {"results": [{"id": BUSINESS, "external_id": "shop"}]})
        if b"c-1" in request.body:
            return answer(201, raw=b'{"id": "c", "external_id": "c-1", "notes": "\\ud800\xe9"}')
        if b"c-3" in request.body:  # no id can be read from it
            return answer(201, raw=b'{"id": "c\\ud800", "external_id": "c-3"}')
        return answer(400, raw=b'{"message": "bad \\udfff", "detail": {"x\\ud800": ["\xe9"]}}')

    server.script = script
    records = [
        {"type": "customer", "business": "shop", "external_id": f"c-{number}", "company_name": "x"}
        for number in (1, 2, 3)
    ]
    with Journal(tmp_path / "journal") as journal:
        outcomes = [outcome async for outcome in thredfi.push(records, journal=journal)]
    assert {outcome.external_id: outcome.status for outcome in outcomes} == {
        "c-1": Status.CREATED,
        "c-2": Status.FAILED,
        "c-3": Status.UNKNOWN,
    }


# --- values that JSON can't hold ---------------------------------------------------------


def invoice_model() -> CreateInvoiceRequest:
    line = InvoiceLineItemRequest(description="Bread", quantity=1, unit_price=450)
    noon = datetime(2025, 1, 31, 12, tzinfo=UTC)
    return CreateInvoiceRequest(
        external_id="inv-1", sent_at=noon, line_items=[line], metadata={"till": 1}
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda body: body.line_items.append({"quantity": 1}), r"line_items\[1\]"),
        (lambda body: body.metadata.update(till=float("nan")), r"metadata\.till"),
        (lambda body: body.metadata.update(till="\ud800"), r"metadata\.till"),
    ],
)
async def test_a_body_that_was_spoilt_after_building_is_not_sent(
    server: ScriptedServer, thredfi: ThredfiClient, change: Any, field: str
) -> None:
    body = invoice_model()
    change(body)
    with pytest.raises(InvalidRequest, match=field):
        await thredfi.business(BUSINESS).invoices.create(body)
    assert server.requests == []


@pytest.mark.parametrize(
    "value", [float("nan"), 10**5000, datetime(2025, 1, 31), [{1: "\udfff"}]], ids=range(4)
)
@pytest.mark.parametrize("file", [None, Upload.of(b"%PDF", "invoice.pdf")])
async def test_extra_fields_that_json_can_not_hold_are_named_and_not_sent(
    server: ScriptedServer, thredfi: ThredfiClient, value: Any, file: Upload | None
) -> None:
    shop = thredfi.business(BUSINESS)
    with pytest.raises(InvalidRequest, match="novel"):
        await shop.invoices.create(BODY, file=file, extra_body={"novel": value})
    assert server.requests == []


@pytest.mark.parametrize(
    "value", [float("inf"), 10**5000, ["\ud800"], b"bytes", {"a": 1}], ids=range(5)
)
async def test_extra_query_values_that_can_not_be_written_are_named_and_not_sent(
    server: ScriptedServer, thredfi: ThredfiClient, value: Any
) -> None:
    with pytest.raises(InvalidRequest, match="novel"):
        await thredfi.business(BUSINESS).invoices.get("inv-id", extra_query={"novel": value})
    assert server.requests == []


@pytest.mark.parametrize("given", [None, True, 5, 10**5000, b"b", {}, ""], ids=type)
async def test_a_business_is_named_by_text(given):
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url="http://localhost:9"
    ) as thredfi:
        with pytest.raises(InvalidRequest, match="business_id"):
            thredfi.business(given)
        assert thredfi.business(UUID(BUSINESS)).id == BUSINESS


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("given", [10**5000, -(10**400), nested(5000), "\ud800"], ids=type)
@pytest.mark.parametrize("option", ["timeout", "deadline", "retries"])
async def test_an_option_is_refused_whatever_it_is(given, option):
    if option == "retries" and given == 10**5000:
        return  # as good as any
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url="http://localhost:9"
    ) as thredfi:
        shop = thredfi.business(BUSINESS)
        with pytest.raises(InvalidRequest, match=option) as caught:
            await shop.invoices.get("i", **{option: given})
        assert len(str(caught.value).encode()) < 300
