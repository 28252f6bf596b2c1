"""The one place that awaits the network: token -> send -> retry -> decode.

What goes over the wire is built in `request`, whether to send it again is decided in
`retry`, what an answer means in `errors` and `codec`. This module carries it out.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections import Counter
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from functools import cache
from ipaddress import ip_address
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypedDict, TypeVar

import aiohttp
import attrs
from multidict import CIMultiDict
from yarl import URL

from . import codec
from .auth import PARTNER, Credentials, Token, TokenCache, TokenStore
from .clock import Clock
from .drift import Drift
from .errors import (
    ApiError,
    ConfigurationError,
    DeadlineExceeded,
    InvalidAnswer,
    OutcomeUnknown,
    ThredfiError,
    TransportError,
    api_error,
)
from .limits import Gate, Watchdog
from .operation import Operation, Replay, TokenScope
from .operations import GET_BUSINESS_TOKEN, GET_PARTNER_TOKEN
from .request import Request, prepare
from .retry import Failure, RetryPolicy, failure_of_status, may_resend, parse_retry_after

__all__ = ["CallOptions", "Response", "Session", "Statistics", "with_response"]

log = logging.getLogger(__name__)

T = TypeVar("T")

BusinessToken = Literal["business", "partner"]
_Exchanged: TypeAlias = tuple[int, Mapping[str, str], bytes]  # status, headers, body

_REQUEST_ID = "X-Request-ID"
_ONE_MEBIBYTE = 1 << 20


class CallOptions(TypedDict, total=False):
    """What every service method takes besides its own arguments."""

    timeout: float
    """Seconds that one attempt may take, from sending to the last byte of the answer."""
    deadline: float
    """Seconds that the whole call may take: token, queueing, attempts and waits."""
    retries: int
    """How often the call may be repeated after its first attempt; 0: never."""
    idempotency_key: str
    """The Idempotency-Key header, in place of the one the client makes."""
    extra_body: Mapping[str, Any]
    """Body fields that the models don't know yet; they win over the body's own."""
    extra_query: Mapping[str, Any]
    """Query parameters that the description doesn't know yet."""
    extra_headers: Mapping[str, str]
    """Further headers of this call."""


@attrs.frozen
class Response(Generic[T]):
    """One answer with what came around it; see `with_response`."""

    value: T
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    attempts: int = 1

    @property
    def created(self) -> bool:
        """True for a new resource (201), False where Thred knew it already (200, a replay)."""
        return self.status == 201

    @property
    def request_id(self) -> str | None:
        """The server's name for this request, where it gave one."""
        return self.headers.get(_REQUEST_ID)


@attrs.define
class Statistics:
    """What a client has done so far."""

    calls: int = 0  # of service methods, token calls included
    requests: int = 0  # sent over the network, repeats included
    retries: int = 0  # of these, repeats


_recorder: ContextVar[list[Response[Any]] | None] = ContextVar("thredfi_recorder", default=None)


async def with_response(call: Awaitable[T]) -> Response[T]:
    """Await a call and return its answer with status, headers, attempts, `created`.

    ``response = await with_response(shop.invoices.create(body))``. Takes the call itself,
    not a task made of it. Of several requests in one call, the last one counts.
    """
    seen: list[Response[Any]] = []
    reset = _recorder.set(seen)
    try:
        value = await call
    finally:
        _recorder.reset(reset)
    if not seen:
        raise TypeError(
            "with_response takes an un-awaited service call, such as shop.invoices.get(id), "
            "not a task or a paginator"
        )
    return attrs.evolve(seen[-1], value=value)


