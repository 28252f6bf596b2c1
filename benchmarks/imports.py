"""What a cold start costs, in fresh interpreters that take turns."""

from __future__ import annotations

import subprocess
import sys

from .measure import table

AIOHTTP = "import aiohttp"
THREDFI = "import thredfi_async"
FIRST_MODEL = "import thredfi_async; then the first model, CreateInvoiceRequest"

CODE = {
    AIOHTTP: "import aiohttp",
    THREDFI: "import thredfi_async",
    FIRST_MODEL: "import thredfi_async; from thredfi_async.models import CreateInvoiceRequest",
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


def run(*, rounds: int) -> str:
    """Measure and return the table."""
    samples: dict[str, list[float]] = {name: [] for name in CODE}
    for round_number in range(rounds + 1):
        for name, code in CODE.items():
            spent = float(_fresh(TIMED.format(code=code)))
            if round_number:  # the first one fills the disk cache and compiles
                samples[name].append(spent)
    loaded = _fresh(LOADED).split()
    return (
        f"{table(samples, beside=AIOHTTP, unit='ms')}\n"
        f"Model modules loaded by import thredfi_async: {len(loaded)} {' '.join(loaded)}".rstrip()
    )


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True
    )
    return done.stdout.strip()
