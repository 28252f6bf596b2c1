"""What the scheduler orders, and how each of it ends: values, and the words for them."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

import attrs

from .outcome import WaitedFor
from .results import Entry, Key, State

__all__ = [
    "Need",
    "Node",
    "Preset",
    "Settled",
    "Strength",
    "Verdict",
    "ambiguous",
    "conflict",
    "cut_off",
    "done_earlier",
    "in_circle",
    "same",
    "state_of",
    "superseded",
    "unknown_reference",
]

P = TypeVar("P")


class Strength(enum.Enum):
    """How a record depends on another."""

    REQUIRED = enum.auto()  # must have succeeded, and must be in the input
    PREFERRED = enum.auto()  # must have succeeded if it is in the input
    EARLIER = enum.auto()  # must have succeeded if it came before in the input
    AFTER = enum.auto()  # must have ended, well or not
    TWIN = enum.auto()  # the same record again: shares its end, is not sent


@attrs.frozen
class Need:
    """One record that another one refers to. ``anywhere``: whatever its parent is."""

    key: Key
    strength: Strength = Strength.REQUIRED
    anywhere: bool = False


class Verdict(enum.Enum):
    """How a record ended."""

    CREATED = enum.auto()
    CHANGED = enum.auto()
    REPLAYED = enum.auto()
    DIFFERS = enum.auto()
    FAILED = enum.auto()
    UNKNOWN = enum.auto()


_STATES = {
    Verdict.CREATED: State.DONE,
    Verdict.CHANGED: State.DONE,
    Verdict.REPLAYED: State.DONE,
    Verdict.DIFFERS: State.DIFFERS,
    Verdict.FAILED: State.FAILED,
    Verdict.UNKNOWN: State.UNKNOWN,
}


@attrs.frozen
class Preset:
    """How a record ends that needn't be sent."""

    verdict: Verdict
    id: str | None
    reason: str


@attrs.define(eq=False)
class Node(Generic[P]):
    """One record. ``payload`` is the caller's; the scheduler never looks into it.

    ``holds`` and ``after`` order records that don't refer to each other: a node starts
    only after every earlier node that holds one of its ``after`` marks has ended.
    ``creates``, ``deletes``: what it does to the record. ``changed``: whether an earlier run failed
    with this record when it had other content. ``uncertain``: whether an earlier run never learned
    what became of it. ``preset`` is its end where that is known without sending it, unless the
    input has it already.
    """

    key: Key
    line: int
    fingerprint: bytes
    payload: P
    needs: Sequence[Need] = ()
    holds: Sequence[Hashable] = ()
    after: Sequence[Hashable] = ()
    creates: bool = True
    deletes: bool = False
    changed: bool = False
    uncertain: bool = False
    preset: Preset | None = None
    superseded: bool = False  # by an earlier line of the input, whose end it shares
    # the scheduler's own
    waiting: int = attrs.field(default=0, init=False)  # for how many others it waits
    behind: int = attrs.field(default=0, init=False)  # how many of them need only end
    blocked: int = attrs.field(default=0, init=False)  # how many of them are not in sight
    given_out: bool = attrs.field(default=False, init=False)  # it may be sent, or is sent
    settled: bool = attrs.field(default=False, init=False)
    repeats: bool = attrs.field(default=False, init=False)  # its key belongs to another node
    dependents: list[tuple[Node[P], Strength]] = attrs.field(factory=list, init=False)

    @property
    def record(self) -> Key:
        """The key of the record, whatever is done with it."""
        return self.key._replace(step=0) if self.key.step else self.key


@attrs.frozen
class Settled(Generic[P]):
    """The end of one record. ``detail`` is what its sender passed along."""

    node: Node[P]
    verdict: Verdict
    id: str | None = None
    reason: str | None = None
    waited_for: WaitedFor | None = None
    detail: Any = None


def state_of(end: Settled[P]) -> State:
    """How the record of an end is remembered."""
    return _STATES[end.verdict]


def ambiguous(node: Node[P], key: Key) -> Settled[P]:
    return Settled(
        node,
        Verdict.FAILED,
        reason=f"not sent: {key.external_id!r} names more than one {key.kind}: say which, with "
        "what it belongs to beside its external_id",
    )


def in_circle(node: Node[P]) -> Settled[P]:
    """The end of a record that waits for itself, by way of others."""
    return Settled(
        node,
        Verdict.FAILED,
        reason="not sent: it refers to itself in a circle, by way of what it refers to",
    )


def unknown_reference(node: Node[P], key: Key) -> Settled[P]:
    return Settled(
        node,
        Verdict.FAILED,
        reason=f"unknown reference: no {key.kind} {key.external_id!r} of this business in the "
        "input",
        waited_for=WaitedFor(key.kind, key.external_id),
    )


def conflict(node: Node[P], line: int) -> Settled[P]:
    return Settled(
        node,
        Verdict.FAILED,
        reason=f"not sent: {node.key.kind} {node.key.external_id!r} stands on line {line} with "
        f"other content than on line {node.line}, and one external_id names one record",
    )


def superseded(node: Node[P], state: State, line: int, id: str | None) -> Settled[P]:
    """The end of an older revision: that of the newer one, which stands on an earlier line."""
    end = same(node, state, line, id)
    reason = f"superseded by line {line}, of a newer revision"
    return attrs.evolve(end, reason=reason) if state.is_there else end


def same(node: Node[P], state: State, line: int, id: str | None) -> Settled[P]:
    """The end of a record that is the same as another, settled one."""
    same = f"the same record as line {line}"
    match state:
        case State.DONE:
            return Settled(node, Verdict.REPLAYED, id=id, reason=f"{same}, sent once")
        case State.DIFFERS:
            return Settled(
                node, Verdict.DIFFERS, id=id, reason=f"{same}, which Thred has with other content"
            )
        case State.UNKNOWN:
            return Settled(node, Verdict.UNKNOWN, reason=f"{same}, whose outcome is unknown")
        case State.FAILED:
            return Settled(node, Verdict.FAILED, reason=f"not sent: {same}, which failed")


def done_earlier(node: Node[P], entry: Entry) -> Settled[P]:
    """The end of a record that an earlier run has settled."""
    done = "done in an earlier run"
    if entry.state is State.DIFFERS:
        reason = f"{done}: {entry.reason}" if entry.reason else done
        return Settled(node, Verdict.DIFFERS, id=entry.id, reason=reason)
    return Settled(node, Verdict.REPLAYED, id=entry.id, reason=done)


def cut_off(node: Node[P], key: Key, entry: Entry | None) -> Settled[P]:
    """The end of a record that refers to one that didn't end well."""
    line = entry.line if entry is not None else None
    unknown = entry is not None and entry.state is State.UNKNOWN
    return Settled(
        node,
        Verdict.FAILED,
        reason=f"not sent: it refers to {key.kind} {key.external_id!r} (line {line}), "
        + ("whose outcome is unknown" if unknown else "which failed"),
        waited_for=WaitedFor(key.kind, key.external_id, line),
    )
