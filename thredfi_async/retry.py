"""Retry decisions: again or not, and how long to wait. No I/O happens here.

The rules of which write may be sent again come from the description
(`Operation.replay`); see https://docs.thredfi.com/implementation/idempotency.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import attrs

from .errors import ConfigurationError
from .operation import Operation, Replay

__all__ = ["Failure", "RetryBudget", "RetryPolicy", "may_resend", "parse_retry_after"]


_RETRY = 5  # what a retry costs, in calls that need none


class Failure(enum.Enum):
    """What one attempt ended in, as far as sending it again is concerned."""

    NOT_SENT = "not sent"  # no connection: Thred never saw it
    REFUSED = "refused"  # 429: Thred saw it and did nothing
    UNCERTAIN = "uncertain"  # sent, and no readable answer, or a 5xx: anything may have happened
    FINAL = "final"  # the same request would end the same way


def failure_of_status(status: int) -> Failure:
    """How an answer outside 2xx counts. 401 is not judged here: a new token may cure it."""
    if status == 429:
        return Failure.REFUSED
    if status in (501, 505):  # nothing there to carry it out, and there will be none
        return Failure.FINAL
    if not 300 <= status < 500 or status in (408, 425):
        return Failure.UNCERTAIN
    return Failure.FINAL


def may_resend(
    operation: Operation[Any], failure: Failure, *, external_id: str | None, key: str | None
) -> bool:
    """Whether sending the same request again can't do anything twice.

    ``external_id`` and ``key`` are the names under which Thred would know the repeat:
    that of the body, and the Idempotency-Key header.
    """
    if failure is Failure.FINAL:
        return False
    if failure in (Failure.NOT_SENT, Failure.REFUSED):
        return True
    match operation.replay:
        case Replay.SAFE | Replay.UPSERT:
            return True
        case Replay.EXTERNAL_ID:
            return bool(external_id)
        case Replay.IDEMPOTENCY_KEY:
            return bool(external_id or key)
        case Replay.STATE_CHANGE:
            return operation.confirm is not None  # else nobody could tell what a refusal means
        case Replay.UNSAFE:
            return False


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (a number of seconds or an HTTP date).

    ``now`` is in seconds since 1970. None where there is no header or no sense in it.
    """
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, IndexError, OverflowError):
            return None
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    if seconds != seconds:  # NaN
        return None
    return max(0.0, seconds)


def is_positive(value: object) -> bool:
    """Whether it is a number above 0, as seconds and counts have to be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _positive(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_positive(value):
        raise ConfigurationError(f"RetryPolicy.{attribute.name} must be above 0, not {value!r}")


def settles(status: int, code: str | None) -> bool:
    """Whether this refusal says that an earlier attempt, whose answer was lost, did nothing.

    So it is where the request itself is at fault. Anything else may come of the earlier
    attempt's success (409, a duplicate) or of what has happened since (401, 403, a redirect).
    """
    return status in (400, 404, 422) and "duplicate" not in (code or "")


class RetryBudget:
    """How many more retries a client may make: a token bucket, against retry storms.

    It starts full, each retry takes one, and only success fills it: a call that needed no
    retry gives a fifth of one, a call that did gives back its last. While everything fails,
    the bucket runs empty, and each call is then tried once.
    """

    def __init__(self, capacity: float) -> None:
        self._capacity = self._left = capacity * _RETRY

    def take(self) -> bool:
        """Whether one more retry may be made; if so, it is taken."""
        if self._left < _RETRY:
            return False
        self._left -= _RETRY
        return True

    def succeeded(self, *, retried: bool) -> None:
        """A call went well, after a retry that was taken from here or without one."""
        self._left = min(self._capacity, self._left + (_RETRY if retried else 1))


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a call is repeated. All times are in seconds.

    A wait is drawn between 0 and ``base`` * 2^(attempt - 1), at most ``cap`` (exponential
    backoff with full jitter), or is what the answer's Retry-After asks for, if that is
    longer. A Retry-After above ``max_retry_after`` is not waited for: the call fails
    at once and says so. ``deadline`` bounds the whole call: token, queueing, attempts, waits.
    ``budget`` is how many retries all calls of a client together may make before some call
    succeeds (see `RetryBudget`); waits that a Retry-After asked for are free.
    """

    attempts: int = attrs.field(default=5, validator=_positive)
    base: float = attrs.field(default=0.25, validator=_positive)
    cap: float = attrs.field(default=20.0, validator=_positive)
    max_retry_after: float = attrs.field(default=60.0, validator=_positive)
    deadline: float = attrs.field(default=120.0, validator=_positive)
    budget: float = attrs.field(default=100.0, validator=_positive)

    def wait(
        self,
        attempt: int,
        *,
        retry_after: float | None = None,
        rand: Callable[[], float] = random.random,
    ) -> float | None:
        """Seconds to wait after attempt number ``attempt`` (from 1); None: give up."""
        if attempt >= self.attempts:
            return None
        if retry_after is not None and retry_after > self.max_retry_after:
            return None
        # 2.0**30 s is far beyond any cap; the bound keeps the power from overflowing
        jittered = rand() * min(self.cap, self.base * 2.0 ** min(attempt - 1, 30))
        return max(jittered, retry_after or 0.0)
