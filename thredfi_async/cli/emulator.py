"""``thredfi emulator``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from ..emulator import Emulator
from ..emulator.ui import widget_page
from ..errors import ConfigurationError
from .connection import complain
from .interrupts import on_interrupt

__all__ = ["serve"]

SHOWN = "my-shop"  # created for the widget where no business was asked for


async def serve(
    host: str,
    port: int,
    businesses: Sequence[str],
    *,
    db: Path | None = None,
    faults: Path | None = None,
    ui_port: int | None = None,
    widget: Path,
) -> int:
    """Run an emulator until an interrupt; print how to reach it.

    ``db`` is a file to keep its state in, ``faults`` a plan of faults. With a ``ui_port`` the
    first business is shown in the widget that is in ``widget``.
    """
    names = list(dict.fromkeys(businesses))
    if ui_port is not None and not names:
        names = [SHOWN]
    stop = asyncio.Event()
    listening = f"{host}:{port}"
    with on_interrupt(stop.set):
        try:
            async with AsyncExitStack() as stack:
                emulator = _opened(host, port, db)
                stack.push_async_callback(emulator.stop)
                if faults is not None:
                    _load(emulator, faults)
                await emulator.start()
                ids = {name: emulator.add_business(name) for name in names}
                said = _welcome(emulator, ids, db)
                if ui_port is not None:
                    listening = f"{host}:{ui_port}"
                    page = widget_page(emulator, names[0], widget=widget, host=host, port=ui_port)
                    try:
                        url = await stack.enter_async_context(page)
                    except ConfigurationError as error:
                        raise ConfigurationError(f"--ui: {error}") from error
                    said += f"\n\nThe books of {names[0]} in Thred's widget: {url}"
                print(said, flush=True)
                await stop.wait()
        except ConfigurationError as error:
            complain(str(error))
            return 2
        except OSError as error:
            complain(f"can't listen on {listening}: {error.strerror or error}")
            return 2
    return 0


def _opened(host: str, port: int, db: Path | None) -> Emulator:
    try:
        return Emulator(host=host, port=port, db=db)
    except OSError as error:
        raise ConfigurationError(f"--db: {error}") from error


def _load(emulator: Emulator, faults: Path) -> None:
    try:
        emulator.faults.load(faults)
    except OSError as error:
        raise ConfigurationError(f"--faults: {faults}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"--faults: {error}") from error


def _welcome(emulator: Emulator, ids: dict[str, str], db: Path | None) -> str:
    place = "in memory" if db is None else f"kept in {db}"
    lines = [
        f"The emulator is running at {emulator.url}. Everything is {place}; Ctrl-C ends it.",
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
