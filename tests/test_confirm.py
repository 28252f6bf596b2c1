"""State changes whose answer was lost: what a repeat means is told by reading the state."""

from __future__ import annotations

from typing import Any

import pytest

from thredfi_async import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    RetryPolicy,
    ThredfiClient,
    with_response,
)
from thredfi_async.operation import Replay
from thredfi_async.operations import OPERATIONS

from .support import BUSINESS, FakeClock, ScriptedServer, answer

LOST = None
REFUSED = answer(409, {"error_code": "invalid_state", "message": "Already so.", "detail": {}})
GONE = answer(404, {"error_code": "not_found", "message": "No such thing.", "detail": {}})


def made(server: ScriptedServer) -> list[str]:
    return [request.method for request in server.requests]


async def test_a_refused_repeat_counts_as_done_once_the_state_says_so(server, shop):
    server.answers(LOST, REFUSED, answer(200, {"id": "inv", "status": "VOIDED"}))
    invoice = await shop.invoices.void("inv")
    assert (invoice.id, invoice.status) == ("inv", "voided")
    assert made(server) == ["POST", "POST", "GET"]
    assert server.requests[2].target.endswith("/invoices/inv/")


async def test_a_refused_repeat_is_a_refusal_when_the_state_is_as_before(server, shop):
    server.answers(LOST, REFUSED, answer(200, {"id": "inv", "status": "sent"}))
    with pytest.raises(Conflict, match="Already so"):
        await shop.invoices.void("inv")


async def test_a_change_that_arrives_late_is_seen(server, shop):
    sent, voided = ({"id": "inv", "status": status} for status in ("sent", "voided"))
    server.answers(LOST, REFUSED, answer(200, sent), answer(200, voided))
    assert (await shop.invoices.void("inv")).status == "voided"


async def test_a_change_that_may_still_arrive_is_unknown(server, shop):
    server.answers(LOST, REFUSED, answer(200, {"id": "inv", "status": "sent"}))
    with pytest.raises(OutcomeUnknown):
        await shop.invoices.void("inv", deadline=20)  # before a whole timeout has passed


async def test_a_refusal_at_once_is_not_looked_into(server, shop):
    server.answers(REFUSED)
    with pytest.raises(Conflict):
        await shop.invoices.void("inv")
    assert made(server) == ["POST"]


async def test_a_repeated_delete_that_finds_nothing_is_done_once_a_read_finds_nothing(server, shop):
    server.answers(LOST, GONE, GONE)
    await shop.refunds.delete("r")
    assert made(server) == ["DELETE", "DELETE", "GET"]


async def test_a_repeated_delete_that_finds_nothing_is_refused_when_a_read_finds_it(server, shop):
    server.answers(LOST, GONE, answer(200, {"id": "r"}))
    with pytest.raises(NotFound):
        await shop.refunds.delete("r")


async def test_a_delete_with_an_answer_answers_what_it_would_have(server, shop):
    server.answers(LOST, GONE, GONE)
    assert (await shop.payouts.delete("p")).deleted is True


async def test_a_change_is_confirmed_by_what_it_asked_for(server, shop):
    server.answers(LOST, REFUSED, answer(200, {"id": "bp", "status": "COMPLETED"}))
    payment = await shop.bill_payments.update("bp", {"status": "completed"})
    assert payment.status == "completed"
    server.answers(LOST, REFUSED, answer(200, {"id": "bp", "status": "failed"}))
    with pytest.raises(Conflict):
        await shop.bill_payments.update("bp", {"status": "completed"})
    server.answers(LOST, REFUSED, answer(200, {"id": "bp", "status": "completed"}))
    with pytest.raises(Conflict):  # it asked for no status, so the status tells nothing
        await shop.bill_payments.update("bp", {"memo": "x"})


async def test_a_state_below_another_object_confirms_as_well(server, shop):
    server.answers(LOST, REFUSED, answer(200, {"payment": {"status": "cancelled"}}))
    done = await shop.vendor_refund_payments.delete("vp")
    assert made(server) == ["POST", "POST", "GET"]
    assert done is not None


async def test_an_archived_account_is_known_by_its_flag(server, shop):
    account = {"id": "a", "code": "1", "name": "n", "currency": "GBP", "is_active": False}
    server.answers(LOST, REFUSED, answer(200, account))
    assert (await shop.chart_of_accounts.archive("a")).is_active is False


@pytest.mark.parametrize("read", [LOST, answer(403, {}), answer(200, raw=b"<html>")])
async def test_when_the_state_cant_be_read_the_outcome_stays_unknown(server, shop, read):
    server.answers(LOST, REFUSED, read)
    with pytest.raises(OutcomeUnknown) as caught:
        await shop.invoices.void("inv")
    assert caught.value.operation == "void_invoice"
    assert caught.value.__cause__ is not None


async def test_the_response_is_that_of_the_read_that_confirmed_it(server, shop):
    server.answers(LOST, REFUSED, answer(200, {"id": "inv", "status": "voided"}))
    response = await with_response(shop.invoices.void("inv"))
    assert (response.status, response.attempts) == (200, 2)


async def test_reading_the_state_keeps_to_the_deadline(server):
    clock = FakeClock()

    def script(request: Any) -> bytes | None:
        if request.method == "GET":
            clock.advance(100)
            return None
        return REFUSED if len(server.requests) > 1 else LOST

    server.script = script
    policy = RetryPolicy(deadline=10)
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=clock, retry=policy
    ) as thredfi:
        with pytest.raises(OutcomeUnknown):
            await thredfi.business(BUSINESS).invoices.void("inv")
    assert made(server) == ["POST", "POST", "GET"]


def test_every_documented_state_change_can_be_confirmed():
    for operation in OPERATIONS.values():
        if operation.replay is Replay.STATE_CHANGE and not operation.undocumented:
            assert operation.confirm is not None, operation.id
            read = OPERATIONS[operation.confirm.read]
            assert read.method == "GET"
            assert set(read.path_parameters) <= set(operation.path_parameters)
        else:
            assert operation.confirm is None, operation.id
