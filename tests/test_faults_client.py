"""The client against an emulator that misbehaves: nothing is lost, nothing is doubled.

What a write leaves in the books under a fault is held against what it leaves without one.
"""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import pytest

from thredfi_async import (
    AuthenticationFailed,
    BusinessClient,
    InvalidAnswer,
    OutcomeUnknown,
    RateLimited,
    RetryPolicy,
    ServerError,
    ThredfiClient,
    ThredfiError,
    TransportError,
    with_response,
)
from thredfi_async.clock import Clock, SystemClock
from thredfi_async.drift import Drift
from thredfi_async.emulator import Books, Emulator
from thredfi_async.operation import Replay
from thredfi_async.operations import OPERATIONS

from .support import FakeClock

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

TIMEOUT = 0.25  # seconds that an attempt may take where a fault is slower than that
MOST = 1 << 20  # bytes of an answer

Call = Callable[[], Awaitable[Any]]
Write = Callable[[BusinessClient], Awaitable[Call]]


# --- writes of every replay rule ---------------------------------------------------------

NOON = "2025-06-01T12:00:00Z"
LINES = [{"description": "Work", "quantity": 1, "unit_price": 10_000}]
WRITES: dict[str, Write] = {}


def write(operation: str, variant: str = "") -> Callable[[Write], Write]:
    """A write to try out: what it needs is made first, and the call itself comes back."""

    def keep(make: Write) -> Write:
        WRITES[f"{operation} {variant}".rstrip()] = make
        return make

    return keep


async def invoice(shop: BusinessClient, **fields: Any) -> Any:
    body = {"external_id": "i-1", "sent_at": NOON, "line_items": LINES}
    return await shop.invoices.create({**body, **fields})


async def payment(shop: BusinessClient, invoice_id: str, **fields: Any) -> Any:
    body = {
        "external_id": "p-1",
        "invoice_id": invoice_id,
        "amount_cents": 10_000,
        "payment_date": "2025-06-02",
        "payment_method": "bank_transfer",
    }
    return await shop.payments.create({**body, **fields})


async def refund(shop: BusinessClient) -> Any:
    made = await invoice(shop)
    await payment(shop, made.id)
    body = {"external_id": "r-1", "invoice_id": made.id, "amount_cents": 4_000}
    return await shop.refunds.create(body)


async def refund_payment(shop: BusinessClient, refund_id: str) -> Any:
    body = {"external_id": "rp-1", "amount_cents": 1_000, "method": "CASH"}
    return await shop.refund_payments.create(refund_id, body)


async def vendor(shop: BusinessClient) -> Any:
    return await shop.vendors.create({"external_id": "v-1", "company_name": "Mill Ltd"})


async def bill(shop: BusinessClient, vendor_id: str) -> Any:
    body = {"external_id": "b-1", "vendor_id": vendor_id, "received_at": NOON, "line_items": LINES}
    return await shop.bills.create(body)


async def bill_payment(shop: BusinessClient, made: Any, **fields: Any) -> Any:
    body = {
        "external_id": "bp-1",
        "vendor_id": made.vendor.id,
        "amount_cents": 10_000,
        "currency": "GBP",
        "payment_date": "2025-06-02",
        "allocations": [{"bill_id": made.id, "amount_cents": 10_000}],
    }
    return await shop.bill_payments.create({**body, **fields})


@write("create_customer")
async def _(shop: BusinessClient) -> Call:
    body = {"external_id": "c-1", "company_name": "Buyer Ltd"}
    return lambda: shop.customers.create(body)


@write("create_customer", "nameless")
async def _(shop: BusinessClient) -> Call:
    return lambda: shop.customers.create({"company_name": "Buyer Ltd"})


@write("create_invoice")
async def _(shop: BusinessClient) -> Call:
    return lambda: invoice(shop)


@write("create_invoice", "nameless")
async def _(shop: BusinessClient) -> Call:
    return lambda: shop.invoices.create({"sent_at": NOON, "line_items": LINES})


@write("create_refund")
async def _(shop: BusinessClient) -> Call:
    made = await invoice(shop)
    await payment(shop, made.id)
    body = {"external_id": "r-1", "invoice_id": made.id, "amount_cents": 4_000}
    return lambda: shop.refunds.create(body)


@write("create_refund_payment")
async def _(shop: BusinessClient) -> Call:
    made = await refund(shop)
    return lambda: refund_payment(shop, made.id)


