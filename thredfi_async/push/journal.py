"""What became of each record, in a file: so that a run that broke off can be resumed.

A record counts as settled for the caller only once it stands here. Many records are written
in one transaction (group commit), by a thread of `reporter`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from os import PathLike
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, Self

from ..errors import JournalError
from ..exclusive import InUse, open_exclusively
from .outcome import Status
from .results import FINGERPRINT_BYTES, LAST_LINE, Key, Results, State

__all__ = ["Journal", "Row"]

_FORMAT = 3
_JOURNAL = "CREATE TABLE journal (format INTEGER NOT NULL, target TEXT)"
_RECORDS = """
CREATE TABLE records (
    business TEXT NOT NULL,
    type TEXT NOT NULL,
    parent TEXT NOT NULL,
    external_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    line INTEGER NOT NULL,
    status TEXT NOT NULL,
    id TEXT,
    reason TEXT,
    attempts INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (business, type, parent, external_id, step)
) WITHOUT ROWID
"""
_OLDER = {  # what older formats have in the place of columns that came later
    1: "business, type, '', external_id, 0, line, status, id, reason, 1, fingerprint, at",
    2: "business, type, parent, external_id, 0, line, status, id, reason, attempts, "
    "fingerprint, at",
}
_STATES = {
    Status.CREATED: State.DONE,
    Status.CHANGED: State.DONE,
    Status.REPLAYED: State.DONE,
    Status.DIFFERS: State.DIFFERS,
    Status.FAILED: State.FAILED,
    Status.UNKNOWN: State.UNKNOWN,
}
_LONGEST_REASON = 4000  # characters


class Row(NamedTuple):
    """One settled record. ``attempts``: how often it was sent."""

    key: Key
    line: int
    status: Status
    id: str | None
    reason: str | None
    attempts: int
    fingerprint: bytes


class Journal:
    """A SQLite file that says of every record of a run what became of it.

    ``thredfi.push(records, journal=Journal("run.db"))`` writes one; after a crash
    ``Journal("run.db", resume=True)`` and the same records go on where it ended: what is done
    is not sent again, what failed or was under way is tried anew; no more than ``concurrency``
    records are ever under way, their entries in the journal included. Use it as a context manager,
    or call `close`. One journal serves one push.

    ``resume``: take up the journal that is there; without it, one that is there is refused.
    Records are known again by their business, type, parent and external_id, so the input may be
    sorted anew or have more records. One that is done and has other content now is sent, and
    Thred's answer is compared with it (`Status.DIFFERS`).

    The file holds no records, but external ids, Thred's ids, and the reasons of failures, which
    may quote names and amounts: it is made for its owner's eyes only, and wants the same care as
    the input.

    Raises `JournalError` when the file can't be used, is in use by another process, or is the
    journal of a push to another partner or environment.
    """

    def __init__(self, path: str | PathLike[str], *, resume: bool = False) -> None:
        self._path = os.fsdecode(path)
        self._lock = Lock()  # a connection serves one thread at a time, and close is a use too
        self._closed = False
        self._taken = False
        self.resumed = resume  # so some records may have been sent that it knows nothing of
        self._connection = self._open(resume)
        try:
            self._begin(resume)
        except BaseException:
            self.close()
            raise

    def bind(self, target: str) -> None:
        """Take it for one push, which sends to ``target``.

        Raises `JournalError` where it belongs to a push already, or to another target.
        """
        known: str | None
        with self._lock:
            try:
                ((known,),) = self._execute("SELECT target FROM journal")
            except sqlite3.Error as error:
                raise self._error(error) from None
            if known not in (None, target):
                raise JournalError(
                    f"{self._path} is the journal of a push to {known}, not {target}"
                )
            if self._taken:
                raise JournalError(
                    f"{self._path} serves one push, and has had one: to go on with another, open "
                    "it again with resume"
                )
            self._taken = True
            if known is None:
                try:
                    self._execute("UPDATE journal SET target = ?", target)
                except sqlite3.Error as error:
                    raise self._error(error) from None

    def earlier(self) -> Results:
        """What earlier runs have settled, but for what they refused without sending it."""
        results = Results()
        query = (
            "SELECT business, type, parent, external_id, step, line, status, id, reason, attempts, "
            "fingerprint FROM records"
        )
        with self._lock:
            try:
                rows = self._connection.execute(query)
                for values in rows:
                    row = self._row(*values)
                    state = _STATES[row.status]
                    if row.attempts or state is not State.FAILED:
                        results.put(
                            row.key,
                            state,
                            row.line,
                            row.fingerprint,
                            row.id,
                            earlier=True,
                            reason=row.reason if state is State.DIFFERS else None,
                        )
            except sqlite3.Error as error:
                raise self._error(error) from None
        return results

    def write(self, rows: Iterable[Row]) -> None:
        """Keep these, all or none. They are on the disk when it returns.

        May be called from any thread. Raises `JournalError`, also where it is closed.
        """
        now = time.time()
        values = [
            (
                *map(_clean, (row.key.business, row.key.kind, row.key.parent, row.key.external_id)),
                row.key.step,
                row.line,
                str(row.status),
                # An id that can't be written is as good as none: nothing could be sent with it.
                row.id if row.id is not None and _clean(row.id) == row.id else None,
                None if row.reason is None else _clean(row.reason[:_LONGEST_REASON]),
                row.attempts,
                row.fingerprint,
                now,
            )
            for row in rows
        ]
        with self._lock:
            if self._closed:
                raise JournalError(f"the journal {self._path} is closed")
            try:
                self._transact(values)
            except sqlite3.Error as error:
                raise self._error(error) from None

    def close(self) -> None:
        """Close the file, after a write that is under way. Does nothing the second time."""
        with self._lock:
            self._closed = True
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

    # --- opening -----------------------------------------------------------------------

    def _open(self, resume: bool) -> sqlite3.Connection:
        if self._path in ("", ":memory:"):
            raise JournalError(f"a journal is a file: {self._path!r} names none")
        if "\0" in self._path:
            raise JournalError(f"no file can be named {self._path!r}")
        if resume and not os.path.exists(self._path):
            raise JournalError(f"there is no journal {self._path} to resume")
        try:
            return open_exclusively(self._path, synchronous="FULL")
        except InUse:
            raise JournalError(f"{self._path} is in use by another process") from None
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _begin(self, resume: bool) -> None:
        try:
            self._connection.execute("PRAGMA temp_store = MEMORY")  # no further files are opened
            tables = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
            if not tables:
                self._script(_JOURNAL, _RECORDS, f"INSERT INTO journal VALUES ({_FORMAT}, NULL)")
                return
            if ("journal",) not in tables:
                raise JournalError(f"{self._path} is not the journal of a push")
            heads = self._connection.execute("SELECT format, target FROM journal").fetchall()
            if len(heads) != 1 or heads[0][0] not in (*_OLDER, _FORMAT):
                raise JournalError(f"{self._path} is not a journal that this version can read")
            if not isinstance(heads[0][1], str | None):
                raise JournalError(f"{self._path} is damaged: its target isn't text")
            if not resume:
                raise JournalError(
                    f"{self._path} is the journal of an earlier run: resume that, or name another "
                    "file"
                )
            if heads[0][0] in _OLDER:
                self._script(
                    "ALTER TABLE records RENAME TO older",
                    _RECORDS,
                    f"INSERT INTO records SELECT {_OLDER[heads[0][0]]} FROM older",
                    "DROP TABLE older",
                    f"UPDATE journal SET format = {_FORMAT}",
                )
        except sqlite3.Error as error:
            raise self._error(error) from None

    # --- SQLite ------------------------------------------------------------------------

    def _execute(self, statement: str, *values: Any) -> list[Any]:
        if self._closed:
            raise JournalError(f"the journal {self._path} is closed")
        return self._connection.execute(statement, values).fetchall()

    def _script(self, *statements: str) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                self._connection.execute(statement)
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _transact(self, values: list[tuple[Any, ...]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _row(
        self,
        business: Any,
        kind: Any,
        parent: Any,
        external_id: Any,
        step: Any,
        line: Any,
        status: Any,
        id: Any,
        reason: Any,
        attempts: Any,
        fingerprint: Any,
    ) -> Row:
        """A row as it was read, where each value is one that `write` could have written."""
        texts = (business, kind, parent, external_id)
        if not (
            all(isinstance(text, str) for text in texts)
            and isinstance(step, int)
            and isinstance(line, int)
            and 0 <= line <= LAST_LINE
            and isinstance(status, str)
            and status in _KNOWN
            and isinstance(id, str | None)
            and isinstance(reason, str | None)
            and isinstance(attempts, int)
            and isinstance(fingerprint, bytes)
            and len(fingerprint) == FINGERPRINT_BYTES
        ):
            raise JournalError(
                f"the journal {self._path} is damaged: the row of {kind!r:.80} {external_id!r:.80} "
                "holds what no push has written"
            )
        key = Key(business, kind, external_id, parent, step)
        return Row(key, line, Status(status), id, reason, attempts, fingerprint)

    def _error(self, error: sqlite3.Error) -> JournalError:
        return JournalError(f"the journal {self._path} can't be used: {error}")


_KNOWN = frozenset(map(str, Status))


def _clean(text: str) -> str:
    """Text that SQLite takes: an answer may have had half of a surrogate pair in it."""
    return text.encode("utf-8", "replace").decode()
