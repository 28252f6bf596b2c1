"""``thredfi drift``: what it prints makes the description match what came."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.__main__ import load, main
from codegen.loading import OPENAPI
from codegen.overlay import apply_overlay
from tests.emulator.description import new_operations
from thredfi_async.cli.overlay import overlay_actions
from thredfi_async.drift import Drift
from thredfi_async.operations import OPERATIONS

from .support import UNREACHABLE, Ended, thredfi

pytestmark = pytest.mark.no_cover  # generates from the whole description, again and again

NOON = "2025-06-01T12:00:00Z"
LINES = [{"description": "Work", "quantity": 1, "unit_price": 10_000}]


@pytest.fixture
async def business_id(emulator):
    """A business that has something in most of its lists."""
    business_id = emulator.books("shop").id
    async with emulator.client() as thredfi:
        shop = thredfi.business(business_id)
        for number in range(4):
            invoice = await shop.invoices.create(
                {"external_id": f"i-{number}", "sent_at": NOON, "line_items": LINES}
            )
            await shop.payments.create(
                {
                    "invoice_id": invoice.id,
                    "amount_cents": 10_000,
                    "payment_date": "2025-06-02",
                    "payment_method": "cash",
                }
            )
        refund = await shop.refunds.create({"external_id": "r-1", "invoice_id": invoice.id})
        paid = {"external_id": "rp-1", "amount_cents": 1_000, "method": "CASH"}
        await shop.refund_payments.create(str(refund.id), paid)
        vendor = await shop.vendors.create({"external_id": "v-1", "company_name": "Mill Ltd"})
        await shop.bills.create(
            {
                "external_id": "b-1",
                "vendor_id": vendor.id,
                "received_at": NOON,
                "line_items": LINES,
            }
        )
    emulator.requests.clear()
    return business_id


def pasted(snippet: str, folder: Path) -> Path:
    """The project's overlay with the snippet at its end."""
    overlay = folder / "overlay.yaml"
    overlay.write_text(f"{(OPENAPI / 'overlay.yaml').read_text()}\n{snippet}\n")
    return overlay


@cache
def _unmatched_before() -> list[str]:
    return load(str(OPENAPI / "openapi.yaml"), str(OPENAPI / "overlay.yaml"))[1]


def described(snippet: str, folder: Path) -> dict[str, Any]:
    """The schemas with the snippet applied, which the generator must accept."""
    overlay = pasted(snippet, folder)
    assert main(["--overlay", str(overlay), "--output", str(folder / "package")]) == 0
    document, unmatched = load(str(OPENAPI / "openapi.yaml"), str(overlay))
    assert unmatched == _unmatched_before()
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


async def drift(emulator: Any, business_id: str, env: Any) -> Ended:
    requests = emulator.requests.copy()
    ended = await thredfi("drift", "--business", business_id, env=env)
    # The emulator has nothing for what is new in an adopted file, and says so.
    new = [f"thredfi: not looked at: {one} was refused: 501 " for one in new_operations()]
    assert [one for one in ended.err.splitlines() if not one.startswith(tuple(new))] == []
    assert ended.status == (1 if ended.err else 0)
    made = emulator.requests - requests
    written = {name for name in made if OPERATIONS[name].method != "GET"}
    assert written <= {"get_partner_token", "get_business_token"}
    return ended


async def test_what_is_as_described_makes_no_actions(emulator, business_id, env):
    ended = await drift(emulator, business_id, env)
    assert ended.out.startswith("# ")
    assert ended.out.endswith("operations are as described.\n")
    # It read the rows of lists, and what is below them.
    assert emulator.requests["fetch_invoice"] == 3
    assert emulator.requests["fetch_refund_payment"] == 1
    assert emulator.requests["get_account_entries"] == 3
    assert emulator.requests["get_financial_summary"] == 1


async def test_unknown_fields_become_properties(emulator, business_id, env, tmp_path):
    emulator.faults.add("unknown_field", operations=["fetch_invoice", "list_invoices", "get_bill"])
    ended = await drift(emulator, business_id, env)
    actions = yaml.safe_load(ended.out)
    assert [action["target"] for action in actions] == [
        "$.components.schemas.Bill",
        "$.components.schemas.Invoice",
    ]
    assert "4 times (fetch_invoice 3, list_invoices 1)" in actions[1]["description"]
    schemas = described(ended.out, tmp_path)
    for name in ("Bill", "Invoice"):
        assert schemas[name]["properties"]["field_of_tomorrow"] == {"type": "object"}
    generated = (tmp_path / "package/models").rglob("invoices.py")
    assert any("field_of_tomorrow: dict[str, Any]" in one.read_text() for one in generated)


