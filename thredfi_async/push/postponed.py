"""Records that wait because nothing of their business can be sent for the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

__all__ = ["PAUSES", "Postponed"]

R = TypeVar("R")

PAUSES = (1.1, 2.2, 4.4)  # seconds; each a little longer than the token cache's own


@attrs.define
class _Waiting(Generic[R]):
    pauses: int = 0  # so many there have been since a record of the business was last sent
    records: list[R] = attrs.field(factory=list)
    timer: asyncio.TimerHandle | None = None


class Postponed(Generic[R]):
    """Puts records aside by business, and gives all of one business back after a pause.

    Without it, one failure of the token endpoint would fail every record that is read until
    the token cache asks again, and an outage of a second would end the run.
    """

    def __init__(self, give_back: Callable[[R], None]) -> None:
        self._give_back = give_back
        self._waiting: dict[str, _Waiting[R]] = {}

    def put(self, business_id: str, record: R) -> bool:
        """Put a record aside; False where its business has had all pauses there are."""
        waiting = self._waiting.setdefault(business_id, _Waiting())
        if waiting.timer is None:
            if waiting.pauses == len(PAUSES):
                return False
            waiting.timer = asyncio.get_running_loop().call_later(
                PAUSES[waiting.pauses], self._end_pause, waiting
            )
            waiting.pauses += 1
        waiting.records.append(record)
        return True

    def succeeded(self, business_id: str) -> None:
        """A record of the business was sent: its pauses begin anew."""
        waiting = self._waiting.get(business_id)
        if waiting is not None and waiting.timer is None:
            del self._waiting[business_id]

    def clear(self) -> None:
        """Give nothing back any more."""
        for waiting in self._waiting.values():
            if waiting.timer is not None:
                waiting.timer.cancel()
        self._waiting.clear()

    def _end_pause(self, waiting: _Waiting[R]) -> None:
        waiting.timer = None
        records, waiting.records = waiting.records, []
        for record in records:
            self._give_back(record)
