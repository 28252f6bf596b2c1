"""The file that takes the records that failed."""

from __future__ import annotations

import itertools
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ..push import Outcome
from .output import complain

__all__ = ["FailedFile"]

_MODE = 0o600  # it holds whole records, and those may name people


class FailedFile:
    """Holds whole lines only: each is in the file when `add` returns, or not at all.

    It is written beside its place, as ``<name>.part``, and gets there by `finish`, so that what
    an earlier run left there is whole until then. Without `finish` the part stays, unless it is
    empty. A place that is no regular file, such as a pipe, is written to at once.

    ``path`` is where the records are now, ``records`` how many.
    """

    def __init__(self, place: Path) -> None:
        """Begin an empty file. Raises `OSError`."""
        self._place: Path | None = None  # to be moved to
        if _is_special(place):
            self.path, number = place, os.open(place, os.O_WRONLY)
        else:
            self._place = Path(os.path.realpath(place))  # so that a link stays one
            self.path, number = _new_part(self._place)
        self._file = open(number, "wb", buffering=0)  # noqa: SIM115
        self._size = 0
        self.records = 0

    @property
    def is_part(self) -> bool:
        """Whether it still waits to be moved to its place."""
        return self._place is not None

    def add(self, outcome: Outcome) -> None:
        """Write one record with its reason. Raises `OSError`."""
        line = json.dumps(outcome.as_failed_line(), default=str).encode() + b"\n"
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError:
            with suppress(OSError):  # no regular file: what is written can't be taken back
                os.ftruncate(self._file.fileno(), self._size)
            raise
        self._size += len(line)
        self.records += 1

    def finish(self) -> None:
        """Move it to its place: the run was a whole one. Raises `OSError`."""
        if self._place is None:
            return
        os.fsync(self._file.fileno())
        os.replace(self.path, self._place)
        self.path, self._place = self._place, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if self.is_part and not self._size:
            with suppress(OSError):
                os.unlink(self.path)
        elif error is not None:
            complain(f"the records that failed until then are in {self.path}")


def _is_special(place: Path) -> bool:
    try:
        return not stat.S_ISREG(os.stat(place).st_mode)
    except FileNotFoundError:
        return False


def _new_part(place: Path) -> tuple[Path, int]:
    """A new file beside its place; parts that earlier runs left stay as they are."""
    for number in itertools.count(1):
        path = place.with_name(f"{place.name}.part{number if number > 1 else ''}")
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            continue
    raise AssertionError