class Session:
    """Sends operations. One per client; belongs to the event loop that first uses it.

    ``timeout``, ``connect_timeout`` in seconds, ``max_answer_size`` in bytes.
    ``max_connections`` bounds what is under way at once; further calls queue.
    """

    def __init__(
        self,
        *,
        base_url: str,
        credentials: Credentials,
        retry: RetryPolicy,
        clock: Clock,
        store: TokenStore,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        max_connections: int = 100,
        max_answer_size: int = 64 * _ONE_MEBIBYTE,
        token_scope: BusinessToken = "business",
        user_agent: str = "thredfi-async",
        allow_http: bool = False,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        self.base_url = _checked_base_url(base_url, allow_http=allow_http)
        if token_scope not in ("business", "partner"):
            raise ConfigurationError(f'token_scope is "business" or "partner", not {token_scope!r}')
        if max_connections < 1:
            raise ConfigurationError(f"max_connections must be at least 1, not {max_connections}")
        if not timeout > 0 or not connect_timeout > 0:
            raise ConfigurationError("timeout and connect_timeout must be above 0 seconds")
        self.credentials = credentials
        self._retry = retry
        self._clock = clock
        self._timeout = timeout
        self._http_timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self._max_answer_size = max_answer_size
        self._least_privilege = token_scope == "business"  # noqa: S105 - no password
        self._user_agent = user_agent
        self._http = http
        self._owns_http = http is None
        self._closed = False
        self._gate = Gate(max_connections)
        self._watchdog = Watchdog()
        self._urls: dict[str, URL] = {}
        self._headers: dict[str, tuple[Token, CIMultiDict[str], CIMultiDict[str]]] = {}
        self.tokens = TokenCache(self._fetch_token, clock=clock, store=store)
        self.statistics = Statistics()
        self.drift: Counter[tuple[str, Drift]] = Counter()

    async def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        options: CallOptions | None = None,
    ) -> T:
        """Carry out one operation and return its answer, decoded.

        Raises what `errors` lists: `InvalidRequest` before anything is sent, `ApiError`,
        `TransportError`, `InvalidAnswer`, `OutcomeUnknown`.
        """
        options = options or {}
        request = prepare(
            operation,
            path=path or {},
            query=query or {},
            body=body,
            extra_body=options.get("extra_body"),
            extra_query=options.get("extra_query"),
            extra_headers=options.get("extra_headers"),
            idempotency_key=options.get("idempotency_key"),
        )
        call = _Call(self, request, options)
        value: T = await call.run()
        recorder = _recorder.get()
        if recorder is not None:
            recorder.append(call.response(value))
        return value

    async def aclose(self) -> None:
        """Close what this session opened; a borrowed aiohttp session stays open."""
        if self._closed:
            return
        self._closed = True
        await self.tokens.aclose()
        self._watchdog.close()
        if self._owns_http and self._http is not None:
            await self._http.close()

    # --- tokens ----------------------------------------------------------------------

    async def _fetch_token(self, scope: str) -> Token:
        # A refresh runs in a task of its own, which must not report to the recorder of
        # whoever happened to need the token first.
        _recorder.set(None)
        if scope == PARTNER:
            operation: Operation[Any] = GET_PARTNER_TOKEN
            body = {
                "client_id": self.credentials.partner_uuid,
                "grant_type": "client_credentials",
            }
            answer = await self.call(operation, body=body)
        else:
            operation = GET_BUSINESS_TOKEN
            answer = await self.call(operation, path={"business_id": scope})
        value = getattr(answer, "access_token", None)
        lifetime = getattr(answer, "expires_in", None)
        if not isinstance(value, str) or not value.isprintable() or not value.isascii():
            raise InvalidAnswer(
                "the token call was answered without a token", operation=operation.id
            )
        if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or lifetime <= 0:
            lifetime = 3600  # documented for both kinds of token
        return Token.issued(value, lifetime=float(lifetime), now=self._clock.time())

    def scope_of(self, request: Request) -> str | None:
        """Which token a request carries: a scope of the token cache; None: basic credentials."""
        match request.operation.scope:
            case TokenScope.BASIC:
                return None
            case TokenScope.BUSINESS if self._least_privilege:
                return request.business_id or PARTNER
            case _:
                return PARTNER

    # --- sending ---------------------------------------------------------------------

    async def exchange(
        self, request: Request, token: Token | None, scope: str | None
    ) -> _Exchanged:
        """Send one request once: status, headers and body of the answer, whatever they are."""
        operation = request.operation
        body: Any = request.body
        if body is not None and len(body) > _ONE_MEBIBYTE:
            body = io.BytesIO(body)  # aiohttp writes a file in pieces, bytes in one go
        answer = await self._client().request(
            operation.method,
            self._url(request.target),
            data=body,
            headers=self._request_headers(request, token, scope),
            timeout=self._http_timeout,
            allow_redirects=False,
            raise_for_status=False,
            middlewares=() if operation.method == "POST" else _NO_SILENT_REPEAT,
        )
        try:
            return answer.status, answer.headers, await self._read(answer)
        except BaseException:
            answer.close()
            raise

    def _client(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("the client is closed")
        if self._http is None:
            # Calls beyond max_connections queue at our own semaphore, where the queueing can
            # be told from sending; so the connector itself has no limit.
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return self._http

    def _url(self, target: str) -> URL:
        url = self._urls.get(target)
        if url is None:
            if len(self._urls) >= 4096:
                self._urls.clear()
            url = self._urls[target] = URL(self.base_url + target, encoded=True)
        return url

    def _request_headers(
        self, request: Request, token: Token | None, scope: str | None
    ) -> CIMultiDict[str]:
        has_body = request.body is not None
        if token is None or scope is None:
            headers = self._common_headers(self.credentials.basic, has_body=has_body)
        else:
            known = self._headers.get(scope)
            if known is None or known[0] is not token:
                if len(self._headers) >= 4096:
                    self._headers.clear()
                bearer = f"Bearer {token.value}"
                without, with_body = (
                    self._common_headers(bearer, has_body=one) for one in (False, True)
                )
                known = self._headers[scope] = (token, without, with_body)
            headers = known[2] if has_body else known[1]
        if request.headers:
            headers = headers.copy()
            headers.update(request.headers)
        return headers

    def _common_headers(self, authorization: str, *, has_body: bool) -> CIMultiDict[str]:
        headers = CIMultiDict(
            {
                "Accept": "application/json",
                "User-Agent": self._user_agent,
                "Authorization": authorization,
            }
        )
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        limit = self._max_answer_size
        length = answer.content_length
        if length is not None and length <= limit and "Content-Encoding" not in answer.headers:
            return await answer.read()
        read = bytearray()
        async for piece in answer.content.iter_any():
            read += piece
            if len(read) > limit:
                raise _TooLarge(f"the answer is larger than {limit} bytes")
        return bytes(read)


class _TooLarge(Exception):
    """An answer over the size limit."""


class _Dropped(Exception):
    """The connection broke after the request may have been sent."""


async def _no_silent_repeat(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Hide a dropped connection from aiohttp, which would repeat some requests by itself.

    Whether a request is sent again is for `retry` to decide, and for `Statistics` to count.
    """
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise  # nothing was sent, and aiohttp doesn't repeat these
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(str(error) or "the server closed the connection") from error


_NO_SILENT_REPEAT = (_no_silent_repeat,)


class _Call:
    """One call on its way: its attempts, its deadline, and how it ends."""

    __slots__ = (
        "_answer",
        "_attempts",
        "_deadline",
        "_patience",
        "_request",
        "_session",
        "_timeout",
        "_token_renewed",
        "_uncertain",
    )

    def __init__(self, session: Session, request: Request, options: CallOptions) -> None:
        self._session = session
        self._request = request
        self._patience = session._retry
        if "retries" in options:
            self._patience = attrs.evolve(session._retry, attempts=options["retries"] + 1)
        self._timeout = options.get("timeout", session._timeout)
        self._deadline = session._clock.monotonic() + options.get(
            "deadline", self._patience.deadline
        )
        self._attempts = 0
        self._token_renewed = False
        self._uncertain = False  # an attempt may have been applied
        self._answer: _Exchanged | None = None  # the last one there was

    def response(self, value: T) -> Response[T]:
        """The answer that the call ended with, around its decoded value."""
        assert self._answer is not None
        status, headers, body = self._answer
        return Response(value, status, headers, body, self._attempts)

    async def run(self) -> Any:
        """Send until there is an answer; its decoded value. Raises how the call ended else."""
        session, request = self._session, self._request
        session.statistics.calls += 1
        scope = session.scope_of(request)
        while True:
            token = None
            if scope is not None:
                token = session.tokens.current(scope) or await self._wait_for_token(scope)
            retry_after: float | None = None
            error: ThredfiError
            try:
                status, headers, data = self._answer = await self._attempt(token, scope)
            except _Unanswered as unanswered:
                failure, error = unanswered.failure, unanswered.error
            else:
                if 200 <= status < 300:
                    try:
                        return self._decode(status, data)
                    except codec.BrokenJSON as broken:
                        failure = Failure.UNCERTAIN
                        error = self._invalid_answer(
                            f"{status} came with a body that is no JSON ({broken})", status
                        )
                else:
                    now = session._clock.time()
                    retry_after = parse_retry_after(headers.get("Retry-After"), now)
                    error = api_error(
                        status,
                        data,
                        request_id=headers.get(_REQUEST_ID),
                        retry_after=retry_after,
                        operation=request.operation.id,
                        attempts=self._attempts,
                    )
                    failure = failure_of_status(status)
                    if status == 401 and token is not None and scope is not None:
                        await session.tokens.drop(scope, token)
                        if not self._token_renewed:
                            self._token_renewed = True
                            continue
            self._uncertain = self._uncertain or failure is Failure.UNCERTAIN
            await self._pause_or_raise(failure, error, retry_after)

    async def _attempt(self, token: Token | None, scope: str | None) -> _Exchanged:
        """One request, bounded by the timeout and the deadline. Raises `_Unanswered`."""
        session = self._session
        if not session._gate.try_enter():
            await self._queue()
        try:
            remaining = self._remaining()
            if remaining <= 0:
                raise self._unanswered(Failure.NOT_SENT, "the deadline passed before it was sent")
            self._attempts += 1
            session.statistics.requests += 1
            if self._attempts > 1:
                session.statistics.retries += 1
            exchange = session.exchange(self._request, token, scope)
            return await session._watchdog.wait(exchange, min(self._timeout, remaining))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._unanswered(Failure.NOT_SENT, f"no connection: {error}") from error
        except TimeoutError as error:
            waited = f"no answer within {self._timeout:g} s"
            raise self._unanswered(Failure.UNCERTAIN, waited) from error
        except _TooLarge as error:
            raise self._unanswered(Failure.UNCERTAIN, str(error), answered=True) from error
        except (_Unanswered, ThredfiError):
            raise
        except Exception as error:
            # aiohttp and its parsers raise more than they document for a broken answer.
            text = f"the connection broke: {str(error) or type(error).__name__}"
            raise self._unanswered(Failure.UNCERTAIN, text) from error
        finally:
            session._gate.leave()

    def _decode(self, status: int, data: bytes) -> Any:
        operation = self._request.operation
        wanted = _answer_type(operation, status)
        if wanted is None:
            return None
        value, differences = codec.decode(wanted, data)
        for one in differences:
            drift = self._session.drift
            if len(drift) < 10_000:
                drift[operation.id, one] += 1
        if operation.unwrap is not None:
            value = codec.unwrap(value, operation.unwrap, data)
        return value

    async def _pause_or_raise(
        self, failure: Failure, error: ThredfiError, retry_after: float | None
    ) -> None:
        """Wait before the next attempt, or raise how the call ended."""
        request = self._request
        again = may_resend(
            request.operation,
            failure,
            external_id=request.external_id,
            key=request.idempotency_key,
        )
        wait = self._patience.wait(self._attempts, retry_after=retry_after) if again else None
        if wait is None:
            self._fail(failure, error)
        if wait >= self._remaining():
            error.add_note("There was no time left for another attempt.")
            self._fail(failure, error)
        log.info(
            "%s: attempt %d failed (%s); again in %.2f s",
            request.operation.id,
            self._attempts,
            failure.value,
            wait,
        )
        await self._session._clock.sleep(wait)

    def _fail(self, failure: Failure, error: ThredfiError) -> NoReturn:
        operation = self._request.operation
        settled = failure is Failure.FINAL and not (
            isinstance(error, ApiError) and error.status in (401, 403)
        )
        if not self._uncertain or settled or operation.replay is Replay.SAFE:
            raise error
        raise self._outcome_unknown(error) from error

    async def _wait_for_token(self, scope: str) -> Token:
        try:
            async with asyncio.timeout(self._remaining()):
                return await self._session.tokens.get(scope)
        except TimeoutError:
            error: ThredfiError = DeadlineExceeded(
                f"{self._request.operation.id}: no token within the deadline",
                operation=self._request.operation.id,
                attempts=self._attempts,
            )
        except ThredfiError as failed:
            error = failed
        if self._uncertain and self._request.operation.replay is not Replay.SAFE:
            raise self._outcome_unknown(error) from error
        raise error

    async def _queue(self) -> None:
        try:
            async with asyncio.timeout(self._remaining()):
                await self._session._gate.enter()
        except TimeoutError:
            raise self._unanswered(
                Failure.NOT_SENT, "the deadline passed while the call was queued"
            ) from None

    def _remaining(self) -> float:
        return self._deadline - self._session._clock.monotonic()

    def _unanswered(self, failure: Failure, text: str, *, answered: bool = False) -> _Unanswered:
        operation = self._request.operation
        text = f"{operation.id}: {text}"
        error: ThredfiError
        if answered:
            error = self._invalid_answer(text, None)
        else:
            kind = DeadlineExceeded if self._remaining() <= 0 else TransportError
            error = kind(text, operation=operation.id, attempts=self._attempts)
        return _Unanswered(failure, error)

    def _invalid_answer(self, text: str, status: int | None) -> InvalidAnswer:
        operation = self._request.operation.id
        return InvalidAnswer(
            f"{operation}: {text}", operation=operation, attempts=self._attempts, status=status
        )

    def _outcome_unknown(self, cause: ThredfiError) -> OutcomeUnknown:
        request = self._request
        path, _, _ = request.target.partition("?")
        if request.external_id:
            find_out = (
                f"Send it again with external_id {request.external_id!r} (Thred answers a repeat "
                "with what it has), or look that up."
                if request.operation.replay in (Replay.EXTERNAL_ID, Replay.IDEMPOTENCY_KEY)
                else f"Look up external_id {request.external_id!r}."
            )
        elif request.idempotency_key:
            find_out = f"Send it again with idempotency_key={request.idempotency_key!r}."
        else:
            find_out = "Read the resource before sending it again."
        return OutcomeUnknown(
            f"{request.operation.id}: {request.operation.method} {path} was sent, and may or may "
            f"not have been applied: {cause}.",
            operation=request.operation.id,
            method=request.operation.method,
            path=path,
            attempts=self._attempts,
            external_id=request.external_id,
            idempotency_key=request.idempotency_key,
            status=self._answer[0] if self._answer else None,
            find_out=find_out,
        )


@cache
def _answer_type(operation: Operation[Any], status: int) -> Any:
    """What a 2xx answer of this status holds; None: no body worth reading."""
    if status in (204, 205) or not operation.answers:
        return None
    ref = dict(operation.answers).get(status, operation.answers[0][1])
    return None if ref is None else codec.load(ref)


class _Unanswered(Exception):
    """An attempt without a usable answer, and what the caller would be told."""

    def __init__(self, failure: Failure, error: ThredfiError) -> None:
        super().__init__(str(error))
        self.failure = failure
        self.error = error


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
