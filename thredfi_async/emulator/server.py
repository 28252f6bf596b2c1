"""The emulator: a local server that speaks Thred's Partner API and keeps books."""

from __future__ import annotations

import logging
import secrets
import uuid
from base64 import b64encode
from collections import Counter
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import unquote

from aiohttp import web

from .. import codec, operations
from ..client import ThredfiClient
from ..clock import Clock, SystemClock
from ..operation import Operation, TokenScope
from . import businesses, customers, invoices, payments, refunds
from .books import Books
from .call import Answer, Call, Handler, World
from .problems import Problem
from .reading import read_body, read_query
from .routes import Routes
from .tokens import TokenOffice

__all__ = ["Emulator"]

log = logging.getLogger(__name__)

_RESOURCES = (businesses, customers, invoices, payments, refunds)
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
        envelope: Literal["reference", "guide"] = "reference",
        seed: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        random = Random(seed if seed is not None else secrets.randbits(64))
        self.partner_uuid = str(uuid.UUID(int=random.getrandbits(128), version=4))
        self.api_key = f"emulator-{random.getrandbits(128):032x}"
        self.requests: Counter[str] = Counter()
        """How many requests came per operation id."""
        self._host, self._port = host, port
        self._envelope = envelope
        self._clock: Clock = clock or SystemClock()
        self._world = World(random)
        self._tokens = TokenOffice(
            self.partner_uuid, self.api_key, lifetime=token_lifetime, clock=self._clock
        )
        self._routes = Routes(operations.OPERATIONS.values())
        self._handlers: dict[str, Handler] = {
            operations.GET_PARTNER_TOKEN.id: self._partner_token,
            operations.GET_BUSINESS_TOKEN.id: self._business_token,
        }
        for resource in _RESOURCES:
            self._handlers.update(resource.HANDLERS)
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
        self._runner = web.ServerRunner(web.Server(self._serve), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, shutdown_timeout=1.0)
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

    def client(self, **arguments: Any) -> ThredfiClient:
        """A client of this emulator; ``arguments`` go to `ThredfiClient`."""
        known = {
            "base_url": self.url,
            "partner_uuid": self.partner_uuid,
            "api_key": self.api_key,
        }
        return ThredfiClient(**{**known, **arguments})

    def add_business(self, external_id: str, **fields: Any) -> str:
        """Set up a business without a request; its id."""
        given = {
            "external_id": external_id,
            "legal_name": external_id,
            "email": "books@example.com",
            **fields,
        }
        return businesses.new_business(self._world, given, self._now()).id

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

    # --- serving ---------------------------------------------------------------------------

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await self._answer(request)
        except Problem as problem:
            return self._refusal(problem)
        except web.HTTPRequestEntityTooLarge:
            return self._refusal(Problem(413, "too_large", "The body is too large."))
        except Exception:
            log.exception("the emulator failed on %s %s", request.method, request.path)
            return self._refusal(Problem(500, "internal_error", "The emulator has a bug."))
        if answer.body is None:
            return web.Response(status=answer.status)
        return _json(answer.status, answer.body)

    async def _answer(self, request: web.BaseRequest) -> Answer:
        segments = request.raw_path.partition("?")[0].strip("/").split("/")
        operation, values = self._routes.find(request.method, segments)
        self.requests[operation.id] += 1
        path = dict(zip(operation.path_parameters, map(unquote, values), strict=True))
        request._client_max_size = _MAX_BODY
        if operation.scope is TokenScope.BASIC:
            self._check_basic(request.headers.get("Authorization"))
        else:
            self._check_token(operation, path, request.headers.get("Authorization"))
        handler = self._handlers.get(operation.id)
        if handler is None:
            raise Problem(501, "not_implemented", f"The emulator doesn't know {operation.id} yet.")
        call = Call(
            world=self._world,
            operation=operation,
            path=path,
            query=read_query(operation, request.query) if operation.query else {},
            body=await self._body(operation, request),
            headers=request.headers,
            now=self._now(),
            envelope=self._envelope,
        )
        return handler(call)

    async def _body(self, operation: Operation[Any], request: web.BaseRequest) -> Any:
        # The guides send the partner-token call with JSON, with a form, and without any body.
        if operation.scope is TokenScope.BASIC:
            await request.read()
            return None
        return await read_body(operation, request)

    def _check_basic(self, authorization: str | None) -> None:
        if not authorization:
            raise Problem(401, "authentication_required", "Send the partner UUID and API key.")
        pair = f"{self.partner_uuid}:{self.api_key}".encode()
        expected = f"Basic {b64encode(pair).decode()}"
        if not secrets.compare_digest(authorization.encode(), expected.encode()):
            raise Problem(401, "authentication_required", "Partner UUID or API key is wrong.")

    def _check_token(
        self, operation: Operation[Any], path: dict[str, str], authorization: str | None
    ) -> None:
        """Either kind of token on a business's paths, the partner's own elsewhere."""
        holder = self._tokens.holder(authorization)
        if holder.business_id is None:
            return
        if operation.scope is TokenScope.PARTNER:
            raise Problem(403, "permission_denied", "This takes the partner token.")
        if holder.business_id != path.get("business_id"):
            raise Problem(403, "permission_denied", "The token is another business's.")

    def _partner_token(self, call: Call) -> Answer:
        return Answer(200, self._tokens.issue())

    def _business_token(self, call: Call) -> Answer:
        return Answer(200, self._tokens.issue(call.books.id))

    def _refusal(self, problem: Problem) -> web.Response:
        request_id = self._world.new_id()
        answer = _json(problem.status, problem.body(request_id))
        answer.headers["X-Request-ID"] = request_id
        return answer

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=codec.encode(body), content_type="application/json")
