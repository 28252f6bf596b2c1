"""CPU time of calls, in rounds that take turns, so that a slow minute hits all alike."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping

Call = Callable[[int], Awaitable[object]]
Samples = dict[str, list[float]]  # of each variant, one a round


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
) -> Samples:
    """`cpu_per_call` of each variant in each round, after a round that doesn't count."""
    samples: Samples = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        # There and back again: what comes first in one round comes last in the next.
        for name in list(variants)[:: 1 if round_number % 2 else -1]:
            # Some clients drop connections that were idle for the turns of the others.
            await cpu_per_call(variants[name], calls=concurrency, concurrency=concurrency)
            spent = await cpu_per_call(variants[name], calls=calls, concurrency=concurrency)
            if round_number:
                samples[name].append(spent)
    return samples


def take_turns_sync(
    variants: Mapping[str, Callable[[], object]], *, rounds: int, calls: int
) -> Samples:
    """The same for functions that don't wait."""
    samples: Samples = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        for name, function in list(variants.items())[:: 1 if round_number % 2 else -1]:
            gc.collect()
            started = time.process_time()
            for _ in range(calls):
                function()
            if round_number:
                samples[name].append((time.process_time() - started) / calls)
    return samples
