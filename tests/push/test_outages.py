"""What a failure that is no record's fault calls for."""

from __future__ import annotations

import errno

import pytest

from thredfi_async import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    TransportError,
)
from thredfi_async.push.outages import (
    DISTURBANCE,
    EXHAUSTED_FOR,
    OUTAGE,
    PAUSES,
    Outages,
    Ruling,
    too_long,
)

NO_TOKEN = ServerError(503, operation="get_business_token")
NO_CONNECTION = TransportError("no connection", operation="create_customer")


def exhausted(number=errno.EMFILE):
    error = TransportError("no connection", operation="create_customer")
    error.__cause__ = RuntimeError("wrapped")
    error.__cause__.__cause__ = OSError(number, "Too many open files")
    return error


def test_a_failure_of_the_record_is_its_own():
    outages = Outages(64)
    for error in (BadRequest(400), NO_CONNECTION):
        assert outages.judge(error, "shop", 0.0) == (Ruling.FAIL, 0.0)


def test_a_business_without_a_token_has_three_pauses_and_those_of_others_are_their_own():
    outages, now = Outages(64), 0.0
    for seconds in PAUSES:
        assert outages.judge(NO_TOKEN, "shop", now) == (Ruling.WAIT, pytest.approx(seconds))
        assert outages.judge(NO_TOKEN, "shop", now + 1) == (Ruling.WAIT, pytest.approx(seconds - 1))
        now += seconds
    assert outages.judge(NO_TOKEN, "shop", now) == (Ruling.FAIL, 0.0)
    assert outages.judge(NO_TOKEN, "cafe", now) == (Ruling.WAIT, pytest.approx(PAUSES[0]))


def test_pauses_begin_anew_when_a_record_was_sent():
    outages = Outages(64)
    assert outages.judge(NO_TOKEN, "shop", 0.0) == (Ruling.WAIT, pytest.approx(PAUSES[0]))
    outages.succeeded("shop", 0.5)  # while the pause goes on it proves nothing
    assert outages.judge(NO_TOKEN, "shop", 2.0) == (Ruling.WAIT, pytest.approx(PAUSES[1]))
    outages.succeeded("shop", 60.0)
    assert outages.judge(NO_TOKEN, "shop", 61.0) == (Ruling.WAIT, pytest.approx(PAUSES[0]))


def test_many_failures_in_a_row_are_a_disturbance_and_more_of_them_an_outage():
    outages = Outages(10)
    rulings = [outages.judge(NO_CONNECTION, "shop", 1e3 * n)[0] for n in range(OUTAGE + 1)]
    assert rulings[:DISTURBANCE] == [Ruling.FAIL] * DISTURBANCE
    assert rulings.count(Ruling.WAIT) == len(PAUSES)
    assert rulings[-1] is Ruling.FAIL_AND_END
    assert Outages(200).judge(NO_CONNECTION, "shop", 0.0)[0] is Ruling.FAIL


@pytest.mark.parametrize("between", [None, BadRequest(400)])
def test_an_answer_of_any_kind_ends_the_row(between):
    outages = Outages(10)
    for _ in range(20):
        for _ in range(DISTURBANCE):
            assert outages.judge(NO_CONNECTION, "shop", 0.0)[0] is Ruling.FAIL
        if between is None:
            outages.succeeded("shop", 0.0)
        else:
            outages.judge(between, "shop", 0.0)


@pytest.mark.parametrize(
    ("error", "ruling"),
    [
        (AuthenticationFailed(401, operation="get_partner_token"), Ruling.END),
        (AuthenticationFailed(401, operation="create_customer"), Ruling.WAIT),
        (ConfigurationError("the client is closed"), Ruling.END),
        (TransportError("no connection", operation="get_partner_token"), Ruling.WAIT),
        (OutcomeUnknown("lost", operation="o", method="POST", path="/"), Ruling.FAIL),
    ],
)
def test_what_ends_a_run_at_once_and_what_may_pass(error, ruling):
    assert Outages(64).judge(error, "shop", 0.0)[0] is ruling


def test_what_this_machine_has_run_out_of_is_waited_for_and_counts_as_no_outage():
    outages = Outages(1)
    for n in range(2 * OUTAGE):
        ruling, seconds = outages.judge(exhausted(), "shop", n * 0.5)
        assert ruling is Ruling.WAIT
        assert 0 < seconds < 2
    outages.succeeded("shop", 200.0)
    assert outages.judge(exhausted(), "shop", 400.0)[0] is Ruling.WAIT
    assert outages.judge(exhausted(), "shop", 401.0 + EXHAUSTED_FOR)[0] is Ruling.END


def test_only_what_surely_was_not_sent_is_exhaustion():
    unknown = OutcomeUnknown("lost", operation="o", method="POST", path="/")
    unknown.__cause__ = exhausted()
    for error in (unknown, exhausted(errno.ECONNREFUSED), NO_CONNECTION):
        assert Outages(64).judge(error, "shop", 0.0)[0] is Ruling.FAIL


def test_a_wait_that_is_too_long_says_how_long_it_would_be():
    told = RateLimited(429, code="slow_down", request_id="r-1", operation="create_customer")
    error = too_long(told, 7200.0)
    assert "7,200 s" in str(error)
    assert (error.code, error.request_id, error.operation) == ("slow_down", "r-1", told.operation)
