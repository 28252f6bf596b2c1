"""What the lines of credits come to, in whole minor units, without floating point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from .amounts import LARGEST, rate_of, tax_rates
from .books import Books, CreditLine
from .checks import find_account
from .problems import REQUIRED, invalid

__all__ = ["customer_credit_lines", "vendor_credit_lines"]

Fields = Mapping[str, Any]


def customer_credit_lines(items: Sequence[Fields], books: Books) -> list[CreditLine]:
    """Lines whose ``amount`` is net, with their accounts. Raises 400."""

    def line(item: Fields, path: str) -> CreditLine:
        name = "revenue_account_identifier"
        account = find_account(books, item.get(name), f"{path}.{name}")
        tax = item.get("tax_amount_cents") or 0
        return CreditLine(fields=item, net=item["amount"], tax=tax, account=account)

    return _lines(items, line)


def vendor_credit_lines(items: Sequence[Fields], books: Books) -> list[CreditLine]:
    """Lines whose ``amount`` includes the tax, with their accounts. Raises 400."""
    rates = tax_rates(books)

    def line(item: Fields, path: str) -> CreditLine:
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
        return CreditLine(fields=item, net=amount - tax, tax=tax, account=account)

    return _lines(items, line)


def _lines(items: Sequence[Fields], line: Callable[[Fields, str], CreditLine]) -> list[CreditLine]:
    if not items:
        raise invalid(line_items="A credit needs at least one line.")
    lines = [line(item, f"line_items[{number}]") for number, item in enumerate(items)]
    if sum(one.total for one in lines) > LARGEST:
        raise invalid(line_items="The total of the credit is too large.")
    return lines


def _tax(tax: Fields, amount: int, rates: Mapping[str, float], path: str) -> int:
    """As given, else what the rate of its code makes of an amount that includes it."""
    given, code = tax.get("amount"), tax.get("code")
    if given is not None:
        if type(given) is not int or given < 0:
            raise invalid(**{f"{path}.amount": "A valid integer of at least 0 is required."})
        return given
    if code is None:
        return 0
    rate = Fraction(repr(rate_of(code, rates, f"{path}.code")))
    found = amount * rate / (1 + rate)
    return (2 * found.numerator + found.denominator) // (2 * found.denominator)
