"""Pushing to the emulator over real sockets: what the books hold afterwards."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

import pytest

from tests.support import BUSINESS, ScriptedServer, answer
from thredfi_async import AuthenticationFailed, RateLimited, ThredfiClient, TransportError
from thredfi_async.emulator import Emulator
from thredfi_async.push import Status

pytestmark = pytest.mark.slow


@pytest.fixture
async def emulator():
    async with Emulator() as emulator:
        emulator.add_business("shop")
        emulator.add_business("cafe")
        yield emulator


@pytest.fixture
async def thredfi(emulator):
    async with emulator.client() as thredfi:
        yield thredfi


def sale(number: int, business: str = "shop") -> list[dict]:
    """A customer, an invoice of 10.00, its payment, a refund of 4.00, and 1.50 of it paid out."""
    common = {"business": business}
    return [
        {"type": "customer", **common, "external_id": f"C{number}", "company_name": "Heron Ltd"},
        {
            "type": "invoice",
            **common,
            "external_id": f"I{number}",
            "customer_external_id": f"C{number}",
            "sent_at": "2025-01-06T09:00:00Z",
            "line_items": [{"description": "Coffee", "quantity": 2, "unit_price": 500}],
        },
        {
            "type": "payment",
            **common,
            "external_id": f"P{number}",
            "customer_external_id": f"C{number}",
            "allocations": [{"invoice_external_id": f"I{number}", "amount_cents": 1000}],
            "total_amount_cents": 1000,
            "currency": "GBP",
            "payment_date": "2025-01-07",
            "payment_method": "bank_transfer",
        },
        {
            "type": "refund",
            **common,
            "external_id": f"R{number}",
            "invoice_external_id": f"I{number}",
            "amount_cents": 400,
            "method": "BANK_TRANSFER",
            "completed_at": "2025-01-08T09:00:00Z",
        },
        {
            "type": "refund_payment",
            **common,
            "external_id": f"RP{number}",
            "refund_external_id": f"R{number}",
            "amount_cents": 150,
            "method": "BANK_TRANSFER",
            "completed_at": "2025-01-09T09:00:00Z",
        },
    ]


def sales(count: int, business: str = "shop") -> list[dict]:
    return [record for number in range(count) for record in sale(number, business)]


async def push(thredfi, records, **more):
    run = thredfi.push(records, **more)
    return [outcome async for outcome in run], run.summary


def sums(books) -> tuple[int, ...]:
    totals = books.totals()
    return (totals.invoiced, totals.paid, totals.outstanding, totals.refunded, totals.refund_paid)


async def test_every_record_is_in_the_books_exactly_once(emulator, thredfi):
    outcomes, summary = await push(thredfi, sales(40))
    assert Counter(one.status for one in outcomes) == {Status.CREATED: 200}
    books = emulator.books("shop")
    assert sums(books) == (40_000, 40_000, 0, 16_000, 6_000)
    assert {c.external_id for c in books.customers.values()} == {f"C{n}" for n in range(40)}
    assert all(books.payments[one.id] for one in outcomes if one.type == "payment")
    assert emulator.requests["list_businesses"] == 1
    assert emulator.requests["get_business_token"] == 1
    assert summary.requests == 200 + 3
    assert summary.complete


async def test_the_same_input_twice_changes_nothing_and_is_all_replays(emulator, thredfi):
    first, _ = await push(thredfi, sales(20))
    before = emulator.books("shop").snapshot()
    again, summary = await push(thredfi, sales(20))
    assert Counter(one.status for one in again) == {Status.REPLAYED: 100}
    assert emulator.books("shop").snapshot() == before
    assert {one.line: one.id for one in first} == {one.line: one.id for one in again}
    assert summary.by_type()["payment"] == {
        "created": 0, "changed": 0, "replayed": 20, "differs": 0, "failed": 0, "unknown": 0
    }  # fmt: skip


async def test_the_same_input_twice_in_one_run_is_sent_once(emulator, thredfi):
    outcomes, _ = await push(thredfi, sales(10) * 2)
    assert Counter(one.status for one in outcomes) == {Status.CREATED: 50, Status.REPLAYED: 50}
    assert emulator.requests["create_invoice_payment"] == 10
    assert sums(emulator.books("shop")) == (10_000, 10_000, 0, 4_000, 1_500)


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_the_input_leads_to_the_same_books(emulator, thredfi, seed):
    records = [record for record in sales(25) if record["type"] in ("customer", "invoice")]
    records += [record for record in sales(25) if record["type"] == "payment"]
    random.Random(seed).shuffle(records)
    # what is paid back must come after what was paid
    rest = [record for record in sales(25) if record["type"].startswith("refund")]
    random.Random(seed).shuffle(rest)
    outcomes, _ = await push(thredfi, records + rest, concurrency=16)
    assert all(one.ok for one in outcomes)
    assert sums(emulator.books("shop")) == (25_000, 25_000, 0, 10_000, 3_750)


async def test_several_businesses_at_once_keep_their_own_books(emulator, thredfi):
    cafe = emulator.books("cafe").id
    mixed = [one for pair in zip(sales(20), sales(20, cafe), strict=True) for one in pair]
    outcomes, _ = await push(thredfi, mixed)
    assert all(one.ok for one in outcomes)
    for name in ("shop", "cafe"):
        assert sums(emulator.books(name)) == (20_000, 20_000, 0, 8_000, 3_000)
    assert emulator.requests["get_business_token"] == 2


async def test_one_payment_may_settle_several_invoices(emulator, thredfi):
    (customer, first, payment, *_), (_, second, *_) = sale(1), sale(2)
    second["customer_external_id"] = "C1"
    payment["allocations"].append({"invoice_external_id": "I2", "amount_cents": 1000})
    payment["total_amount_cents"] = 2000
    outcomes, _ = await push(thredfi, [payment, second, first, customer])
    assert all(one.ok for one in outcomes)
    assert emulator.books("shop").totals().outstanding == 0


async def test_the_payment_of_the_guide_needs_no_allocations(emulator, thredfi):
    customer, invoice, *_ = sale(1)
    payment = {
        "type": "payment",
        "business": "shop",
        "external_id": "P1",
        "invoice_external_id": "I1",
        "amount_cents": 1000,
        "payment_date": "2025-01-20",
        "payment_method": "bank_transfer",
    }
    outcomes, _ = await push(thredfi, [customer, invoice, payment])
    assert all(one.ok for one in outcomes), [one.reason for one in outcomes]
    assert emulator.books("shop").totals().outstanding == 0


async def test_bad_records_and_their_dependents_fail_and_the_others_get_in(emulator, thredfi):
    records = sales(4)
    records[1]["line_items"][0]["unit_price"] = 9.99  # I0: no minor units
    records[6]["memmo"] = "a slip"  # I1: unknown key
    records[10]["type"] = "costumer"  # C2
    outcomes, summary = await push(thredfi, [*records, "{", "[]"])
    failed = {one.external_id: one for one in outcomes if not one.ok}
    assert "unit_price" in failed["I0"].reason
    assert failed["I0"].attempts == 0
    assert "did you mean memo?" in failed["I1"].reason
    for number in (0, 1):
        assert failed[f"P{number}"].waited_for.external_id == f"I{number}"
        assert failed[f"RP{number}"].waited_for.external_id == f"R{number}"
    assert "did you mean customer?" in failed["C2"].reason
    assert {name for name in failed if name and name.endswith("3")} == set()
    assert sums(emulator.books("shop"))[0] == 1000
    assert summary.records == len(outcomes) == 22


async def test_a_refusal_carries_what_thred_said(emulator, thredfi):
    records = sale(1)
    records[2]["total_amount_cents"] = 5000
    records[2]["allocations"][0]["amount_cents"] = 5000
    outcomes, _ = await push(thredfi, records)
    payment = next(one for one in outcomes if one.type == "payment")
    error = payment.as_failed_line()["error"]
    assert (error["type"], error["status"], error["code"]) == (
        "BadRequest",
        400,
        "validation_error",
    )
    assert "Only 1000 of the invoice is outstanding" in str(error["fields"])


async def test_the_failed_lines_go_in_after_mending_without_the_rest(emulator, thredfi):
    records = sales(3)
    records[2]["payment_date"] = "2025-13-45"  # P0, and with it the refund of what was paid
    outcomes, _ = await push(thredfi, records)
    lines = [json.dumps(one.as_failed_line()) for one in outcomes if not one.ok]
    assert {json.loads(line)["record"]["external_id"] for line in lines} == {"P0", "R0", "RP0"}
    mended = [line.replace("2025-13-45", "2025-01-05") for line in sorted(lines, key=_by_line)]
    again, _ = await push(thredfi, mended)
    assert all(one.ok for one in again), [one.reason for one in again]
    assert sums(emulator.books("shop")) == (3_000, 3_000, 0, 1_200, 450)


def _by_line(line: str) -> int:
    return json.loads(line)["line"]


async def test_a_customer_of_an_earlier_run_is_found_by_thred_itself(emulator, thredfi):
    customer, invoice, *_ = sale(1)
    await push(thredfi, [customer])
    (outcome,), _ = await push(thredfi, [invoice])
    assert outcome.ok
    (stored,) = emulator.books("shop").invoices.values()
    assert stored.customer.external_id == "C1"


async def test_a_customer_that_nobody_knows_is_threds_to_refuse(thredfi):
    _, invoice, *_ = sale(1)
    (outcome,), _ = await push(thredfi, [invoice])
    assert not outcome.ok
    assert outcome.error.status == 400


async def test_what_the_models_do_not_know_yet_goes_through_extra_body(emulator, thredfi):
    customer = sale(1)[0] | {"extra_body": {"city": "York"}}
    (outcome,), _ = await push(thredfi, [customer])
    assert outcome.ok
    (stored,) = emulator.books("shop").customers.values()
    assert stored.fields["city"] == "York"


async def test_wrong_credentials_end_the_run_at_once(emulator):
    async with emulator.client(api_key="wrong") as thredfi:
        with pytest.raises(AuthenticationFailed):
            await push(thredfi, sales(100))
    assert emulator.requests.total() == 1


async def test_a_server_that_is_not_there_ends_the_run():
    async with Emulator() as emulator:
        url = emulator.url
    async with emulator.client(base_url=url) as thredfi:
        with pytest.raises(TransportError):
            await push(thredfi, sales(1))


async def test_tokens_that_are_revoked_on_the_way_fail_no_record(emulator, thredfi):
    run = thredfi.push(sales(60), concurrency=8)
    ended = 0
    async for outcome in run:
        assert outcome.ok, outcome.reason
        ended += 1
        if ended in (50, 150):
            emulator.revoke_tokens()
    assert ended == 300
    assert sums(emulator.books("shop")) == (60_000, 60_000, 0, 24_000, 9_000)


@pytest.mark.parametrize("kind", ["changed_type", "dropped_field", "unknown_field"])
async def test_answers_of_another_shape_do_no_harm(kind):
    async with Emulator(seed=1) as emulator, emulator.client() as thredfi:
        emulator.add_business("shop")
        records = [
            {"type": "customer", "business": "shop", "external_id": f"C{n}"} for n in range(60)
        ]
        emulator.faults.add(kind)
        ends = [outcome.status async for outcome in thredfi.push(records)]
    assert set(ends) <= {"created", "replayed", "failed"}
    assert len(emulator.books("shop").customers) in (0, 60)  # 0: no business was found by its name


@pytest.mark.parametrize("retry_after", ["none", "seconds"])
async def test_no_record_fails_of_429s(emulator, thredfi, retry_after):
    emulator.faults.add(
        "status", status=429, probability=0.1, retry_after=retry_after, seconds=0.05,
        operations=("create_*",),
    )  # fmt: skip
    outcomes, summary = await push(thredfi, sales(40))
    assert Counter(one.status for one in outcomes) == {Status.CREATED: 200}
    assert sums(emulator.books("shop")) == (40_000, 40_000, 0, 16_000, 6_000)
    assert summary.complete


async def test_a_wait_of_a_day_ends_the_push_and_fails_no_record(emulator, thredfi):
    emulator.faults.add(
        "status", status=429, retry_after="seconds", seconds=86_400, operations=("create_customer",)
    )
    run = thredfi.push(sales(40))
    with pytest.raises(RateLimited, match="86,400 s"):
        async for _ in run:
            pass
    assert run.summary.failed == 0
    assert run.summary.unsent == run.summary.records > 0


async def test_a_limit_of_500_requests_a_second_fails_no_record():
    """What a server does that counts requests, and a client that could do many more."""
    made, left, refilled, refused = 0, 100.0, None, 0
    loop = asyncio.get_running_loop()

    def script(request):
        nonlocal made, left, refilled, refused
        if request.method == "GET":
            return answer(200, {"results": [{"id": BUSINESS, "external_id": "shop"}],
                                "page_info": {"page": 1, "total_pages": 1}})  # fmt: skip
        now = loop.time()
        left = min(100.0, left + 500 * (now - (refilled or now)))
        refilled = now
        if left < 1:
            refused += 1
            return answer(429, {"message": "slow down"})
        left -= 1
        made += 1
        return answer(201, {"id": f"id-{made}", "external_id": request.json()["external_id"]})

    async with ScriptedServer() as server:
        server.script = script
        async with ThredfiClient(
            partner_uuid="p", api_key="k", base_url=server.url, max_connections=256
        ) as thredfi:
            records = [
                {"type": "customer", "business": "shop", "external_id": f"C{number}"}
                for number in range(800)
            ]
            outcomes, summary = await push(thredfi, records, concurrency=256)
    assert Counter(one.status for one in outcomes) == {Status.CREATED: 800}
    assert summary.complete
    assert refused > 0


async def test_a_record_that_thred_has_with_other_content_is_told_so(emulator, thredfi):
    await push(thredfi, sales(2))
    changed = sales(2)
    changed[1]["line_items"][0]["unit_price"] = 700  # I0, which is paid
    outcomes, summary = await push(thredfi, changed)
    differs = [one for one in outcomes if not one.ok]
    assert [one.external_id for one in differs] == ["I0"]
    assert differs[0].status is Status.DIFFERS
    assert differs[0].id
    assert differs[0].differences
    assert differs[0].as_failed_line()["differences"]
    assert summary.differs == 1
    assert summary.complete
    assert sums(emulator.books("shop"))[0] == 2_000


async def test_one_business_that_is_throttled_does_not_hold_the_others(emulator, thredfi):
    emulator.faults.add(
        "throttle", rate=10, business=emulator.books("shop").id, operations=("create_*",)
    )
    throttled = [
        {"type": "customer", "business": "shop", "external_id": f"C{number}"}
        for number in range(40)
    ]
    outcomes, summary = await push(thredfi, [*throttled, *sales(4, "cafe")], concurrency=16)
    assert Counter(one.status for one in outcomes) == {Status.CREATED: 60}
    assert summary.complete
    ends = [one.business for one in outcomes]
    assert ends.index("cafe") < 30, "they don't wait for those before them"
    assert ends[-5:] == ["shop"] * 5
    assert emulator.faults.struck["throttle"] > 0


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_server_that_refuses_what_it_has_is_understood(emulator, thredfi, status):
    records = sales(4)
    await push(thredfi, records)
    before = emulator.books("shop").snapshot()
    emulator.faults.add("duplicate", status=status)
    again, summary = await push(thredfi, records)
    ends = Counter((one.type, one.status) for one in again)
    assert emulator.books("shop").snapshot() == before
    assert {status for _, status in ends} <= {Status.REPLAYED, Status.DIFFERS}, ends
    assert summary.complete