@write("create_vendor")
async def _(shop: BusinessClient) -> Call:
    return lambda: vendor(shop)


@write("create_bill")
async def _(shop: BusinessClient) -> Call:
    made = await vendor(shop)
    return lambda: bill(shop, made.id)


@write("create_invoice_payment")
async def _(shop: BusinessClient) -> Call:
    made = await invoice(shop)
    return lambda: payment(shop, made.id)


@write("create_invoice_payment", "nameless")
async def _(shop: BusinessClient) -> Call:
    made = await invoice(shop)
    return lambda: payment(shop, made.id, external_id=None)


@write("create_bill_payment")
async def _(shop: BusinessClient) -> Call:
    made = await bill(shop, (await vendor(shop)).id)
    return lambda: bill_payment(shop, made)


@write("update_customer")
async def _(shop: BusinessClient) -> Call:
    made = await shop.customers.create({"external_id": "c-1", "company_name": "Buyer Ltd"})
    return lambda: shop.customers.update(made.id, {"company_name": "Other Ltd"})


@write("update_invoice")
async def _(shop: BusinessClient) -> Call:
    made = await invoice(shop)
    lines = [{"description": "More", "quantity": 2, "unit_price": 7_000}]
    return lambda: shop.invoices.update(made.id, {"line_items": lines})


@write("void_invoice")
async def _(shop: BusinessClient) -> Call:
    made = await invoice(shop)
    return lambda: shop.invoices.void(made.id)


@write("archive_customer")
async def _(shop: BusinessClient) -> Call:
    made = await shop.customers.create({"external_id": "c-1", "company_name": "Buyer Ltd"})
    return lambda: shop.customers.archive(made.id)


@write("unarchive_customer")
async def _(shop: BusinessClient) -> Call:
    made = await shop.customers.create({"external_id": "c-1", "company_name": "Buyer Ltd"})
    await shop.customers.archive(made.id)
    return lambda: shop.customers.unarchive(made.id)


@write("archive_vendor")
async def _(shop: BusinessClient) -> Call:
    made = await vendor(shop)
    return lambda: shop.vendors.archive(made.id)


@write("delete_invoice_payment")
async def _(shop: BusinessClient) -> Call:
    made = await payment(shop, (await invoice(shop)).id)
    await shop.payments.update(made.id, {"status": "pending"})
    return lambda: shop.payments.delete(made.id)


@write("delete_refund")
async def _(shop: BusinessClient) -> Call:
    made = await refund(shop)
    return lambda: shop.refunds.delete(made.id)


@write("delete_refund_payment")
async def _(shop: BusinessClient) -> Call:
    made = await refund(shop)
    paid = await refund_payment(shop, made.id)
    return lambda: shop.refund_payments.delete(made.id, paid.id)


@write("void_bill")
async def _(shop: BusinessClient) -> Call:
    made = await bill(shop, (await vendor(shop)).id)
    return lambda: shop.bills.void(made.id)


@write("update_bill_payment")
async def _(shop: BusinessClient) -> Call:
    made = await bill(shop, (await vendor(shop)).id)
    paid = await bill_payment(shop, made)
    return lambda: shop.bill_payments.update(paid.id, {"status": "completed"})


@write("delete_bill_payment")
async def _(shop: BusinessClient) -> Call:
    made = await bill(shop, (await vendor(shop)).id)
    paid = await bill_payment(shop, made)
    return lambda: shop.bill_payments.delete(paid.id)


@write("archive_account")
async def _(shop: BusinessClient) -> Call:
    body = {"external_id": "a-1", "name": "Tips", "code": "4987", "account_type": "revenue"}
    made = await shop.chart_of_accounts.create(body)
    return lambda: shop.chart_of_accounts.archive(made.id)


@write("create_invoice_write_off")
async def _(shop: BusinessClient) -> Call:
    made = await invoice(shop)
    body = {"amount_cents": 2_500}
    return lambda: shop.invoices.write_off(made.id, body)


# --- the stage ---------------------------------------------------------------------------


