"""The table of what the tests cost."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

from .costs import Costs

BURN = "import time\nwhile time.process_time() < 0.5: pass"


class Terminal:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.section = self.line = self.lines.append


def told(*reports: Any) -> list[str]:
    costs, terminal = Costs(), Terminal()
    for report in reports:
        costs.pytest_runtest_logreport(report)
    costs.pytest_terminal_summary(terminal)  # type: ignore[arg-type]
    return terminal.lines


def report(nodeid: str, spent: float) -> Any:
    return SimpleNamespace(nodeid=nodeid, cpu_seconds=spent)


def test_the_dearest_comes_first_with_all_its_phases() -> None:
    reports = [("a.py::x", 30.0), ("b.py::y", 25.0), ("b.py::y", 1.0), ("b.py::z", 15.0)]
    assert told(*(report(*one) for one in reports)) == [
        "71 seconds of CPU in tests",
        "The dearest modules:",
        "   41.0 s  b.py",
        "   30.0 s  a.py",
        "The dearest tests:",
        "   30.0 s  a.py::x",
        "   26.0 s  b.py::y",
        "   15.0 s  b.py::z",
    ]


def test_a_short_run_ends_without_it() -> None:
    assert told(report("a.py::x", 59.0)) == []


def test_a_process_that_a_test_waited_for_counts_and_a_sleep_does_not() -> None:
    costs = Costs()
    spent = []
    for do in (lambda: time.sleep(0.3), lambda: subprocess.run([sys.executable, "-c", BURN])):
        do()
        around = costs.pytest_runtest_makereport()
        next(around)
        made = SimpleNamespace()
        try:
            around.send(made)  # type: ignore[arg-type]
        except StopIteration:
            spent.append(made.cpu_seconds)
    slept, burnt = spent
    assert slept < 0.25
    assert burnt > 0.4
