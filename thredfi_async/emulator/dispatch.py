"""From a request to its answer: route, credentials, reading, the resource's handler."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

import attrs
from aiohttp import web
from multidict import CIMultiDict

from .. import codec, operations
from ..clock import Clock
from ..operation import Operation, TokenScope
from .call import Answer, Call, Handler, World
from .problems import Problem
from .reading import Body, as_model, read_body, read_query
from .resources import businesses, customers, invoices, payments, refunds
from .routes import Routes
from .tokens import TokenOffice

__all__ = ["Dispatcher", "Envelope", "Received"]

log = logging.getLogger(__name__)

Envelope = Literal["reference", "guide"]
_TOKENS = {operations.GET_PARTNER_TOKEN.id, operations.GET_BUSINESS_TOKEN.id}
_KEPT_HEADERS = ("Host", "Idempotency-Key", "Origin")
_RESOURCES = (businesses, customers, invoices, payments, refunds)


@attrs.frozen
class Received:
    """A request that was let in: all that its answer depends on beside the time."""

    method: str
    target: str  # path and query as they came
    headers: Mapping[str, str]
    body: Body | None

    def as_data(self) -> dict[str, Any]:
        """As plain data, with the headers that matter."""
        kept = {name: self.headers[name] for name in _KEPT_HEADERS if name in self.headers}
        body = None if self.body is None else [self.body.content_type, self.body.data]
        return {"method": self.method, "target": self.target, "headers": kept, "body": body}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Received:
        """What `as_data` made."""
        body = None if data["body"] is None else Body(*data["body"])
        return cls(data["method"], data["target"], CIMultiDict(data["headers"]), body)


class Dispatcher:
    """Answers requests out of a `World`; every answer but 2xx in the one error shape.

    ``on_write`` is called after each write to the books that succeeded, with the ids that had
    been given before it.
    """

    def __init__(
        self, world: World, tokens: TokenOffice, *, clock: Clock, envelope: Envelope
    ) -> None:
        self.on_write: Callable[[Received, datetime, int], None] | None = None
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
        operation, path = self._routed(request.method, request.raw_path)
        self.requests[operation.id] += 1
        self._check_rights(operation, path, request.headers.get("Authorization"))
        if "business_id" in path:
            self._world.books(path["business_id"])  # an unknown business before anything else
        query = self._query(operation, request.raw_path)
        body = await self._body(operation, request)
        received = Received(request.method, request.raw_path, request.headers, body)
        now, ids = self.now(), self._world.ids
        answer = self._handled(operation, path, query, received, now)
        if self.on_write and operation.method != "GET" and operation.id not in _TOKENS:
            self.on_write(received, now, ids)
        return answer

    def repeat(self, received: Received, now: datetime) -> None:
        """Do again what a request did, without its checks of rights. Raises `Problem`."""
        operation, path = self._routed(received.method, received.target)
        query = self._query(operation, received.target)
        self._handled(operation, path, query, received, now)

    def _routed(self, method: str, target: str) -> tuple[Operation[Any], dict[str, str]]:
        path = target.partition("?")[0]
        segments = path.removeprefix("/").removesuffix("/").split("/")
        operation, values = self._routes.find(method, segments)
        named = zip(operation.path_parameters, map(unquote, values), strict=True)
        return operation, dict(named)

    def _query(self, operation: Operation[Any], target: str) -> dict[str, Any]:
        return read_query(operation, target.partition("?")[2])

    def _handled(
        self,
        operation: Operation[Any],
        path: Mapping[str, str],
        query: Mapping[str, Any],
        received: Received,
        now: datetime,
    ) -> Answer:
        handler = self._handlers.get(operation.id)
        if handler is None:
            text = f"The emulator doesn't know {operation.id}; see docs/emulator.md."
            raise Problem(501, "not_implemented", text)
        return handler(
            Call(
                world=self._world,
                operation=operation,
                path=path,
                query=query,
                body=as_model(operation, received.body),
                headers=received.headers,
                target=received.target,
                now=now,
                envelope=self._envelope,
            )
        )

    async def _body(self, operation: Operation[Any], request: web.BaseRequest) -> Body | None:
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
        request_id = str(uuid.uuid4())
        answer = _json(problem.status, problem.body(request_id))
        answer.headers["X-Request-ID"] = request_id
        return answer


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=codec.encode(body), content_type="application/json")
