"""``thredfi call``: any operation from the shell, JSON in and JSON out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import attrs

from ..client import ThredfiClient
from ..errors import InvalidRequest
from ..operation import Operation, Replay, TokenScope
from ..operations import GET_BUSINESS_TOKEN
from ..options import CallOptions, check_options
from ..request import prepare
from ..response import Response, with_response
from ..texts import read_json
from ..uploads import Upload
from .arguments import body_of, named_values, operation_of, path_of, query_of
from .business import find_business
from .connection import Connection
from .endings import Course, Exit
from .interrupts import in_loop
from .json_text import complain_differences, say_answer, say_items
from .lists import is_paginated, pages_of

__all__ = ["CallCommand"]

EXTRA_BODY = "extra_body"  # in a body, as in the records of a push
_HIDDEN = ("access_token", "refresh_token")  # of the answers of token operations
_ANY_BUSINESS = "00000000-0000-0000-0000-000000000000"  # until it is known which


@attrs.define
class CallCommand:
    """One call, as the options ask for it."""

    operation: str
    path: list[str]
    query: list[str]
    business: str | None
    body: str | None
    file: str | None
    extra_query: list[str]
    headers: list[str]
    idempotency_key: str | None
    timeout: float | None
    deadline: float | None
    show: bool
    connection: Connection

    def run(self, course: Course) -> Exit:
        """Check everything, call, print the answer; the exit status."""
        operation = operation_of(self.operation)
        path = path_of(operation, self.path, self.business is not None)
        query = query_of(operation, self.query)
        file = None if self.file is None else Upload(self.file)
        options = self._options()
        call = _Call(operation, path, query, None, file, options)
        if self._needs_own_body(operation):
            client = self.connection.client()
            call.body = client._session.credentials.token_request
        else:
            call.body = body_of(operation, self.body, has_file=file is not None)
            if isinstance(call.body, dict) and EXTRA_BODY in call.body:
                options["extra_body"] = call.body.pop(EXTRA_BODY)
            call.check()
            client = self.connection.client()
        return in_loop(self._carry_out(client, call, course))

    def _needs_own_body(self, operation: Operation[Any]) -> bool:
        """Whether the body is what the client itself asks for a token with."""
        return operation.scope is TokenScope.BASIC and self.body is None

    def _options(self) -> CallOptions:
        options: CallOptions = {}
        if self.idempotency_key is not None:
            options["idempotency_key"] = self.idempotency_key
        if self.timeout is not None:
            options["timeout"] = self.timeout
        if self.deadline is not None:
            options["deadline"] = self.deadline
        extra = named_values("--extra-query", self.extra_query)
        if extra:
            options["extra_query"] = extra
        headers = named_values("--header", self.headers)
        if headers:
            options["extra_headers"] = {name: values[-1] for name, values in headers.items()}
        return options

    async def _carry_out(self, client: ThredfiClient, call: _Call, course: Course) -> Exit:
        async with client as thredfi:
            if self.business is not None:
                call.path["business_id"] = await find_business(thredfi, self.business)
            if is_paginated(call.operation) and "page" not in call.query:
                pages = pages_of(
                    thredfi,
                    call.operation,
                    path=call.path,
                    query=call.query,
                    options=call.options,
                )
                async with aclosing(pages):
                    async for items in pages:
                        say_items(items)
                return Exit.WELL
            response = await call.sent(thredfi)
            course.sent = call.operation.replay is not Replay.SAFE
            say_answer(self._shown(call.operation, response.body))
            if response.differences:
                complain_differences(call.operation.id, response.differences)
                return Exit.NOT_ALL_WELL
            return Exit.WELL

    def _shown(self, operation: Operation[Any], data: bytes) -> bytes:
        """An answer as it is printed: without its tokens, unless they are asked for."""
        is_token = operation.scope is TokenScope.BASIC or operation is GET_BUSINESS_TOKEN
        if self.show or not is_token:
            return data
        value = read_json(data)[0]
        if not isinstance(value, dict):
            return b""
        hidden = {name: "hidden: --show prints it" for name in _HIDDEN if name in value}
        return json.dumps({**value, **hidden}).encode()


@attrs.define
class _Call:
    """The arguments of one call."""

    operation: Operation[Any]
    path: dict[str, str]
    query: Mapping[str, Any]
    body: Any = attrs.field(repr=False)
    file: Upload | None
    options: CallOptions

    def check(self) -> None:
        """Raise `InvalidRequest` for what can't be sent, before anything is."""
        options = self.options
        parameters = dict.fromkeys(self.operation.path_parameters, _ANY_BUSINESS)
        try:
            check_options(self.operation, options)
            prepare(
                self.operation,
                path={**parameters, **self.path},
                query=self.query,
                body=self.body,
                file=self.file,
                extra_body=options.get("extra_body"),
                extra_query=options.get("extra_query"),
                extra_headers=options.get("extra_headers"),
                idempotency_key=options.get("idempotency_key"),
            )
        except InvalidRequest as error:
            raise _by_options(error) from None

    async def sent(self, thredfi: ThredfiClient) -> Response[Any]:
        """Send it; the answer with what came around it."""
        return await with_response(
            thredfi.call(
                self.operation,
                path=self.path,
                query=self.query,
                body=self.body,
                file=self.file,
                **self.options,
            )
        )


def _by_options(error: InvalidRequest) -> InvalidRequest:
    """The same problems, with the names of arguments as the options have them."""
    names = ("file", "body", "extra_query", "idempotency_key", "timeout", "deadline")
    options = {name: f"--{name.replace('_', '-')}" for name in names}
    return InvalidRequest([(options.get(path, path), text) for path, text in error.problems])
