"""Amounts go to minor units and back exactly, or are refused."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async.errors import InvalidRequest
from thredfi_async.money import exponent, from_minor, to_minor

THRED_CURRENCIES = {
    "GBP": 2, "EUR": 2, "USD": 2, "SEK": 2, "NOK": 2, "DKK": 2, "ISK": 0, "MYR": 2, "SGD": 2,
}  # fmt: skip
MINOR = st.integers(-(2**63), 2**63 - 1)
CURRENCIES = st.sampled_from(["GBP", "ISK", "KWD", "CLF"])


@pytest.mark.parametrize(("currency", "places"), THRED_CURRENCIES.items())
def test_every_currency_of_thred_has_its_iso_exponent(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("KWD", 3), ("CLF", 4), ("CHF", 2)])
def test_other_currencies_have_theirs(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("9.90", "GBP", 990),
        ("9.9", "gbp", 990),
        ("-0.01", "EUR", -1),
        ("9.9000", "GBP", 990),
        ("1e3", "GBP", 100_000),
        (Decimal("1234.5"), "SEK", 123_450),
        (10, "GBP", 1000),
        (10, "ISK", 10),
        ("1.234", "KWD", 1234),
        (" 9.90\n", "GBP", 990),
        ("+.5", "GBP", 50),
        ("5.", "GBP", 500),
        ("-0.00", "GBP", 0),
        ("0e999999999", "GBP", 0),
    ],
)
def test_amounts_become_minor_units(amount: str | Decimal | int, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


def test_the_decimal_keeps_the_places_of_its_currency() -> None:
    assert str(from_minor(990, "GBP")) == "9.90"
    assert str(from_minor(0, "GBP")) == "0.00"
    assert str(from_minor(990, "ISK")) == "990"
    assert str(from_minor(-1, "KWD")) == "-0.001"


@given(MINOR, CURRENCIES)
def test_minor_units_survive_the_way_there_and_back(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor
    assert to_minor(str(from_minor(minor, currency)), currency) == minor


@given(MINOR, st.integers(1, 60))
def test_the_callers_decimal_context_changes_nothing(minor: int, precision: int) -> None:
    with decimal.localcontext(prec=precision):
        assert to_minor(from_minor(minor, "GBP"), "GBP") == minor


@given(st.decimals(-(10**15), 10**15, places=6))
def test_an_amount_is_either_exact_or_refused(amount: Decimal) -> None:
    try:
        minor = to_minor(amount, "GBP")
    except InvalidRequest:
        assert amount * 100 % 1 != 0
    else:
        assert Decimal(minor) / 100 == amount


def test_a_finer_amount_is_refused_with_the_amount_and_the_remedy() -> None:
    with pytest.raises(InvalidRequest, match=r"9\.905 GBP .*rounding=decimal\.ROUND_HALF_EVEN"):
        to_minor("9.905", "GBP")
    with pytest.raises(InvalidRequest, match="ISK has no decimal places"):
        to_minor("0.5", "ISK")


@pytest.mark.parametrize(
    ("mode", "minor"),
    [
        (decimal.ROUND_HALF_EVEN, 990),
        (decimal.ROUND_HALF_UP, 991),
        (decimal.ROUND_DOWN, 990),
        (decimal.ROUND_CEILING, 991),
    ],
)
def test_rounding_happens_when_asked_for_and_as_asked(mode: str, minor: int) -> None:
    assert to_minor("9.905", "GBP", rounding=mode) == minor


def test_an_unknown_rounding_mode_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="ROUND_HALF_EVEN"):
        to_minor("9.905", "GBP", rounding="half-even")


def test_a_float_is_refused_and_told_why() -> None:
    amount: Any = 9.9
    with pytest.raises(InvalidRequest, match=r"9\.9 is a float.*pass text \('9\.90'\)"):
        to_minor(amount, "GBP")


@pytest.mark.parametrize(
    "amount",
    ["", "abc", "1,234.50", "£5", "NaN", "sNaN", "Infinity", "1_000", "1__0", "1e", ".", "1 000",
     "1e9999999999", "9.90\u00a0", "\u0663.\u0665\u0660", "\uff19.\uff19\uff10"],
)  # fmt: skip
def test_text_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(InvalidRequest, match="is not an amount"):
        to_minor(amount, "GBP")


@pytest.mark.parametrize(
    "amount",
    ["1e30", "1e999999999", Decimal("-1e400"), 10**5000, "92233720368547758.08"],
    ids=range(5),
)
def test_an_amount_beyond_64_bits_is_refused(amount: str | Decimal | int) -> None:
    with pytest.raises(InvalidRequest, match="too large"):
        to_minor(amount, "GBP")


@pytest.mark.parametrize("amount", [True, None, b"9.90", [1]])
def test_other_types_are_refused(amount: Any) -> None:
    with pytest.raises(InvalidRequest, match="must be str, Decimal or int"):
        to_minor(amount, "GBP")
    with pytest.raises(InvalidRequest, match="minor: must be a whole number"):
        from_minor(amount, "GBP")


@pytest.mark.parametrize("currency", ["", "GB", "POUND", "XXX", "XAU", "ÄÄÄ"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidRequest, match="not an ISO 4217 currency code"):
        to_minor("1.00", currency)


def test_refusals_are_value_errors() -> None:
    with pytest.raises(ValueError, match="GBP"):
        to_minor("0.001", "GBP")
