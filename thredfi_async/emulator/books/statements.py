"""Profit and loss, balance sheet and cash flow, computed from the lines of the ledger."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import attrs

from .chart import GROUPS
from .ledger import Account, EntryLine, Ledger

__all__ = [
    "BalanceSheet",
    "CashFlow",
    "Group",
    "ProfitAndLoss",
    "balance_sheet",
    "cash_flow",
    "fiscal_year",
    "fiscal_year_of",
    "profit_and_loss",
    "profits",
]

Group = Mapping[Account, int]  # accounts with what they have come to, in minor units, never 0
_DAY = timedelta(days=1)


# --- fiscal years ----------------------------------------------------------------------


def fiscal_year(year_end: str | None, year: int) -> tuple[date, date]:
    """First and last day of the fiscal year that ends in a calendar year.

    ``year_end`` is the last day of any fiscal year (YYYY-MM-DD); None: 31 December.
    """
    first = _last_day(year_end, year - 1) + _DAY if year > date.min.year else date.min
    return first, _last_day(year_end, year)


def fiscal_year_of(year_end: str | None, day: date) -> tuple[date, date]:
    """First and last day of the fiscal year that a day is in."""
    if day <= _last_day(year_end, day.year):
        return fiscal_year(year_end, day.year)
    if day.year < date.max.year:
        return fiscal_year(year_end, day.year + 1)
    return _last_day(year_end, day.year) + _DAY, date.max


def _last_day(year_end: str | None, year: int) -> date:
    end = date.fromisoformat(year_end) if year_end else date(year, 12, 31)
    if (end.month, end.day) in ((2, 28), (2, 29)):
        return date(year, 3, 1) - _DAY
    return end.replace(year=year)


# --- profit and loss -------------------------------------------------------------------


@attrs.frozen
class ProfitAndLoss:
    """What was earned and spent; every amount is positive on its group's own side."""

    groups: Mapping[str, Group]  # by subtype

    def total(self, subtype: str) -> int:
        """The sum of one group."""
        return sum(self.groups[subtype].values())

    @property
    def operating_income(self) -> int:
        """Revenue and other operating income."""
        return self.total("revenue") + self.total("other_operating_income")

    @property
    def gross_profit(self) -> int:
        """Operating income less direct costs."""
        return self.operating_income - self.total("direct_costs")

    @property
    def operating_profit(self) -> int:
        """Gross profit less operating expenses."""
        return self.gross_profit - self.total("operating_expenses")

    @property
    def profit_before_tax(self) -> int:
        """Operating profit with finance income and finance costs."""
        return self.operating_profit + self.total("finance_income") - self.total("finance_costs")

    @property
    def net_profit(self) -> int:
        """Profit before tax less income tax."""
        return self.profit_before_tax - self.total("income_tax")

    @property
    def income(self) -> int:
        """All of the revenue accounts."""
        return self.operating_income + self.total("finance_income")

    @property
    def expenses(self) -> int:
        """All of the expense accounts."""
        return self.income - self.net_profit


def profit_and_loss(ledger: Ledger, first: date | None, last: date) -> ProfitAndLoss:
    """Of the days from first to last, both included; first None: from the start of the books."""
    return profits(ledger, [first or date.min], last)[0]


def profits(ledger: Ledger, starts: Sequence[date], last: date) -> list[ProfitAndLoss]:
    """Of several periods that follow each other: each ends where the next one starts."""
    found: list[dict[str, dict[Account, int]]] = [
        {subtype: {} for subtype in _subtypes("revenue", "expense")} for _ in starts
    ]
    for account in _accounts(ledger, "revenue", "expense"):
        for line in account.lines_within(starts[0], last):
            group = found[bisect_right(starts, line.entry.day) - 1][account.group]
            group[account] = group.get(account, 0) + account.type_sign * line.amount
    return [
        ProfitAndLoss({subtype: _without_zeros(group) for subtype, group in groups.items()})
        for groups in found
    ]


# --- balance sheet ---------------------------------------------------------------------


@attrs.frozen
class BalanceSheet:
    """What is owned and owed at the end of a day, each amount positive on its own side.

    ``earlier`` and ``current`` are the results of the fiscal years before and of the one that the
    day is in; no entry closes a year, so they stand beside the account of retained earnings.
    """

    groups: Mapping[str, Group]  # by subtype
    earlier: int
    current: int

    def total(self, *subtypes: str) -> int:
        """The sum of some groups; retained earnings hold both results."""
        results = self.earlier + self.current if "retained_earnings" in subtypes else 0
        return results + sum(sum(self.groups[subtype].values()) for subtype in subtypes)

    @property
    def assets(self) -> int:
        """All that is owned."""
        return self.total(*_subtypes("asset"))

    @property
    def liabilities(self) -> int:
        """All that is owed."""
        return self.total(*_subtypes("liability"))

    @property
    def equity(self) -> int:
        """What the owners have in the business, with all its results."""
        return self.total(*_subtypes("equity"))


