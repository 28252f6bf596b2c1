"""What counts as different between what was sent and what Thred has, and what doesn't."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thredfi_async.differences import Difference, compare


def lines(*amounts: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{"quantity": quantity, "unit_price": price} for quantity, price in amounts]


EQUAL = [
    ("sent_at", "2025-01-31T12:00:00Z", "2025-01-31T13:00:00+01:00"),
    ("sent_at", "2025-01-31T12:00:00.123456Z", "2025-01-31T12:00:00Z"),
    ("due_at", "2025-01-31", "2025-01-31T00:00:00Z"),
    ("due_at", "2025-01-31", "2025-01-30T23:00:00Z"),  # midnight in Paris
    ("status", "SENT", "sent"),
    ("memo", " Thanks ", "Thanks"),
    ("amount", 10, 10.0),
    ("amount", 10, "10.00"),
    ("rate", "0.20", "0.2"),
    ("quantity", "2", 2),
    ("flag", True, True),
    ("flag", True, 1),
    ("tags", ["a", "b"], ["B", "a"]),
    ("address", {"city": "Leeds", "line": "1"}, {"city": "LEEDS", "country": "GB"}),
    ("line_items", lines((2, 500), (1, 100)), lines((1, 100), (1, 1000))),
    ("line_items", lines((2, 500)), lines(("2.0", "500"))),
    ("line_items", lines((2, 500)), [{"description": "no figures"}]),
    ("line_items", [{"quantity": 2, "unit_price_cents": 500}], lines((2, 500))),
    ("allocations", [{"amount": 7}, {"amount": 3}], [{"amount": 10}]),
    # What only one of them has, or has in another shape, tells nothing.
    ("memo", None, "theirs"),
    ("memo", "ours", None),
    ("customer", "c-1", {"id": "c-1"}),
    ("tags", ["a"], "a"),
]

DIFFERENT = [
    ("sent_at", "2025-01-31T12:00:00Z", "2025-01-31T12:00:05Z"),
    ("due_at", "2025-01-31", "2025-02-02T00:00:00Z"),
    ("due_at", "2025-01-31", "2025-02-01"),
    ("status", "SENT", "paid"),
    ("amount", 10, 1000),
    ("amount", 100, 90),
    ("flag", True, False),
    ("code", "0012", "12"),
    ("phone", "+44", "44"),
    ("tags", ["a", "a"], ["a", "b"]),
    ("memo", "one", "two"),
]


@pytest.mark.parametrize(("name", "sent", "found"), EQUAL)
def test_what_means_the_same_is_equal(name: str, sent: Any, found: Any) -> None:
    assert compare({name: sent}, {name: found}) == ()


@pytest.mark.parametrize(("name", "sent", "found"), DIFFERENT)
def test_what_means_something_else_differs(name: str, sent: Any, found: Any) -> None:
    assert compare({name: sent}, {name: found}) == (Difference(name, sent, found),)


def test_what_thred_has_is_not_judged_by_text_that_could_not_be_read() -> None:
    assert compare({"memo": "Brot"}, {"memo": "Br\ufffdt"}) == ()
    (difference,) = compare({"memo": "Br\ufffdt"}, {"memo": "Brot"})
    assert difference.field == "memo"


def test_lines_differ_by_their_totals() -> None:
    (difference,) = compare({"line_items": lines((2, 500))}, {"line_items": lines((1, 2000))})
    assert str(difference) == "line_items (total): sent 1000, Thred has 2000"


def test_a_difference_below_an_object_is_named_by_its_path() -> None:
    (difference,) = compare({"address": {"city": "Leeds"}}, {"address": {"city": "York"}})
    assert str(difference) == "address.city: sent 'Leeds', Thred has 'York'"


def test_what_is_shown_of_a_difference_is_short() -> None:
    assert len(str(Difference("memo", "x" * 5000, "y" * 5000))) < 250


@pytest.mark.parametrize("one", [None, [], "text", 7])
def test_what_is_no_object_is_not_compared(one: Any) -> None:
    assert compare(one, {"a": 1}) == compare({"a": 1}, one) == ()


KEYS = st.sampled_from(["amount", "quantity", "unit_price", "sent_at", "tags", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.dictionaries(KEYS, JSON, max_size=4), JSON)
def test_whatever_is_compared_nothing_is_raised(sent: dict[str, Any], found: Any) -> None:
    for difference in compare(sent, found):
        assert str(difference)


@settings(max_examples=50)
@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_everything_is_equal_to_itself(sent: dict[str, Any]) -> None:
    assert compare(sent, sent) == ()
