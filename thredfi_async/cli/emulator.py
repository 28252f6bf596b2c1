"""``thredfi emulator``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..emulator import Emulator
from ..emulator.ui import widget_page
from ..errors import ConfigurationError
from .endings import Exit
from .interrupts import on_interrupt
from .output import say
from .outputs import keep_apart

__all__ = ["serve"]

SHOWN = "my-shop"  # created for the widget where no business was asked for


async def serve(
    host: str,
    port: int,
    businesses: Sequence[str],
    *,
    db: Path | None = None,
    faults: Path | None = None,
    errors: str = "reference",
    strict_tokens: bool = False,
    ui_port: int | None = None,
    widget: Path,
) -> Exit:
    """Run an emulator until an interrupt, its proper end; print how to reach it.

    ``db`` is a file to keep its state in, ``faults`` a plan of faults; ``errors`` and
    ``strict_tokens`` are those of `Emulator`. With a ``ui_port`` the first business is shown in
    the widget that is in ``widget``. Raises `ConfigurationError`.
    """
    names = list(dict.fromkeys(businesses))
    if ui_port is not None and not names:
        names = [SHOWN]
    keep_apart({"the plan of --faults": faults}, {"--db": db})
    stop = asyncio.Event()
    with on_interrupt(stop.set):
        async with AsyncExitStack() as stack:
            emulator = _opened(host, port, db, errors, strict_tokens)
            stack.push_async_callback(emulator.stop)
            if faults is not None:
                _load(emulator, faults)
            with _blaming(f"can't listen on {host}:{port}"):
                await emulator.start()
            with _blaming("--db"):
                ids = {name: emulator.add_business(name) for name in names}
            said = _welcome(emulator, ids, db)
            if ui_port is not None:
                page = widget_page(emulator, names[0], widget=widget, host=host, port=ui_port)
                with _blaming(f"can't listen on {host}:{ui_port}"):
                    try:
                        url = await stack.enter_async_context(page)
                    except ConfigurationError as error:
                        raise ConfigurationError(f"--ui: {error}") from error
                said += ["", f"The books of {names[0]} in Thred's widget: {url}"]
            say(*said)
            await stop.wait()
    return Exit.WELL


@contextmanager
def _blaming(what: str) -> Iterator[None]:
    """Say what the operating system refuses."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{what}: {error.strerror or error}") from error


def _opened(host: str, port: int, db: Path | None, errors: str, strict_tokens: bool) -> Emulator:
    shape: Any = errors
    with _blaming("--db"):
        try:
            return Emulator(host=host, port=port, db=db, errors=shape, strict_tokens=strict_tokens)
        except ValueError as error:
            raise ConfigurationError(f"--{error}") from error


def _load(emulator: Emulator, faults: Path) -> None:
    with _blaming(f"--faults: {faults}"):
        try:
            emulator.faults.load(faults)
        except ValueError as error:
            raise ConfigurationError(f"--faults: {error}") from error


def _welcome(emulator: Emulator, ids: dict[str, str], db: Path | None) -> list[str]:
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
    return lines
