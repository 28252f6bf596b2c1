"""Connected bank accounts. No operation makes one: `connect` does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ... import money, operations
from ..books import BankAccount, Books, Role
from ..call import Answer, Call, Handler, World
from ..filtering import matches_text, ordered, within
from ..paging import page_of

__all__ = ["HANDLERS", "connect"]


def connect(
    world: World,
    now: datetime,
    business_id: str,
    name: str,
    mask: str | None,
    balance: int,
    provider: str,
    is_active: bool,
) -> BankAccount:
    """A new bank account of a business. Raises KeyError."""
    books = world.businesses[business_id]
    account = BankAccount(
        id=world.new_id(),
        external_id=None,
        key=f"{provider}-{len(books.bank_accounts) + 1}",
        name=name,
        official_name=name,
        mask=mask,
        provider=provider,
        link_id=world.new_id(),
        opening=balance,
        mapped=books.ledger.of(Role.BANK),
        is_active=is_active,
        created_at=now,
        updated_at=now,
    )
    books.add(account)
    return account


def _summary_view(books: Books, account: BankAccount) -> dict[str, Any]:
    return {
        "id": account.id,
        "display_name": account.name,
        "official_name": account.official_name,
        "mask": account.mask,
        "balance": float(money.from_minor(account.balance, books.currency)),
        "balance_cents": account.balance,
        "currency": books.currency,
        "is_active": account.is_active,
        "bank_link_status": account.link_status,
        "business_name": books.business["name"],
        "provider": account.provider,
        "created_at": account.created_at,
    }


def _detail_view(books: Books, account: BankAccount) -> dict[str, Any]:
    return {
        **_summary_view(books, account),
        "account_key": account.key,
        "bank_link_id": account.link_id,
        "business_id": books.id,
        "mapped_account": account.mapped.id,
        "updated_at": account.updated_at,
    }


_SORT_KEYS: Mapping[str, Any] = {
    "id": lambda account: account.id,
    "account_key": lambda account: account.key,
    "display_name": lambda account: account.name,
    "official_name": lambda account: account.official_name,
    "mask": lambda account: account.mask,
    "balance": lambda account: account.balance,
    "balance_cents": lambda account: account.balance,
    "provider": lambda account: account.provider,
    "is_active": lambda account: account.is_active,
    "bank_link_status": lambda account: account.link_status,
    "created_at": lambda account: account.created_at,
    "updated_at": lambda account: account.updated_at,
}


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books
    rows = [one for one in books.bank_accounts.values() if _is_wanted(asked, books, one)]
    rows = ordered(rows, asked.get("ordering", "-created_at"), _SORT_KEYS)
    return page_of(call, rows, lambda row: _summary_view(books, row))


def _is_wanted(asked: Mapping[str, Any], books: Books, account: BankAccount) -> bool:
    name, mapped = books.business["name"], account.mapped
    balance = money.from_minor(account.balance, books.currency)
    synced = account.synced_at
    return (
        matches_text(asked.get("account_key"), [account.key])
        and within(balance, asked.get("balance_min"), asked.get("balance_max"))
        and asked.get("bank_link_status") in (None, account.link_status)
        and asked.get("business_id") in (None, books.id)
        and matches_text(asked.get("business_name"), [name])
        and asked.get("currency", books.currency).upper() == books.currency
        and asked.get("display_name", account.name).casefold() == account.name.casefold()
        and within(synced, asked.get("first_sync_after"), asked.get("first_sync_before"))
        and asked.get("has_been_synced") in (None, synced is not None)
        and asked.get("has_mapped_account") in (None, True)
        and asked.get("is_active") in (None, account.is_active)
        and asked.get("mapped_account_id") in (None, mapped.id, mapped.code, mapped.external_id)
        and asked.get("provider", account.provider).casefold() == account.provider.casefold()
        and within(account.updated_at, asked.get("updated_after"), asked.get("updated_before"))
        and matches_text(
            asked.get("search"),
            [account.name, account.official_name, account.key, account.mask, name],
        )
    )


def _get(call: Call) -> Answer:
    return Answer(200, _detail_view(call.books, call.named(BankAccount, "bank_account_id")))


HANDLERS: dict[str, Handler] = {
    operations.LIST_BANK_ACCOUNTS.id: _list,
    operations.RETRIEVE_BANK_ACCOUNT.id: _get,
}
