"""``thredfi push`` on the second day: actions, ids from run to run, differences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .support import invoked
from .test_push_command import customer, invoice

FIRST = [line for number in range(3) for line in (customer(number), invoice(number))]


def record(type: str, external_id: str, **fields: Any) -> str:
    return json.dumps({"type": type, "business": "shop", "external_id": external_id, **fields})


SECOND = [
    record("invoice", "I0", action="void"),
    record("refund", "R1", invoice_external_id="I1", amount_cents=1),
    record("customer", "C2", action="update", notes="Pays late"),
]


async def push(env, path, *more) -> dict[str, Any]:
    ended = await invoked("push", path, "--json", "--no-progress", *more, env=env)
    figures: dict[str, Any] = json.loads(ended.out)
    return figures | {"status": ended.status, "err": ended.err}


async def test_the_second_day_refers_to_the_first(emulator, env, file, tmp_path):
    ids = ("--ids", tmp_path / "ids.db")
    assert (await push(env, file(FIRST), *ids))["created"] == 6
    second = await push(env, file(SECOND, "second.jsonl"), *ids)
    assert (second["changed"], second["failed"], second["look_ups"]) == (2, 1, 0)
    assert "Nothing that was paid of the invoice is left" in second["err"]
    sent = emulator.requests.total()
    again = await push(env, file(FIRST), *ids)
    assert (again["replayed"], again["status"]) == (6, 0)
    assert emulator.requests.total() - sent <= 3, "a token and the businesses"
    assert (await push(env, file(FIRST), *ids, "--all"))["requests"] >= 6


async def test_without_ids_it_is_looked_up_unless_that_is_turned_off(env, file):
    await push(env, file(FIRST))
    second = await push(env, file(SECOND, "second.jsonl"))
    assert (second["changed"], second["look_ups"]) == (2, 3)
    off = await push(env, file(SECOND, "second.jsonl"), "--no-lookup")
    assert (off["failed"], off["status"]) == (3, 1)
    assert "no invoice 'I1' of this business" in off["err"]


@pytest.mark.parametrize("option", ["--ids", "--journal"])
async def test_ids_of_another_file_are_read(env, file, tmp_path, option):
    await push(env, file(FIRST), option, tmp_path / "first.db")
    second = await push(env, file(SECOND, "second.jsonl"), "--known", tmp_path / "first.db")
    assert (second["changed"], second["look_ups"]) == (2, 0)


async def test_differences_are_updated_or_ignored_as_asked(env, file):
    await push(env, file(FIRST))
    other = file(
        [customer(0, email="a@example.org"), customer(1, email="b@example.org")], "o.jsonl"
    )
    assert (await push(env, other, "--on-difference", "update"))["status"] == 0
    wrong = await invoked("push", other, "--on-difference", "merge", env=env)
    assert wrong.status == 2
    assert "--on-difference is one of report, update, ignore, not merge" in wrong.err


async def test_a_document_lies_where_the_input_does(env, file, tmp_path):
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")
    lines = [
        record("vendor", "V1", company_name="Mill"),
        record("bill", "B1", vendor_external_id="V1", received_at="2025-01-06T09:00:00Z",
               due_at="2025-02-06T09:00:00Z", file="scan.pdf",
               line_items=[{"product": "Flour", "unit_price": 5, "quantity": 1}]),
    ]  # fmt: skip
    assert (await push(env, file(lines)))["created"] == 2


async def test_a_file_that_holds_no_ids_is_told(env, file, tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be taken for one")
    ended = await invoked("push", file(FIRST), "--known", tmp_path / "notes.txt", env=env)
    assert ended.status == 2
    assert "notes.txt" in ended.err
    assert "Traceback" not in ended.err
