"""What a failure that is no record's fault calls for: a pause, the end of the run, or nothing.

Without pauses, one failure of the token endpoint would fail every record that is read until the
token cache asks again, and an outage of a second would end the run. Decides, and never waits.
"""

from __future__ import annotations

import enum

import attrs

from ..errors import (
    AuthenticationFailed,
    CallError,
    ConfigurationError,
    InvalidAnswer,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    ThredfiError,
    TransportError,
)
from ..limits import is_exhaustion
from ..operations import GET_BUSINESS_TOKEN, GET_PARTNER_TOKEN

__all__ = ["EXHAUSTED", "LONGEST_WAIT", "Outages", "Ruling", "too_long"]

PAUSES = (1.1, 2.2, 4.4)  # seconds; each a little longer than the token cache's own
DISTURBANCE = 20  # failures in a row, none of them the record's fault, that call for a pause
OUTAGE = 100  # failures in a row, none of them the record's fault, that end a run
LONGEST_WAIT = 15 * 60.0  # seconds; a Retry-After beyond it ends a run
EXHAUSTED = 0.5  # seconds to wait where this machine has run out of something
EXHAUSTED_FOR = 300.0  # seconds of that, without any success, that end a run

_NO_FAULT_OF_RECORDS = (TransportError, ServerError, InvalidAnswer, OutcomeUnknown)
_TOKENS = (GET_PARTNER_TOKEN.id, GET_BUSINESS_TOKEN.id)


class Ruling(enum.Enum):
    """What becomes of the record that failed."""

    FAIL = enum.auto()  # it is told so
    FAIL_AND_END = enum.auto()  # so it is, and it is the last
    WAIT = enum.auto()  # it is tried again after a pause
    END = enum.auto()  # it is as good as it was: the run ends without it


@attrs.define
class _Pauses:
    """Those of one business."""

    count: int = 0  # so many there have been since a record of the business was last sent
    end_at: float = float("-inf")  # when the last of them ends


class Outages:
    """Counts failures, and keeps the pauses of each business."""

    def __init__(self, concurrency: int) -> None:
        self._limit = max(OUTAGE, 2 * concurrency)
        self._in_a_row = 0
        self._pauses: dict[str, _Pauses] = {}
        self._exhausted_since: float | None = None

    def succeeded(self, business: str, now: float) -> None:
        """A record of the business was sent, and answered."""
        self._in_a_row = 0
        self._exhausted_since = None
        pauses = self._pauses.get(business)
        if pauses is not None and now >= pauses.end_at:
            del self._pauses[business]

    def judge(self, error: ThredfiError, business: str, now: float) -> tuple[Ruling, float]:
        """What a failure calls for, and for how many seconds to wait where it is a pause."""
        # What may have been sent is for others to judge.
        if isinstance(error, TransportError) and is_exhaustion(error):
            return self._exhausted(now)
        self._exhausted_since = None
        self._in_a_row = self._in_a_row + 1 if isinstance(error, _NO_FAULT_OF_RECORDS) else 0
        operation = error.operation if isinstance(error, CallError) else ""
        if self._may_pass(error, operation):
            pause = self._pause(business, now)
            if pause is not None:
                return Ruling.WAIT, pause
        refused = isinstance(error, AuthenticationFailed | ConfigurationError)
        if refused or operation == GET_PARTNER_TOKEN.id:
            return Ruling.END, 0.0
        return (Ruling.FAIL if self._in_a_row < self._limit else Ruling.FAIL_AND_END), 0.0

    def _may_pass(self, error: ThredfiError, operation: str) -> bool:
        """Whether it is worth a pause: what failed is no record, and may soon work again."""
        if isinstance(error, AuthenticationFailed):
            return operation != GET_PARTNER_TOKEN.id  # there, the API key itself is wrong
        if operation in _TOKENS and isinstance(error, _NO_FAULT_OF_RECORDS):
            return True
        return self._in_a_row > DISTURBANCE

    def _pause(self, business: str, now: float) -> float | None:
        """Seconds until the pause of the business ends; None where it has had all there are."""
        pauses = self._pauses.setdefault(business, _Pauses())
        if now >= pauses.end_at:
            if pauses.count == len(PAUSES):
                return None
            pauses.end_at = now + PAUSES[pauses.count]
            pauses.count += 1
        return pauses.end_at - now

    def _exhausted(self, now: float) -> tuple[Ruling, float]:
        if self._exhausted_since is None:
            self._exhausted_since = now
        if now - self._exhausted_since > EXHAUSTED_FOR:
            return Ruling.END, 0.0
        return Ruling.WAIT, EXHAUSTED


def too_long(error: ThredfiError, seconds: float) -> RateLimited:
    """What ends a run that would have to wait for longer than it is willing to."""
    told = error if isinstance(error, RateLimited) else RateLimited(429)
    return RateLimited(
        429,
        code=told.code,
        message=f"Thred asks to wait {seconds:,.0f} s, and a push waits {LONGEST_WAIT:,.0f} s at "
        "most: push the same input again later",
        request_id=told.request_id,
        retry_after=seconds,
        operation=told.operation,
        attempts=told.attempts,
    )
