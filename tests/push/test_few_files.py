"""A push on a machine, or in a container, that allows it few open files."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from thredfi_async.emulator import Emulator

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="the limit is one of POSIX"),
    pytest.mark.no_cover,
]

ROOT = Path(__file__).parents[2]
PUSH = """
import asyncio, json, os, resource, sys
from thredfi_async import RetryPolicy, ThredfiClient
from thredfi_async.push import Journal

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

def take_all_files():
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return taken

async def main(path, exhausted):
    outcomes = []
    records = [
        {"type": "customer", "business": "shop", "external_id": f"C{number}"}
        for number in range(600)
    ]
    journal = Journal(path) if path else None
    async with ThredfiClient.from_env(
        max_connections=256, retry=RetryPolicy(attempts=1)
    ) as thredfi:
        run = thredfi.push(records, concurrency=256, journal=journal)
        async for outcome in run:
            if exhausted and not outcomes:
                taken = take_all_files()
                asyncio.get_running_loop().call_later(0.3, lambda: [*map(os.close, taken)])
            outcomes.append(outcome)
    if journal:
        journal.close()
    bad = [f"{outcome.status}: {outcome.reason}" for outcome in outcomes if not outcome.ok]
    print(json.dumps({"ended": len(outcomes), "bad": bad[:3], "complete": run.summary.complete}))

asyncio.run(main(sys.argv[1], sys.argv[2] == "exhausted"))
"""


@pytest.mark.parametrize("with_journal", [True, False], ids=["journal", "no journal"])
@pytest.mark.parametrize("how", ["few", "exhausted"])
async def test_64_open_files_are_enough_for_a_concurrency_of_256(tmp_path, with_journal, how):
    """``exhausted``: the application itself takes all that there are, for a moment."""
    async with Emulator() as emulator:
        emulator.add_business("shop")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PUSH, str(tmp_path / "run.db") if with_journal else "", how),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ
            | {
                "THREDFI_BASE_URL": emulator.url,
                "THREDFI_PARTNER_UUID": emulator.partner_uuid,
                "THREDFI_API_KEY": emulator.api_key,
            },
        )
        try:
            async with asyncio.timeout(60):
                printed, complaints = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert json.loads(printed or "{}") == {"ended": 600, "bad": [], "complete": True}, (
            complaints.decode()
        )
        assert len(emulator.books("shop").customers) == 600
