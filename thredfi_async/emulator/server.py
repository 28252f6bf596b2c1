"""The emulator: a local server that speaks Thred's Partner API and keeps books."""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from os import PathLike
from random import Random
from types import TracebackType
from typing import Any, Self, get_args

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from ..client import ThredfiClient
from ..clock import Clock, SystemClock
from .books import BankAccount, BankTransaction, Books
from .call import World
from .dispatch import Dispatcher, Envelope, Received
from .faults import Faults, Powers
from .problems import ErrorShape
from .resources.bank_accounts import connect
from .resources.bank_transactions import come_in
from .resources.businesses import set_up
from .storage import Event, Storage
from .tokens import TokenOffice

__all__ = ["Emulator"]

log = logging.getLogger(__name__)

# What changes the books without a request.
_DIRECT: dict[str, Callable[..., Any]] = {
    "add_business": set_up,
    "add_bank_account": connect,
    "add_bank_transaction": come_in,
}
_MAX_BODY = 32 << 20  # bytes


class Emulator:
    """Thred's Partner API on a local socket, with books that can be looked into.

    ``async with Emulator() as emulator:`` serves on a free port of 127.0.0.1; then
    ``emulator.client()`` is a client of it and ``emulator.books(business_id)`` the state.

    - ``host``, ``port``: where to listen; port 0 is a free one.
    - ``token_lifetime``: seconds that tokens live.
    - ``envelope``: the shape of lists, ``"reference"`` (page_info) or ``"guide"`` (next).
    - ``errors``: the shape of refusals, ``"reference"`` (error_code, message, detail, request_id)
      or ``"guide"`` (error, error_code, details).
    - ``strict_tokens``: whether a business's paths refuse the partner token.
    - ``seed``: makes ids and credentials the same in every run.
    - ``partner_uuid``, ``api_key``: the credentials that it takes, in place of made-up ones.
    - ``db``: a file to keep the state in, so that it is there again after a restart, with the
      seed that it began with; in memory otherwise. Raises OSError where it can't be used.
    - ``clock``: where the time comes from.

    ``emulator.faults`` makes it misbehave on purpose: see `Faults`.

    Raises ValueError for a shape that there is not, a seed that isn't that of the file, and
    credentials that no header can carry.

    What it does where nobody knows what Thred does is written down in docs/emulator.md.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token_lifetime: int = 3600,
        envelope: Envelope = "reference",
        errors: ErrorShape = "reference",
        strict_tokens: bool = False,
        seed: int | None = None,
        partner_uuid: str | None = None,
        api_key: str | None = None,
        db: str | PathLike[str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        for name, shape in (("envelope", envelope), ("errors", errors)):
            if shape not in get_args(ErrorShape):
                raise ValueError(f"{name} must be reference or guide, not {shape!r}")
        for name, credential in (("partner_uuid", partner_uuid), ("api_key", api_key)):
            _check_credential(name, credential)
        self._storage = Storage(db) if db is not None else None
        seed = _seed(seed, self._storage)
        random = Random(seed)
        clock = clock or SystemClock()
        made_up = str(uuid.UUID(int=random.getrandbits(128), version=4))
        self.partner_uuid = made_up if partner_uuid is None else partner_uuid
        made_up = f"emulator-{random.getrandbits(128):032x}"
        self.api_key = made_up if api_key is None else api_key
        self._host, self._port = host, port
        self._world = World(seed)
        self._tokens = TokenOffice(
            self.partner_uuid, self.api_key, lifetime=token_lifetime, clock=clock
        )
        self._dispatcher = Dispatcher(
            self._world,
            self._tokens,
            clock=clock,
            envelope=envelope,
            errors=errors,
            strict_tokens=strict_tokens,
        )
        self._runner: web.ServerRunner | None = None
        self._pause: asyncio.Task[None] | None = None
        self.faults = Faults(
            self._dispatcher.serve,
            self._dispatcher.asked,
            Powers(
                self.expire_tokens,
                self.revoke_tokens,
                self.rotate_key,
                self._refuse,
                self._dispatcher.now,
            ),
            Random(f"faults {seed}"),
        )
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
        server = web.Server(self.faults.serve, request_factory=_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await self._listen()
        except BaseException:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, self._host, self._port)
        await self._site.start()

    async def _refuse(self, seconds: float) -> None:
        """Refuse new connections for so long; those that there are end after their answers."""
        if self._runner is None or self._runner.server is None:
            return
        if self._pause is None or self._pause.done():
            await self._site.stop()
            self._runner.server.pre_shutdown()
            self._pause = asyncio.create_task(
                self._listen_after(seconds, self._runner.server.connections),
                name="thredfi emulator: not listening",
            )

    async def _listen_after(
        self, seconds: float, connections: Sequence[web.RequestHandler]
    ) -> None:
        ending = [connection.shutdown(seconds) for connection in connections]
        await asyncio.gather(self.faults.wait(seconds), *ending)
        try:
            await self._listen()
        except OSError:
            log.exception("the emulator can't listen again")

    async def stop(self) -> None:
        """Stop serving; the books stay readable."""
        self.faults.release()
        if self._pause is not None:
            self._pause.cancel()
            await asyncio.gather(self._pause, return_exceptions=True)
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

    def add_bank_account(
        self,
        business_id: str,
        *,
        name: str = "Current account",
        mask: str | None = "0001",
        balance: int = 0,
        provider: str = "plaid",
        is_active: bool = True,
    ) -> str:
        """Connect a bank account in the business's currency; its id.

        ``business_id`` is the id or external_id, ``balance`` what is on the account before its
        first transaction, in minor units. Raises KeyError.
        """
        data = {
            "business_id": self.books(business_id).id,
            "name": name,
            "mask": mask,
            "balance": balance,
            "provider": provider,
            "is_active": is_active,
        }
        account: BankAccount = self._do("add_bank_account", data)
        return account.id

    def add_bank_transaction(
        self,
        business_id: str,
        amount: int,
        *,
        day: date | None = None,
        description: str | None = None,
        counterparty: str | None = None,
        merchant: str | None = None,
        reference: str | None = None,
        type: str = "bank_transfer",
        bank_account_id: str | None = None,
    ) -> str:
        """Let money come in (a positive ``amount``, in minor units) or go out; the id.

        ``business_id`` is the id or external_id; ``day`` is today by default; the account is the
        first one, which is connected if there is none. Raises KeyError, and ValueError for an
        amount of 0.
        """
        data = {
            "business_id": self.books(business_id).id,
            "amount": amount,
            "day": day.isoformat() if day is not None else None,
            "description": description,
            "counterparty": counterparty,
            "merchant": merchant,
            "reference": reference,
            "type": type,
            "bank_account_id": bank_account_id,
        }
        transaction: BankTransaction = self._do("add_bank_transaction", data)
        return transaction.id

    def books(self, business_id: str) -> Books:
        """The books of a business, by its id or external_id. Raises KeyError."""
        world = self._world
        found = world.businesses.get(business_id) or world.by_external_id.get(business_id)
        if found is None:
            raise KeyError(f"the emulator has no business {business_id!r}")
        return found

    def expire_tokens(self) -> None:
        """Let every token issued so far expire now."""
        self._tokens.expire_all()

    def revoke_tokens(self) -> None:
        """Refuse every token issued so far."""
        self._tokens.revoke_all()

    def rotate_key(self) -> None:
        """Take another API key, a new `api_key`, for tokens. Those issued stay good."""
        self.api_key = f"emulator-{secrets.token_hex(16)}"
        self._tokens.rotate_key(self.api_key)

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
                text = (
                    f"{storage} is damaged, or was written by another version of the emulator: "
                    f"{event.name} can't be done again: {error!r}"
                )
                raise OSError(text) from error


def _check_credential(name: str, value: str | None) -> None:
    if value is None:
        return
    good = value.isascii() and value.isprintable() and value.strip() == value != ""
    if not good or (name == "partner_uuid" and ":" in value):
        raise ValueError(f"{name} must be printable ASCII without spaces at its ends")


def _seed(wanted: int | None, storage: Storage | None) -> int:
    """The seed to begin with; that of the file where there is one."""
    seed = secrets.randbits(64) if wanted is None else wanted
    if storage is None:
        return seed
    kept = storage.seed(seed)
    if wanted is not None and kept != wanted:
        storage.close()
        raise ValueError(f"seed must be left out: {storage} was begun with another one")
    return kept


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
