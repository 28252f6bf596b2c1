"""The one place that awaits the network: token -> send -> retry -> decode.

What goes over the wire is built in `request`, whether to send it again is decided in
`retry`, what an answer means in `errors` and `codec`. This module carries it out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Generic, Literal, NoReturn, TypedDict, TypeVar

import aiohttp
import attrs

from . import codec
from .auth import (
    LONGEST_LIFETIME,
    PARTNER,
    Credentials,
    Token,
    TokenCache,
    TokenStore,
    is_token,
)
from .clock import Clock
from .drift import Drift
from .errors import (
    ApiError,
    ConfigurationError,
    DeadlineExceeded,
    InvalidAnswer,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    ThredfiError,
    TransportError,
    api_error,
)
from .limits import Gate, Watchdog, files_allow
from .operation import Confirm, Operation, Replay, TokenScope
from .operations import GET_BUSINESS_TOKEN, GET_PARTNER_TOKEN, OPERATIONS
from .request import Request, prepare
from .retry import (
    Failure,
    RetryBudget,
    RetryPolicy,
    failure_of_status,
    is_positive,
    may_resend,
    parse_retry_after,
    settles,
)
from .streams import UnreadableError, check_readable
from .transport import Attempt, Exchanged, LostError, NotSentError, TooLargeError, Transport
from .uploads import Upload

__all__ = ["CallOptions", "Response", "Session", "Statistics", "with_response"]

log = logging.getLogger(__name__)

T = TypeVar("T")

BusinessToken = Literal["business", "partner"]

_REQUEST_ID = "X-Request-ID"
_REFUSALS = (400, 404, 409, 410, 422)  # of a state change that has happened already

_LOOK_EVERY = 16  # answers, for fields that are unknown; and at as many first ones
_KINDS_OF_DRIFT = 10_000  # that are counted; what comes new after that is not


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
        store: TokenStore | None,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        max_connections: int = 100,
        max_answer_size: int = 64 << 20,
        token_scope: BusinessToken = "business",
        user_agent: str = "thredfi-async",
        allow_http: bool = False,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        if token_scope not in ("business", "partner"):
            raise ConfigurationError(f'token_scope is "business" or "partner", not {token_scope!r}')
        for name, seconds in (("timeout", timeout), ("connect_timeout", connect_timeout)):
            if not is_positive(seconds):
                raise ConfigurationError(f"{name} must be above 0 seconds, not {seconds!r}")
        for name, count in (
            ("max_connections", max_connections),
            ("max_answer_size", max_answer_size),
        ):
            if not (is_positive(count) and isinstance(count, int)):
                raise ConfigurationError(f"{name} must be a whole number above 0, not {count!r}")
        self.transport = Transport(
            base_url,
            connect_timeout=connect_timeout,
            max_answer_size=max_answer_size,
            user_agent=user_agent,
            allow_http=allow_http,
            http=http,
        )
        self.credentials = credentials
        self._retry = retry
        self._budget = RetryBudget(retry.budget)
        self._clock = clock
        self._timeout = timeout
        self._least_privilege = token_scope == "business"  # noqa: S105 - no password
        self._gate = Gate(self.transport.room(files_allow(max_connections)))
        self._watchdog = Watchdog()
        self.tokens = TokenCache(
            self._fetch_token,
            clock=clock,
            store=store,
            base_url=self.transport.base_url,
            partner_uuid=credentials.partner_uuid,
        )
        self.statistics = Statistics()
        self.drift: Counter[tuple[str, Drift]] = Counter()
        self._answers: dict[str, int] = {}  # of each operation, so far

    async def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        file: Upload | None = None,
        options: CallOptions | None = None,
    ) -> T:
        """Carry out one operation and return its answer, decoded.

        Raises what `errors` lists: `InvalidRequest` before anything is sent, `ApiError`,
        `TransportError`, `InvalidAnswer`, `OutcomeUnknown`.
        """
        if options:
            _check_options(operation, options)
        else:
            options = {}
        request = prepare(
            operation,
            path=path or {},
            query=query or {},
            body=body,
            file=file,
            extra_body=options.get("extra_body"),
            extra_query=options.get("extra_query"),
            extra_headers=options.get("extra_headers"),
            idempotency_key=options.get("idempotency_key"),
        )
        if file is not None:
            await _check_file(file)
        call = _Call(self, request, options)
        value: T = await call.run()
        recorder = _recorder.get()
        if recorder is not None:
            recorder.append(call.response(value))
        return value

    async def aclose(self) -> None:
        """Close what this session opened; a borrowed aiohttp session stays open."""
        try:
            await self.transport.aclose()
        finally:
            self._watchdog.close()
            await self.tokens.aclose()

    def looks_closer(self, operation: str) -> bool:
        """Whether to look for unknown fields in the next answer to this operation."""
        self._answers[operation] = number = self._answers.get(operation, 0) + 1
        return number <= _LOOK_EVERY or number % _LOOK_EVERY == 0

    # --- tokens ----------------------------------------------------------------------

    async def _fetch_token(self, scope: str) -> Token:
        # A refresh runs in a task of its own, which must not report to the recorder of
        # whoever happened to need the token first.
        _recorder.set(None)
        asked_at = self._clock.time()
        if scope == PARTNER:
            operation: Operation[Any] = GET_PARTNER_TOKEN
            answer = await self.call(operation, body=self.credentials.token_request)
        else:
            operation = GET_BUSINESS_TOKEN
            answer = await self.call(operation, path={"business_id": scope})
        value = getattr(answer, "access_token", None)
        lifetime = getattr(answer, "expires_in", None)
        if not is_token(value):
            raise InvalidAnswer(
                "the token call was answered without a token", operation=operation.id
            )
        if lifetime is None or not is_positive(lifetime) or lifetime > LONGEST_LIFETIME:
            lifetime = 3600  # documented for both kinds of token
        return Token.issued(value, lifetime=float(lifetime), now=asked_at)

    def scope_of(self, request: Request) -> str | None:
        """Which token a request carries: a scope of the token cache; None: basic credentials."""
        match request.operation.scope:
            case TokenScope.BASIC:
                return None
            case TokenScope.BUSINESS if self._least_privilege:
                return request.path.get("business_id") or PARTNER
            case _:
                return PARTNER


class _Call:
    """One call on its way: its attempts, its deadline, and how it ends."""

    __slots__ = (
        "_answer",
        "_attempts",
        "_deadline",
        "_patience",
        "_request",
        "_retried",
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
        deadline = options.get("deadline", self._patience.deadline)
        self._deadline = session._clock.monotonic() + deadline
        self._attempts = 0
        self._retried = False  # by a retry that was taken from the budget
        self._token_renewed = False
        self._uncertain = False  # an attempt may have been applied
        self._answer: Exchanged | None = None  # the last one there was

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
                status, headers, data = self._answer = await self._attempt(token)
            except _Unanswered as unanswered:
                failure, error = unanswered.failure, unanswered.error
                self._answer = None
            else:
                if 200 <= status < 300:
                    try:
                        value = self._decode(status, data)
                    except codec.BrokenJSON as broken:
                        failure = Failure.UNCERTAIN
                        error = self._invalid_answer(
                            f"{status} came with a body that is no JSON ({broken})", status
                        )
                    else:
                        session._budget.succeeded(retried=self._retried)
                        return value
                else:
                    now = session._clock.time()
                    retry_after = parse_retry_after(headers.get("Retry-After"), now)
                    error = api_error(
                        status,
                        (token or session.credentials).hidden_in(data),
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
                    if self._uncertain and failure is Failure.FINAL and status in _REFUSALS:
                        return await self._confirmed(error)
            self._uncertain = self._uncertain or failure is Failure.UNCERTAIN
            await self._pause_or_raise(failure, error, retry_after)

    async def _attempt(self, token: Token | None) -> Exchanged:
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
            request = self._request
            repeatable = may_resend(
                request.operation,
                Failure.UNCERTAIN,
                external_id=request.external_id,
                key=request.idempotency_key,
            )
            attempt = Attempt(may_repeat=repeatable)
            exchange = session.transport.send(
                request.operation.method,
                request.target,
                authorization=(token or session.credentials).authorization,
                body=request.body,
                headers=request.headers,
                attempt=attempt,
            )
            patience = min(self._timeout, remaining)
            return await session._watchdog.wait(exchange, patience)
        except ConfigurationError as error:
            # Without its traceback, which leads past the token.
            raise _Unanswered(Failure.FINAL, error.with_traceback(None)) from None
        except UnreadableError as error:
            raise _Unanswered(Failure.FINAL, InvalidRequest.at("file", str(error))) from error
        except NotSentError as error:
            failure = Failure.FINAL if error.final else Failure.NOT_SENT
            raise self._unanswered(failure, str(error), cause=error) from error
        except TimeoutError as error:
            failure = Failure.UNCERTAIN if attempt.left else Failure.NOT_SENT
            waited = f"no {'answer' if attempt.left else 'connection'} within {patience:.3g} s"
            text = "the client was closed" if session.transport.closed else waited
            raise self._unanswered(failure, text, cause=error) from error
        except TooLargeError as error:
            raise self._unanswered(Failure.UNCERTAIN, str(error), answered=True) from error
        except LostError as error:
            raise self._unanswered(Failure.UNCERTAIN, str(error), cause=error) from error
        finally:
            session._gate.leave()

    def _decode(self, status: int, data: bytes) -> Any:
        operation = self._request.operation
        wanted = _answer_type(operation, status)
        if wanted is None:
            return None
        value, differences = codec.decode(wanted, data)
        if not differences and self._session.looks_closer(operation.id):
            differences = codec.unknown(wanted, data)
        for one in differences:
            drift = self._session.drift
            if len(drift) < _KINDS_OF_DRIFT or (operation.id, one) in drift:
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
            self._fail(error)
        if wait >= self._remaining():
            error.add_note("There was no time left for another attempt.")
            self._fail(error)
        if retry_after is None or failure is not Failure.REFUSED:
            if not self._session._budget.take():
                error.add_note("Too many calls fail: the retry budget is used up.")
                self._fail(error)
            self._retried = True
        log.info(
            "%s: attempt %d failed (%s); again in %.2f s",
            request.operation.id,
            self._attempts,
            failure.value,
            wait,
        )
        await self._session._clock.sleep(wait)

    async def _confirmed(self, refusal: ThredfiError) -> Any:
        """What a state change answers that was refused because an earlier attempt had done it.

        So it is only when a read confirms it. Raises how the call ended else.
        """
        confirm = self._request.operation.confirm
        if confirm is None:
            self._fail(refusal)
        read = OPERATIONS[confirm.read]
        path = {name: self._request.path[name] for name in read.path_parameters}
        options: CallOptions = {"deadline": max(self._remaining(), 0.001), "timeout": self._timeout}
        call = _Call(self._session, prepare(read, path=path, query={}, body=None), options)
        try:
            await call.run()
        except NotFound:
            if confirm.field is not None:
                raise refusal from None
            data = confirm.answer.encode()
        except ThredfiError as error:
            raise self._outcome_unknown(error) from error
        else:
            assert call._answer is not None
            data = call._answer[2]
            if confirm.field is None or not self._shows(data, confirm):
                raise refusal
        self._answer = call._answer
        wanted = _answer_type(self._request.operation, 200)
        return None if wanted is None else codec.decode(wanted, data)[0]

    def _shows(self, data: bytes, confirm: Confirm) -> bool:
        """Whether the answer of a read has the state that the change was to bring about."""
        assert confirm.field is not None
        values = confirm.values
        if not values:
            body, name = self._request.body, confirm.field.rpartition(".")[2]
            asked = codec.at_path(body, name) if isinstance(body, bytes) else None
            values = () if asked is None else (str(asked),)
        found = str(codec.at_path(data, confirm.field)).lower()
        return found in [value.lower() for value in values]

    def _fail(self, error: ThredfiError) -> NoReturn:
        """Raise how the call ended, as seen from its last attempt."""
        settled = isinstance(error, ApiError) and settles(error.status, error.code)
        if not self._uncertain or settled or self._request.operation.replay is Replay.SAFE:
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
        # A refusal of the token call settles nothing about this one.
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

    def _unanswered(
        self,
        failure: Failure,
        text: str,
        *,
        answered: bool = False,
        cause: Exception | None = None,
    ) -> _Unanswered:
        error: ThredfiError
        if answered:
            error = self._invalid_answer(text, None)
        else:
            operation = self._request.operation.id
            kind = DeadlineExceeded if self._remaining() <= 0 else TransportError
            error = kind(f"{operation}: {text}", operation=operation, attempts=self._attempts)
        error.__cause__ = cause
        return _Unanswered(failure, error)

    def _invalid_answer(self, text: str, status: int | None) -> InvalidAnswer:
        operation = self._request.operation.id
        return InvalidAnswer(
            f"{operation}: {text}", operation=operation, attempts=self._attempts, status=status
        )

    def _outcome_unknown(self, cause: ThredfiError) -> OutcomeUnknown:
        request = self._request
        path, _, _ = request.target.partition("?")
        replay = request.operation.replay
        if replay is Replay.IDEMPOTENCY_KEY:
            find_out = f"Send it again with idempotency_key={request.idempotency_key!r}."
        elif request.external_id and replay is Replay.EXTERNAL_ID:
            find_out = (
                f"Send it again with external_id {request.external_id!r} (Thred answers a repeat "
                "with what it has), or look that up."
            )
        elif request.external_id:
            find_out = f"Look up external_id {request.external_id!r}."
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


async def _check_file(file: Upload) -> None:
    try:
        await check_readable(file)
    except UnreadableError as error:
        raise InvalidRequest.at("file", str(error)) from error


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_mapping(value: object) -> bool:
    return value is None or isinstance(value, Mapping)


_OPTIONS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "timeout": (is_positive, "must be above 0 seconds"),
    "deadline": (is_positive, "must be above 0 seconds"),
    "retries": (_is_count, "must be a whole number, 0 or more"),
    "idempotency_key": (lambda value: value != "", "is empty"),
    "extra_body": (_is_mapping, "must be a mapping"),
    "extra_query": (_is_mapping, "must be a mapping"),
    "extra_headers": (_is_mapping, "must be a mapping"),
}


def _check_options(operation: Operation[Any], options: CallOptions) -> None:
    for name, value in options.items():
        known = _OPTIONS.get(name)
        if known is None:
            # Keyword arguments that a method doesn't name end up here, filters of lists too.
            import difflib

            names = [*_OPTIONS, *(parameter.name for parameter in operation.query)]
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidRequest.at(name, f"is no argument of {operation.id}{hint}")
        is_good, text = known
        if not is_good(value):
            raise InvalidRequest.at(name, f"{text}, not {value!r:.80}")


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
