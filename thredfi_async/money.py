"""Decimal amounts <-> integer minor units, exactly.

Thred's amounts are whole minor units (pence, cents) whether or not the field's name
says so. How many of them make one unit comes from ISO 4217: 100 for most currencies,
1 for ISK and JPY, 1000 for KWD. Thred's pages don't say how ISK is meant; ISO 4217
gives it no minor unit, so 1 ISK is 1 here.

>>> to_minor("9.90", "GBP")
990
>>> from_minor(990, "GBP")
Decimal('9.90')
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)

from .errors import InvalidRequest

__all__ = ["exponent", "from_minor", "to_minor"]

# ISO 4217 as of 2026, and the codes withdrawn since 2020, which older books still hold.
_OTHER_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO_DECIMALS = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN
    BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT
    LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
    NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS
    SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD
    XCG YER ZAR ZMW ZWG ZWL
"""
_EXPONENTS = dict.fromkeys(_TWO_DECIMALS.split(), 2) | {
    code: places for places, codes in _OTHER_EXPONENTS.items() for code in codes.split()
}

_ROUNDINGS = (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_HALF_DOWN,
    ROUND_UP,
    ROUND_DOWN,
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_05UP,
)
_AMOUNT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?\s*", re.ASCII).fullmatch
_LIMIT = 2**63  # what a JSON reader elsewhere can be relied on to take as an integer
_PRECISION = 60  # digits, far beyond _LIMIT: nothing below depends on the caller's context


def exponent(currency: str) -> int:
    """How many decimal places a currency has: 2 for GBP, 0 for ISK, 3 for KWD.

    ``currency`` is an ISO 4217 code in either case. Raises `InvalidRequest` for any other text,
    also for the codes of metals and funds that have no minor unit (XAU, XDR).
    """
    places = _EXPONENTS.get(currency.upper()) if isinstance(currency, str) else None
    if places is None:
        raise InvalidRequest.at(
            "currency",
            f"{currency!r} is not an ISO 4217 currency code with a minor unit, such as 'GBP'",
        )
    return places


def to_minor(amount: str | Decimal | int, currency: str, *, rounding: str | None = None) -> int:
    """An amount in whole units, as integer minor units: ``to_minor("9.90", "GBP") == 990``.

    ``amount`` is text with a decimal point, a Decimal, or an int (of whole units, so 10 is ten
    pounds). Raises `InvalidRequest` for a float, which is not exact, and for an amount finer than
    the minor unit, unless ``rounding`` names one of the decimal module's modes, for example
    ``decimal.ROUND_HALF_EVEN``.
    """
    places = exponent(currency)
    number = _number(amount)
    if number.is_zero():
        return 0
    if number.adjusted() + places > 19:  # before any arithmetic: 1e999999999 has to stay cheap
        raise _out_of_range(amount)
    if rounding is not None and rounding not in _ROUNDINGS:
        raise InvalidRequest.at(
            "rounding", f"{rounding!r} is none of the decimal module's: {', '.join(_ROUNDINGS)}"
        )
    context = Context(prec=_PRECISION, rounding=rounding or ROUND_DOWN)
    rounded = number.quantize(Decimal(1).scaleb(-places, context), context=context)
    if rounding is None and rounded != number:
        code = currency.upper()
        raise InvalidRequest.at(
            "amount",
            f"{amount!s:.40} {code} is finer than the minor unit, as {code} has {places or 'no'} "
            "decimal places; correct it, or say how to round: rounding=decimal.ROUND_HALF_EVEN",
        )
    minor = int(rounded.scaleb(places, context))
    if not -_LIMIT <= minor < _LIMIT:
        raise _out_of_range(amount)
    return minor


def from_minor(minor: int, currency: str) -> Decimal:
    """Integer minor units as a Decimal of whole units: ``from_minor(990, "GBP")`` is 9.90.

    The result has the currency's decimal places, zeros included. Raises `InvalidRequest` for
    anything but an int.
    """
    places = exponent(currency)
    if not isinstance(minor, int) or isinstance(minor, bool):
        raise InvalidRequest.at(
            "minor", f"must be a whole number of minor units (int), not {type(minor).__name__}"
        )
    if not -_LIMIT <= minor < _LIMIT:
        raise _out_of_range(minor)
    return Decimal(minor).scaleb(-places, Context(prec=_PRECISION))


def _number(amount: str | Decimal | int) -> Decimal:
    if isinstance(amount, float):
        raise InvalidRequest.at(
            "amount",
            f"{amount!r} is a float, which can't hold most decimal amounts exactly; "
            "pass text ('9.90') or a Decimal",
        )
    if not isinstance(amount, str | Decimal | int) or isinstance(amount, bool):
        raise InvalidRequest.at(
            "amount", f"must be str, Decimal or int, not {type(amount).__name__}"
        )
    if isinstance(amount, int) and not -_LIMIT <= amount < _LIMIT:
        raise _out_of_range(amount)
    # Decimal by itself takes 1_000, and digits of any script.
    readable = not isinstance(amount, str) or _AMOUNT(amount)
    number = Decimal(amount if readable else "NaN")
    if not number.is_finite():
        raise InvalidRequest.at(
            "amount",
            f"{str(amount)[:40]!r} is not an amount; "
            "write digits with a decimal point and no separators, such as '1234.50'",
        )
    return number


def _out_of_range(amount: str | Decimal | int) -> InvalidRequest:
    # An int of thousands of digits can't even be written out, hence no text of it.
    shown = "an integer of more than 64 bits" if isinstance(amount, int) else f"{amount!s:.40}"
    return InvalidRequest.at("amount", f"{shown} is too large to be an amount")
