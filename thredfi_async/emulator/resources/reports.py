"""Profit and loss, balance sheet and cash flow, as the API shows them."""

from __future__ import annotations

from datetime import date
from typing import Any

from ... import operations
from ..books.chart import GROUPS
from ..books.statements import (
    BalanceSheet,
    CashFlow,
    Group,
    ProfitAndLoss,
    balance_sheet,
    cash_flow,
    fiscal_year_of,
    profit_and_loss,
)
from ..call import Answer, Call, Handler
from ..problems import invalid

__all__ = ["HANDLERS", "asked_period"]

_Line = dict[str, Any]


def asked_period(call: Call) -> tuple[date, date]:
    """First and last day asked for; else from the start of the fiscal year, and to today.

    Raises 400.
    """
    last = call.query.get("end_date") or call.now.date()
    first = call.query.get("start_date") or fiscal_year_of(call.books.fiscal_year_end, last)[0]
    if first > last:
        raise invalid(end_date="Must not be before start_date.")
    return first, last


def _report(
    call: Call, dates: dict[str, date], totals: dict[str, Any], details: dict[str, Any]
) -> Answer:
    """A report; the details are left out unless they are asked for."""
    level = call.query.get("detail_level", "summary")
    top = {"business_id": call.books.id, **dates, "currency": call.books.currency}
    more = details if level == "detailed" else {}
    return Answer(200, {**top, "detail_level": level, **totals, **more})


def _group(title: str, group: Group, *more: _Line) -> dict[str, Any]:
    lines: list[_Line] = [
        {
            "account_id": account.id,
            "account_code": account.code,
            "account_name": account.name,
            "value_cents": amount,
        }
        for account, amount in sorted(group.items(), key=lambda item: item[0].code)
    ]
    lines += more
    total = sum(line["value_cents"] for line in lines)
    return {"display_name": title, "total_cents": total, "line_items": lines}


# --- profit and loss -------------------------------------------------------------------


def _profit_and_loss(call: Call) -> Answer:
    first, last = asked_period(call)
    found = profit_and_loss(call.books.ledger, first, last)
    groups = {name: _group(GROUPS[name][2], group) for name, group in found.groups.items()}
    dates = {"start_date": first, "end_date": last}
    return _report(call, dates, {"summary": _profit_and_loss_totals(found)}, groups)


def _profit_and_loss_totals(found: ProfitAndLoss) -> dict[str, int]:
    return {
        "net_revenue_cents": found.total("revenue"),
        "total_operating_income_cents": found.operating_income,
        "gross_profit_cents": found.gross_profit,
        "total_operating_expenses_cents": found.total("operating_expenses"),
        "operating_profit_cents": found.operating_profit,
        "profit_before_tax_cents": found.profit_before_tax,
        "net_profit_cents": found.net_profit,
    }


# --- balance sheet ---------------------------------------------------------------------


def _balance_sheet(call: Call) -> Answer:
    day = call.query.get("as_of_date") or call.now.date()
    found = balance_sheet(call.books.ledger, day, call.books.fiscal_year_end)
    results = {"retained_earnings": _results(found)}
    groups = {
        name: _group(GROUPS[name][2], group, *results.get(name, ()))
        for name, group in found.groups.items()
    }
    totals = {"summary": _balance_sheet_totals(found)}
    return _report(call, {"as_of_date": day}, totals, groups)


def _results(found: BalanceSheet) -> list[_Line]:
    """The results that no entry has moved to an account: lines with a name alone."""
    named = {
        "Result of earlier fiscal years": found.earlier,
        "Result of the current fiscal year": found.current,
    }
    return [
        {"account_name": name, "value_cents": amount} for name, amount in named.items() if amount
    ]


def _balance_sheet_totals(found: BalanceSheet) -> dict[str, int]:
    return {
        "total_assets_cents": found.assets,
        "total_non_current_assets_cents": found.total("non_current_assets"),
        "total_current_assets_cents": found.total("current_assets"),
        "total_liabilities_cents": found.liabilities,
        "total_current_liabilities_cents": found.total("current_liabilities"),
        "total_non_current_liabilities_cents": found.total("non_current_liabilities"),
        "total_equity_cents": found.equity,
        "net_assets_cents": found.assets - found.liabilities,
    }


# --- cash flow -------------------------------------------------------------------------


def _cash_flow(call: Call) -> Answer:
    first, last = asked_period(call)
    found = cash_flow(call.books.ledger, first, last)
    totals = {"summary": _cash_flow_totals(found), "cash_reconciliation": _reconciliation(found)}
    details = {
        "operating_activities": {
            "net_profit_cents": found.net_profit,
            "non_cash_adjustments": _group("Non-cash adjustments", found.adjustments),
            "working_capital_changes": _group("Working capital changes", found.working_capital),
        },
        "investing_activities": _group("Investing activities", found.investing),
        "financing_activities": _group("Financing activities", found.financing),
    }
    return _report(call, {"start_date": first, "end_date": last}, totals, details)


def _cash_flow_totals(found: CashFlow) -> dict[str, int]:
    return {
        "net_cash_from_operating_cents": found.from_operating,
        "net_cash_from_investing_cents": found.from_investing,
        "net_cash_from_financing_cents": found.from_financing,
        "net_change_in_cash_cents": found.net_change,
        "opening_cash_cents": found.opening,
        "closing_cash_cents": found.closing,
    }


def _reconciliation(found: CashFlow) -> dict[str, Any]:
    calculated = found.opening + found.net_change
    return {
        "opening_cash_cents": found.opening,
        "net_change_cents": found.net_change,
        "calculated_closing_cents": calculated,
        "actual_closing_cents": found.closing,
        "reconciles": calculated == found.closing,
    }


HANDLERS: dict[str, Handler] = {
    operations.GET_PROFIT_AND_LOSS.id: _profit_and_loss,
    operations.GET_BALANCE_SHEET.id: _balance_sheet,
    operations.GET_CASH_FLOW_STATEMENT.id: _cash_flow,
}
