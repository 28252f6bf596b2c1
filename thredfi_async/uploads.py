"""Files to attach to a call: `Upload` is what a caller gives, `Form` the body that carries it."""

from __future__ import annotations

import io
import mimetypes
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import attrs

from .errors import InvalidRequest
from .fields import FilePart

__all__ = ["Form", "Upload"]

_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*", re.ASCII).fullmatch


@attrs.frozen(init=False)
class Upload:
    """A file to attach: ``shop.invoices.create(body, file=Upload("invoice.pdf"))``.

    ``filename`` is that of the path and ``content_type`` follows from it, unless given. What
    the body says of the file stands in its ``document`` (``document_type`` and so on). A file
    is read in pieces while it is sent, from its start in every attempt; where sending takes long,
    give the call a longer ``timeout``. Raises `InvalidRequest`.
    """

    filename: str
    content_type: str
    _source: str | bytes = attrs.field(repr=False)  # path, or the content itself

    def __init__(
        self,
        path: str | os.PathLike[str],
        filename: str | None = None,
        content_type: str | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            hint = "; see Upload.of" if isinstance(path, bytes) else ""
            raise InvalidRequest.at("path", f"must be a path, not {type(path).__name__}{hint}")
        source = os.fspath(path)
        if isinstance(source, bytes) or "\0" in source:
            raise InvalidRequest.at("path", "must be text without NUL characters")
        self._fill(source, Path(source).name if filename is None else filename, content_type)

    @classmethod
    def of(cls, data: bytes, filename: str, content_type: str | None = None) -> Upload:
        """A file that is in memory already."""
        if not isinstance(data, bytes):
            raise InvalidRequest.at("data", f"must be bytes, not {type(data).__name__}")
        upload = cls.__new__(cls)
        upload._fill(data, filename, content_type)
        return upload

    def _fill(self, source: str | bytes, filename: str, content_type: str | None) -> None:
        if not isinstance(filename, str) or not filename or not filename.isprintable():
            raise InvalidRequest.at("filename", f"must be one line of text, not {filename!r:.80}")
        if content_type is None:
            guessed, packed = mimetypes.guess_type(filename)
            content_type = guessed if guessed and not packed else "application/octet-stream"
        elif not isinstance(content_type, str) or not _CONTENT_TYPE(content_type):
            raise InvalidRequest.at(
                "content_type", f"must be such as application/pdf, not {content_type!r:.80}"
            )
        self.__attrs_init__(filename, content_type, source)

    def open(self) -> BinaryIO:
        """The content, from its start. Blocks. Raises OSError, or ValueError for a bad path."""
        if isinstance(self._source, bytes):
            return io.BytesIO(self._source)
        if not stat.S_ISREG(os.stat(self._source).st_mode):  # opening a pipe would wait for ever
            raise OSError(f"{self._source!r} is not a regular file")
        return open(self._source, "rb")


@attrs.frozen
class Form:
    """A multipart/form-data body: bytes and files, in the order in which they are sent."""

    content_type: str  # with the boundary
    pieces: tuple[bytes | FilePart, ...] = attrs.field(repr=False)

    @classmethod
    def of(cls, parts: Iterable[tuple[str, str | FilePart]]) -> Form:
        """A form of parts of text and files, each with its name.

        Raises UnicodeError for text that can't be written as UTF-8.
        """
        boundary = uuid4().hex
        pieces: list[bytes | FilePart] = []
        text = ""
        for name, part in parts:
            text += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
            if isinstance(part, str):
                text += f"\r\n\r\n{part}\r\n"
                continue
            text += (
                f'; filename="{_quoted(part.filename)}"\r\n'
                f"Content-Type: {part.content_type}\r\n\r\n"
            )
            pieces += [text.encode(), part]
            text = "\r\n"
        pieces.append(f"{text}--{boundary}--\r\n".encode())
        return cls(f"multipart/form-data; boundary={boundary}", tuple(pieces))

    @property
    def files(self) -> tuple[FilePart, ...]:
        """The files in it."""
        return tuple(one for one in self.pieces if not isinstance(one, bytes))


def _quoted(text: str) -> str:
    """A name as browsers write it into a form."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
