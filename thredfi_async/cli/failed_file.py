"""The file that takes the records that failed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ..push import Outcome

__all__ = ["FailedFile"]


class FailedFile:
    """Holds whole lines only: each is in the file when `add` returns, or not at all."""

    def __init__(self, path: Path) -> None:
        """Begin an empty file. Raises `OSError`."""
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._size = 0

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
