"""Credentials, tokens, and the cache that fetches each token once.

Tokens: https://docs.thredfi.com/implementation/authentication. A partner token comes
by HTTP Basic from the partner's UUID and API key, a business token by the partner
token. Both live as long as ``expires_in`` says (3600 s at the time of writing).
"""

from __future__ import annotations

import asyncio
import base64
import copy
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from .clock import Clock
from .errors import AuthenticationFailed, ConfigurationError, ThredfiError, TransportError

__all__ = ["PARTNER", "Credentials", "MemoryTokenStore", "Token", "TokenCache", "TokenStore"]

log = logging.getLogger(__name__)

PARTNER = ""
"""The scope of the partner token. Every other scope is a business id."""


def _credential(instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) and value is not None:
        raise ConfigurationError(f"{attribute.name} must be text, not {type(value).__name__}")
    if not value or not value.strip():
        raise ConfigurationError(
            f"{attribute.name} is missing: give {attribute.name}=… "
            f"or set THREDFI_{attribute.name.upper()}; both are in Thred's Partner Portal"
        )
    if not value.isprintable() or not value.isascii() or value != value.strip():
        raise ConfigurationError(
            f"{attribute.name} has spaces at its ends or characters that no credential has"
        )


@attrs.frozen
class Credentials:
    """The partner's UUID and API key, from Thred's Partner Portal."""

    partner_uuid: str = attrs.field(validator=_credential)
    api_key: str = attrs.field(validator=_credential, repr=False)

    @property
    def basic(self) -> str:
        """The value of the Authorization header for the partner-token call."""
        pair = f"{self.partner_uuid}:{self.api_key}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    @property
    def token_request(self) -> dict[str, str]:
        """The body of the partner-token call."""
        return {"client_id": self.partner_uuid, "grant_type": "client_credentials"}


@attrs.frozen
class Token:
    """One access token; ``expires_at`` and ``refresh_at`` are in seconds since 1970 (UTC)."""

    value: str = attrs.field(repr=False)
    expires_at: float
    refresh_at: float

    @classmethod
    def issued(cls, value: str, *, lifetime: float, now: float) -> Token:
        """A token that lives ``lifetime`` seconds from ``now``, to be refreshed early.

        Early is a tenth of its life before the end, at most five minutes.
        """
        expires_at = now + lifetime
        return cls(value, expires_at, expires_at - min(300.0, lifetime / 10))


class TokenStore(Protocol):
    """Where tokens are kept beside the cache: memory, or something that processes share.

    A scope is `PARTNER` or a business id. A store that fails or hangs never fails a call:
    the token is then fetched from Thred. Whoever writes one keeps tokens as secret as a password.
    """

    async def get(self, scope: str) -> Token | None:
        """The token of this scope, or None."""
        ...

    async def put(self, scope: str, token: Token) -> None:
        """Keep this token, in place of an older one."""
        ...

    async def drop(self, scope: str, token: Token) -> None:
        """Forget this token, but not a newer one of the same scope."""
        ...


