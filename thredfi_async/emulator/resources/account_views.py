"""Ledger accounts as the API shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from ...money import exponent
from ..books import Account, Books
from ..books.chart import GROUPS
from ..call import without_none

__all__ = ["detail_view", "identifier_view", "node_view", "row_view", "title"]

_DETAILS = ("description", "institution_name", "iban", "sort_code", "account_number_mask")

Period = tuple[date, date]


def title(word: str) -> str:
    """A value of an enum as text to show."""
    return word.replace("_", " ").capitalize()


def identifier_view(account: Account) -> dict[str, str]:
    """The account as lines of bills and credits name it."""
    return {"type": "AccountId", "id": account.id}


def row_view(books: Books, account: Account, period: Period | None = None) -> dict[str, Any]:
    """The account in a list; ``period`` are the first and last day of ``period_balance``."""
    balance, changed = account.balance, None
    if period is not None:
        changed = account.sign * account.net(*period)
    view = without_none(
        {
            "id": account.id,
            "code": account.code,
            "name": account.name,
            "currency": books.currency,
            "account_type": account.type,
            "account_type_display": title(account.type),
            "account_subtype": account.subtype,
            "account_subtype_display": GROUPS[account.subtype][2] if account.subtype else None,
            "parent_account_code": account.parent.code if account.parent else None,
            "current_balance": balance,
            "current_balance_formatted": _formatted(books, balance),
            "debit_balance": sum(one.debits for one in account.tree()),
            "credit_balance": sum(one.credits for one in account.tree()),
            "has_children": bool(account.children),
            "hierarchy_level": account.level,
            "is_active": account.is_active,
        }
    )
    view["period_balance"] = changed
    view["period_balance_formatted"] = None if changed is None else _formatted(books, changed)
    return view


def detail_view(books: Books, account: Account) -> dict[str, Any]:
    """The account by itself, with what is right below it."""
    lines = [line for one in account.tree() for line in one.lines]
    latest = max(lines, key=lambda line: (line.entry.day, line.entry.number), default=None)
    debits = sum(line.amount > 0 for line in lines)
    last: dict[str, Any] = {}
    if latest is not None:
        last["last_entry_date"] = datetime.combine(latest.entry.day, time(), UTC)
        last["last_entry_reference"] = latest.entry.source.label
    return {
        **row_view(books, account),
        **without_none({name: account.fields.get(name) for name in _DETAILS}),
        "total_debits": debits,
        "total_credits": len(lines) - debits,
        **last,
        "sub_accounts": [row_view(books, child) for child in account.children],
    }


def node_view(account: Account, year: Period | None) -> dict[str, Any]:
    """The account in the tree, with all below it.

    With a fiscal year (its first and last day) balances are those at its end; those of revenue
    and expenses are of that year alone.
    """
    first, last = year or (None, None)
    if account.type not in ("revenue", "expense"):
        first = None
    return without_none(
        {
            "id": account.id,
            "code": account.code,
            "name": account.name,
            "account_type": account.type,
            "account_subtype": account.subtype,
            "current_balance": account.sign * account.net(first, last),
            "hierarchy_level": account.level,
            "children": [node_view(child, year) for child in account.children],
        }
    )


def _formatted(books: Books, amount: int) -> str:
    """An amount in whole units with separators: 12,500.50."""
    return f"{Decimal(amount).scaleb(-exponent(books.currency)):,f}"