@attrs.frozen
class Stage:
    """One write, prepared, on an emulator of its own."""

    name: str
    emulator: Emulator
    thredfi: ThredfiClient
    call: Call

    @property
    def operation(self) -> str:
        return self.name.split()[0]

    @property
    def books(self) -> Books:
        return self.emulator.books("shop")

    @property
    def is_repeatable(self) -> bool:
        """Whether the client may send it again when its outcome is uncertain."""
        rule = OPERATIONS[self.operation].replay
        return rule is not Replay.UNSAFE and not (
            rule is Replay.EXTERNAL_ID and self.name.endswith("nameless")
        )

    @property
    def is_findable(self) -> bool:
        """Whether the client finds what it creates when all its answers are lost."""
        lookup = OPERATIONS[self.operation].lookup
        return lookup is not None and lookup.read is not None and "nameless" not in self.name


@asynccontextmanager
async def staged(
    name: str, *, clock: Clock | None = None, **arguments: Any
) -> AsyncIterator[Stage]:
    clock = clock or FakeClock()
    async with (
        Emulator(seed=1, clock=clock) as emulator,
        emulator.client(clock=clock, max_answer_size=MOST, **arguments) as thredfi,
    ):
        shop = thredfi.business(emulator.add_business("shop"))
        yield Stage(name, emulator, thredfi, await WRITES[name](shop))


def state(books: Books) -> Any:
    """All that the books hold, and what it comes to."""
    accounts = sorted(
        (one.code, one.is_active, one.debits, one.credits) for one in books.ledger.accounts.values()
    )
    return books.snapshot(), books.totals(), accounts


_expected: dict[str, tuple[Any, Any]] = {}


async def expected(name: str) -> tuple[Any, Any]:
    """The state before a write and after it, without faults."""
    if name not in _expected:
        async with staged(name) as stage:
            before = state(stage.books)
            await stage.call()
            _expected[name] = before, state(stage.books)
    before, after = _expected[name]
    assert after != before
    return before, after


async def ended(call: Call) -> ThredfiError | None:
    """How a call ended: None where it went well."""
    try:
        await call()
    except ThredfiError as error:
        return error
    return None


def add(stage: Stage, kind: Any, **settings: Any) -> None:
    """A fault of the staged operation alone."""
    stage.emulator.faults.add(kind, operations=[stage.operation], **settings)


# --- the answer to a write is lost -------------------------------------------------------

LOST: dict[str, dict[str, Any]] = {
    "a reset": {"kind": "reset", "applied": True},
    "500": {"kind": "status", "status": 500, "applied": True},
    "502": {"kind": "status", "status": 502, "applied": True},
    "503": {"kind": "status", "status": 503, "applied": True},
    "504": {"kind": "status", "status": 504, "applied": True},
    "a hang": {"kind": "hang", "applied": True, "seconds": 3600},
    "a drip": {"kind": "drip", "seconds": 3600},
    **{
        kind: {"kind": kind}
        for kind in (
            "cut",
            "cut_chunk",
            "length_too_long",
            "length_too_short",
            "invalid_json",
            "empty_body",
            "gzip_bomb",
            "huge_body",
        )
    },
}
TYPICAL = (  # of each replay rule
    "create_invoice",
    "create_invoice_payment nameless",
    "update_invoice",
    "void_invoice",
    "delete_invoice_payment",
    "create_invoice_write_off",
)
CASES = [
    *((name, "a reset") for name in WRITES),
    *((name, lost) for name in TYPICAL for lost in LOST if lost != "a reset"),
]


def options(lost: str) -> dict[str, Any]:
    return {"timeout": TIMEOUT} if lost in ("a hang", "a drip") else {}


@pytest.mark.parametrize(("name", "lost"), CASES)
async def test_a_write_whose_answer_is_lost_once_is_done_once(name, lost):
    _, after = await expected(name)
    async with staged(name, **options(lost)) as stage:
        add(stage, **LOST[lost], times=1)
        if stage.is_repeatable:
            response = await with_response(stage.call())
            assert response.attempts == 2
        else:
            with pytest.raises(OutcomeUnknown):
                await stage.call()
            assert stage.emulator.requests[stage.operation] == 1
        assert state(stage.books) == after
        assert stage.emulator.faults.struck.total() == 1


@pytest.mark.parametrize(("name", "lost"), CASES)
async def test_a_write_whose_answers_are_all_lost_is_done_once_and_found_or_unknown(name, lost):
    _, after = await expected(name)
    retry = RetryPolicy(attempts=2) if options(lost) else RetryPolicy()
    async with staged(name, retry=retry, **options(lost)) as stage:
        add(stage, **LOST[lost])
        if (
            lost in ("invalid_json", "empty_body")
            and OPERATIONS[stage.operation].replay is Replay.STATE_CHANGE
        ):
            await stage.call()  # the status of a refused repeat says enough to look further
            assert state(stage.books) == after
            return
        if stage.is_findable:
            response = await with_response(stage.call())
            assert not response.created
            assert response.attempts == retry.attempts
            assert state(stage.books) == after
            return
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.call()
        check_enough_to_find_out(stage, caught.value)
        assert state(stage.books) == after
        assert caught.value.attempts == (retry.attempts if stage.is_repeatable else 1)


