"""The fast way of a small request: aiohttp's connector and its parser, without what lies between.

aiohttp spends most of a call on objects that a small JSON request doesn't need: a task that
writes the body, a request, a response, their timers. Here a pooled connection is taken from
aiohttp's connector, head and body are written at once, and aiohttp's own parser reads the
answer. Pool, TLS, names and addresses stay aiohttp's, and so does the reading of heads.

The twin of this file is the public way in `transport`, which carries everything else. What is
used here beyond aiohttp's public interface stands in `_SHAPES` and `_UNTOUCHED`; `why_not` holds
it against the aiohttp that is installed.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import cache
from itertools import starmap
from typing import Any, TypeAlias, TypeGuard

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import BaseConnector, Connection
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDict
from yarl import URL

from .attempt import (
    TRIES,
    Attempt,
    LostError,
    NotSentError,
    broken,
    cause,
    closes_early,
    ended_by_closing,
    is_closed,
    is_spoiled,
    not_sent,
)

__all__ = [
    "Exchanged",
    "FastPath",
    "TooLargeError",
    "read_bounded",
    "why_not",
    "why_not_now",
    "why_not_through",
]

Exchanged: TypeAlias = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of an answer."""

TESTED = ("3.14",)
"""The minor versions of aiohttp that the conformance tests have run on."""

_SMALL = 64 << 10  # bytes of a body that goes out in one piece with the head
_BUFFERED = 8 << 10  # bytes of a body that surely leave with the head
_METHODS = frozenset(("DELETE", "GET", "PATCH", "POST", "PUT"))
_REMEMBERED = 4096  # heads, one for each token

_NOT_HERE = frozenset(
    (
        *("accept", "accept-encoding", "content-encoding", "content-type", "cookie", "user-agent"),
        *("connection", "expect", "keep-alive", "te", "trailer", "upgrade"),
    )
)
"""Headers that replace one of every call, or that aiohttp acts upon: they go the public way."""

_SHAPES: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (BaseConnector, "connect", ("req", "traces", "timeout")),
    (Connection, "protocol", ()),
    (Connection, "transport", ()),
    (Connection, "close", ()),
    (Connection, "release", ()),
    (ResponseHandler, "set_response_params", ("read_until_eof",)),
    (ResponseHandler, "read", ()),
    (ResponseHandler, "should_close", ()),
    (RawResponseMessage, "code", ()),
    (RawResponseMessage, "headers", ()),
    (aiohttp.StreamReader, "is_eof", ()),
    (aiohttp.StreamReader, "read_nowait", ()),
    (aiohttp.StreamReader, "readany", ()),
    (aiohttp.ClientRequest, "__init__", ("method", "url", "headers", "loop")),
    (aiohttp.ClientRequest, "connection_key", ()),
)
"""Whose, what, and the arguments it is given here, beyond aiohttp's public interface."""

_UNTOUCHED: tuple[tuple[Any, str, Any], ...] = tuple(
    (owner, name, getattr(owner, name))
    for owner, name in (
        (aiohttp.ClientSession, "_request"),
        (aiohttp.ClientSession, "request"),
        (aiohttp.TCPConnector, "connect"),
        (aiohttp.ClientRequest, "send"),
    )
)
"""What tests and tracers replace to see or answer the requests of a program, as imported."""

_SESSION = aiohttp.ClientSession


class TooLargeError(Exception):
    """The answer is over the size limit, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit} bytes")


@cache
def why_not() -> str | None:
    """Why the aiohttp that is installed doesn't allow the fast way; None: it does."""
    version = aiohttp.__version__
    if ".".join(version.split(".")[:2]) not in TESTED:
        return f"aiohttp {version} isn't one of the versions tested: {', '.join(TESTED)}"
    for owner, name, arguments in _SHAPES:
        found = getattr(owner, name, None)
        if found is None:
            return f"aiohttp {version} has no {owner.__name__}.{name}"
        if arguments and not set(arguments) <= set(inspect.signature(found).parameters):
            return f"{owner.__name__}.{name} of aiohttp {version} takes other arguments"
    for owner, name, found in _UNTOUCHED:
        # By its code: what replaces a function often takes on its name and module.
        code = getattr(found, "__code__", None)
        if code is None or code.co_filename != sys.modules[owner.__module__].__file__:
            return f"{owner.__name__}.{name} had been replaced before"
    return None


def why_not_through(http: aiohttp.ClientSession) -> str | None:
    """Why a session of the client's own doesn't allow the fast way; None: it does."""
    if type(http) is not _SESSION or not {"_request", "request"}.isdisjoint(vars(http)):
        return "aiohttp.ClientSession is replaced"
    held = ("_default_proxy", "_middlewares")
    made = (http.headers, http.auth, http.trust_env, *(getattr(http, one, None) for one in held))
    return "ClientSession.__init__ is replaced, and gives it more" if any(made) else None


def why_not_now() -> str | None:
    """What stands in the place of aiohttp's own functions at present; None: nothing does."""
    for owner, name, as_imported in _UNTOUCHED:
        if getattr(owner, name) is not as_imported:
            return f"{owner.__name__}.{name} is replaced"
    return None


