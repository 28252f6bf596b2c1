"""Part 5: one client at full speed for a long time, whose memory and sockets are watched.

It pushes the same records again and again (which the emulator answers with what it has, so
that its books don't grow) and reads, with some faults. The client has a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import attrs

from thredfi_async import BusinessClient, RetryPolicy, ThredfiClient, ThredfiError
from thredfi_async.push import Journal

from .part import Result, Sizes
from .plan import TIMEOUT, faults
from .records import BUSINESSES, lines
from .server import Server, running

__all__ = ["run"]

RECORDS = 2_000
CONCURRENCY = 32
READERS = 8
SHARE = 0.05  # of the requests have a fault
TOKEN_LIFETIME = 15  # seconds
GROWTH_SHARE, GROWTH_KIB = 0.02, 4096  # of the memory, and besides
CONNECTIONS = 40
OTHER_SOCKETS = 8  # of the event loop, and those that are being closed
MORE_SOCKETS = 4
MOST_DISK = 16 << 10  # KiB; a journal of so few records takes some four thousand
LOOK = 0.25  # seconds between two looks
WARM_UP = 0.3  # of the time doesn't count
_PROC = Path("/proc")


@attrs.frozen
class _Sample:
    """What the client holds at one moment; ``memory`` and ``disk`` in KiB."""

    memory: int
    sockets: int
    disk: int


async def run(sizes: Sizes, folder: Path) -> Result:
    """Watch the client, and hold the second half of the time against the first."""
    result = Result()
    if not _PROC.joinpath("self/fd").exists():
        result.show("skipped", "memory and sockets are read from /proc, which is not there")
        return result
    with running(seed=sizes.seed, token_lifetime=TOKEN_LIFETIME) as server:
        before = _memory(server.process.pid)
        server.set_faults(faults(SHARE, heavy=False))
        samples, told = await _watch(server, sizes, folder)
        emulator = f"{before / 1024:.0f} to {_memory(server.process.pid) / 1024:.0f} MiB"
    counted = samples[int(len(samples) * WARM_UP) :]
    half = len(counted) // 2
    first, second = _median(counted[:half]), _median(counted[half:])
    growth = second.memory - first.memory
    most_growth = round(first.memory * GROWTH_SHARE) + GROWTH_KIB
    sockets, disk = max(one.sockets for one in samples), max(one.disk for one in samples)
    bounds = [
        ("KiB more memory in the second half", growth, most_growth),
        ("more sockets in the second half", second.sockets - first.sockets, MORE_SOCKETS),
        ("sockets at most", sockets, CONNECTIONS + OTHER_SOCKETS),
        ("KiB of files at most", disk, MOST_DISK),
        ("sockets after closing", told["left_open"], 0),
    ]
    result.show("seconds", f"{sizes.soak:.0f}")
    result.show("calls", told["calls"])
    result.show("failed calls and pushes given up", told["failed"])
    result.show("memory, medians of the halves", f"{first.memory:,} and {second.memory:,} KiB")
    for what, found, bound in bounds:
        result.show(what, f"{found:,} (bound {bound:,})")
        if found > bound:
            result.problems.append(f"{found:,} {what}, the bound is {bound:,}")
    result.show("the emulator's own memory", emulator)
    return result


async def _watch(
    server: Server, sizes: Sizes, folder: Path
) -> tuple[list[_Sample], dict[str, int]]:
    """Run the client in its process and look at it now and then; what it told at its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chaos.soak", str(folder), str(sizes.soak), str(sizes.seed)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | server.environment,
    )
    assert process.stdout is not None
    samples: list[_Sample] = []
    try:
        told = asyncio.create_task(process.stdout.read())
        while not (await asyncio.wait([told], timeout=LOOK))[0]:
            if (sample := _look(process.pid, folder)) is not None:
                samples.append(sample)
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"the client ended with status {process.returncode}")
    found: dict[str, int] = json.loads(told.result())
    return samples, found


def _median(samples: list[_Sample]) -> _Sample:
    columns = zip(*map(attrs.astuple, samples), strict=True)
    return _Sample(*(round(statistics.median(column)) for column in columns))


def _look(pid: int, folder: Path) -> _Sample | None:
    """What a process holds now; None where it has ended."""
    try:
        disk = sum(file.stat().st_size for file in folder.iterdir()) // 1024
        return _Sample(_memory(pid), _sockets(pid), disk)
    except OSError:
        return None


def _memory(pid: int) -> int:
    """The resident memory of a process, in KiB."""
    pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _sockets(pid: int | str) -> int:
    found = 0
    for link in (_PROC / str(pid) / "fd").iterdir():
        try:
            found += link.readlink().name.startswith("socket:")
        except OSError:  # closed meanwhile
            continue
    return found


# --- in the client's process -------------------------------------------------------------


async def _work(folder: Path, seconds: float, seed: int) -> None:
    until = time.monotonic() + seconds
    before = _sockets("self")
    failed: Counter[str] = Counter()
    async with ThredfiClient.from_env(
        timeout=TIMEOUT, retry=RetryPolicy(base=0.05), max_connections=CONNECTIONS
    ) as thredfi:
        async with asyncio.TaskGroup() as group:
            group.create_task(_push(thredfi, folder / "run.db", until, seed, failed))
            for number in range(READERS):
                name = BUSINESSES[number % len(BUSINESSES)]
                group.create_task(_read(thredfi, name, until, failed))
        calls = thredfi.statistics.calls
    await asyncio.sleep(0.1)  # until the transports are closed
    told = {
        "calls": calls,
        "failed": failed.total(),
        "left_open": _sockets("self") - before,
    }
    print(json.dumps(told), flush=True)


async def _push(
    thredfi: ThredfiClient, file: Path, until: float, seed: int, failed: Counter[str]
) -> None:
    while time.monotonic() < until:
        with Journal(file) as journal:
            texts = (line.text for line in lines(seed, RECORDS))
            run = thredfi.push(texts, concurrency=CONCURRENCY, journal=journal)
            try:
                async for outcome in run:
                    failed[outcome.status] += not outcome.ok
                    if time.monotonic() > until:
                        break
            except ThredfiError as error:
                failed[type(error).__name__] += 1
            finally:
                await run.aclose()
        os.unlink(file)


async def _read(thredfi: ThredfiClient, name: str, until: float, failed: Counter[str]) -> None:
    while time.monotonic() < until:
        try:
            ids = {str(b.external_id): b.id async for b in thredfi.businesses.list()}
            if (found := ids.get(name)) is not None:
                await _read_business(thredfi.business(found), until)
        except ThredfiError as error:
            failed[type(error).__name__] += 1


async def _read_business(shop: BusinessClient, until: float) -> None:
    async for invoice in shop.invoices.list(page_size=20):
        if time.monotonic() > until:
            return
        if invoice.id is not None:
            await shop.invoices.get(invoice.id)


def _end_with_parent() -> None:
    os.read(0, 1)  # which only returns when standard input is closed
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_work(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
