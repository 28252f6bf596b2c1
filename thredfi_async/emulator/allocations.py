"""What a payment or a credit of a customer is to settle of which invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .books import Books, Customer, Invoice
from .problems import REQUIRED, invalid

__all__ = ["invoice_shares"]


def invoice_shares(
    books: Books,
    asked: Sequence[Mapping[str, Any]],
    amount_name: str,
    *,
    customer: Customer | None,
    held: Mapping[str, int],
) -> dict[str, int]:
    """The ``allocations`` of a request, in minor units by invoice id. Raises 400.

    ``held`` is what the payment or credit settles so far, which the request replaces.
    """
    shares: dict[str, int] = {}
    for number, one in enumerate(asked):
        path = f"allocations[{number}]"
        missing = [name for name in ("invoice_id", amount_name) if one.get(name) is None]
        if missing:
            raise invalid(**{f"{path}.{name}": REQUIRED for name in missing})
        invoice = _invoice(books, one["invoice_id"], customer, f"{path}.invoice_id")
        shares[invoice.id] = shares.get(invoice.id, 0) + one[amount_name]
        left = invoice.outstanding + held.get(invoice.id, 0)
        if shares[invoice.id] > left:
            text = f"Only {left} of the invoice is outstanding."
            raise invalid(**{f"{path}.{amount_name}": text})
    return shares


def _invoice(books: Books, invoice_id: str, customer: Customer | None, path: str) -> Invoice:
    invoice = books.invoices.get(invoice_id)
    if invoice is None:
        text = "No invoice of this business has this id."
    elif invoice.voided_at:
        text = "The invoice is voided."
    elif customer and invoice.customer not in (None, customer):
        text = "The invoice is another customer's."
    else:
        return invoice
    raise invalid(**{path: text})
