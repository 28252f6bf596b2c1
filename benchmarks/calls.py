"""One typed `invoices.create` beside what a developer writes by hand with aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from thredfi_async import ThredfiClient
from thredfi_async.models import CreateInvoiceRequest, InvoiceLineItemRequest

from . import payloads, stub
from .measure import Call, table, take_turns

BY_HAND = "aiohttp by hand: session.post(url, json=...), await r.json()"
TYPED = "thredfi: create(CreateInvoiceRequest(...)), built in each call"
PREBUILT = "thredfi: create(model), built once"
MAPPING = "thredfi: create({...}), a plain mapping built in each call"
FLOOR = "aiohttp at its barest: prebuilt URL, headers, bytes; answer not parsed"
CONNECTIONS = 100  # at most, for all variants


def invoice_model(number: int) -> CreateInvoiceRequest:
    """The request of `payloads.invoice_mapping` as a model, built from scratch."""
    return CreateInvoiceRequest(
        external_id=f"invoice-{number}",
        customer_id=payloads.CUSTOMER,
        invoice_number=f"INV-{number:06}",
        sent_at=payloads.SENT_AT,
        due_at=payloads.DUE_AT,
        memo=payloads.MEMO,
        line_items=[
            InvoiceLineItemRequest(
                description=line["description"],
                quantity=line["quantity"],
                unit_price=line["unit_price"],
            )
            for line in payloads.LINES
        ],
    )


def run(
    *,
    rounds: int,
    calls: int,
    concurrency: int,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> str:
    """Measure and return the table."""
    with stub.running() as base_url, asyncio.Runner(loop_factory=loop_factory) as runner:
        samples = runner.run(_measure(base_url, rounds, calls, concurrency))
    return table(samples, beside=BY_HAND)


async def _measure(
    base_url: str, rounds: int, calls: int, concurrency: int
) -> dict[str, list[float]]:
    address = f"{base_url}/v1/platform/businesses/{payloads.BUSINESS}/invoices/"
    token = {"Authorization": "Bearer stub-token"}
    async with (
        ThredfiClient(
            partner_uuid="partner", api_key="key", base_url=base_url, max_connections=CONNECTIONS
        ) as thredfi,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), headers=token
        ) as session,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
        ) as bare_session,
    ):
        shop = thredfi.business(payloads.BUSINESS)
        prebuilt = invoice_model(1)

        async def typed(number: int) -> None:
            invoice = await shop.invoices.create(invoice_model(number))
            assert invoice.id == payloads.INVOICE

        async def once(number: int) -> None:
            invoice = await shop.invoices.create(prebuilt)
            assert invoice.id == payloads.INVOICE

        async def mapping(number: int) -> None:
            invoice = await shop.invoices.create(payloads.invoice_mapping(number))
            assert invoice.id == payloads.INVOICE

        async def by_hand(number: int) -> None:
            async with session.post(address, json=payloads.invoice_mapping(number)) as answer:
                invoice = await answer.json()
            assert invoice["id"] == payloads.INVOICE

        url = URL(address, encoded=True)
        headers = CIMultiDict({**token, "Content-Type": "application/json"})
        content = msgspec.json.encode(payloads.invoice_mapping(1))

        async def barest(number: int) -> None:
            async with bare_session.post(
                url, data=content, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
            assert answer.status == 201

        variants: dict[str, Call] = {
            BY_HAND: by_hand,
            TYPED: typed,
            PREBUILT: once,
            MAPPING: mapping,
            FLOOR: barest,
        }
        samples = await take_turns(variants, rounds=rounds, calls=calls, concurrency=concurrency)
        if thredfi.drift:
            raise AssertionError(f"the stub's answers are not as described: {thredfi.drift}")
        return samples
