"""Lines of a file or of standard input, read in a thread so that nothing else waits for them."""

from __future__ import annotations

import asyncio
import gzip
import io
import threading
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

from .records import Unreadable

__all__ = ["STANDARD_INPUT", "count_lines", "open_input", "read_lines"]

STANDARD_INPUT = "-"

BLOCK = 256 << 10
BLOCKS_AHEAD = 4
LONGEST_LINE = 16 << 20
_GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def open_input(path: str | Path) -> Iterator[io.BufferedIOBase]:
    """Open a file, or standard input for ``-``, and unpack it if it is gzip, whatever its name.

    Raises `OSError`.
    """
    # A file object of our own also for standard input: a thread that is still waiting for
    # input when the program ends must not hold the lock of sys.stdin.
    stdin = path == STANDARD_INPUT
    with open(0 if stdin else path, "rb", closefd=not stdin) as file:
        if file.peek(2)[:2] == _GZIP_MAGIC:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
        else:
            yield file


async def read_lines(
    path: str | Path, *, longest: int = LONGEST_LINE
) -> AsyncGenerator[bytes | Unreadable, None]:
    """The lines of a file of JSON lines (plain or gzip), or of standard input for ``-``.

    Memory stays small whatever the size of the file; a line over ``longest`` bytes comes
    as `Unreadable`. Raises `OSError` when the file can't be read or unpacked.
    """
    rest = b""
    skipping = False
    async for block in _blocks(path):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if skipping:
                skipping = False
            elif len(line) > longest:
                yield _too_long(line, longest)
            else:
                yield line
        if skipping:
            rest = b""
        elif len(rest) > longest:
            yield _too_long(rest, longest)
            rest, skipping = b"", True
    if rest:
        yield rest


def count_lines(path: str | Path, stop: threading.Event) -> int | None:
    """How many lines a file has, or None where ``stop`` was set before that was known."""
    lines, block = 0, b""
    with open_input(path) as file:
        while not stop.is_set():
            last, block = block, file.read1(BLOCK)
            if not block:
                return lines + (bool(last) and not last.endswith(b"\n"))
            lines += block.count(b"\n")
    return None


def _too_long(line: bytes, longest: int) -> Unreadable:
    return Unreadable(
        f"the line is longer than {longest} bytes", line[:200].decode("utf-8", "backslashreplace")
    )


async def _blocks(path: str | Path) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    room = threading.Semaphore(BLOCKS_AHEAD)
    ended = threading.Event()

    def deliver(what: bytes | OSError) -> None:
        try:
            loop.call_soon_threadsafe(arrived.put_nowait, what)
        except RuntimeError:  # the loop is closed: nobody reads any more
            ended.set()

    def read() -> None:
        try:
            with open_input(path) as file:
                while not ended.is_set():
                    block = file.read1(BLOCK)
                    deliver(block)
                    if not block:
                        return
                    room.acquire()
        except OSError as error:
            deliver(error)
        except (EOFError, zlib.error) as error:
            deliver(OSError(f"{path}: the gzip data is broken: {error}"))

    # A daemon, because a read of a terminal or a pipe can't be cut short.
    threading.Thread(target=read, name="thredfi push: input", daemon=True).start()
    try:
        while True:
            block = await arrived.get()
            if isinstance(block, OSError):
                raise block
            if not block:
                return
            yield block
            room.release()
    finally:
        ended.set()
        room.release()
