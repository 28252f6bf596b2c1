"""One `invoices.create` beside what a developer writes by hand with aiohttp, and beside peers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path

from . import stub
from .measure import Call, Samples, cpu_per_call, take_turns
from .peers import PEERS
from .results import BY_HAND, Row, Section, rows
from .variants import all_calls, connection_kind

Loop = Callable[[], asyncio.AbstractEventLoop] | None


def run(
    *, rounds: int, calls: int, concurrencies: Iterable[int], certificate: Path | None
) -> Section:
    """The client on each loop, over plain sockets and TLS, and then the peers."""
    notes: list[str] = []
    if certificate is None:
        notes.append("TLS skipped: trustme is not installed")
    if "uvloop" not in (loops := _loops()):
        notes.append("uvloop skipped: it is not installed")
    found: list[Row] = []
    for loop_name, factory in loops.items():
        for transport in ("plain", "TLS") if certificate else ("plain",):
            with (
                stub.running(certificate if transport == "TLS" else None) as base_url,
                asyncio.Runner(loop_factory=factory) as runner,
            ):
                for concurrency in concurrencies:
                    setting = f"{loop_name}, {transport}, {concurrency} at once"
                    samples, kind = runner.run(_measure(base_url, rounds, calls, concurrency))
                    found += rows("calls", setting, samples, beside=BY_HAND)
                    if kind and f"{setting}: {kind}" not in notes:
                        notes.append(f"{setting}: {kind}")
    return Section("calls", "CPU of one invoices.create", found, notes)


def run_peers(*, rounds: int, calls: int, concurrencies: Iterable[int]) -> Section:
    """The client and its peers on asyncio's loop over plain sockets."""
    found: list[Row] = []
    notes: list[str] = []
    for concurrency in concurrencies:
        with stub.running() as base_url:
            samples, skipped = asyncio.run(_measure_peers(base_url, rounds, calls, concurrency))
        found += rows("peers", f"{concurrency} at once", samples, beside=BY_HAND)
        notes += [note for note in skipped if note not in notes]
    return Section("peers", "CPU of one invoices.create, by other clients", found, notes)


def _loops() -> dict[str, Loop]:
    loops: dict[str, Loop] = {"asyncio": None}
    if find_spec("uvloop"):
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops


async def _measure(base_url: str, rounds: int, calls: int, concurrency: int) -> tuple[Samples, str]:
    async with all_calls(base_url) as (variants, thredfi):
        samples = await take_turns(variants, rounds=rounds, calls=calls, concurrency=concurrency)
        return samples, connection_kind(thredfi)


async def _measure_peers(
    base_url: str, rounds: int, calls: int, concurrency: int
) -> tuple[Samples, list[str]]:
    skipped = []
    async with AsyncExitStack() as stack:
        variants: dict[str, Call]
        variants, _ = await stack.enter_async_context(all_calls(base_url))
        for name, peer in PEERS.items():
            try:
                call = await stack.enter_async_context(peer(base_url))
                await cpu_per_call(call, calls=1, concurrency=1)
            except* Exception as group:
                error = group.exceptions[0]
                while isinstance(error, ExceptionGroup):
                    error = error.exceptions[0]
                skipped.append(f"{name} skipped: {type(error).__name__}: {error}")
            else:
                variants[name] = call
        samples = await take_turns(variants, rounds=rounds, calls=calls, concurrency=concurrency)
    return samples, skipped
