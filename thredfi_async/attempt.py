"""One request on its way: whether it has left, and what stopped it where it hasn't.

aiohttp doesn't say whether an exception came before a connection was there or after. So each
request is given to it with a middleware, which sees the connection before it is written to.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from http import HTTPStatus

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

__all__ = [
    "TRIES",
    "Attempt",
    "LostError",
    "NotSentError",
    "broken",
    "cause",
    "closes_early",
    "ended_by_closing",
    "is_closed",
    "is_spoiled",
    "not_sent",
]

TRIES = 3  # of pooled connections that turn out to be closed
_LOOKS = 3  # turns of the event loop until it has read what a socket holds
_poll = getattr(select, "poll", None)
_AGAIN = (408, 425, 429)  # the only 4xx of a proxy after which asking again may help


class NotSentError(Exception):
    """Nothing has left. ``final``: asking again can't help."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


class LostError(Exception):
    """The request may have arrived, but no whole answer came back.

    Raised from None: the frames of aiohttp's own error hold the answer, which may hold a token.
    """


class _ClosedError(Exception):
    """The server had closed the connection while it lay in the pool."""


class Attempt:
    """One request on its way. Whoever cuts it short asks it whether it had ``left``.

    ``left`` is false only while no byte of it can have been written; ``carried`` is whether
    aiohttp has called `carry`. Where it ``may_repeat``, nobody looks at a pooled connection
    before it is written to, which costs a system call.
    """

    __slots__ = ("carried", "left", "may_repeat")

    def __init__(self, *, may_repeat: bool = False) -> None:
        self.carried = False
        self.left = False
        self.may_repeat = may_repeat

    async def carry(
        self, request: aiohttp.ClientRequest, go_on: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """The middleware. Raises `NotSentError` and `LostError`, which aiohttp doesn't repeat."""
        self.carried = True
        self.left = False

        async def write(conn: Connection) -> aiohttp.ClientResponse:
            if is_spoiled(conn) or (not self.may_repeat and await is_closed(conn)):
                raise _ClosedError
            self.left = True
            try:
                return await type(request).send(request, conn)
            except Exception:
                # It raises only before it writes: for a header that can't be, a closed socket.
                self.left = False
                raise

        request.send = write  # type: ignore[method-assign]
        try:
            for _ in range(TRIES):
                try:
                    return await go_on(request)
                except _ClosedError:
                    continue
        except Exception as error:
            if self.left:
                raise LostError(broken(error, request.url)) from None
            raise not_sent(error, request.url, request.proxy) from cause(error)
        finally:
            del request.send  # a circle of references
        raise closes_early(request.url)


def closes_early(url: URL) -> NotSentError:
    """What is said where each connection was closed as soon as it was there."""
    return NotSentError(f"{_host(url)} closes connections before anything is sent")


def ended_by_closing(http: aiohttp.ClientSession) -> bool:
    """Whether a CancelledError is of a session that was closed: its connector cancels who waits."""
    task = asyncio.current_task()
    return http.closed and task is not None and not task.cancelling()


def is_spoiled(connection: Connection) -> bool:
    """Whether a connection is closed, or holds what was sent before anything was asked.

    An answer that nobody waited for would be taken for that of the next request.
    """
    transport, protocol = connection.transport, connection.protocol
    return transport is None or protocol is None or protocol.should_close or transport.is_closing()


async def is_closed(connection: Connection) -> bool:
    """Whether the other side has closed it, also where the event loop hasn't noticed yet."""
    for _ in range(_LOOKS):
        transport = connection.transport
        if transport is None or is_spoiled(connection):
            return True
        if not _holds_unread(transport.get_extra_info("socket")):
            return False
        await asyncio.sleep(0)
    return True


def _holds_unread(connection: socket.socket | None) -> bool:
    """Whether a socket holds what nobody has read: its end, mostly."""
    if connection is None:
        return False
    if _poll is None:  # Windows
        return bool(select.select([connection], [], [], 0)[0])
    look = _poll()
    look.register(connection, select.POLLIN)
    return bool(look.poll(0))


def broken(error: Exception, url: URL) -> str:
    """What to say of it. The texts of the parsers quote the answer, which may hold a token."""
    said = str(error) if isinstance(error, OSError) else ""
    return f"the connection to {_host(url)} broke: {said or type(error).__name__}"


def not_sent(error: Exception, url: URL, proxy: URL | None = None) -> NotSentError:
    """What kept a request from leaving, and whether it will do so again. Names no credentials."""
    host = _host(url)
    match error:
        case aiohttp.ClientHttpProxyError(status=status):
            final = 400 <= status < 500 and status not in _AGAIN
            by = "" if proxy is None else f" ({_host(proxy)})"
            return NotSentError(f"the proxy refused: {_named(status)}{by}", final=final)
        case aiohttp.ClientProxyConnectionError():
            return NotSentError(f"no connection to the proxy {_reason(error)}")
        case aiohttp.ClientConnectorCertificateError(certificate_error=reason):
            return NotSentError(f"the certificate of {host} isn't accepted: {reason}", final=True)
        case aiohttp.ClientConnectorSSLError(os_error=reason):
            final = not isinstance(reason, ssl.SSLEOFError)  # which is a connection that broke
            return NotSentError(f"no TLS with {host}: {reason}", final=final)
        case aiohttp.ServerFingerprintMismatch():
            return NotSentError(f"the certificate of {host} has another fingerprint", final=True)
        case aiohttp.ClientConnectorError():
            return NotSentError(f"no connection to {_reason(error)}")
        case aiohttp.ConnectionTimeoutError():
            return NotSentError(f"no connection to {host} within connect_timeout")
        case aiohttp.InvalidURL():
            return NotSentError(f"{host} is no address to connect to: {error}", final=True)
        case ValueError() | TypeError():
            return NotSentError("a header holds what no header can", final=True)
        case _:
            return NotSentError(f"no connection to {host}: {type(error).__name__}")


def _host(url: URL) -> str:
    return f"{url.host}:{url.port}"


def _reason(error: aiohttp.ClientConnectorError) -> str:
    reason = str(error.os_error) or type(error.os_error).__name__
    return f"{error.host}:{error.port}: {reason}"


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def cause(error: Exception) -> Exception | None:
    """What to chain: not the error that a bad header causes, which may quote it."""
    quotes = isinstance(error, ValueError | TypeError) and not isinstance(error, OSError)
    return None if quotes else error
