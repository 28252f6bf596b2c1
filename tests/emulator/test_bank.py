"""Bank accounts and bank transactions, which come in without a request."""

from __future__ import annotations

from datetime import date
from typing import Any

import aiohttp
import pytest

from tests.support import FakeClock
from thredfi_async.emulator import Emulator

from .caller import Caller, Shop


async def names(shop: Shop, **params: Any) -> list[str]:
    """The accounts that a filter finds."""
    answer = await shop.get("bank-accounts/", **params)
    assert answer.status == 200, answer.body
    return [account["display_name"] for account in answer.body["results"]]


async def found(shop: Shop, *params: tuple[str, str]) -> list[str]:
    """The descriptions of the transactions that a filter finds."""
    query = "&".join(f"{name}={value}" for name, value in params)
    answer = await shop.get(f"bank-transactions/?{query}")
    assert answer.status == 200, answer.body
    assert answer.body["count"] == len(answer.body["results"])
    return [transaction["description"] for transaction in answer.body["results"]]


# --- accounts --------------------------------------------------------------------------


async def test_an_account_is_shown_with_its_balance(emulator, shop):
    account_id = emulator.add_bank_account("shop", name="Main", mask="4321", balance=100_000)
    emulator.add_bank_transaction("shop", 2_550, bank_account_id=account_id)
    emulator.add_bank_transaction(shop.id, -50, bank_account_id=account_id)
    answer = await shop.get(f"bank-accounts/{account_id}/")
    assert answer.status == 200
    account = answer.body
    assert (account["balance_cents"], account["balance"]) == (102_500, 1025.0)
    assert (account["display_name"], account["mask"]) == ("Main", "4321")
    assert (account["currency"], account["bank_link_status"]) == ("GBP", "active")
    assert (account["business_id"], account["is_active"]) == (shop.id, True)
    bank = shop.books.ledger.find(account["mapped_account"])
    assert bank.is_cash
    (listed,) = (await shop.get("bank-accounts/")).body["results"]
    assert listed.items() <= account.items()
    assert (await shop.get(f"bank-accounts/{shop.id}/")).code == "bank_account_not_found"


async def test_accounts_are_found_by_every_filter(emulator, clock, shop):
    main = emulator.add_bank_account("shop", name="Main", mask="4321", balance=100_000)
    clock.advance(86_400)
    await shop.renew()
    emulator.add_bank_account("shop", name="Tax", mask="9", provider="manual", is_active=False)
    emulator.add_bank_transaction("shop", 50, bank_account_id=main)
    key = shop.books.bank_accounts[main].key
    mapped = shop.books.bank_accounts[main].mapped
    for params, wanted in [
        ({"account_key": key[1:]}, ["Main"]),
        ({"balance_min": "1000.5"}, ["Main"]),
        ({"balance_max": "1000.49"}, ["Tax"]),
        ({"bank_link_status": "error"}, []),
        ({"bank_link_status": "active"}, ["Tax", "Main"]),
        ({"business_id": shop.id}, ["Tax", "Main"]),
        ({"business_id": "other"}, []),
        ({"business_name": "SHO"}, ["Tax", "Main"]),
        ({"business_name": "x"}, []),
        ({"currency": "gbp"}, ["Tax", "Main"]),
        ({"currency": "EUR"}, []),
        ({"display_name": "tax"}, ["Tax"]),
        ({"display_name": "ta"}, []),
        ({"first_sync_after": "2025-06-16T00:00:00Z"}, ["Main"]),
        ({"first_sync_before": "2025-06-16T00:00:00Z"}, []),
        ({"has_been_synced": "true"}, ["Main"]),
        ({"has_been_synced": "false"}, ["Tax"]),
        ({"has_mapped_account": "false"}, []),
        ({"is_active": "true"}, ["Main"]),
        ({"is_active": "false"}, ["Tax"]),
        ({"mapped_account_id": mapped.code}, ["Tax", "Main"]),
        ({"mapped_account_id": "x"}, []),
        ({"provider": "Manual"}, ["Tax"]),
        ({"search": "432"}, ["Main"]),
        ({"updated_after": "2025-06-17T00:00:00Z"}, []),
        ({"updated_before": "2025-06-17T00:00:00Z"}, ["Tax", "Main"]),
        ({"ordering": "created_at"}, ["Main", "Tax"]),
        ({"ordering": "-display_name"}, ["Tax", "Main"]),
        ({"ordering": "is_active,display_name"}, ["Tax", "Main"]),
    ]:
        assert await names(shop, **params) == wanted, params


