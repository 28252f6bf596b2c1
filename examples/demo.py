"""The demo: real records, real sockets, a local emulator in Thred's place.

`make demo`, or `python examples/demo.py`. Nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sample_records import BUSINESSES, SHIPPED, gross, records

from thredfi_async.emulator import Emulator

ROOT = Path(__file__).parents[1]

console = Console(highlight=False)


async def main() -> int:
    """Run the demo; the exit status says whether all went as it should."""
    async with Emulator() as emulator:
        step("An emulator of Thred's API is running", emulator.url)
        async with emulator.client() as thredfi:
            for business in BUSINESSES:
                await thredfi.businesses.create(business)
        step("Three businesses are set up", *(one["legal_name"] for one in BUSINESSES))

        first = await push(emulator, "Their records go in, side by side")
        again = await push(emulator, "The same file once more: nothing is created twice")

        step("The books now")
        agree = show_books(emulator)
    if first or again or not agree:
        console.print("\n[red]Something went wrong, see above.[/red]")
        return 1
    console.print("\n[green]All pushed, nothing doubled, and the books agree to the penny.[/green]")
    return 0


def step(what: str, *more: str) -> None:
    """Say what comes next."""
    console.print(f"\n[bold]{what}[/bold]")
    for line in more:
        console.print(f"  {line}")


async def push(emulator: Emulator, why: str) -> int:
    """Run the real command on the shipped file."""
    step(why, f"[dim]$ thredfi push {SHIPPED.name}[/dim]")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "thredfi_async.cli", "push", SHIPPED),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "THREDFI_BASE_URL": emulator.url,
            "THREDFI_PARTNER_UUID": emulator.partner_uuid,
            "THREDFI_API_KEY": emulator.api_key,
        },
    )
    return await process.wait()


def show_books(emulator: Emulator) -> bool:
    """Print what is in the books; whether it is what the file says."""
    expected = sums_of_the_file()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column()
    for title in ("invoiced", "paid", "outstanding", "refunded", "paid back"):
        table.add_column(title, justify="right")
    agree = True
    for business in BUSINESSES:
        totals = emulator.books(business["external_id"]).totals()
        found = [
            totals.invoiced,
            totals.paid,
            totals.outstanding,
            totals.refunded,
            totals.refund_paid,
        ]
        wanted = expected[business["external_id"]]
        cells = [
            pounds(pence) if pence == due else f"[red]{pounds(pence)} (not {pounds(due)})[/red]"
            for pence, due in zip(found, wanted, strict=True)
        ]
        table.add_row(business["legal_name"], *cells)
        agree = agree and found == wanted
    console.print(table)
    return agree


def sums_of_the_file() -> dict[str, list[int]]:
    """Invoiced, paid, outstanding, refunded, paid back by business, in pence, from the records."""
    sums: dict[str, list[int]] = {one["external_id"]: [0] * 5 for one in BUSINESSES}
    for record in records():
        of = sums[record["business"]]
        match record["type"]:
            case "invoice":
                amount = sum(map(gross, record["line_items"]))
                of[0] += amount
                of[2] += amount
            case "payment":
                of[1] += record["total_amount_cents"]
                of[2] -= record["total_amount_cents"]
            case "refund":
                of[3] += record["amount_cents"]
            case "refund_payment":
                of[4] += record["amount_cents"]
    return sums


def pounds(pence: int) -> str:
    return f"£{pence // 100:,}.{pence % 100:02}"


if __name__ == "__main__":
    try:
        raise SystemExit(asyncio.run(main()))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
