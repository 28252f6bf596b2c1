"""Each rule of the retail example on a few rows, written out."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.online_retail import (
    COLUMNS,
    FINER_THAN_A_PENNY,
    MORE_THAN_PAID,
    NO_EARLIER_SALE,
    NO_SUCH_TIME,
    NOBODYS_RETURN,
    NOT_A_PRICE,
    NOT_A_RETURN,
    NOT_A_SALE,
    TWO_CUSTOMERS,
    UNREADABLE,
    keep_books,
    main,
    records,
)


def row(
    invoice: str = "1001",
    article: str = "A",
    quantity: str = "2",
    at: str = "2011-01-05 10:00:00",
    price: str = "4.15",
    customer: str = "17850.0",
    description: str = "HERB MARKER",
) -> dict[str, str]:
    values = (invoice, article, description, quantity, at, price, customer, "United Kingdom")
    return dict(zip(COLUMNS, values, strict=True))


def cancellation(**given: str) -> dict[str, str]:
    defaults = {"invoice": "C2001", "quantity": "-1", "at": "2011-02-01 09:00:00"}
    return row(**(defaults | given))


def written(table: list[dict[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """The records by type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records(keep_books(table), "shop"):
        assert record["business"] == "shop"
        found.setdefault(record["type"], []).append(record)
    return found


def test_scattered_lines_become_one_invoice_and_one_payment() -> None:
    made = written([row(article="A"), row(invoice="1002"), row(article="B", price="0.85")])

    invoice = made["invoice"][0]
    assert len(made["invoice"]) == len(made["payment"]) == 2
    assert invoice["external_id"] == invoice["invoice_number"] == "1001"
    assert invoice["customer_external_id"] == "17850"
    assert [(i["product"], i["quantity"], i["unit_price"]) for i in invoice["line_items"]] == [
        ("A", 2, 415),
        ("B", 2, 85),
    ]
    payment = made["payment"][0]
    assert payment["total_amount_cents"] == 2 * 415 + 2 * 85
    assert payment["allocations"] == [{"invoice_external_id": "1001", "amount_cents": 1000}]
    assert (payment["payment_date"], payment["currency"]) == ("2011-01-05", "GBP")


@pytest.mark.parametrize(
    ("clock", "written_as"),
    [
        ("2011-01-05 10:00:00", "2011-01-05T10:00:00+00:00"),
        ("2011-07-05 10:00:00", "2011-07-05T10:00:00+01:00"),
    ],
)
def test_times_are_the_london_clock(clock: str, written_as: str) -> None:
    assert written([row(at=clock)])["invoice"][0]["sent_at"] == written_as


def test_an_invoice_is_sent_at_the_earliest_time_of_its_lines() -> None:
    made = written([row(at="2011-01-05 10:01:00"), row(at="2011-01-05 10:00:00")])
    assert made["invoice"][0]["sent_at"] == "2011-01-05T10:00:00+00:00"


def test_alike_rows_are_two_lines() -> None:
    made = written([row(), row()])
    assert made["payment"][0]["total_amount_cents"] == 2 * 2 * 415


def test_sales_without_a_customer_go_to_one_walk_in_customer() -> None:
    made = written([row(customer=""), row(invoice="1002", customer="")])
    assert [one["external_id"] for one in made["customer"]] == ["walk-in"]
    assert {one["customer_external_id"] for one in made["invoice"]} == {"walk-in"}


def test_a_line_without_a_description_shows_its_article() -> None:
    assert written([row(description=" ")])["invoice"][0]["line_items"][0]["description"] == "A"


def test_a_cancellation_of_an_earlier_sale_is_refunded_and_paid_out() -> None:
    made = written([cancellation(), row()])
    [refund], [payment] = made["refund"], made["refund_payment"]
    assert refund["invoice_external_id"] == "1001"
    assert payment["refund_external_id"] == refund["external_id"]
    assert refund["amount_cents"] == payment["amount_cents"] == 415
    assert refund["completed_at"] == "2011-02-01T09:00:00+00:00"


def test_rows_of_one_cancellation_on_one_sale_are_one_refund() -> None:
    made = written(
        [
            row(),
            row(article="B", price="1.00"),
            cancellation(),
            cancellation(article="B", price="1"),
        ]
    )
    assert [one["amount_cents"] for one in made["refund"]] == [515]


def test_a_cancellation_meets_the_sale_at_its_price_then_the_newest() -> None:
    table = [
        row(invoice="1", at="2011-01-01 10:00:00"),
        row(invoice="2", at="2011-01-02 10:00:00"),
        row(invoice="3", at="2011-01-03 10:00:00", price="5.00"),
        cancellation(),
    ]
    assert written(table)["refund"][0]["invoice_external_id"] == "2"


def test_refunds_of_an_invoice_never_exceed_what_was_paid_on_it() -> None:
    books = keep_books([row(), *[cancellation(invoice=f"C{n}") for n in range(3)]])
    assert books.refunded == books.invoiced == 830
    assert [(one.raw["InvoiceNo"], one.reason) for one in books.refused] == [("C2", MORE_THAN_PAID)]


