"""Which record may be sent when: a state machine without I/O, clocks or tasks.

A record is *active* from `Scheduler.add` until it is settled. It is *ready* once
everything it needs is settled well, and fails when something it requires failed.
It is *stuck* while it waits, itself or through another, for a record that has not
come yet: only reading on can free it, so stuck records must never stop the reading.
"""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import attrs

from .outcome import WaitedFor
from .results import Entry, Key, Results, State

__all__ = ["Need", "Node", "Scheduler", "Settled", "Strength", "Verdict"]

P = TypeVar("P")


class Strength(enum.Enum):
    """How a record depends on another."""

    REQUIRED = enum.auto()  # must have succeeded, and must be in the input
    PREFERRED = enum.auto()  # must have succeeded if it is in the input
    AFTER = enum.auto()  # must have ended, well or not
    TWIN = enum.auto()  # the same record again: shares its end, is not sent


@attrs.frozen
class Need:
    """One record that another one refers to."""

    key: Key
    strength: Strength


class Verdict(enum.Enum):
    """How a record ended."""

    CREATED = enum.auto()
    REPLAYED = enum.auto()
    DIFFERS = enum.auto()
    FAILED = enum.auto()
    UNKNOWN = enum.auto()


_STATES = {
    Verdict.CREATED: State.DONE,
    Verdict.REPLAYED: State.DONE,
    Verdict.DIFFERS: State.DIFFERS,
    Verdict.FAILED: State.FAILED,
    Verdict.UNKNOWN: State.UNKNOWN,
}


@attrs.define(eq=False)
class Node(Generic[P]):
    """One record. ``payload`` is the caller's; the scheduler never looks into it.

    ``holds`` and ``after`` order records that don't refer to each other: a node starts
    only after every earlier node that holds one of its ``after`` marks has ended.
    ``remember_id``: whether other records may need this one's id. ``changed``: whether an
    earlier run failed with this record when it had other content. ``uncertain``: whether an
    earlier run never learned what became of it.
    """

    key: Key
    line: int
    fingerprint: bytes
    payload: P
    needs: Sequence[Need] = ()
    holds: Sequence[Hashable] = ()
    after: Sequence[Hashable] = ()
    remember_id: bool = True
    changed: bool = False
    uncertain: bool = False
    # the scheduler's own
    waiting: int = attrs.field(default=0, init=False)  # for how many others it waits
    blocked: int = attrs.field(default=0, init=False)  # how many of them are not in sight
    settled: bool = attrs.field(default=False, init=False)
    repeats: bool = attrs.field(default=False, init=False)  # its key belongs to another node
    dependents: list[tuple[Node[P], Strength]] = attrs.field(factory=list, init=False)


@attrs.frozen
class Settled(Generic[P]):
    """The end of one record. ``detail`` is what its sender passed along."""

    node: Node[P]
    verdict: Verdict
    id: str | None = None
    reason: str | None = None
    waited_for: WaitedFor | None = None
    detail: Any = None


