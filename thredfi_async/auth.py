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
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import attrs

from .clock import Clock
from .errors import (
    AuthenticationFailed,
    ConfigurationError,
    InvalidAnswer,
    ThredfiError,
    TransportError,
)
from .token_store import (
    LONGEST_LIFETIME,
    PRUNE_FROM,
    MemoryTokenStore,
    Secret,
    Token,
    TokenKey,
    TokenStore,
    as_secret,
    is_sound,
    is_token,
)

__all__ = [
    "LONGEST_LIFETIME",
    "PARTNER",
    "Credentials",
    "MemoryTokenStore",
    "Secret",
    "Token",
    "TokenCache",
    "TokenKey",
    "TokenStore",
    "is_token",
]

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
    api_key: str = attrs.field(validator=_credential, converter=as_secret, repr=False)

    @property
    def authorization(self) -> Secret:
        """The value of the Authorization header for the partner-token call."""
        pair = f"{self.partner_uuid}:{self.api_key}".encode()
        return Secret(f"Basic {base64.b64encode(pair).decode()}")

    def hidden_in(self, data: bytes) -> bytes:
        """What a server answered, without the API key should the answer repeat it."""
        data = Secret(self.authorization.removeprefix("Basic ")).hidden_in(data)
        return Secret(self.api_key).hidden_in(data)

    @property
    def token_request(self) -> dict[str, str]:
        """The body of the partner-token call."""
        return {"client_id": self.partner_uuid, "grant_type": "client_credentials"}


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
    LOCKED = 60.0  # seconds that a store's lock may be held at most
    FIRST_PRUNE = PRUNE_FROM

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Token]],
        *,
        clock: Clock,
        store: TokenStore | None,
        base_url: str,
        partner_uuid: str,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._store = store
        self._base_url = base_url
        self._partner_uuid = partner_uuid
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
        if task.cancelled():
            raise TransportError("the client was closed while a token was fetched")
        error = task.exception()
        if error is None:
            return task.result()
        # Each waiter raises its own copy: a shared one would gather everybody's traceback.
        own = copy.copy(error)
        own.__cause__ = error.__cause__
        raise own

    async def drop(self, scope: str, token: Token) -> None:
        """Stop using this token (it was refused), but not a newer one of the same scope."""
        if self._tokens.get(scope) == token:
            del self._tokens[scope]
            self._refused[scope] = token
        if self._store is not None:
            try:
                async with asyncio.timeout(self.STORE_PATIENCE):
                    await self._store.drop(self._key(scope), token)
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
            token = await self._stored(scope) or await self._fetched(scope)
        except ThredfiError as error:
            self._failed(scope, error)
            raise
        except Exception as error:
            # Its own text may quote the answer, which may hold a token.
            failure = InvalidAnswer(f"the token call failed: {type(error).__name__}")
            log.error("%s\n%s", failure, "".join(traceback.format_tb(error.__traceback__)))
            self._failed(scope, failure)
            raise failure from None
        else:
            self._failures.pop(scope, None)
            self._tokens[scope] = token
            self._prune()
            return token
        finally:
            del self._refreshes[scope]

    def _failed(self, scope: str, error: ThredfiError) -> None:
        # A copy, because the error itself holds on to the frames of its traceback.
        self._failures[scope] = _FailedFetch.after(
            self._failures.get(scope), copy.copy(error), self._clock.monotonic()
        )
        self._prune()

    async def _fetched(self, scope: str) -> Token:
        """A new token, or the one that somebody else fetched while the store was locked."""
        lock = await self._locked(scope)
        try:
            token = None if lock is None else await self._stored(scope)
            if token is None:
                token = await self._fetch(scope)
                await self._keep(scope, token)
            return token
        finally:
            if lock is not None:
                await self._unlock(lock)

    async def _locked(self, scope: str) -> AbstractAsyncContextManager[object] | None:
        """The store's lock, entered; None where it has none, or takes too long."""
        lock = getattr(self._store, "lock", None)
        if lock is None:
            return None
        try:
            entered: AbstractAsyncContextManager[object] = lock(self._key(scope), self.LOCKED)
            async with asyncio.timeout(self.STORE_PATIENCE):
                await entered.__aenter__()
        except Exception:
            log.warning("the token store could not be locked", exc_info=True)
            return None
        return entered

    async def _unlock(self, lock: AbstractAsyncContextManager[object]) -> None:
        try:
            async with asyncio.timeout(self.STORE_PATIENCE):
                await lock.__aexit__(None, None, None)
        except Exception:
            log.warning("the token store could not be unlocked", exc_info=True)

    async def _stored(self, scope: str) -> Token | None:
        """The token that the store has, where it is one that may be used."""
        if self._store is None:
            return None
        try:
            async with asyncio.timeout(self.STORE_PATIENCE):
                token = await self._store.get(self._key(scope))
        except Exception:
            log.warning("the token store could not be read", exc_info=True)
            return None
        if token is None:
            return None
        if not is_sound(token, self._clock.time()):
            log.warning("the token store gave something that isn't a token")
            return None
        if self._clock.time() >= token.refresh_at or token == self._refused.get(scope):
            return None
        return attrs.evolve(token, stored=True)

    async def _keep(self, scope: str, token: Token) -> None:
        if self._store is None:
            return
        try:
            async with asyncio.timeout(self.STORE_PATIENCE):
                await self._store.put(self._key(scope), token)
        except Exception:
            log.warning("the token store could not keep a token", exc_info=True)

    def _key(self, scope: str) -> TokenKey:
        return TokenKey(self._base_url, self._partner_uuid, scope or None)

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
