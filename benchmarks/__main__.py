"""``python -m benchmarks [section …]``; without a name, all but memory."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from . import certs

if TYPE_CHECKING:
    from .results import Section

SECTIONS = (
    *("calls", "peers", "lists", "codec", "import", "cold", "push", "instructions"),
    "memory",
)
LIBRARIES = "aiohttp msgspec attrs uvloop orjson httpx niquests".split()


def main() -> int:
    """Run the sections that were asked for, and print what they found and which bars hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("section", nargs="*", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1280, help="in each round")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--report", action="store_true", help="write results.json and report/")
    options = parser.parse_args()
    if unknown := set(options.section) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")

    certificate = certs.prepare()  # before anything imports aiohttp
    from . import report

    machine = _machine()
    print(machine, flush=True)
    sections = []
    runs = _runs(options.rounds, options.calls, options.concurrency, certificate)
    for name in options.section or [name for name in SECTIONS if name != "memory"]:
        sections.append(runs[name]())
        print(f"\n{report.markdown(sections[-1])}", flush=True)
    print(f"\n{report.bars(sections)}")
    if options.report:
        report.write(sections, f"{machine}; {options.rounds} rounds of {options.calls} calls")
    return 0


def _runs(
    rounds: int, calls: int, concurrency: int, certificate: Path | None
) -> dict[str, Callable[[], Section]]:
    from . import bulk, codecs, imports, instructions, lists
    from . import calls as bench_calls

    both = (concurrency, 1)
    few = max(concurrency, calls // 5)  # of what is slow
    return {
        "calls": lambda: bench_calls.run(
            rounds=rounds, calls=calls, concurrencies=both, certificate=certificate
        ),
        "peers": lambda: bench_calls.run_peers(rounds=rounds, calls=few, concurrencies=both),
        "lists": lambda: lists.run(rounds=rounds, lists=-(-calls // 640)),
        "codec": lambda: codecs.run(rounds=rounds, calls=calls),
        "import": lambda: imports.run(rounds=rounds),
        "cold": lambda: imports.run_cold(rounds=rounds),
        "push": lambda: bulk.run(rounds=rounds, invoices=calls // 2, concurrency=concurrency),
        "instructions": lambda: instructions.run(calls=max(10, min(200, calls // 6))),
        "memory": lambda: bulk.memory(concurrency=concurrency),
    }


def _machine() -> str:
    libraries = " ".join(
        f"{name} {found}" for name in LIBRARIES if (found := _version(name)) is not None
    )
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {libraries}, "
        f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(
                line.split(":")[1].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or "processor unknown"


if __name__ == "__main__":
    sys.exit(main())
