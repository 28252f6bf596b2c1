"""A live server by Django and drf-spectacular: its description generated, its client driven."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

import codegen.__main__ as command
from thredfi_async import ApiError, InvalidRequest, ThredfiClient, Upload

from .making import load

pytestmark = pytest.mark.slow
SETTINGS = {
    "plain": (),
    "split": ("COMPONENT_SPLIT_REQUEST=true",),
    "plain_31": ('OAS_VERSION="3.1.0"',),
    "split_31": ("COMPONENT_SPLIT_REQUEST=true", 'OAS_VERSION="3.1.0"'),
    "camel": ("CAMEL=true", "COMPONENT_SPLIT_REQUEST=true"),
    "camel_plain": ("CAMEL=true",),
}


@attrs.frozen
class Ledger:
    """The server, and the package that was generated from what it says of itself."""

    url: str
    package: ModuleType
    is_camel: bool

    def named(self, name: str) -> str:
        """A field's name, on the wire and in Python."""
        return re.sub("_(.)", lambda found: found[1].upper(), name) if self.is_camel else name

    def given(self, body: Any) -> Any:
        """A body by the names of this server."""
        if isinstance(body, list):
            return [self.given(one) for one in body]
        if isinstance(body, dict):
            return {self.named(key): self.given(one) for key, one in body.items()}
        return body

    def of(self, answer: Any, name: str) -> Any:
        return getattr(answer, self.named(name))


@pytest.fixture(scope="module", params=SETTINGS)
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    script = Path(__file__).with_name("ledger.py")
    server = subprocess.Popen(
        [sys.executable, str(script), *SETTINGS[request.param]], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        folder = tmp_path_factory.mktemp(request.param) / f"ledger_{request.param}"
        arguments = ["--spec", f"{url}/schema/", "--overlay", "none", "--output", str(folder)]
        assert command.main(arguments) == 0
        yield Ledger(url, load(folder), request.param.startswith("camel"))
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def entry(ref: str, amount: str = "12.50", day: str = "2025-01-31") -> dict[str, Any]:
    lines = [{"account_code": "4000", "amount": amount, "tax_rates": {"vat": 20}}]
    return {"external_ref": ref, "amount": amount, "booked_on": day, "line_items": lines}


def client(ledger: Ledger) -> ThredfiClient:
    return ThredfiClient(partner_uuid="p", api_key="k", base_url=ledger.url)


async def test_records_are_created_listed_and_changed(ledger: Ledger) -> None:
    operations = ledger.package.operations
    async with client(ledger) as thredfi:
        call = thredfi._session.call
        made = await call(operations.ENTRIES_CREATE, body=ledger.given(entry("a", "12.50")))
        assert made.amount == Decimal("12.50")
        assert made.status == "draft"
        assert ledger.of(made, "booked_on") == date(2025, 1, 31)
        assert ledger.of(made, "created_at").tzinfo is not None
        (line,) = ledger.of(made, "line_items")
        assert attrs.has(type(line))
        assert (line.amount, ledger.of(line, "tax_rates")) == (Decimal("12.50"), {"vat": 20})
        other = entry("b", "7.00", "2025-03-01")
        await call(operations.ENTRIES_CREATE, body=ledger.given(other))

        path = {"id": str(made.id)}
        change = ledger.given({"status": "posted", "line_items": [*entry("x")["line_items"]] * 2})
        changed = await call(operations.ENTRIES_PARTIAL_UPDATE, path=path, body=change)
        assert changed.status == "posted"
        assert len(ledger.of(changed, "line_items")) == 2
        assert ledger.of(changed, "external_ref") == "a"

        for query, refs in (
            ({"status": "posted"}, ["a"]),
            ({"status_in": ["posted", "draft"]}, ["a", "b"]),
            ({"booked_after": date(2025, 2, 1)}, ["b"]),
            ({"amount__gt": Decimal("7.01")}, ["a"]),
            ({"limit": 1, "offset": 1}, ["b"]),
        ):
            page = await call(operations.ENTRIES_LIST, query=query)
            assert [ledger.of(one, "external_ref") for one in page.results] == refs
        assert page.count == 2

        assert await call(operations.ENTRIES_DESTROY, path=path) is None
        with pytest.raises(ApiError, match="404"):
            await call(operations.ENTRIES_RETRIEVE, path=path)
        assert thredfi._session.drift == {}


async def test_a_list_body_is_created_as_a_whole(ledger: Ledger) -> None:
    batch = ledger.package.operations.ENTRIES_BATCH_CREATE
    body = ledger.given([entry("c"), entry("d", "0.01")])
    async with client(ledger) as thredfi:
        made = await thredfi._session.call(batch, body=body)
        assert [(ledger.of(one, "external_ref"), one.amount) for one in made] == [
            ("c", Decimal("12.50")),
            ("d", Decimal("0.01")),
        ]
        body[1]["amount"] = "0.001"
        with pytest.raises(InvalidRequest, match=r"\[1\]\.amount: must match"):
            await thredfi._session.call(batch, body=body)


async def test_a_polymorphic_body_is_of_the_class_that_it_says(ledger: Ledger) -> None:
    pay, models = ledger.package.operations.PAYMENTS_CREATE, ledger.package.models
    async with client(ledger) as thredfi:
        given = {"method": "card", "paid_amount": "5.00", "card_number": "42"}
        card = await thredfi._session.call(pay, body=ledger.given(given))
        assert isinstance(card, models.CardPayment)
        assert ledger.of(card, "card_number") == "42"
        cash = await thredfi._session.call(
            pay, body=ledger.given({"method": "cash", "paid_amount": "5.00"})
        )
        assert isinstance(cash, models.CashPayment)
        with pytest.raises(InvalidRequest, match="method: must be 'card' or 'cash'"):
            await thredfi._session.call(pay, body=ledger.given({"method": "cheque"}))


async def test_files_are_uploaded(ledger: Ledger, tmp_path: Path) -> None:
    attach = ledger.package.operations.ATTACHMENTS_CREATE
    path = tmp_path / "receipt.pdf"
    path.write_bytes(b"%PDF" * 1000)
    async with client(ledger) as thredfi:
        answer = await thredfi._session.call(attach, body={"title": "One"}, file=Upload(path))
        assert ledger.of(answer, "file_name") == "receipt.pdf"
        assert ledger.of(answer, "total_size") == 4000
        more = [Upload.of(b"12", "2.png"), Upload.of(b"3", "3.png")]
        body = {
            "title": "All",
            "scanned_file": Upload(path),
            "more_pages": more,
            "labels": ["x", "y"],
        }
        answer = await thredfi._session.call(attach, body=ledger.given(body))
        assert (ledger.of(answer, "page_count"), ledger.of(answer, "total_size")) == (3, 4003)
        assert answer.labels == ["x", "y"]
