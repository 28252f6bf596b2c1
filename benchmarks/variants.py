"""`invoices.create` by the client, and by hand with aiohttp: what `calls` and others measure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from thredfi_async import ThredfiClient
from thredfi_async.models import CreateInvoiceRequest, InvoiceLineItemRequest

from . import payloads
from .measure import Call
from .results import BY_HAND, MAPPING, PREBUILT, TYPED

ORJSON = "aiohttp by hand, with orjson"
BAREST = "aiohttp at its barest"
CONNECTIONS = 100  # at most, for all variants
TOKEN = {"Authorization": "Bearer stub-token"}
PATH = f"/v1/platform/businesses/{payloads.BUSINESS}/invoices/"


def client(base_url: str) -> ThredfiClient:
    """The client, as its users make it."""
    return ThredfiClient(
        partner_uuid="partner", api_key="key", base_url=base_url, max_connections=CONNECTIONS
    )


def connection_kind(thredfi: ThredfiClient) -> str:
    """How a client's requests go, where it says so."""
    kind = getattr(thredfi, "transport_kind", None)
    reason = getattr(thredfi, "transport_reason", None)
    return f"transport: {kind}{f' ({reason})' if reason else ''}" if kind else ""


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


def client_calls(thredfi: ThredfiClient) -> dict[str, Call]:
    """The ways to create an invoice by the client."""
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

    return {TYPED: typed, PREBUILT: once, MAPPING: mapping}


def by_hand(session: aiohttp.ClientSession, address: str) -> Call:
    """What a developer writes: session.post(url, json=...), await r.json()."""

    async def call(number: int) -> None:
        async with session.post(address, json=payloads.invoice_mapping(number)) as answer:
            invoice = await answer.json()
        assert invoice["id"] == payloads.INVOICE

    return call


def with_orjson(session: aiohttp.ClientSession, address: str) -> Call:
    """What a developer writes who looks at the time."""
    import orjson

    loads: Callable[[str], object] = orjson.loads
    headers = {"Content-Type": "application/json"}

    async def call(number: int) -> None:
        data = orjson.dumps(payloads.invoice_mapping(number))
        async with session.post(address, data=data, headers=headers) as answer:
            invoice = await answer.json(loads=loads)
        assert invoice["id"] == payloads.INVOICE

    return call


def barest(session: aiohttp.ClientSession, address: str) -> Call:
    """URL, headers and bytes built once; the answer is read, not parsed."""
    url = URL(address, encoded=True)
    headers = CIMultiDict({**TOKEN, "Content-Type": "application/json"})
    content = msgspec.json.encode(payloads.invoice_mapping(1))

    async def call(number: int) -> None:
        async with session.post(
            url, data=content, headers=headers, allow_redirects=False
        ) as answer:
            await answer.read()
        assert answer.status == 201

    return call


def session(**options: object) -> aiohttp.ClientSession:
    """A session of as many connections as the client has."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    return aiohttp.ClientSession(connector=connector, headers=TOKEN, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def all_calls(base_url: str) -> AsyncIterator[tuple[dict[str, Call], ThredfiClient]]:
    """All variants against a stub, hand-written first, and the client among them."""
    address = base_url + PATH
    async with (
        client(base_url) as thredfi,
        session() as ours,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
        ) as bare,
    ):
        found = {BY_HAND: by_hand(ours, address), **client_calls(thredfi)}
        if find_spec("orjson"):
            found[ORJSON] = with_orjson(ours, address)
        found[BAREST] = barest(bare, address)
        yield found, thredfi
        if thredfi.drift:
            raise AssertionError(f"the stub's answers are not as described: {thredfi.drift}")
