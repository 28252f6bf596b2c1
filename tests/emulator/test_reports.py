"""Profit and loss, balance sheet and cash flow, against figures worked out by hand.

2024: 1,000.00 of capital paid in, a machine bought for 300.00, sales of 50.00 to be paid.
2025: all that `YEAR` says.
"""

from __future__ import annotations

import pytest

from thredfi_async.emulator.books import Role

from .bookings import book

PL = "reports/profit-and-loss/"
SHEET = "reports/balance-sheet/"
FLOW = "reports/cash-flow/"
JANUARY = {"start_date": "2025-01-01", "end_date": "2025-01-31"}
FIRST_HALF = {"start_date": "2025-01-01", "end_date": "2025-06-30"}

EARLIER = [
    ("2024-03-01", {Role.BANK: 100_000, Role.SHARE_CAPITAL: -100_000}),
    ("2024-04-01", {Role.FIXED_ASSETS: 30_000, Role.BANK: -30_000}),
    ("2024-12-31", {Role.RECEIVABLE: 5_000, Role.SALES: -5_000}),
]
YEAR = [
    ("2025-01-10", {Role.RECEIVABLE: 24_000, Role.SALES: -20_000, Role.OUTPUT_TAX: -4_000}),
    ("2025-01-20", {Role.BANK: 5_000, Role.RECEIVABLE: -5_000}),
    ("2025-01-31", {Role.PURCHASES: 6_000, Role.INPUT_TAX: 1_200, Role.PAYABLE: -7_200}),
    ("2025-02-01", {Role.BANK: 23_500, Role.PROCESSING_FEES: 500, Role.RECEIVABLE: -24_000}),
    ("2025-02-10", {Role.PAYABLE: 7_200, Role.BANK: -7_200}),
    ("2025-03-01", {Role.SALES_RETURNS: 1_000, Role.REFUNDS_PAYABLE: -1_000}),
    ("2025-03-02", {Role.BANK: 700, Role.OTHER_INCOME: -700}),
    ("2025-03-03", {Role.BANK: 90, Role.FINANCE_INCOME: -90}),
    ("2025-03-04", {Role.FINANCE_COSTS: 40, Role.BANK: -40}),
    ("2025-03-05", {Role.INCOME_TAX: 1_500, Role.BANK: -1_500}),
    ("2025-03-31", {Role.DEPRECIATION: 2_500, Role.FIXED_ASSETS: -2_500}),
    ("2025-04-01", {Role.BANK: 50_000, Role.LOANS: -50_000}),
    ("2025-04-02", {Role.FIXED_ASSETS: 8_000, Role.BANK: -8_000}),
    ("2025-05-01", {Role.RETAINED_EARNINGS: 600, Role.BANK: -600}),
    ("2025-06-15", {Role.EXPENSES: 100, Role.BANK: -100}),
]


@pytest.fixture
def booked(shop):
    for day, amounts in EARLIER + YEAR:
        book(shop, day, amounts)
    return shop


async def report(shop, path, **query):
    answer = await shop.get(path, **query)
    assert answer.status == 200, answer.body
    return answer.body


def items(group):
    """Name and value of each line of a group, whose total must be theirs."""
    assert group["total_cents"] == sum(line["value_cents"] for line in group["line_items"])
    return {line["account_name"]: line["value_cents"] for line in group["line_items"]}


# --- profit and loss -------------------------------------------------------------------


async def test_the_totals_of_profit_and_loss_follow_the_formulas(booked):
    body = await report(booked, PL, **FIRST_HALF)
    assert body == {
        "business_id": booked.id,
        **FIRST_HALF,
        "currency": "GBP",
        "detail_level": "summary",
        "summary": {
            "net_revenue_cents": 20_000 - 1_000,
            "total_operating_income_cents": 19_000 + 700,
            "gross_profit_cents": 19_700 - 6_000,
            "total_operating_expenses_cents": 500 + 2_500 + 100,
            "operating_profit_cents": 13_700 - 3_100,
            "profit_before_tax_cents": 10_600 + 90 - 40,
            "net_profit_cents": 10_650 - 1_500,
        },
    }