def check_enough_to_find_out(stage: Stage, error: OutcomeUnknown) -> None:
    operation = OPERATIONS[stage.operation]
    assert (error.operation, error.method) == (operation.id, operation.method)
    assert error.path.startswith(f"/v1/platform/businesses/{stage.books.id}/")
    assert error.__cause__ is not None
    if operation.replay is Replay.EXTERNAL_ID and stage.is_repeatable:
        assert error.external_id
        assert error.external_id in error.find_out
    if operation.replay is Replay.IDEMPOTENCY_KEY:
        assert error.idempotency_key
        assert error.idempotency_key in error.find_out
    assert stage.emulator.api_key not in str(error)


@pytest.mark.parametrize("name", [name for name in WRITES if "nameless" not in name])
async def test_once_the_faults_are_over_a_repeat_of_what_was_done_doubles_nothing(name):
    _, after = await expected(name)
    async with staged(name) as stage:
        add(stage, "reset", applied=True)
        if stage.is_findable:
            await stage.call()
        else:
            with pytest.raises(OutcomeUnknown):
                await stage.call()
        stage.emulator.faults.clear()
        if OPERATIONS[stage.operation].replay is Replay.UNSAFE:
            return  # by the rules, nobody may repeat this
        error = await ended(stage.call)
        if error is not None:  # what has happened can't happen again
            assert OPERATIONS[stage.operation].replay is Replay.STATE_CHANGE
            assert getattr(error, "status", None) in (404, 409)
        assert state(stage.books) == after


async def test_a_payment_without_a_name_is_repeated_by_the_key_that_the_error_gives():
    _, after = await expected("create_invoice_payment nameless")
    async with staged("create_invoice_payment nameless") as stage:
        add(stage, "reset", applied=True)
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.call()
        stage.emulator.faults.clear()
        shop = stage.thredfi.business(stage.books.id)
        (invoice_id,) = stage.books.invoices
        body = {
            "invoice_id": invoice_id,
            "amount_cents": 10_000,
            "payment_date": "2025-06-02",
            "payment_method": "bank_transfer",
            "external_id": None,
        }
        await shop.payments.create(body, idempotency_key=caught.value.idempotency_key)
        assert state(stage.books) == after


# --- a write doesn't arrive --------------------------------------------------------------


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_that_is_reset_on_its_way_once_is_done_once_or_not_at_all(name):
    before, after = await expected(name)
    async with staged(name) as stage:
        add(stage, "reset", times=1)
        if stage.is_repeatable:
            await stage.call()
            assert state(stage.books) == after
        else:
            with pytest.raises(OutcomeUnknown):
                await stage.call()
            assert state(stage.books) == before


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_that_never_arrives_can_be_sent_once_the_faults_are_over(name):
    before, after = await expected(name)
    async with staged(name) as stage:
        add(stage, "reset")
        with pytest.raises(OutcomeUnknown):
            await stage.call()
        assert state(stage.books) == before
        stage.emulator.faults.clear()
        await stage.call()
        assert state(stage.books) == after


@pytest.mark.parametrize("name", TYPICAL)
@pytest.mark.parametrize("retry_after", ["none", "seconds", "date"])
async def test_a_write_that_is_refused_for_now_is_sent_again(name, retry_after):
    _, after = await expected(name)
    async with staged(name) as stage:
        add(stage, "status", status=429, retry_after=retry_after, seconds=30, times=2)
        clock: Any = stage.thredfi._session.clock
        await stage.call()
        assert state(stage.books) == after
        waits = clock.slept[-2:]
        assert all(29 <= wait <= 30.5 for wait in waits) == (retry_after != "none")


@pytest.mark.parametrize("name", TYPICAL)
async def test_a_write_that_is_refused_all_the_time_changes_nothing(name):
    before, _ = await expected(name)
    async with staged(name) as stage:
        add(stage, "status", status=429, retry_after="absurd")
        with pytest.raises(RateLimited):
            await stage.call()
        assert state(stage.books) == before


