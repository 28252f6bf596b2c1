"""Whatever is asked in whatever order: the ledger balances, and agrees with the rows.

Sequence n is the same on every run. `THREDFI_SEQUENCES=3000` tries so many in place of a few.
"""

from __future__ import annotations

import os
from datetime import date
from random import Random
from typing import Any

import pytest

from thredfi_async.emulator.books import Books, Role
from thredfi_async.emulator.books.aging import agings
from thredfi_async.emulator.books.statements import balance_sheet, cash_flow, profit_and_loss

from .fuzzing import Ground, ground
from .moves import DAYS, Play

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

SEQUENCES = int(os.environ.get("THREDFI_SEQUENCES", "16"))
PARTS = 8  # so that they can run side by side
LENGTHS = (10, 30, 80)
LOOKED_AT = [date.fromisoformat(day) for day in DAYS] + [date.max]


@pytest.fixture(scope="module")
def place():
    with ground() as place:
        yield place


@pytest.mark.parametrize("part", range(PARTS))
def test_the_ledger_balances_and_agrees_with_the_rows(place: Ground, part: int) -> None:
    for number in range(part, SEQUENCES, PARTS):
        play = Play(place, Random(number))
        try:
            run(play)
        except AssertionError as error:
            error.add_note(f"sequence {number}:\n" + "\n".join(play.done))
            raise


def run(play: Play) -> None:
    for _ in range(play.any(LENGTHS)):
        play.step()
        check(play.shop.books)
    check_answers(play, *sorted((play.day(), play.day())))


def check(books: Books) -> None:
    """All that must hold at any time."""
    check_entries(books)
    check_rows(books)
    check_limits(books)
    for day in LOOKED_AT:
        check_agings(books, day)
        check_statements(books, day)


def check_entries(books: Books) -> None:
    ledger = books.ledger
    sums = {account.id: [0, 0] for account in ledger.accounts.values()}
    for entry in ledger.entries.values():
        assert len(entry.lines) > 1
        assert sum(line.amount for line in entry.lines) == 0
        for line in entry.lines:
            sums[line.account.id][0] += line.debit
            sums[line.account.id][1] += line.credit
            controls = line.account in (ledger.of(Role.RECEIVABLE), ledger.of(Role.PAYABLE))
            assert (line.item is not None) == controls
    for account in ledger.accounts.values():
        assert sums[account.id] == [account.debits, account.credits]
    assert sum(account.debits - account.credits for account in ledger.accounts.values()) == 0


def check_rows(books: Books) -> None:
    """What the ledger holds of each row is what the row says."""
    rows = [row for kind in books._rows.values() for row in kind.values()]
    for row in rows:
        stands = books.ledger._posted.get(row.id, {})
        wanted = {key: one for key, one in row.postings().items() if one.legs}
        assert {key: (one.day, one.posting.legs) for key, one in stands.items()} == {
            key: (one.day, one.legs) for key, one in wanted.items()
        }, row
    known = {row.id for row in rows}
    for id, stands in books.ledger._posted.items():
        assert id in known or not stands


def check_limits(books: Books) -> None:
    """Nothing is settled beyond what it comes to, and what is open is open in the ledger."""
    for role, sign in ((Role.RECEIVABLE, 1), (Role.PAYABLE, -1)):
        items = books.ledger.open_items(role, date.max)
        documents: dict[str, Any] = books.ledger.documents(role)
        assert items.keys() <= documents.keys()
        for id, document in documents.items():
            assert 0 <= document.outstanding <= document.total
            assert sign * items.get(id, 0) == document.outstanding
    for invoice in books.invoices.values():
        assert invoice.refunded <= invoice.paid
    for refund in books.refunds.values():
        assert refund.paid <= refund.amount
    for payment in books.payments.values():
        assert payment.allocated <= payment.amount


def check_agings(books: Books, day: date) -> None:
    for role in (Role.RECEIVABLE, Role.PAYABLE):
        account = books.ledger.of(role)
        rows = agings(books.ledger, role, day)
        assert sum(row.total for row in rows) == account.sign * account.own_net(None, day)


def check_statements(books: Books, day: date) -> None:
    sheet = balance_sheet(books.ledger, day, None)
    assert sheet.assets == sheet.liabilities + sheet.equity
    for first in (date.min, LOOKED_AT[1]):
        if first <= day:
            flow = cash_flow(books.ledger, first, day)
            assert flow.opening + flow.net_change == flow.closing
            profit = profit_and_loss(books.ledger, first, day)
            assert flow.net_profit == profit.net_profit == profit.income - profit.expenses


def check_answers(play: Play, first: str, last: str) -> None:
    """The same by what the API answers."""
    books, period = play.shop.books, f"start_date={first}&end_date={last}&detail_level=detailed"
    sheet = play.send("GET", f"reports/balance-sheet/?as_of_date={last}&detail_level=detailed")
    totals = sheet["summary"]
    assert totals["net_assets_cents"] == totals["total_equity_cents"]
    flow = play.send("GET", f"reports/cash-flow/?{period}")
    assert flow["cash_reconciliation"]["reconciles"]
    profit = play.send("GET", f"reports/profit-and-loss/?{period}")["summary"]["net_profit_cents"]
    assert flow["operating_activities"]["net_profit_cents"] == profit
    summary = play.send("GET", f"insights/financial-summary/?start_date={first}&end_date={last}")
    assert sum(one["net_profit_cents"] for one in summary["trends"]) == profit
    for path, code in (("ar", "1100"), ("ap", "2100")):
        aging = play.send("GET", f"insights/{path}-aging/?as_of_date={last}")
        account = books.ledger.find(code)
        entries = play.send(
            "GET", f"general-ledger/chart-of-accounts/{account.id}/entries/?end_date={last}"
        )
        assert aging["total_outstanding_cents"] == entries["closing_balance_cents"]
    entries = play.send("GET", "general-ledger/journal-entries/?page_size=100")
    assert entries["count"] == len(books.ledger.entries)
    play.send("GET", "general-ledger/chart-of-accounts/hierarchy/?fiscal_year=2025")
