"""The emulator's token office: issues tokens and tells whose a token is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import secrets
from typing import Any

import attrs

from ..clock import Clock
from .problems import Problem

__all__ = ["TokenOffice"]

_HEADER = {"alg": "HS256", "typ": "JWT"}


@attrs.frozen
class Holder:
    """Whose a token is: the partner's, or one business's."""

    business_id: str | None
    expires_at: float


class TokenOffice:
    """Tokens in the documented form (HS256 with sub, iat, exp, and business_id when scoped)."""

    def __init__(self, partner_uuid: str, api_key: str, *, lifetime: int, clock: Clock) -> None:
        self.lifetime = lifetime  # seconds
        self._partner_uuid = partner_uuid
        self._secret = api_key.encode()
        self._clock = clock
        self._issued: dict[str, Holder] = {}
        self._numbers = itertools.count(1)

    def check_credentials(self, authorization: str | None) -> None:
        """Refuse a Basic Authorization header that doesn't hold our UUID and key. Raises 401."""
        if not authorization:
            raise Problem(401, "authentication_required", "Send the partner UUID and API key.")
        kind, _, sent = authorization.partition(" ")
        pair = base64.b64encode(self._partner_uuid.encode() + b":" + self._secret)
        # Bytes that are no text come as surrogates in a header.
        sent_pair = sent.strip().encode("utf-8", "surrogateescape")
        if kind.lower() != "basic" or not secrets.compare_digest(sent_pair, pair):
            raise Problem(401, "authentication_required", "Partner UUID or API key is wrong.")

    def issue(self, business_id: str | None = None) -> dict[str, Any]:
        """A new token, as the token endpoints answer it."""
        now = self._clock.time()
        claims: dict[str, Any] = {
            "sub": self._partner_uuid,
            "iat": int(now),
            "exp": int(now) + self.lifetime,
            "jti": next(self._numbers),
        }
        answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": self.lifetime}
        if business_id is not None:
            claims["business_id"] = business_id
            answer.update(scope="business_access", business_id=business_id)
        token = self._signed(claims)
        self._issued[token] = Holder(business_id, now + self.lifetime)
        return {"access_token": token, **answer}

    def holder(self, authorization: str | None) -> Holder:
        """Whose the bearer token of an Authorization header is. Raises 401."""
        if not authorization:
            raise Problem(401, "authentication_required", "Send a bearer token.")
        kind, _, token = authorization.partition(" ")
        holder = self._issued.get(token.strip()) if kind.lower() == "bearer" else None
        if holder is None:
            raise Problem(401, "invalid_token", "The token is not one of ours.")
        if self._clock.time() >= holder.expires_at:
            del self._issued[token.strip()]
            raise Problem(401, "invalid_token", "The token has expired.")
        return holder

    def revoke_all(self) -> None:
        """From now on, every token issued so far is refused."""
        self._issued.clear()

    def expire_all(self) -> None:
        """As if every token issued so far had lived its time."""
        now = self._clock.time()
        for token, holder in self._issued.items():
            self._issued[token] = Holder(holder.business_id, now)

    def rotate_key(self, api_key: str) -> None:
        """From now on, tokens are had with this key alone; those issued stay good."""
        self._secret = api_key.encode()

    def _signed(self, claims: dict[str, Any]) -> str:
        parts = [_segment(json.dumps(part).encode()) for part in (_HEADER, claims)]
        text = ".".join(parts)
        signature = hmac.new(self._secret, text.encode(), hashlib.sha256).digest()
        return f"{text}.{_segment(signature)}"


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
