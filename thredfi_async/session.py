"""What a client owns: connections, tokens, bounds, budget, counters. Its calls are in `call`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import aiohttp

from .auth import (
    LONGEST_LIFETIME,
    PARTNER,
    Credentials,
    Token,
    TokenCache,
    TokenStore,
    is_token,
)
from .call import Caller
from .clock import Clock
from .drift import Drift
from .errors import ConfigurationError, InvalidAnswer
from .limits import Gate, Watchdog, files_allow
from .manner import Manner
from .operation import Operation
from .operations import GET_BUSINESS_TOKEN, GET_PARTNER_TOKEN
from .response import recorder
from .retry import RetryBudget, RetryPolicy, is_positive
from .shared import AttemptEnded, CallEnded, Shared, Statistics
from .texts import shown
from .transport import Transport

__all__ = ["BusinessToken", "Session", "Statistics"]

BusinessToken = Literal["business", "partner"]


class Session(Caller):
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
        timeout: float,
        connect_timeout: float,
        max_connections: int,
        max_answer_size: int,
        token_scope: BusinessToken,
        user_agent: str,
        allow_http: bool,
        http: aiohttp.ClientSession | None,
    ) -> None:
        if token_scope not in ("business", "partner"):
            raise ConfigurationError(f'token_scope is "business" or "partner", not {token_scope!r}')
        for name, seconds in (("timeout", timeout), ("connect_timeout", connect_timeout)):
            if not is_positive(seconds):
                raise ConfigurationError(f"{name} must be above 0 seconds, not {shown(seconds)}")
        for name, count in (
            ("max_connections", max_connections),
            ("max_answer_size", max_answer_size),
        ):
            if not (is_positive(count) and isinstance(count, int)):
                raise ConfigurationError(
                    f"{name} must be a whole number above 0, not {shown(count)}"
                )
        transport = Transport(
            base_url,
            connect_timeout=connect_timeout,
            max_answer_size=max_answer_size,
            user_agent=user_agent,
            allow_http=allow_http,
            http=http,
        )
        shared = Shared(
            transport=transport,
            credentials=credentials,
            tokens=TokenCache(
                self._fetch_token,
                clock=clock,
                store=store,
                base_url=transport.base_url,
                partner_uuid=credentials.partner_uuid,
            ),
            clock=clock,
            policy=retry,
            timeout=timeout,
            least_privilege=token_scope == "business",  # noqa: S105 - no password
            gate=Gate(transport.room(files_allow(max_connections))),
            watchdog=Watchdog(),
            budget=RetryBudget(retry.budget),
        )
        super().__init__(shared, Manner())
        self.transport = transport
        self.clock = clock
        self.tokens = shared.tokens
        self.statistics = shared.statistics
        self.drift: Counter[tuple[str, Drift]] = shared.answers.drift

    @property
    def base_url(self) -> str:
        """Where the requests go, without a slash at the end."""
        return self.transport.base_url

    @property
    def partner_uuid(self) -> str:
        """The partner that it acts for."""
        return self.credentials.partner_uuid

    @property
    def on_attempt(self) -> list[Callable[[AttemptEnded], None]]:
        """Called after each request, retries and tokens included; one that raises ends the call."""
        return self._shared.on_attempt

    @property
    def on_outcome(self) -> list[Callable[[CallEnded], None]]:
        """Called at the end of each call, as its caller sees it; one that raises ends the call."""
        return self._shared.on_outcome

    def bound(self, manner: Manner) -> Caller:
        """What carries out calls in another manner than that of a single call."""
        return Caller(self._shared, manner)

    async def aclose(self, *, grace: float = 0.0) -> None:
        """Close what this session opened; a borrowed aiohttp session stays open.

        Calls under way may end first, for ``grace`` seconds; then they fail.
        """
        shared = self._shared
        if grace > 0 and shared.under_way:
            shared.idle = asyncio.Event()
            try:
                async with asyncio.timeout(grace):
                    await shared.idle.wait()
            except TimeoutError:
                pass
        try:
            await self.transport.aclose()
        finally:
            shared.watchdog.close()
            await self.tokens.aclose()

    async def _fetch_token(self, scope: str) -> Token:
        # A refresh runs in a task of its own, which must not report to the recorder of
        # whoever happened to need the token first.
        recorder.set(None)
        asked_at = self.clock.time()
        if scope == PARTNER:
            operation: Operation[Any] = GET_PARTNER_TOKEN
            answer = await self.call(operation, body=self.credentials.token_request)
        else:
            operation = GET_BUSINESS_TOKEN
            answer = await self.call(operation, path={"business_id": scope})
        self._shared.token_failures.pop(scope, None)
        value = getattr(answer, "access_token", None)
        lifetime = getattr(answer, "expires_in", None)
        if not is_token(value):
            raise InvalidAnswer(
                "the token call was answered without a token", operation=operation.id
            )
        if lifetime is None or not is_positive(lifetime) or lifetime > LONGEST_LIFETIME:
            lifetime = 3600  # documented for both kinds of token
        return Token.issued(value, lifetime=float(lifetime), now=asked_at)
