"""``thredfi token``."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

from ..errors import ThredfiError
from .connection import Connection, complain

__all__ = ["show_token"]


async def show_token(connection: Connection, business: str | None, *, show: bool) -> int:
    """Fetch a token; print its lifetime and scope, and itself only when ``show`` is true."""
    try:
        async with connection.client() as thredfi:
            token: Any
            if business is None:
                token = await thredfi.tokens.partner()
                good_for = "every business of the partner"
            else:
                token = await thredfi.tokens.business(business)
                good_for = f"business {business}"
    except ThredfiError as error:
        complain(str(error))
        return 2
    seconds = token.expires_in
    scope = getattr(token, "scope", None)
    until = datetime.now().astimezone() + timedelta(seconds=seconds)
    # With --show, stdout carries the token alone, so that it can be captured.
    details = sys.stderr if show else sys.stdout
    print(f"good for  {good_for}", file=details)
    if scope:
        print(f"scope     {scope}", file=details)
    print(f"expires   in {seconds} s, at {until:%Y-%m-%d %H:%M:%S %Z}", file=details)
    if show:
        print(token.access_token)
    return 0