@pytest.mark.parametrize(
    "given",
    [
        {"at": "2011-01-05 10:00:00"},  # not after the sale
        {"article": "B"},
        {"customer": "17851.0"},
    ],
)
def test_a_cancellation_that_meets_no_earlier_sale_is_refused(given: dict[str, str]) -> None:
    books = keep_books([row(), cancellation(**given)])
    assert [one.reason for one in books.refused] == [NO_EARLIER_SALE]
    assert not books.refunds


def test_a_cancellation_without_a_customer_never_takes_from_the_walk_in_sales() -> None:
    books = keep_books([row(customer=""), cancellation(customer="")])
    assert [one.reason for one in books.refused] == [NOBODYS_RETURN]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(price="0.0"), NOT_A_PRICE),
        (row(price="-11062.06"), NOT_A_PRICE),
        (row(price="0.001"), FINER_THAN_A_PENNY),
        (row(price="1,50"), UNREADABLE),
        (row(quantity="-5"), NOT_A_SALE),
        (row(quantity="0"), NOT_A_SALE),
        (row(quantity="1.5"), UNREADABLE),
        (cancellation(quantity="5"), NOT_A_RETURN),
        (row(at="05/01/2011 10:00"), UNREADABLE),
        (row(at="2011-03-27 01:30:00"), NO_SUCH_TIME),
        (row(invoice=""), UNREADABLE),
        (row(article=" "), UNREADABLE),
    ],
)
def test_what_cannot_be_booked_truthfully_is_refused(bad: dict[str, str], reason: str) -> None:
    books = keep_books([row(invoice="1"), bad])
    assert [(one.raw, one.reason) for one in books.refused] == [(bad, reason)]
    assert [sale.invoice for sale in books.sales] == ["1"]


def test_an_invoice_with_two_customers_is_refused_whole() -> None:
    books = keep_books([row(), row(customer="17851.0"), row(customer="")])
    assert [one.reason for one in books.refused] == [TWO_CUSTOMERS] * 3
    assert not books.sales


ANY_ROW = st.builds(
    row,
    invoice=st.sampled_from(["1", "2", "3", "C4", "C5", ""]),
    article=st.sampled_from(["A", "B"]),
    quantity=st.sampled_from(["1", "3", "-1", "-3", "0", "x"]),
    at=st.sampled_from([f"2011-01-0{day} 10:00:00" for day in range(1, 7)]),
    price=st.sampled_from(["1.00", "2.5", "0", "0.005"]),
    customer=st.sampled_from(["1.0", "2.0", ""]),
)


@given(st.lists(ANY_ROW, max_size=25))
def test_every_row_is_used_or_refused_and_no_refund_exceeds_its_payment(
    table: list[dict[str, str]],
) -> None:
    books = keep_books(table)
    booked = [one.raw for sale in books.sales for one in sale.rows]
    booked += [one.raw for refund in books.refunds for one in refund.rows]
    all_rows = booked + [one.raw for one in books.refused]
    assert sorted(map(id, all_rows)) == sorted(map(id, table))
    assert books.rows_used + len(books.refused) == len(table)
    for sale in books.sales:
        given_back = sum(one.amount for one in books.refunds if one.sale is sale)
        assert 0 <= sale.left == sale.total - given_back
    assert all(refund.sale.at < refund.at for refund in books.refunds)


@given(st.lists(ANY_ROW, max_size=25))
def test_no_record_comes_before_what_it_refers_to_and_no_external_id_twice(
    table: list[dict[str, str]],
) -> None:
    seen: set[tuple[str, str]] = set()
    for record in records(keep_books(table), "shop"):
        for holder in (record, *record.get("allocations", ())):
            for kind in ("customer", "invoice", "refund"):
                if f"{kind}_external_id" in holder:
                    assert (kind, holder[f"{kind}_external_id"]) in seen
        key = record["type"], record["external_id"]
        assert key not in seen
        seen.add(key)


def test_the_command_writes_records_and_refusals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, refused = (
        tmp_path / name for name in ("in.csv", "out.jsonl.gz", "refused.csv")
    )
    with source.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([row(), row(price="0")])

    status = main(
        [str(source), "--business", "shop", "--output", str(target), "--refused", str(refused)]
    )

    assert status == 0
    with gzip.open(target, "rt") as file:
        assert [json.loads(line)["type"] for line in file] == ["customer", "invoice", "payment"]
    with refused.open() as file:
        assert [line["Reason"] for line in csv.DictReader(file)] == [NOT_A_PRICE]
    said = capsys.readouterr()
    assert "2 rows: 1 used, 1 refused" in said.err
    assert "8.30 GBP" in said.err


def test_records_go_to_standard_output_unless_told_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(",".join(COLUMNS) + "\n" + ",".join(row().values()) + "\n")
    assert main([str(source), "--business", "shop"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["customer", "invoice", "payment"]


@pytest.mark.parametrize("content", [None, "", "a,b\n1,2\n"])
def test_a_missing_or_foreign_table_is_one_line_and_status_2(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    if content is not None:
        source.write_text(content)
    assert main([str(source), "--business", "shop", "--output", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
