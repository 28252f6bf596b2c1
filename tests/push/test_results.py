"""What is remembered of settled records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async.push.results import Key, Results, State

KEY = Key("shop", "invoice", "I1")


@pytest.mark.parametrize(
    "id",
    [
        None,
        "0b6ef2a4-3c58-4c7a-9d43-0d6a5e0d9f11",
        "0B6EF2A4-3C58-4C7A-9D43-0D6A5E0D9F11",
        "0b6ef2a43c584c7a9d430d6a5e0d9f11",
        "0b6ef2a4-3c58-4c7a-9d43-0d6a5e0d9fgg",
        "inv_12-é",
        "-" * 36,
    ],
)
def test_ids_come_back_exactly_as_they_were(id):
    results = Results()
    results.put(KEY, State.DONE, 12, b"12345678", id)
    assert results.id_of(KEY) == id


@given(st.sampled_from(State), st.integers(1, 2**40), st.binary(min_size=8, max_size=8), st.uuids())
def test_everything_that_was_put_comes_back(state, line, fingerprint, id):
    results = Results()
    results.put(KEY, state, line, fingerprint, str(id))
    entry = results.get(KEY)
    assert (entry.state, entry.line, entry.fingerprint) == (state, line, fingerprint)
    assert entry.id == str(id)
    assert results.state_of(KEY) is state


def test_businesses_and_types_do_not_mix():
    results = Results()
    results.put(KEY, State.DONE, 1, b"12345678", "a")
    assert results.get(KEY._replace(business="other")) is None
    assert results.get(KEY._replace(kind="refund")) is None
    assert len(results) == 1


def test_records_of_two_parents_do_not_mix():
    results = Results()
    first, second = (Key("shop", "refund_payment", "p1", f"refund_id:{n}") for n in (1, 2))
    results.put(first, State.DONE, 1, b"12345678", "a")
    assert results.get(second) is None
    assert results.get(first._replace(parent="")) is None
    results.put(second, State.DONE, 2, b"12345678", "b")
    assert (results.id_of(first), results.id_of(second)) == ("a", "b")


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (State.DONE, State.DONE),
        (State.DIFFERS, State.DIFFERS),
        (State.FAILED, None),
        (State.UNKNOWN, None),
    ],
)
def test_who_refers_to_a_record_of_an_earlier_run_sees_only_what_is_there(state, seen):
    results = Results()
    results.put(KEY, state, 7, b"12345678", "a", earlier=True, reason="why")
    assert results.state_of(KEY) is seen
    entry = results.get(KEY)
    assert (entry.state, entry.earlier, entry.reason, entry.line) == (state, True, "why", 7)
    results.put(KEY, state, 1, b"12345678")
    assert results.state_of(KEY) is state
    assert not results.get(KEY).earlier


def test_an_id_with_half_of_a_surrogate_pair_comes_back_too():
    results = Results()
    results.put(KEY, State.DONE, 1, b"12345678", "half \ud800")
    assert results.id_of(KEY) == "half \ud800"
