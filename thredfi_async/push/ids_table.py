"""The table of ids in a SQLite database: what is asked of it, and what stands in it.

All of it blocks, and belongs in a thread. Each step of a statement gives up the interpreter's
lock, and may wait long to get it back where the event loop is busy: so many keys go into one
statement, and its answer is one row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

from .results import packed_id, unpacked_id

__all__ = [
    "COLUMNS",
    "DamagedRow",
    "Key",
    "Known",
    "Table",
    "asked",
    "chunks",
    "is_text",
    "merged",
    "transaction",
]

T = TypeVar("T")

COLUMNS = "business, type, parent, external_id"
_CREATE = f"""
CREATE TABLE known (
    business NOT NULL,
    type NOT NULL,
    parent NOT NULL,
    external_id NOT NULL,
    id,
    digest NOT NULL,
    revision,
    PRIMARY KEY ({COLUMNS})
) WITHOUT ROWID
"""
_CHUNK = 128  # keys of a statement: SQLite may take no more than 999 values in one
_LONGEST_DIGEST = 64


class Key(NamedTuple):
    """What names a record: no two records of a business, type and parent share an external_id.

    ``business`` is Thred's id of the business, empty for a business itself; ``parent`` Thred's id
    of the record that it belongs to, empty where its type has none: a refund payment belongs to
    its refund, and two refunds may each have a payment ``p1``.
    """

    business: str
    type: str
    parent: str
    external_id: str


class Known(NamedTuple):
    """What is known of a record: Thred's ``id``, where there is one.

    ``digest``, at most 64 bytes, is whatever the push makes of its content; stores only keep it.
    ``revision``: a number of 64 bits with a sign, by which the caller orders what it sends.
    """

    id: str | None
    digest: bytes = b""
    revision: int | None = None


class DamagedRow(Exception):
    """What stands in a row isn't what was written there."""


def merged(known: Known | None, one: Known) -> Known:
    """What is known after ``one`` was put where ``known`` stood."""
    if known is None:
        return one
    if one.revision is None:
        one = one._replace(revision=known.revision)
    elif known.revision is not None and one.revision < known.revision:
        return known
    return one if one.id is not None else one._replace(id=known.id)


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: half of a surrogate pair can't."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class Table:
    """The ids that stand in a database. Raises sqlite3.Error and `DamagedRow`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def temporary(cls) -> Table:
        """One in a file that no other process sees, and that is gone once it is closed."""
        connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        table = cls(connection)
        try:
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("PRAGMA synchronous = OFF")
            table.create()
        except BaseException:
            connection.close()
            raise
        return table

    def create(self) -> None:
        """Make it, in a database that has none yet."""
        self._connection.execute(_CREATE)

    def get(self, keys: Collection[Key]) -> dict[Key, Known]:
        """What is known of these."""
        found = {}
        for chunk in chunks(filter(_is_writable, dict.fromkeys(keys))):
            values = chain.from_iterable(map(_packed_key, chunk))
            for number, kind, id, digest_kind, digest, revision in asked(
                self._connection, _get(len(chunk)), values
            ):
                key = chunk[int(number)]
                try:
                    found[key] = Known(
                        _id(kind, bytes.fromhex(id)),
                        _digest(digest_kind, bytes.fromhex(digest)),
                        int(revision) if revision else None,
                    )
                except ValueError:
                    raise DamagedRow(f"{key.type} {key.external_id!r:.80}") from None
        return found

    def put(self, known: Mapping[Key, Known]) -> None:
        """Keep these, all or none."""
        with transaction(self._connection):
            for chunk in chunks(known.items()):
                values = [
                    (*_packed_key(key), None if one.id is None else _packed(one.id), *one[1:])
                    for key, one in chunk
                ]
                self._connection.execute(_put(len(chunk)), [*chain.from_iterable(values)])

    def drop(self, keys: Collection[Key]) -> None:
        """Forget these."""
        with transaction(self._connection):
            for chunk in chunks(filter(_is_writable, dict.fromkeys(keys))):
                values = chain.from_iterable(map(_packed_key, chunk))
                self._connection.execute(_drop(len(chunk)), [*values])

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


class transaction:  # noqa: N801  (reads as a word: `with transaction(connection):`)
    """What is written inside, is written whole or not at all. Others may write after it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """As many at a time as go into one statement."""
    iterator = iter(values)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def asked(
    connection: sqlite3.Connection, query: str, values: Iterable[Any]
) -> Iterator[Sequence[str]]:
    """The lines of an answer in one row, each in its parts."""
    ((text,),) = connection.execute(query, [*values]).fetchall()
    for line in (text or "").splitlines():
        yield line.split(",")


# --- statements: one text for each number of keys, so that SQLite compiles it once -----------


@cache
def _get(keys: int) -> str:
    rows = ", ".join(f"({number}, ?, ?, ?, ?)" for number in range(keys))
    line = " || ',' || ".join(
        (
            "number",
            "typeof(id)",
            "hex(id)",
            "typeof(digest)",
            "hex(digest)",
            "CASE typeof(revision) WHEN 'integer' THEN revision WHEN 'null' THEN '' ELSE '?' END",
        )
    )
    return (
        f"WITH asked (number, {COLUMNS}) AS (VALUES {rows}) "
        f"SELECT group_concat({line}, char(10)) FROM asked CROSS JOIN known USING ({COLUMNS})"
    )


@cache
def _put(rows: int) -> str:
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * rows)
    return (
        f"INSERT INTO known ({COLUMNS}, id, digest, revision) VALUES {values} "
        f"ON CONFLICT ({COLUMNS}) DO UPDATE SET id = coalesce(excluded.id, known.id), "
        "digest = excluded.digest, revision = coalesce(excluded.revision, known.revision) "
        "WHERE known.revision IS NULL OR excluded.revision IS NULL "
        "OR excluded.revision >= known.revision"
    )


@cache
def _drop(keys: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?)"] * keys)
    return f"DELETE FROM known WHERE ({COLUMNS}) IN (VALUES {rows})"


# --- values ----------------------------------------------------------------------------------


def _is_writable(key: Key) -> bool:
    return all(map(is_text, key))


def _packed_key(key: Key) -> tuple[str | bytes, ...]:
    return _packed_often(key.business), key.type, _packed_often(key.parent), key.external_id


def _packed(id: str) -> str | bytes:
    """A UUID as its 16 bytes, other text as it is."""
    return packed_id(id) or id


_packed_often = lru_cache(1024)(_packed)  # of what many records have in common


def _id(kind: str, data: bytes) -> str | None:
    """An id as it stands in the table. Raises ValueError."""
    if kind == "null":
        return None
    if kind == "text":
        return data.decode()
    if kind == "blob" and len(data) == 16:
        return unpacked_id(data)
    raise ValueError(kind)


def _digest(kind: str, data: bytes) -> bytes:
    if kind != "blob" or len(data) > _LONGEST_DIGEST:
        raise ValueError(kind)
    return data