async def read_bounded(payload: aiohttp.StreamReader, limit: int) -> bytes:
    """The rest of an answer. Raises `TooLargeError` beyond ``limit`` bytes."""
    if payload.is_eof():  # all of it is there
        whole = payload.read_nowait()
        if len(whole) > limit:
            raise TooLargeError(limit)
        return whole
    pieces, size = [], 0
    while piece := await payload.readany():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise TooLargeError(limit)
    return b"".join(pieces)


class FastPath:
    """Sends small requests through the connector of ``http``, a session of the client's own.

    Belongs to the event loop that it is made in. ``timeout`` is for connecting.
    """

    __slots__ = ("_connector", "_heads", "_http", "_limit", "_request", "_timeout", "_url")

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        *,
        timeout: aiohttp.ClientTimeout,
        max_answer_size: int,
    ) -> None:
        assert http.connector is not None
        self._http = http
        self._connector = http.connector
        self._url = URL(base_url)
        self._timeout = timeout
        self._limit = max_answer_size
        self._heads: dict[tuple[str, bool], bytes] = {}
        self._request = self._as_request(None)  # says where to connect to

    def why_not(self) -> str | None:
        """Why requests don't go this way at present; None: they do."""
        return why_not_now() or (
            "the aiohttp session is traced" if self._http.trace_configs else None
        )

    def takes(
        self, body: object, method: str, path: str, headers: Mapping[str, str]
    ) -> TypeGuard[bytes | None]:
        """Whether a request with this body may go this way, now."""
        if body is not None and (type(body) is not bytes or len(body) > _SMALL):
            return False
        if method not in _METHODS or not (path.isascii() and path.isprintable()):
            return False
        if headers:
            names = set(map(str.lower, headers))
            if len(names) < len(headers) or not _NOT_HERE.isdisjoint(names):
                return False
        return self.why_not() is None

    async def send(
        self,
        method: str,
        path: str,
        *,
        authorization: str,
        common: Callable[[str, bool], CIMultiDict[str]],
        body: bytes | None,
        headers: Mapping[str, str],
        attempt: Attempt,
    ) -> Exchanged:
        """As `Transport.send`. ``common`` gives the headers of all calls with a token."""
        key = (authorization, body is not None)
        try:
            if key not in self._heads:
                self._remember(key, common(*key))
            further = b"".join(starmap(_line, headers.items())) if headers else b""
        except Exception as error:
            raise not_sent(error, self._url) from cause(error)
        connection = await self._connected(attempt)
        try:
            protocol = connection.protocol
            protocol.set_response_params(read_until_eof=True)
            if key not in self._heads:  # the others may have needed the room meanwhile
                self._remember(key, common(*key))
            attempt.left = True
            # No name for what is written: a frame's locals may be shown, and it holds the token.
            connection.transport.write(
                b"%b %b HTTP/1.1\r\n%b%b%b\r\n%b"
                % (
                    method.encode(),
                    path.encode(),
                    self._heads[key],
                    _length(method, body),
                    further,
                    body or b"",
                )
            )
            code = 100
            while 100 <= code < 200 and code != 101:
                message, payload = await protocol.read()
                code = message.code
            length = message.headers.get("Content-Length")
            if length is not None and int(length) > self._limit:
                raise TooLargeError(self._limit)
            data = await read_bounded(payload, self._limit)
        except BaseException as error:
            connection.close()
            if isinstance(error, TooLargeError) or not isinstance(error, Exception):
                raise
            raise LostError(broken(error, self._url)) from None
        if code >= 400 and body is not None and len(body) > _BUFFERED:
            connection.close()  # it may have been refused before it was read
        else:
            connection.release()
        return code, message.headers, data

    async def _connected(self, attempt: Attempt) -> Any:
        """A connection that can be written to. Raises `NotSentError`."""
        for _ in range(TRIES):
            try:
                connection = await self._connector.connect(self._request, [], self._timeout)
            except TimeoutError as error:
                late = aiohttp.ConnectionTimeoutError()
                raise not_sent(late, self._url) from error
            except asyncio.CancelledError:
                if ended_by_closing(self._http):
                    raise NotSentError("the aiohttp session was closed") from None
                raise
            except Exception as error:
                raise not_sent(error, self._url) from cause(error)
            try:
                closed = is_spoiled(connection) or (
                    not attempt.may_repeat and await is_closed(connection)
                )
            except BaseException:
                connection.close()
                raise
            if not closed:
                return connection
            connection.close()
        raise closes_early(self._url)

    def _as_request(self, headers: CIMultiDict[str] | None) -> aiohttp.ClientRequest:
        loop = asyncio.get_running_loop()
        return aiohttp.ClientRequest("GET", self._url, headers=headers, loop=loop)

    def _remember(self, key: tuple[str, bool], common: CIMultiDict[str]) -> None:
        """The lines that a head begins with, in aiohttp's order and with what it adds."""
        if len(self._heads) >= _REMEMBERED:
            self._heads.clear()
        lines = self._as_request(common).headers
        self._heads[key] = b"".join(starmap(_line, lines.items()))


def _line(name: str, value: str) -> bytes:
    if not (name.isprintable() and value.isprintable()):
        raise ValueError("a header of more than one line")
    return f"{name}: {value}\r\n".encode()


def _length(method: str, body: bytes | None) -> bytes:
    if body is None and method == "GET":
        return b""
    return b"Content-Length: %d\r\n" % (0 if body is None else len(body))
