"""The emulator: a local server that speaks Thred's Partner API and keeps books."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from os import PathLike
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
from .dispatch import Dispatcher, Envelope, Received
from .resources.businesses import set_up
from .storage import Event, Storage
from .tokens import TokenOffice

__all__ = ["Emulator"]

# What changes the books without a request.
_DIRECT: dict[str, Callable[..., Any]] = {"add_business": set_up}
_MAX_BODY = 32 << 20  # bytes


class Emulator:
    """Thred's Partner API on a local socket, with books that can be looked into.

    ``async with Emulator() as emulator:`` serves on a free port of 127.0.0.1; then
    ``emulator.client()`` is a client of it and ``emulator.books(business_id)`` the state.

    - ``host``, ``port``: where to listen; port 0 is a free one.
    - ``token_lifetime``: seconds that tokens live.
    - ``envelope``: the shape of lists, ``"reference"`` (page_info) or ``"guide"`` (next).
    - ``seed``: makes ids and credentials the same in every run.
    - ``db``: a file to keep the state in, so that it is there again after a restart; in memory
      otherwise. Raises OSError where it can't be used.
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
        db: str | PathLike[str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._storage = Storage(db) if db is not None else None
        if seed is None:
            seed = secrets.randbits(64)
        if self._storage is not None:
            seed = self._storage.seed(seed)
        random = Random(seed)
        clock = clock or SystemClock()
        self.partner_uuid = str(uuid.UUID(int=random.getrandbits(128), version=4))
        self.api_key = f"emulator-{random.getrandbits(128):032x}"
        self._host, self._port = host, port
        self._world = World(seed)
        self._tokens = TokenOffice(
            self.partner_uuid, self.api_key, lifetime=token_lifetime, clock=clock
        )
        self._dispatcher = Dispatcher(self._world, self._tokens, clock=clock, envelope=envelope)
        self._runner: web.ServerRunner | None = None
        if self._storage is not None:
            self._restore(self._storage)
            self._dispatcher.on_write = self._keep

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
        if self._storage is not None:
            self._storage.close()

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
        books: Books = self._do("add_business", {"external_id": external_id, "fields": fields})
        return books.id

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

    # --- state -----------------------------------------------------------------------------

    def _do(self, name: str, data: dict[str, Any]) -> Any:
        """Change the books without a request: one of `_DIRECT` with these arguments."""
        now, ids = self._dispatcher.now(), self._world.ids
        done = _DIRECT[name](self._world, now, **data)
        if self._storage is not None:
            self._storage.record(Event(now, ids, name, data))
        return done

    def _keep(self, received: Received, now: datetime, ids: int) -> None:
        if self._storage is not None:
            self._storage.record(Event(now, ids, "request", received.as_data()))

    def _restore(self, storage: Storage) -> None:
        """Do again what the file holds. Raises OSError where that can't be done."""
        for event in storage.events():
            self._world.ids = event.ids
            try:
                if event.name == "request":
                    self._dispatcher.repeat(Received.of(event.data), event.at)
                else:
                    _DIRECT[event.name](self._world, event.at, **event.data)
            except Exception as error:
                storage.close()
                text = f"{storage} was written by another version of the emulator: {error}"
                raise OSError(text) from error


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
