"""The push engine: CPU per record, and the memory that it takes as the input grows."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from thredfi_async.push import Journal

from . import payloads, stub
from .measure import Call, Samples, take_turns
from .results import JOURNAL, PUSH, Row, Section, rows
from .variants import client

CALLS_ALONE = "its calls alone"
SMALL, LARGE = 10_000, 100_000  # invoices; with payments, some 20,000 and 200,000 records


def run(*, rounds: int, invoices: int, concurrency: int) -> Section:
    """Pushes of so many invoices with their payments, beside the same calls by themselves."""
    with stub.running() as base_url:
        samples = asyncio.run(_measure(base_url, rounds, invoices, concurrency))
    records = invoices * 2 + -(-invoices // 100)
    each = {name: [one / records for one in values] for name, values in samples.items()}
    title = f"CPU of one record of a push, {records} records"
    return Section("push", title, rows("push", f"{concurrency} at once", each, beside=CALLS_ALONE))


async def _measure(base_url: str, rounds: int, invoices: int, concurrency: int) -> Samples:
    async with client(base_url) as thredfi:
        shop = thredfi.business(payloads.BUSINESS)

        async def calls_alone(_: int) -> None:
            records = iter(_bodies(invoices))
            create: dict[str, Any] = {
                "customer": shop.customers.create,
                "invoice": shop.invoices.create,
                "payment": shop.payments.create,
            }

            async def work() -> None:
                for kind, body in records:
                    await create[kind](body)

            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(work())

        async def push(*, journaled: bool) -> None:
            with (
                tempfile.TemporaryDirectory() as folder,
                Journal(f"{folder}/run.db") if journaled else nullcontext() as journal,
            ):
                records = payloads.push_records(invoices)
                run = thredfi.push(records, concurrency=concurrency, journal=journal)
                async for outcome in run:
                    if not outcome.ok:
                        raise AssertionError(f"line {outcome.line}: {outcome.reason}")

        variants: dict[str, Call] = {
            CALLS_ALONE: calls_alone,
            PUSH: lambda _: push(journaled=False),
            JOURNAL: lambda _: push(journaled=True),
        }
        return await take_turns(variants, rounds=rounds, calls=1, concurrency=1)


def _bodies(invoices: int) -> Any:
    """What the push of the same records sends."""
    for record in payloads.push_records(invoices):
        kind = record.pop("type")
        del record["business"]
        if kind != "customer":
            del record["customer_external_id"]
            record["customer_id"] = payloads.CUSTOMER
        if kind == "payment":
            record["allocations"] = [{"invoice_id": payloads.INVOICE, "amount_cents": 8160}]
        yield kind, record


def memory(*, concurrency: int, sizes: tuple[int, int] = (SMALL, LARGE)) -> Section:
    """Peak memory of two pushes, each in a process of its own, the second of a larger input.

    What grows is the engine's memory of which external id has which Thred id.
    """
    found: list[Row] = []
    peaks = []
    for invoices in sizes:
        with stub.running() as base_url:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.bulk",
                    base_url,
                    str(invoices),
                    str(concurrency),
                ],
                cwd=Path(__file__).parents[1],
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        records, before, after = map(int, done.stdout.split())
        peaks.append((records, after))
        samples = {"before the push": [float(before)], "its peak": [float(after)]}
        setting = f"{records} records"
        found += rows("memory", setting, samples, beside="before the push", unit="KiB")
    (fewer, low), (more, high) = peaks
    note = f"{(high - low) * 1024 / (more - fewer):.0f} bytes per further record"
    return Section("memory", "Memory of a push", found, [note])


async def _push(base_url: str, invoices: int, concurrency: int) -> int:
    async with client(base_url) as thredfi:
        count = 0
        async for outcome in thredfi.push(payloads.push_records(invoices), concurrency=concurrency):
            if not outcome.ok:
                raise AssertionError(f"line {outcome.line}: {outcome.reason}")
            count += 1
        return count


def _peak() -> int:
    """Peak memory of this process, in KiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _main() -> None:
    base_url, invoices, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    asyncio.run(_push(base_url, 100, concurrency))  # everything that is imported on first use
    before = _peak()
    records = asyncio.run(_push(base_url, invoices, concurrency))
    print(records, before, _peak())


if __name__ == "__main__":
    _main()
