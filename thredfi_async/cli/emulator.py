"""``thredfi emulator``."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..emulator import Emulator
from ..emulator.ui import widget_page
from ..errors import ConfigurationError
from .endings import Exit
from .interrupts import on_interrupt
from .json_text import say_json
from .output import say
from .outputs import keep_apart

__all__ = ["serve"]

SHOWN = "my-shop"  # created for the widget where no business was asked for


async def serve(
    host: str,
    port: int,
    businesses: Sequence[str],
    *,
    seed: int | None = None,
    partner_uuid: str | None = None,
    api_key: str | None = None,
    db: Path | None = None,
    faults: Path | None = None,
    errors: str = "reference",
    strict_tokens: bool = False,
    ui_port: int | None = None,
    widget: Path,
    as_json: bool = False,
) -> Exit:
    """Run an emulator until an interrupt, its proper end; print how to reach it.

    ``faults`` is a plan of faults; ``seed``, ``partner_uuid``, ``api_key``, ``db``, ``errors``
    and ``strict_tokens`` are those of `Emulator`. With a ``ui_port`` the first business is shown in
    the widget that is in ``widget``. Raises `ConfigurationError`.
    """
    names = list(dict.fromkeys(businesses))
    if ui_port is not None and not names:
        names = [SHOWN]
    keep_apart({"the plan of --faults": faults}, {"--db": db})
    stop = asyncio.Event()
    with on_interrupt(stop.set):
        async with AsyncExitStack() as stack:
            emulator = _opened(
                host=host,
                port=port,
                seed=seed,
                partner_uuid=partner_uuid,
                api_key=api_key,
                db=db,
                errors=errors,
                strict_tokens=strict_tokens,
            )
            stack.push_async_callback(emulator.stop)
            if faults is not None:
                _load(emulator, faults)
            with _blaming(f"can't listen on {host}:{port}"):
                await emulator.start()
            with _blaming("--db"):
                ids = {name: emulator.add_business(name) for name in names}
            shown = None
            if ui_port is not None:
                page = widget_page(emulator, names[0], widget=widget, host=host, port=ui_port)
                with _blaming(f"can't listen on {host}:{ui_port}"):
                    try:
                        shown = await stack.enter_async_context(page)
                    except ConfigurationError as error:
                        raise ConfigurationError(f"--ui: {error}") from error
            if as_json:
                say_json(_as_data(emulator, ids, shown))
            else:
                said = _welcome(emulator, ids, db)
                if shown is not None:
                    said += ["", f"The books of {names[0]} in Thred's widget: {shown}"]
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


def _opened(**arguments: Any) -> Emulator:
    with _blaming("--db"):
        try:
            return Emulator(**arguments)
        except ValueError as error:  # its text begins with the name of the argument
            name, space, text = str(error).partition(" ")
            raise ConfigurationError(f"--{name.replace('_', '-')}{space}{text}") from error


def _load(emulator: Emulator, faults: Path) -> None:
    with _blaming(f"--faults: {faults}"):
        try:
            emulator.faults.load(faults)
        except ValueError as error:
            raise ConfigurationError(f"--faults: {error}") from error


def _as_data(emulator: Emulator, ids: dict[str, str], shown: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "base_url": emulator.url,
        "partner_uuid": emulator.partner_uuid,
        "api_key": emulator.api_key,
        "businesses": ids,
    }
    return told if shown is None else {**told, "widget": shown}


def _welcome(emulator: Emulator, ids: dict[str, str], db: Path | None) -> list[str]:
    place = "in memory" if db is None else f"kept in {db}"
    lines = [
        f"The emulator is running at {emulator.url}. Everything is {place}; Ctrl-C ends it.",
        "",
        f"export THREDFI_BASE_URL={emulator.url}",
        f"export THREDFI_PARTNER_UUID={shlex.quote(emulator.partner_uuid)}",
        f"export THREDFI_API_KEY={shlex.quote(emulator.api_key)}",
    ]
    if ids:
        width = max(map(len, ids))
        lines += ["", "Businesses:"]
        lines += [f"  {name.ljust(width)}  {id}" for name, id in ids.items()]
    return lines
