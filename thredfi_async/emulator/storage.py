"""Keeping the emulator's state in a file: every write that was accepted, to be done again.

The emulator has no other input than its requests, the time and the ids that it gives, so doing
the same requests at the same times with the same ids gives the same books.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from operator import index
from os import PathLike, fspath
from typing import Any

import attrs
import msgspec

from ..exclusive import InUse, open_exclusively
from .forms import File

__all__ = ["Event", "Storage"]

_FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAMAGE = (msgspec.MsgspecError, TypeError, ValueError, ArithmeticError, RuntimeError)
_FILE = 1  # code of the msgpack extension that holds an uploaded file
_NEXT = "SELECT number, at, ids, content FROM events WHERE number > ? ORDER BY number LIMIT 1"
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
        with self._usable() as connection:
            row = connection.execute("SELECT format, seed FROM emulator").fetchone()
            if row is None:
                connection.execute("INSERT INTO emulator VALUES (?, ?)", (_FORMAT, str(new)))
                return new
        if row[0] != _FORMAT:
            self.close()
            raise OSError(f"{self._path} was written by another version of the emulator")
        with self._readable("its seed"):
            return int(row[1])

    def events(self) -> Iterator[Event]:
        """All events, in the order in which they happened."""
        number = 0
        while True:
            with self._usable() as connection:
                row = connection.execute(_NEXT, (number,)).fetchone()
            if row is None:
                return
            number, at, ids, content = row
            with self._readable(f"event {number}"):
                name, data = msgspec.msgpack.decode(
                    content, type=tuple[str, dict[str, Any]], ext_hook=_decoded
                )
                event = Event(_EPOCH + timedelta(microseconds=at), index(ids), name, data)
            yield event

    def record(self, event: Event) -> None:
        """Keep one more event, before its answer goes out."""
        content = msgspec.msgpack.encode((event.name, event.data), enc_hook=_encoded)
        with self._usable() as connection:
            connection.execute(
                "INSERT INTO events (at, ids, content) VALUES (?, ?, ?)",
                ((event.at - _EPOCH) // timedelta(microseconds=1), event.ids, content),
            )

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _usable(self) -> Iterator[sqlite3.Connection]:
        """The open file. What SQLite refuses inside is an OSError."""
        try:
            if self._connection is None:
                self._connection = _open(self._path)
            yield self._connection
        except sqlite3.Error as error:
            self.close()
            raise _unusable(self._path, error) from error

    @contextmanager
    def _readable(self, what: str) -> Iterator[None]:
        """What goes wrong inside is the fault of what the file holds."""
        try:
            yield
        except _DAMAGE as error:
            self.close()
            raise OSError(f"{self._path} is damaged: {what} can't be read: {error}") from error


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
        raise _unusable(path, error) from error
    return connection


def _unusable(path: str, error: sqlite3.Error) -> OSError:
    return OSError(f"{path} can't be used as the emulator's file: {error}")


def _encoded(value: Any) -> msgspec.msgpack.Ext:
    if isinstance(value, File):
        parts = (bytes(value), value.name, value.content_type)
        return msgspec.msgpack.Ext(_FILE, msgspec.msgpack.encode(parts))
    raise NotImplementedError(type(value).__name__)


def _decoded(code: int, data: memoryview) -> Any:
    if code == _FILE:
        return File.of(*msgspec.msgpack.decode(data))
    raise NotImplementedError(code)
