"""``thredfi push``."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import attrs

from ..client import ThredfiClient
from ..errors import ConfigurationError, ThredfiError, TransportError
from ..push import (
    Journal,
    OnDifference,
    Outcome,
    Push,
    Record,
    SqliteIdStore,
    Status,
    Summary,
)
from ..push.files import STANDARD_INPUT, read_lines
from ..push.records import with_file_below
from ..push.sender import ON_DIFFERENCE
from .connection import Connection
from .endings import Course, Exit
from .failed_file import FailedFile
from .interrupts import in_loop, on_interrupt
from .output import complain, counted, say
from .outputs import keep_apart
from .progress import show_progress
from .summary import not_ok_text, summary_text

__all__ = ["PushCommand"]

GRACE = 10.0  # seconds that calls under way get after Ctrl-C
FAILURES_SHOWN = 5  # where no file takes them


@attrs.define
class PushCommand:
    """One run of the command, as the options ask for it."""

    file: str
    concurrency: int
    failed: Path | None
    journal: Path | None
    resume: bool
    ids: Path | None
    known: tuple[Path, ...]
    lookup: bool
    on_difference: str
    send_all: bool
    as_json: bool
    progress: bool
    connection: Connection
    _interrupted: bool = attrs.field(default=False, init=False)
    _stopped_by: str | None = attrs.field(default=None, init=False)
    _not_ok: Counter[Status] = attrs.field(factory=Counter, init=False)
    _first_failures: list[Outcome] = attrs.field(factory=list, init=False)

    def run(self, course: Course) -> Exit:
        """Push, report, and return the exit status."""
        if self.on_difference not in ON_DIFFERENCE:
            known = ", ".join(ON_DIFFERENCE)
            raise ConfigurationError(f"--on-difference is one of {known}, not {self.on_difference}")
        self._check_files()
        client = self.connection.client(max_connections=self.concurrency)
        with ExitStack() as stack:
            failed = self._open_failed_file()
            if failed is not None:
                stack.enter_context(failed)
            journal = self._open_journal()
            if journal is not None:
                stack.enter_context(journal)
            summary = in_loop(self._push(client, failed, journal, course))
            if failed is not None and summary.complete and self._stopped_by is None:
                self._finish(failed)
        self._report(summary, failed)
        if self._interrupted and self._stopped_by is None:
            return Exit.INTERRUPTED
        if self._stopped_by is not None or not summary.complete:
            return course.broken_off()
        return Exit.NOT_ALL_WELL if self._not_ok else Exit.WELL

    # --- before ------------------------------------------------------------------------

    def _check_files(self) -> None:
        """Whether the run is allowed, as far as its files go. Raises `ConfigurationError`."""
        if self.resume and self.journal is None:
            raise ConfigurationError("--resume takes up a journal: name it with --journal FILE")
        keep_apart(
            {
                "the input": 0 if self.file == STANDARD_INPUT else self.file,
                "the file of --api-key-file": self.connection.api_key_file,
                **{f"--known {path}": path for path in self.known},
                "standard output": 1,
                "standard error": 2,
            },
            {
                "--journal": self.journal,
                **{f"{name} of the journal": path for name, path in _beside(self.journal)},
                "--ids": self.ids,
                **{f"{name} of the ids": path for name, path in _beside(self.ids)},
                "--failed": self.failed,
            },
        )
        if self.file == STANDARD_INPUT:
            return
        try:
            if stat.S_ISDIR(os.stat(self.file).st_mode):
                raise ConfigurationError(f"{self.file} is a directory")
            if os.path.isfile(self.file):  # a pipe would lose what is read from it here
                with open(self.file, "rb"):
                    pass
        except OSError as error:
            raise ConfigurationError(f"can't read {self.file}: {error.strerror}") from None

    def _open_failed_file(self) -> FailedFile | None:
        if self.failed is None:
            return None
        try:
            return FailedFile(self.failed)
        except OSError as error:
            raise ConfigurationError(
                f"can't write --failed {self.failed}: {error.strerror}"
            ) from None

    def _open_journal(self) -> Journal | None:
        """The journal that --journal names. Raises `JournalError`."""
        if self.journal is None:
            return None
        return Journal(self.journal, resume=self.resume)

    # --- during ------------------------------------------------------------------------

    async def _push(
        self,
        client: ThredfiClient,
        failed: FailedFile | None,
        journal: Journal | None,
        course: Course,
    ) -> Summary:
        async with client as thredfi, AsyncExitStack() as stores:
            ids = None if self.ids is None else SqliteIdStore(self.ids)
            known = [SqliteIdStore(path, read_only=True) for path in self.known]
            for store in (*known, *([ids] if ids is not None else ())):
                await stores.enter_async_context(store)
            run = thredfi.push(
                self._records(),
                concurrency=self.concurrency,
                journal=journal,
                ids=ids,
                known=known,
                lookup=self.lookup,
                on_difference=cast(OnDifference, self.on_difference),
                send_unchanged=self.send_all,
            )
            try:
                with on_interrupt(lambda: self._interrupt(run)):
                    async with self._progress(run):
                        async for outcome in run:
                            course.sent = course.sent or _was_sent(outcome)
                            if not outcome.ok:
                                self._keep(outcome, failed, run)
            except ThredfiError as error:
                self._stopped_by = self._stopped_by or str(error)
            except OSError as error:
                self._stopped_by = self._stopped_by or f"can't read {self.file}: {error}"
            return run.summary

    async def _records(self) -> AsyncGenerator[Record, None]:
        """The lines of the input. A file to attach lies where the input does."""
        folder = Path() if self.file == STANDARD_INPUT else Path(self.file).parent
        async for line in read_lines(self.file):
            yield with_file_below(line, folder) if isinstance(line, bytes) else line

    @asynccontextmanager
    async def _progress(self, run: Push) -> AsyncIterator[None]:
        if not self.progress:
            yield
            return
        async with show_progress(self.file, lambda: run.summary):
            yield

    def _interrupt(self, run: Push) -> None:
        if self._interrupted:
            run.stop(grace=0)
            return
        self._interrupted = True
        run.stop(grace=GRACE)
        complain(
            f"stopping; calls under way get up to {GRACE:.0f} s to end (Ctrl-C again: at once)"
        )

    def _keep(self, outcome: Outcome, failed: FailedFile | None, run: Push) -> None:
        self._not_ok[outcome.status] += 1
        if len(self._first_failures) < FAILURES_SHOWN:
            self._first_failures.append(outcome)
        if failed is None or self._stopped_by is not None or outcome.status is Status.DIFFERS:
            return
        try:
            failed.add(outcome)
        except OSError as error:
            self._stopped_by = f"can't write --failed {self.failed}: {error.strerror}"
            run.stop()

    # --- after -------------------------------------------------------------------------

    def _finish(self, failed: FailedFile) -> None:
        try:
            failed.finish()
        except OSError as error:
            self._stopped_by = f"can't write --failed {self.failed}: {error.strerror}"

    def _report(self, summary: Summary, failed: FailedFile | None) -> None:
        """Print what happened."""
        if self._stopped_by is not None:
            complain(f"stopped: {self._stopped_by}")
        if self._interrupted:
            complain("interrupted")
        if not summary.complete:
            settled = summary.total()
            complain(
                f"{counted(settled, 'record')} {'is' if settled == 1 else 'are'} settled, "
                f"{summary.unsent:,} more {'was' if summary.unsent == 1 else 'were'} read and not "
                f"sent, the rest was not read. {self._how_to_go_on()}"
                if settled
                else "nothing was pushed"
            )
        if self._not_ok:
            self._report_failures(failed)
        if self.as_json:
            figures = summary.as_dict()
            figures["interrupted"] = self._interrupted
            figures["stopped_by"] = self._stopped_by
            say(json.dumps(figures))
        else:
            say(*summary_text(summary))

    def _how_to_go_on(self) -> str:
        if self.journal is not None:
            return f"To go on: --journal {self.journal} --resume."
        return "Push the same input again to go on: what is done is replayed, not doubled."

    def _report_failures(self, failed: FailedFile | None) -> None:
        total = self._not_ok.total()
        text = not_ok_text(self._not_ok)
        if failed is not None and failed.records == total:
            kept = "with the reasons. Mended, that file can be pushed."
            if failed.is_part and self.failed is not None and self.failed.exists():
                kept += f" {self.failed} is as it was: only a run that ends replaces it."
            complain(f"{text}; they are in {failed.path} {kept}")
            return
        if failed is not None:
            complain(f"{text}; {failed.records:,} of them are in {failed.path} with the reasons")
        for outcome in self._first_failures:
            complain(f"{_named(outcome)}: {outcome.reason}")
        if (more := total - len(self._first_failures)) > 0:
            complain(f"and {more:,} more; --failed FILE keeps them all with the reasons")


def _beside(journal: Path | None) -> list[tuple[str, Path]]:
    """The files that SQLite keeps beside one of its own."""
    if journal is None:
        return []
    return [(suffix, Path(f"{journal}-{suffix}")) for suffix in ("journal", "wal", "shm")]


def _was_sent(outcome: Outcome) -> bool:
    # A transport error in a record's outcome says that nothing was changed at Thred.
    return outcome.attempts > 0 and not isinstance(outcome.error, TransportError)


def _named(outcome: Outcome) -> str:
    name = " ".join(filter(None, (outcome.type, outcome.external_id)))
    business = f"of {outcome.business}" if outcome.business else ""
    known = " ".join(filter(None, (name, business)))
    return f"line {outcome.line}{f' ({known})' if known else ''}"
