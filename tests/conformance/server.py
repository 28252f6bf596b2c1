"""The emulator in a process of its own: tells where it is on stdout, serves until stdin ends."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from thredfi_async.emulator import Emulator
from thredfi_async.operations import OPERATIONS

_DAY = 86_400  # seconds; no run is longer


@attrs.frozen
class Served:
    """A running emulator. ``authorization`` holds the header per operation id, "" for all else."""

    url: str
    business_id: str
    operations: frozenset[str]
    authorization: dict[str, str]


@contextmanager
def served(seed: int) -> Iterator[Served]:
    """A fresh emulator with one business, for as long as the block lasts."""
    command = [sys.executable, "-m", __name__, str(seed)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            found = json.loads(process.stdout.readline())
            pair = f"{found['partner_uuid']}:{found['api_key']}".encode()
            basic = "Basic " + base64.b64encode(pair).decode()
            bearer = "Bearer " + _token(found["url"], basic)
            yield Served(
                url=found["url"],
                business_id=found["business_id"],
                operations=frozenset(found["operations"]),
                authorization={"get_partner_token": basic, "": bearer},
            )
            assert process.poll() is None, "the emulator's process has died"
        finally:
            process.stdin.close()


def _token(url: str, basic: str) -> str:
    request = urllib.request.Request(
        f"{url}/v1/platform/oauth2/token/", method="POST", headers={"Authorization": basic}
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["access_token"])


async def _serve(seed: int) -> None:
    async with Emulator(seed=seed, token_lifetime=_DAY) as emulator:
        business_id = emulator.add_business("shop")
        # Of all that can be read, the API itself makes no money move on a bank account.
        for amount in (100, 2_500, 1_000_000, -100, -300, -50_000):
            emulator.add_bank_transaction(business_id, amount)
        found = {
            "url": emulator.url,
            "partner_uuid": emulator.partner_uuid,
            "api_key": emulator.api_key,
            "business_id": business_id,
            "operations": sorted(emulator.operations & OPERATIONS.keys()),
        }
        print(json.dumps(found), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    logging.getLogger("aiohttp.server").disabled = True  # Schemathesis first sends broken headers
    asyncio.run(_serve(int(sys.argv[1])))
