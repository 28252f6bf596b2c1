"""What went over the bank accounts. No operation makes a transaction: `come_in` does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ... import money, operations
from ..books import Account, BankTransaction, BillPayment, Books, Payment, Reconciliation
from ..call import Answer, Call, Handler, World, instant, without_none
from ..filtering import matches_text, ordered, within
from ..paging import page_of
from ..problems import conflict
from .bank_accounts import connect

__all__ = [
    "HANDLERS",
    "check_unmatched",
    "come_in",
    "named_transaction",
    "reconciled_bank_transactions",
    "transaction_view",
]


def come_in(
    world: World,
    now: datetime,
    business_id: str,
    amount: int,
    day: str | None,
    bank_account_id: str | None,
    type: str,
    **texts: str | None,
) -> BankTransaction:
    """A new transaction of a bank account: of the given one, of the first, else of a new one.

    ``day`` is today by default. Raises KeyError, and ValueError.
    """
    books = world.businesses[business_id]
    if not amount:
        raise ValueError("a bank transaction needs an amount other than 0")
    on = date.fromisoformat(day) if day is not None else now.date()
    if bank_account_id is not None:
        account = books.bank_accounts[bank_account_id]
    else:
        account = next(iter(books.bank_accounts.values()), None) or connect(
            world, now, business_id, "Current account", "0001", 0, "plaid", True
        )
    transaction = BankTransaction(
        id=world.new_id(),
        external_id=None,
        account=account,
        day=on,
        amount=amount,
        type=type,
        description=texts["description"] or ("Incoming payment" if amount > 0 else "Payment"),
        counterparty=texts["counterparty"],
        merchant=texts["merchant"],
        reference=texts["reference"],
        created_at=now,
        updated_at=now,
    )
    account.transactions.append(transaction)
    account.updated_at = now
    books.add(transaction)
    return transaction


def named_transaction(call: Call) -> BankTransaction:
    """The transaction that the path names. Raises 404."""
    return call.named(BankTransaction, "transaction_id")


# --- views -----------------------------------------------------------------------------


def transaction_view(books: Books, transaction: BankTransaction) -> dict[str, Any]:
    """The transaction as the API shows it."""
    account, category = transaction.account, transaction.category
    amount = money.from_minor(transaction.amount, books.currency)
    return {
        "id": transaction.id,
        "date": transaction.day,
        "amount": transaction.size,
        "display_amount": f"{amount} {books.currency}",
        "signed_amount": transaction.amount,
        "direction": transaction.direction,
        "currency": books.currency,
        "counterparty_name": transaction.counterparty,
        "merchant_name": transaction.merchant,
        "description": transaction.description,
        "categorization_status": transaction.status,
        "transaction_type": transaction.type,
        "subcategory": _subcategory(category) if category else None,
        "business_id": books.id,
        "business_name": books.business["name"],
        "account_id": account.mapped.id,
        "account_code": account.mapped.code,
        "account_name": account.mapped.name,
        "bank_account_connection_id": account.id,
        "bank_account_name": account.name,
        "bank_account_mask": account.mask,
        "bank_account_currency": books.currency,
        "is_reconciled": not transaction.remaining,
        "reconciled_at": transaction.reconciled_at,
        "reconciled_amount_cents": transaction.reconciled,
        "remaining_amount_cents": transaction.remaining,
        "reconciliations": [_link_view(one) for one in transaction.reconciliations],
        "created_at": transaction.created_at,
        "category": category.id if category else None,
        "approval_status": "pending_approval" if transaction.status == "pending" else "approved",
    }


def _subcategory(account: Account) -> dict[str, Any]:
    view: dict[str, Any] = {"id": account.id, "code": account.code, "name": account.name}
    if account.parent is not None:
        above = account.parent
        view["category"] = {"id": above.id, "code": above.code, "name": above.name}
    return view


def _link_view(link: Reconciliation) -> dict[str, Any]:
    return {
        "reconciliation_link_id": link.id,
        "payment_id": link.payment.id,
        "payment_type": link.payment.kind,
        "reconciled_amount_cents": link.amount,
        "reconciled_at": link.at,
    }


def check_unmatched(books: Books, payment: Payment | BillPayment) -> None:
    """Refuse to change what a bank transaction says of a payment. Raises 409."""
    if payment.id in books.reconciliations:
        raise conflict("The payment is matched to a bank transaction; unmatch it first.")


def reconciled_bank_transactions(books: Books, payment_id: str) -> list[dict[str, Any]]:
    """What a payment shows of the bank transaction that it was matched to: one or none."""
    link = books.reconciliations.get(payment_id)
    if link is None:
        return []
    transaction = link.transaction
    return [
        without_none(
            {
                "bank_transaction_id": transaction.id,
                "bank_transaction_date": instant(bank_transaction_date=transaction.day),
                "bank_transaction_amount_cents": transaction.size,
                "bank_transaction_direction": transaction.direction,
                "reconciled_amount_cents": link.amount,
                "reconciliation_link_id": link.id,
                "reconciled_at": link.at,
                "currency": books.currency,
                "payment_type": link.payment.kind,
                "bank_account_name": transaction.account.name,
                "notes": link.notes,
            }
        )
    ]


# --- operations ------------------------------------------------------------------------

_SORT_KEYS: Mapping[str, Any] = {
    "id": lambda transaction: transaction.id,
    "date": lambda transaction: transaction.day,
    "amount": lambda transaction: transaction.size,
    "signed_amount": lambda transaction: transaction.amount,
    "direction": lambda transaction: transaction.direction,
    "description": lambda transaction: transaction.description,
    "counterparty_name": lambda transaction: transaction.counterparty,
    "merchant_name": lambda transaction: transaction.merchant,
    "categorization_status": lambda transaction: transaction.status,
    "transaction_type": lambda transaction: transaction.type,
    "bank_account_name": lambda transaction: transaction.account.name,
    "is_reconciled": lambda transaction: not transaction.remaining,
    "created_at": lambda transaction: transaction.created_at,
}


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books
    rows = [one for one in books.bank_transactions.values() if _is_wanted(asked, books, one)]
    rows = ordered(rows, asked.get("ordering", "-date,-created_at"), _SORT_KEYS)
    return page_of(call, rows, lambda row: transaction_view(books, row))


def _is_wanted(asked: Mapping[str, Any], books: Books, transaction: BankTransaction) -> bool:
    account, mapped = transaction.account, transaction.account.mapped
    statuses, is_pending = asked.get("categorization_status"), transaction.status == "pending"
    return (
        asked.get("account_id") in (None, mapped.id, mapped.code, mapped.external_id)
        and within(transaction.size, asked.get("amount_min"), asked.get("amount_max"))
        and asked.get("bank_account_connection_id") in (None, account.id)
        and (statuses is None or transaction.status in statuses)
        and asked.get("currency", books.currency).upper() == books.currency
        and within(transaction.day, asked.get("date_from"), asked.get("date_to"))
        and asked.get("direction") in (None, transaction.direction)
        and asked.get("has_children", False) is bool(transaction.children)
        and asked.get("has_parent") in (None, transaction.parent is not None)
        and asked.get("is_categorized") in (None, not is_pending)
        and asked.get("is_reconciled") in (None, not transaction.remaining)
        and asked.get("needs_categorization") in (None, is_pending)
        and asked.get("source", account.provider).casefold() == account.provider.casefold()
        and asked.get("transaction_type") in (None, transaction.type)
        and matches_text(
            asked.get("search"),
            [
                transaction.description,
                transaction.counterparty,
                transaction.merchant,
                transaction.reference,
            ],
        )
    )


HANDLERS: dict[str, Handler] = {operations.LIST_BANK_TRANSACTIONS.id: _list}
