"""How many documents there are in which state, and what the money was spent on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ..books import Account
from ..call import Answer, Call
from .reports import asked_period

__all__ = ["ap_stats", "ar_stats", "expense_breakdown"]

_UNPAID_INVOICES = ("sent", "draft", "issued", "partially_paid")
_UNPAID_BILLS = ("received", "partially_paid")
_CREDIT_NOTES = ("draft", "sent", "applied", "partially_applied", "void")


def ar_stats(call: Call) -> Answer:
    """Counts of invoices and credit notes."""
    invoices = _statuses(call.books.invoices.values())
    credits = _statuses(call.books.customer_credits.values())
    notes = {status: credits[status] for status in _CREDIT_NOTES}
    return Answer(
        200,
        {
            "invoices": _paid_and_not(invoices, _UNPAID_INVOICES),
            "credit_notes": {"all": credits.total(), **notes},
        },
    )


def ap_stats(call: Call) -> Answer:
    """Counts of bills and vendor credits."""
    bills = _statuses(call.books.bills.values())
    credits = _statuses(call.books.vendor_credits.values())
    applied, every = credits["applied"], credits.total()
    return Answer(
        200,
        {
            "bills": _paid_and_not(bills, _UNPAID_BILLS),
            "vendor_credits": {"all": every, "unapplied": every - applied, "applied": applied},
        },
    )


def _statuses(rows: Iterable[Any]) -> Counter[str]:
    return Counter(row.status for row in rows)


def _paid_and_not(found: Counter[str], unpaid: Iterable[str]) -> dict[str, int]:
    return {
        "all": found.total(),
        "unpaid": sum(found[status] for status in unpaid),
        "paid": found["paid"],
    }


def expense_breakdown(call: Call) -> Answer:
    """What was spent between two days, by account below its group."""
    first, last = asked_period(call)
    groups = [
        account
        for account in call.books.ledger.accounts.values()
        if account.type == "expense" and account.level == 1
    ]

    def spent(account: Account) -> int:
        return account.type_sign * account.own_net(first, last)

    categories = []
    for group in groups:
        amounts = {account: amount for account in group.tree() if (amount := spent(account))}
        if amounts:
            categories.append(
                {
                    "category_id": group.id,
                    "category_name": group.name,
                    "total_cents": sum(amounts.values()),
                    "accounts": [
                        {
                            "account_id": account.id,
                            "account_name": account.name,
                            "amount_cents": amount,
                        }
                        for account, amount in amounts.items()
                    ],
                }
            )
    return Answer(
        200,
        {
            "business_id": call.books.id,
            "start_date": first,
            "end_date": last,
            "currency": call.books.currency,
            "total_expenses_cents": sum(one["total_cents"] for one in categories),
            "categories": categories,
        },
    )
