"""Creates whose end is told by a read: duplicates, lost answers, answers that prove nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from thredfi_async import (
    BadRequest,
    Conflict,
    OutcomeUnknown,
    RateLimited,
    RetryPolicy,
    ThredfiClient,
    with_response,
)
from thredfi_async.manner import HandedBack, History, Manner
from thredfi_async.operation import Replay
from thredfi_async.operations import (
    CREATE_CUSTOMER,
    CREATE_INVOICE,
    CREATE_INVOICE_PAYMENT,
    OPERATIONS,
)

from .support import BUSINESS, Received, ScriptedServer, answer

LOST = None
DUPLICATE = answer(409, {"error_code": "conflict", "message": "external_id already exists"})
BAD = answer(400, {"error_code": "validation_error", "message": "No.", "detail": {}})
KEY_REUSED = answer(422, {"error_code": "idempotency_key_reused", "message": "Another body."})
LINES = [{"description": "x", "quantity": 2, "unit_price": 500}]
INVOICE = {"external_id": "inv-1", "sent_at": "2025-01-01T00:00:00Z", "line_items": LINES}
PAYMENT = {
    "external_id": "pay-1",
    "amount_cents": 100,
    "invoice_id": "i",
    "payment_date": "2025-01-02",
    "payment_method": "bank_transfer",
}
VENDOR = {"external_id": "v-1", "company_name": "Mill"}
AT_THRED = {"id": "i-7", **INVOICE}


@attrs.define
class Thred:
    """A server of records: what it answers to creates is scripted, reads show its records."""

    creates: list[bytes | None]
    records: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    appears_after: int = 0  # reads, before which the records don't show
    page_info: bool = True
    reads: int = 0
    key: str = "results"
    hidden: bool = False  # in what filters show, but not in whole lists

    def __call__(self, request: Received) -> bytes | None:
        if request.method != "GET":
            return self.creates.pop(0) if len(self.creates) > 1 else self.creates[0]
        self.reads += 1
        shown = self.records if self.reads > self.appears_after else {}
        path = urlsplit(request.target)
        last = path.path.rstrip("/").rpartition("/")[2]
        if last in self.records:
            record = shown.get(last)
            return answer(404, {}) if record is None else answer(200, record)
        if last not in ("invoices", "payments", "vendors", "customers"):
            return answer(404, {"error_code": "not_found"})
        query = parse_qs(path.query)
        rows = list(shown.values())
        if self.hidden and ("search" in query or "external_id" in query):
            rows = []
        size, page = int(query["page_size"][0]), int(query["page"][0])
        cut = rows[(page - 1) * size : page * size]
        info = {"total_count": len(rows), "total_pages": max(1, -(-len(rows) // size))}
        return answer(200, {"results": cut, **({"page_info": info} if self.page_info else {})})


def sent(server: ScriptedServer) -> list[str]:
    return [request.method for request in server.requests]


async def bound(thredfi: ThredfiClient, operation: Any, body: Any, **manner: Any) -> Any:
    caller = thredfi._session.bound(Manner(**manner))
    return await with_response(caller.call(operation, path={"business_id": BUSINESS}, body=body))


# --- a refusal after an attempt of unknown outcome --------------------------------------


@pytest.mark.parametrize("refusal", [BAD, DUPLICATE, answer(422, {}), answer(404, {})])
async def test_a_refused_repeat_is_a_replay_where_the_record_is_there(server, shop, refusal):
    server.script = Thred([LOST, refusal], {"i-7": AT_THRED})
    response = await with_response(shop.invoices.create(INVOICE))
    assert (response.value.id, response.created, response.attempts) == ("i-7", False, 2)
    assert response.differences == ()
    assert sent(server) == ["POST", "POST", "GET", "GET"]


async def test_a_refused_repeat_is_unknown_where_no_read_can_prove_absence(server, shop, clock):
    server.script = Thred([LOST, BAD])
    with pytest.raises(OutcomeUnknown) as caught:
        await shop.invoices.create(INVOICE)
    assert isinstance(caught.value.__cause__, BadRequest)
    assert sum(clock.slept) < 1  # nothing to be gained by waiting


async def test_a_refused_repeat_stands_once_the_record_surely_is_not_there(server, shop, clock):
    server.script = Thred([LOST, BAD])
    with pytest.raises(BadRequest):
        await shop.vendors.create(VENDOR)
    # The lost one had a whole timeout to arrive before its absence counted.
    assert sum(clock.slept) > 29.99


async def test_what_arrives_late_is_found_by_the_look_up_that_counts(server, shop):
    record = {"id": "v", **VENDOR}
    server.script = Thred([LOST, BAD], {"v": record}, appears_after=1)
    assert (await shop.vendors.create(VENDOR)).id == "v"


async def test_absence_is_not_waited_for_beyond_the_deadline(server, shop, clock):
    server.script = Thred([LOST, BAD])
    with pytest.raises(OutcomeUnknown):
        await shop.vendors.create(VENDOR, deadline=20)
    assert sum(clock.slept) < 20


async def test_a_partial_match_is_another_record(server, shop):
    other = {"id": "v", **VENDOR, "external_id": "v-10"}
    server.script = Thred([LOST, BAD], {"v": other})
    with pytest.raises(BadRequest):
        await shop.vendors.create(VENDOR)


async def test_absence_on_a_page_that_is_not_all_of_it_proves_nothing(server, shop):
    many = {f"v{n}": {"id": f"v{n}", "external_id": f"v-1{n}"} for n in range(101)}
    server.script = Thred([LOST, BAD], many)
    with pytest.raises(OutcomeUnknown):
        await shop.vendors.create(VENDOR)
    server.script = Thred([LOST, BAD], page_info=False)
    with pytest.raises(OutcomeUnknown):
        await shop.vendors.create(VENDOR)


NO_ROWS = {"page_info": {"total_count": 0, "total_pages": 1}}


@pytest.mark.parametrize(
    "page",
    [
        NO_ROWS,
        {**NO_ROWS, "results": 5},
        {**NO_ROWS, "results": {"v": {}}},
        {**NO_ROWS, "results": "none"},
        {"results": [7], "page_info": {"total_pages": 1}},
        {"results": [{"external_id": "v-1"}], "page_info": {"total_pages": 1}},
        {"results": [{"id": {}, "external_id": "v-1"}], "page_info": {"total_pages": 1}},
        {"results": [{"id": "v\ufffd", "external_id": "v-1"}], "page_info": {"total_pages": 1}},
        {"results": [{"id": "v", "external_id": "v\ufffd1"}], "page_info": {"total_pages": 1}},
        {"results": [], "page_info": {"total_pages": "9" * 5000}},
        {"results": [], "page_info": {"total_pages": -1}},
        5,
        "none",
    ],
)
async def test_a_list_that_cannot_be_read_proves_nothing(server, shop, page):
    def script(request: Received) -> bytes | None:
        if request.method == "GET":
            return answer(200, page)
        return LOST if len(server.requests) == 1 else BAD

    server.script = script
    with pytest.raises(OutcomeUnknown):
        await shop.vendors.create(VENDOR)


async def test_what_can_be_read_of_a_list_proves_presence(server, shop):
    rows = [7, {"id": None}, {"id": "v", **VENDOR}]
    server.script = lambda request: (
        answer(200, {"results": rows}) if request.method == "GET" else DUPLICATE
    )
    assert (await shop.vendors.create(VENDOR)).id == "v"


async def test_a_look_up_that_fails_tells_nothing_and_says_so(server, shop):
    def script(request: Received) -> bytes | None:
        if request.method == "GET":
            return answer(403, {"message": "No right to lists."})
        return LOST if len(server.requests) == 1 else BAD

    server.script = script
    with pytest.raises(OutcomeUnknown) as caught:
        await shop.vendors.create(VENDOR)
    assert "No right to lists" in "".join(caught.value.__cause__.__notes__)


async def test_without_a_name_there_is_nothing_to_look_for(server, shop):
    server.script = Thred([LOST])
    with pytest.raises(OutcomeUnknown):
        await shop.invoices.create({**INVOICE, "external_id": None})
    assert sent(server) == ["POST"]


async def test_answers_that_are_all_lost_end_in_a_look_up_of_what_is_there(server, shop):
    server.script = Thred([LOST], {"i-7": AT_THRED})
    response = await with_response(shop.invoices.create(INVOICE))
    assert (response.value.id, response.attempts) == ("i-7", 5)


async def test_look_ups_are_paid_from_the_retry_budget(server, clock):
    server.script = Thred([DUPLICATE], {"i-7": AT_THRED})
    policy = RetryPolicy(budget=1)
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=clock, retry=policy
    ) as thredfi:
        shop = thredfi.business(BUSINESS)
        for _ in range(3):  # one that succeeds gives back what it took
            assert (await shop.invoices.create(INVOICE)).id == "i-7"
        server.script = Thred([answer(503)])
        with pytest.raises(OutcomeUnknown):
            await shop.invoices.create(INVOICE)
        server.script = Thred([DUPLICATE], {"i-7": AT_THRED})
        before = len(server.requests)
        with pytest.raises(OutcomeUnknown):
            await shop.invoices.create(INVOICE)
        assert sent(server)[before:] == ["POST"]


# --- a duplicate refused at once --------------------------------------------------------


async def test_a_duplicate_is_a_replay_where_the_record_is_there(server, shop):
    server.script = Thred([DUPLICATE], {"i-7": AT_THRED})
    response = await with_response(shop.invoices.create(INVOICE))
    assert (response.value.id, response.created) == ("i-7", False)


async def test_a_duplicate_of_nothing_is_a_conflict(server, shop, clock):
    server.script = Thred([DUPLICATE])
    with pytest.raises(Conflict):
        await shop.vendors.create(VENDOR)
    assert clock.slept == []  # no attempt of its own may still arrive


async def test_a_duplicate_that_nobody_can_look_up_is_unknown(server, shop):
    server.script = Thred([DUPLICATE])
    with pytest.raises(OutcomeUnknown):
        await shop.customers.create({"external_id": "c", "company_name": "C"})
    assert sent(server) == ["POST"]  # a single call walks through no list


async def test_a_conflict_of_another_kind_is_a_conflict(server, shop):
    state = answer(409, {"error_code": "invalid_state", "message": "It is void."})
    server.script = Thred([state])
    with pytest.raises(Conflict):
        await shop.refunds.create({"external_id": "r", "invoice_id": "i", "amount_cents": 1})
    assert sent(server) == ["POST", "GET"]


@pytest.mark.parametrize(
    "words",
    [
        answer(409, {"error_code": "invalid_state", "message": "It is paid."}),
        answer(409, {"error_code": "invoice_exists", "message": "Try another name."}),
        answer(400, {"external_id": ["Bereits vergeben."]}),
        answer(422, {"message": "external_id: cannot be used a second time"}),
    ],
)
async def test_a_refusal_that_may_be_of_a_duplicate_is_looked_into(server, shop, words):
    server.script = Thred([words], {"i-7": AT_THRED})
    response = await with_response(shop.invoices.create(INVOICE))
    assert (response.value.id, response.created) == ("i-7", False)


async def test_a_request_in_progress_is_waited_for_like_a_429(server, shop, clock):
    busy = answer(409, {"message": "in progress"}, {"Retry-After": "3"})
    server.answers(busy, answer(201, AT_THRED))
    assert (await shop.invoices.create(INVOICE)).id == "i-7"
    assert clock.slept[0] >= 3


async def test_an_account_is_looked_up_by_its_path(server, shop):
    account = {"id": "a-1", "code": "4000", "name": "Sales", "external_id": "acc"}
    server.script = Thred([LOST, BAD], {"acc": account})
    body = {"external_id": "acc", "name": "Sales", "code": "4000", "account_type": "revenue"}
    assert (await shop.chart_of_accounts.create(body)).id == "a-1"


async def test_an_account_whose_code_is_the_external_id_is_no_proof(server, shop):
    server.script = Thred([LOST, BAD], {"4000": {"id": "a-1", "code": "4000", "name": "Sales"}})
    body = {"external_id": "4000", "name": "Sales", "code": "4100", "account_type": "revenue"}
    with pytest.raises(OutcomeUnknown):
        await shop.chart_of_accounts.create(body)


# --- scans --------------------------------------------------------------------------------


async def test_a_push_may_walk_through_the_list(server, thredfi):
    rows = {f"c{n}": {"id": f"c{n}", "external_id": f"e{n}"} for n in range(250)}
    server.script = Thred([DUPLICATE], rows)
    body = {"external_id": "e249", "company_name": "C"}
    response = await bound(thredfi, CREATE_CUSTOMER, body, may_scan=True)
    assert response.value.id == "c249"
    body = {"external_id": "nobody", "company_name": "C"}
    with pytest.raises(Conflict):
        await bound(thredfi, CREATE_CUSTOMER, body, may_scan=True)


async def test_many_look_ups_need_few_walks(server, thredfi):
    rows = {f"c{n}": {"id": f"c{n}", "external_id": f"e{n}"} for n in range(250)}
    server.script = Thred([DUPLICATE], rows)
    bodies = [{"external_id": f"e{n}", "company_name": "C"} for n in range(200, 240)]
    calls = [bound(thredfi, CREATE_CUSTOMER, body, may_scan=True) for body in bodies]
    found = await asyncio.gather(*calls)
    assert [one.value.external_id for one in found] == [body["external_id"] for body in bodies]
    pages = [request for request in server.requests if "page=" in request.target]
    assert len(pages) == 3
    del rows["c200"]  # what a walk has shown is read again
    with pytest.raises(Conflict):
        await bound(thredfi, CREATE_CUSTOMER, bodies[0], may_scan=True)


async def test_one_walk_tells_whether_refusals_are_of_repeats(server, thredfi):
    rows = {f"c{n}": {"id": f"c{n}", "external_id": f"e{n}"} for n in range(250)}
    server.script = Thred([BAD], rows)
    for name in ("nobody", "e249", "no one", "not one"):
        body = {"external_id": name, "company_name": "C"}
        call = bound(thredfi, CREATE_CUSTOMER, body, may_scan=True, resumed=True)
        if name == "e249":
            assert (await call).value.id == "c249"
        else:
            with pytest.raises(BadRequest):
                await call
    assert len([request for request in server.requests if "page=" in request.target]) == 3


async def test_a_walk_waits_in_its_place_where_a_push_would_be_handed_back(server, thredfi):
    rows = {f"c{n}": {"id": f"c{n}", "external_id": f"e{n}"} for n in range(2000)}
    thred = Thred([DUPLICATE], rows)

    def script(request: Received) -> bytes | None:
        return answer(429, {}) if len(server.requests) % 5 == 0 else thred(request)

    server.script = script  # a walk that began anew at each 429 would never end
    body = {"external_id": "e1999", "company_name": "C"}
    found = await bound(thredfi, CREATE_CUSTOMER, body, may_scan=True, hands_back=True)
    assert found.value.id == "c1999"
    server.script = lambda request: DUPLICATE if request.method == "POST" else answer(429, {})
    body = {"external_id": "nobody", "company_name": "C"}
    with pytest.raises(HandedBack):
        await bound(thredfi, CREATE_CUSTOMER, body, may_scan=True, hands_back=True)


async def test_where_a_search_finds_nothing_a_push_walks_through_the_list(server, thredfi):
    server.script = Thred([DUPLICATE], {"i-7": AT_THRED}, hidden=True)
    response = await bound(thredfi, CREATE_INVOICE, INVOICE, may_scan=True)
    assert response.value.id == "i-7"


async def test_a_list_that_changes_while_it_is_walked_through_proves_no_absence(server, thredfi):
    rows = {f"c{n}": {"id": f"c{n}", "external_id": f"e{n}"} for n in range(250)}
    thred = Thred([DUPLICATE], rows)

    def script(request: Received) -> bytes | None:
        if "page=2" in request.target:
            rows.pop(next(iter(rows)))
        return thred(request)

    server.script = script
    with pytest.raises(OutcomeUnknown):
        await bound(
            thredfi, CREATE_CUSTOMER, {"external_id": "x", "company_name": "C"}, may_scan=True
        )


# --- answers that are no answer ----------------------------------------------------------


@pytest.mark.parametrize(
    "nothing",
    [
        answer(200, {}),
        answer(200, {"success": False, "error": "Try again"}),
        answer(202, {"detail": "queued"}),
        answer(201, {**AT_THRED, "external_id": "inv-2"}),
        answer(201, {**AT_THRED, "id": None}),
        answer(201, {**AT_THRED, "id": {}}),
        answer(201, {**AT_THRED, "id": True}),
    ],
)
async def test_an_answer_that_proves_nothing_is_unknown_and_shown(server, shop, nothing):
    server.script = Thred([nothing])
    with pytest.raises(OutcomeUnknown) as caught:
        await shop.invoices.create(INVOICE)
    assert caught.value.status in (200, 201, 202)
    body = json.loads(nothing.partition(b"\r\n\r\n")[2])
    assert json.dumps(body)[:100].strip("{}") in str(caught.value)
    server.script = Thred([nothing], {"i-7": AT_THRED})
    assert (await shop.invoices.create(INVOICE)).id == "i-7"


async def test_an_id_that_cannot_be_read_is_looked_up(server, shop):
    damaged = json.dumps(AT_THRED).encode().replace(b'"i-7"', b'"i\xff7"')
    server.script = Thred([answer(201, raw=damaged)], {"i-7": AT_THRED})
    assert (await shop.invoices.create(INVOICE)).id == "i-7"


async def test_what_is_shown_of_an_answer_is_short_and_without_the_token(server, shop):
    server.answers(answer(200, {"echo": "Bearer secret-token", "more": "x" * 5000}))
    with pytest.raises(OutcomeUnknown) as caught:
        await shop.invoices.create({**INVOICE, "external_id": None})
    assert "secret-token" not in str(caught.value)
    assert len(str(caught.value)) < 1000


async def test_a_nameless_create_needs_an_id_as_well(server, shop):
    server.answers(answer(200, {}))
    with pytest.raises(OutcomeUnknown):
        await shop.invoices.write_off("i", {"amount_cents": 1})


# --- replays with other content ----------------------------------------------------------


async def test_a_replay_with_other_content_says_what_differs(server, shop):
    line = {"description": "x", "quantity": 1, "unit_price": 2000}
    other = {**AT_THRED, "sent_at": "2025-01-01T00:00:00+00:00", "line_items": [line]}
    server.answers(answer(200, other))
    response = await with_response(shop.invoices.create(INVOICE))
    assert [str(one) for one in response.differences] == [
        "line_items (total): sent 1000, Thred has 2000"
    ]
    server.script = Thred([DUPLICATE], {"i-7": other})
    assert (await with_response(shop.invoices.create(INVOICE))).differences


async def test_a_new_record_is_not_compared(server, shop):
    server.answers(answer(201, {**AT_THRED, "memo": "theirs"}))
    response = await with_response(shop.invoices.create({**INVOICE, "memo": "ours"}))
    assert response.differences == ()


async def test_an_answer_stored_under_a_key_is_compared_by_what_is_there_now(server, shop):
    then = {"id": "p-7", "external_id": "pay-1", "amount_cents": 90}
    now = {**then, "amount_cents": 100}
    server.script = Thred([answer(200, {"payment": then})], {"p-7": now})
    response = await with_response(shop.payments.create(PAYMENT))
    assert response.differences == ()
    assert sent(server) == ["POST", "GET"]
    server.script = Thred([answer(200, {"payment": then})], {"p-7": then})
    response = await with_response(shop.payments.create(PAYMENT))
    assert [one.field for one in response.differences] == ["amount_cents"]


async def test_a_write_that_is_cancelled_while_it_is_compared_has_a_note(server, shop):
    reading = asyncio.Event()

    async def script(request: Received) -> bytes | None:
        if request.method == "POST":
            return answer(
                200, {"payment": {"id": "p-7", "external_id": "pay-1", "amount_cents": 9}}
            )
        reading.set()
        return await asyncio.Event().wait()

    server.script = script
    task = asyncio.create_task(with_response(shop.payments.create(PAYMENT)))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert "'pay-1' was cancelled after it had been sent" in caught.value.__notes__[0]


# --- one key for two bodies --------------------------------------------------------------


PINNED = "421ee2b5-dde3-5900-b9a0-929b8140e179"  # whoever changes it doubles payments


def keys(server: ScriptedServer) -> list[str]:
    return [r.headers["Idempotency-Key"] for r in server.requests if r.method == "POST"]


async def test_the_key_of_a_payment_stays_the_same_over_versions(server, shop):
    server.answers(answer(201, {"payment": {"id": "p-7"}}))
    await shop.payments.create(PAYMENT)
    assert keys(server) == [PINNED]


async def test_a_burnt_key_is_replaced_by_one_of_the_body_where_nothing_is_there(server, shop):
    created = answer(201, {"payment": {"id": "p-7", "external_id": "pay-1"}})
    server.script = Thred([KEY_REUSED, created])
    assert (await shop.payments.create(PAYMENT)).id == "p-7"
    first, second = keys(server)
    assert first != second
    assert sent(server) == ["POST", "GET", "POST"]
    server.requests.clear()
    server.script = Thred([KEY_REUSED, created])
    await shop.payments.create({**PAYMENT, "amount_cents": 99})
    assert keys(server)[0] == first
    assert keys(server)[1] not in (first, second)


async def test_a_burnt_key_of_what_is_there_is_a_replay(server, shop):
    record = {"id": "p-7", "external_id": "pay-1", "amount_cents": 90}
    server.script = Thred([KEY_REUSED], {"p-7": record})
    response = await with_response(shop.payments.create(PAYMENT))
    assert [one.field for one in response.differences] == ["amount_cents"]


async def test_a_new_key_that_is_refused_too_is_the_end(server, shop):
    server.script = Thred([KEY_REUSED])
    with pytest.raises(BadRequest):
        await shop.payments.create(PAYMENT)
    assert len(keys(server)) == 2


async def test_a_burnt_key_that_nobody_can_look_up_is_unknown(server, shop):
    server.script = Thred([KEY_REUSED], page_info=False)
    with pytest.raises(OutcomeUnknown):
        await shop.payments.create(PAYMENT)
    assert len(keys(server)) == 1


async def test_a_key_of_the_callers_own_is_not_replaced(server, shop):
    server.script = Thred([KEY_REUSED])
    with pytest.raises(BadRequest):
        await shop.payments.create(PAYMENT, idempotency_key="mine")
    assert keys(server) == ["mine"]


@pytest.mark.parametrize("page_info", [True, False])  # surely not there, and who knows
async def test_a_record_that_failed_with_other_content_has_a_new_key_at_once(
    server, thredfi, page_info
):
    created = answer(201, {"payment": {"id": "p-7", "external_id": "pay-1"}})
    server.script = Thred([created], page_info=page_info)
    response = await bound(thredfi, CREATE_INVOICE_PAYMENT, PAYMENT, changed=True)
    assert response.created
    assert sent(server) == ["GET", "POST"]
    assert keys(server) != [PINNED]


async def test_a_record_that_failed_and_is_there_all_the_same_is_a_replay(server, thredfi):
    record = {"id": "p-7", "external_id": "pay-1", "amount_cents": 90}
    server.script = Thred([BAD], {"p-7": record})
    response = await bound(thredfi, CREATE_INVOICE_PAYMENT, PAYMENT, changed=True)
    assert (response.value.id, response.attempts) == ("p-7", 0)
    assert response.differences


# --- handed back ---------------------------------------------------------------------------


BUSY = answer(429, {}, {"Retry-After": "5"})


async def test_being_told_to_wait_hands_a_call_back_and_costs_it_nothing(server, thredfi, clock):
    server.answers(BUSY, answer(201, AT_THRED))
    with pytest.raises(HandedBack) as caught:
        await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True)
    assert caught.value.retry_after == 5
    assert caught.value.history == History(0, False, None)
    assert isinstance(caught.value.error, RateLimited)
    assert clock.slept == []
    earlier = caught.value.history
    response = await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True, earlier=earlier)
    assert (response.created, response.attempts) == (True, 1)


async def test_what_was_uncertain_stays_so_over_the_rounds(server, thredfi):
    server.answers(LOST, BUSY)
    with pytest.raises(HandedBack) as caught:
        await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True)
    history = caught.value.history
    assert (history.attempts, history.uncertain) == (1, True)
    assert history.last_sent is not None
    server.script = Thred([BAD])
    with pytest.raises(OutcomeUnknown) as unknown:
        await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True, earlier=history)
    assert unknown.value.attempts == 2


async def test_a_look_up_that_is_told_to_wait_hands_the_call_back(server, thredfi):
    thred = Thred([LOST, BAD])
    server.script = lambda request: BUSY if request.method == "GET" else thred(request)
    with pytest.raises(HandedBack) as caught:
        await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True)
    assert caught.value.history.uncertain


async def test_a_call_that_is_handed_back_again_and_again_spends_no_budget(server, clock):
    thred = Thred([LOST, BAD])
    busy = True

    def script(request: Received) -> bytes | None:
        return BUSY if busy and request.method == "GET" else thred(request)

    server.script = script
    policy = RetryPolicy(budget=2)  # one for the repeat, one for the look-up
    async with ThredfiClient(
        partner_uuid="p", api_key="k", base_url=server.url, clock=clock, retry=policy
    ) as thredfi:
        history = None
        for _ in range(10):
            with pytest.raises(HandedBack) as caught:
                await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True, earlier=history)
            history = caught.value.history
        busy = False
        thred.records = {"i-7": AT_THRED}
        # Rounds that are refused count as attempts: they were answered.
        response = await bound(thredfi, CREATE_INVOICE, INVOICE, hands_back=True, earlier=history)
        assert response.value.id == "i-7"


# --- the data --------------------------------------------------------------------------------

FOUND_BY = {
    # create: (how it is found, whether its absence there proves it, the list to walk through)
    "create_vendor": ("list_vendors?external_id", True, None),
    "create_invoice_payment": ("list_invoice_payments?search", True, None),
    "create_customer_credit": ("list_customer_credits?search", True, None),
    "create_payout": ("list_payouts?external_id", True, None),
    "create_vendor_refund": ("list_vendor_refunds?external_id", True, None),
    "create_account": ("get_account_detail?account_id", True, None),
    "create_child_account": ("get_account_detail?account_id", True, None),
    "create_refund_payment": ("list_refund_payments?", True, None),
    "create_invoice": ("list_invoices?search", False, "list_invoices"),
    "create_bill": ("list_bills?search", False, "list_bills"),
    "create_vendor_credit": ("list_vendor_credits?search", False, "list_vendor_credits"),
    "create_refund": ("list_refunds?search", False, "list_refunds"),
    "create_customer": (None, False, "list_customers"),
    "create_business": (None, False, "list_businesses"),
    "create_bill_payment": ("list_bill_payments?", False, None),
    "create_vendor_refund_payment": (None, False, None),
    "create_invoice_write_off": (None, False, None),
}


def test_every_create_says_how_it_is_found_or_that_it_never_is():
    found = {}
    for operation in OPERATIONS.values():
        lookup = operation.lookup
        if lookup is not None:
            read = None if lookup.read is None else f"{lookup.read}?{lookup.by or ''}"
            found[operation.id] = (read, lookup.covers, lookup.scan)
    assert found == FOUND_BY
    for operation in OPERATIONS.values():
        creates = operation.id.startswith("create_") and not operation.undocumented
        if creates and operation.replay in (
            Replay.EXTERNAL_ID,
            Replay.IDEMPOTENCY_KEY,
            Replay.UPSERT,
        ):
            assert operation.lookup is not None, operation.id


@pytest.mark.parametrize("operation", [o for o in OPERATIONS.values() if o.lookup])
def test_what_a_look_up_reads_can_be_read_with_the_path_of_the_create(operation):
    lookup, known = operation.lookup, set(operation.path_parameters)
    for name in filter(None, (lookup.read, lookup.scan)):
        read = OPERATIONS[name]
        assert read.method == "GET"
        assert set(read.path_parameters) <= known | {lookup.by}
        parameters = {parameter.name for parameter in read.query}
        assert {name for name, _ in lookup.query} <= parameters
        if name == lookup.read and lookup.by is not None:
            assert lookup.by in parameters | set(read.path_parameters)
    if lookup.single is not None:
        assert set(OPERATIONS[lookup.single].path_parameters[:-1]) <= known
