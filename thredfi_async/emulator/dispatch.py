"""From a request to its answer: route, credentials, reading, the resource's handler."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

from aiohttp import web

from .. import codec, operations
from ..clock import Clock
from ..operation import Operation, TokenScope
from .call import Answer, Call, Handler, World
from .problems import Problem
from .reading import read_body, read_query
from .resources import businesses, customers, invoices, payments, refunds
from .routes import Routes
from .tokens import TokenOffice

__all__ = ["Dispatcher", "Envelope"]

log = logging.getLogger(__name__)

Envelope = Literal["reference", "guide"]
_RESOURCES = (businesses, customers, invoices, payments, refunds)


class Dispatcher:
    """Answers requests out of a `World`; every answer but 2xx in the one error shape."""

    def __init__(
        self, world: World, tokens: TokenOffice, *, clock: Clock, envelope: Envelope
    ) -> None:
        self.requests: Counter[str] = Counter()
        self._world = world
        self._tokens = tokens
        self._clock = clock
        self._envelope = envelope
        self._routes = Routes(operations.OPERATIONS.values())
        self._handlers: dict[str, Handler] = {
            operations.GET_PARTNER_TOKEN.id: self._partner_token,
            operations.GET_BUSINESS_TOKEN.id: self._business_token,
        }
        for resource in _RESOURCES:
            self._handlers.update(resource.HANDLERS)

    @property
    def operations(self) -> frozenset[str]:
        """The ids of the operations that have a handler."""
        return frozenset(self._handlers)

    def now(self) -> datetime:
        """The time by the emulator's clock."""
        return datetime.fromtimestamp(self._clock.time(), UTC)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request."""
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
        target = request.raw_path
        path, _, query = target.partition("?")
        segments = path.removeprefix("/").removesuffix("/").split("/")
        operation, values = self._routes.find(request.method, segments)
        self.requests[operation.id] += 1
        named = dict(zip(operation.path_parameters, map(unquote, values), strict=True))
        self._check_rights(operation, named, request.headers.get("Authorization"))
        if "business_id" in named:
            self._world.books(named["business_id"])  # an unknown business before anything else
        handler = self._handlers.get(operation.id)
        if handler is None:
            text = f"The emulator doesn't know {operation.id}; see docs/emulator.md."
            raise Problem(501, "not_implemented", text)
        call = Call(
            world=self._world,
            operation=operation,
            path=named,
            query=read_query(operation, query),
            body=await self._body(operation, request),
            headers=request.headers,
            target=target,
            now=self.now(),
            envelope=self._envelope,
        )
        return handler(call)

    async def _body(self, operation: Operation[Any], request: web.BaseRequest) -> Any:
        if operation.scope is TokenScope.BASIC:
            return None  # the docs show this call with JSON, with forms, and without any body
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await read_body(operation, request)

    def _check_rights(
        self, operation: Operation[Any], path: dict[str, str], authorization: str | None
    ) -> None:
        """Either kind of token on a business's paths, the partner's own elsewhere."""
        if operation.scope is TokenScope.BASIC:
            self._tokens.check_credentials(authorization)
            return
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


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=codec.encode(body), content_type="application/json")