class Scheduler(Generic[P]):
    """Orders records by what they refer to.

    Feed it with `add`, take what may be sent from ``ready``, report each with `done` or
    `failed`, and take every end, of sent and unsent ones alike, from ``settled``.
    Call `finish` when the input has ended. ``results`` holds what earlier runs settled: a
    record that is the same as then is not sent again, one with other content is.
    """

    def __init__(self, results: Results | None = None) -> None:
        self._results = Results() if results is None else results
        self.ready: deque[Node[P]] = deque()
        self.settled: deque[Settled[P]] = deque()
        self.active = 0
        self.active_of: Counter[str] = Counter()  # the same, by business
        self.stuck = 0
        self.finished = False
        self._active: dict[Key, Node[P]] = {}
        self._awaited: dict[Key, list[tuple[Node[P], Strength]]] = {}
        self._holders: dict[Hashable, dict[Node[P], None]] = {}

    # --- what comes in -------------------------------------------------------------

    def add(self, node: Node[P]) -> None:
        """Take in the next record of the input."""
        self.active += 1
        self.active_of[node.key.business] += 1
        first = self._active.get(node.key)
        if first is not None:
            self._repeat_of_active(node, first)
            return
        entry = self._settled(node)
        if entry is not None and self._ends_as(node, entry):
            return
        self._active[node.key] = node
        lost = self._wait_for_needs(node)
        for mark in node.after:
            for holder in self._holders.get(mark, ()):
                self._wait(node, holder, Strength.AFTER)
        for mark in node.holds:
            self._holders.setdefault(mark, {})[node] = None
        self.stuck += node.blocked > 0
        self._adopt_waiters(node)
        if lost is not None:
            self._settle(self._cut_off(node, lost))
        elif node.waiting == 0:
            self.ready.append(node)

    def reject(self, key: Key, line: int) -> None:
        """A record of this key can't be sent at all: whatever refers to it fails."""
        if self.knows(key):
            return  # an earlier record has that name; those who refer to it mean that one
        self._results.put(key, State.FAILED, line, b"")
        for waiter, _ in self._awaited.pop(key, ()):
            self._settle(self._cut_off(waiter, key))

    def finish(self) -> None:
        """The input has ended: what has not come by now will not come.

        Records that require it fail. Those that only prefer it become ready: the API
        may know it from before.
        """
        self.finished = True
        awaited, self._awaited = self._awaited, {}
        for key, waiters in awaited.items():
            for node, strength in waiters:
                if strength is Strength.REQUIRED:
                    self._settle(_unknown_reference(node, key))
        for waiters in awaited.values():
            for node, strength in waiters:
                if strength is Strength.PREFERRED:
                    self._release(node, was_blocked=True)

    # --- what is reported ------------------------------------------------------------

    def done(
        self,
        node: Node[P],
        verdict: Verdict,
        id: str | None,
        detail: Any = None,
        reason: str | None = None,
    ) -> None:
        """The node was sent, and Thred has it."""
        self._settle(Settled(node, verdict, id=id, detail=detail, reason=reason))

    def failed(self, node: Node[P], verdict: Verdict, reason: str, detail: Any = None) -> None:
        """The node was sent or refused; Thred doesn't have it, or nobody knows."""
        self._settle(Settled(node, verdict, reason=reason, detail=detail))

    def id_of(self, key: Key) -> str | None:
        """Thred's id of a record that was done."""
        return self._results.id_of(key)

    def knows(self, key: Key) -> bool:
        """Whether the input has had a record of this key."""
        return key in self._active or self._results.state_of(key) is not None

    # --- repeats -----------------------------------------------------------------------

    def _repeat_of_active(self, node: Node[P], first: Node[P]) -> None:
        node.repeats = True
        if first.fingerprint != node.fingerprint:
            self._settle(_conflict(node, first.line))
            return
        self._wait(node, first, Strength.TWIN)
        self.stuck += node.blocked > 0

    def _settled(self, node: Node[P]) -> Entry | None:
        entry = self._results.get(node.key)
        if entry is None and node.key.parent:
            # Journals of the first format have no parents; the content names it as well.
            entry = self._results.get(node.key._replace(parent=""))
            if entry is not None and entry.fingerprint != node.fingerprint:
                return None
        return entry

    def _ends_as(self, node: Node[P], entry: Entry) -> bool:
        """Whether a record of this key that is settled settles the node as well."""
        same = entry.fingerprint == node.fingerprint
        if not entry.earlier:
            end = (
                _same(node, entry.state, entry.line, entry.id)
                if same
                else _conflict(node, entry.line)
            )
        elif same and entry.state.is_there:
            # From here on it is a record of this run, for those that repeat it.
            self._results.put(node.key, entry.state, node.line, node.fingerprint, entry.id)
            end = _done_earlier(node, entry)
        else:
            node.changed = node.changed or (not same and entry.state is State.FAILED)
            node.uncertain = node.uncertain or entry.state is State.UNKNOWN
            return False
        node.repeats = True
        self._settle(end)
        return True

    # --- waiting -----------------------------------------------------------------------

    def _wait_for_needs(self, node: Node[P]) -> Key | None:
        """Hook the node to what it needs. The key of a need that is already lost, if any."""
        lost: Key | None = None
        for need in node.needs:
            dependency = self._active.get(need.key)
            if dependency is not None:
                self._wait(node, dependency, need.strength)
                continue
            state = self._results.state_of(need.key)
            if state is None:
                self._awaited.setdefault(need.key, []).append((node, need.strength))
                node.waiting += 1
                node.blocked += 1
            elif not state.is_there and lost is None:
                lost = need.key
        return lost

    def _wait(self, node: Node[P], dependency: Node[P], strength: Strength) -> None:
        dependency.dependents.append((node, strength))
        node.waiting += 1
        node.blocked += dependency.blocked > 0

    def _adopt_waiters(self, node: Node[P]) -> None:
        """Those that waited for this record to come now wait for it to end."""
        waiters = self._awaited.pop(node.key, None)
        if waiters is None:
            return
        node.dependents.extend(waiters)
        if node.blocked == 0:
            self._unblock(waiter for waiter, _ in waiters)

    def _unblock(self, nodes: Iterable[Node[P]]) -> None:
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if node.settled:
                continue
            node.blocked -= 1
            if node.blocked == 0:
                self.stuck -= 1
                stack.extend(dependent for dependent, _ in node.dependents)

    def _release(self, node: Node[P], *, was_blocked: bool) -> None:
        """The node has one thing less to wait for."""
        if node.settled:
            return
        node.waiting -= 1
        if was_blocked:
            self._unblock((node,))
        if node.waiting == 0:
            self.ready.append(node)

    # --- settling ----------------------------------------------------------------------

    def _settle(self, end: Settled[P]) -> None:
        """End one node, and all whose end follows from it, those of one node in their order.

        A failed file is pushed again in this order, and a refund must stay behind its payments.
        No recursion: chains may be long.
        """
        ends = deque([end])
        while ends:
            end = ends.popleft()
            node = end.node
            if node.settled:
                continue
            was_blocked = node.blocked > 0
            self._close(end)
            for dependent, strength in node.dependents:
                if strength is Strength.TWIN:
                    ends.append(_same(dependent, _STATES[end.verdict], node.line, end.id))
                elif _STATES[end.verdict].is_there or strength is Strength.AFTER:
                    self._release(dependent, was_blocked=was_blocked)
                else:
                    ends.append(self._cut_off(dependent, node.key))
            node.dependents.clear()

    def _close(self, end: Settled[P]) -> None:
        node = end.node
        if not node.repeats:  # first, as all that comes after it can't fail
            self._results.put(
                node.key,
                _STATES[end.verdict],
                node.line,
                node.fingerprint,
                end.id if node.remember_id else None,
            )
            del self._active[node.key]
        node.settled = True
        self.active -= 1
        self.active_of[node.key.business] -= 1
        self.stuck -= node.blocked > 0
        for mark in node.holds:
            holders = self._holders.get(mark)
            if holders is not None and holders.pop(node, 0) is None and not holders:
                del self._holders[mark]
        self.settled.append(end)

    def _cut_off(self, node: Node[P], key: Key) -> Settled[P]:
        """The end of a node whose dependency ``key`` is settled, and not well."""
        entry = self._results.get(key)
        line = entry.line if entry is not None else None
        unknown = entry is not None and entry.state is State.UNKNOWN
        return Settled(
            node,
            Verdict.FAILED,
            reason=f"not sent: it refers to {key.kind} {key.external_id!r} (line {line}), "
            + ("whose outcome is unknown" if unknown else "which failed"),
            waited_for=WaitedFor(key.kind, key.external_id, line),
        )


def _unknown_reference(node: Node[P], key: Key) -> Settled[P]:
    return Settled(
        node,
        Verdict.FAILED,
        reason=f"unknown reference: no {key.kind} {key.external_id!r} of this business in the "
        "input",
        waited_for=WaitedFor(key.kind, key.external_id),
    )


def _conflict(node: Node[P], line: int) -> Settled[P]:
    return Settled(
        node,
        Verdict.FAILED,
        reason=f"not sent: {node.key.kind} {node.key.external_id!r} stands on line {line} with "
        f"other content than on line {node.line}, and one external_id names one record",
    )


def _same(node: Node[P], state: State, line: int, id: str | None) -> Settled[P]:
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


def _done_earlier(node: Node[P], entry: Entry) -> Settled[P]:
    """The end of a record that an earlier run has settled."""
    done = "done in an earlier run"
    if entry.state is State.DIFFERS:
        reason = f"{done}: {entry.reason}" if entry.reason else done
        return Settled(node, Verdict.DIFFERS, id=entry.id, reason=reason)
    return Settled(node, Verdict.REPLAYED, id=entry.id, reason=done)
