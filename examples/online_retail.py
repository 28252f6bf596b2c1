"""A year of a real shop's sales, as records for ``thredfi push``.

    python examples/online_retail.py online_retail.csv.gz --business my-shop \\
        --output records.jsonl.gz --refused refused.csv
    thredfi push records.jsonl.gz

Reads the UCI "Online Retail" table (Daqing Chen, 2015, DOI 10.24432/C5BW33, CC BY 4.0), whole
or a sample of it, as CSV, plain or .gz. Columns: InvoiceNo, StockCode, Description, Quantity,
InvoiceDate, UnitPrice, CustomerID, Country; one row is one line of an invoice, in any order.

What becomes of a row:

* Rows with one InvoiceNo make one invoice, sent at their earliest time, and one payment of the
  whole sum on that day, as the shop is paid at checkout.
* An InvoiceNo that starts with C is a cancellation. Each of its rows gives money back on an earlier
  sale of the same article to the same customer: the one at the same price if there is one, and
  the newest of those, of what is still left of its payment. The rows of one cancellation that meet
  the same sale make one refund and one refund payment.
* Sales without a CustomerID go to one customer called walk-in: the money was taken, so the books
  need it. A cancellation without one is refused, as nobody can tell whose sale it takes back.
* Two rows that are alike are two lines: the article was scanned twice.
* Everything else that can't be booked truthfully is refused, row by row, with the reason.

The times carry no zone; they are the shop's clock, Europe/London. Prices are in pounds and become
pence exactly, or the row is refused. Every input row is either used or refused, never both.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

import attrs

from thredfi_async.errors import InvalidRequest
from thredfi_async.money import from_minor, to_minor

CURRENCY = "GBP"
LONDON = ZoneInfo("Europe/London")
WALK_IN = "walk-in"
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)

UNREADABLE = "unreadable"
NO_SUCH_TIME = "a time that the London clock skipped"
FINER_THAN_A_PENNY = "price finer than a penny"
NOT_A_PRICE = "price of zero or less"
NOT_A_SALE = "quantity of zero or less in a sale"
NOT_A_RETURN = "quantity of zero or more in a cancellation"
TWO_CUSTOMERS = "invoice with two customers"
NOBODYS_RETURN = "cancellation without a customer"
NO_EARLIER_SALE = "cancellation without an earlier sale of the article to the customer"
MORE_THAN_PAID = "cancellation of more than is left of what was paid"

RawRow = Mapping[str, str]


@attrs.frozen
class Row:
    """One readable line. ``price`` is in pence; ``quantity`` is below zero in a cancellation."""

    raw: RawRow
    invoice: str
    article: str
    description: str
    quantity: int
    at: datetime
    price: int
    customer: str  # empty where the table has none

    @property
    def is_cancellation(self) -> bool:
        return self.invoice.startswith("C")

    @property
    def amount(self) -> int:
        """Pence, never below zero."""
        return abs(self.quantity) * self.price


@attrs.define
class Sale:
    """One invoice, paid in full; ``left`` is what has not been refunded yet, in pence."""

    invoice: str
    rows: list[Row]
    customer: str
    at: datetime
    total: int
    left: int


@attrs.define
class Refund:
    """What one cancellation gives back on one sale. ``amount`` in pence."""

    cancellation: str
    sale: Sale
    rows: list[Row]

    @property
    def amount(self) -> int:
        return sum(row.amount for row in self.rows)

    @property
    def at(self) -> datetime:
        return max(row.at for row in self.rows)


@attrs.frozen
class Refused:
    """One row that is not booked, and why. The reason is the first that applies."""

    raw: RawRow
    reason: str


@attrs.define
class Books:
    """All of the input, sorted into what is booked and what is not."""

    sales: list[Sale]
    refunds: list[Refund]
    refused: list[Refused]

    @property
    def rows_used(self) -> int:
        sales = sum(len(sale.rows) for sale in self.sales)
        return sales + sum(len(refund.rows) for refund in self.refunds)

    @property
    def invoiced(self) -> int:
        """Pence; the payments come to the same."""
        return sum(sale.total for sale in self.sales)

    @property
    def refunded(self) -> int:
        """Pence."""
        return sum(refund.amount for refund in self.refunds)


def read(path: str | Path) -> Iterator[RawRow]:
    """The rows of the table at ``path``. Raises ValueError if it is another table."""
    with _open(path, "rt") as file:
        reader = csv.DictReader(file, restval="")
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(missing)}")
        for row in reader:
            yield {name: row[name] for name in COLUMNS}


def keep_books(table: Iterable[RawRow]) -> Books:
    """Sort every row of ``table`` into a sale, a refund or the refused."""
    refused: list[Refused] = []
    sold: dict[str, list[Row]] = defaultdict(list)
    cancelled: list[Row] = []
    for raw in table:
        row = _parse(raw)
        if isinstance(row, Refused):
            refused.append(row)
        elif row.is_cancellation:
            cancelled.append(row)
        else:
            sold[row.invoice].append(row)

    sales: list[Sale] = []
    for invoice, rows in sold.items():
        customers = {row.customer for row in rows}
        if len(customers) > 1:
            refused += [Refused(row.raw, TWO_CUSTOMERS) for row in rows]
            continue
        total = sum(row.amount for row in rows)
        at = min(row.at for row in rows)
        sales.append(Sale(invoice, rows, customers.pop() or WALK_IN, at, total, left=total))
    sales.sort(key=lambda sale: sale.at)

    refunds = _give_back(sales, cancelled, refused)
    return Books(sales, refunds, refused)


def records(books: Books, business: str) -> Iterator[dict[str, Any]]:
    """The records for ``thredfi push``; what a record refers to comes before it."""
    yield from _customers(books.sales, business)
    for sale in books.sales:
        yield _invoice(sale, business)
        yield _payment(sale, business)
    for refund in books.refunds:
        yield from _refund(refund, business)


def _parse(raw: RawRow) -> Row | Refused:
    try:
        quantity = int(raw["Quantity"])
        naive = datetime.strptime(raw["InvoiceDate"], "%Y-%m-%d %H:%M:%S")
        customer = raw["CustomerID"].strip().removesuffix(".0")  # 17850.0 in the file
    except ValueError:
        return Refused(raw, UNREADABLE)
    invoice, article = raw["InvoiceNo"].strip(), raw["StockCode"].strip()
    if not invoice or not article:
        return Refused(raw, UNREADABLE)
    at = naive.replace(tzinfo=LONDON)
    if datetime.fromtimestamp(at.timestamp(), LONDON).replace(tzinfo=None) != naive:
        return Refused(raw, NO_SUCH_TIME)
    price = _pence(raw["UnitPrice"])
    if isinstance(price, str):
        return Refused(raw, price)
    if price <= 0:
        return Refused(raw, NOT_A_PRICE)
    row = Row(raw, invoice, article, raw["Description"].strip(), quantity, at, price, customer)
    if not row.is_cancellation and quantity <= 0:
        return Refused(raw, NOT_A_SALE)
    if row.is_cancellation and quantity >= 0:
        return Refused(raw, NOT_A_RETURN)
    if row.is_cancellation and not customer:
        return Refused(raw, NOBODYS_RETURN)
    return row


def _pence(price: str) -> int | str:
    """Pence, or the reason why not."""
    try:
        return to_minor(price, CURRENCY)
    except InvalidRequest as error:
        return FINER_THAN_A_PENNY if "finer" in str(error) else UNREADABLE


def _give_back(sales: list[Sale], cancelled: list[Row], refused: list[Refused]) -> list[Refund]:
    bought: dict[tuple[str, str], list[tuple[Row, Sale]]] = defaultdict(list)
    for sale in sales:
        for row in sale.rows:
            bought[row.customer, row.article].append((row, sale))

    refunds: dict[tuple[str, str], Refund] = {}
    for row in sorted(cancelled, key=lambda row: row.at):
        earlier = [one for one in bought[row.customer, row.article] if one[1].at < row.at]
        if not earlier:
            refused.append(Refused(row.raw, NO_EARLIER_SALE))
            continue
        bearing = [one for one in earlier if one[1].left >= row.amount]
        if not bearing:
            refused.append(Refused(row.raw, MORE_THAN_PAID))
            continue
        _, sale = max(bearing, key=lambda one: (one[0].price == row.price, one[1].at))
        sale.left -= row.amount
        key = row.invoice, sale.invoice
        refunds.setdefault(key, Refund(row.invoice, sale, [])).rows.append(row)
    return list(refunds.values())


def _customers(sales: list[Sale], business: str) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for sale in sales:
        if sale.customer in seen:
            continue
        seen.add(sale.customer)
        record = {"type": "customer", "business": business, "external_id": sale.customer}
        if sale.customer == WALK_IN:
            yield record | {"company_name": "Walk-in customers"}
        else:
            # The table has no names, and its countries are words where Thred takes ISO codes.
            yield record | {
                "company_name": f"Customer {sale.customer}",
                "metadata": {"country": sale.rows[0].raw["Country"]},
            }


def _invoice(sale: Sale, business: str) -> dict[str, Any]:
    return {
        "type": "invoice",
        "business": business,
        "external_id": sale.invoice,
        "invoice_number": sale.invoice,
        "customer_external_id": sale.customer,
        "sent_at": sale.at.isoformat(),
        "due_at": sale.at.isoformat(),
        "line_items": [
            {
                "description": row.description or row.article,
                "product": row.article,
                "quantity": row.quantity,
                "unit_price": row.price,
            }
            for row in sale.rows
        ],
    }


def _payment(sale: Sale, business: str) -> dict[str, Any]:
    return {
        "type": "payment",
        "business": business,
        "external_id": f"{sale.invoice}-payment",
        "customer_external_id": sale.customer,
        "total_amount_cents": sale.total,
        "allocations": [{"invoice_external_id": sale.invoice, "amount_cents": sale.total}],
        "payment_date": sale.at.date().isoformat(),
        "currency": CURRENCY,
        "payment_method": "credit_card",
    }


def _refund(refund: Refund, business: str) -> Iterator[dict[str, Any]]:
    external_id = f"{refund.cancellation}-{refund.sale.invoice}"
    common = {
        "business": business,
        "amount_cents": refund.amount,
        "method": "CREDIT_CARD",
        "completed_at": refund.at.isoformat(),
        "memo": f"Cancellation {refund.cancellation} of invoice {refund.sale.invoice}",
    }
    yield {
        "type": "refund",
        "external_id": external_id,
        "invoice_external_id": refund.sale.invoice,
        **common,
    }
    yield {
        "type": "refund_payment",
        "external_id": f"{external_id}-payment",
        "refund_external_id": external_id,
        **common,
    }


def report(books: Books) -> str:
    """What was made of the rows, for a person."""
    rows = books.rows_used + len(books.refused)
    lines = [
        f"{rows:>8,} rows: {books.rows_used:,} used, {len(books.refused):,} refused",
        f"{len(books.sales):>8,} invoices and payments of {_pounds(books.invoiced)} in all",
        f"{len(books.refunds):>8,} refunds of {_pounds(books.refunded)} in all",
    ]
    if books.refused:
        lines.append("Refused:")
    for reason, count in Counter(one.reason for one in books.refused).most_common():
        lines.append(f"{count:>8,} {reason}")
    return "\n".join(lines)


def _pounds(pence: int) -> str:
    return f"{from_minor(pence, CURRENCY):,} {CURRENCY}"


def write_records(books: Books, business: str, path: str | Path) -> int:
    """Write the records to ``path`` as JSON lines and return how many there are."""
    lines = [
        json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        for record in records(books, business)
    ]
    with _open(path, "wt") as file:
        file.writelines(lines)
    return len(lines)


def write_refused(books: Books, path: str | Path) -> None:
    """Write the refused rows to ``path`` as CSV: the reason, then the row as it came."""
    with _open(path, "wt") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Reason", *COLUMNS])
        writer.writerows([one.reason, *one.raw.values()] for one in books.refused)


@contextmanager
def _open(path: str | Path, mode: Literal["rt", "wt"]) -> Iterator[IO[str]]:
    """``path`` as text, compressed if it ends in .gz; "-" is standard output."""
    if str(path) == "-":
        yield sys.stdout
    elif str(path).endswith(".gz"):
        with gzip.open(path, mode, encoding="utf-8", newline="") as packed:
            yield packed
    else:
        with open(path, mode, encoding="utf-8", newline="") as plain:
            yield plain


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns its exit status: 0 done, 2 could not run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("table", help="the Online Retail table, .csv or .csv.gz")
    parser.add_argument("--business", required=True, help="the business: Thred id or external_id")
    parser.add_argument("--output", default="-", help="where the records go (default: -, stdout)")
    parser.add_argument("--refused", help="where the refused rows go, as CSV")
    options = parser.parse_args(arguments)
    try:
        books = keep_books(read(options.table))
        count = write_records(books, options.business, options.output)
        if options.refused:
            write_refused(books, options.refused)
    except (OSError, EOFError, ValueError, csv.Error) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(f"{report(books)}\n{count:>8,} records written", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
