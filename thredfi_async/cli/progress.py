"""How far a push is: a bar on a terminal, a line now and then otherwise. Always on stderr."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..push import Summary
from ..push.files import STANDARD_INPUT, count_lines
from .output import counted, note

__all__ = ["show_progress"]

BAR_SECONDS = 0.1
LINE_SECONDS = 5.0


class Display(Protocol):
    """One way of showing progress."""

    interval: float

    def show(self, summary: Summary, total: int | None) -> None:
        """The figures as they are now; ``total`` is None while the size isn't known."""
        ...

    def close(self, summary: Summary) -> None:
        """The last figures."""
        ...


class Bar:
    """For a terminal."""

    interval = BAR_SECONDS

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("pushing"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}/s"),
            TextColumn("{task.fields[failed]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            expand=True,
        )
        self._task = self._progress.add_task("", total=None, rate="0", failed="")
        self._progress.start()

    def show(self, summary: Summary, total: int | None) -> None:
        """Redraw the bar."""
        failed = summary.failed
        self._progress.update(
            self._task,
            completed=summary.total(),
            total=total,
            rate=f"{_rate(summary):,.0f}",
            failed=f"[red]{failed:,} failed[/red]" if failed else "0 failed",
            refresh=True,
        )

    def close(self, summary: Summary) -> None:
        """Leave the bar as it ended."""
        self.show(summary, summary.records if summary.complete else None)
        self._progress.stop()


class Lines:
    """For a file or a pipe: logs of unattended runs."""

    interval = LINE_SECONDS

    def show(self, summary: Summary, total: int | None) -> None:
        """Print one line."""
        done = summary.total()
        of = f"{done:,} of {counted(total, 'record')}" if total else counted(done, "record")
        note(f"{of}, {_rate(summary):,.0f}/s, {summary.failed:,} failed")

    def close(self, summary: Summary) -> None:
        """The summary follows; nothing to add."""


def _rate(summary: Summary) -> float:
    return summary.total() / summary.seconds if summary.seconds else 0.0


@asynccontextmanager
async def show_progress(file: str, summary: Callable[[], Summary]) -> AsyncIterator[None]:
    """Show the progress of pushing ``file`` while inside."""
    display: Display = Bar() if sys.stderr.isatty() else Lines()
    size = _Size(file)
    ticker = asyncio.create_task(_tick(display, summary, size))
    try:
        yield
    finally:
        size.stop.set()
        ticker.cancel()
        await asyncio.gather(ticker, return_exceptions=True)
        display.close(summary())


async def _tick(display: Display, summary: Callable[[], Summary], size: _Size) -> None:
    while True:
        await asyncio.sleep(display.interval)
        display.show(summary(), size.lines)


class _Size:
    """The number of lines, counted on the side. None until known, and where it can't be."""

    def __init__(self, file: str) -> None:
        self.lines: int | None = None
        self.stop = threading.Event()
        if file != STANDARD_INPUT and os.path.isfile(file):
            threading.Thread(target=self._count, args=(Path(file),), daemon=True).start()

    def _count(self, path: Path) -> None:
        with suppress(OSError, EOFError):
            self.lines = count_lines(path, self.stop)
