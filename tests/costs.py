"""What the tests cost: the table at the end of a long run, dearest module first.

In seconds of CPU, those of the processes that a test started and waited for too, which depend
less on what else the machine does than those of a clock on the wall. It is told, not judged.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import pytest

SHOWN = 15
WORTH_TELLING = 60.0  # seconds; shorter runs end without a table


class Costs:
    """A plugin of pytest, in each worker and in the process that hears from them."""

    def __init__(self) -> None:
        self._before = _spent()
        self._modules: Counter[str] = Counter()
        self._tests: Counter[str] = Counter()

    def pytest_collection_finish(self) -> None:
        self._before = _spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = _spent()
        report.cpu_seconds = now - self._before  # type: ignore[attr-defined]
        self._before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        spent = getattr(report, "cpu_seconds", 0.0)
        self._modules[report.nodeid.partition("::")[0]] += spent
        self._tests[report.nodeid] += spent

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = self._modules.total()
        if total < WORTH_TELLING:
            return
        terminalreporter.section(f"{total:.0f} seconds of CPU in tests")
        for title, spent in (("modules", self._modules), ("tests", self._tests)):
            terminalreporter.line(f"The dearest {title}:")
            for name, seconds in spent.most_common(SHOWN):
                terminalreporter.line(f"{seconds:7.1f} s  {name}")


def _spent() -> float:
    """Seconds of CPU of this process, and of those that it started and waited for."""
    return sum(os.times()[:4])
