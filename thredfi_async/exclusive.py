"""SQLite files that one process at a time has to itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Literal

__all__ = ["InUse", "open_exclusively"]

_MODE = 0o600


class InUse(Exception):
    """Another process has the file open."""


def open_exclusively(path: str, *, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """Open a file, new or not, in WAL mode and autocommit. Raises `InUse` and sqlite3.Error.

    A new file, and what SQLite keeps beside it, is for its owner alone. The connection may go
    from one thread to another, but never serve two at once.
    """
    path = os.path.abspath(path)  # to SQLite, some texts that are no path mean something else
    with suppress(OSError):  # it is there already, or SQLite says what is wrong
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
    connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error) and "locked" in str(error):
            raise InUse from None
        raise
    return connection