async def test_detailed_profit_and_loss_shows_every_account(booked):
    body = await report(booked, PL, **FIRST_HALF, detail_level="detailed")
    assert items(body["revenue"]) == {"Sales": 20_000, "Sales returns and allowances": -1_000}
    assert items(body["other_operating_income"]) == {"Other income": 700}
    assert items(body["direct_costs"]) == {"Purchases": 6_000}
    assert items(body["operating_expenses"]) == {
        "Payment processing fees": 500,
        "Depreciation": 2_500,
        "General expenses": 100,
    }
    assert items(body["finance_income"]) == {"Interest received": 90}
    assert items(body["finance_costs"]) == {"Interest paid": 40}
    assert items(body["income_tax"]) == {"Income tax": 1_500}
    (line,) = body["direct_costs"]["line_items"]
    assert line["account_id"] == booked.books.ledger.find("5000").id
    assert line["account_code"] == "5000"
    assert body["direct_costs"]["display_name"] == "Direct costs"


async def test_both_days_of_a_period_count(booked):
    for days, profit in (
        (("2025-01-10", "2025-01-31"), 20_000 - 6_000),
        (("2025-01-11", "2025-01-31"), -6_000),
        (("2025-01-10", "2025-01-30"), 20_000),
        (("2025-01-31", "2025-01-31"), -6_000),
    ):
        body = await report(booked, PL, start_date=days[0], end_date=days[1])
        assert body["summary"]["net_profit_cents"] == profit


async def test_without_dates_it_is_the_fiscal_year_up_to_today(booked):
    body = await report(booked, PL)
    assert (body["start_date"], body["end_date"]) == ("2025-01-01", "2025-06-15")
    await booked.send("PATCH", "", {"fiscal_year_end": "2020-03-31"}, token=booked.caller.token)
    body = await report(booked, PL)
    assert (body["start_date"], body["end_date"]) == ("2025-04-01", "2025-06-15")
    assert body["summary"]["net_profit_cents"] == -100
    assert (await report(booked, FLOW))["start_date"] == "2025-04-01"


@pytest.mark.parametrize("path", [PL, FLOW])
async def test_a_period_can_not_end_before_it_starts(shop, path):
    answer = await shop.get(path, start_date="2025-02-01", end_date="2025-01-31")
    assert (answer.status, list(answer.fields)) == (400, ["end_date"])


async def test_empty_dates_are_as_good_as_none(booked):
    assert await report(booked, PL, start_date="", end_date="") == await report(booked, PL)


@pytest.mark.parametrize("path", [PL, SHEET, FLOW])
async def test_an_unknown_detail_level_is_refused(shop, path):
    answer = await shop.get(path, detail_level="all")
    assert (answer.status, list(answer.fields)) == (400, ["detail_level"])


# --- balance sheet ---------------------------------------------------------------------


async def test_the_balance_sheet_at_the_end_of_a_day(booked):
    body = await report(booked, SHEET, as_of_date="2025-06-30", detail_level="detailed")
    bank = 70_000 + 5_000 + 23_500 - 7_200 + 700 + 90 - 40 - 1_500 + 50_000 - 8_000 - 600 - 100
    assert items(body["current_assets"]) == {"Bank current account": bank, "Purchase tax": 1_200}
    assert items(body["non_current_assets"]) == {"Plant and equipment": 30_000 - 2_500 + 8_000}
    assert items(body["current_liabilities"]) == {
        "Sales tax": 4_000,
        "Refunds due to customers": 1_000,
    }
    assert items(body["non_current_liabilities"]) == {"Loans": 50_000}
    assert items(body["share_capital"]) == {"Share capital": 100_000}
    assert items(body["reserves"]) == items(body["share_premium"]) == {}
    assert items(body["retained_earnings"]) == {
        "Retained earnings": -600,
        "Result of earlier fiscal years": 5_000,
        "Result of the current fiscal year": 9_150,
    }
    equity = 100_000 - 600 + 5_000 + 9_150
    assert body["summary"] == {
        "total_assets_cents": bank + 1_200 + 35_500,
        "total_non_current_assets_cents": 35_500,
        "total_current_assets_cents": bank + 1_200,
        "total_liabilities_cents": 55_000,
        "total_current_liabilities_cents": 5_000,
        "total_non_current_liabilities_cents": 50_000,
        "total_equity_cents": equity,
        "net_assets_cents": equity,
    }


