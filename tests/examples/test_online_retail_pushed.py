"""A year of a real shop, pushed to the emulator twice: the books agree with the table.

The table lies in the folder that THREDFI_TEST_DATA names; without it these tests skip.
What the books must say is computed here straight from the CSV, in pounds, by code that
shares nothing with the example.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
import pytest

from examples.online_retail import keep_books, read, records, report
from thredfi_async import ThredfiClient
from thredfi_async.emulator import Books, Emulator, Totals

DEFAULT = Path(__file__).parents[2] / "../shared/data"
TABLE = Path(os.environ.get("THREDFI_TEST_DATA", DEFAULT)) / "online_retail_sample.csv.gz"

pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(
        not TABLE.exists(), reason=f"the retail sample is not at {TABLE}; set THREDFI_TEST_DATA"
    ),
]

SHOP = {
    "external_id": "my-shop",
    "legal_name": "My Shop Ltd",
    "entity_type": "limited",
    "email": "books@my-shop.example",
    "country": "GB",
    "base_currency": "GBP",
}


@attrs.frozen
class Expected:
    """In pounds."""

    rows: int
    invoices: dict[str, Decimal]  # by invoice number
    customers: set[str]
    refunds: dict[str, Decimal]  # by invoice number


def rows_of(table: Path) -> list[list[str]]:
    with gzip.open(table, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(
    params=[pytest.param(50, id="a fiftieth"), pytest.param(1, id="all", marks=pytest.mark.long)]
)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The table, or what one customer in so many bought and gave back."""
    if request.param == 1:
        return TABLE
    head, *rows = rows_of(TABLE)
    customer = head.index("CustomerID")
    path = tmp_path / "part.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        part = [row for row in rows if crc32(row[customer].encode()) % request.param == 0]
        csv.writer(file).writerows([head, *part])
    return path


def straight_from(table: Path) -> Expected:
    rows = rows_of(table)[1:]
    invoices: defaultdict[str, Decimal] = defaultdict(Decimal)
    since: dict[str, str] = {}
    sold_at: defaultdict[tuple[str, str], list[tuple[Decimal, str]]] = defaultdict(list)
    customers = set()
    for number, article, _, quantity, at, price, customer, _ in rows:
        if not number.startswith("C") and int(quantity) > 0 and Decimal(price) > 0:
            invoices[number] += int(quantity) * Decimal(price)
            since[number] = min(at, since.get(number, at))
            sold_at[customer, article].append((Decimal(price), number))
            customers.add(customer)
    left = dict(invoices)
    refunds: defaultdict[str, Decimal] = defaultdict(Decimal)
    for number, article, _, quantity, at, price, customer, _ in sorted(rows, key=lambda r: r[4]):
        if number.startswith("C") and customer:
            amount = -int(quantity) * Decimal(price)
            fitting = [
                (sold_price == Decimal(price), since[sale], sale)
                for sold_price, sale in sold_at[customer, article]
                if since[sale] < at and left[sale] >= amount
            ]
            if fitting:
                _, _, sale = max(fitting)
                left[sale] -= amount
                refunds[sale] += amount
    return Expected(len(rows), dict(invoices), customers, dict(refunds))


def pence(pounds: Decimal) -> int:
    scaled = pounds * 100
    assert scaled == int(scaled)
    return int(scaled)


def test_every_row_is_used_or_refused_and_the_report_says_so() -> None:
    books = keep_books(read(TABLE))
    expected = straight_from(TABLE)
    assert books.rows_used + len(books.refused) == expected.rows
    assert {sale.invoice: sale.total for sale in books.sales} == {
        number: pence(pounds) for number, pounds in expected.invoices.items()
    }
    assert books.refunded == pence(sum(expected.refunds.values(), Decimal()))
    # As counted by hand in the sample.
    assert report(books).splitlines() == [
        "  30,000 rows: 29,400 used, 600 refused",
        "  11,836 invoices and payments of 601,925.64 GBP in all",
        "      57 refunds of 1,084.50 GBP in all",
        "Refused:",
        "     557 cancellation without an earlier sale of the article to the customer",
        "      37 price of zero or less",
        "       4 cancellation without a customer",
        "       2 cancellation of more than is left of what was paid",
    ]


async def push(thredfi: ThredfiClient, table_records: list[dict[str, Any]]) -> Counter[str]:
    ends: Counter[str] = Counter()
    async for outcome in thredfi.push(table_records, concurrency=64):
        assert outcome.ok, f"{outcome.type} {outcome.external_id}: {outcome.reason}"
        ends[f"{outcome.type} {outcome.status}"] += 1
    return ends


def state(books: Books) -> dict[str, Any]:
    """Everything that a second push must leave as it is."""
    tables = (books.customers, books.invoices, books.payments, books.refunds, books.refund_payments)
    return {"ids": [list(table) for table in tables], **books.snapshot()}


async def test_the_books_agree_with_the_table_to_the_penny_and_a_second_push_only_replays(
    table: Path,
) -> None:
    expected = straight_from(table)
    table_records = list(records(keep_books(read(table)), "my-shop"))
    async with Emulator() as emulator, emulator.client() as thredfi:
        shop = await thredfi.businesses.create(SHOP)
        assert shop.id is not None

        first = await push(thredfi, table_records)
        books = emulator.books(shop.id)
        after_first = state(books)
        second = await push(thredfi, table_records)
        reports = thredfi.business(shop.id).reports
        always = {"start_date": date(2000, 1, 1), "end_date": date(2100, 1, 1)}
        profit = (await reports.profit_and_loss(**always)).summary
        sheet = (await reports.balance_sheet(as_of_date=always["end_date"])).summary

    counts = Counter(record["type"] for record in table_records)
    assert first == {f"{kind} created": count for kind, count in counts.items()}
    assert second == {f"{kind} replayed": count for kind, count in counts.items()}
    assert state(books) == after_first

    invoiced = pence(sum(expected.invoices.values(), Decimal()))
    refunded = pence(sum(expected.refunds.values(), Decimal()))
    assert books.totals() == Totals(
        invoiced=invoiced, paid=invoiced, outstanding=0, refunded=refunded, refund_paid=refunded
    )
    assert {one.number: one.total for one in books.invoices.values()} == {
        number: pence(pounds) for number, pounds in expected.invoices.items()
    }
    assert {one.number: one.refunded for one in books.invoices.values() if one.refunded} == {
        number: pence(pounds) for number, pounds in expected.refunds.items()
    }
    assert len(books.customers) == len(expected.customers)
    assert profit is not None
    assert profit.net_revenue_cents == profit.net_profit_cents == invoiced - refunded
    assert sheet is not None
    assert sheet.total_liabilities_cents == 0
    assert sheet.total_assets_cents == sheet.total_equity_cents == invoiced - refunded
