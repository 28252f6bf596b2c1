"""What several resources check alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .books import Account, Books, Role
from .problems import REQUIRED, invalid

__all__ = ["check_currency", "check_email", "find_account", "is_control", "required_text"]

_CONTROL = (Role.RECEIVABLE, Role.PAYABLE)  # their balances are those of invoices and bills


def check_currency(books: Books, fields: Mapping[str, Any]) -> None:
    """Refuse a ``currency`` other than the business's own, in any case. Raises 400."""
    currency = fields.get("currency")
    if currency is not None and currency.upper() != books.currency:
        raise invalid(currency=f"The base currency of the business is {books.currency}.")


def required_text(fields: Mapping[str, Any], name: str, prefix: str = "") -> str:
    """A text out of fields that no model has checked. Raises 400."""
    value = fields.get(name)
    if value is None or value == "":
        raise invalid(**{f"{prefix}{name}": REQUIRED})
    if not isinstance(value, str):
        raise invalid(**{f"{prefix}{name}": "Must be text."})
    return value


def check_email(fields: Mapping[str, Any]) -> None:
    """Refuse an ``email`` that can't be one. Raises 400."""
    email = fields.get("email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise invalid(email="Enter a valid email address.")


def is_control(books: Books, account: Account) -> bool:
    """Whether only invoices, bills and what settles them post to an account."""
    return any(account is books.ledger.of(role) for role in _CONTROL)


def find_account(books: Books, named: Any, path: str) -> Account | None:
    """The account that a field names: its id, code or external_id, or an object with one.

    None where the field is empty. Raises 400.
    """
    if isinstance(named, Mapping):
        named = named.get("id") or named.get("code") or named.get("external_id")
    if named is None:
        return None
    account = books.ledger.find(named) if isinstance(named, str) else None
    if account is None:
        raise invalid(**{path: f"No account has the id, code or external_id {named!r}."})
    if not account.is_active:
        raise invalid(**{path: f"The account {account.code} is archived."})
    if is_control(books, account):
        text = f"Only invoices, bills and what settles them post to {account.code}."
        raise invalid(**{path: text})
    return account