async def test_the_balance_sheet_balances_on_every_day(booked):
    for day, _ in EARLIER + YEAR:
        totals = (await report(booked, SHEET, as_of_date=day))["summary"]
        assert totals["net_assets_cents"] == totals["total_equity_cents"]
        assert totals["net_assets_cents"] == (
            totals["total_assets_cents"] - totals["total_liabilities_cents"]
        )


async def test_the_result_of_the_year_becomes_history_after_its_end(booked):
    async def results(day):
        body = await report(booked, SHEET, as_of_date=day, detail_level="detailed")
        return items(body["retained_earnings"])

    assert await results("2024-12-31") == {"Result of the current fiscal year": 5_000}
    assert await results("2025-01-01") == {"Result of earlier fiscal years": 5_000}
    await booked.send("PATCH", "", {"fiscal_year_end": "2020-03-31"}, token=booked.caller.token)
    assert await results("2025-01-01") == {"Result of the current fiscal year": 5_000}
    assert (await results("2025-04-01"))["Result of earlier fiscal years"] == 5_000 + 9_250


async def test_a_year_that_ends_in_february_ends_on_its_last_day(shop):
    await shop.send("PATCH", "", {"fiscal_year_end": "2023-02-28"}, token=shop.caller.token)
    book(shop, "2024-02-29", {Role.BANK: 100, Role.SALES: -100})
    for day, name in (("2024-02-29", "current fiscal year"), ("2024-03-01", "earlier")):
        body = await report(shop, SHEET, as_of_date=day, detail_level="detailed")
        ((line, amount),) = items(body["retained_earnings"]).items()
        assert (name in line, amount) == (True, 100)


async def test_lines_of_results_have_a_name_alone(booked):
    body = await report(booked, SHEET, as_of_date="2024-12-31", detail_level="detailed")
    (line,) = body["retained_earnings"]["line_items"]
    assert line == {"account_name": "Result of the current fiscal year", "value_cents": 5_000}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_the_ends_of_the_calendar(booked, day):
    await booked.send("PATCH", "", {"fiscal_year_end": "2020-03-31"}, token=booked.caller.token)
    totals = (await report(booked, SHEET, as_of_date=day))["summary"]
    assert totals["net_assets_cents"] == totals["total_equity_cents"]
    body = await report(booked, FLOW, start_date="0001-01-01", end_date=day)
    assert body["cash_reconciliation"]["reconciles"] is True
    assert body["cash_reconciliation"]["opening_cash_cents"] == 0


# --- cash flow -------------------------------------------------------------------------


async def test_the_cash_flow_of_half_a_year(booked):
    body = await report(booked, FLOW, **FIRST_HALF, detail_level="detailed")
    operating = body["operating_activities"]
    assert operating["net_profit_cents"] == 9_150
    assert items(operating["non_cash_adjustments"]) == {"Depreciation": 2_500}
    assert items(operating["working_capital_changes"]) == {
        "Trade receivables": 5_000,
        "Purchase tax": -1_200,
        "Sales tax": 4_000,
        "Refunds due to customers": 1_000,
    }
    assert items(body["investing_activities"]) == {"Plant and equipment": -8_000}
    assert items(body["financing_activities"]) == {"Loans": 50_000, "Retained earnings": -600}
    assert body["summary"] == {
        "net_cash_from_operating_cents": 9_150 + 2_500 + 8_800,
        "net_cash_from_investing_cents": -8_000,
        "net_cash_from_financing_cents": 49_400,
        "net_change_in_cash_cents": 61_850,
        "opening_cash_cents": 70_000,
        "closing_cash_cents": 131_850,
    }


