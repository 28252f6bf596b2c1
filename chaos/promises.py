"""Part 4: servers that break promises of the documentation, and lose answers on top of it.

A create with a known external_id is refused in place of being answered with what is there; or a
server takes so many requests a second and no more. None of it may make the engine say anything
untrue: no record is lost or doubled or called failed though it was applied, and where a read can
tell what became of a record, hardly any stays unknown.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import attrs

from .check import Said, differences
from .faults import push_all
from .part import Result, Sizes
from .plan import uncertain
from .records import BUSINESSES, Line, lines
from .server import running

__all__ = ["Promises", "held_against", "run", "servers"]

SHARE = 0.1  # of the requests leave it open what they did
MOST_UNKNOWN = 0.001  # of the records of kinds that a read finds, which all of these are; or one
RATE = 500.0  # requests a second
SLOWED = 0.4  # of the pace that is possible here: a limit that nobody meets proves nothing
PACED = 600  # records that the pace is measured by
SECONDS = 5.0  # that a throttled push takes at least: the first second's worth is let through


@attrs.frozen
class Promises:
    """A server by the promises that it breaks: ``faults`` as `Faults.add` takes them.

    ``loses``: whether it leaves open, too, what some requests did; else no good record may fail.
    """

    faults: tuple[dict[str, Any], ...]
    loses: bool = False
    concurrency: int = 64


def servers(records: float, pace: float) -> dict[str, Promises]:
    """All of them, by name, for so many records each, of which ``pace`` a second could go in."""
    rate = min(RATE, records / SECONDS, max(1.0, SLOWED * pace))
    slow = {"kind": "throttle", "rate": rate / 5, "business": BUSINESSES[0]}
    found = {
        f"duplicates refused with {status}": Promises(
            ({"kind": "duplicate", "status": status},), loses=True
        )
        for status in (400, 409, 422)
    }
    found["one business throttled"] = Promises(({**slow, "retry_after": "seconds"},))
    found[f"{rate:.0f} requests a second"] = Promises(
        ({"kind": "throttle", "rate": rate},), concurrency=256
    )
    return found


async def run(sizes: Sizes, folder: Path) -> Result:
    """Push a share of the records to each of the servers."""
    result = Result()
    records = sizes.records // len(servers(0, 0))
    found = servers(records, await _pace(sizes, folder))
    for number, (name, promises) in enumerate(found.items()):
        below = folder / str(number)
        below.mkdir()
        given = list(lines(sizes.seed + number, records))
        await _push(result, sizes, below, name, promises, given)
    return result


async def _pace(sizes: Sizes, folder: Path) -> float:
    """How many records a second go in, on this machine and now, where nothing holds them."""
    below = folder / "pace"
    below.mkdir()
    given = list(lines(sizes.seed, PACED))
    with running(seed=sizes.seed) as server:
        begun = time.monotonic()
        await push_all(server, given, below, Said(), concurrency=64)
        return len(given) / (time.monotonic() - begun)


async def _push(
    result: Result, sizes: Sizes, folder: Path, name: str, promises: Promises, given: list[Line]
) -> None:
    said = Said()
    with running(seed=sizes.seed) as server:
        lost = uncertain(SHARE) if promises.loses else []
        server.set_faults([*promises.faults, *lost])
        runs = await push_all(server, given, folder, said, concurrency=promises.concurrency)
        struck = server.figures()["struck"]
        found = differences(given, said, server.books()) + held_against(promises, given, said)
    result.problems += [f"{name}: {one}" for one in found]
    result.show(
        name,
        f"{len(given):,} records, {len(said.done):,} done, {_count(said, 'failed'):,} failed, "
        f"{_count(said, 'unknown'):,} unknown; {sum(struck.values()):,} faults; "
        f"{len(runs)} runs given up",
    )
    promised = promises.faults[0]["kind"]
    if not struck.get(promised):
        result.problems.append(f"{name}: no {promised} ever struck, so nothing was proved")


def held_against(promises: Promises, given: list[Line], said: Said) -> list[str]:
    """What is wrong with the ends of records that the books can't tell, in words."""
    good = [number for number, line in enumerate(given, 1) if line.item is not None]
    ends = [said.failed[number] for number in good if number in said.failed]
    unknown = sum(status == "unknown" for status, _ in ends)
    found = []
    if unknown > max(1, len(good) * MOST_UNKNOWN):
        found.append(f"{unknown:,} of {len(good):,} good records are unknown")
    if ends and not promises.loses:
        reasons = sorted({str(reason) for _, reason in ends})
        found.append(f"{len(ends):,} good records failed: {'; '.join(reasons[:3])[:300]}")
    return found


def _count(said: Said, status: str) -> int:
    return sum(one == status for one, _ in said.failed.values())
