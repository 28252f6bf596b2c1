"""Write-offs of invoices, and what the ledger says of them."""

from __future__ import annotations

import pytest

from thredfi_async.emulator.books import Role, WriteOff

from .caller import NOBODY


@pytest.fixture
async def invoice(shop):
    """An invoice over 10,000."""
    customer = await shop.customer()
    return await shop.invoice(10_000, customer_id=customer["id"])


async def write_off(shop, invoice, **fields):
    return await shop.post(f"invoices/{invoice['id']}/write-offs/", fields)


async def test_what_the_widget_sends_is_shown_on_the_invoice(shop, invoice):
    expenses = shop.books.ledger.of(Role.EXPENSES)
    made = await shop.write_off(
        invoice,
        4000,
        external_id="writeoff-1",
        write_off_at="2025-06-10T00:00:00.000Z",
        memo="moved away",
        destination_account={"type": "AccountId", "id": expenses.id},
        tags=[{"key": "write_off_reason", "value": "bad_debt"}],
    )
    assert made == {
        "id": made["id"],
        "write_off_at": "2025-06-10T00:00:00Z",
        "created_at": "2025-06-15T15:06:40Z",
        "reason": "bad_debt",
        "amount": 4000,
        "amount_cents": 4000,
    }
    seen = await shop.seen(invoice)
    assert seen["write_offs"] == [made]
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_written_off", 6000)
    assert "paid_at" not in seen
    assert (expenses.net(), shop.balance(Role.RECEIVABLE)) == (4000, 6000)
    assert str(expenses.lines[0].entry.day) == "2025-06-10"
    assert shop.books.ledger.of(Role.RECEIVABLE).lines[-1].item == invoice["id"]


async def test_without_an_amount_all_that_is_outstanding_is_written_off(shop, invoice):
    await shop.payment(invoice, 2500)
    made = await shop.write_off(invoice)
    assert (made["amount"], made["write_off_at"]) == (7500, "2025-06-15T15:06:40Z")
    assert "reason" not in made
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("written_off", 0)
    assert "paid_at" not in seen
    assert (shop.balance(Role.BAD_DEBTS), shop.balance(Role.RECEIVABLE)) == (7500, 0)


async def test_a_write_off_changes_its_invoice(shop, clock, invoice):
    clock.advance(60)
    await shop.write_off(invoice, 1)
    assert (await shop.seen(invoice))["updated_at"] == "2025-06-15T15:07:40Z"


async def test_without_a_reason_the_memo_is_shown(shop, invoice):
    made = await shop.write_off(invoice, 1, memo="lost", tags=[{"key": "other", "value": "x"}])
    assert made["reason"] == "lost"


async def test_the_rest_can_still_be_paid_credited_and_written_off(shop, invoice):
    await shop.write_off(invoice, 4000)
    await shop.payment(invoice, 3000)
    await shop.customer_credit(invoice["customer"], 2000, (invoice, 2000))
    assert (await shop.seen(invoice))["status"] == "partially_written_off"
    await shop.write_off(invoice, 1000)
    seen = await shop.seen(invoice)
    assert (seen["status"], len(seen["write_offs"])) == ("written_off", 2)
    assert shop.balance(Role.RECEIVABLE) == 0


async def test_no_more_is_paid_or_credited_than_a_write_off_leaves(shop, invoice):
    await shop.write_off(invoice, 4000)
    body = {"amount_cents": 6001, "payment_date": "2025-06-02", "payment_method": "cash"}
    answer = await shop.post("invoices/payments/", {"invoice_id": invoice["id"], **body})
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount_cents"])
    body = {
        "external_id": "cc-1",
        "customer_id": invoice["customer"]["id"],
        "line_items": [{"amount": 10_000}],
        "allocations": [{"invoice_id": invoice["id"], "amount": 6001}],
    }
    answer = await shop.post("customer-credits/", body)
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount"])


async def test_what_was_paid_of_a_written_off_invoice_can_be_refunded(shop, invoice):
    await shop.payment(invoice, 2500)
    await shop.write_off(invoice)
    assert (await shop.refund(invoice))["refunded_amount"] == 2500
    assert (await shop.seen(invoice))["status"] == "refunded"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"amount_cents": 10_001}, "amount_cents"),
        ({"amount_cents": 0}, "amount_cents"),
        ({"amount_cents": -1}, "amount_cents"),
        ({"amount_cents": "1"}, "amount_cents"),
        ({"write_off_at": "2025-06-10"}, "write_off_at"),
        ({"destination_account": {"id": NOBODY}}, "destination_account"),
        ({"destination_account": {"id": "1100"}}, "destination_account"),
        ({"external_id": ""}, "external_id"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_kept(shop, invoice, fields, named):
    answer = await write_off(shop, invoice, **fields)
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert not shop.books.rows(WriteOff)
    assert (await shop.seen(invoice))["write_offs"] == []


async def test_only_what_is_outstanding_is_written_off(shop, invoice):
    assert (await write_off(shop, {"id": NOBODY})).code == "invoice_not_found"
    voided = await shop.invoice()
    await shop.post(f"invoices/{voided['id']}/void/", {})
    await shop.payment(invoice, 10_000)
    for settled in (voided, invoice):
        answer = await write_off(shop, settled, amount_cents=1)
        assert (answer.status, answer.code) == (409, "invalid_state")


async def test_a_known_external_id_answers_with_the_existing_write_off(shop, invoice):
    made = await shop.write_off(invoice, 4000, external_id="w-1")
    answer = await write_off(shop, invoice, amount_cents=1, external_id="w-1")
    assert (answer.status, answer.body) == (201, made)
    assert (await shop.seen(invoice))["outstanding_balance"] == 6000
    other = await shop.invoice()
    answer = await write_off(shop, other, external_id="w-1")
    assert (answer.status, answer.code) == (409, "duplicate_external_id")


async def test_an_invoice_with_a_write_off_is_not_voided_or_made_smaller(shop, invoice):
    await shop.write_off(invoice, 4000)
    assert (await shop.post(f"invoices/{invoice['id']}/void/", {})).status == 409
    lines = [{"quantity": 1, "unit_price": 3999}]
    answer = await shop.send("PUT", f"invoices/{invoice['id']}/", {"line_items": lines})
    assert answer.status == 409
    lines = [{"quantity": 1, "unit_price": 4000}]
    answer = await shop.send("PUT", f"invoices/{invoice['id']}/", {"line_items": lines})
    assert (answer.status, answer.body["status"]) == (200, "written_off")


async def test_statuses_of_write_offs_filter_the_list(shop, invoice):
    await shop.write_off(invoice, 4000)
    rows = (await shop.get("invoices/", status="partially_written_off")).body["results"]
    assert [row["id"] for row in rows] == [invoice["id"]]
    assert (await shop.get("invoices/", status="written_off")).body["results"] == []
    assert (await shop.get("invoices/", status="unpaid")).body["count"] == 1


async def test_the_journal_names_the_invoice(shop, invoice):
    await shop.write_off(invoice, 4000)
    entry = list(shop.books.ledger.entries)[-1]
    seen = (await shop.get(f"general-ledger/journal-entries/{entry}/")).body
    assert seen["source_type"] == "write_off"
    assert [one["id"] for one in seen["source_info"]["linked_documents"]] == [invoice["id"]]