@pytest.mark.parametrize("level", ["summary", "detailed"])
async def test_the_reconciliation_is_there_at_both_levels(booked, level):
    body = await report(booked, FLOW, **JANUARY, detail_level=level)
    assert body["cash_reconciliation"] == {
        "opening_cash_cents": 70_000,
        "net_change_cents": 5_000,
        "calculated_closing_cents": 75_000,
        "actual_closing_cents": 75_000,
        "reconciles": True,
    }
    assert ("operating_activities" in body) == (level == "detailed")


async def test_cash_is_every_account_that_is_flagged(booked):
    chart = "general-ledger/chart-of-accounts/"
    for code, flagged in (("1205", True), ("1206", False)):
        body = {"code": code, "name": code, "account_type": "asset", "is_cash_account": flagged}
        assert (await booked.post(chart, body)).status == 201
    book(booked, "2025-01-15", {"1205": 300, Role.BANK: -300})
    book(booked, "2025-01-16", {"1206": 200, Role.BANK: -200})
    body = await report(booked, FLOW, **JANUARY, detail_level="detailed")
    assert body["summary"]["closing_cash_cents"] == 75_000 - 200
    working = body["operating_activities"]["working_capital_changes"]
    assert items(working)["1206"] == -200
    assert "1205" not in items(working)


async def test_an_expense_that_took_cash_after_all_is_not_added_back(shop):
    book(shop, "2025-01-15", {Role.DEPRECIATION: 300, Role.BANK: -300})
    body = await report(shop, FLOW, **JANUARY, detail_level="detailed")
    assert items(body["operating_activities"]["non_cash_adjustments"]) == {}
    assert body["summary"]["net_cash_from_operating_cents"] == -300
    assert body["cash_reconciliation"]["reconciles"] is True


async def test_a_provision_is_added_back_and_taken_off_working_capital(shop):
    chart = "general-ledger/chart-of-accounts/"
    body = {"code": "8110", "name": "Doubtful debts", "account_type": "expense"}
    await shop.post(chart, {**body, "is_non_cash_expense": True})
    book(shop, "2025-01-10", {Role.RECEIVABLE: 900, Role.SALES: -900})
    book(shop, "2025-01-15", {"8110": 200, Role.RECEIVABLE: -200})
    body = await report(shop, FLOW, **JANUARY, detail_level="detailed")
    operating = body["operating_activities"]
    assert operating["net_profit_cents"] == 700
    assert items(operating["non_cash_adjustments"]) == {"Doubtful debts": 200}
    assert items(operating["working_capital_changes"]) == {"Trade receivables": -900}
    assert body["summary"]["net_change_in_cash_cents"] == 0


async def test_what_the_api_books_reaches_the_reports(shop):
    """An invoice of 120.00, 60.00 of it paid by card with a fee of 1.50, 12.00 refunded."""
    lines = [{"quantity": 1, "unit_price": 10_000, "tax_code": "VAT_20"}]
    invoice = await shop.invoice(line_items=lines, sent_at="2025-01-05")
    await shop.payment(
        invoice, 6_000, payment_date="2025-01-06", payment_processor="STRIPE",
        processing_fee_cents=150,
    )  # fmt: skip
    await shop.refund(invoice, 1_200, completed_at="2025-01-07T00:00:00Z")
    profit = (await report(shop, PL, **JANUARY))["summary"]
    assert profit["net_revenue_cents"] == 10_000 - 1_000
    assert profit["net_profit_cents"] == 9_000 - 150
    sheet = await report(shop, SHEET, as_of_date="2025-01-31", detail_level="detailed")
    assert items(sheet["current_assets"]) == {
        "Trade receivables": 6_000,
        "Payment processors": 5_850,
    }
    assert items(sheet["current_liabilities"]) == {
        "Sales tax": 1_800,
        "Refunds due to customers": 1_200,
    }
    flow = await report(shop, FLOW, **JANUARY)
    assert flow["summary"]["net_change_in_cash_cents"] == 0
    assert flow["cash_reconciliation"]["reconciles"] is True
