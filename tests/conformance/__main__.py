"""The command line."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import Any

import schemathesis
from schemathesis.engine import from_schema

from tests.emulator import description

from . import checks
from .document import to_generate_from
from .report import Report
from .server import Served, served
from .steering import Steering

EVERYTHING_ONCE = ("examples", "coverage")  # what follows from the description without chance
AT_RANDOM = ("fuzzing", "stateful")
LATE_ROUNDS = 5
PHASES: dict[str, Any] = {
    "examples": {},
    "coverage": {},
    # So many calls of each operation as max-examples says, good and bad by the description alone.
    "fuzzing": {"error-feedback": {"enabled": False}},
    "stateful": {"generation": {"max-examples": 100}},  # sequences of calls
}
OURS = ("use_after_free", "ensure_resource_availability", "unsupported_method", "ignored_auth")


def main() -> None:
    """Run until enough cases were tried; exit with 1 if any of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="at least so many [20000]")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other cases [1]")
    arguments = parser.parse_args()
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    report = Report(time.monotonic())
    with served(arguments.seed) as emulator:
        run(emulator, report, cases=arguments.cases, seed=arguments.seed)
    report.show(emulator.operations)
    sys.exit(1 if report.failures else 0)


def run(emulator: Served, report: Report, *, cases: int, seed: int) -> None:
    """Everything once, then rounds of random calls, each with a seed of its own.

    A few rounds more than asked for, if there are operations that no call has reached yet.
    """
    steering = Steering(list(description.document()["paths"]), emulator.business_id, seed)
    steering.install()
    names = [*checks.register(emulator.operations), *OURS]
    round_ = 0
    phases = EVERYTHING_ONCE
    while (
        round_ < 2
        or report.cases < cases
        or (round_ < LATE_ROUNDS and report.unreached(emulator.operations))
    ):
        config = configuration(emulator, phases, names, seed + round_)
        schema = schemathesis.openapi.from_dict(to_generate_from(), config=config)
        for event in from_schema(schema).execute():
            report.take(event)
        round_ += 1
        phases = AT_RANDOM


def configuration(
    emulator: Served, phases: tuple[str, ...], names: list[str], seed: int
) -> schemathesis.Config:
    """Settings as `schemathesis.toml` would have them."""
    others = {id: header for id, header in emulator.authorization.items() if id}
    settings: dict[str, Any] = {
        "seed": seed,
        "base-url": emulator.url,
        "headers": {"Authorization": emulator.authorization[""]},
        "operations": [
            {"include-operation-id": id, "headers": {"Authorization": header}}
            for id, header in others.items()
        ],
        "request-timeout": 10,  # seconds; an answer that takes longer is a hang
        "cache": {"enabled": False},  # the same calls in every run
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "generation": {"database": "none", "no-shrink": True, "max-examples": 25},
        "phases": {name: {"enabled": name in phases, **PHASES[name]} for name in PHASES},
        "checks": {"enabled": False, **{name: {"enabled": True} for name in names}},
        "output": {"sanitization": {"keys-to-sanitize": ["authorization"]}},
    }
    return schemathesis.Config.from_dict(settings)


if __name__ == "__main__":
    main()
