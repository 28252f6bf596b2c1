"""Receipts, and the bank transactions that they belong to."""

from __future__ import annotations

import pytest

from .caller import NOBODY

RECEIPTS = "receipts/"


@pytest.fixture
def spend(emulator, shop):
    """Lets money go out of the bank; the id of the transaction."""

    def spend(amount):
        return emulator.add_bank_transaction(shop.id, -amount)

    return spend


async def create(shop, **fields):
    answer = await shop.post(RECEIPTS, fields)
    assert answer.status == 201, answer.body
    return answer.body


async def seen(shop, receipt):
    return (await shop.get(f"{RECEIPTS}{receipt['id']}/")).body


async def status(shop, receipt):
    return (await seen(shop, receipt))["reconciliation_status"]


async def reconcile(shop, receipt, transaction_id, **fields):
    body = {"bank_transaction_id": transaction_id, **fields}
    return await shop.post(f"{RECEIPTS}{receipt['id']}/reconcile/", body)


async def unreconcile(shop, receipt, **fields):
    return await shop.post(f"{RECEIPTS}{receipt['id']}/unreconcile/", fields)


async def links(shop, receipt):
    body = (await shop.get(f"{RECEIPTS}{receipt['id']}/reconciliations/")).body
    assert body["count"] == len(body["results"])
    return [(one["bank_transaction_id"], one["amount_cents"]) for one in body["results"]]


# --- receipts --------------------------------------------------------------------------


async def test_a_receipt_shows_the_file_that_was_uploaded_before(shop):
    name = await shop.uploaded(place="documents")
    made = await create(shop, document={"file": name, "document_type": "receipt"})
    assert made["document"]["document_id"] == name
    assert made["reconciliation_status"] == "unreconciled"
    assert await seen(shop, made) == made


async def test_a_receipt_needs_nothing(shop):
    made = await create(shop, whatever={"a": 1})
    assert made == {"id": made["id"], "document": None, "reconciliation_status": "unreconciled"}


async def test_a_known_external_id_answers_with_the_existing_receipt(shop):
    made = await create(shop, external_id="r-1")
    assert await create(shop, external_id="r-1", amount_cents=5) == made
    assert (await create(shop, external_id="r-2"))["id"] != made["id"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"amount_cents": 0}, "amount_cents"),
        ({"amount_cents": 1.5}, "amount_cents"),
        ({"amount_cents": True}, "amount_cents"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": 7}, "external_id"),
        ({"document": {"file": NOBODY}}, "document.file"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_kept(shop, fields, named):
    answer = await shop.post(RECEIPTS, fields)
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert (await shop.get(RECEIPTS)).body["count"] == 0


async def test_one_page_lists_all_receipts(shop):
    made = [await create(shop) for _ in range(21)]
    body = (await shop.get(RECEIPTS)).body
    assert (body["count"], body["page_info"]["total_pages"]) == (21, 1)
    assert body["results"] == made


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", "reconcile/"),
        ("POST", "unreconcile/"),
        ("GET", "reconciliations/"),
    ],
)
async def test_an_unknown_receipt_is_not_found(shop, method, path):
    body = ({},) if method == "POST" else ()
    answer = await shop.send(method, f"{RECEIPTS}{NOBODY}/{path}", *body)
    assert (answer.status, answer.code) == (404, "receipt_not_found")


# --- reconciling -----------------------------------------------------------------------


async def test_a_receipt_belongs_to_the_transactions_that_paid_it(shop, spend):
    receipt = await create(shop, amount_cents=5000)
    first, second = spend(3000), spend(4000)
    answer = await reconcile(shop, receipt, first)
    assert (answer.status, answer.body["reconciliation_status"]) == (200, "partially_reconciled")
    (link,) = answer.body["reconciliations"]
    assert (link["amount_cents"], link["reconciled_at"]) == (3000, "2025-06-15T15:06:40Z")
    await reconcile(shop, receipt, second)
    assert await links(shop, receipt) == [(first, 3000), (second, 2000)]
    assert await status(shop, receipt) == "reconciled"


async def test_a_receipt_of_no_known_amount_is_reconciled_by_any_transaction(shop, spend):
    receipt = await create(shop)
    transaction = spend(3000)
    await reconcile(shop, receipt, transaction, amount_cents=100)
    assert await links(shop, receipt) == [(transaction, 100)]
    assert await status(shop, receipt) == "reconciled"


async def test_it_books_nothing(shop, spend):
    receipt, transaction = await create(shop, amount_cents=3000), spend(3000)
    before = len(shop.books.ledger.entries)
    await reconcile(shop, receipt, transaction)
    await unreconcile(shop, receipt)
    assert len(shop.books.ledger.entries) == before


async def test_one_or_all_transactions_are_taken_off_again(shop, spend):
    receipt = await create(shop)
    first, second, third = spend(1), spend(2), spend(3)
    for transaction in (first, second, third):
        await reconcile(shop, receipt, transaction)
    answer = await unreconcile(shop, receipt, bank_transaction_id=second)
    assert answer.status == 200
    assert await links(shop, receipt) == [(first, 1), (third, 3)]
    answer = await unreconcile(shop, receipt)
    assert answer.body["reconciliation_status"] == "unreconciled"
    assert await links(shop, receipt) == []
    assert (await unreconcile(shop, receipt)).status == 409


async def test_what_does_not_fit_is_refused(shop, spend):
    receipt = await create(shop, amount_cents=5000)
    transaction = spend(3000)
    answer = await shop.post(f"{RECEIPTS}{receipt['id']}/reconcile/", {})
    assert (answer.status, list(answer.fields)) == (400, ["bank_transaction_id"])
    answer = await reconcile(shop, receipt, NOBODY)
    assert (answer.status, list(answer.fields)) == (400, ["bank_transaction_id"])
    answer = await reconcile(shop, receipt, transaction, amount_cents=3001)
    assert (answer.status, list(answer.fields)) == (400, ["amount_cents"])
    assert await links(shop, receipt) == []
    await reconcile(shop, receipt, transaction)
    assert (await reconcile(shop, receipt, transaction)).status == 409
    answer = await reconcile(shop, receipt, spend(9000), amount_cents=2001)
    assert (answer.status, list(answer.fields)) == (400, ["amount_cents"])
    await reconcile(shop, receipt, spend(9000))
    assert (await reconcile(shop, receipt, spend(1))).status == 409
    answer = await unreconcile(shop, receipt, bank_transaction_id=NOBODY)
    assert (answer.status, list(answer.fields)) == (400, ["bank_transaction_id"])
    assert await status(shop, receipt) == "reconciled"
