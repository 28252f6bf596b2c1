"""HTTP by aiohttp: one request out, one answer in. Knows nothing of tokens, retries or models.

aiohttp repeats some requests by itself, follows redirects, keeps cookies and reads answers of
any size; none of that may happen here.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Coroutine, Mapping
from ipaddress import ip_address
from typing import Any, Literal

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .attempt import Attempt, LostError, NotSentError, broken, ended_by_closing, not_sent
from .errors import ConfigurationError
from .fast import (
    Exchanged,
    FastPath,
    TooLargeError,
    read_bounded,
    why_not,
    why_not_now,
    why_not_through,
)
from .streams import OpenForm
from .uploads import Form

__all__ = ["Attempt", "Exchanged", "LostError", "NotSentError", "TooLargeError", "Transport"]

_LARGE = 1 << 20  # bytes of a body that aiohttp had better write in pieces
_NO_TYPE = ("Content-Type",)  # that aiohttp makes up for no body at all
_REMEMBERED = 4096  # URLs, and tokens' headers
_IDLE = 4.0  # seconds that a connection is kept unused: servers close theirs after 5 s or more


class Transport:
    """A connection pool to one base URL.

    ``connect_timeout`` in seconds is for all that a connection takes: looking up the name,
    trying all its addresses, the proxy, TLS. ``max_answer_size`` in bytes. ``http`` is a
    session of the application, which is used but not closed. Raises `ConfigurationError`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float,
        max_answer_size: int,
        user_agent: str,
        allow_http: bool,
        http: aiohttp.ClientSession | None,
    ) -> None:
        self.base_url = _checked_base_url(base_url, allow_http=allow_http)
        if not user_agent.isprintable():
            raise ConfigurationError("user_agent must be one line of printable text")
        if http is not None and http.auth is not None:
            raise ConfigurationError(
                "the aiohttp session has auth=, which would go to Thred in place of its tokens"
            )
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_timeout)
        self._max_answer_size = max_answer_size
        self._user_agent = user_agent
        self._http = http
        self._owns_http = http is None
        self._fast: FastPath | None = None
        self._unfit: str | None = None  # why its own session doesn't allow that
        self._closed = False
        self._tells = (
            False  # whether the session calls `Attempt.carry`: one of another class may not
        )
        self._loop: asyncio.AbstractEventLoop | None = None  # the one that it belongs to
        self._urls: dict[str, URL] = {}
        self._headers: dict[str, tuple[CIMultiDict[str], CIMultiDict[str]]] = {}

    def room(self, wanted: int) -> int:
        """How many requests can be under way at once: ``wanted``, or what the connector allows.

        Those beyond that would queue in the connector, where waiting counts as connecting.
        """
        connector = self._http.connector if self._http is not None else None
        if connector is None:
            return wanted
        limits = (connector.limit, connector.limit_per_host)
        return min([wanted, *(limit for limit in limits if limit > 0)])

    @property
    def reason(self) -> str | None:
        """Why small requests go the public way at present; None: they go the fast one."""
        if not self._owns_http:
            return "the aiohttp session is the application's own"
        return why_not() or self._unfit or (self._fast.why_not() if self._fast else why_not_now())

    @property
    def kind(self) -> Literal["fast", "public"]:
        """Which way small requests go at present."""
        return "public" if self.reason else "fast"

    def send(
        self,
        method: str,
        target: str,
        *,
        authorization: str,
        body: bytes | Form | None,
        headers: Mapping[str, str],
        attempt: Attempt,
    ) -> Coroutine[Any, Any, Exchanged]:
        """Send one request once, and read the whole answer, whatever it is.

        ``authorization`` had better be a `Secret`: it is a local of many frames from here on.
        Raises `NotSentError`, `LostError`, `TooLargeError`, `UnreadableError` where the file
        in a form can't be opened, and `ConfigurationError` where nothing can be sent any more.
        Where it is cancelled, ``attempt`` knows whether the request had left.
        """
        client = self._client()
        fast, path = self._fast, self._url(target).raw_path_qs
        if fast is not None and fast.takes(body, method, path, headers):
            return fast.send(
                method,
                path,
                authorization=authorization,
                common=self._common_headers,
                body=body,
                headers=headers,
                attempt=attempt,
            )
        if isinstance(body, Form):
            return self._send_form(method, target, authorization, body, headers, attempt)
        return self._send(client, method, target, authorization, body, headers, attempt)

    async def _send(
        self,
        client: aiohttp.ClientSession,
        method: str,
        target: str,
        authorization: str,
        body: bytes | AsyncIterator[bytes] | None,
        headers: Mapping[str, str],
        attempt: Attempt,
    ) -> Exchanged:
        """The public way."""
        attempt.left = not self._tells
        try:
            answer = await client.request(
                method,
                self._url(target),
                skip_auto_headers=_NO_TYPE if body is None else None,
                # aiohttp writes a file in pieces, bytes in one go.
                data=io.BytesIO(body) if isinstance(body, bytes) and len(body) > _LARGE else body,
                headers=self._all_headers(authorization, body is not None, headers),
                timeout=self._timeout,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=True,
                middlewares=(attempt.carry,),
            )
            self._tells = attempt.carried
            try:
                return answer.status, answer.headers, await self._read(answer)
            except BaseException:
                answer.close()
                raise
        except (NotSentError, LostError, TooLargeError):
            raise
        except asyncio.CancelledError:
            if ended_by_closing(client):
                raise _ended(attempt, "the aiohttp session was closed") from None
            raise
        except Exception as error:
            if _is_of_netrc(client, attempt, error):
                raise NotSentError(
                    f"the aiohttp session has trust_env=True, and found credentials for "
                    f"{URL(self.base_url).host} in netrc that would replace Thred's token: "
                    f"remove them there, or use a session without trust_env",
                    final=True,
                ) from None
            if not attempt.left or isinstance(error, _BEFORE):
                raise not_sent(error, URL(self.base_url)) from error
            # aiohttp and its parsers raise more than they document for a broken answer.
            raise LostError(broken(error, URL(self.base_url))) from None

    async def _send_form(
        self,
        method: str,
        target: str,
        authorization: str,
        form: Form,
        headers: Mapping[str, str],
        attempt: Attempt,
    ) -> Exchanged:
        async with OpenForm(form) as opened:
            further = CIMultiDict(headers)
            further["Content-Type"] = form.content_type
            further["Content-Length"] = str(opened.size)
            pieces = opened.pieces()
            try:
                return await self._send(
                    self._client(), method, target, authorization, pieces, further, attempt
                )
            except LostError:
                if opened.problem is None:
                    raise
                raise LostError(opened.problem) from None

    async def aclose(self) -> None:
        """Close the pool; a borrowed session stays open."""
        self._closed = True
        if self._owns_http and self._http is not None:
            await self._http.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _client(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("the client is closed")
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise ConfigurationError(
                    "the client belongs to another event loop: make one client for each loop"
                )
            self._loop = loop
        if self._http is None:
            # How many are under way is bounded before they come here, where waiting can be
            # told from sending; so the connector itself has no limit.
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._unfit = why_not_through(self._http)
            if why_not() is None and self._unfit is None:
                self._fast = FastPath(
                    self._http,
                    self.base_url,
                    timeout=self._timeout,
                    max_answer_size=self._max_answer_size,
                )
        elif self._http.closed:
            raise ConfigurationError("the aiohttp session that the client uses is closed")
        return self._http

    def _url(self, target: str) -> URL:
        url = self._urls.get(target)
        if url is None:
            if len(self._urls) >= _REMEMBERED:
                self._urls.clear()
            url = self._urls[target] = URL(self.base_url + target, encoded=True)
        return url

    def _all_headers(
        self, authorization: str, has_body: bool, further: Mapping[str, str]
    ) -> CIMultiDict[str]:
        """aiohttp copies them."""
        headers = self._common_headers(authorization, has_body)
        if further:
            headers = headers.copy()
            headers.update(further)
        return headers

    def _common_headers(self, authorization: str, has_body: bool) -> CIMultiDict[str]:
        """Built once per token, without and with the type of a body."""
        known = self._headers.get(authorization)
        if known is None:
            if len(self._headers) >= _REMEMBERED:
                self._headers.clear()
            without = CIMultiDict(
                {
                    "Accept": "application/json",
                    "User-Agent": self._user_agent,
                    "Authorization": authorization,
                }
            )
            with_body = without.copy()
            with_body["Content-Type"] = "application/json"
            known = self._headers[authorization] = (without, with_body)
        return known[has_body]

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        limit = self._max_answer_size
        length = answer.content_length
        if length is not None:
            if length > limit:
                raise TooLargeError(limit)
            if "Content-Encoding" not in answer.headers:
                return await answer.read()
        return await read_bounded(answer.content, limit)


_BEFORE = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What aiohttp raises only before there is a connection."""


def _is_of_netrc(client: aiohttp.ClientSession, attempt: Attempt, error: Exception) -> bool:
    """Whether aiohttp refuses our header because it found other credentials itself."""
    return (
        client.trust_env
        and not attempt.carried
        and isinstance(error, ValueError)
        and "AUTHORIZATION" in str(error)
    )


def _ended(attempt: Attempt, text: str) -> NotSentError | LostError:
    return LostError(text) if attempt.left else NotSentError(text)


def _checked_base_url(text: str, *, allow_http: bool) -> str:
    try:
        url = URL(text)
        host = url.host
    except (TypeError, ValueError):
        raise ConfigurationError(f"base_url is no URL: {text!r:.100}") from None
    if url.scheme not in ("http", "https") or not host:
        raise ConfigurationError(f"base_url must start with https://, got {text!r:.100}")
    if url.user or url.password or url.query_string or url.fragment:
        raise ConfigurationError("base_url takes no user, password, query or fragment")
    if url.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(
            f"{text} would send tokens unencrypted; use https, or pass allow_http=True"
        )
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
