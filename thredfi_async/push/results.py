"""What a run remembers of every record that is settled, in as few bytes as it can.

This memory is the only thing that grows with the input: references need the ids, and
a repeated external id is recognised by the fingerprint.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

import attrs

__all__ = [
    "FINGERPRINT_BYTES",
    "LAST_LINE",
    "Entry",
    "Key",
    "Results",
    "State",
    "packed_id",
    "unpacked_id",
]


class Key(NamedTuple):
    """What names a record: no two records of a business, type and parent share an external_id.

    ``parent`` is what the record belongs to, where its type has one: a refund payment belongs
    to its refund, and two refunds may each have a payment ``p1``. ``step`` counts what the input
    does with a record after it is made: 0 is the create, 1 the first line that comes after it.
    """

    business: str
    kind: str
    external_id: str
    parent: str = ""
    step: int = 0


class State(enum.IntEnum):
    """How a settled record ended, as far as those that refer to it care."""

    DONE = 0
    FAILED = 1
    UNKNOWN = 2
    DIFFERS = 3  # it is at Thred, with other content

    @property
    def is_there(self) -> bool:
        """Whether Thred has the record, so that others may refer to it."""
        return self is State.DONE or self is State.DIFFERS


@attrs.frozen
class Entry:
    """One settled record. ``earlier``: in an earlier run, as its journal says."""

    state: State
    line: int
    fingerprint: bytes
    id: str | None
    earlier: bool = False
    reason: str | None = None


FINGERPRINT_BYTES = 8  # compared only between records of the same key
_LINE = 6
LAST_LINE = (1 << 8 * _LINE) - 1
_HEAD = FINGERPRINT_BYTES + _LINE + 1
_PACKED_ID = 0x80  # the id is a UUID in 16 bytes, not text
_EARLIER = 0x40
_STATE = 0x0F


class Results:
    """Settled records by key, each packed into one small ``bytes``."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], dict[str, bytes]] = {}
        self._reasons: dict[Key, str] = {}  # of earlier runs; few records have one
        self._parents: dict[tuple[str, str], dict[str, str]] = {}  # by external_id, one a line

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def put(
        self,
        key: Key,
        state: State,
        line: int,
        fingerprint: bytes,
        id: str | None = None,
        *,
        earlier: bool = False,
        reason: str | None = None,
    ) -> None:
        """Remember how the record of ``key`` ended."""
        if reason is not None:
            self._reasons[key] = reason
        if key.parent and not key.step:
            known = self._parents.setdefault(key[:2], {})
            parents = known.get(key.external_id)
            if parents is None:
                known[key.external_id] = key.parent
            elif key.parent not in parents.split("\n"):
                known[key.external_id] = f"{parents}\n{key.parent}"
        flags = state | (_EARLIER if earlier else 0)
        tail = b""
        if id is not None:
            packed = packed_id(id)
            if packed is not None:
                flags |= _PACKED_ID
                tail = packed
            else:
                tail = id.encode("utf-8", "surrogatepass")
        table = self._tables.get(key[:2])
        if table is None:
            table = self._tables[key[:2]] = {}
        table[_name(key)] = (
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
            State(flags & _STATE),
            int.from_bytes(raw[FINGERPRINT_BYTES : _HEAD - 1], "little"),
            raw[:FINGERPRINT_BYTES],
            _id(raw),
            bool(flags & _EARLIER),
            self._reasons.get(key),
        )

    def state_of(self, key: Key) -> State | None:
        """As `get`, for the state alone, and as those see it that refer to the record.

        What failed in an earlier run is as if it had never been: it may come again.
        """
        raw = self._raw(key)
        if raw is None:
            return None
        flags = raw[_HEAD - 1]
        state = State(flags & _STATE)
        return None if flags & _EARLIER and not state.is_there else state

    def id_of(self, key: Key) -> str | None:
        """Thred's id of a record that was done; None where it is unknown."""
        raw = self._raw(key)
        return None if raw is None else _id(raw)

    def drop(self, key: Key) -> None:
        """Forget a record: it is deleted."""
        self._tables.get(key[:2], {}).pop(_name(key), None)

    def whole(self, key: Key) -> list[Key]:
        """The keys that one without its parent may mean: of records that ended so far."""
        parents = self._parents.get(key[:2], {}).get(key.external_id)
        return [key._replace(parent=one) for one in parents.split("\n")] if parents else []

    def _raw(self, key: Key) -> bytes | None:
        table = self._tables.get(key[:2])
        return None if table is None else table.get(_name(key))


def _name(key: Key) -> str:
    name = f"{key.parent}\0{key.external_id}" if key.parent else key.external_id
    return f"{name}\0\0{key.step}" if key.step else name


def packed_id(id: str) -> bytes | None:
    """The 16 bytes of a UUID, where they give back exactly this text."""
    if len(id) != 36:
        return None
    try:
        packed = bytes.fromhex(id.replace("-", ""))
    except ValueError:
        return None
    return packed if len(packed) == 16 and unpacked_id(packed) == id else None


def unpacked_id(packed: bytes) -> str:
    """The text of a UUID in 16 bytes."""
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _id(raw: bytes) -> str | None:
    if raw[_HEAD - 1] & _PACKED_ID:
        return unpacked_id(raw[_HEAD:])
    return raw[_HEAD:].decode("utf-8", "surrogatepass") or None