def balance_sheet(ledger: Ledger, day: date, year_end: str | None) -> BalanceSheet:
    """At the end of a day. ``year_end`` as for `fiscal_year`."""
    groups: dict[str, dict[Account, int]] = {
        subtype: {} for subtype in _subtypes("asset", "liability", "equity")
    }
    for account in _accounts(ledger, "asset", "liability", "equity"):
        groups[account.group][account] = account.type_sign * account.own_net(None, day)
    first, _ = fiscal_year_of(year_end, day)
    earlier, current = profits(ledger, [date.min, first], day)
    return BalanceSheet(
        {subtype: _without_zeros(group) for subtype, group in groups.items()},
        earlier=earlier.net_profit,
        current=current.net_profit,
    )


# --- cash flow -------------------------------------------------------------------------


@attrs.frozen
class CashFlow:
    """Where cash came from (positive) and went to (negative), by the indirect method.

    ``opening`` and ``closing`` are what the cash accounts hold before and after the period.
    """

    net_profit: int
    adjustments: Group  # expenses that took no cash, added back
    working_capital: Group
    investing: Group
    financing: Group
    opening: int
    closing: int

    @property
    def from_operating(self) -> int:
        """From the business itself."""
        adjusted = self.net_profit + sum(self.adjustments.values())
        return adjusted + sum(self.working_capital.values())

    @property
    def from_investing(self) -> int:
        """From what is owned for longer."""
        return sum(self.investing.values())

    @property
    def from_financing(self) -> int:
        """From owners and lenders."""
        return sum(self.financing.values())

    @property
    def net_change(self) -> int:
        """All three together."""
        return self.from_operating + self.from_investing + self.from_financing


def cash_flow(ledger: Ledger, first: date, last: date) -> CashFlow:
    """Of the days from first to last, both included."""
    changes = {
        account: -account.own_net(first, last)
        for account in _accounts(ledger, "asset", "liability", "equity")
        if not account.is_cash
    }
    adjustments = _add_back(ledger, first, last, changes)
    cash = [account for account in ledger.accounts.values() if account.is_cash]

    def changed(*subtypes: str) -> Group:
        return {
            account: change
            for account, change in changes.items()
            if change and account.group in subtypes
        }

    return CashFlow(
        net_profit=profit_and_loss(ledger, first, last).net_profit,
        adjustments=adjustments,
        working_capital=changed("current_assets", "current_liabilities"),
        investing=changed("non_current_assets"),
        financing=changed("non_current_liabilities", *_subtypes("equity")),
        opening=sum(account.own_net(None, first - _DAY) for account in cash)
        if first > date.min
        else 0,
        closing=sum(account.own_net(None, last) for account in cash),
    )


def _add_back(ledger: Ledger, first: date, last: date, changes: dict[Account, int]) -> Group:
    """Expenses that took no cash; each is taken off the change of what it was booked against.

    Without that the wear of a machine would count twice: as added back, and as if part of the
    machine had been sold.
    """
    found: dict[Account, int] = {}
    for account in _accounts(ledger, "expense"):
        if account.is_non_cash_expense:
            for line in account.lines_within(first, last):
                against = _against(line, changes)
                if against is not None:
                    found[account] = found.get(account, 0) + line.amount
                    changes[against] -= line.amount
    return _without_zeros(found)


def _against(line: EntryLine, accounts: Mapping[Account, int]) -> Account | None:
    """The account of the largest line on the other side of an entry, if it is one of these."""
    others = (
        one
        for one in line.entry.lines
        if one.account in accounts and (one.amount > 0) != (line.amount > 0)
    )
    largest = max(others, key=lambda one: abs(one.amount), default=None)
    return largest.account if largest else None


# --- what all share --------------------------------------------------------------------


def _accounts(ledger: Ledger, *types: str) -> Iterator[Account]:
    return (account for account in ledger.accounts.values() if account.type in types)


def _subtypes(*types: str) -> list[str]:
    return [subtype for subtype, (type, _, _) in GROUPS.items() if type in types]


def _without_zeros(group: Mapping[Account, int]) -> Group:
    return {account: amount for account, amount in group.items() if amount}
