"""The SDK against the emulator, over real sockets: what README promises."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from thredfi_async import (
    BadRequest,
    BusinessClient,
    MemoryTokenStore,
    NotFound,
    ThredfiClient,
    Token,
    TokenKey,
    with_response,
)
from thredfi_async.emulator import Emulator
from thredfi_async.models import (
    CreateBusinessRequest,
    CreateCustomerRequest,
    CreateInvoicePaymentRequest,
    CreateInvoiceRequest,
    InvoiceLineItemRequest,
    InvoicePaymentAllocationRequest,
    InvoicePaymentMethodEnum,
    InvoiceStatusEnum,
)

from .support import FakeClock, cases

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

NOON = dt.datetime(2025, 1, 15, 12, tzinfo=dt.UTC)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(seed=7) as emulator:
        yield emulator


@pytest.fixture
async def thredfi(emulator: Emulator) -> AsyncIterator[ThredfiClient]:
    async with emulator.client() as client:
        yield client


@pytest.fixture
async def shop(emulator: Emulator, thredfi: ThredfiClient) -> BusinessClient:
    return thredfi.business(emulator.add_business("bakery"))


def invoice(name: str, **fields: Any) -> dict[str, Any]:
    lines = [{"description": "Bread", "quantity": 2, "unit_price": 450}]
    return {"external_id": name, "sent_at": NOON, "line_items": lines, **fields}


# --- tokens ----------------------------------------------------------------------------


async def test_thousands_of_callers_on_a_cold_client_cause_one_token_call_of_each_kind(
    emulator: Emulator, thredfi: ThredfiClient, shop: BusinessClient
) -> None:
    callers = cases(2_000, 10_000)
    await asyncio.gather(*(shop.tax_codes.list() for _ in range(callers)))
    assert emulator.requests == {
        "get_partner_token": 1,
        "get_business_token": 1,
        "list_tax_codes": callers,
    }


async def test_many_businesses_cause_one_partner_token_call_and_one_of_each(
    emulator: Emulator, thredfi: ThredfiClient
) -> None:
    names = [emulator.add_business(f"shop-{number}") for number in range(cases(250, 1000))]
    await asyncio.gather(
        *(thredfi.business(name).tax_codes.list() for name in names for _ in range(3))
    )
    assert emulator.requests["get_partner_token"] == 1
    assert emulator.requests["get_business_token"] == len(names)


async def test_revoked_tokens_are_renewed_without_a_failed_call(
    emulator: Emulator, shop: BusinessClient
) -> None:
    await shop.tax_codes.list()
    emulator.revoke_tokens()
    await asyncio.gather(*(shop.tax_codes.list() for _ in range(50)))
    assert emulator.requests["get_business_token"] <= 3


async def test_expiring_tokens_fail_no_call() -> None:
    clock = FakeClock()
    async with (
        Emulator(token_lifetime=60, clock=clock) as emulator,
        emulator.client(clock=clock) as thredfi,
    ):
        shop = thredfi.business(emulator.add_business("bakery"))
        for _ in range(300):
            await shop.tax_codes.list()
            clock.advance(1)
        assert emulator.requests["list_tax_codes"] == 300
        assert 5 <= emulator.requests["get_business_token"] <= 7


async def test_a_business_of_nobody_is_not_found(thredfi: ThredfiClient) -> None:
    with pytest.raises(NotFound) as caught:
        await thredfi.business("3c90c3cc-0d44-4b50-8888-8dd25736052a").invoices.list().first()
    assert caught.value.code == "business_not_found"


async def test_a_token_can_be_handed_on(emulator: Emulator, thredfi: ThredfiClient) -> None:
    name = emulator.add_business("bakery")
    token = await thredfi.tokens.business(name)
    assert (token.business_id, token.scope, token.expires_in) == (name, "business_access", 3600)
    assert token.access_token is not None
    assert token.access_token not in repr(token)


# --- the guides' examples, as mappings ---------------------------------------------------


async def test_the_guides_invoice_and_payment_work_as_printed(shop: BusinessClient) -> None:
    customer = await shop.customers.create({"external_id": "c-1", "name": "Acme"})
    created = await shop.invoices.create(
        {
            "external_id": "inv_001",
            "customer_id": customer.id,
            "invoice_number": "INV-001",
            "sent_at": "2025-01-15T00:00:00Z",
            "due_at": "2025-02-14T00:00:00Z",
            "line_items": [
                {
                    "description": "Monthly subscription",
                    "quantity": 1,
                    "unit_price": 9900,
                    "tax_code": "EXEMPT",
                }
            ],
        }
    )
    assert (created.status, created.total_amount) == ("sent", 9900)
    payment = await shop.payments.create(
        {
            "external_id": "pay_001",
            "invoice_id": created.id,
            "amount_cents": 9900,
            "payment_date": "2025-01-20",
            "payment_method": "bank_transfer",
        }
    )
    assert payment.applied_amount_cents == 9900
    assert (await shop.invoices.get(str(created.id))).status == InvoiceStatusEnum.PAID


async def test_the_quick_starts_invoice_works_as_printed(shop: BusinessClient) -> None:
    created = await shop.invoices.create(
        {
            "sent_at": "2025-01-15",
            "due_at": "2025-02-15",
            "currency": "GBP",
            "line_items": [
                {
                    "description": "Consulting",
                    "quantity": 1,
                    "unit_price_cents": 100000,
                    "account_code": "4000",
                }
            ],
        }
    )
    assert created.total_amount == 100000


# --- models, replays, lists ---------------------------------------------------------------


async def test_the_whole_way_with_models(emulator: Emulator, thredfi: ThredfiClient) -> None:
    business = await thredfi.businesses.create(
        CreateBusinessRequest(
            external_id="b-1", legal_name="Bakery Ltd", entity_type="limited", email="a@b.example"
        )
    )
    shop = thredfi.business(business.id)
    customer = await shop.customers.create(
        CreateCustomerRequest(external_id="c-1", company_name="Café Ltd")
    )
    created = await shop.invoices.create(
        CreateInvoiceRequest(
            external_id="i-1",
            customer_id=str(customer.id),
            sent_at=NOON,
            line_items=[InvoiceLineItemRequest(quantity=1.5, unit_price=333)],
        )
    )
    assert created.total_amount == 500  # 499.5 to the nearest penny
    payment = await shop.payments.create(
        CreateInvoicePaymentRequest(
            external_id="p-1",
            customer_id=str(customer.id),
            total_amount_cents=500,
            allocations=[
                InvoicePaymentAllocationRequest(invoice_id=str(created.id), amount_cents=500)
            ],
            payment_date=dt.date(2025, 1, 20),
            currency="GBP",
            payment_method=InvoicePaymentMethodEnum.BANK_TRANSFER,
        )
    )
    refund = await shop.refunds.create({"invoice_id": created.id, "amount_cents": 200})
    paid = {"external_id": "rp-1", "amount_cents": 150, "method": "BANK_TRANSFER"}
    await shop.refund_payments.create(str(refund.id), paid)
    assert (await shop.refunds.get(str(refund.id))).status == "processing"
    totals = emulator.books(business.id).totals()
    assert (totals.invoiced, totals.paid, totals.refunded, totals.refund_paid) == (
        500,
        500,
        200,
        150,
    )
    assert payment.status == "completed"
    assert not thredfi.drift


async def test_a_repeat_gets_what_is_there(shop: BusinessClient) -> None:
    first = await with_response(shop.invoices.create(invoice("i-1")))
    again = await with_response(shop.invoices.create(invoice("i-1")))
    assert (first.created, again.created) == (True, False)
    assert first.value.id == again.value.id


async def test_a_refusal_names_the_field(shop: BusinessClient) -> None:
    created = await shop.invoices.create(invoice("i-1"))
    with pytest.raises(BadRequest) as caught:
        await shop.refunds.create({"invoice_id": created.id, "amount_cents": 1})
    assert list(caught.value.fields) == ["invoice_id"]
    assert caught.value.request_id


@pytest.mark.parametrize("envelope", ["reference", "guide"])
async def test_lists_are_walked_in_both_envelopes(envelope: Any) -> None:
    async with Emulator(envelope=envelope) as emulator, emulator.client() as thredfi:
        shop = thredfi.business(emulator.add_business("bakery"))
        await asyncio.gather(*(shop.invoices.create(invoice(f"i-{n}")) for n in range(23)))
        found = [one.external_id async for one in shop.invoices.list(page_size=5)]
        assert sorted(map(str, found)) == sorted(f"i-{n}" for n in range(23))
        assert await shop.invoices.list(status=["paid", "voided"]).collect() == []


async def test_a_business_token_opens_no_other_business_and_is_replaced(
    emulator: Emulator, thredfi: ThredfiClient
) -> None:
    one, two = emulator.add_business("one"), emulator.add_business("two")
    token = await thredfi.tokens.business(one)
    store = MemoryTokenStore()
    key = TokenKey(emulator.url, emulator.partner_uuid, two)
    await store.put(key, Token(str(token.access_token), expires_at=2e9, refresh_at=2e9))
    async with emulator.client(token_store=store) as stranger:
        assert await stranger.business(two).tax_codes.list()
    kept = await store.get(key)
    assert kept is not None
    assert kept.value != str(token.access_token)
