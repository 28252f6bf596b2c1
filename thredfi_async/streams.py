"""Reading the files of a form without blocking the event loop, and without leaving them open."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from types import TracebackType
from typing import BinaryIO, Self

from .fields import FilePart
from .uploads import Form

__all__ = ["OpenForm", "UnreadableError", "check_readable"]

_PIECE = 256 << 10  # bytes


class UnreadableError(Exception):
    """The file can't be opened, or not be read to its end."""


class OpenForm:
    """A form whose files are open for one attempt. Raises `UnreadableError`.

    ``size`` in bytes; ``problem``: why `pieces` ended early, where it did.
    """

    def __init__(self, form: Form) -> None:
        self.problem: str | None = None
        self.size = 0
        self._form = form
        self._files: list[tuple[BinaryIO, int]] = []
        self._reading = False  # perhaps, in a thread

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self.size = sum(len(one) for one in self._form.pieces if isinstance(one, bytes))
        try:
            for file in self._form.files:
                self._files.append(await self._open(file))
                self.size += self._files[-1][1]
        except BaseException:
            self._close()
            raise
        return self

    async def _open(self, file: FilePart) -> tuple[BinaryIO, int]:
        opening = self._loop.run_in_executor(None, _opened, file)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_again)
            raise
        except (OSError, ValueError) as error:
            raise UnreadableError(f"can't be read: {error}") from error

    def _close(self) -> None:
        for file, _ in self._files:
            file.close()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._reading:  # closing waits for that
            await asyncio.shield(self._loop.run_in_executor(None, self._close))
        else:
            self._close()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the form, as many as were in its files when they were opened."""
        files = iter(self._files)
        for one in self._form.pieces:
            if isinstance(one, bytes):
                yield one
                continue
            file, left = next(files)
            while left:
                self._reading = True
                try:
                    piece = await self._loop.run_in_executor(None, file.read, min(left, _PIECE))
                except OSError as error:
                    self.problem = f"the file can't be read: {error}"
                    raise UnreadableError(self.problem) from error
                self._reading = False
                if not piece:
                    self.problem = "the file became shorter while it was sent"
                    raise UnreadableError(self.problem)
                left -= len(piece)
                yield piece


async def check_readable(form: Form) -> None:
    """Raise `UnreadableError` unless the files of a form can be opened."""
    async with OpenForm(form):
        pass


def _opened(upload: FilePart) -> tuple[BinaryIO, int]:
    file = upload.open()
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return file, size


def _close_again(opening: asyncio.Future[tuple[BinaryIO, int]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
