"""``python -m chaos [part …]``: prove that a push loses and doubles nothing.

- faults: a push while a fifth of all requests go wrong, then a push of what failed.
- kills: ``thredfi push --journal`` that is killed at random instants and resumed.
- tokens: a push with tokens that live two seconds.
- promises: servers that refuse known external_ids with 400, 409 or 422 while answers are lost and
  garbled, that throttle one business, or that take 500 requests a second.
- soak: one client at full speed for a long time, whose memory and sockets must stay flat.

An emulator in a process of its own takes the records. Afterwards its books are held against what
was generated: every record that the engine calls done is there exactly once, every other one is
in the failed file with its reason, all sums agree to the penny, and the ledger balances. In full
size it takes some 35 minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import faults, kills, promises, soak, tokens
from .part import Result, Sizes

PARTS: dict[str, Callable[[Sizes, Path], Awaitable[Result]]] = {
    "faults": faults.run,
    "kills": kills.run,
    "tokens": tokens.run,
    "promises": promises.run,
    "soak": soak.run,
}
_GRACE = 120.0  # seconds after its deadline in which a part must have ended


def main() -> int:
    """Run the parts that were asked for, and print what they found; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--soak", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    if unknown := set(options.part) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    sizes = Sizes(options.records, options.kills, options.soak, options.seed)
    console = Console(soft_wrap=True)
    results = {}
    for name in options.part or PARTS:
        console.print(f"{name}, seed {sizes.seed}, at most {_deadline(name, sizes) / 60:.0f} min …")
        results[name] = _run(name, sizes)
    console.print(_table(results))
    return _verdict(console, sizes, results)


def _run(name: str, sizes: Sizes) -> Result:
    """One part, within its deadline, in a folder that is removed afterwards."""
    started, deadline = time.monotonic(), _deadline(name, sizes)

    async def bounded(folder: Path) -> Result:
        async with asyncio.timeout(deadline):
            return await PARTS[name](sizes, folder)

    # Should even the event loop hang: all that was started ends by itself with this process.
    faulthandler.dump_traceback_later(deadline + _GRACE, file=sys.__stderr__ or 2, exit=True)
    try:
        with tempfile.TemporaryDirectory(prefix="thredfi-chaos-") as folder:
            result = asyncio.run(bounded(Path(folder)))
    except TimeoutError:
        result = Result(problems=[f"it had not ended after {deadline:,.0f} s"])
    except Exception as error:
        result = Result(problems=[f"{type(error).__name__}: {error}"])
    finally:
        faulthandler.cancel_dump_traceback_later()
    result.show("took", f"{time.monotonic() - started:,.0f} s")
    return result


def _deadline(name: str, sizes: Sizes) -> float:
    """Seconds that a part may take, several times what it is expected to take."""
    match name:
        case "kills":
            return 300 + 15 * sizes.kills + min(sizes.records, kills.MOST_RECORDS) / 50
        case "soak":
            return 180 + sizes.soak
        case _:
            return 300 + sizes.records / 50


def _table(results: dict[str, Result]) -> Table:
    table = Table("part", "what", "found")
    for name, result in results.items():
        for number, (what, found) in enumerate(result.figures):
            table.add_row("" if number else name, what, found)
        verdict = f"{len(result.problems)} differences" if result.problems else "no difference"
        table.add_row("", "verdict", verdict, end_section=True)
    return table


def _verdict(console: Console, sizes: Sizes, results: dict[str, Result]) -> int:
    wrong = {name: result.problems for name, result in results.items() if result.problems}
    for name, problems in wrong.items():
        for problem in problems:
            console.print(f"{name}: {problem}", markup=False)
    if wrong:
        console.print(
            f"To repeat it: python -m chaos {' '.join(wrong)} --records {sizes.records} "
            f"--kills {sizes.kills} --soak {sizes.soak:.0f} --seed {sizes.seed}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started, as Ctrl-C does
    sys.exit(main())
