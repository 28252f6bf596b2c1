"""Time as the package sees it, so that tests can inject their own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What the package asks of a clock."""

    def time(self) -> float:
        """Seconds since 1970 (UTC), comparable between processes; token lifetimes use it."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; deadlines and waits use it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Seconds since 1970 (UTC)."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)
