"""Whatever becomes of records: in one run or in several, the books are the same."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import cases
from thredfi_async.emulator import Emulator
from thredfi_async.push import MemoryIdStore

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

TIME = "2025-01-10T10:00:00Z"


def _record(type: str, external_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, "business": "shop", "external_id": external_id, **fields}


def _lines(amount: int) -> list[dict[str, Any]]:
    return [{"product": "Work", "unit_price": amount, "quantity": 1}]


def _history(kind: str, name: str, steps: list[int]) -> list[dict[str, Any]]:
    """The lines of one record, in their order: each step is something done with it."""
    first: dict[str, dict[str, Any]] = {
        "customer": _record("customer", name, company_name="First"),
        "invoice": _record(
            "invoice", name, customer_external_id="c0", sent_at=TIME, line_items=_lines(1000)
        ),
        "customer_credit": _record(
            "customer_credit",
            name,
            customer_external_id="c0",
            sent_at=TIME,
            line_items=[{"amount": 100}],
        ),
    }
    history = [first[kind]]
    for step in steps:
        match kind, step % 3:
            case "customer", 0:
                more = {"action": "archive"}
            case "customer", 1:
                more = {"action": "unarchive"}
            case "customer", _:
                more = {"action": "update", "company_name": f"Name {step % 4}"}
            case "invoice", 0 | 1:
                more = {"action": "update", "line_items": _lines(100 + step)}
            case "invoice", _:
                more = {"action": "void"}
            case _:
                more = {"action": "delete"}
        history.append(_record(kind, name, **more))
        if more["action"] in ("void", "delete"):
            break
    return history


@st.composite
def _inputs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[int]]:
    """Lines of many histories, interleaved at random, and where to cut them."""
    steps = st.lists(st.integers(0, 11), max_size=4)
    histories = [[_record("customer", "c0", company_name="First")]]
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["customer", "invoice", "customer_credit"]))
        histories.append(_history(kind, f"{kind}-{number}", draw(steps)))
    lines = histories.pop(0)  # the customer that all name comes first
    while histories:
        history = draw(st.sampled_from(histories))
        lines.append(history.pop(0))
        histories = [one for one in histories if one]
    return lines, sorted(draw(st.lists(st.integers(0, len(lines)), max_size=3)))


async def _books(runs: list[list[dict[str, Any]]], concurrency: int) -> Any:
    async with Emulator() as emulator, emulator.client() as thredfi:
        emulator.add_business("shop")
        ids = MemoryIdStore()
        for lines in runs:
            async for outcome in thredfi.push(lines, concurrency=concurrency, ids=ids):
                assert outcome.ok, outcome
        return emulator.books("shop").snapshot()


@settings(max_examples=cases(15, 300), deadline=None)
@given(_inputs())
def test_one_run_and_several_give_the_same_books(case):
    lines, cuts = case
    edges = [0, *cuts, len(lines)]
    slices = [lines[a:b] for a, b in itertools.pairwise(edges)]
    whole = asyncio.run(_books([lines], concurrency=8))
    assert asyncio.run(_books(slices, concurrency=8)) == whole
    assert asyncio.run(_books([lines], concurrency=1)) == whole, "one after the other"