@pytest.mark.parametrize(
    ("name", "value"), [("balance_min", "much"), ("balance_max", "1e5"), ("ordering", "-beauty")]
)
async def test_a_bad_filter_of_accounts_is_named(shop, name, value):
    answer = await shop.get("bank-accounts/", **{name: value})
    assert (answer.status, list(answer.fields)) == (400, [name])


# --- transactions ----------------------------------------------------------------------


async def test_a_transaction_is_shown_in_full(emulator, shop):
    emulator.add_bank_transaction(
        "shop",
        -1_250,
        day=date(2025, 6, 3),
        description="RENT JUNE",
        counterparty="Landlord",
        type="direct_debit",
    )
    (shown,) = (await shop.get("bank-transactions/")).body["results"]
    (account,) = shop.books.bank_accounts.values()
    assert (
        shown.items()
        >= {
            "date": "2025-06-03",
            "amount": 1_250,
            "signed_amount": -1_250,
            "display_amount": "-12.50 GBP",
            "direction": "debit",
            "currency": "GBP",
            "counterparty_name": "Landlord",
            "merchant_name": None,
            "description": "RENT JUNE",
            "categorization_status": "pending",
            "transaction_type": "direct_debit",
            "subcategory": None,
            "bank_account_connection_id": account.id,
            "account_code": account.mapped.code,
            "is_reconciled": False,
            "reconciled_at": None,
            "reconciled_amount_cents": 0,
            "remaining_amount_cents": 1_250,
            "reconciliations": [],
            "approval_status": "pending_approval",
        }.items()
    )


async def test_what_is_not_said_has_defaults(emulator, shop):
    emulator.add_bank_transaction("shop", 700)
    (shown,) = (await shop.get("bank-transactions/")).body["results"]
    assert (shown["date"], shown["transaction_type"]) == ("2025-06-15", "bank_transfer")
    assert shown["description"]
    assert len(shop.books.bank_accounts) == 1


async def test_a_transaction_alone_books_nothing(emulator, shop):
    emulator.add_bank_transaction("shop", 700)
    assert not shop.books.ledger.entries


