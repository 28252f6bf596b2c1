"""What a cold start costs, in fresh interpreters that take turns: imports, and a first call."""

from __future__ import annotations

import os
import subprocess
import sys

from . import payloads, stub
from .measure import Samples
from .results import FIRST_CALL, IMPORT, Section, rows

AIOHTTP = "import aiohttp"
FIRST_MODEL = "import thredfi_async, first model"
FIRST_BY_HAND = "aiohttp by hand: import, token, create"

IMPORTS = {
    AIOHTTP: "import aiohttp",
    IMPORT: "import thredfi_async",
    FIRST_MODEL: "import thredfi_async; from thredfi_async.models import CreateInvoiceRequest",
}
FIRST_CALLS = {
    FIRST_BY_HAND: """
import asyncio, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        path = "{base_url}/v1/platform"
        auth = {{"Authorization": aiohttp.encode_basic_auth("partner", "key")}}
        async with session.post(path + "/oauth2/token/", headers=auth) as answer:
            token = (await answer.json())["access_token"]
        auth = {{"Authorization": "Bearer " + token}}
        async with session.post(path + "/{business}/oauth2/token/", headers=auth) as answer:
            token = (await answer.json())["access_token"]
        auth = {{"Authorization": "Bearer " + token}}
        invoices = path + "/businesses/{business}/invoices/"
        async with session.post(invoices, headers=auth, json={body}) as answer:
            assert (await answer.json())["id"]
asyncio.run(main())
""",
    FIRST_CALL: """
import asyncio, thredfi_async
async def main():
    options = dict(partner_uuid="partner", api_key="key", base_url="{base_url}")
    async with thredfi_async.ThredfiClient(**options) as thredfi:
        assert (await thredfi.business("{business}").invoices.create({body})).id
asyncio.run(main())
""",
}
TIMED = """
import time
started = time.process_time()
{code}
print(time.process_time() - started)
"""
LOADED = """
import sys, thredfi_async
print(*(name for name in sys.modules if name.startswith("thredfi_async.models")))
"""


def run(*, rounds: int) -> Section:
    """Imports alone."""
    loaded = _fresh(LOADED).split()
    note = f"Model modules loaded by import thredfi_async: {len(loaded)} {' '.join(loaded)}"
    found = rows("import", "fresh process", _turns(IMPORTS, rounds), beside=AIOHTTP, unit="ms")
    return Section("import", "CPU of an import", found, [note.rstrip()])


def run_cold(*, rounds: int) -> Section:
    """From nothing to the first answer: the import, two tokens, one create from a mapping."""
    with stub.running() as base_url:
        words = {
            "base_url": base_url,
            "business": payloads.BUSINESS,
            "body": payloads.invoice_mapping(1),
        }
        code = {name: text.format(**words) for name, text in FIRST_CALLS.items()}
        samples = _turns(code, rounds)
    found = rows("cold", "fresh process", samples, beside=FIRST_BY_HAND, unit="ms")
    return Section("cold", "CPU of a first call, its imports included", found)


def _turns(code: dict[str, str], rounds: int) -> Samples:
    samples: Samples = {name: [] for name in code}
    for round_number in range(rounds + 1):
        for name, text in list(code.items())[:: 1 if round_number % 2 else -1]:
            spent = float(_fresh(TIMED.format(code=text)))
            if round_number:  # the first one fills the disk cache and compiles
                samples[name].append(spent)
    return samples


def _fresh(code: str) -> str:
    # Without its cache Python would compile the package anew in each process.
    env = {name: held for name, held in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True, env=env
    )
    return done.stdout.strip()
