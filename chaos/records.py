"""The input: the trade of a few businesses, made up from a seed, with some broken lines in it.

It comes in the order of a careless export: what refers to a record may stand before it. The
same seed and count give the same lines, so that sums can be taken without keeping them.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

__all__ = ["BUSINESSES", "Item", "Line", "lines"]

BUSINESSES = ("bakery", "brewery", "bindery", "boatyard")
_SPREAD = 40  # lines by which a record may come too early or too late
_VAT = {"VAT_20": 20, "VAT_0": 0, "EXEMPT": 0}  # percent
_METHODS = ("bank_transfer", "cash", "check", "debit_card", "stripe")
_RETURNED_BY = {"cash": "CASH", "check": "CHECK", "stripe": "STRIPE", "debit_card": "DEBIT_CARD"}
_SALES_PER_CUSTOMER = 4
_BROKEN = 0.004  # of the sales have a broken line beside them


class Item(NamedTuple):
    """What must be in the books; ``amount`` in minor units, that of a customer is 0."""

    business: str
    kind: str
    external_id: str
    amount: int


class Line(NamedTuple):
    """One line of the input. ``item`` is None where nothing may come of it."""

    text: bytes
    item: Item | None


class _Event(NamedTuple):
    place: float
    number: int
    line: Line


def lines(seed: int, count: int, *, refused: bool = True) -> Iterator[Line]:
    """At least ``count`` lines (the last sale is whole).

    ``refused``: whether some of the broken ones can be told only by sending them.
    """
    coming: list[_Event] = []
    made = sale = 0
    while made < count:
        for line, place in _sale(seed, sale, float(made), refused):
            heapq.heappush(coming, _Event(place, made, line))
            made += 1
        sale += 1
        # Nothing that is made later can come before this place.
        while coming and coming[0].place < made - _SPREAD:
            yield heapq.heappop(coming).line
    while coming:
        yield heapq.heappop(coming).line


def _sale(seed: int, sale: int, start: float, refused: bool) -> Iterator[tuple[Line, float]]:
    """The lines of one sale, each with the place where it would like to stand."""
    chance = Random(f"{seed} {sale}")
    business = BUSINESSES[sale % len(BUSINESSES)]
    number = sale // len(BUSINESSES)  # so that each external_id occurs in each business

    def place() -> float:
        return start + chance.uniform(-_SPREAD, _SPREAD)

    customer = f"C{number // _SALES_PER_CUSTOMER}"
    if number % _SALES_PER_CUSTOMER == 0:
        yield _line(business, "customer", customer, 0, company_name=f"Heron {number} Ltd"), place()
    invoice = f"I{number}"
    articles = [_article(chance) for _ in range(chance.randint(1, 3))]
    total = sum(map(_gross, articles))
    sent = _line(
        business,
        "invoice",
        invoice,
        total,
        customer_external_id=customer,
        sent_at=f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T09:00:00Z",
        line_items=articles,
    )
    sent_at = place()
    yield sent, sent_at
    method = chance.choice(_METHODS)
    last, paid = start, 0
    for part, amount in enumerate(_parts(chance, total), 1):
        paid_at = place()
        last, paid = max(last, paid_at), paid + amount
        yield _payment(business, f"P{number}-{part}", customer, invoice, amount, method), paid_at
    if paid and chance.random() < 0.15:
        yield from _returned(chance, business, number, invoice, paid, method, last)
    if chance.random() < 0.01:  # the same line twice is one record
        yield sent, sent_at + _SPREAD / 2
    if chance.random() < _BROKEN:
        sort = chance.randrange(4 if refused else 3)
        yield from _broken(sort, business, number, customer, invoice, place())


def _parts(chance: Random, total: int) -> list[int]:
    """How the customer pays: at once, in two parts, a part only, or not yet."""
    habit = chance.random()
    if habit < 0.75:
        return [total]
    if habit < 0.85:
        return [total // 2, total - total // 2]
    return [total // 3] if habit < 0.92 else []


def _article(chance: Random) -> dict[str, Any]:
    return {
        "description": chance.choice(("Bread", "Ale", "Binding", "Varnish")),
        "quantity": chance.randint(1, 12),
        "unit_price": chance.randint(100, 9999),
        "tax_code": chance.choice(tuple(_VAT)),
    }


def _gross(article: dict[str, Any]) -> int:
    net: int = article["quantity"] * article["unit_price"]
    return net + (net * _VAT[article["tax_code"]] + 50) // 100


def _payment(
    business: str, name: str, customer: str, invoice: str, amount: int, method: str
) -> Line:
    processed = {"payment_processor": "stripe", "processing_fee_cents": 20 + amount // 100}
    return _line(
        business,
        "payment",
        name,
        amount,
        customer_external_id=customer,
        allocations=[{"invoice_external_id": invoice, "amount_cents": amount}],
        total_amount_cents=amount,
        currency="GBP",
        payment_date="2025-06-30",
        payment_method=method,
        **(processed if method == "stripe" else {}),
    )


def _returned(
    chance: Random, business: str, number: int, invoice: str, paid: int, method: str, after: float
) -> Iterator[tuple[Line, float]]:
    """A refund after the payments, and money paid back on it, which may stand before it."""
    amount = max(1, paid * chance.randint(10, 100) // 100)
    common = {"method": _RETURNED_BY.get(method, "BANK_TRANSFER")}
    common["completed_at"] = "2025-07-15T09:00:00Z"
    name = f"R{number}"
    refund = _line(
        business,
        "refund",
        name,
        amount,
        invoice_external_id=invoice,
        amount_cents=amount,
        **common,
    )
    place = after + 0.5
    yield refund, place
    part = max(1, amount // 2)
    paid_out = _line(
        business,
        "refund_payment",
        f"RP{number}",
        part,
        refund_external_id=name,
        amount_cents=part,
        **common,
    )
    yield paid_out, place + chance.uniform(-5, 5)


def _broken(
    sort: int, business: str, number: int, customer: str, invoice: str, place: float
) -> Iterator[tuple[Line, float]]:
    """Lines that must fail, each for a reason of its own, and take nothing along but their own."""
    name = f"bad-{number}"
    match sort:
        case 0:
            text = _payment(business, name, customer, invoice, 1, "cash").text
            yield Line(text[: len(text) // 2], None), place
        case 1:
            yield _bad(_payment(business, name, customer, "nowhere", 1, "cash")), place
        case 2:  # the client refuses the invoice, and its payment is never sent
            bad = _line(business, "invoice", name, 0, sent_at="2025-01-01T09:00:00Z", line_items=7)
            yield _bad(bad), place
            yield _bad(_payment(business, f"{name}-P", customer, name, 1, "cash")), place + 1
        case _:  # more than any invoice of these comes to: the API refuses it
            yield _bad(_payment(business, name, customer, invoice, 1 << 40, "cash")), place


def _bad(line: Line) -> Line:
    return Line(line.text, None)


def _line(business: str, kind: str, external_id: str, amount: int, **fields: Any) -> Line:
    record = {"type": kind, "business": business, "external_id": external_id, **fields}
    text = json.dumps(record, separators=(",", ":")).encode()
    return Line(text, Item(business, kind, external_id, amount))
