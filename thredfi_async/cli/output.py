"""What the command prints: where it goes, and what becomes of it where that takes nothing.

`install` puts streams of ours in place of the interpreter's, so that all who print, the help
and the bar among them, meet the same: standard output that can't be written raises
`OutputLost`, which ends the command; remarks that can't be written are dropped, since what a
command does is worth more than what it says meanwhile.
"""

from __future__ import annotations

import io
import logging
import os
import re
import select
import sys
from collections.abc import Callable
from typing import Any, TextIO

from . import interrupts

__all__ = [
    "OutputLost",
    "abandon",
    "complain",
    "counted",
    "escaped",
    "escaped_json",
    "install",
    "note",
    "say",
]

_PIECE = 4096  # bytes: a pipe that is ready takes as much at once
_SOON = 0.5  # seconds
_STDIN, _STDOUT, _STDERR = range(3)

# What moves a cursor, sets a colour, ends a line or turns the direction of reading: the control
# characters of both sets, separators of lines, bidirectional controls, and halves of characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class OutputLost(Exception):
    """Standard output is closed, full, or read by nobody.

    No OSError, lest it be taken for one of what the command itself works on.
    """


def escaped(text: object) -> str:
    """A text of whatever origin as one line that leaves a terminal as it is."""
    return _UNPRINTABLE.sub(lambda found: _escape(ord(found[0])), str(text))


def escaped_json(text: str) -> str:
    """One line of JSON that leaves a terminal as it is, and still is JSON."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def say(*lines: object) -> None:
    """Print lines on standard output. Raises `OutputLost`."""
    print(*map(escaped, lines), sep="\n", flush=True)


def note(*lines: object) -> None:
    """Print lines on standard error, where somebody reads it."""
    print(*map(escaped, lines), sep="\n", file=sys.stderr, flush=True)


def complain(text: object) -> None:
    """Say on standard error what went wrong."""
    note(f"thredfi: {text}")


def counted(number: int, one: str, more: str = "") -> str:
    """``1 record``, ``2 records``; ``more`` is the plural where that isn't ``one`` with an s."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


# --- the streams -------------------------------------------------------------------------


def install() -> None:
    """Let all that is printed from now on go through streams of ours."""
    _fill_gaps()
    sys.stdout = _stream(_STDOUT, _raise_output_lost)
    sys.stderr = _stream(_STDERR, lambda error: None)
    # What the client logs, the commands say; what is left concerns whoever runs the emulator.
    package = __name__.rpartition(".cli.")[0]
    handler = _LogLines(logging.WARNING)
    logging.getLogger().addHandler(handler)
    logging.getLogger(package).addHandler(logging.NullHandler())
    logging.getLogger(package).propagate = False
    logging.getLogger(f"{package}.emulator").addHandler(handler)


def abandon() -> None:
    """Leave unwritten what is not written yet: whoever should read it may never do so."""
    for stream in (sys.stdout, sys.stderr):
        raw = getattr(getattr(stream, "buffer", None), "raw", None)
        if isinstance(raw, _Raw):
            raw.abandon()


def _fill_gaps() -> None:
    """Take the places of closed standard streams, which files and sockets would get otherwise.

    What stands there can't be used either: reading and writing say "Bad file descriptor".
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_WRONLY if number == _STDIN else os.O_RDONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)


def _stream(number: int, on_loss: Callable[[OSError], None]) -> TextIO:
    raw = _Raw(number, on_loss)
    before = sys.stdout if number == _STDOUT else sys.stderr
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before is not None else None,
        errors="backslashreplace",  # a name that the encoding doesn't have is no failure
        line_buffering=number == _STDERR or raw.isatty(),
    )


class _Raw(io.FileIO):
    """A standard stream that tells of its loss once, and swallows everything after that."""

    def __init__(self, number: int, on_loss: Callable[[OSError], None]) -> None:
        super().__init__(number, "w", closefd=False)
        self._on_loss = on_loss
        self._lost = False

    def abandon(self) -> None:
        """Swallow everything from now on."""
        self._lost = True

    def write(self, data: Any) -> int:
        """Write some of it, and say how much. An interrupt ends waiting for whoever reads it."""
        if not self._lost:
            try:
                while True:
                    while not self._is_ready():
                        if interrupts.has_come():
                            raise KeyboardInterrupt
                    written = super().write(memoryview(data)[:_PIECE])
                    if written is not None:
                        return written
            except OSError as error:
                self._lost = True
                self._on_loss(error)
        return len(data)

    def _is_ready(self) -> bool:
        """Whether a piece can be written without waiting, or soon."""
        if os.name == "nt":  # where only sockets can be asked
            return True
        return bool(select.select([], [self], [], _SOON)[1])


def _raise_output_lost(error: OSError) -> None:
    raise OutputLost(f"can't write to standard output: {error.strerror}") from None


class _LogLines(logging.Handler):
    """Log records on standard error, escaped as everything else."""

    def emit(self, record: logging.LogRecord) -> None:
        note(*self.format(record).split("\n"))
