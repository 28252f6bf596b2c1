"""Part 2: ``thredfi push --journal`` that is killed again and again, and resumed each time."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs

from .check import Said, differences
from .part import Result, Sizes, read_failed
from .records import Item, Line, lines
from .server import Server, running

__all__ = ["run"]

CONCURRENCY = 32
MOST_RECORDS = 50_000
_AT_THE_START = 5  # every so many kills comes soon after the start, by the clock
_SOON = 1.5  # seconds
_LOOK = 0.005  # seconds


@attrs.frozen
class _Instant:
    """When to kill: at so many rows in the books, or so many seconds after the start."""

    rows: int | None = None
    seconds: float | None = None

    def has_come(self, rows: int, seconds: float) -> bool:
        return (self.rows is not None and rows >= self.rows) or (
            self.seconds is not None and seconds >= self.seconds
        )


async def run(sizes: Sizes, folder: Path) -> Result:
    """Push in a process that is killed at random instants, then once to the end."""
    result = Result()
    given = list(lines(sizes.seed, min(sizes.records, MOST_RECORDS), refused=False))
    file = folder / "records.jsonl"
    file.write_bytes(b"".join(line.text + b"\n" for line in given))
    with running(seed=sizes.seed) as server:
        push = _Push(server, folder)
        for instant in _instants(sizes, given):
            await push.until(instant)
            result.problems += push.ended_early()
            _check_again(result, _sent_again(server), push.runs - 1)
        summary = await push.to_the_end()
        again = _sent_again(server)
        _check_again(result, again, sizes.kills)
        said = _said(given, folder)
        result.problems += differences(given, said, server.books())
        result.problems += _check_summary(summary, said, len(given))
    result.show("records", len(given))
    result.show("kills", sizes.kills)
    result.show("done", len(said.done))
    result.show("failed (broken lines)", len(said.failed))
    result.show("sent again", f"{again:,} (at most {sizes.kills * CONCURRENCY:,})")
    return result


def _instants(sizes: Sizes, given: list[Line]) -> Iterator[_Instant]:
    """In the order in which they come."""
    chance = Random(f"kills {sizes.seed}")
    there = len({line.item for line in given if line.item is not None})
    rows = iter(sorted(chance.randint(1, there * 19 // 20) for _ in range(sizes.kills)))
    for number in range(1, sizes.kills + 1):
        if number % _AT_THE_START == 0:
            yield _Instant(seconds=chance.uniform(0, _SOON))
        else:
            yield _Instant(rows=next(rows))


@attrs.define
class _Push:
    """One run of the command after the other, with the same journal."""

    server: Server
    folder: Path
    runs: int = 0
    _status: int | None = None

    async def until(self, instant: _Instant) -> None:
        """Start it, and kill it when the instant has come."""
        process = await self._start(asyncio.subprocess.DEVNULL)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            while process.returncode is None:
                if instant.has_come(self.server.figures()["rows"], clock() - started):
                    break
                await asyncio.sleep(_LOOK)
        finally:
            await _kill(process)
        self._status = process.returncode

    def ended_early(self) -> list[str]:
        """What is wrong if the last run did not end by the kill."""
        if self._status == -9:
            return []
        said = (self.folder / "push.err").read_text().strip()
        return [f"run {self.runs} ended by itself, with status {self._status}: {said}"]

    async def to_the_end(self) -> dict[str, Any]:
        """Run it once more and let it end; the summary that it prints."""
        process = await self._start(asyncio.subprocess.PIPE)
        try:
            printed, _ = await process.communicate()
        finally:
            await _kill(process)
        summary: dict[str, Any] = json.loads(printed or "{}")
        return summary

    async def _start(self, stdout: int) -> asyncio.subprocess.Process:
        self.runs += 1
        folder, server = self.folder, self.server
        journal = folder / "run.db"  # which an early kill may have come before
        options = ["--journal", str(journal), *(["--resume"] if journal.exists() else [])]
        options += ["--failed", str(folder / "failed.jsonl"), "--concurrency", str(CONCURRENCY)]
        with (folder / "push.err").open("wb") as complaints:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "thredfi_async.cli", "push", str(folder / "records.jsonl")),
                *(*options, "--json", "--no-progress"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stdout,
                stderr=complaints,
                env=os.environ | server.environment,
            )


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _sent_again(server: Server) -> int:
    """How many creates came that made nothing new."""
    figures = server.figures()
    creates = sum(n for name, n in figures["requests"].items() if name.startswith("create_"))
    return int(creates - figures["rows"])


def _check_again(result: Result, again: int, kills: int) -> None:
    """Only what was under way at a kill may be sent again, and each time it was so."""
    if again > kills * CONCURRENCY:
        result.problems.append(
            f"{again:,} records were sent again after {kills} kills with {CONCURRENCY} under way"
        )


def _said(given: list[Line], folder: Path) -> Said:
    """By the journal; a line that is the same as an earlier one ends as that does."""
    connection = sqlite3.connect(folder / "run.db")
    try:
        rows = connection.execute("SELECT line, status FROM records").fetchall()
        [(sound,)] = connection.execute("PRAGMA integrity_check").fetchall()
    finally:
        connection.close()
    if sound != "ok":
        raise AssertionError(f"the journal is broken: {sound}")
    said = Said({line for line, status in rows if status in ("created", "replayed")})
    said.failed = read_failed(folder / "failed.jsonl")
    first: dict[Item, int] = {}
    for number, line in enumerate(given, 1):
        if line.item is not None and first.setdefault(line.item, number) in said.done:
            said.done.add(number)
    return said


def _check_summary(summary: dict[str, Any], said: Said, count: int) -> list[str]:
    wanted = {
        "records": count,
        "failed": len(said.failed),
        "complete": True,
        "unsent": 0,
        "stopped_by": None,
    }
    found = {name: summary.get(name) for name in wanted}
    done = summary.get("created", 0) + summary.get("replayed", 0)
    problems = [] if found == wanted else [f"the last summary says {found}, not {wanted}"]
    if done != len(said.done):
        problems.append(f"the last summary has {done:,} done, the journal {len(said.done):,}")
    return problems
