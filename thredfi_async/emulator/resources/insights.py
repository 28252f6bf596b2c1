"""What the business earns over time, and how long what it is owed and owes has been due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ... import operations
from ..books import Role
from ..books.aging import BANDS, Aging, agings
from ..books.statements import ProfitAndLoss, profits
from ..call import Answer, Call, Handler, without_none
from .reports import asked_period

__all__ = ["HANDLERS"]

_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


# --- financial summary -----------------------------------------------------------------


def _financial_summary(call: Call) -> Answer:
    first, last = asked_period(call)
    granularity = call.query.get("granularity", "monthly")
    starts = _starts(first, last, _MONTHS[granularity])
    found = profits(call.books.ledger, starts, last)
    parts = [_amounts(one) for one in found]
    totals = {name: sum(part[name] for part in parts) for name in parts[0]}
    ends = [date.fromordinal(start.toordinal() - 1) for start in starts[1:]] + [last]
    return Answer(
        200,
        {
            "business_id": call.books.id,
            "start_date": first,
            "end_date": last,
            "currency": call.books.currency,
            "granularity": granularity,
            "summary": {
                "total_revenue_cents": totals["revenue_cents"],
                "total_expenses_cents": totals["expenses_cents"],
                "net_profit_cents": totals["net_profit_cents"],
            },
            "trends": [
                {"period_start": start, "period_end": end, **part}
                for start, end, part in zip(starts, ends, parts, strict=True)
            ],
        },
    )


def _amounts(found: ProfitAndLoss) -> dict[str, int]:
    return {
        "revenue_cents": found.income,
        "expenses_cents": found.expenses,
        "net_profit_cents": found.net_profit,
    }


def _starts(first: date, last: date, months: int) -> list[date]:
    """The first days of calendar months, quarters or years, from ``first`` on up to ``last``."""
    starts = [first]
    number = (first.year * 12 + first.month - 1) // months * months
    while (number := number + months) < date.max.year * 12 + 12:
        start = date(number // 12, number % 12 + 1, 1)
        if start > last:
            break
        starts.append(start)
    return starts


# --- agings ----------------------------------------------------------------------------


def _ar_aging(call: Call) -> Answer:
    return _aging(call, Role.RECEIVABLE, "customer")


def _ap_aging(call: Call) -> Answer:
    return _aging(call, Role.PAYABLE, "vendor")


def _aging(call: Call, role: Role, party: str) -> Answer:
    day = call.query.get("as_of_date") or call.now.date()
    group_by = call.query.get("group_by", party)
    rows = agings(call.books.ledger, role, day)
    return Answer(
        200,
        {
            "business_id": call.books.id,
            "as_of_date": day,
            "group_by": group_by,
            "currency": call.books.currency,
            "total_outstanding_cents": sum(row.total for row in rows),
            "total_aging_buckets": _sums(rows),
            f"{party}s": [_aging_view(row, party) for row in rows] if group_by == party else [],
        },
    )


def _sums(rows: Sequence[Aging]) -> Mapping[str, int]:
    return {band: sum(row.bands[band] for row in rows) for band in BANDS}


def _aging_view(row: Aging, party: str) -> dict[str, Any]:
    return without_none(
        {
            f"{party}_id": row.party.id if row.party else None,
            f"{party}_name": row.party.name if row.party else f"No {party}",
            "total_outstanding_cents": row.total,
            "aging_buckets": row.bands,
        }
    )


HANDLERS: dict[str, Handler] = {
    operations.GET_FINANCIAL_SUMMARY.id: _financial_summary,
    operations.GET_AR_AGING.id: _ar_aging,
    operations.GET_AP_AGING.id: _ap_aging,
}