class MemoryTokenStore:
    """Tokens of one process; give the same one to several clients to share them."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    async def get(self, scope: str) -> Token | None:
        """The token of this scope, or None."""
        return self._tokens.get(scope)

    async def put(self, scope: str, token: Token) -> None:
        """Keep this token, in place of an older one."""
        self._tokens[scope] = token

    async def drop(self, scope: str, token: Token) -> None:
        """Forget this token, but not a newer one of the same scope."""
        if self._tokens.get(scope) == token:
            del self._tokens[scope]


class TokenCache:
    """Gives the token of a scope; however many ask at once, it is fetched once.

    - A refresh is shared by all who wait for it, and goes on when one of them is cancelled.
    - While the old token still works, a refresh runs in the background and nobody waits.
    - After a failed fetch the next one waits 1 s, then 2 s, … up to a minute; until then
      whoever needs a token gets the same error at once.
    """

    FIRST_PAUSE = 1.0
    LONGEST_PAUSE = 60.0
    STORE_PATIENCE = 5.0  # seconds that a store may take
    FIRST_PRUNE = 1024  # so many entries are kept before some are looked through

    def __init__(
        self, fetch: Callable[[str], Awaitable[Token]], *, clock: Clock, store: TokenStore
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._store = store
        self._tokens: dict[str, Token] = {}
        self._refreshes: dict[str, asyncio.Task[Token]] = {}
        self._failures: dict[str, _FailedFetch] = {}
        self._refused: dict[str, Token] = {}
        self._prune_at = self.FIRST_PRUNE

    def current(self, scope: str) -> Token | None:
        """The token of this scope if it still works, without waiting.

        Starts the refresh in the background when it is due.
        """
        token = self._tokens.get(scope)
        if token is None:
            return None
        now = self._clock.time()
        if now < token.refresh_at:
            return token
        if now >= token.expires_at:
            return None
        if scope not in self._refreshes and not self._pausing(scope):
            self._start(scope)
        return token

    async def get(self, scope: str) -> Token:
        """The token of this scope, fetched if need be.

        Raises what the fetch raised; see `errors`.
        """
        token = self.current(scope)
        if token is not None:
            return token
        task = self._refreshes.get(scope)
        if task is None:
            if self._pausing(scope):
                raise self._failures[scope].again(self._clock.monotonic())
            task = self._start(scope)
        await asyncio.wait([task])
        try:
            return task.result()
        except ThredfiError as error:
            # Each waiter raises its own copy: a shared one would gather everybody's traceback.
            raise copy.copy(error) from None
        except asyncio.CancelledError:
            raise TransportError("the client was closed while a token was fetched") from None

    async def drop(self, scope: str, token: Token) -> None:
        """Stop using this token (it was refused), but not a newer one of the same scope."""
        if self._tokens.get(scope) == token:
            del self._tokens[scope]
            self._refused[scope] = token
        try:
            async with asyncio.timeout(self.STORE_PATIENCE):
                await self._store.drop(scope, token)
        except Exception:
            log.warning("the token store could not drop a token", exc_info=True)

    async def aclose(self) -> None:
        """End the refreshes that are under way."""
        tasks = list(self._refreshes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _pausing(self, scope: str) -> bool:
        failed = self._failures.get(scope)
        return failed is not None and self._clock.monotonic() < failed.until

    def _start(self, scope: str) -> asyncio.Task[Token]:
        task = asyncio.create_task(self._refresh(scope), name="thredfi token refresh")
        self._refreshes[scope] = task
        task.add_done_callback(_retrieve)
        return task

    async def _refresh(self, scope: str) -> Token:
        try:
            token = await self._stored(scope)
            if token is None:
                token = await self._fetch(scope)
                await self._keep(scope, token)
        except ThredfiError as error:
            # A copy, because the error itself holds on to the frames of its traceback.
            self._failures[scope] = _FailedFetch.after(
                self._failures.get(scope), copy.copy(error), self._clock.monotonic()
            )
            self._prune()
            raise
        else:
            self._failures.pop(scope, None)
            self._tokens[scope] = token
            self._prune()
            return token
        finally:
            del self._refreshes[scope]

    async def _stored(self, scope: str) -> Token | None:
        try:
            async with asyncio.timeout(self.STORE_PATIENCE):
                token = await self._store.get(scope)
        except Exception:
            log.warning("the token store could not be read", exc_info=True)
            return None
        if not isinstance(token, Token) or token == self._refused.get(scope):
            return None
        return token if self._clock.time() < token.refresh_at else None

    async def _keep(self, scope: str, token: Token) -> None:
        try:
            async with asyncio.timeout(self.STORE_PATIENCE):
                await self._store.put(scope, token)
        except Exception:
            log.warning("the token store could not keep a token", exc_info=True)

    def _prune(self) -> None:
        """Forget what is over now and then, so that many businesses don't fill the memory."""
        if self._size() < self._prune_at:
            return
        now = self._clock.time()
        for tokens in (self._tokens, self._refused):
            for scope in [s for s, token in tokens.items() if now >= token.expires_at]:
                del tokens[scope]
        for scope in [s for s in self._failures if not self._pausing(s)]:
            del self._failures[scope]
        self._prune_at = max(self.FIRST_PRUNE, 2 * self._size())

    def _size(self) -> int:
        return len(self._tokens) + len(self._refused) + len(self._failures)


@attrs.frozen
class _FailedFetch:
    error: ThredfiError
    pause: float
    until: float

    @classmethod
    def after(cls, last: _FailedFetch | None, error: ThredfiError, now: float) -> _FailedFetch:
        pause = TokenCache.FIRST_PAUSE
        if last is not None:
            pause = min(TokenCache.LONGEST_PAUSE, last.pause * 2)
        return cls(error, pause, now + pause)

    def again(self, now: float) -> ThredfiError:
        error = copy.copy(self.error)
        error.add_note(
            f"The token was asked for a moment ago; the next try is possible in "
            f"{self.until - now:.1f} s."
        )
        return error


def _retrieve(task: asyncio.Task[Token]) -> None:
    """Take the outcome of a refresh that nobody may be waiting for, and log a failure."""
    if not task.cancelled() and (error := task.exception()) is not None:
        level = logging.WARNING if isinstance(error, AuthenticationFailed) else logging.INFO
        log.log(level, "a token refresh failed: %s", error)
