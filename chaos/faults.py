"""Part 1: a push while a fifth of all requests go wrong in every way there is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thredfi_async import RetryPolicy, ThredfiError
from thredfi_async.cli.failed_file import FailedFile
from thredfi_async.push import Journal, Push

from .check import Said, differences
from .part import Result, Sizes, read_failed
from .plan import TIMEOUT, faults
from .records import Line, lines
from .server import Server, running

__all__ = ["push_all", "run"]

SHARE = 0.2
CONCURRENCY = 64
MOST_RUNS = 200
FAILED = "failed.jsonl"
_RETRY = RetryPolicy(base=0.05)


async def run(sizes: Sizes, folder: Path) -> Result:
    """Push under faults, taking the run up again where it gives up; then mend what failed.

    The books are checked before and after the mending, which is a push of the failed file,
    less the lines that were broken from the start, without faults.
    """
    result, said = Result(), Said()
    with running(seed=sizes.seed) as server:
        server.set_faults(faults(SHARE))
        given = list(lines(sizes.seed, sizes.records))
        runs = await push_all(server, given, folder, said, concurrency=CONCURRENCY)
        figures = server.figures()
        server.set_faults(())
        result.problems += differences(given, said, server.books())
        _show(result, said, runs, figures, len(given))
        await _mend(server, _entries(folder / FAILED), given, said)
        result.show("failed after mending (broken lines)", len(said.failed))
        result.problems += [f"mended: {one}" for one in differences(given, said, server.books())]
        result.problems += [
            f"mended: line {number} still fails: {said.failed[number][1]}"
            for number, line in enumerate(given, 1)
            if line.item is not None and number in said.failed
        ][:5]
    return result


async def push_all(
    server: Server, given: Sequence[Line], folder: Path, said: Said, *, concurrency: int
) -> list[str]:
    """Push until a run comes to its end; why the runs before it did not.

    What fails in the last run is in the file `FAILED` of the folder.
    """
    ends: list[str] = []
    while len(ends) < MOST_RUNS:
        with (
            Journal(folder / "run.db", resume=bool(ends)) as journal,
            FailedFile(folder / FAILED) as failed,
        ):
            async with server.client(timeout=TIMEOUT, retry=_RETRY) as thredfi:
                texts = (line.text for line in given)
                run = thredfi.push(texts, concurrency=concurrency, journal=journal)
                try:
                    await _note(run, failed, said)
                except ThredfiError as error:
                    ends.append(type(error).__name__)
                    continue
            failed.finish()
        said.failed = read_failed(folder / FAILED)
        return ends
    raise AssertionError(f"no run of {MOST_RUNS} came to its end; the last: {ends[-1]}")


async def _note(run: Push, failed: FailedFile, said: Said) -> None:
    async for outcome in run:
        if outcome.ok:
            said.done.add(outcome.line)
        else:
            failed.add(outcome)


def _entries(failed_file: Path) -> list[dict[str, Any]]:
    with failed_file.open("rb") as file:
        return list(map(json.loads, file))


async def _mend(
    server: Server, failed: list[dict[str, Any]], given: list[Line], said: Said
) -> None:
    """Push the entries of a failed file, without those of broken lines."""
    entries = [entry for entry in failed if given[entry["line"] - 1].item is not None]
    async with server.client() as thredfi:
        async for outcome in thredfi.push(entries, concurrency=CONCURRENCY):
            number = entries[outcome.line - 1]["line"]
            del said.failed[number]
            if outcome.ok:
                said.done.add(number)
            else:
                said.failed[number] = (outcome.status, outcome.reason)


def _show(result: Result, said: Said, runs: list[str], figures: dict[str, Any], count: int) -> None:
    requests, struck = sum(figures["requests"].values()), figures["struck"]
    result.show("records", count)
    result.show("requests that were carried out", requests)
    result.show("faults", f"{sum(struck.values()):,} of {len(struck)} kinds")
    result.show("runs that gave up and were resumed", _counts(runs))
    result.show("done", len(said.done))
    ends = Counter(status for status, _ in said.failed.values())
    for status in ("failed", "differs", "unknown"):
        result.show(status, ends[status])


def _counts(names: list[str]) -> str:
    return ", ".join(f"{times} {name}" for name, times in Counter(names).items()) or "none"
