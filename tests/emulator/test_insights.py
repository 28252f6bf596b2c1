"""The financial summary and the agings, against figures worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from thredfi_async.emulator.books import Leg, Posting, Role, Row
from thredfi_async.emulator.books.aging import agings

from .bookings import book

SUMMARY = "insights/financial-summary/"
AR, AP = "insights/ar-aging/", "insights/ap-aging/"
BANDS = ("current", "days_1_30", "days_31_60", "days_61_90", "over_90_days")


def bands(*amounts):
    return dict(zip(BANDS, amounts, strict=True))


async def report(shop, path, **query):
    answer = await shop.get(path, **query)
    assert answer.status == 200, answer.body
    return answer.body


# --- financial summary -----------------------------------------------------------------


@pytest.fixture
def booked(shop):
    for day, amounts in (
        ("2025-01-14", {Role.BANK: 9_999, Role.SALES: -9_999}),  # a day too early
        ("2025-01-15", {Role.BANK: 1_000, Role.SALES: -1_000}),
        ("2025-01-31", {Role.PURCHASES: 300, Role.BANK: -300}),
        ("2025-02-01", {Role.BANK: 50, Role.OTHER_INCOME: -50}),
        ("2025-02-28", {Role.BANK: 7, Role.FINANCE_INCOME: -7}),
        ("2025-03-31", {Role.EXPENSES: 20, Role.FINANCE_COSTS: 5, Role.BANK: -25}),
        ("2025-04-10", {Role.INCOME_TAX: 90, Role.BANK: -90}),
        ("2025-04-11", {Role.BANK: 9_999, Role.SALES: -9_999}),  # a day too late
    ):
        book(shop, day, amounts)
    return shop


PERIOD = {"start_date": "2025-01-15", "end_date": "2025-04-10"}


@pytest.mark.parametrize(
    ("granularity", "trends"),
    [
        (
            "monthly",
            [
                ("2025-01-15", "2025-01-31", 1_000, 300),
                ("2025-02-01", "2025-02-28", 57, 0),
                ("2025-03-01", "2025-03-31", 0, 25),
                ("2025-04-01", "2025-04-10", 0, 90),
            ],
        ),
        (
            "quarterly",
            [
                ("2025-01-15", "2025-03-31", 1_057, 325),
                ("2025-04-01", "2025-04-10", 0, 90),
            ],
        ),
        ("yearly", [("2025-01-15", "2025-04-10", 1_057, 415)]),
    ],
)
async def test_periods_are_cut_at_the_dates_asked_for(booked, granularity, trends):
    body = await report(booked, SUMMARY, **PERIOD, granularity=granularity)
    assert body == {
        "business_id": booked.id,
        **PERIOD,
        "currency": "GBP",
        "granularity": granularity,
        "summary": {
            "total_revenue_cents": 1_057,
            "total_expenses_cents": 415,
            "net_profit_cents": 642,
        },
        "trends": [
            {
                "period_start": start,
                "period_end": end,
                "revenue_cents": revenue,
                "expenses_cents": expenses,
                "net_profit_cents": revenue - expenses,
            }
            for start, end, revenue, expenses in trends
        ],
    }


async def test_months_are_what_is_meant_without_a_granularity(booked):
    body = await report(booked, SUMMARY, **PERIOD)
    assert body == await report(booked, SUMMARY, **PERIOD, granularity="monthly")


async def test_years_end_with_december(booked):
    body = await report(
        booked, SUMMARY, start_date="2023-12-31", end_date="2025-01-01", granularity="yearly"
    )
    assert [(one["period_start"], one["period_end"]) for one in body["trends"]] == [
        ("2023-12-31", "2023-12-31"),
        ("2024-01-01", "2024-12-31"),
        ("2025-01-01", "2025-01-01"),
    ]


async def test_the_last_period_of_the_calendar(shop):
    body = await report(shop, SUMMARY, start_date="9999-11-30", end_date="9999-12-31")
    assert [one["period_start"] for one in body["trends"]] == ["9999-11-30", "9999-12-01"]
    body = await report(
        shop, SUMMARY, start_date="0001-01-01", end_date="9999-12-31", granularity="yearly"
    )
    assert len(body["trends"]) == 9999


async def test_the_summary_is_that_of_profit_and_loss(booked):
    profit = (await report(booked, "reports/profit-and-loss/", **PERIOD))["summary"]
    summary = (await report(booked, SUMMARY, **PERIOD))["summary"]
    assert summary["net_profit_cents"] == profit["net_profit_cents"] == 642


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, ["end_date", "start_date"]),
        ({"start_date": "2025-01-01", "end_date": ""}, ["end_date"]),
        ({"start_date": "2025-01-02", "end_date": "2025-01-01"}, ["end_date"]),
        ({**PERIOD, "granularity": "daily"}, ["granularity"]),
    ],
)
async def test_what_the_summary_refuses(shop, query, fields):
    answer = await shop.get(SUMMARY, **query)
    assert (answer.status, sorted(answer.fields)) == (400, fields)


# --- receivables -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "band"),
    [
        (None, "current"),
        ("2025-06-16", "current"),
        ("2025-06-15", "current"),
        ("2025-06-14", "days_1_30"),
        ("2025-05-16", "days_1_30"),
        ("2025-05-15", "days_31_60"),
        ("2025-04-16", "days_31_60"),
        ("2025-04-15", "days_61_90"),
        ("2025-03-17", "days_61_90"),
        ("2025-03-16", "over_90_days"),
    ],
)
async def test_the_bands_by_days_overdue(shop, due, band):
    await shop.invoice(700, sent_at="2025-01-01", due_at=due)
    body = await report(shop, AR)  # the clock says 15 June
    assert body["total_aging_buckets"] == bands(0, 0, 0, 0, 0) | {band: 700}


@pytest.fixture
async def sold(shop):
    """By 15 June: Ann owes 1,500 (500 since May), Bob 4,000, nobody in particular 100."""
    ann = (await shop.customer(company_name="Ann's Bakery"))["id"]
    bob = (await shop.customer(company_name="Bob Ltd"))["id"]
    first = await shop.invoice(2_000, sent_at="2025-04-01", due_at="2025-05-01", customer_id=ann)
    await shop.invoice(1_000, sent_at="2025-06-01", due_at="2025-07-01", customer_id=ann)
    await shop.invoice(4_000, sent_at="2025-01-01", due_at="2025-02-01", customer_id=bob)
    await shop.invoice(100, sent_at="2025-06-02")
    await shop.payment(first, 1_500, payment_date="2025-05-20")
    return ann, bob


async def test_customers_by_what_they_owe(shop, sold):
    ann, bob = sold
    assert await report(shop, AR) == {
        "business_id": shop.id,
        "as_of_date": "2025-06-15",
        "group_by": "customer",
        "currency": "GBP",
        "total_outstanding_cents": 5_600,
        "total_aging_buckets": bands(1_100, 0, 500, 0, 4_000),
        "customers": [
            {
                "customer_id": bob,
                "customer_name": "Bob Ltd",
                "total_outstanding_cents": 4_000,
                "aging_buckets": bands(0, 0, 0, 0, 4_000),
            },
            {
                "customer_id": ann,
                "customer_name": "Ann's Bakery",
                "total_outstanding_cents": 1_500,
                "aging_buckets": bands(1_000, 0, 500, 0, 0),
            },
            {
                "customer_name": "No customer",
                "total_outstanding_cents": 100,
                "aging_buckets": bands(100, 0, 0, 0, 0),
            },
        ],
    }


async def test_an_earlier_day_knows_nothing_of_later_payments(shop, sold):
    body = await report(shop, AR, as_of_date="2025-05-19")
    assert body["total_aging_buckets"] == bands(0, 2_000, 0, 0, 4_000)
    body = await report(shop, AR, as_of_date="2025-05-20")
    assert body["total_aging_buckets"] == bands(0, 500, 0, 0, 4_000)
    assert (await report(shop, AR, as_of_date="2024-12-31"))["total_outstanding_cents"] == 0


async def test_the_total_is_the_balance_of_the_account(shop, sold):
    for day in ("2025-01-01", "2025-04-01", "2025-05-20", "2025-06-15"):
        sheet = await report(
            shop, "reports/balance-sheet/", as_of_date=day, detail_level="detailed"
        )
        lines = {one["account_code"]: one for one in sheet["current_assets"]["line_items"]}
        body = await report(shop, AR, as_of_date=day)
        assert body["total_outstanding_cents"] == lines["1100"]["value_cents"]


async def test_a_payment_before_its_invoice_counts_against_it(shop):
    await shop.payment(
        await shop.invoice(900, sent_at="2025-06-10"), 400, payment_date="2025-06-01"
    )
    body = await report(shop, AR, as_of_date="2025-06-05")
    assert body["total_aging_buckets"] == bands(-400, 0, 0, 0, 0)


async def test_grouped_to_a_total_there_are_no_customers(shop, sold):
    body = await report(shop, AR, group_by="total")
    assert (body["group_by"], body["customers"]) == ("total", [])
    assert body["total_aging_buckets"] == bands(1_100, 0, 500, 0, 4_000)


async def test_voided_invoices_age_no_more(shop):
    invoice = await shop.invoice(900, sent_at="2025-06-10")
    await shop.post(f"invoices/{invoice['id']}/void/", {})
    assert (await report(shop, AR))["customers"] == []


@pytest.mark.parametrize("path", [AR, AP])
@pytest.mark.parametrize(("name", "value"), [("group_by", "day"), ("as_of_date", "today")])
async def test_what_an_aging_refuses(shop, path, name, value):
    answer = await shop.get(path, **{name: value})
    assert (answer.status, list(answer.fields)) == (400, [name])


# --- payables --------------------------------------------------------------------------


@attrs.define(kw_only=True, eq=False)
class Owed(Row):
    """Something to be paid to a vendor."""

    kind = "owed"

    party: Row
    due_at: datetime | None
    amount: int

    @property
    def day(self):
        return self.created_at.date()

    def postings(self):
        legs = [Leg(Role.PURCHASES, self.amount), Leg(Role.PAYABLE, -self.amount, self.id)]
        return {"owed": Posting.of(self.day, self.label, legs)}


def owe(shop, id, vendor, amount, due_at):
    day = datetime(2025, 3, 1, tzinfo=UTC)
    row = Owed(
        id=id, external_id=None, party=vendor, due_at=due_at, amount=amount,
        created_at=day, updated_at=day,
    )  # fmt: skip
    shop.books.add(row)
    shop.books.record(row)
    return row


async def test_payables_age_like_receivables_on_their_own_side(shop):
    day = datetime(2025, 3, 1, tzinfo=UTC)
    vendor = Row(id="v", external_id=None, created_at=day, updated_at=day)
    owe(shop, "a", vendor, 500, datetime(2025, 5, 1, tzinfo=UTC))
    gone = owe(shop, "b", vendor, 300, None)
    shop.books.remove(gone, datetime(2025, 4, 1, tzinfo=UTC))
    today = datetime(2025, 6, 15, tzinfo=UTC).date()
    (row,) = agings(shop.books.ledger, Role.PAYABLE, today)
    assert (row.party, row.total, row.bands) == (vendor, 500, bands(0, 0, 500, 0, 0))
    (row,) = agings(shop.books.ledger, Role.PAYABLE, gone.day)
    assert row.bands == bands(800, 0, 0, 0, 0)
    body = await report(shop, AP, group_by="total")
    assert body["total_aging_buckets"] == bands(0, 0, 500, 0, 0)
    assert (body["total_outstanding_cents"], body["vendors"]) == (500, [])


async def test_nothing_owed(shop):
    body = await report(shop, AP)
    assert (body["group_by"], body["total_outstanding_cents"], body["vendors"]) == ("vendor", 0, [])
    assert body["total_aging_buckets"] == bands(0, 0, 0, 0, 0)
