"""What bank transactions are booked as, where they are no payments of invoices or bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ..books import Account, BankTransaction, Books
from ..call import Answer, Call
from ..checks import find_account, is_control, required_text
from ..problems import conflict, invalid
from .bank_transactions import named_transaction, transaction_view

__all__ = ["categories", "categorize", "split", "uncategorize"]

_STATUSES = ("categorized", "approved")


def categories(call: Call) -> Answer:
    """The accounts that a transaction can be booked on, below those of their subtypes."""
    books = call.books
    groups = [account for account in books.ledger.accounts.values() if account.level == 1]
    results = [
        {
            "id": group.id,
            "name": group.name,
            "subcategories": [
                {"id": account.id, "name": account.name}
                for account in group.tree()
                if account is not group and _is_choice(books, account)
            ],
        }
        for group in groups
    ]
    return Answer(200, {"results": [one for one in results if one["subcategories"]]})


def _is_choice(books: Books, account: Account) -> bool:
    return account.is_active and not account.is_cash and not is_control(books, account)


def categorize(call: Call) -> Answer:
    """Book what no payment is matched to on an account of the ledger."""
    transaction, fields = named_transaction(call), call.data
    category = _category(call.books, fields)
    status = fields.get("categorization_status") or "categorized"
    if status not in _STATUSES:
        raise invalid(categorization_status=f"Must be one of {', '.join(_STATUSES)}.")
    if transaction.children:
        raise conflict("The bank transaction was split; its parts have the categories.")
    if not transaction.remaining:
        raise conflict("All of the bank transaction is matched to payments.")
    transaction.category, transaction.is_approved = category, status == "approved"
    return _answer(call, transaction)


def _category(books: Books, fields: Mapping[str, Any], prefix: str = "") -> Account:
    named = required_text(fields, "subcategory_id", prefix)
    account = find_account(books, named, f"{prefix}subcategory_id")
    assert account is not None  # something is named
    return account


def uncategorize(call: Call) -> Answer:
    """Take back a category or a split; nothing to do where there is neither."""
    transaction, books = named_transaction(call), call.books
    if any(part.reconciliations for part in transaction.children):
        raise conflict("A part of the bank transaction is matched to payments; unmatch it first.")
    for part in transaction.children:
        books.remove(part, call.now)
    transaction.children = []
    transaction.category, transaction.is_approved = None, False
    return _answer(call, transaction)


def split(call: Call) -> Answer:
    """Put parts, each with its category, in the place of a transaction."""
    transaction, books = named_transaction(call), call.books
    if transaction.parent or transaction.children:
        raise conflict("The bank transaction is split already.")
    if transaction.reconciliations:
        raise conflict("The bank transaction is matched to payments; unmatch them first.")
    transaction.children = _parts(call, transaction)
    transaction.category, transaction.is_approved = None, False
    for part in transaction.children:
        books.add(part)
        books.record(part)
    return _answer(call, transaction)


def _parts(call: Call, transaction: BankTransaction) -> list[BankTransaction]:
    """The parts that are asked for. Raises 400."""
    asked = call.data.get("transactions")
    if not isinstance(asked, list) or len(asked) < 2:
        raise invalid(transactions="A list of two parts at least is required.")
    parts = [_part(call, transaction, one, number) for number, one in enumerate(asked)]
    if sum(part.size for part in parts) != transaction.size:
        raise invalid(transactions=f"They must add up to {transaction.size}.")
    return parts


def _part(call: Call, transaction: BankTransaction, asked: Any, number: int) -> BankTransaction:
    path = f"transactions[{number}]"
    if not isinstance(asked, dict):
        raise invalid(**{path: "Must be an object."})
    amount, description = asked.get("amount_cents"), asked.get("description")
    if type(amount) is not int or amount < 1:
        raise invalid(**{f"{path}.amount_cents": "A whole number of at least 1 is required."})
    if description is not None and not isinstance(description, str):
        raise invalid(**{f"{path}.description": "Must be text."})
    return attrs.evolve(
        transaction,
        id=call.world.new_id(),
        amount=amount if transaction.amount > 0 else -amount,
        description=description or transaction.description,
        category=_category(call.books, asked, f"{path}."),
        is_approved=False,
        parent=transaction,
        children=[],
        reconciliations=[],
        created_at=call.now,
        updated_at=call.now,
    )


def _answer(call: Call, transaction: BankTransaction) -> Answer:
    transaction.updated_at = call.now
    call.books.record(transaction)
    return Answer(200, transaction_view(call.books, transaction))
