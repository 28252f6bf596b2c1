"""``thredfi token``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .business import find_business
from .connection import Connection
from .endings import Exit
from .json_text import say_json
from .output import note, say

__all__ = ["show_token"]


async def show_token(
    connection: Connection, business: str | None, *, show: bool, as_json: bool = False
) -> Exit:
    """Fetch a token; print its lifetime and scope, and itself only when ``show`` is true."""
    async with connection.client() as thredfi:
        token: Any
        business_id = None
        if business is None:
            token = await thredfi.tokens.partner()
            good_for = "every business of the partner"
        else:
            business_id = await find_business(thredfi, business)
            token = await thredfi.tokens.business(business_id)
            good_for = f"business {business_id}"
    seconds = token.expires_in
    scope = getattr(token, "scope", None)
    until = datetime.now().astimezone() + timedelta(seconds=seconds)
    if as_json:
        told = {
            "business_id": business_id,
            "scope": scope,
            "expires_in": seconds,
            "expires_at": until.isoformat(timespec="seconds"),
        }
        say_json({"access_token": token.access_token, **told} if show else told)
        return Exit.WELL
    details = [f"good for  {good_for}"]
    if scope:
        details.append(f"scope     {scope}")
    details.append(f"expires   in {seconds} s, at {until:%Y-%m-%d %H:%M:%S %Z}")
    if show:  # stdout carries the token alone, so that it can be captured
        note(*details)
        say(token.access_token)
    else:
        say(*details)
    return Exit.WELL
