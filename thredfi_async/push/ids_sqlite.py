"""Ids in a file: `SqliteIdStore`, which processes share, and earlier journals, which are read."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from os import PathLike
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import quote

from ..errors import IdStoreError
from .ids import IdStore, Worker, check
from .ids_journal import JournalTable, is_journal
from .ids_table import DamagedRow, Key, Known, Table, transaction

__all__ = ["SqliteIdStore", "open_known"]

T = TypeVar("T")

_FORMAT = 1
_HEAD = "CREATE TABLE id_store (format INTEGER NOT NULL, target TEXT)"
_MODE = 0o600
_PATIENCE = 60.0  # seconds; what others do to the file takes milliseconds
_PATIENCE_OF_READER = 10.0  # a journal that is being written stays locked
_TIMEOUT = 5.0  # of these, what SQLite waits at a time
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class SqliteIdStore:
    """Ids in a SQLite file, for every run and for all processes of one machine at once.

    ``SqliteIdStore("ids.db")`` makes the file at the first use where there is none. What `put`
    has returned from is on the disk, whatever becomes of the process. Use it as an async context
    manager, or call `close`.

    ``read_only``: it must be there and is never written; an earlier journal of a push does as
    well, and tells ids alone.

    The file holds external ids and Thred's ids, and digests of what was sent: it is made for its
    owner's eyes only. Where it is lost, nothing but time is: Thred is asked for the ids.

    Raises `IdStoreError` when the file can't be used or isn't one.
    """

    def __init__(self, path: str | PathLike[str], *, read_only: bool = False) -> None:
        self._path = os.fsdecode(path)
        if self._path in ("", ":memory:"):
            raise IdStoreError(f"an id store is a file: {self._path!r} names none")
        if "\0" in self._path:
            raise IdStoreError(f"no file can be named {self._path!r}")
        self._read_only = read_only
        self._patience = _PATIENCE_OF_READER if read_only else _PATIENCE
        self._worker = Worker()
        self._connection: sqlite3.Connection | None = None
        self._table: Table | JournalTable | None = None

    async def bind(self, target: str) -> None:
        """As `IdStore.bind`."""
        await self._worker.run(self._bind, target)

    async def get(self, keys: Collection[Key]) -> Mapping[Key, Known]:
        """As `IdStore.get`."""
        return await self._worker.run(self._get, list(keys))

    async def put(self, known: Mapping[Key, Known]) -> None:
        """As `IdStore.put`."""
        await self._worker.run(self._write, Table.put, check(known))

    async def drop(self, keys: Collection[Key]) -> None:
        """As `IdStore.drop`."""
        await self._worker.run(self._write, Table.drop, list(keys))

    async def close(self) -> None:
        """Close the file, after what is under way. Does nothing the second time."""
        await self._worker.close(self._close)

    async def __aenter__(self) -> Self:
        await self._worker.run(self._opened)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # --- in the thread -------------------------------------------------------------------

    def _bind(self, target: str) -> None:
        table = self._opened()
        known = self._patiently(self._target)
        if known is None and not self._read_only:
            known = self._patiently(self._bound, target)
        if known not in (None, target):
            what = "journal of a push to" if isinstance(table, JournalTable) else "id store of"
            raise IdStoreError(f"{self._path} is the {what} {known}, not {target}: name another")

    def _target(self) -> str | None:
        return self._head("journal" if isinstance(self._table, JournalTable) else "id_store")[1]

    def _bound(self, target: str) -> str | None:
        """The target that it is bound to from now on, which may be another one."""
        assert self._connection is not None
        with transaction(self._connection):
            known = self._target()
            if known is None:
                self._connection.execute("UPDATE id_store SET target = ?", (target,))
                known = target
        return known

    def _get(self, keys: list[Key]) -> Mapping[Key, Known]:
        table = self._opened()
        try:
            return self._patiently(table.get, keys)
        except DamagedRow as row:
            raise self._damaged(f"the row of {row} holds what no push has written") from None

    def _write(self, use: Callable[[Table, Any], None], values: Any) -> None:
        table = self._opened()
        if self._read_only or isinstance(table, JournalTable):
            raise IdStoreError(f"{self._path} is open for reading only")
        if values:
            self._patiently(use, table, values)

    def _close(self) -> None:
        self._table = None
        if self._connection is not None:
            self._connection.close()

    # --- opening -------------------------------------------------------------------------

    def _opened(self) -> Table | JournalTable:
        if self._table is None:
            self._table = self._patiently(self._open)
        return self._table

    def _open(self) -> Table | JournalTable:
        connection = self._connection = _connect(self._path, self._read_only)
        try:
            return self._begin(connection)
        except BaseException:
            self._connection = None
            connection.close()
            raise

    def _begin(self, connection: sqlite3.Connection) -> Table | JournalTable:
        tables = _tables(connection)
        if "id_store" not in tables and is_journal(tables):
            if not self._read_only:
                raise IdStoreError(
                    f"{self._path} is the journal of a push: it is only read, as what is known"
                )
            format = self._head("journal")[0]
            table = JournalTable.of(connection, format)
            if table is None:
                raise self._unreadable("a journal", format)
            return table
        if not tables and not self._read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            with transaction(connection):
                if not _tables(connection):  # another process may have been first
                    connection.execute(_HEAD)
                    connection.execute(f"INSERT INTO id_store VALUES ({_FORMAT}, NULL)")
                    Table(connection).create()
            tables = _tables(connection)
        if not {"id_store", "known"} <= tables:
            raise IdStoreError(f"{self._path} isn't an id store: name another file")
        format, _ = self._head("id_store")
        if format != _FORMAT:
            raise self._unreadable("an id store", format)
        if not self._read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return Table(connection)

    def _head(self, table: str) -> tuple[int, str | None]:
        """Format and target."""
        assert self._connection is not None
        heads = self._connection.execute(f"SELECT format, target FROM {table}").fetchall()
        if len(heads) != 1:
            raise self._damaged(f"it has {len(heads)} heads")
        format, target = heads[0]
        if not isinstance(format, int) or not isinstance(target, str | None):
            raise self._damaged("its head holds what was never written there")
        return format, target

    # --- what goes wrong -----------------------------------------------------------------

    def _patiently(self, job: Callable[..., T], *values: Any) -> T:
        """What ``job`` gives back, again where another process is in its way."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return job(*values)
            except sqlite3.Error as error:
                # Some errors of the module itself have no code.
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code not in _BUSY:
                    self._raise(error, code)
                if time.monotonic() >= until:
                    raise IdStoreError(
                        f"{self._path} is in use by another process, which has had it locked for "
                        f"{self._patience:.0f} s: wait for its end"
                    ) from None
            time.sleep(0.01)

    def _raise(self, error: sqlite3.Error, code: int) -> NoReturn:
        if code == sqlite3.SQLITE_NOTADB:
            raise IdStoreError(f"{self._path} isn't an id store: name another file") from None
        if code == sqlite3.SQLITE_CORRUPT:
            raise self._damaged(str(error)) from None
        raise IdStoreError(f"the id store {self._path} can't be used: {error}") from None

    def _damaged(self, what: str) -> IdStoreError:
        return IdStoreError(
            f"{self._path} is damaged: {what}. Move it away and start without it: what it knew "
            "is looked up at Thred"
        )

    def _unreadable(self, what: str, format: int) -> IdStoreError:
        return IdStoreError(
            f"{self._path} is {what} of format {format}, which this version can't read: use the "
            "version that wrote it, or name another file"
        )


