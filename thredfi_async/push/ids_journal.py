"""The ids that the journal of an earlier push has. It is read, never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any

from .ids_table import COLUMNS, DamagedRow, Key, Known, asked, chunks, is_text

__all__ = ["JournalTable", "is_journal"]

_FORMATS = (1, 2, 3)
_NEEDED = {"business", "type", "external_id", "status", "id", "at"}
_THERE = "'created', 'changed', 'replayed', 'differs'"
_BELONGING = f"""
CREATE TEMP TABLE belonging ({COLUMNS}, id, at, PRIMARY KEY ({COLUMNS})) WITHOUT ROWID
"""


def is_journal(tables: Collection[str]) -> bool:
    """Whether a database with these tables is the journal of a push."""
    return "journal" in tables


class JournalTable:
    """What a journal knows of ids; with no digests. Raises sqlite3.Error and `DamagedRow`.

    Its columns are known by their names, so that later formats may have more of them.
    """

    def __init__(self, connection: sqlite3.Connection, *, has_parents: bool) -> None:
        self._connection = connection
        self._has_parents = has_parents
        self._is_ready = not has_parents  # `belonging` is filled

    @classmethod
    def of(cls, connection: sqlite3.Connection, format: int) -> JournalTable | None:
        """The journal in a database; None where it is one that can't be read."""
        columns = {row[1] for row in connection.execute("PRAGMA table_info(records)").fetchall()}
        if format not in _FORMATS or not columns >= _NEEDED:
            return None
        return cls(connection, has_parents="parent" in columns)

    def get(self, keys: Collection[Key]) -> dict[Key, Known]:
        """What is known of these: the ids of the records that Thred has."""
        writable = [key for key in dict.fromkeys(keys) if all(map(is_text, key))]
        own = "parent" if self._has_parents else "''"
        records = (
            f"SELECT business, type, {own} AS parent, external_id, id, at FROM records "
            f"WHERE status IN ({_THERE}) AND id IS NOT NULL"
        )
        found = self._found(records, [key for key in writable if not key.parent])
        if belonging := [key for key in writable if key.parent]:
            if not self._is_ready:
                self._fill()
            if self._has_parents:
                found |= self._found("SELECT * FROM belonging", belonging)
        return found

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _found(self, source: str, keys: list[Key]) -> dict[Key, Known]:
        found: dict[Key, tuple[float, Known]] = {}
        for chunk in chunks(keys):
            for number, kind, id, at in asked(
                self._connection, _get(len(chunk), source), chain.from_iterable(chunk)
            ):
                key = chunk[int(number)]
                try:
                    if kind != "text":
                        raise ValueError(kind)
                    now = float(at), Known(bytes.fromhex(id).decode())
                except ValueError:
                    raise DamagedRow(f"{key.type} {key.external_id!r:.80}") from None
                if key not in found or found[key][0] <= now[0]:
                    found[key] = now
        return {key: known for key, (_, known) in found.items()}

    def _fill(self) -> None:
        """Find out the ids of what records belong to: it is named as the input names it.

        That is ``refund_id:…``, or ``refund_external_id:…``, which the journal itself may tell.
        """
        self._connection.execute("PRAGMA temp_store = FILE")
        self._connection.execute("DROP TABLE IF EXISTS belonging")  # of a reading that was cut off
        self._connection.execute(_BELONGING)
        rows = self._connection.execute(
            "SELECT business, type, parent, external_id, id, at FROM records "
            f"WHERE parent <> '' AND status IN ({_THERE}) AND id IS NOT NULL ORDER BY at"
        )
        while batch := rows.fetchmany(1000):
            parents = self._parents(batch)
            self._connection.executemany(
                "INSERT OR REPLACE INTO belonging VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (business, kind, parents[business, parent], *rest)
                    for business, kind, parent, *rest in batch
                    if (business, parent) in parents
                ],
            )
        self._is_ready = True

    def _parents(self, batch: Iterable[tuple[Any, ...]]) -> Mapping[tuple[str, str], str]:
        """Thred's ids of what these belong to, by business and name."""
        ids, asked_for = {}, {}
        for business, _, parent, *_ in batch:
            if not isinstance(business, str) or not isinstance(parent, str):
                raise DamagedRow(f"{parent!r:.80}")
            field, _, name = parent.partition(":")
            if field.endswith("_external_id"):
                key = Key(business, field.removesuffix("_external_id"), "", name)
                asked_for[business, parent] = key
            elif field.endswith("_id"):
                ids[business, parent] = name
        found = self.get(list(asked_for.values()))
        for at, key in asked_for.items():
            if key in found and found[key].id:
                ids[at] = found[key].id or ""
        return ids


@cache
def _get(keys: int, source: str) -> str:
    rows = ", ".join(f"({number}, ?, ?, ?, ?)" for number in range(keys))
    line = "number || ',' || typeof(id) || ',' || hex(id) || ',' || "
    line += "CASE typeof(at) WHEN 'real' THEN at WHEN 'integer' THEN at ELSE '?' END"
    return (
        f"WITH asked (number, {COLUMNS}) AS (VALUES {rows}) "
        f"SELECT group_concat({line}, char(10)) FROM asked CROSS JOIN ({source}) "
        f"USING ({COLUMNS})"
    )
