"""Ctrl-C and SIGTERM as events, so that a command can end in good order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["on_interrupt"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_interrupt(call: Callable[[], None]) -> Iterator[None]:
    """While inside, an interrupt calls ``call`` in the event loop and ends nothing by itself."""
    loop = asyncio.get_running_loop()
    before = {}
    for one in SIGNALS:
        try:
            loop.add_signal_handler(one, call)
        except NotImplementedError:  # Windows
            before[one] = signal.signal(one, lambda *_: loop.call_soon_threadsafe(call))
    try:
        yield
    finally:
        for one in SIGNALS:
            if one in before:
                signal.signal(one, before[one])
            else:
                loop.remove_signal_handler(one)
