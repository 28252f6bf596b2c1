"""Leaving a push early while its journal is being written: the interpreter must survive it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import cases

ROOT = Path(__file__).parents[2]
PROCESSES, LOOPS = cases(4, 10), 5
LEAVE_EARLY = """
import asyncio, sys
from pathlib import Path
from tests.push.fakes import FakeSender, customer
from thredfi_async.push import Journal, Push

async def main(path, left_after):
    records = (customer(f"C{number}") for number in range(2_000))
    with Journal(path) as journal:
        ended = 0
        async for outcome in Push(FakeSender(), records, journal=journal, concurrency=400):
            await asyncio.sleep(0)  # as whoever does something with an outcome
            ended += 1
            if ended == left_after:
                break
    return ended

folder, loops, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for loop in range(loops):
    left_after = 1 + 7 * loop + number
    assert asyncio.run(main(folder / f"{number}-{loop}.db", left_after)) == left_after
print("well", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_leaving_the_loop_of_the_readme_early_does_not_crash_the_interpreter(tmp_path):
    """Many times: closing SQLite while another thread writes crashed nearly every time."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LEAVE_EARLY, str(tmp_path), str(LOOPS), str(number)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    try:
        for process in processes:
            printed, complaints = process.communicate(timeout=120)
            assert (process.returncode, printed, complaints) == (0, "well\n", "")
    finally:
        for process in processes:
            process.kill()
            process.communicate()
