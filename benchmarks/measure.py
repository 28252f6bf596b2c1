"""CPU time of calls, in rounds that take turns, so that a slow minute hits all alike."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

Call = Callable[[int], Awaitable[object]]


async def cpu_per_call(call: Call, *, calls: int, concurrency: int) -> float:
    """Seconds of this process's CPU per call, ``concurrency`` of them always under way."""
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            await call(number)

    gc.collect()
    started = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return (time.process_time() - started) / calls


async def take_turns(
    variants: Mapping[str, Call], *, rounds: int, calls: int, concurrency: int
) -> dict[str, list[float]]:
    """`cpu_per_call` of each variant in each round, after a round that doesn't count."""
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        # There and back again: what comes first in one round comes last in the next.
        for name in list(variants)[:: 1 if round_number % 2 else -1]:
            spent = await cpu_per_call(variants[name], calls=calls, concurrency=concurrency)
            if round_number:
                samples[name].append(spent)
    return samples


def take_turns_sync(
    variants: Mapping[str, Callable[[], object]], *, rounds: int, calls: int
) -> dict[str, list[float]]:
    """The same for functions that don't wait."""
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        for name, function in variants.items():
            gc.collect()
            started = time.process_time()
            for _ in range(calls):
                function()
            if round_number:
                samples[name].append((time.process_time() - started) / calls)
    return samples


def table(samples: Mapping[str, list[float]], *, beside: str, unit: str = "µs") -> str:
    """One line a variant: median, ratio of medians, and ratios of the pairs of one round."""
    scale = {"µs": 1e6, "ms": 1e3}[unit]
    base = samples[beside]
    width = max(map(len, samples))
    lines = [
        f"{'':{width}}  {'median':>9}  {'ratio':>5}  ratios per round: median (lowest-highest)"
    ]
    for name, values in samples.items():
        median = statistics.median(values)
        pairs = sorted(one / other for one, other in zip(values, base, strict=True))
        lines.append(
            f"{name:{width}}  {median * scale:6.1f} {unit}  {median / statistics.median(base):5.2f}"
            + (
                ""
                if name == beside
                else f"  {statistics.median(pairs):.2f} ({pairs[0]:.2f}-{pairs[-1]:.2f})"
            )
        )
    return "\n".join(lines)
