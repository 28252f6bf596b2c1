"""What is remembered of settled records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async.push.seen import Seen, State

KEY = ("shop", "invoice", "I1")


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
    seen = Seen()
    seen.put(KEY, State.DONE, 12, b"12345678", id)
    assert seen.id_of(KEY) == id


@given(st.sampled_from(State), st.integers(1, 2**40), st.binary(min_size=8, max_size=8), st.uuids())
def test_everything_that_was_put_comes_back(state, line, fingerprint, id):
    seen = Seen()
    seen.put(KEY, state, line, fingerprint, str(id))
    entry = seen.get(KEY)
    assert (entry.state, entry.line, entry.fingerprint) == (state, line, fingerprint)
    assert entry.id == str(id)
    assert seen.state_of(KEY) is state


def test_businesses_and_types_do_not_mix():
    seen = Seen()
    seen.put(KEY, State.DONE, 1, b"12345678", "a")
    assert seen.get(("other", "invoice", "I1")) is None
    assert seen.get(("shop", "refund", "I1")) is None
    assert len(seen) == 1
