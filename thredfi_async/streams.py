"""Reading a file without blocking the event loop, and without leaving it open."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from types import TracebackType
from typing import BinaryIO, Self

from .uploads import Form, Upload

__all__ = ["OpenUpload", "UnreadableError", "check_readable"]

_PIECE = 256 << 10  # bytes


class UnreadableError(Exception):
    """The file can't be opened, or not be read to its end."""


class OpenUpload:
    """A file that is open for one attempt. Raises `UnreadableError`.

    ``size`` in bytes; ``problem``: why `pieces` ended early, where it did.
    """

    def __init__(self, upload: Upload) -> None:
        self.problem: str | None = None
        self._upload = upload
        self._reading = False  # perhaps, in a thread

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        opening = self._loop.run_in_executor(None, _opened, self._upload)
        try:
            self._file, self.size = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_again)
            raise
        except (OSError, ValueError) as error:
            raise UnreadableError(f"can't be read: {error}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._reading:  # closing waits for that
            await asyncio.shield(self._loop.run_in_executor(None, self._file.close))
        else:
            self._file.close()

    async def pieces(self, form: Form) -> AsyncIterator[bytes]:
        """The bytes of a form, as many as were in the file when it was opened."""
        yield form.head
        left = self.size
        while left:
            self._reading = True
            try:
                piece = await self._loop.run_in_executor(None, self._file.read, min(left, _PIECE))
            except OSError as error:
                self.problem = f"the file can't be read: {error}"
                raise UnreadableError(self.problem) from error
            self._reading = False
            if not piece:
                self.problem = "the file became shorter while it was sent"
                raise UnreadableError(self.problem)
            left -= len(piece)
            yield piece
        yield form.tail


async def check_readable(upload: Upload) -> None:
    """Raise `UnreadableError` unless the file can be opened."""
    async with OpenUpload(upload):
        pass


def _opened(upload: Upload) -> tuple[BinaryIO, int]:
    file = upload.open()
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return file, size


def _close_again(opening: asyncio.Future[tuple[BinaryIO, int]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
