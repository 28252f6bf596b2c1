"""Patterns that a text can hold up for ever are told from those that it can't."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.patterns import compiles, is_harmless


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        "^[0-9a-f-]+$",
        "^[a-z0-9-]*$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"^-?\d+(\.\d{1,2})?$",
        "^[A-Z]{3}$",
        "^(?:GBP|EUR|GEL)$",
        "^(foo|bar)+$",
        r"^[a-z]+@[a-z]+\.(com|org)$",
        r"^\s*\S+\s*$",
        r"^\+?[0-9 ]{5,20}$",
        "^(?!-)[a-z-]+$",
        "^([A-Za-z0-9+/]{4})*$",
        r"^[\w.]+@[\w.]+\.com$",
        "^(x?y?)x$",
        "^.*$",
        "^(?P<name>x)?y$",
    ],
)
def test_patterns_whose_parts_can_not_trade_pass(pattern: str) -> None:
    assert compiles(pattern)
    assert is_harmless(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a*)*$",
        "^(a|aa)+$",
        "^(a|b|ab)*$",
        "^(?:a?){30}a{30}$",
        "^" + "a?" * 30 + "a" * 30 + "$",
        r"^(\w+\s?)*$",
        r"^([a-z]+\.)+$",
        r"^\d+\d+$",
        "^.*.*$",
        r"^\w*[a-z]*\d$",
        "^a*b*a*c$",
        "(a|a)*$",
        r"\s+$",
        r"^([\w.]+)\.([\w.]+)\.com$",
        r"^(a)\1+$",
        "(?i)^(a+)$",
        "^(?i:a)+$",
    ],
)
def test_patterns_whose_parts_may_trade_do_not(pattern: str) -> None:
    assert compiles(pattern)
    assert not is_harmless(pattern)


parts = st.sampled_from(["a", "b", "[ab]", ".", "a?", "b*", "[ab]+", "a{1,3}", "(?:a|b)", r"\w"])
patterns = st.recursive(
    parts,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(patterns, st.text("ab", max_size=4))
def test_what_passes_is_quick_on_long_texts_that_do_not_match(pattern: str, seed: str) -> None:
    whole = f"^{pattern}$"
    if not is_harmless(whole):
        return
    for text in ("a" * 2000, "ab" * 1000, (seed or "b") * 400):
        begun = time.process_time()
        re.search(whole, text + "!")
        assert time.process_time() - begun < 0.2
