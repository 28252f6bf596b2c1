"""``thredfi push``."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import attrs

from ..client import ThredfiClient
from ..errors import ThredfiError
from ..push import Journal, Outcome, Push, Summary
from ..push.files import STANDARD_INPUT, read_lines
from .connection import Connection, complain
from .failed_file import FailedFile
from .interrupts import on_interrupt
from .progress import show_progress
from .summary import summary_text

__all__ = ["PushCommand"]

ALL_PUSHED, SOME_FAILED, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130

GRACE = 10.0  # seconds that calls under way get after Ctrl-C
FAILURES_SHOWN = 5  # where no file takes them


class CannotRun(Exception):
    """Something is wrong before anything was sent."""


@attrs.define
class PushCommand:
    """One run of the command, as the options ask for it."""

    file: str
    concurrency: int
    failed: Path | None
    journal: Path | None
    resume: bool
    as_json: bool
    progress: bool
    connection: Connection
    _interrupted: bool = attrs.field(default=False, init=False)
    _stopped_by: str | None = attrs.field(default=None, init=False)
    _first_failures: list[Outcome] = attrs.field(factory=list, init=False)

    async def run(self) -> int:
        """Push, report, and return the exit status."""
        with ExitStack() as stack:
            try:
                self._check_input()
                failed = self._open_failed_file()
                if failed is not None:
                    stack.enter_context(failed)
                journal = self._open_journal()
                if journal is not None:
                    stack.enter_context(journal)
                client = self.connection.client(max_connections=self.concurrency)
            except (CannotRun, ThredfiError) as error:
                complain(str(error))
                return COULD_NOT_RUN
            async with client as thredfi:
                summary = await self._push(thredfi, failed, journal)
        written = self._report(summary)
        if self._stopped_by is not None or not written:
            return COULD_NOT_RUN
        if self._interrupted:
            return INTERRUPTED
        return SOME_FAILED if summary.failed else ALL_PUSHED

    # --- before ------------------------------------------------------------------------

    def _check_input(self) -> None:
        if self.file == STANDARD_INPUT:
            return
        try:
            if stat.S_ISDIR(os.stat(self.file).st_mode):
                raise CannotRun(f"{self.file} is a directory")
            if os.path.isfile(self.file):  # a pipe would lose what is read from it here
                with open(self.file, "rb"):
                    pass
        except OSError as error:
            raise CannotRun(f"can't read {self.file}: {error.strerror}") from None

    def _open_failed_file(self) -> FailedFile | None:
        if self.failed is None:
            return None
        try:
            if _same_file(self.failed, self.file):
                raise CannotRun(f"--failed {self.failed} is the input itself")
            return FailedFile(self.failed)
        except OSError as error:
            raise CannotRun(f"can't write --failed {self.failed}: {error.strerror}") from None

    def _open_journal(self) -> Journal | None:
        """The journal that --journal names. Raises `JournalError`."""
        if self.journal is None:
            if self.resume:
                raise CannotRun("--resume takes up a journal: name it with --journal FILE")
            return None
        return Journal(self.journal, resume=self.resume)

    # --- during ------------------------------------------------------------------------

    async def _push(
        self, thredfi: ThredfiClient, failed: FailedFile | None, journal: Journal | None
    ) -> Summary:
        try:
            run = thredfi.push(read_lines(self.file), concurrency=self.concurrency, journal=journal)
        except ThredfiError as error:
            self._stopped_by = str(error)
            return Summary()
        try:
            with on_interrupt(lambda: self._interrupt(run)):
                async with self._progress(run):
                    async for outcome in run:
                        if not outcome.ok:
                            self._keep(outcome, failed, run)
        except ThredfiError as error:
            self._stopped_by = self._stopped_by or str(error)
        except OSError as error:
            self._stopped_by = self._stopped_by or f"can't read {self.file}: {error}"
        return run.summary

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
        if len(self._first_failures) < FAILURES_SHOWN:
            self._first_failures.append(outcome)
        if failed is None or self._stopped_by is not None:
            return
        try:
            failed.add(outcome)
        except OSError as error:
            self._stopped_by = f"can't write --failed {self.failed}: {error.strerror}"
            run.stop()

    # --- after -------------------------------------------------------------------------

    def _report(self, summary: Summary) -> bool:
        """Print what happened. False where stdout doesn't take it."""
        if self._stopped_by is not None:
            complain(f"stopped: {self._stopped_by}")
        if self._interrupted:
            complain("interrupted")
        if not summary.complete:
            complain(
                f"{summary.total():,} records are settled, {summary.unsent:,} more were read and "
                f"not sent, the rest was not read. {self._how_to_go_on()}"
                if summary.total()
                else "nothing was pushed"
            )
        if summary.failed:
            self._report_failures(summary)
        if self.as_json:
            figures = summary.as_dict()
            figures["interrupted"] = self._interrupted
            figures["stopped_by"] = self._stopped_by
            return _print(json.dumps(figures))
        return _print(summary_text(summary))

    def _how_to_go_on(self) -> str:
        if self.journal is not None:
            return f"To go on: --journal {self.journal} --resume."
        return "Push the same input again to go on: what is done is replayed, not doubled."

    def _report_failures(self, summary: Summary) -> None:
        if self.failed is not None:
            complain(
                f"{summary.failed:,} records failed; they are in {self.failed} with the reasons. "
                "Mended, that file can be pushed."
            )
            return
        for outcome in self._first_failures:
            name = " ".join(filter(None, (outcome.type, outcome.external_id)))
            complain(f"line {outcome.line}{f' ({name})' if name else ''}: {outcome.reason}")
        if (more := summary.failed - len(self._first_failures)) > 0:
            complain(f"and {more:,} more failed; --failed FILE keeps them all with the reasons")


def _same_file(one: Path, other: str) -> bool:
    return one.exists() and os.path.exists(other) and os.path.samefile(one, other)


def _print(text: str) -> bool:
    try:
        print(text, flush=True)
    except OSError as error:
        complain(f"can't print the summary: {error.strerror}")
        # Else the interpreter would try once more when it ends, and complain in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
