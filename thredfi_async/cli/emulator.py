"""``thredfi emulator``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..emulator import Emulator
from .connection import complain
from .interrupts import on_interrupt

__all__ = ["serve"]


async def serve(host: str, port: int, businesses: Sequence[str]) -> int:
    """Run an emulator until an interrupt; print how to reach it."""
    stop = asyncio.Event()
    with on_interrupt(stop.set):
        try:
            async with Emulator(host=host, port=port) as emulator:
                ids = {name: emulator.add_business(name) for name in dict.fromkeys(businesses)}
                print(_welcome(emulator, ids), flush=True)
                await stop.wait()
        except OSError as error:
            complain(f"can't listen on {host}:{port}: {error.strerror or error}")
            return 2
    return 0


def _welcome(emulator: Emulator, ids: dict[str, str]) -> str:
    lines = [
        f"The emulator is running at {emulator.url}. Everything is in memory; Ctrl-C ends it.",
        "",
        f"export THREDFI_BASE_URL={emulator.url}",
        f"export THREDFI_PARTNER_UUID={emulator.partner_uuid}",
        f"export THREDFI_API_KEY={emulator.api_key}",
    ]
    if ids:
        width = max(map(len, ids))
        lines += ["", "Businesses:"]
        lines += [f"  {name.ljust(width)}  {id}" for name, id in ids.items()]
    return "\n".join(lines)
