"""From a request to its answer: route, credentials, reading, the resource's handler."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

import attrs
from aiohttp import web
from multidict import CIMultiDict

from .. import operations
from ..clock import Clock
from ..operation import Operation, Replay, TokenScope
from . import documents, widget
from .call import Answer, Call, Handler, World
from .fault import Asked
from .problems import ErrorShape, Problem
from .reading import Body, as_model, read_body, read_query
from .resources import (
    accounts,
    bank_accounts,
    bank_transactions,
    bill_payments,
    bills,
    businesses,
    customer_credits,
    customers,
    insights,
    invoices,
    journal_entries,
    menu_config,
    payments,
    payouts,
    receipts,
    refunds,
    reports,
    vendor_credits,
    vendor_refund_payments,
    vendor_refunds,
    vendors,
    write_offs,
)
from .responses import REPLAYED, UNDESCRIBED, is_browser, preflight, refusal, response_of
from .routes import Routes
from .shapes import adapted
from .tokens import TokenOffice

__all__ = ["Dispatcher", "Envelope", "Received"]

log = logging.getLogger(__name__)

Envelope = Literal["reference", "guide"]
_TOKENS = {operations.GET_PARTNER_TOKEN.id, operations.GET_BUSINESS_TOKEN.id}
_KEPT_HEADERS = ("Host", "Idempotency-Key", "Origin")
_OPEN = documents.OPEN | widget.OPEN
_RESOURCES = (
    businesses,
    customers,
    invoices,
    payments,
    refunds,
    customer_credits,
    write_offs,
    payouts,
    receipts,
    accounts,
    journal_entries,
    reports,
    insights,
    menu_config,
    bank_accounts,
    bank_transactions,
    vendor_credits,
    vendor_refunds,
    vendor_refund_payments,
    vendors,
    bills,
    bill_payments,
)


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
    """Answers requests out of a `World`; every answer but 2xx in the shape of ``errors``.

    ``on_write`` is called after each write to the books that succeeded, with the ids that had
    been given before it.
    """

    def __init__(
        self,
        world: World,
        tokens: TokenOffice,
        *,
        clock: Clock,
        envelope: Envelope,
        errors: ErrorShape,
        strict_tokens: bool,
    ) -> None:
        self.on_write: Callable[[Received, datetime, int], None] | None = None
        self.requests: Counter[str] = Counter()
        self._world = world
        self._tokens = tokens
        self._clock = clock
        self._envelope = envelope
        self.errors = errors
        self._strict_tokens = strict_tokens
        self._routes = Routes(
            [*operations.OPERATIONS.values(), *documents.OPERATIONS, *widget.OPERATIONS]
        )
        self._handlers: dict[str, Handler] = {
            operations.GET_PARTNER_TOKEN.id: self._partner_token,
            operations.GET_BUSINESS_TOKEN.id: self._business_token,
        }
        for resource in (*_RESOURCES, documents, widget):
            self._handlers.update(resource.HANDLERS)

    @property
    def operations(self) -> frozenset[str]:
        """The ids of the operations of the description that have a handler."""
        return frozenset(self._handlers.keys() & operations.OPERATIONS.keys())

    def asked(self, request: web.BaseRequest) -> Asked | None:
        """What a request is for; None where there is no such operation."""
        try:
            operation, path = self._routed(request.method, request.raw_path)
        except Problem:
            return None
        books = self._world.businesses.get(path.get("business_id", ""))
        names = () if books is None else (books.id, books.business["external_id"])
        return Asked(operation.id, frozenset(names))

    def now(self) -> datetime:
        """The time by the emulator's clock."""
        return datetime.fromtimestamp(self._clock.time(), UTC)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request; browsers may read it from any page."""
        if request.method == "OPTIONS":
            answer = preflight()
        else:
            answer = await self._served(request)
        if is_browser(request.headers):
            answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    async def _served(self, request: web.BaseRequest) -> web.Response:
        shape: ErrorShape = "reference" if is_browser(request.headers) else self.errors
        try:
            return await self._answer(request)
        except Problem as problem:
            return refusal(problem, shape)
        except web.HTTPRequestEntityTooLarge:
            return refusal(Problem(413, "too_large", "The body is too large."), shape)
        except Exception:
            log.exception("the emulator failed on %s %s", request.method, request.path)
            return refusal(Problem(500, "internal_error", "The emulator has a bug."), shape)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
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
        shown = adapted(operation.id, answer) if is_browser(request.headers) else answer
        response = response_of(shown)
        response[REPLAYED] = self._world.ids == ids and _names_one(operation, body)
        if shown is not answer or operation.id not in operations.OPERATIONS:
            response.headers.update(UNDESCRIBED)
        return response

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
                data=received.body.data if received.body is not None else {},
                headers=received.headers,
                target=received.target,
                now=now,
                envelope="reference" if is_browser(received.headers) else self._envelope,
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
        """Either kind of token on a business's paths, the partner's own elsewhere.

        Strictly, a business's paths take the business's token alone.
        """
        if operation.id in _OPEN:
            return
        if operation.scope is TokenScope.BASIC:
            self._tokens.check_credentials(authorization)
            return
        holder = self._tokens.holder(authorization)
        if holder.business_id is None:
            if self._strict_tokens and operation.scope is TokenScope.BUSINESS:
                raise Problem(403, "permission_denied", "This takes the business's own token.")
            return
        if operation.scope is TokenScope.PARTNER:
            raise Problem(403, "permission_denied", "This takes the partner token.")
        if holder.business_id != path.get("business_id"):
            raise Problem(403, "permission_denied", "The token is another business's.")

    def _partner_token(self, call: Call) -> Answer:
        return Answer(200, self._tokens.issue())

    def _business_token(self, call: Call) -> Answer:
        return Answer(200, self._tokens.issue(call.books.id))


def _names_one(operation: Operation[Any], body: Body | None) -> bool:
    """Whether a request creates what its external_id names; a payout it may also change."""
    creates = operation.replay not in (Replay.SAFE, Replay.STATE_CHANGE, Replay.UPSERT)
    return creates and body is not None and bool(body.data.get("external_id"))
