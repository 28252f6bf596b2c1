"""Mappings that are built without cattrs: as cattrs would, and nothing that it would refuse."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import attrs
import pytest

from thredfi_async import codec, models, operations, plain
from thredfi_async.checks import Check, Checked, check
from thredfi_async.errors import InvalidRequest
from thredfi_async.fields import UNSET, UnsetType, model_fields
from thredfi_async.operation import Operation
from thredfi_async.structuring import structured

VALUES: list[Any] = [
    *(UNSET, None, True, 0, 7, -1, 2**63, 1.5, float("nan"), Decimal("1.50"), Decimal("NaN")),
    *("", "text", "5", "SENT", "2025-01-31", "2025-01-31T12:00:00Z", "2025-01-31T12:00:00"),
    *("20250131", "2025-W05-5", "20250131T12", "2025-02-30"),
    *(date(2025, 1, 31), datetime(2025, 1, 31, tzinfo=UTC), datetime(2025, 1, 31)),
    *(UUID(int=1), b"bytes", [], [None], ["a", "b"], [1], [{"a": 1}], (), {"a": True}, {"a": "no"}),
    *({}, {1: 2}),
]


def request_models() -> list[type[Checked]]:
    """Every model that is a body, or stands in one."""
    seen: set[Any] = set()
    for operation in vars(operations).values():
        if isinstance(operation, Operation):
            for _, ref in operation.bodies:
                if ref is not None:
                    seen |= codec._models_below(codec.load(ref))
    return sorted((one for one in seen if issubclass(one, Checked)), key=lambda m: m.__name__)


def mapping_of(
    model: Any, chance: random.Random, *, wrong: float, depth: int = 0
) -> dict[str, Any]:
    """A mapping that may or may not fit: of its fields some, of the values some that are wrong."""
    mapping: dict[str, Any] = {}
    for field in model_fields(model):
        required = attrs.fields_dict(model)[field.name].default is attrs.NOTHING
        if not required and chance.random() < 0.7:
            continue
        mapping[field.wire_name] = value_of(field.type, chance, wrong, depth)
    if chance.random() < wrong:
        mapping["unknown_field"] = 1
    return mapping


def value_of(kind: Any, chance: random.Random, wrong: float, depth: int) -> Any:
    if chance.random() < wrong:
        return chance.choice(VALUES)
    below = sorted(
        (one for one in codec._models_below(kind) if re.search(rf"\b{one.__name__}\b", str(kind))),
        key=lambda m: m.__name__,
    )
    if below and depth < 3:
        inner = mapping_of(below[0], chance, wrong=wrong, depth=depth + 1)
        return [inner] * chance.randrange(3) if "list[" in str(kind) else inner
    text = str(kind)
    for part, fitting in (
        ("list[", [["a"], [{"a": 1}], [1]]),
        ("dict", [{"a": 1}, {"a": True}]),
        ("datetime.datetime", ["2025-01-31T12:00:00Z", datetime(2025, 1, 31, tzinfo=UTC)]),
        ("datetime.date", ["2025-01-31", date(2025, 1, 31)]),
        ("Enum", ["SENT", "a new one"]),
        ("int", [5]),
        ("float", [5, 2.5]),
        ("bool", [True]),
    ):
        if part in text:
            return chance.choice(fitting)
    return "text"


@pytest.mark.parametrize("model", request_models(), ids=lambda m: m.__name__)
def test_what_is_built_without_cattrs_is_what_cattrs_builds(model: type[Checked]) -> None:
    chance = random.Random(model.__name__)
    built = 0
    for number in range(100):
        mapping = mapping_of(model, chance, wrong=0.1 * (number % 2))
        before = repr(mapping)
        try:
            plainly = plain.builder(model)(mapping)
        except plain.NOT_PLAIN:
            continue
        finally:
            assert repr(mapping) == before
        built += 1
        expected = structured(model, mapping, ignore_unknown=False)
        assert plainly == expected
        assert repr(plainly) == repr(expected)  # which tells 1 from True, and an enum from text
    assert built


def test_a_mapping_as_it_should_be_needs_no_cattrs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thredfi_async.structuring.structured", lambda *_, **__: pytest.fail("is"))
    line = {"description": "Cakestand", "quantity": 4, "unit_price": 1275}
    mapping = {"external_id": "1", "sent_at": "2025-01-31T12:00:00Z", "line_items": [line]}
    invoice = codec.structure(models.CreateInvoiceRequest, mapping)
    assert invoice.sent_at == datetime(2025, 1, 31, 12, tzinfo=UTC)
    assert invoice.line_items == [models.InvoiceLineItemRequest(**line)]  # type: ignore[arg-type]


def test_what_is_built_is_its_own() -> None:
    mapping: dict[str, Any] = {"transaction_tags": ["a"], "company_name": "Bakery"}
    for _ in range(2):
        customer = codec.structure(models.UpdateCustomerRequest, mapping)
        mapping["transaction_tags"].append("b")
        assert customer.transaction_tags != mapping["transaction_tags"]


def test_a_model_that_checks_nothing_is_not_built_by_its_fields_alone() -> None:
    with pytest.raises(InvalidRequest, match="must be text"):
        codec.structure(models.Customer, {"id": 5})


def test_what_is_wrong_is_said_by_its_path() -> None:
    line = {"description": "Cakestand", "quantity": 4, "unit_price": "12.75"}
    mapping = {"external_id": "1", "sent_at": "2025-01-31T12:00:00Z", "line_items": [line]}
    with pytest.raises(InvalidRequest, match=r"line_items\[0\]\.unit_price: must be an integer"):
        codec.structure(models.CreateInvoiceRequest, mapping)


def test_a_model_without_checks_takes_none_from_the_others() -> None:
    @attrs.define
    class Nothing(Checked):
        pass

    @attrs.define(kw_only=True)
    class Amount(Checked):
        amount: int | UnsetType = UNSET

        __checks__: ClassVar[Mapping[str, Check]] = {"amount": check(int)}

    codec.encode(Nothing())
    Nothing().__check_again__()
    with pytest.raises(InvalidRequest, match="must be int, not str"):
        Amount(amount="1")  # type: ignore[arg-type]
