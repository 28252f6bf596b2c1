"""Instructions of one call, counted by valgrind: what time can't show on a noisy machine.

One process under callgrind makes N calls of each variant, then 2 N; the difference divided by N
is free of all that is done once. Callgrind writes its counter down, and starts it anew, whenever
`MARK` is called: a function of libc that nothing else calls.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import stub
from .measure import Call, Samples, cpu_per_call
from .results import BY_HAND, TYPED, Section, rows
from .variants import all_calls, client, client_calls

MARK = "getpriority"
HOOKS_ON = "thredfi: with both hooks"
HOOKS_OFF = "thredfi: hooks added, then removed"
LOGGING = "thredfi: all loggers at DEBUG"


def run(*, calls: int) -> Section:
    """Count each variant, one call at a time."""
    section = Section("instructions", "Instructions of one invoices.create, one at a time", [])
    if shutil.which("valgrind") is None:
        section.notes.append("skipped: valgrind is not installed")
        return section
    with stub.running() as base_url, tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *["valgrind", "--tool=callgrind", f"--dump-before={MARK}"],
                f"--callgrind-out-file={folder}/out",
                *[sys.executable, "-m", "benchmarks.instructions", base_url, str(calls)],
            ],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        totals = [_total(path) for path in sorted(Path(folder).glob("out.*"), key=_number)]
    names = done.stdout.splitlines()
    if done.returncode or len(totals) < 3 * len(names):
        section.notes.append(f"skipped: {done.stderr[-300:] or 'valgrind wrote too little'}")
        return section
    samples: Samples = {}
    for index, name in enumerate(names):
        once, twice = totals[3 * index + 1 : 3 * index + 3]
        samples[name] = [(twice - once) / calls / 1000]
    section.rows.extend(
        rows("instructions", "asyncio, plain", samples, beside=BY_HAND, unit="k instructions")
    )
    section.notes.extend(_of_what_is_off(samples))
    return section


def _of_what_is_off(samples: Samples) -> list[str]:
    [plain] = samples[TYPED]
    return [
        f"{name}: {(samples[name][0] - plain) / plain:+.1%} beside the same call without"
        for name in (HOOKS_OFF, LOGGING, HOOKS_ON)
    ] + ["Tracing has no code of its own in a call: it is one of the hooks."]


def _number(path: Path) -> int:
    return int(path.suffix[1:])


def _total(path: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", path.read_text(errors="replace"), re.M)
    return int(found[1]) if found else 0


async def _count(base_url: str, calls: int) -> None:
    async with all_calls(base_url) as (variants, _), client(base_url) as hooked:
        call = client_calls(hooked)[TYPED]
        for name, variant in variants.items():
            await _between_marks(name, variant, calls)
        session = hooked._session
        session.on_attempt.append(lambda ended: None)
        session.on_outcome.append(lambda ended: None)
        await _between_marks(HOOKS_ON, call, calls)
        session.on_attempt.clear()
        session.on_outcome.clear()
        await _between_marks(HOOKS_OFF, call, calls)
        logging.basicConfig(level=logging.DEBUG, handlers=[logging.NullHandler()])
        await _between_marks(LOGGING, call, calls)


async def _between_marks(name: str, call: Call, calls: int) -> None:
    await cpu_per_call(call, calls=20, concurrency=1)  # to warm up
    os.getpriority(os.PRIO_PROCESS, 0)
    for times in (1, 2):
        await cpu_per_call(call, calls=times * calls, concurrency=1)
        os.getpriority(os.PRIO_PROCESS, 0)
    print(name, flush=True)


if __name__ == "__main__":
    asyncio.run(_count(sys.argv[1], int(sys.argv[2])))
