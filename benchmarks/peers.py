"""Others that make the same call: clients by hand, generated ones, and a bare protocol.

Each is a context manager that gives the call; one that can't be had raises ImportError.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from . import generate, payloads
from .measure import Call
from .variants import CONNECTIONS, PATH, TOKEN

Peer = Callable[[str], AbstractAsyncContextManager[Call]]


@asynccontextmanager
async def httpx_by_hand(base_url: str) -> AsyncIterator[Call]:
    """An AsyncClient of httpx."""
    httpx = importlib.import_module("httpx")
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(headers=TOKEN, limits=limits) as client:
        yield _posts(client, base_url)


@asynccontextmanager
async def niquests_by_hand(base_url: str) -> AsyncIterator[Call]:
    """An AsyncSession of niquests."""
    niquests = importlib.import_module("niquests")
    async with niquests.AsyncSession(pool_maxsize=CONNECTIONS) as client:
        client.headers.update(TOKEN)
        yield _posts(client, base_url)


@asynccontextmanager
async def openapi_python_client(base_url: str) -> AsyncIterator[Call]:
    """What openapi-python-client makes of our description: attrs classes and httpx."""
    made = _generated("openapi_python_client_made", ".")
    models = importlib.import_module(f"{made.__name__}.models")
    create = importlib.import_module(f"{made.__name__}.api.invoices.create_invoice")
    async with made.AuthenticatedClient(base_url=base_url, token="stub-token") as client:  # noqa: S106

        async def call(number: int) -> None:
            invoice = await create.asyncio(
                payloads.BUSINESS, client=client, body=_request(models, number)
            )
            assert str(invoice.id) == payloads.INVOICE

        yield call


@asynccontextmanager
async def openapi_generator(base_url: str) -> AsyncIterator[Call]:
    """What openapi-generator's python asyncio library makes of it: pydantic and aiohttp."""
    made = _generated("openapi_generator_made", "openapi_generator")
    configuration = made.Configuration(host=base_url, access_token="stub-token")  # noqa: S106
    configuration.connection_pool_maxsize = CONNECTIONS
    async with made.ApiClient(configuration) as client:
        api = made.InvoicesApi(client)

        async def call(number: int) -> None:
            invoice = await api.create_invoice(payloads.BUSINESS, _request(made, number))
            assert str(invoice.id) == payloads.INVOICE

        yield call


def _posts(client: Any, base_url: str) -> Call:
    """With a client whose `post` gives an answer that has been read."""

    async def call(number: int) -> None:
        answer = await client.post(base_url + PATH, json=payloads.invoice_mapping(number))
        assert answer.json()["id"] == payloads.INVOICE

    return call


def _generated(package: str, folder: str) -> Any:
    path = str(generate.PEERS / folder)
    if path not in sys.path:
        sys.path.append(path)
    return importlib.import_module(package)


def _request(models: Any, number: int) -> Any:
    from uuid import UUID

    return models.CreateInvoiceRequest(
        external_id=f"invoice-{number}",
        customer_id=UUID(payloads.CUSTOMER),
        invoice_number=f"INV-{number:06}",
        sent_at=payloads.SENT_AT,
        due_at=payloads.DUE_AT,
        memo=payloads.MEMO,
        line_items=[models.InvoiceLineItemRequest(**line) for line in payloads.LINES],
    )


class _Exchange(asyncio.Protocol):
    """One connection that writes what it is given and waits for a whole answer."""

    def __init__(self) -> None:
        self._data = b""
        self._waiter: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.rpartition(b"Content-Length: ")[2]):
            self._data = b""
            assert self._waiter is not None
            self._waiter.set_result(body)

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error or ConnectionResetError())

    async def exchange(self, request: bytes) -> bytes:
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiter


@asynccontextmanager
async def bare_protocol(base_url: str) -> AsyncIterator[Call]:
    """The floor: an asyncio.Protocol that knows this one answer; json both ways."""
    host, _, port = base_url.partition("://")[2].partition(":")
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {TOKEN['Authorization']}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    idle: list[_Exchange] = []
    async with AsyncExitStack() as stack:

        async def call(number: int) -> None:
            if idle:
                connection = idle.pop()
            else:
                loop = asyncio.get_running_loop()
                transport, connection = await loop.create_connection(_Exchange, host, int(port))
                stack.callback(transport.close)
            body = json.dumps(payloads.invoice_mapping(number)).encode()
            answer = await connection.exchange(head + b"%d\r\n\r\n" % len(body) + body)
            idle.append(connection)
            assert json.loads(answer)["id"] == payloads.INVOICE

        yield call


PEERS: dict[str, Peer] = {
    "httpx by hand": httpx_by_hand,
    "niquests by hand": niquests_by_hand,
    "openapi-python-client": openapi_python_client,
    "openapi-generator (python, asyncio)": openapi_generator,
    "bare asyncio.Protocol": bare_protocol,
}