def open_known(path: str | PathLike[str]) -> IdStore:
    """What an id store or an earlier journal knows, to be read only.

    It is opened at the first use. Raises `IdStoreError`, as its methods do.
    """
    return SqliteIdStore(path, read_only=True)


def _connect(path: str, read_only: bool) -> sqlite3.Connection:
    """The file in autocommit; a new one, and what SQLite keeps beside it, is its owner's alone."""
    path = os.path.abspath(path)  # to SQLite, some texts that are no path mean something else
    if read_only and not os.path.exists(path):
        raise IdStoreError(f"there is no file {path}")
    if not read_only:
        with suppress(OSError):  # it is there already, or SQLite says what is wrong
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
    ways = ["mode=ro"] if read_only else ["mode=rw"]
    if read_only and not os.path.exists(f"{path}-wal"):
        ways.append("immutable=1")  # where no file may be made beside it, nobody writes to it
    error: sqlite3.Error | None = None
    for way in ways:
        connection = sqlite3.connect(
            f"file:{quote(path)}?{way}",
            uri=True,
            isolation_level=None,
            timeout=_TIMEOUT,
            check_same_thread=False,
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as failed:
            connection.close()
            if getattr(failed, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CANTOPEN:
                raise
            error = failed
        else:
            return connection
    assert error is not None
    raise error


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows.fetchall()}
