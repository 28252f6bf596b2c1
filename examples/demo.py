"""The demo: real records, real sockets, a local emulator in Thred's place.

`make demo`, or `python examples/demo.py`. Nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sample_records import BUSINESSES, SHIPPED, records
from thredfi_async.emulator import Emulator

ROOT = Path(__file__).parents[1]

console = Console(highlight=False)


async def main() -> int:
    """Run the demo; the exit status says whether all went as it should."""
    async with Emulator() as emulator:
        step("An emulator of Thred's API", f"listens on {emulator.url}")
        names: dict[str, str] = {}
        async with emulator.client() as thredfi:
            for business in BUSINESSES:
                created = await thredfi.businesses.create(business)
                names[created.id] = business["legal_name"]
        step("Three businesses", ", ".join(names.values()))

        first = await push(emulator, "Their records go in, side by side")
        again = await push(emulator, "The same file once more: nothing is created twice")

        step("The books", "as the emulator keeps them, beside the sums of the file")
        agree = show_books(emulator, names)
    if first or again or not agree:
        console.print("[red]Something went wrong, see above.[/red]")
        return 1
    console.print("[green]All pushed, nothing doubled, and the books agree to the penny.[/green]")
    return 0


def step(what: str, more: str) -> None:
    console.print(f"\n[bold]{what}[/bold] {more}")


async def push(emulator: Emulator, why: str) -> int:
    """Run the real command on the shipped file."""
    file = os.path.relpath(SHIPPED)
    step(why, f"[dim]$ thredfi push {file}[/dim]")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "thredfi_async.cli", "push", file),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "THREDFI_BASE_URL": emulator.url,
            "THREDFI_PARTNER_UUID": emulator.partner_uuid,
            "THREDFI_API_KEY": emulator.api_key,
        },
    )
    return await process.wait()
