"""The ledger as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date

from ... import money
from ..books import Account, Books
from ..books.statements import fiscal_year
from ..call import Answer, Call
from ..forms import File
from ..problems import invalid

__all__ = ["export_accounts", "export_entries"]


def export_accounts(call: Call) -> Answer:
    """All accounts with their balances: of today, or as in the tree of a ``fiscal_year``."""
    books = call.books
    first, last = _asked_year(call)
    rows = [
        (
            account.code,
            account.name,
            account.type,
            account.subtype or "",
            account.parent.code if account.parent else "",
            _amount(books, account.sign * account.net(_since(account, first), last)),
        )
        for account in sorted(books.ledger.accounts.values(), key=lambda account: account.code)
    ]
    head = ("code", "name", "account_type", "account_subtype", "parent_code", "balance")
    return _csv("chart-of-accounts.csv", head, rows)


def _asked_year(call: Call) -> tuple[date, date] | tuple[None, None]:
    """First and last day of the fiscal year that is asked for, if any is. Raises 400."""
    year = call.query.get("fiscal_year")
    if year is None:
        return None, None
    try:
        return fiscal_year(call.books.fiscal_year_end, year)
    except (ValueError, OverflowError):
        raise invalid(fiscal_year="Must be a year such as 2025.") from None


def _since(account: Account, first: date | None) -> date | None:
    """Revenue and expenses count from the start of the year, balances from the beginning."""
    return first if account.type in ("revenue", "expense") else None


def export_entries(call: Call) -> Answer:
    """All lines of all journal entries."""
    books = call.books
    rows = [
        (
            entry.number,
            entry.day,
            entry.posting.text,
            line.account.code,
            line.account.name,
            _amount(books, line.debit),
            _amount(books, line.credit),
        )
        for entry in books.ledger.entries.values()
        for line in entry.lines
    ]
    head = ("number", "date", "description", "account_code", "account_name", "debit", "credit")
    return _csv("journal-entries.csv", head, rows)


def _amount(books: Books, amount: int) -> str:
    return str(money.from_minor(amount, books.currency))


def _csv(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Answer:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return Answer(200, File.of(text.getvalue().encode(), name, "text/csv; charset=utf-8"))
