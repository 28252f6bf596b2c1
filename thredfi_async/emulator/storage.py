"""Keeping the emulator's state in a file: every write that was accepted, to be done again.

The emulator has no other input than its requests, the time and the ids that it gives, so doing
the same requests at the same times with the same ids gives the same books.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from os import PathLike, fspath
from typing import Any

import attrs
import msgspec

from ..exclusive import InUse, open_exclusively
from .forms import File

__all__ = ["Event", "Storage"]

_FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILE = 1  # code of the msgpack extension that holds an uploaded file
_TABLES = """
CREATE TABLE IF NOT EXISTS emulator (format INTEGER NOT NULL, seed TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    ids INTEGER NOT NULL,
    content BLOB NOT NULL
);
"""


@attrs.frozen
class Event:
    """A write that was accepted: when, and how many ids had been given before it.

    ``name`` is what the dispatcher or the emulator knows it by, ``data`` all that it needs.
    """

    at: datetime
    ids: int
    name: str
    data: dict[str, Any]


class Storage:
    """The events of one emulator in a SQLite file. Raises OSError where it can't be used."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = fspath(path)
        self._connection: sqlite3.Connection | None = None

    def __str__(self) -> str:
        return self._path

    def seed(self, new: int) -> int:
        """The seed of the emulator that the file belongs to; ``new`` for a new file."""
        connection = self._connected()
        row = connection.execute("SELECT format, seed FROM emulator").fetchone()
        if row is None:
            connection.execute("INSERT INTO emulator VALUES (?, ?)", (_FORMAT, str(new)))
            return new
        if row[0] != _FORMAT:
            self.close()
            raise OSError(f"{self._path} was written by another version of the emulator")
        return int(row[1])

    def events(self) -> Iterator[Event]:
        """All events, in the order in which they happened."""
        rows = self._connected().execute("SELECT at, ids, content FROM events ORDER BY number")
        for at, ids, content in rows:
            name, data = msgspec.msgpack.decode(content, ext_hook=_decoded)
            yield Event(_EPOCH + timedelta(microseconds=at), ids, name, data)

    def record(self, event: Event) -> None:
        """Keep one more event, before its answer goes out."""
        content = msgspec.msgpack.encode((event.name, event.data), enc_hook=_encoded)
        self._connected().execute(
            "INSERT INTO events (at, ids, content) VALUES (?, ?, ?)",
            ((event.at - _EPOCH) // timedelta(microseconds=1), event.ids, content),
        )

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open(self._path)
        return self._connection


def _open(path: str) -> sqlite3.Connection:
    try:
        connection = open_exclusively(path, synchronous="NORMAL")
        try:
            connection.executescript(_TABLES)
        except BaseException:
            connection.close()
            raise
    except InUse:
        raise OSError(f"{path} is in use by another emulator") from None
    except sqlite3.Error as error:
        raise OSError(f"{path} can't be used as the emulator's file: {error}") from error
    return connection


def _encoded(value: Any) -> msgspec.msgpack.Ext:
    if isinstance(value, File):
        parts = (bytes(value), value.name, value.content_type)
        return msgspec.msgpack.Ext(_FILE, msgspec.msgpack.encode(parts))
    raise NotImplementedError(type(value).__name__)


def _decoded(code: int, data: memoryview) -> Any:
    if code == _FILE:
        return File.of(*msgspec.msgpack.decode(data))
    raise NotImplementedError(code)
