"""The emulator: a local server that speaks Thred's Partner API and keeps books."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections import Counter
from random import Random
from types import TracebackType
from typing import Any, Self

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from ..client import ThredfiClient
from ..clock import Clock, SystemClock
from .books import Books
from .call import World
from .dispatch import Dispatcher, Envelope
from .resources.businesses import set_up
from .tokens import TokenOffice

__all__ = ["Emulator"]

_MAX_BODY = 32 << 20  # bytes


class Emulator:
    """Thred's Partner API on a local socket, with books that can be looked into.

    ``async with Emulator() as emulator:`` serves on a free port of 127.0.0.1; then
    ``emulator.client()`` is a client of it and ``emulator.books(business_id)`` the state.

    - ``host``, ``port``: where to listen; port 0 is a free one.
    - ``token_lifetime``: seconds that tokens live.
    - ``envelope``: the shape of lists, ``"reference"`` (page_info) or ``"guide"`` (next).
    - ``seed``: makes ids and credentials the same in every run.
    - ``clock``: where the time comes from.

    What it does where nobody knows what Thred does is written down in docs/emulator.md.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token_lifetime: int = 3600,
        envelope: Envelope = "reference",
        seed: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        random = Random(seed if seed is not None else secrets.randbits(64))
        clock = clock or SystemClock()
        self.partner_uuid = str(uuid.UUID(int=random.getrandbits(128), version=4))
        self.api_key = f"emulator-{random.getrandbits(128):032x}"
        self._host, self._port = host, port
        self._world = World(random)
        self._tokens = TokenOffice(
            self.partner_uuid, self.api_key, lifetime=token_lifetime, clock=clock
        )
        self._dispatcher = Dispatcher(self._world, self._tokens, clock=clock, envelope=envelope)
        self._runner: web.ServerRunner | None = None

    # --- life ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to serve. Raises OSError where the port can't be had."""
        server = web.Server(self._dispatcher.serve, request_factory=_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except BaseException:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop serving; the books stay readable."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    # --- for tests and demos ---------------------------------------------------------------

    @property
    def requests(self) -> Counter[str]:
        """How many requests came, per operation id."""
        return self._dispatcher.requests

    @property
    def operations(self) -> frozenset[str]:
        """The ids of the operations that it knows; it answers 501 to all others."""
        return self._dispatcher.operations

    def client(self, **arguments: Any) -> ThredfiClient:
        """A client of this emulator; ``arguments`` go to `ThredfiClient`."""
        known = {
            "base_url": self.url,
            "partner_uuid": self.partner_uuid,
            "api_key": self.api_key,
        }
        return ThredfiClient(**{**known, **arguments})

    def add_business(self, external_id: str, **fields: Any) -> str:
        """Set up a business without a request, or find the one of this external_id; its id.

        ``fields`` are those of the API call; what it needs and isn't given has a default.
        Raises `InvalidRequest` (or ValueError for a country or currency that Thred doesn't
        support).
        """
        return set_up(self._world, external_id, fields, self._dispatcher.now()).id

    def books(self, business_id: str) -> Books:
        """The books of a business, by its id or external_id. Raises KeyError."""
        world = self._world
        found = world.businesses.get(business_id) or world.by_external_id.get(business_id)
        if found is None:
            raise KeyError(f"the emulator has no business {business_id!r}")
        return found

    def revoke_tokens(self) -> None:
        """Refuse every token issued so far."""
        self._tokens.revoke_all()


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """As `web.Server` makes it, but with our limit on the body."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=_MAX_BODY
    )
