"""Ctrl-C and SIGTERM: the first ends a command in good order, a second Ctrl-C in any case.

The first one calls what `on_interrupt` named, and is a KeyboardInterrupt where nothing is named:
while the program starts, reads its files or ends. A thread of its own waits for the second, so
that it works whatever the program hangs in.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, TypeVar

__all__ = ["has_come", "in_loop", "install", "on_interrupt"]

T = TypeVar("T")

INTERRUPTED = 130  # exit status, as shells give it
PATIENCE = 2.0  # seconds to end in, after the second Ctrl-C

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"  # which a bar hides

_came = threading.Event()


def install() -> None:
    """From now on an interrupt is what this module says."""
    came, sent = os.pipe()
    os.set_blocking(sent, False)
    for one in _SIGNALS:
        signal.signal(one, _react)
    signal.set_wakeup_fd(sent, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(came,), name="thredfi: Ctrl-C", daemon=True).start()


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; an interrupt cancels it and is raised as KeyboardInterrupt.

    That has the notes of what was cancelled: a write that was cut off says so.
    """
    interrupt = KeyboardInterrupt()

    async def cancelled_by_interrupt() -> T:
        task = asyncio.current_task()
        assert task is not None
        with on_interrupt(task.cancel):
            try:
                return await work
            except asyncio.CancelledError as cancelled:
                for note in getattr(cancelled, "__notes__", ()):
                    interrupt.add_note(note)
                raise

    try:
        return asyncio.run(cancelled_by_interrupt())
    except asyncio.CancelledError:
        raise interrupt from None
    finally:
        work.close()  # where it was interrupted before it began


@contextmanager
def on_interrupt(call: Callable[[], object]) -> Iterator[None]:
    """While inside, an interrupt calls ``call`` in the event loop and ends nothing by itself."""
    loop = asyncio.get_running_loop()
    _reactions.append(partial(loop.call_soon_threadsafe, call))
    try:
        yield
    finally:
        _reactions.pop()


def has_come() -> bool:
    """Whether there was an interrupt: what holds up the event loop can't see it otherwise."""
    return _came.is_set()


def _break_off() -> None:
    raise KeyboardInterrupt


_reactions: list[Callable[[], object]] = [_break_off]  # the last one counts


def _react(number: int, frame: FrameType | None) -> None:
    """In the main thread, as soon as that gets to it."""
    if number == signal.SIGTERM and _came.is_set():
        return  # some send it twice, to the process and to its group
    _came.set()
    _reactions[-1]()


def _watch(came: int) -> None:
    """End the process at the third Ctrl-C, or a while after the second. SIGTERM is a first."""
    count = 0
    while True:
        ready, _, _ = select.select([came], [], [], PATIENCE if count > 1 else None)
        if not ready:
            _end()
        for number in os.read(came, 64):
            count += number == signal.SIGINT or count == 0
            if count > 2:
                _end()


def _end() -> None:
    try:
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SHOW_CURSOR)
    finally:
        os._exit(INTERRUPTED)
