"""What became of each record, in a file: so that a run that broke off can be resumed.

A record counts as settled for the caller only once it stands here. Writing is done in a
thread, many records in one transaction (group commit), so that nothing waits for the disk.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from os import PathLike, fspath
from types import TracebackType
from typing import NamedTuple, Self

from ..errors import JournalError
from ..exclusive import InUse, open_exclusively
from .kinds import KINDS
from .outcome import Status
from .seen import Key, Seen, State

__all__ = ["Journal", "Row"]

_FORMAT = 1
_TABLES = """
CREATE TABLE journal (format INTEGER NOT NULL, source TEXT, target TEXT);
CREATE TABLE records (
    business TEXT NOT NULL,
    type TEXT NOT NULL,
    external_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    status TEXT NOT NULL,
    id TEXT,
    reason TEXT,
    fingerprint BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (business, type, external_id)
) WITHOUT ROWID;
"""
_DONE = (str(Status.CREATED), str(Status.REPLAYED))


class Row(NamedTuple):
    """One settled record."""

    key: Key
    line: int
    status: Status
    id: str | None
    reason: str | None
    fingerprint: bytes


class Journal:
    """A SQLite file that says of every record of a run what became of it.

    ``thredfi.push(records, journal=Journal("run.db"))`` writes one; after a crash
    ``Journal("run.db", resume=True)`` and the same records go on where it ended: what is done
    is not sent again, what failed or was under way is tried anew; no more than ``concurrency``
    records are ever under way, their entries in the journal included. Use it as a context manager,
    or call `close`.

    - ``resume``: take up a journal that is there; without it, one that is there is refused.
    - ``source``: what tells the input from others, such as a digest of it. A journal of
      another source is refused.

    Raises `JournalError` when the file can't be used, is in use by another process, or belongs
    to another input or another partner.
    """

    def __init__(
        self, path: str | PathLike[str], *, resume: bool = False, source: str | None = None
    ) -> None:
        self._path = fspath(path)
        self._connection = self._open()
        try:
            self._begin(resume, source)
        except BaseException:
            self.close()
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            return open_exclusively(self._path, synchronous="FULL")
        except InUse:
            raise JournalError(f"{self._path} is in use by another process") from None
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _begin(self, resume: bool, source: str | None) -> None:
        try:
            tables = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
            if not tables:
                self._connection.executescript(f"BEGIN;{_TABLES}COMMIT;")
                self._connection.execute(
                    "INSERT INTO journal VALUES (?, ?, NULL)", (_FORMAT, source)
                )
                return
            if ("journal",) not in tables:
                raise JournalError(f"{self._path} is no journal of a push")
            known = self._connection.execute("SELECT format, source FROM journal").fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from None
        if known is None or known[0] != _FORMAT:
            raise JournalError(f"{self._path} is no journal that this version can read")
        if not resume:
            raise JournalError(
                f"{self._path} is the journal of an earlier run: resume that, or name another file"
            )
        if source is not None and known[1] is not None and source != known[1]:
            raise JournalError(
                f"{self._path} is the journal of another input: resuming takes the very same one"
            )

    def bind(self, target: str) -> None:
        """Say where the records are sent. Raises `JournalError` if it was elsewhere before."""
        try:
            (known,) = self._connection.execute("SELECT target FROM journal").fetchone()
            if known is None:
                self._connection.execute("UPDATE journal SET target = ?", (target,))
        except sqlite3.Error as error:
            raise self._error(error) from None
        if known not in (None, target):
            raise JournalError(f"{self._path} is the journal of a push to {known}, not {target}")

    def done(self) -> Seen:
        """The records that need not be sent again."""
        seen = Seen()
        query = (
            "SELECT business, type, external_id, line, fingerprint, id FROM records "
            "WHERE status IN (?, ?)"
        )
        try:
            for business, kind, external_id, line, fingerprint, id in self._connection.execute(
                query, _DONE
            ):
                kept = id if kind in KINDS and KINDS[kind].referenced else None
                seen.put((business, kind, external_id), State.DONE, line, fingerprint, kept)
        except sqlite3.Error as error:
            raise self._error(error) from None
        return seen

    def write(self, rows: Iterable[Row]) -> None:
        """Keep these, all or none. They are on the disk when it returns."""
        now = time.time()
        values = [
            (*row.key, row.line, str(row.status), row.id, row.reason, row.fingerprint, now)
            for row in rows
        ]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._error(error) from None

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _error(self, error: sqlite3.Error) -> JournalError:
        return JournalError(f"the journal {self._path} can't be used: {error}")
