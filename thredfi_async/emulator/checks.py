"""What several resources check alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .books import Books
from .problems import invalid

__all__ = ["check_currency", "check_email"]


def check_currency(books: Books, fields: Mapping[str, Any]) -> None:
    """Refuse a ``currency`` other than the business's own, in any case. Raises 400."""
    currency = fields.get("currency")
    if currency is not None and currency.upper() != books.currency:
        raise invalid(currency=f"The base currency of the business is {books.currency}.")


def check_email(fields: Mapping[str, Any]) -> None:
    """Refuse an ``email`` that can't be one. Raises 400."""
    email = fields.get("email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise invalid(email="Enter a valid email address.")
