"""What a run remembers of every record that is settled, in as few bytes as it can.

This memory is the only thing that grows with the input: references need the ids, and
a repeated external id is recognised by the fingerprint.
"""

from __future__ import annotations

import enum
from typing import TypeAlias

import attrs

__all__ = ["FINGERPRINT_BYTES", "Entry", "Key", "Seen", "State"]

Key: TypeAlias = tuple[str, str, str]
"""(business, type of record, external id)"""


class State(enum.IntEnum):
    """How a settled record ended, as far as those that refer to it care."""

    DONE = 0
    FAILED = 1
    UNKNOWN = 2


@attrs.frozen
class Entry:
    """One settled record."""

    state: State
    line: int
    fingerprint: bytes
    id: str | None


FINGERPRINT_BYTES = 8  # compared only between records of the same external_id
_LINE = 6
_HEAD = FINGERPRINT_BYTES + _LINE + 1
_PACKED_ID = 0x80  # the id is a UUID in 16 bytes, not text


class Seen:
    """Settled records by key, each packed into one small ``bytes``."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], dict[str, bytes]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def put(
        self, key: Key, state: State, line: int, fingerprint: bytes, id: str | None = None
    ) -> None:
        """Remember how the record of ``key`` ended."""
        business, kind, external_id = key
        flags = int(state)
        tail = b""
        if id is not None:
            packed = _pack(id)
            if packed is not None:
                flags |= _PACKED_ID
                tail = packed
            else:
                tail = id.encode()
        table = self._tables.get((business, kind))
        if table is None:
            table = self._tables[business, kind] = {}
        table[external_id] = (
            fingerprint.ljust(FINGERPRINT_BYTES, b"\0")
            + line.to_bytes(_LINE, "little")
            + bytes((flags,))
            + tail
        )

    def get(self, key: Key) -> Entry | None:
        """How the record of ``key`` ended, or None where none has ended yet."""
        raw = self._raw(key)
        if raw is None:
            return None
        flags = raw[_HEAD - 1]
        return Entry(
            State(flags & ~_PACKED_ID),
            int.from_bytes(raw[FINGERPRINT_BYTES : _HEAD - 1], "little"),
            raw[:FINGERPRINT_BYTES],
            _id(raw),
        )

    def state_of(self, key: Key) -> State | None:
        """As `get`, for the state alone."""
        raw = self._raw(key)
        return None if raw is None else State(raw[_HEAD - 1] & ~_PACKED_ID)

    def id_of(self, key: Key) -> str | None:
        """Thred's id of a record that was done; None where it is unknown."""
        raw = self._raw(key)
        return None if raw is None else _id(raw)

    def _raw(self, key: Key) -> bytes | None:
        table = self._tables.get((key[0], key[1]))
        return None if table is None else table.get(key[2])


def _pack(id: str) -> bytes | None:
    """The 16 bytes of a UUID, where they give back exactly this text."""
    if len(id) != 36:
        return None
    try:
        packed = bytes.fromhex(id.replace("-", ""))
    except ValueError:
        return None
    return packed if len(packed) == 16 and _unpack(packed) == id else None


def _unpack(packed: bytes) -> str:
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _id(raw: bytes) -> str | None:
    if raw[_HEAD - 1] & _PACKED_ID:
        return _unpack(raw[_HEAD:])
    return raw[_HEAD:].decode() or None
