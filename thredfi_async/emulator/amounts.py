"""What invoices and bills add up to, in whole minor units, without floating point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from .books import Account, Books, Line
from .checks import find_account, not_negative
from .problems import REQUIRED, invalid

__all__ = ["LARGEST", "lines_of", "rate_of", "tax_rates", "totals_of"]

LARGEST = 2**63 - 1  # what a database column holds
Fields = Mapping[str, Any]


def lines_of(items: Sequence[Fields], books: Books, new_id: Callable[[], str]) -> list[Line]:
    """The lines of an invoice or a bill with their amounts and accounts. Raises 400."""
    if not items:
        raise invalid(line_items="At least one line is needed.")
    rates = tax_rates(books)
    lines = []
    for number, item in enumerate(items):
        path = f"line_items[{number}]"
        lines.append(_line(new_id(), item, rates, _account(books, item, path), path))
    return lines


def _account(books: Books, item: Fields, path: str) -> Account | None:
    """By either of the two fields that can name it."""
    for name in ("account_identifier", "account_code"):
        found = find_account(books, item.get(name), f"{path}.{name}")
        if found is not None:
            return found
    return None


def totals_of(fields: Fields, lines: Iterable[Line]) -> tuple[int, int, int]:
    """Net, tax and gross of an invoice or a bill. Raises 400."""
    discount = not_negative(fields, "additional_discount")
    tips = not_negative(fields, "tips")
    subtotal = tax = 0
    for line in lines:
        subtotal += line.subtotal
        tax += line.tax
    subtotal -= discount
    tax += _additional_taxes(fields)
    total = subtotal + tax + tips
    if total < 0:
        raise invalid(line_items="The total can't be negative.")
    if not all(-LARGEST <= amount <= LARGEST for amount in (subtotal, tax, total)):
        raise invalid(line_items="The total is too large.")
    return subtotal, tax, total


def _line(
    id: str, item: Fields, rates: Mapping[str, float], account: Account | None, path: str
) -> Line:
    price = item.get("unit_price")
    if price is None:
        price = item.get("unit_price_cents")
    if price is None:
        raise invalid(**{f"{path}.unit_price": REQUIRED})
    discount = not_negative(item, "discount_amount", f"{path}.")
    net = _times(item["quantity"], price) - discount
    tax = _line_tax(item, net, rates, path)
    if not all(-LARGEST <= amount <= LARGEST for amount in (net, tax, net + tax)):
        raise invalid(**{f"{path}.quantity": "The line's amount is too large."})
    return Line(id=id, fields=item, unit_price=price, subtotal=net, tax=tax, account=account)


def _line_tax(item: Fields, net: int, rates: Mapping[str, float], path: str) -> int:
    """The amounts that were given win over those that follow from the tax codes."""
    listed = item.get("sales_taxes") or ()
    given = _amounts(listed, f"{path}.sales_taxes")
    if item.get("tax_code") is not None:
        rate = rate_of(item["tax_code"], rates, f"{path}.tax_code")
        return sum(given) if given else _times(rate, net)
    # The older form names its code beside the amount, or without one.
    for number, tax in enumerate(listed):
        if tax.get("amount") is None and tax.get("code") is not None:
            rate = rate_of(tax["code"], rates, f"{path}.sales_taxes[{number}].code")
            given.append(_times(rate, net))
    return sum(given)


def tax_rates(books: Books) -> dict[str, float]:
    """The rates of a business's tax codes, 0.2 for 20 %."""
    return {tax["code"]: tax["rate"] for tax in books.tax_codes}


def rate_of(code: Any, rates: Mapping[str, float], path: str) -> float:
    """The rate of a tax code. Raises 400."""
    if not isinstance(code, str) or code not in rates:
        known = ", ".join(rates)
        raise invalid(**{path: f"Unknown tax code {code!r}. Known are {known}."})
    return rates[code]


def _additional_taxes(fields: Fields) -> int:
    """Taxes of the invoice as a whole: their total where it is given, else the sum of the list."""
    total: int | None = fields.get("additional_sales_taxes_total")
    if total is not None:
        return total
    return sum(_amounts(fields.get("additional_sales_taxes") or (), "additional_sales_taxes"))


def _amounts(taxes: Sequence[Fields], path: str) -> list[int]:
    """The amounts in a list of taxes, whose form nobody describes. Raises 400."""
    found = []
    for number, tax in enumerate(taxes):
        amount = tax.get("amount")
        if amount is not None and type(amount) is not int:
            raise invalid(**{f"{path}[{number}].amount": "A valid integer is required."})
        if amount is not None:
            found.append(amount)
    return found


def _times(factor: float, amount: int) -> int:
    """``factor`` times an amount, to the nearest minor unit, halves away from zero."""
    if isinstance(factor, int):
        return factor * amount
    # repr gives the decimal that was written in the JSON; the float itself is a little off.
    numerator, denominator = Decimal(repr(factor)).as_integer_ratio()
    product = numerator * amount
    half_up = (2 * abs(product) + denominator) // (2 * denominator)
    return half_up if product >= 0 else -half_up
