"""Retry decisions are pure: what is resent, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async import ConfigurationError, RetryPolicy
from thredfi_async.operation import Operation, Replay, TokenScope
from thredfi_async.retry import (
    Failure,
    RetryBudget,
    failure_of_status,
    may_resend,
    parse_retry_after,
)

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC).timestamp()


def operation(replay: Replay) -> Operation[None]:
    return Operation(
        id="x", method="POST", path="/x/", tag="X", scope=TokenScope.PARTNER, replay=replay
    )


@pytest.mark.parametrize("replay", Replay)
@pytest.mark.parametrize("failure", [Failure.NOT_SENT, Failure.REFUSED])
def test_what_thred_never_took_is_always_resent(replay: Replay, failure: Failure) -> None:
    assert may_resend(operation(replay), failure, external_id=None, key=None)


@pytest.mark.parametrize("replay", Replay)
def test_what_was_answered_for_good_is_never_resent(replay: Replay) -> None:
    assert not may_resend(operation(replay), Failure.FINAL, external_id="e", key="k")


@pytest.mark.parametrize(
    ("replay", "external_id", "key", "resent"),
    [
        (Replay.SAFE, None, None, True),
        (Replay.UPSERT, None, None, True),
        (Replay.EXTERNAL_ID, "inv-1", None, True),
        (Replay.EXTERNAL_ID, None, None, False),
        (Replay.EXTERNAL_ID, "", None, False),
        (Replay.EXTERNAL_ID, None, "key", False),
        (Replay.IDEMPOTENCY_KEY, None, "key", True),
        (Replay.IDEMPOTENCY_KEY, "pay-1", None, True),
        (Replay.IDEMPOTENCY_KEY, None, None, False),
        (Replay.STATE_CHANGE, "inv-1", "key", False),
        (Replay.UNSAFE, "inv-1", "key", False),
    ],
)
def test_an_uncertain_write_is_resent_only_under_a_name_that_thred_knows(
    replay: Replay, external_id: str | None, key: str | None, resent: bool
) -> None:
    found = may_resend(operation(replay), Failure.UNCERTAIN, external_id=external_id, key=key)
    assert found is resent


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, Failure.FINAL),
        (404, Failure.FINAL),
        (409, Failure.FINAL),
        (300, Failure.FINAL),
        (307, Failure.FINAL),
        (408, Failure.UNCERTAIN),
        (425, Failure.UNCERTAIN),
        (429, Failure.REFUSED),
        (500, Failure.UNCERTAIN),
        (502, Failure.UNCERTAIN),
        (503, Failure.UNCERTAIN),
        (504, Failure.UNCERTAIN),
        (501, Failure.FINAL),
        (505, Failure.FINAL),
    ],
)
def test_a_status_says_whether_the_request_was_taken(status: int, failure: Failure) -> None:
    assert failure_of_status(status) is failure


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-3", 0.0),
        (format_datetime(datetime(2025, 1, 31, 12, 0, 30, tzinfo=UTC), usegmt=True), 30.0),
        (format_datetime(datetime(2025, 1, 31, 11, tzinfo=UTC), usegmt=True), 0.0),
        ("Fri, 31 Jan 2025 12:00:05", 5.0),
        (" Fri, 31 Jan 2025 14:00:05 +0200 ", 5.0),
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


def test_retry_after_wins_over_a_shorter_backoff() -> None:
    assert RetryPolicy().wait(1, retry_after=9.0, rand=lambda: 1.0) == 9.0


def test_a_longer_backoff_wins_over_retry_after() -> None:
    assert RetryPolicy(base=4.0).wait(1, retry_after=1.0, rand=lambda: 1.0) == 4.0


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
