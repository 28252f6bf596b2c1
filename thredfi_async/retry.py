"""How often a call may be repeated, and how long to wait before. No I/O happens here.

Whether it may be repeated at all is decided in `outcomes`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import attrs

from .errors import ConfigurationError
from .fields import is_whole
from .texts import shown

__all__ = ["RetryBudget", "RetryPolicy", "is_positive", "parse_retry_after"]


_RETRY = 5  # what a retry costs, in calls that need none


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110: whole seconds, or an HTTP date).

    ``now`` is in seconds since 1970. None where there is no header, or another than that.
    """
    if not text:
        return None
    text = text.strip(" \t")
    if _SECONDS(text):
        return float(text)
    if not _HTTP_DATE(text):
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now)


_SECONDS = re.compile(r"[0-9]{1,300}").fullmatch
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"  # IMF-fixdate
    r"|[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT"  # RFC 850
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}",  # asctime
    re.ASCII,
).fullmatch


_TOO_LARGE = 1 << 63  # for a sum with a float


def is_positive(value: object) -> bool:
    """Whether it is a number above 0, as seconds and counts have to be."""
    if isinstance(value, float):
        return value > 0
    return is_whole(value) and 0 < value < _TOO_LARGE


def _positive(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_positive(value):
        raise ConfigurationError(
            f"RetryPolicy.{attribute.name} must be above 0, not {shown(value)}"
        )


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
    backoff with full jitter). Where the answer has a Retry-After, that is waited for as well, so
    that not all who were told to wait come back in the same moment. A Retry-After above
    ``max_retry_after`` is not waited for: the call fails at once and says so. ``deadline``
    bounds the whole call: token, queueing, attempts, waits, look-ups.
    ``budget`` is how many retries and look-ups all calls of a client together may make before
    some call succeeds (see `RetryBudget`); waits that a Retry-After asked for are free.
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
        return jittered + (retry_after or 0.0)
