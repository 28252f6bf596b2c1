"""Which record may be sent when: a state machine without I/O, clocks or tasks.

A record is *active* from `Scheduler.add` until it is settled. It is *ready* once
everything it needs is settled well, and fails when something it requires failed.
It is *stuck* while it waits, itself or through another, for a record that has not
come yet: only reading on can free it, so stuck records must never stop the reading.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable
from typing import Any, Generic, TypeVar

from .nodes import (
    Need,
    Node,
    Settled,
    Strength,
    Verdict,
    ambiguous,
    conflict,
    cut_off,
    done_earlier,
    in_circle,
    same,
    state_of,
    superseded,
    unknown_reference,
)
from .results import Entry, Key, Results, State

__all__ = ["Scheduler"]

P = TypeVar("P")


class Scheduler(Generic[P]):
    """Orders records by what they refer to.

    Feed it with `add`, take what may be sent from ``ready``, report each with `done` or
    `failed`, and take every end, of sent and unsent ones alike, from ``settled``.
    Call `finish` when the input has ended. ``results`` holds what earlier runs settled: a
    record that is the same as then is not sent again, one with other content is. ``closed``: what
    is required has to be in the input, else it may be known from before. ``resends_differing``:
    what an earlier run has found to differ is sent again.
    """

    def __init__(
        self,
        results: Results | None = None,
        *,
        closed: bool = False,
        resends_differing: bool = False,
    ) -> None:
        self._closed = closed
        self._resends_differing = resends_differing
        self._results = Results() if results is None else results
        self.ready: deque[Node[P]] = deque()
        self.settled: deque[Settled[P]] = deque()
        self.active = 0
        self.active_of: Counter[str] = Counter()  # the same, by business
        self.stuck = 0
        self.finished = False
        self._active: dict[Key, Node[P]] = {}  # what makes a record, by its key
        self._parents: dict[Key, dict[Key, None]] = {}  # of these, by the key without a parent
        self._awaited: dict[Key, list[tuple[Node[P], Strength]]] = {}
        self._holders: dict[Hashable, dict[Node[P], None]] = {}
        self._waiting: dict[Node[P], None] = {}  # in the order of the input
        self._out = 0  # how many were given out and are not settled
        self._resent: set[Key] = set()  # records of which this run has sent an earlier run's line

    # --- what comes in -------------------------------------------------------------

    def add(self, node: Node[P]) -> None:
        """Take in the next record of the input."""
        self._add(node)
        self._keep_going()

    def _add(self, node: Node[P]) -> None:
        self.active += 1
        self.active_of[node.key.business] += 1
        first = self._active.get(node.record) if node.creates else None
        if first is not None and (node.superseded or not node.key.step):
            self._repeat_of_active(node, first)
            return
        if node.superseded and (entry := self._results.get(node.record)) is not None:
            node.repeats = True
            self._settle(superseded(node, entry.state, entry.line, entry.id))
            return
        entry = self._settled(node)
        if entry is not None and self._ends_as(node, entry):
            return
        if node.preset is None or not node.key.step:
            self._enter(node)
        if node.preset is not None:
            node.repeats = node.creates and bool(node.key.step)
            self._adopt_waiters(node)
            end = node.preset
            self._settle(Settled(node, end.verdict, id=end.id, reason=end.reason))
            return
        lost = self._wait_for_needs(node)
        for mark in node.after:
            for holder in self._holders.get(mark, ()):
                self._wait(node, holder, Strength.AFTER)
        for mark in node.holds:
            self._holders.setdefault(mark, {})[node] = None
        self.stuck += node.blocked > 0
        self._adopt_waiters(node)
        if lost is not None:
            self._settle(lost)
        elif node.waiting == 0:
            self._give_out(node)
        else:
            self._waiting[node] = None

    def reject(self, key: Key, line: int) -> None:
        """A record of this key can't be sent at all: whatever refers to it fails."""
        if self.knows(key):
            return  # an earlier record has that name; those who refer to it mean that one
        self._results.put(key, State.FAILED, line, b"")
        for waiter, _ in self._awaited.pop(key, ()):
            self._settle(self._cut_off(waiter, key))
        self._keep_going()

    def finish(self) -> None:
        """The input has ended: what has not come by now will not come.

        Records that require it fail, unless it may be known from before.
        """
        self.finished = True
        awaited, self._awaited = self._awaited, {}
        for key, waiters in awaited.items():
            for node, strength in waiters:
                if self._closed and strength is Strength.REQUIRED:
                    self._settle(unknown_reference(node, key))
        for waiters in awaited.values():
            for node, strength in waiters:
                self._release(node, strength, was_blocked=True)
        self._keep_going()

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
        self._keep_going()

    def failed(self, node: Node[P], verdict: Verdict, reason: str, detail: Any = None) -> None:
        """The node was sent or refused; Thred doesn't have it, or nobody knows."""
        self._settle(Settled(node, verdict, reason=reason, detail=detail))
        self._keep_going()

    def id_of(self, need: Need) -> str | None:
        """Thred's id of a record that was done."""
        keys = self._meant(need)
        return self._results.id_of(keys[0]) if len(keys) == 1 else None

    def is_earlier(self, need: Need) -> bool:
        """Whether an earlier run has made what is needed."""
        entry = next(map(self._results.get, self._meant(need)), None)
        return entry is not None and entry.earlier

    def fingerprint_of(self, key: Key) -> bytes | None:
        """The content that a record was made with."""
        entry = self._results.get(key)
        return None if entry is None or not entry.state.is_there else entry.fingerprint

    def forget(self, need: Need) -> None:
        """What an earlier run has made isn't there any more."""
        if self.is_earlier(need):
            for key in self._meant(need):
                self._results.drop(key)

    def knows(self, key: Key) -> bool:
        """Whether the input has had a record of this key."""
        return key in self._active or self._results.state_of(key) is not None

    # --- repeats -----------------------------------------------------------------------

    def _repeat_of_active(self, node: Node[P], first: Node[P]) -> None:
        node.repeats = True
        if first.fingerprint != node.fingerprint and not node.superseded:
            self._settle(conflict(node, first.line))
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
        is_same = entry.fingerprint == node.fingerprint
        if not entry.earlier:
            end = (
                same(node, entry.state, entry.line, entry.id)
                if is_same
                else conflict(node, entry.line)
            )
        elif node.key.step and node.record in self._resent:
            return False  # an earlier line is sent again, and this one has to follow it
        elif entry.state is State.DIFFERS and self._resends_differing:
            return False
        elif is_same and entry.state.is_there:
            # From here on it is a record of this run, for those that repeat it.
            self._results.put(node.key, entry.state, node.line, node.fingerprint, entry.id)
            end = done_earlier(node, entry)
        else:
            node.changed = node.changed or (not is_same and entry.state is State.FAILED)
            node.uncertain = node.uncertain or entry.state is State.UNKNOWN
            self._resent.add(node.record)
            return False
        node.repeats = True
        self._settle(end)
        return True

    # --- waiting -----------------------------------------------------------------------

    def _enter(self, node: Node[P]) -> None:
        """From now on those who name the record mean what this node makes of it."""
        if node.creates:
            self._active[node.record] = node
            if node.key.parent:
                self._parents.setdefault(_anywhere(node.record), {})[node.record] = None

    def _meant(self, need: Need) -> list[Key]:
        """The records that a need may mean: more than one where it doesn't say of which parent."""
        if not need.anywhere:
            return [need.key]
        active = self._parents.get(need.key, {})
        return list(dict.fromkeys([*active, *self._results.whole(need.key)]))

    def _wait_for_needs(self, node: Node[P]) -> Settled[P] | None:
        """Hook the node to what it needs. Its end, where that is lost already."""
        lost: Settled[P] | None = None
        for need in node.needs:
            keys = self._meant(need)
            if len(keys) > 1:
                return lost or ambiguous(node, need.key)
            key = keys[0] if keys else need.key
            dependency = self._active.get(key)
            if dependency is not None:
                self._wait(node, dependency, need.strength)
                continue
            state = self._results.state_of(key)
            if state is None:
                if need.strength is not Strength.EARLIER and not self.finished:
                    self._awaited.setdefault(need.key, []).append((node, need.strength))
                    node.waiting += 1
                    node.blocked += 1
            elif not state.is_there:
                lost = lost or self._cut_off(node, key)
        return lost

    def _wait(self, node: Node[P], dependency: Node[P], strength: Strength) -> None:
        dependency.dependents.append((node, strength))
        node.waiting += 1
        node.behind += strength is Strength.AFTER
        node.blocked += dependency.blocked > 0

    def _adopt_waiters(self, node: Node[P]) -> None:
        """Those that waited for this record to come now wait for it to end."""
        if not node.creates:
            return
        waiters = self._awaited.pop(node.record, [])
        if node.key.parent:
            waiters += self._awaited.pop(_anywhere(node.record), [])
        if not waiters:
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

    def _release(self, node: Node[P], strength: Strength, *, was_blocked: bool) -> None:
        """The node has one thing less to wait for."""
        if node.settled or node.given_out:
            return
        node.waiting -= 1
        node.behind -= strength is Strength.AFTER
        if was_blocked:
            self._unblock((node,))
        if node.waiting == 0:
            self._give_out(node)

    def _give_out(self, node: Node[P]) -> None:
        self._waiting.pop(node, None)
        node.given_out = True
        self._out += 1
        self.ready.append(node)

    def _keep_going(self) -> None:
        """Where all that is in sight waits for each other, let go of the order, or of a circle.

        A reference to a later line wins over the order of what names the same record.
        """
        while not self._out and self.active > (0 if self.finished else self.stuck):
            held = [one for one in self._waiting if self.finished or not one.blocked]
            free = next((one for one in held if one.waiting == one.behind), None)
            if free is not None:
                if free.blocked:
                    free.blocked = 1
                    self._unblock((free,))
                self._give_out(free)
            elif held:
                self._settle(in_circle(held[0]))
            else:
                return

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
            is_there = self._is_there(end)
            for dependent, strength in node.dependents:
                if strength is Strength.TWIN:
                    alike = superseded if dependent.superseded else same
                    ends.append(alike(dependent, state_of(end), node.line, end.id))
                elif is_there or strength is Strength.AFTER:
                    self._release(dependent, strength, was_blocked=was_blocked)
                else:
                    ends.append(self._cut_off(dependent, node.record))
            node.dependents.clear()

    def _is_there(self, end: Settled[P]) -> bool:
        """Whether Thred has the record, so that those who refer to it can be sent."""
        state = self._results.state_of(end.node.record) if end.node.key.step else None
        return state_of(end).is_there or (state is not None and state.is_there)

    def _close(self, end: Settled[P]) -> None:
        node = end.node
        if node.creates and not node.repeats:  # first, as all that comes after it can't fail
            state = state_of(end)
            if state.is_there or not self._is_there(end):
                self._results.put(node.record, state, node.line, node.fingerprint, end.id)
            if self._active.get(node.record) is node:
                del self._active[node.record]
                parents = self._parents.get(_anywhere(node.record))
                if parents is not None and parents.pop(node.record, 0) is None and not parents:
                    del self._parents[_anywhere(node.record)]
        elif node.deletes and state_of(end).is_there:
            self._results.drop(node.record)
        node.settled = True
        self._waiting.pop(node, None)
        self._out -= node.given_out
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
        return cut_off(node, key, self._results.get(key))


def _anywhere(key: Key) -> Key:
    return key._replace(parent="", step=0)
