"""What single service methods send and read, where it is more than the contract test can see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from thredfi_async import BusinessClient, InvalidRequest, ThredfiClient
from thredfi_async.models import (
    APAging,
    ARAging,
    BalanceSheetReport,
    CashFlowReport,
    FinancialSummary,
    LedgerAccountEntryLine,
    MenuTabs,
    ProfitAndLossReport,
)

from .support import BUSINESS, ScriptedServer, answer

JANUARY = {"start_date": date(2025, 1, 1), "end_date": date(2025, 1, 31)}
PERIOD = {"start_date": "2025-01-01", "end_date": "2025-01-31"}
AGING = {
    "business_id": BUSINESS,
    "as_of_date": "2025-01-31",
    "currency": "GBP",
    "total_outstanding_cents": 450,
    "total_aging_buckets": {"current": 450, "days_1_30": 0},
}
TOP = {"business_id": BUSINESS, "currency": "GBP", "detail_level": "summary"}
REPORTS: dict[type, tuple[Callable[[BusinessClient], Any], dict[str, Any]]] = {
    ProfitAndLossReport: (
        lambda shop: shop.reports.profit_and_loss(**JANUARY),
        TOP | PERIOD | {"summary": {"net_profit_cents": 450}},
    ),
    BalanceSheetReport: (
        lambda shop: shop.reports.balance_sheet(as_of_date=date(2025, 1, 31)),
        TOP | {"as_of_date": "2025-01-31", "summary": {"net_assets_cents": 450}},
    ),
    CashFlowReport: (
        lambda shop: shop.reports.cash_flow(**JANUARY),
        TOP | PERIOD | {"summary": {"net_change_in_cash_cents": 450}},
    ),
    FinancialSummary: (
        lambda shop: shop.insights.financial_summary(**JANUARY),
        PERIOD
        | {
            "business_id": BUSINESS,
            "currency": "GBP",
            "granularity": "monthly",
            "summary": {"net_profit_cents": 450},
            "trends": [
                {
                    "period_start": "2025-01-01",
                    "period_end": "2025-01-31",
                    "revenue_cents": 450,
                    "expenses_cents": 0,
                    "net_profit_cents": 450,
                }
            ],
        },
    ),
    ARAging: (
        lambda shop: shop.insights.ar_aging(),
        AGING | {"group_by": "customer", "customers": []},
    ),
    APAging: (
        lambda shop: shop.insights.ap_aging(),
        AGING | {"group_by": "vendor", "vendors": []},
    ),
}


@pytest.mark.parametrize("report", REPORTS)
async def test_a_report_reads_the_same_bare_and_as_the_one_element_of_an_array(
    report: type, server: ScriptedServer, thredfi: ThredfiClient, shop: BusinessClient
) -> None:
    call, body = REPORTS[report]
    server.answers(answer(200, body))
    bare = await call(shop)
    assert isinstance(bare, report)
    assert not thredfi.drift
    server.answers(answer(200, [body]))
    assert await call(shop) == bare
    ((_, drift),) = thredfi.drift
    assert drift.got == "array of one object"
    figures: Any = bare
    if report in (ARAging, APAging):
        assert figures.total_outstanding_cents == figures.total_aging_buckets.current == 450
    else:
        assert 450 in (
            getattr(figures.summary, name, None)
            for name in ("net_profit_cents", "net_assets_cents", "net_change_in_cash_cents")
        )


async def test_the_dates_of_a_report_go_into_the_query(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    await shop.reports.profit_and_loss(**JANUARY, detail_level="detailed")
    _, _, query = server.requests[0].target.partition("?")
    assert query == "detail_level=detailed&end_date=2025-01-31&start_date=2025-01-01"


@pytest.mark.parametrize(
    ("account", "quoted"),
    [("4000", "4000"), ("shop/sales 1", "shop%2Fsales%201"), ("hierarchy?", "hierarchy%3F")],
)
async def test_an_account_may_be_named_by_its_code_or_external_id(
    server: ScriptedServer, shop: BusinessClient, account: str, quoted: str
) -> None:
    await shop.chart_of_accounts.get(account)
    assert server.requests[0].target.endswith(f"/general-ledger/chart-of-accounts/{quoted}/")


async def test_the_entries_of_an_account_have_a_running_balance(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    lines = [{"debit_amount_cents": 450, "running_balance_cents": 1450}]
    server.answers(answer(200, {"opening_balance_cents": 1000, "entries": lines}))
    found = await shop.chart_of_accounts.entries("4000", **JANUARY, page=2, page_size=50)
    assert found.opening_balance_cents == 1000
    assert found.entries is not None
    (line,) = found.entries
    assert isinstance(line, LedgerAccountEntryLine)
    assert line.running_balance_cents == 1450
    assert server.requests[0].target.endswith(
        "/4000/entries/?end_date=2025-01-31&page=2&page_size=50&start_date=2025-01-01"
    )


async def test_several_values_of_a_filter_are_repeated_or_joined_as_documented(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    page = {"count": 0, "results": []}
    server.answers(answer(200, page))
    statuses = ["pending", "manual_review"]
    await shop.bank_transactions.list(categorization_status=statuses).collect()
    await shop.vendor_credits.list(status=["received", "applied"]).collect()
    transactions, credits_ = (request.target for request in server.requests)
    assert "categorization_status=pending&categorization_status=manual_review" in transactions
    assert "status=received,applied" in credits_


async def test_the_menu_comes_without_its_wrapper(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    menu = {"insights": True, "reports": False}
    server.answers(answer(200, {"data": {"menu": menu}}))
    config = await shop.menu_config.update({"menu": menu})
    assert config.menu == MenuTabs(insights=True, reports=False)
    assert server.requests[0].json() == {"menu": menu}


async def test_a_body_that_needs_no_content_is_sent_empty(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    await shop.bills.void("bill-1")
    await shop.receipts.reconcile("receipt-1")
    assert [request.body for request in server.requests] == [b"{}", b"{}"]


async def test_what_has_no_model_is_a_plain_mapping(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    server.answers(answer(200, {"anything": [1, 2]}))
    assert await shop.receipts.reconciliations("receipt-1") == {"anything": [1, 2]}
    assert server.requests[0].body == b""


async def test_a_write_off_is_made_on_an_invoice(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    server.answers(answer(201, {"id": "w-1", "amount_cents": 450}))
    made = await shop.invoices.write_off("inv-1", {"amount_cents": 450, "memo": "closed down"})
    assert made.amount_cents == 450
    assert server.requests[0].target.endswith("/invoices/inv-1/write-offs/")


async def test_a_day_and_an_instant_are_told_apart_in_queries(shop):
    noon = datetime(2025, 1, 31, 12, tzinfo=UTC)
    with pytest.raises(InvalidRequest, match=r"as_of_date: must be a date such as 2025-01-31"):
        await shop.reports.balance_sheet(as_of_date=noon)
    with pytest.raises(InvalidRequest, match=r"date_from: must be an aware datetime such as"):
        await shop.payments.list(date_from=noon.date()).collect()