@pytest.mark.parametrize("name", TYPICAL)
async def test_a_write_without_a_connection_changes_nothing_and_can_be_sent_later(name):
    before, after = await expected(name)
    retry = RetryPolicy(attempts=2, base=0.01)
    async with staged(name, clock=SystemClock(), retry=retry) as stage:
        stage.emulator.faults.add("refuse", seconds=3600, operations=["list_tax_codes"])
        await stage.thredfi.business(stage.books.id).tax_codes.list()
        with pytest.raises(TransportError, match="no connection"):
            await stage.call()
        assert state(stage.books) == before
        stage.emulator.faults.clear()
        await until_it_works(stage.call)
        assert state(stage.books) == after


async def until_it_works(call: Call) -> Any:
    async with asyncio.timeout(10):
        while True:
            try:
                return await call()
            except TransportError:
                await asyncio.sleep(0.01)


# --- reads, tokens, and whatever else can go wrong ---------------------------------------


HARMLESS = ("drip", "hang_up", "wrong_content_type", "expire_tokens", "revoke_tokens")
DRIFT = ("unknown_field", "unknown_enum", "changed_type", "dropped_field")
KINDS: dict[str, dict[str, Any]] = {
    **LOST,
    **{kind: {"kind": kind} for kind in (*HARMLESS, *DRIFT, "rotate_key")},
    "drip": {"kind": "drip", "seconds": 0.05},
    "a reset on its way": {"kind": "reset"},
    "429": {"kind": "status", "status": 429, "retry_after": "seconds"},
    "429, absurd": {"kind": "status", "status": 429, "retry_after": "absurd"},
    "503, date": {"kind": "status", "retry_after": "date", "seconds": 20},
}


@asynccontextmanager
async def at_work(**arguments: Any) -> AsyncIterator[tuple[Emulator, ThredfiClient, Any, Any]]:
    """An emulator, its client, a business, and an invoice of it."""
    clock = FakeClock()
    async with (
        Emulator(seed=1, clock=clock) as emulator,
        emulator.client(clock=clock, max_answer_size=MOST, **arguments) as thredfi,
    ):
        shop = thredfi.business(emulator.add_business("shop"))
        yield emulator, thredfi, shop, await invoice(shop)


@pytest.mark.parametrize("fault", [fault for fault in KINDS if fault not in ("drip", "rotate_key")])
async def test_a_read_survives_one_fault_of_each_kind(fault):
    async with at_work(**options(fault)) as (emulator, _, shop, made):
        emulator.faults.add(**KINDS[fault], operations=["fetch_invoice"], times=1)
        if fault == "429, absurd":  # a wait of a day, or one that makes no sense
            with suppress(RateLimited):
                await shop.invoices.get(made.id)
        else:
            assert (await shop.invoices.get(made.id)).id == made.id
        assert emulator.faults.struck.total() == 1


@pytest.mark.parametrize("fault", KINDS)
async def test_under_a_lasting_fault_every_call_ends_and_then_the_client_works_on(fault):
    retry = RetryPolicy(attempts=2) if options(fault) else None
    async with at_work(retry=retry, **options(fault)) as (emulator, thredfi, shop, made):
        emulator.faults.add(**KINDS[fault])
        begun = time.monotonic()
        for number, call in enumerate(
            (
                lambda: shop.invoices.get(made.id),
                lambda: shop.invoices.list().collect(),
                lambda: shop.reports.balance_sheet(),
                lambda: shop.customers.create({"external_id": "c-2", "company_name": "B"}),
                lambda: shop.customers.create({"company_name": "B"}),
                lambda: thredfi.tokens.partner(),
            )
        ):
            error = await ended(call)
            assert number in (3, 4) or not isinstance(error, OutcomeUnknown)
            assert emulator.api_key not in str(error)
        assert time.monotonic() - begun < 10
        emulator.faults.clear()
        if fault == "rotate_key":
            return  # this client's key is not the emulator's any more
        thredfi._session.clock.advance(120)
        assert (await shop.invoices.get(made.id)).id == made.id
        body = {"external_id": "c-2", "company_name": "B"}
        assert (await shop.customers.create(body)).external_id == "c-2"
        assert sum(c.external_id == "c-2" for c in emulator.books("shop").customers.values()) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("a reset", TransportError),
        ("a hang", TransportError),
        ("a drip", TransportError),
        ("cut", TransportError),
        ("cut_chunk", TransportError),
        ("length_too_long", TransportError),
        ("length_too_short", TransportError),
        ("invalid_json", InvalidAnswer),
        ("empty_body", InvalidAnswer),
        ("gzip_bomb", InvalidAnswer),
        ("huge_body", InvalidAnswer),
        ("500", ServerError),
        ("502", ServerError),
        ("429", RateLimited),
        ("429, absurd", RateLimited),
    ],
)
async def test_what_a_read_fails_with_under_a_lasting_fault(fault, error):
    retry = RetryPolicy(attempts=2) if options(fault) else None
    async with at_work(retry=retry, **options(fault)) as (emulator, _, shop, made):
        emulator.faults.add(**KINDS[fault], operations=["fetch_invoice"])
        with pytest.raises(error) as caught:
            await shop.invoices.get(made.id)
        assert type(caught.value) is error
        said = str(caught.value).replace(f"/invoices/{made.id}/", "")  # what was asked for
        assert made.id not in said  # no error repeats what an answer holds


