"""Part 3: a push with tokens that live two seconds, so that it lives through many of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .check import Said, differences
from .part import Result, Sizes
from .records import lines
from .server import running

__all__ = ["run"]

LIFETIME = 2  # seconds
CONCURRENCY = 16  # so that a call takes far less than a token lives, on a busy machine too
MOST_RECORDS = 50_000


async def run(sizes: Sizes, folder: Path) -> Result:
    """Push, and see that no call fails but those of the broken lines."""
    result, said = Result(), Said()
    given = list(lines(sizes.seed, min(sizes.records, MOST_RECORDS)))
    clock = asyncio.get_running_loop().time
    with running(seed=sizes.seed, token_lifetime=LIFETIME) as server:
        started = clock()
        async with server.client() as thredfi:
            texts = (line.text for line in given)
            async for outcome in thredfi.push(texts, concurrency=CONCURRENCY):
                if outcome.ok:
                    said.done.add(outcome.line)
                else:
                    said.failed[outcome.line] = (outcome.status, outcome.reason)
        seconds = clock() - started
        result.problems += differences(given, said, server.books())
        requests = server.figures()["requests"]
    result.problems += [
        f"line {number} failed: {reason}"
        for number, (_, reason) in said.failed.items()
        if given[number - 1].item is not None
    ][:5]
    tokens = requests["get_business_token"]
    wanted = int(seconds / LIFETIME)  # of each business at least, less the last one
    if tokens < wanted:
        result.problems.append(f"{tokens} business tokens in {seconds:.0f} s are too few to prove")
    result.show("records", len(given))
    result.show("seconds", f"{seconds:.0f}")
    result.show("tokens", tokens + requests["get_partner_token"])
    result.show("done", len(said.done))
    result.show("failed (broken lines)", len(said.failed))
    return result
