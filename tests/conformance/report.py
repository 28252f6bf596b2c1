"""What came of a run."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from schemathesis.engine import events

from .names import operation_id


class Report:
    """Counts answers by operation, and keeps the first failure of each kind."""

    def __init__(self, started: float) -> None:
        self.cases = 0
        self.failures: dict[tuple[str, str, str], str] = {}
        self._started = started
        self._statuses: dict[str, Counter[int]] = defaultdict(Counter)

    def take(self, event: events.EngineEvent) -> None:
        """Take in an event of Schemathesis's engine."""
        if isinstance(event, events.ScenarioFinished):
            self._take_scenario(event)
        elif isinstance(event, events.SuiteFinished):
            seconds = time.monotonic() - self._started
            print(f"{event.phase.value}: {self.cases} cases so far, {seconds:.0f} s")
        elif isinstance(event, events.NonFatalError):
            self.failures["error", event.label, ""] = str(event.value)
        elif isinstance(event, events.FatalError):
            raise event.exception

    def _take_scenario(self, event: events.ScenarioFinished) -> None:
        for id, exchange in event.recorder.interactions.items():
            case = event.recorder.cases[id].value
            status = exchange.response.status_code if exchange.response else 0
            self.cases += 1
            if case.method == case.operation.method.upper():  # not one that it doesn't have
                self._statuses[operation_id(case)][status] += 1
        for id, results in event.recorder.checks.items():
            label = event.recorder.cases[id].value.operation.label
            for result in results:
                if result.failure_info is not None:
                    failure = result.failure_info.failure
                    key = (result.name, label, failure.title)
                    shown = f"{failure.message}\n{result.failure_info.code_sample}"
                    self.failures.setdefault(key, shown)

    def unreached(self, operations: frozenset[str]) -> list[str]:
        """The operations that were never called with success."""
        return [
            id
            for id in sorted(operations)
            if not any(200 <= status < 300 for status in self._statuses[id])
        ]

    def show(self, operations: frozenset[str]) -> None:
        """Print it: operations by how often they went well, then all failures."""
        seconds = time.monotonic() - self._started
        print(f"\n{'operation':40} 2xx  4xx  5xx")
        for id, statuses in sorted(self._statuses.items()):
            good, refused, broken = (
                sum(n for status, n in statuses.items() if status // 100 == hundred)
                for hundred in (2, 4, 5)
            )
            note = "" if id in operations else "  (not in the emulator)"
            print(f"{id:40} {good:5} {refused:5} {broken:5}{note}")
        for (check, label, title), shown in self.failures.items():
            print(f"\nFAILED {check}: {label} {title}\n{shown[:3000]}")
        # A matter of chance, and no fault: the stories of tests/test_all_operations.py reach all.
        for id in self.unreached(operations):
            print(f"\nNo call of {id} went well this time.")
        speed = self.cases / seconds
        print(f"\n{self.cases} cases in {seconds:.0f} s ({speed:.0f} a second),", end=" ")
        print(f"{len(self.failures)} failures")
