"""What the lines of a vendor credit come to, in whole minor units, without floating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from .amounts import LARGEST
from .books import Books, CreditLine
from .checks import find_account
from .problems import REQUIRED, invalid

__all__ = ["credit_lines"]

Fields = Mapping[str, Any]


def credit_lines(items: Sequence[Fields], books: Books) -> list[CreditLine]:
    """The lines with their amounts, the tax in them, and their accounts. Raises 400."""
    if not items:
        raise invalid(line_items="A credit needs at least one line.")
    rates = {tax["code"]: tax["rate"] for tax in books.tax_codes}
    lines = [
        _line(item, books, rates, f"line_items[{number}]") for number, item in enumerate(items)
    ]
    if sum(line.amount for line in lines) > LARGEST:
        raise invalid(line_items="The total of the credit is too large.")
    return lines


def _line(item: Fields, books: Books, rates: Mapping[str, float], path: str) -> CreditLine:
    amount = item.get("amount")
    if amount is None:
        raise invalid(**{f"{path}.amount": REQUIRED})
    tax = sum(
        _tax(one, amount, rates, f"{path}.sales_taxes[{number}]")
        for number, one in enumerate(item.get("sales_taxes") or ())
    )
    if tax > amount:
        raise invalid(**{f"{path}.sales_taxes": f"They are more than the amount, {amount}."})
    name = "expense_account_identifier"
    account = find_account(books, item.get(name), f"{path}.{name}")
    return CreditLine(fields=item, amount=amount, tax=tax, account=account)


def _tax(tax: Fields, amount: int, rates: Mapping[str, float], path: str) -> int:
    """As given, else what the rate of its code makes of an amount that includes it."""
    given, code = tax.get("amount"), tax.get("code")
    if given is not None:
        if type(given) is not int or given < 0:
            raise invalid(**{f"{path}.amount": "A valid integer of at least 0 is required."})
        return given
    if code is None:
        return 0
    if not isinstance(code, str) or code not in rates:
        text = f"Unknown tax code {code!r}. Known are {', '.join(rates)}."
        raise invalid(**{f"{path}.code": text})
    rate = Fraction(repr(rates[code]))
    found = amount * rate / (1 + rate)
    return (2 * found.numerator + found.denominator) // (2 * found.denominator)
