"""How long a call waits before it is repeated, and how often it may be."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async import ConfigurationError, RetryPolicy
from thredfi_async.retry import RetryBudget, parse_retry_after

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 8\t", 8.0),
        ("0", 0.0),
        ("007", 7.0),
        ("9" * 300, float("9" * 300)),
        (format_datetime(datetime(2025, 1, 31, 12, 0, 30, tzinfo=UTC), usegmt=True), 30.0),
        (format_datetime(datetime(2025, 1, 31, 11, tzinfo=UTC), usegmt=True), 0.0),
        ("Friday, 31-Jan-25 12:00:05 GMT", 5.0),
        ("Fri Jan 31 12:00:05 2025", 5.0),
        # Neither whole seconds nor a date in one of the three forms of RFC 9110:
        ("1.5", None),
        ("-3", None),
        ("+3", None),
        ("1e3", None),
        ("1_000", None),
        ("\u0663", None),
        ("infinity", None),
        ("7, 9", None),
        ("Fri, 31 Jan 2025 12:00:05", None),
        ("Fri, 31 Jan 2025 14:00:05 +0200", None),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("Fri, 99 Jan 2025 12:00:05 GMT", None),
        ("Fri, 31 Jan 20250000000000000000 12:00:05 GMT", None),
        ("Fri, 31 Jan 2025 12:00:05 +99999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(
    text: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(text, NOW) == seconds


@given(st.text())
def test_retry_after_takes_any_text_without_an_exception(text: str) -> None:
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or seconds >= 0


def test_waits_grow_exponentially_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=10, base=0.5, cap=3.0)
    waits = [policy.wait(attempt, rand=lambda: 1.0) for attempt in range(1, 6)]
    assert waits == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_wait_without_a_cap_worth_the_name_is_still_a_number() -> None:
    policy = RetryPolicy(attempts=20_000, base=1.0, cap=1e12)
    assert policy.wait(10_000, rand=lambda: 1.0) == 2.0**30


@given(attempt=st.integers(1, 10_000), rand=st.floats(0, 1))
def test_jitter_is_full_and_never_above_the_cap(attempt: int, rand: float) -> None:
    policy = RetryPolicy(attempts=20_000, base=0.5, cap=8.0)
    wait = policy.wait(attempt, rand=lambda: rand)
    assert wait is not None
    assert 0 <= wait <= min(8.0, 0.5 * 2.0 ** min(attempt - 1, 30))


def test_a_retry_after_is_waited_for_with_the_jitter_of_the_backoff_on_top() -> None:
    policy = RetryPolicy(base=4.0)
    assert policy.wait(1, retry_after=9.0, rand=lambda: 0.0) == 9.0
    assert policy.wait(1, retry_after=9.0, rand=lambda: 0.5) == 11.0
    assert policy.wait(1, retry_after=9.0, rand=lambda: 1.0) == 13.0


def test_an_absurd_retry_after_is_not_waited_for() -> None:
    assert RetryPolicy(max_retry_after=60).wait(1, retry_after=61.0) is None
    assert RetryPolicy(max_retry_after=60).wait(1, retry_after=60.0) is not None


def test_the_last_attempt_is_the_last() -> None:
    policy = RetryPolicy(attempts=3)
    assert policy.wait(2) is not None
    assert policy.wait(3) is None


@pytest.mark.parametrize(
    "name", ["attempts", "base", "cap", "max_retry_after", "deadline", "budget"]
)
def test_a_policy_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^RetryPolicy\.{name} must be above 0, not 0$"):
        RetryPolicy(**{name: 0})


def test_a_budget_that_is_used_up_is_earned_again_by_calls_that_succeed() -> None:
    budget = RetryBudget(3)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    for _ in range(4):
        budget.succeeded(retried=False)
    assert not budget.take()
    budget.succeeded(retried=False)
    assert budget.take()
    assert not budget.take()
    budget.succeeded(retried=True)
    assert budget.take()


def test_a_budget_never_holds_more_than_it_began_with() -> None:
    budget = RetryBudget(2)
    for _ in range(100):
        budget.succeeded(retried=True)
    assert [budget.take() for _ in range(3)] == [True, True, False]