@pytest.mark.parametrize("kind", ["expire_tokens", "revoke_tokens"])
async def test_no_call_fails_when_the_tokens_stop_working(kind):
    async with at_work() as (emulator, _, shop, made):
        for round in range(5):
            emulator.faults.add(kind, operations=["fetch_invoice"], times=1)
            await asyncio.gather(*(shop.invoices.get(made.id) for _ in range(20)))
            assert (await invoice(shop, external_id=f"i-{round}")).id
        assert emulator.faults.struck[kind] == 5


async def test_after_a_rotation_the_old_key_is_refused_without_being_told():
    async with at_work() as (emulator, thredfi, shop, made):
        old = emulator.api_key
        emulator.faults.add("rotate_key", operations=["fetch_invoice"], times=1)
        assert (await shop.invoices.get(made.id)).id == made.id  # the token stays good
        emulator.revoke_tokens()
        with pytest.raises(AuthenticationFailed) as caught:
            await shop.invoices.get(made.id)
        assert old not in str(caught.value) + repr(caught.value) + repr(thredfi)
        assert emulator.api_key not in str(caught.value)
        async with emulator.client() as other:
            assert (await other.business(shop.id).invoices.get(made.id)).id == made.id


@pytest.mark.parametrize("fault", [fault for fault in KINDS if fault not in HARMLESS])
async def test_a_failing_token_call_fails_nothing_for_good(fault):
    retry = RetryPolicy(attempts=2) if options(fault) else None
    async with at_work(retry=retry, **options(fault)) as (emulator, thredfi, shop, made):
        key = emulator.api_key
        emulator.faults.add(**KINDS[fault], operations=["get_*_token"])
        emulator.revoke_tokens()
        error = await ended(lambda: shop.invoices.get(made.id))
        assert not isinstance(error, OutcomeUnknown)
        assert key not in str(error)
        assert "access_token" not in str(error)
        emulator.faults.clear()
        if fault != "rotate_key":
            thredfi._session.clock.advance(120)
            assert (await shop.invoices.get(made.id)).id == made.id


# --- answers of tomorrow -----------------------------------------------------------------


@pytest.mark.parametrize("kind", DRIFT)
async def test_a_write_is_no_failure_for_an_answer_that_drifts(kind):
    async with at_work() as (emulator, thredfi, shop, _):
        emulator.faults.add(kind)
        for number in range(8):
            made = await invoice(shop, external_id=f"i-{number}")
            assert made.id in emulator.books("shop").invoices
        assert emulator.requests["create_invoice"] == 9
        found = thredfi.drift
        assert all("TOMORROW" not in repr(one) for one in found)
        if kind == "unknown_field":
            drift = Drift("field_of_tomorrow", "nothing", "object")
            assert found["create_invoice", drift] == 8
        elif kind == "changed_type":
            assert found


# --- too much ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gzip_bomb", "huge_body"])
async def test_an_answer_that_is_too_large_ends_in_bounded_memory(kind):
    async with at_work() as (emulator, _, shop, made):
        emulator.faults.add(kind, operations=["fetch_invoice"], times=1)
        await shop.invoices.get(made.id)  # what the emulator needs to make it is there now
        emulator.faults.add(kind, operations=["fetch_invoice"])
        tracemalloc.start()
        try:
            with pytest.raises(InvalidAnswer, match=f"larger than {MOST} bytes"):
                await shop.invoices.get(made.id)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 24 * MOST
