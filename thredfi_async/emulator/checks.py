"""What several resources check, or look up, alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from .books import Account, Books, Party, Role, Row
from .problems import REQUIRED, duplicate, invalid

__all__ = [
    "check_currency",
    "check_email",
    "check_external_id",
    "find_account",
    "find_party",
    "find_row",
    "is_control",
    "not_negative",
    "required_text",
]

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=Party)

# What the description's "email" is: RFC 5321 without quoted names, literal addresses and comments.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(
    rf"(?=.{{1,64}}@)(?=.{{1,254}}$){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*"
).fullmatch
_CONTROL = (Role.RECEIVABLE, Role.PAYABLE)  # their balances are those of invoices and bills


def check_currency(books: Books, fields: Mapping[str, Any]) -> None:
    """Refuse a ``currency`` other than the business's own, in any case. Raises 400."""
    currency = fields.get("currency")
    if currency is not None and currency.upper() != books.currency:
        raise invalid(currency=f"The base currency of the business is {books.currency}.")


def check_external_id(books: Books, row: Row, external_id: str | None) -> None:
    """Refuse the external_id of another row of the same kind. Raises 409."""
    if books.by_external_id(type(row), external_id, within=row.within) not in (None, row):
        raise duplicate(row.title())


def not_negative(fields: Mapping[str, Any], name: str, prefix: str = "") -> int:
    """An amount, 0 where none is given. Raises 400."""
    amount: int = fields.get(name) or 0
    if amount < 0:
        raise invalid(**{f"{prefix}{name}": "Must be at least 0."})
    return amount


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
    if email is not None and not _EMAIL(email):
        raise invalid(email="Enter a valid email address.")


def is_control(books: Books, account: Account) -> bool:
    """Whether only invoices, bills and what settles them post to an account."""
    return any(account is books.ledger.of(role) for role in _CONTROL)


def find_row(books: Books, kind: type[R], id: str, path: str) -> R:
    """The row whose id a field gives. Raises 400."""
    found = books.rows(kind).get(id)
    if found is None:
        raise invalid(**{path: f"No {kind.title()} of this business has this id."})
    return found


def find_party(books: Books, kind: type[P], fields: Mapping[str, Any]) -> P | None:
    """The customer or vendor that an id or external_id names. Raises 400.

    The fields are ``customer_id`` and ``customer_external_id``, or ``vendor_…``.
    """
    by_id, by_external_id = f"{kind.kind}_id", f"{kind.kind}_external_id"
    if fields.get(by_id) is not None:
        return find_row(books, kind, fields[by_id], by_id)
    if fields.get(by_external_id) is None:
        return None
    found = books.by_external_id(kind, fields[by_external_id])
    if found is None:
        text = f"No {kind.kind} of this business has this external_id."
        raise invalid(**{by_external_id: text})
    return found


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
