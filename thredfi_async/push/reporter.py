"""Hands out the outcomes: each once the journal and the id store have it, where there are any.

The journal is written by a thread of its own, which exists before anything is sent: what has
ended while it writes goes into its next transaction (group commit).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from queue import SimpleQueue

import attrs

from ..errors import IdStoreError, JournalError
from .endings import Kept
from .ids import IdStore, Key, Known
from .ids_table import merged
from .journal import Journal, Row
from .outcome import Outcome
from .summary import Summary

__all__ = ["Reporter"]


class Reporter:
    """The outcomes of one run, from where a record is settled to where the caller takes them.

    ``changed`` is called when there are more to take, ``failed`` with what ends the run.
    """

    def __init__(
        self,
        journal: Journal | None,
        store: IdStore | None,
        summary: Summary,
        changed: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.outcomes: deque[Outcome] = deque()
        self._writer = None if journal is None else _Writer(journal, self._journaled)
        self._store = store
        self._storing: asyncio.Task[None] | None = None
        self._summary = summary
        self._changed = changed
        self._failed = failed
        self._unkept: list[tuple[Kept | None, Outcome]] = []  # settled, and not being written
        self._writing: list[tuple[Kept | None, Outcome]] = []
        self._kept = asyncio.Event()  # set once the journal has what is in `_unkept` now
        self._being_kept = self._kept  # … what is in `_writing`
        self._broken = False

    def start(self) -> None:
        """Start the journal's thread. Raises `JournalError`."""
        if self._writer is not None:
            self._writer.start()

    @property
    def keeps(self) -> bool:
        """Whether ends are written down: in a journal, or in an id store."""
        return self._writer is not None or self._store is not None

    @property
    def pending(self) -> int:
        """How many outcomes were reported and not taken."""
        return len(self.outcomes) + self.unkept

    @property
    def unkept(self) -> int:
        """How many outcomes wait to be written down."""
        return len(self._unkept) + len(self._writing)

    def report(self, outcome: Outcome, kept: Kept | None = None) -> None:
        """One more outcome, and what is to be kept of it, None for nothing."""
        if not self.keeps:
            self._hand_out(outcome)
            return
        if not self._unkept and not self._writing:
            # Not at once: what ends in the same moment is written at the same go.
            asyncio.get_running_loop().call_soon(self._write)
        self._unkept.append((kept, outcome))

    async def kept(self) -> None:
        """Return when all that was reported is written down."""
        if self._unkept:
            await self._kept.wait()

    async def close(self) -> None:
        """Return when all that was reported is written down, and the thread has ended."""
        while self._unkept or self._writing:
            await (self._kept if self._unkept else self._being_kept).wait()
        if self._writer is not None:
            await self._writer.close()

    def _write(self) -> None:
        """Give what has come to the journal."""
        if self._writing or not self._unkept:
            return
        self._writing, self._unkept = self._unkept, []
        self._being_kept, self._kept = self._kept, asyncio.Event()
        rows = [kept.row for kept, _ in self._writing if kept is not None and kept.row is not None]
        if self._writer is not None and rows and not self._broken:
            self._writer.put(rows)
        else:
            self._journaled(None)

    def _journaled(self, error: Exception | None) -> None:
        """The journal has what it was given, or can't take it. Now the id store."""
        entries: dict[Key, Known | None] = {}
        for kept, _ in self._writing:
            if kept is not None and kept.key is not None:
                before, now = entries.get(kept.key), kept.known
                entries[kept.key] = now if now is None else merged(before, now)
        if self._store is None or not entries or error is not None or self._broken:
            self._written(error)
        else:
            # Not one of the run's tasks: its end, too, waits for what is written.
            self._storing = asyncio.create_task(self._put(self._store, entries))

    async def _put(self, store: IdStore, entries: Mapping[Key, Known | None]) -> None:
        failure: Exception | None = None
        try:
            known = {key: one for key, one in entries.items() if one is not None}
            if known:
                await store.put(known)
            if gone := entries.keys() - known.keys():
                await store.drop(gone)
        except Exception as error:
            failure = error
        except asyncio.CancelledError:
            failure = IdStoreError("the id store was cancelled from outside while it wrote")
        self._written(failure)

    def _written(self, error: Exception | None) -> None:
        """All is written down, or can't be."""
        if error is not None:
            self._broken = True
            self._failed(error)
        batch, self._writing = self._writing, []
        for kept, outcome in batch:
            if kept is not None:
                outcome = attrs.evolve(outcome, journaled=not self._broken)
            try:
                self._hand_out(outcome)
            except Exception as unforeseen:  # those who wait for the others must not hang
                self._failed(unforeseen)
        self._being_kept.set()
        if self._unkept:
            self._write()
        self._changed()

    def _hand_out(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._summary.add(outcome)


class _Writer:
    """The thread that writes a journal, and reports to the event loop."""

    def __init__(self, journal: Journal, written: Callable[[Exception | None], None]) -> None:
        self._journal = journal
        self._written = written
        self._batches: SimpleQueue[list[Row] | None] = SimpleQueue()
        self._ended = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, for the running loop. Raises `JournalError`."""
        loop = asyncio.get_running_loop()
        # A daemon: where the loop is dropped while the run goes on, nobody would end it.
        thread = threading.Thread(
            target=self._run, args=(loop,), name="thredfi push: journal", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise JournalError(f"no thread can be started for the journal: {error}") from None
        self._thread = thread

    def put(self, rows: list[Row]) -> None:
        """Write these; `written` is called in the event loop when it is done."""
        self._batches.put(rows)

    async def close(self) -> None:
        """End the thread."""
        if self._thread is None:
            return
        self._batches.put(None)
        await self._ended.wait()
        self._thread.join()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while (rows := self._batches.get()) is not None:
                loop.call_soon_threadsafe(self._written, self._write(rows))
            loop.call_soon_threadsafe(self._ended.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _write(self, rows: list[Row]) -> Exception | None:
        try:
            self._journal.write(rows)
        except JournalError as error:
            return error
        except BaseException as error:  # whatever it is, those who wait must hear of it
            return JournalError(f"the journal can't be written: {type(error).__name__}: {error}")
        return None