async def test_transactions_are_found_by_every_filter(emulator, clock, shop):
    account_id = emulator.add_bank_account("shop", name="Main")
    other_id = emulator.add_bank_account("shop", name="Card", provider="manual")
    emulator.add_bank_transaction(
        "shop", 500, day=date(2025, 6, 1), description="in", counterparty="Alice", reference="R-7"
    )
    clock.advance(1)
    emulator.add_bank_transaction(
        "shop",
        -900,
        day=date(2025, 6, 3),
        description="out",
        merchant="Bakery",
        type="card_payment",
        bank_account_id=other_id,
    )
    clock.advance(1)
    emulator.add_bank_transaction("shop", 70, day=date(2025, 6, 3), description="late")
    mapped = shop.books.bank_accounts[account_id].mapped
    every = ["late", "out", "in"]
    for params, wanted in [
        ([], every),
        ([("account_id", mapped.id)], every),
        ([("account_id", "x")], []),
        ([("amount_min", "500")], ["out", "in"]),
        ([("amount_max", "500")], ["late", "in"]),
        ([("bank_account_connection_id", other_id)], ["out"]),
        ([("categorization_status", "pending")], every),
        ([("categorization_status", "manual_review"), ("categorization_status", "pending")], every),
        ([("categorization_status", "approved")], []),
        ([("currency", "gbp")], every),
        ([("currency", "USD")], []),
        ([("date_from", "2025-06-02")], ["late", "out"]),
        ([("date_to", "2025-06-01")], ["in"]),
        ([("direction", "debit")], ["out"]),
        ([("direction", "CREDIT")], ["late", "in"]),
        ([("exclude_personal", "true")], every),
        ([("has_children", "true")], []),
        ([("has_parent", "true")], []),
        ([("has_parent", "false")], every),
        ([("is_categorized", "true")], []),
        ([("is_reconciled", "true")], []),
        ([("is_reconciled", "false")], every),
        ([("needs_categorization", "true")], every),
        ([("source", "manual")], ["out"]),
        ([("transaction_type", "card_payment")], ["out"]),
        ([("search", "alice")], ["in"]),
        ([("search", "baker")], ["out"]),
        ([("search", "r-7")], ["in"]),
        ([("ordering", "amount")], ["late", "in", "out"]),
        ([("ordering", "-signed_amount")], ["in", "late", "out"]),
        ([("ordering", "date,-created_at")], ["in", "late", "out"]),
        ([("ordering", "merchant_name,-amount")], ["out", "in", "late"]),
    ]:
        assert await found(shop, *params) == wanted, params


async def test_pages_of_transactions_echo_what_was_asked(emulator, shop):
    for amount in range(1, 6):
        emulator.add_bank_transaction("shop", amount)
    body = (await shop.get("bank-transactions/", page=2, page_size=2)).body
    assert (len(body["results"]), body["count"]) == (2, 5)
    assert (body["page_info"]["current_page"], body["page_info"]["page_size"]) == (2, 2)


def test_what_cant_come_in_is_refused():
    emulator = Emulator()
    business_id = emulator.add_business("shop")
    with pytest.raises(ValueError, match="other than 0"):
        emulator.add_bank_transaction(business_id, 0)
    with pytest.raises(KeyError, match="no business"):
        emulator.add_bank_transaction("nobody", 5)
    with pytest.raises(KeyError):
        emulator.add_bank_transaction("shop", 5, bank_account_id="x")
    with pytest.raises(KeyError, match="no business"):
        emulator.add_bank_account("nobody")
    assert not emulator.books("shop").bank_accounts


async def test_the_sdk_reads_both(emulator, shop):
    account_id = emulator.add_bank_account("shop", balance=-5)
    emulator.add_bank_transaction("shop", 12)
    async with emulator.client() as thredfi:
        business = thredfi.business(shop.id)
        account = await business.bank_accounts.get(account_id)
        assert account.balance_cents == 7
        transactions = [one async for one in business.bank_transactions.list(direction="credit")]
        assert [one.amount for one in transactions] == [12]


async def test_bank_data_survives_a_restart(tmp_path):
    path, clock = tmp_path / "books.db", FakeClock()
    async with aiohttp.ClientSession() as session:

        async def seen(emulator: Emulator) -> list[Any]:
            caller = Caller(emulator, session)
            caller.token = await caller.partner_token()
            business_id = emulator.books("shop").id
            shop = Shop(caller, business_id, await caller.business_token(business_id))
            return [
                (await shop.get(path)).body for path in ("bank-accounts/", "bank-transactions/")
            ]

        async with Emulator(db=path, clock=clock) as emulator:
            emulator.add_business("shop")
            emulator.add_bank_account("shop", name="Main", balance=1)
            clock.advance(1)
            emulator.add_bank_transaction("shop", 12, day=date(2025, 1, 31), reference="R")
            before = await seen(emulator)
        async with Emulator(db=path, clock=clock) as emulator:
            assert await seen(emulator) == before
