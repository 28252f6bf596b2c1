"""The vendor's own widget shows what was entered through the SDK."""

from __future__ import annotations

import re

import pytest

from . import trade
from .screens import Widget, money

playwright = pytest.importorskip(
    "playwright.async_api", reason="no playwright: pip install -e '.[browser]'"
)
expect = playwright.expect
expect.set_options(timeout=15_000)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

TABS = [
    "Insights",
    "Tasks",
    "Bank Transactions",
    "Reports",
    "General Ledger",
    "Accounts Payable",
    "Accounts Receivable",
]
LATE = re.compile(r"^Overdue\s*15 Days$")
RECORD = "Record Payment"


async def test_start_up_leads_to_the_insights(widget: Widget) -> None:
    await widget.open()
    await expect(widget.page).to_have_url(f"{widget.url}/insights")
    await expect(widget.page.get_by_role("navigation").get_by_role("link")).to_have_text(TABS)
    await expect(widget.labelled("Revenue").first).to_have_text(money(trade.REVENUE))
    await expect(widget.labelled("Expenses").first).to_have_text(money(trade.FEES))
    await expect(widget.labelled("Net profit")).to_have_text(money(trade.PROFIT))
    await expect(widget.row("Kingfisher Dental Ltd")).to_contain_text("1,500.00")


async def test_the_invoices_are_listed_with_amounts_and_statuses(widget: Widget) -> None:
    await widget.open()
    await widget.go_to("Accounts Receivable")
    for customer, number, sent, due, total, owed, status, button in (
        ("Larkspur Bakery Ltd", "INV-1001", "May 4", "Jun 3", 480_00, 0, "Paid", ""),
        ("Aisha Davies", "INV-1002", "May 31", "Jun 30", 240_00, 140_00, "Partially Paid", RECORD),
        ("Kingfisher Dental Ltd", "INV-1003", "May 1", "May 31", 1500_00, 1500_00, LATE, RECORD),
        ("Kingfisher Dental Ltd", "INV-1004", "Jun 10", "Jun 24", 300_00, 0, "Paid", ""),
    ):
        days = [f"{sent}, 2026", f"{due}, 2026"]
        await expect(widget.cells(number)).to_have_text(
            [customer, number, *days, money(total), money(owed), status, button]
        )
    await expect(widget.rows).to_have_count(len(trade.INVOICES))
    for button in ("All (4)", "Unpaid (2)", "Paid (2)"):
        await expect(widget.page.get_by_role("button", name=button, exact=True)).to_be_visible()


async def test_an_invoice_shows_its_payment_and_refund(widget: Widget) -> None:
    await widget.open("/accounts-receivable/invoices")
    await widget.row("INV-1001").click()
    await expect(widget.page).to_have_url(re.compile(r"/accounts-receivable/invoices/[-0-9a-f]+$"))
    await _expect_the_first_invoice(widget)
    await widget.page.reload()  # its address leads to it without the list, too
    await _expect_the_first_invoice(widget)


async def _expect_the_first_invoice(widget: Widget) -> None:
    await expect(widget.headings.first).to_have_text("INV-1001")
    await expect(widget.cells("May 20, 2026")).to_have_text(
        ["May 20, 2026", "-", "bank_transfer", money(480_00), ""]
    )
    await expect(widget.row("RF-6000").get_by_role("cell").last).to_have_text(money(60_00))
    await expect(widget.labelled("Net Total")).to_have_text(money(400_00))
    await expect(widget.labelled("VAT")).to_have_text(money(80_00))
    await expect(widget.labelled("Barista training")).to_have_text(money(432_00))
    await expect(widget.labelled("Outstanding balance").first).to_have_text(money(0))


async def test_the_chart_of_accounts_has_the_balances(widget: Widget) -> None:
    await widget.open()
    await widget.go_to("General Ledger")
    for account, balance in {
        "Bank current account": trade.BANK,
        "Payment processors": trade.AT_THE_PROCESSOR,
        "Trade receivables": trade.RECEIVABLE,
        "Sales tax": trade.TAX,
        "Refunds due to customers": trade.REFUNDS_DUE,
        "Sales": trade.SALES,
        "Sales returns and allowances": -trade.RETURNS,
        "Payment processing fees": trade.FEES,
        "Trade payables": 0,
    }.items():
        # It reads the currency from a field that the reference doesn't have, else takes EUR.
        await expect(widget.cells(account).last).to_have_text(money(balance, sign="£|€"))


async def test_the_journal_has_an_entry_for_every_record_of_money(widget: Widget) -> None:
    await widget.open("/general-ledger")
    await widget.press("Journal entries")
    await expect(widget.rows).to_have_count(trade.ENTRIES)
    await expect(widget.row("Payment PAY-2")).to_contain_text("Jun 1, 2026")
    await widget.row("Invoice INV-1001").click()
    for account, debit, credit in (
        ("Trade receivables", money(480_00), ""),
        ("Sales tax", "", money(80_00)),
        ("Sales", "", money(400_00)),
        ("Total", money(480_00), money(480_00)),
    ):
        await expect(widget.cells(account)).to_have_text([re.compile(account), debit, credit])


async def test_profit_and_loss_has_the_right_totals(widget: Widget) -> None:
    await widget.open()
    await widget.go_to("Reports")
    for line, amount in {
        "Revenue": trade.REVENUE,
        "Sales": trade.SALES,
        "Sales returns and allowances": -trade.RETURNS,
        "Gross profit": trade.REVENUE,
        "Operating expenses": trade.FEES,
        "Payment processing fees": trade.FEES,
        "Operating Profit": trade.PROFIT,
        "Profit Before Tax": trade.PROFIT,
        "Net Profit": trade.PROFIT,
    }.items():
        await expect(widget.cells(line).last).to_have_text(money(amount))


async def test_the_balance_sheet_balances(widget: Widget) -> None:
    await widget.open("/reports")
    await widget.choose("Profit & loss", "Balance sheet")
    for line, amount in {
        "Assets": trade.ASSETS,
        "Bank current account": trade.BANK,
        "Payment processors": trade.AT_THE_PROCESSOR,
        "Trade receivables": trade.RECEIVABLE,
        "Sales tax": trade.TAX,
        "Refunds due to customers": trade.REFUNDS_DUE,
        "Liabilities": trade.LIABILITIES,
        "Equity": trade.PROFIT,
        "Total Liabilities & Equity": trade.ASSETS,
        "Net Assets": trade.PROFIT,
    }.items():
        await expect(widget.cells(line).last).to_have_text(money(amount))