async def test_other_types_are_allowed(emulator, business_id, env, tmp_path):
    emulator.faults.add("changed_type", operations=["fetch_*", "get_*", "list_*"])
    ended = await drift(emulator, business_id, env)
    assert "i-0" not in ended.out
    assert len(yaml.safe_load(ended.out)) > 10
    described(ended.out, tmp_path)


async def test_dropped_fields_are_no_longer_required(emulator, business_id, env, tmp_path):
    emulator.faults.add("dropped_field", operations=["get_*", "list_*", "fetch_*"])
    ended = await drift(emulator, business_id, env)
    described(ended.out, tmp_path)


def snippet(*found: tuple[str, Drift]) -> str:
    return overlay_actions(Counter(found))


PLACES: list[tuple[str, Drift, tuple[str, ...], str, dict[str, Any]]] = [
    (
        "get_bill",
        Drift("line_items[].sales_taxes[].kind", "nothing", "string"),
        ("BillLineItem", "properties", "sales_taxes", "items"),
        "kind",
        {"type": "string"},
    ),
    (
        "list_invoices",
        Drift("results[].customer.odd name's", "nothing", "null"),
        ("Customer",),
        "odd name's",
        {"nullable": True},
    ),
    (
        "fetch_invoice",
        Drift("sent_at", "datetime with a time zone", "string"),
        ("Invoice",),
        "sent_at",
        {"type": "string", "nullable": True},
    ),
    (
        "fetch_invoice",
        Drift("total_amount", "int", "number with a fraction"),
        ("Invoice",),
        "total_amount",
        {"type": "number", "nullable": True},
    ),
    (
        "fetch_invoice",
        Drift("subtotal", "int", "string"),
        ("Invoice",),
        "subtotal",
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "nullable": True},
    ),
    (
        "fetch_invoice",
        Drift("customer", "Customer", "array of one object"),
        ("Invoice",),
        "customer",
        {
            "anyOf": [
                {"$ref": "#/components/schemas/Customer"},
                {"type": "array", "items": {"$ref": "#/components/schemas/Customer"}},
            ],
            "nullable": True,
        },
    ),
    (
        "create_business",
        Drift("field", "nothing", "boolean"),
        ("CreateBusinessResponse",),
        "field",
        {"type": "boolean"},
    ),
]


def test_a_difference_finds_its_place(tmp_path):
    schemas = described(snippet(*(place[:2] for place in PLACES)), tmp_path)
    for _, _, (*steps,), name, now in PLACES:
        found: Any = schemas
        for step in steps:
            found = found[step]
        assert found["properties"][name] == now


def test_null_where_it_is_not_foreseen_keeps_the_rest_of_the_property():
    schema: dict[str, Any] = {"properties": {"currency": {"type": "string", "example": "GBP"}}}
    text = snippet(("fetch_invoice", Drift("currency", "str", "null")))
    document = {"components": {"schemas": {"Invoice": schema}}}
    assert apply_overlay(document, {"actions": yaml.safe_load(text)}) == []
    held = {"type": "string", "example": "GBP", "nullable": True}
    assert schema["properties"]["currency"] == held


def test_an_absent_field_is_not_required():
    document = {"components": {"schemas": {"Invoice": {"required": ["id", "status"]}}}}
    text = snippet(("fetch_invoice", Drift("status", "InvoiceStatusEnum", "absent")))
    assert apply_overlay(document, {"actions": yaml.safe_load(text)}) == []
    assert document["components"]["schemas"]["Invoice"]["required"] == ["id"]


def test_what_no_action_can_say_is_a_comment():
    text = snippet(
        ("get_balance_sheet", Drift("", "BalanceSheetReport", "array of one object")),
        ("fetch_invoice", Drift("a\n- b", "str", "integer")),
    )
    assert yaml.safe_load(text) is None
    assert len(text.splitlines()) == 2


async def test_a_part_that_cant_be_read_is_status_1(emulator, business_id, env):
    emulator.faults.add("status", status=403, operations=["list_bills"])
    ended = await thredfi("drift", "--business", business_id, env=env)
    assert ended.status == 1
    assert "not looked at: list_bills was refused: 403" in ended.err


async def test_without_an_api_or_the_business_it_is_status_2(env):
    unreachable = await thredfi("drift", "--business", "b", env=UNREACHABLE)
    nobody = "00000000-0000-4000-8000-000000000000"
    unknown = await thredfi("drift", "--business", nobody, env=env)
    for ended in (unreachable, unknown):
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("thredfi: ")
        assert "Traceback" not in ended.err
