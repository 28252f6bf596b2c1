"""The push engine: CPU per record, and the memory that it takes as the input grows."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time

from thredfi_async import ThredfiClient

from . import payloads, stub

SMALL, LARGE = 10_000, 100_000  # invoices; with payments, some 20,000 and 200,000 records


def cpu(*, invoices: int, concurrency: int) -> str:
    """One push of so many invoices with their payments and customers."""
    with stub.running() as base_url:
        asyncio.run(_push(base_url, invoices // 10, concurrency))  # to warm up
        wall, spent = time.perf_counter(), time.process_time()
        records = asyncio.run(_push(base_url, invoices, concurrency))
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
    return (
        f"{records:,} records: {spent / records * 1e6:.1f} µs of CPU per record, "
        f"{records / wall:,.0f} records per second"
    )


def memory(*, concurrency: int) -> str:
    """Peak memory of two pushes, each in a process of its own, the second of ten times the input.

    What grows is the engine's memory of which external id has which Thred id.
    """
    lines = []
    peaks = []
    for invoices in (SMALL, LARGE):
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
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        records, before, after = map(int, done.stdout.split())
        peaks.append((records, after))
        lines.append(
            f"{records:>8,} records: peak {after / 1024:6.1f} MiB, {before / 1024:.1f} MiB before"
        )
    (fewer, low), (more, high) = peaks
    lines.append(f"{(high - low) * 1024 / (more - fewer):.0f} bytes per further record")
    return "\n".join(lines)


async def _push(base_url: str, invoices: int, concurrency: int) -> int:
    async with ThredfiClient(partner_uuid="partner", api_key="key", base_url=base_url) as thredfi:
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
