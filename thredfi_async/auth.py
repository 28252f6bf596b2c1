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
import math
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeGuard

import attrs

from .clock import Clock
from .errors import (
    AuthenticationFailed,
    ConfigurationError,
    InvalidAnswer,
    ThredfiError,
    TransportError,
)

__all__ = [
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

LONGEST_LIFETIME = 1e9
"""Seconds; what a token or a store says beyond that makes no sense."""

_FIRST_PRUNE = 1024  # so many entries are kept before some are looked through


class Secret(str):
    """Text that shows in no repr, be it of a traceback's locals or of a mapping that holds it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def hidden_in(self, data: bytes) -> bytes:
        """What a server answered, without this secret should the answer repeat it."""
        for text in {self, self.replace("/", "\\/")}:  # as some write it in JSON
            data = data.replace(text.encode(), b"***")
        return data


def is_token(value: object) -> TypeGuard[str]:
    """Whether it can be the text of a token: something that a header can hold, in one word."""
    return (
        isinstance(value, str)
        and bool(value)
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _as_secret(value: Any) -> Any:
    return Secret(value) if isinstance(value, str) else value


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
    api_key: str = attrs.field(validator=_credential, converter=_as_secret, repr=False)

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


@attrs.frozen
class Token:
    """One access token; ``expires_at`` and ``refresh_at`` are in seconds since 1970 (UTC).

    ``issued_at`` likewise, where it is known. ``stored``: it came from a `TokenStore`.
    """

    value: str = attrs.field(converter=_as_secret, repr=False)
    expires_at: float
    refresh_at: float
    issued_at: float = attrs.field(default=0.0, eq=False, repr=False)
    stored: bool = attrs.field(default=False, eq=False)

    @classmethod
    def issued(cls, value: str, *, lifetime: float, now: float) -> Token:
        """A token that lives ``lifetime`` seconds from ``now``, to be refreshed early.

        Early is a tenth of its life before the end, at most five minutes.
        """
        expires_at = now + lifetime
        return cls(value, expires_at, expires_at - min(300.0, lifetime / 10), now)

    @property
    def authorization(self) -> Secret:
        """The value of the Authorization header of a call with this token."""
        return Secret(f"Bearer {self.value}")

    def hidden_in(self, data: bytes) -> bytes:
        """What a server answered, without this token should the answer repeat it."""
        return Secret(self.value).hidden_in(data)


@attrs.frozen
class TokenKey:
    """What a token is for: a partner at a base URL, or one business of it.

    ``business_id`` is None for the partner's own token.
    """

    base_url: str
    partner_uuid: str
    business_id: str | None = None


class TokenStore(Protocol):
    """Where tokens are kept beside the cache: memory, or something that processes share.

    All three parts of the key count: a token given out under another partner's key, or under
    another host's, opens that partner's books, or tells that host. What has to be kept of a
    token is ``value``, ``expires_at`` and ``refresh_at``; a store had better forget it when it
    has expired, and keep it as secret as a password.

    A store may also have ``lock(key, seconds)``, which returns an async context manager that
    only one process is in at a time, for ``seconds`` at most. A token is then fetched within
    it, after another look into the store, so that many processes fetch it once.

    A store that fails, hangs for 5 seconds or gives something that isn't a token never fails a
    call: the token is then fetched from Thred.
    """

    async def get(self, key: TokenKey) -> Token | None:
        """The token of this key, or None."""
        ...

    async def put(self, key: TokenKey, token: Token) -> None:
        """Keep this token, in place of an older one."""
        ...

    async def drop(self, key: TokenKey, token: Token) -> None:
        """Forget this token, but not a newer one of the same key."""
        ...


class MemoryTokenStore:
    """Tokens of one process; give the same one to several clients to share them."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKey, Token] = {}
        self._now = 0.0  # it is later than that
        self._prune_at = _FIRST_PRUNE

    async def get(self, key: TokenKey) -> Token | None:
        """The token of this key, or None."""
        return self._tokens.get(key)

    async def put(self, key: TokenKey, token: Token) -> None:
        """Keep this token, in place of an older one."""
        self._tokens[key] = token
        self._now = max(self._now, token.issued_at)
        if len(self._tokens) >= self._prune_at:
            for dead in [k for k, kept in self._tokens.items() if self._now >= kept.expires_at]:
                del self._tokens[dead]
            self._prune_at = max(_FIRST_PRUNE, 2 * len(self._tokens))

    async def drop(self, key: TokenKey, token: Token) -> None:
        """Forget this token, but not a newer one of the same key."""
        if self._tokens.get(key) == token:
            del self._tokens[key]


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
    FIRST_PRUNE = _FIRST_PRUNE

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
        raise copy.copy(error)

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
        if not _is_sound(token, self._clock.time()):
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


def _is_sound(token: object, now: float) -> bool:
    """Whether it is a token that a header can hold, and whose times make sense."""
    return (
        isinstance(token, Token)
        and is_token(token.value)
        and all(
            isinstance(at, int | float) and not isinstance(at, bool) and math.isfinite(at)
            for at in (token.expires_at, token.refresh_at)
        )
        and token.refresh_at <= token.expires_at <= now + LONGEST_LIFETIME
    )


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
