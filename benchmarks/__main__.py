"""``python -m benchmarks [calls|codec|push|import|memory]``; without a name, all but memory."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec

SECTIONS = ("calls", "codec", "push", "import", "memory")


def main() -> int:
    """Run the sections that were asked for and print what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("section", nargs="*", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=2560, help="in each round")
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    if unknown := set(options.section) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    sections = options.section or [name for name in SECTIONS if name != "memory"]
    rounds, calls, concurrency = options.rounds, options.calls, options.concurrency

    print(_machine())
    if "calls" in sections:
        from . import calls as bench_calls

        title = f"CPU of one call, {concurrency} at once, {rounds} rounds of {calls} calls"
        print(f"\n{title}, asyncio\n")
        print(bench_calls.run(rounds=rounds, calls=calls, concurrency=concurrency))
        if find_spec("uvloop"):
            import uvloop

            print(f"\n{title}, uvloop {version('uvloop')}\n")
            print(
                bench_calls.run(
                    rounds=rounds,
                    calls=calls,
                    concurrency=concurrency,
                    loop_factory=uvloop.new_event_loop,
                )
            )
    if "codec" in sections:
        from . import codecs

        print("\nCodec alone, CPU each\n")
        print(codecs.run(rounds=rounds, calls=calls))
    if "push" in sections:
        from . import bulk

        print(f"\nPush against the stub, {concurrency} at once\n")
        print(bulk.cpu(invoices=4 * calls, concurrency=concurrency))
    if "import" in sections:
        from . import imports

        print(f"\nImport, CPU in fresh interpreters, {rounds} rounds\n")
        print(imports.run(rounds=rounds))
    if "memory" in sections:
        from . import bulk

        print(f"\nMemory of a push, {concurrency} at once\n")
        print(bulk.memory(concurrency=concurrency))
    return 0


def _machine() -> str:
    libraries = " ".join(f"{name} {version(name)}" for name in ("aiohttp", "msgspec", "attrs"))
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {libraries}, "
        f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"
    )


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
