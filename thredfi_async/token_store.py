"""Tokens as values, and where they are kept: `Token`, `TokenKey`, `TokenStore`."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, Protocol, TypeGuard

import attrs

__all__ = [
    "LONGEST_LIFETIME",
    "PRUNE_FROM",
    "MemoryTokenStore",
    "Secret",
    "Token",
    "TokenKey",
    "TokenStore",
    "as_secret",
    "is_sound",
    "is_token",
]

LONGEST_LIFETIME = 1e9
"""Seconds; what a token or a store says beyond that makes no sense."""

_SHORTEST = 8  # characters of what is worth hiding: less is part of many words

PRUNE_FROM = 1024  # so many entries are kept before some are looked through


class Secret(str):
    """Text that shows in no repr, be it of a traceback's locals or of a mapping that holds it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def hidden_in(self, data: bytes) -> bytes:
        """What a server answered, without this secret should the answer repeat it."""
        if len(self) < _SHORTEST:
            return data
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


def as_secret(value: Any) -> Any:
    """The same as a secret, where it is text."""
    return Secret(value) if isinstance(value, str) else value


def is_sound(token: object, now: float) -> bool:
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
class Token:
    """One access token; ``expires_at`` and ``refresh_at`` are in seconds since 1970 (UTC).

    ``issued_at`` likewise, where it is known. ``stored``: it came from a `TokenStore`.
    """

    value: str = attrs.field(converter=as_secret, repr=False)
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

    @cached_property
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
        self._prune_at = PRUNE_FROM

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
            self._prune_at = max(PRUNE_FROM, 2 * len(self._tokens))

    async def drop(self, key: TokenKey, token: Token) -> None:
        """Forget this token, but not a newer one of the same key."""
        if self._tokens.get(key) == token:
            del self._tokens[key]
