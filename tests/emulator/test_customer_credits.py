"""Customer credits: what they come to, the invoices that they settle, what the ledger says."""

from __future__ import annotations

import pytest

from thredfi_async.emulator.books import Role

from .caller import NOBODY

CREDITS = "customer-credits/"


@pytest.fixture
async def customer(shop):
    return await shop.customer(company_name="Buyer", external_id="c-1")


@pytest.fixture
async def invoice(shop, customer):
    """An invoice over 10,000."""
    return await shop.invoice(10_000, customer_id=customer["id"], invoice_number="I-1")


async def create(shop, **fields):
    body = {"external_id": "cc-1", "line_items": [{"amount": 4000}], **fields}
    return await shop.post(CREDITS, body)


async def update(shop, credit, **fields):
    return await shop.send("PUT", f"{CREDITS}{credit['id']}/", fields)


async def seen_credit(shop, credit):
    return (await shop.get(f"{CREDITS}{credit['id']}/")).body


async def listed(shop, **query):
    return [row["external_id"] for row in (await shop.get(CREDITS, **query)).body["results"]]


def part(invoice, amount):
    return {"invoice_id": invoice["id"], "amount": amount}


# --- create ----------------------------------------------------------------------------


async def test_what_was_sent_comes_back(shop, customer, invoice):
    made = await shop.customer_credit(
        customer,
        0,
        external_id="cc-1",
        sent_at="2025-06-05T10:00:00+02:00",
        source_invoice_id=invoice["id"],
        tags=[{"key": "project"}],
        line_items=[
            {"amount": 3000, "memo": "broken", "metadata": {"a": 1}},
            {
                "amount": 500,
                "tax_amount_cents": 100,
                "revenue_account_identifier": {"type": "AccountId", "id": "4000"},
                "tags": [{"k": "v"}],
            },
        ],
    )
    assert (made["external_id"], made["sent_at"]) == ("cc-1", "2025-06-05T08:00:00Z")
    assert (made["source_invoice_id"], made["tags"]) == (invoice["id"], [{"key": "project"}])
    name = {"id": customer["id"], "display_name": "Buyer", "company_name": "Buyer"}
    assert (made["customer"], made["currency"], made["document"]) == (name, "GBP", None)
    assert (made["status"], made["total_amount"], made["applied_amount"]) == ("sent", 3600, 0)
    one, two = made["line_items"]
    assert (one["amount"], one["memo"], one["metadata"]) == (3000, "broken", {"a": 1})
    returns, sales = (shop.books.ledger.of(role) for role in (Role.SALES_RETURNS, Role.SALES))
    assert one["revenue_account_identifier"] == {"type": "AccountId", "id": returns.id}
    assert two["revenue_account_identifier"]["id"] == sales.id
    assert (two["amount"], two["tags"]) == (500, ["v"])
    assert await seen_credit(shop, made) == made


async def test_the_customer_may_be_named_by_their_external_id(shop, customer):
    answer = await create(shop, customer_external_id="c-1")
    assert (answer.status, answer.body["customer"]["id"]) == (201, customer["id"])


async def test_a_known_external_id_answers_with_the_existing_credit(shop, customer):
    made = await shop.customer_credit(customer, 4000, external_id="cc-1")
    answer = await create(shop, customer_id=customer["id"], line_items=[{"amount": 1}])
    assert (answer.status, answer.body) == (200, made)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"customer_id": None}, "customer_id"),
        ({"customer_id": NOBODY}, "customer_id"),
        ({"customer_id": None, "customer_external_id": "nobody"}, "customer_external_id"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": None}, "external_id"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"amount": 2**63 - 1}, {"amount": 1}]}, "line_items"),
        ({"line_items": [{}]}, "line_items[0].amount"),
        ({"line_items": [{"amount": 0}]}, "line_items[0].amount"),
        (
            {"line_items": [{"amount": 1, "tax_amount_cents": -1}]},
            "line_items[0].tax_amount_cents",
        ),
        (
            {"line_items": [{"amount": 1, "revenue_account_identifier": {"id": "nope"}}]},
            "line_items[0].revenue_account_identifier",
        ),
        ({"source_invoice_id": NOBODY}, "source_invoice_id"),
        ({"sent_at": "2025-06-05"}, "sent_at"),
        ({"allocations": [{"amount": 1}]}, "allocations[0].invoice_id"),
        ({"allocations": [{"invoice_id": NOBODY}]}, "allocations[0].amount"),
        ({"allocations": [{"invoice_id": NOBODY, "amount": 1}]}, "allocations[0].invoice_id"),
        ({"document": {"file": NOBODY}}, "document.file"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_kept(shop, customer, fields, named):
    before = shop.books.snapshot()
    answer = await create(shop, **{"customer_id": customer["id"], **fields})
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert shop.books.snapshot() == before


async def test_the_source_must_be_an_invoice_of_the_customer(shop, invoice):
    other = await shop.customer(company_name="Other")
    answer = await create(shop, customer_id=other["id"], source_invoice_id=invoice["id"])
    assert (answer.status, list(answer.fields)) == (400, ["source_invoice_id"])


# --- the ledger ------------------------------------------------------------------------


async def test_a_credit_takes_back_revenue_and_tax(shop, customer):
    lines = [
        {"amount": 3000, "tax_amount_cents": 600},
        {"amount": 500, "revenue_account_identifier": "4900"},
    ]
    await shop.customer_credit(customer, 0, line_items=lines)
    assert shop.balance(Role.SALES_RETURNS) == 3000
    assert shop.balance(Role.OUTPUT_TAX) == 600
    assert shop.balance(Role.OTHER_INCOME) == 500
    assert shop.balance(Role.CUSTOMER_CREDITS) == -4100
    assert {str(entry.day) for entry in shop.books.ledger.entries.values()} == {"2025-06-05"}


async def test_an_allocation_settles_the_invoice_out_of_the_credit(shop, customer, invoice):
    await shop.customer_credit(customer, 4000, (invoice, 3000))
    assert shop.balance(Role.CUSTOMER_CREDITS) == -1000
    receivable = shop.books.ledger.of(Role.RECEIVABLE)
    assert receivable.net() == 7000
    assert {line.item for line in receivable.lines} == {invoice["id"]}
    applied = receivable.lines[-1]
    assert (applied.amount, str(applied.entry.day)) == (-3000, "2025-06-15")


async def test_a_draft_books_nothing_until_it_is_sent(shop, customer):
    made = await create(shop, customer_id=customer["id"])
    assert (made.body["status"], made.body["sent_at"]) == ("draft", None)
    assert not shop.books.ledger.entries
    answer = await update(shop, made.body, sent_at="2025-06-07T00:00:00Z")
    assert (answer.status, answer.body["status"]) == (200, "sent")
    assert shop.balance(Role.CUSTOMER_CREDITS) == -4000


async def test_a_draft_that_is_applied_is_sent_now(shop, customer, invoice):
    made = await create(shop, customer_id=customer["id"])
    answer = await update(shop, made.body, allocations=[part(invoice, 1000)])
    assert answer.body["sent_at"] == "2025-06-15T15:06:40Z"
    assert answer.body["status"] == "partially_applied"
    made = await create(
        shop,
        external_id="cc-2",
        customer_id=customer["id"],
        allocations=[part(invoice, 4000)],
    )
    assert (made.body["status"], made.body["sent_at"]) == ("applied", "2025-06-15T15:06:40Z")


# --- what it settles -------------------------------------------------------------------


async def test_the_credit_and_its_invoice_show_the_allocation(shop, customer, invoice):
    made = await shop.customer_credit(customer, 4000, (invoice, 3000))
    assert (made["status"], made["applied_amount"]) == ("partially_applied", 3000)
    assert made["allocations"] == [
        {
            "invoice_id": invoice["id"],
            "invoice_number": "I-1",
            "amount_cents": 3000,
            "invoice_outstanding_balance_cents": 7000,
            "applied_at": "2025-06-15T15:06:40Z",
        }
    ]
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_paid", 7000)
    assert seen["credit_allocations"] == [
        {
            "credit_note_id": made["id"],
            "applied_at": "2025-06-15T15:06:40Z",
            "amount_cents": 3000,
        }
    ]


async def test_a_credit_changes_its_invoice_when_it_is_applied_and_taken_off(
    shop, clock, customer, invoice
):
    clock.advance(60)
    credit = await shop.customer_credit(customer, 4000, (invoice, 3000))
    assert (await shop.seen(invoice))["updated_at"] == "2025-06-15T15:07:40Z"
    clock.advance(60)
    await update(shop, credit, allocations=[])
    assert (await shop.seen(invoice))["updated_at"] == "2025-06-15T15:08:40Z"


async def test_a_credit_shows_the_latest_file(shop, customer):
    file = {"file": await shop.uploaded(), "document_type": "customer_credit"}
    credit = await shop.customer_credit(customer, 4000, document=file)
    assert credit["document"]["document_id"] == file["file"]
    assert (await update(shop, credit, memo="x")).body["document"] == credit["document"]
    other = await shop.uploaded()
    answer = await update(shop, credit, document={**file, "file": other})
    assert answer.body["document"]["document_id"] == other


async def test_a_credit_can_settle_several_invoices(shop, customer, invoice):
    other = await shop.invoice(1000, customer_id=customer["id"])
    made = await shop.customer_credit(customer, 4000, (invoice, 3000), (other, 1000))
    assert made["status"] == "applied"
    assert (await shop.seen(other))["status"] == "paid"


async def test_a_fully_credited_invoice_is_paid(shop, customer, invoice):
    await shop.payment(invoice, 6000)
    await shop.customer_credit(customer, 4000, (invoice, 4000))
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("paid", 0)
    assert seen["paid_at"] == "2025-06-15T15:06:40Z"


async def test_all_that_was_paid_of_a_credited_invoice_can_be_refunded(shop, customer, invoice):
    await shop.payment(invoice, 6000)
    await shop.customer_credit(customer, 4000, (invoice, 4000))
    assert (await shop.refund(invoice))["refunded_amount"] == 6000
    assert (await shop.seen(invoice))["status"] == "refunded"


async def test_nothing_that_was_only_credited_can_be_refunded(shop, customer, invoice):
    await shop.customer_credit(customer, 10_000, (invoice, 10_000))
    answer = await shop.post("invoices/refunds/", {"invoice_id": invoice["id"]})
    assert (answer.status, list(answer.fields)) == (400, ["invoice_id"])


async def test_no_more_is_applied_than_is_outstanding_or_in_the_credit(shop, customer, invoice):
    other = await shop.invoice(10_000, customer_id=customer["id"])
    await shop.payment(invoice, 7000)
    answer = await create(shop, customer_id=customer["id"], allocations=[part(invoice, 3001)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount"])
    shares = [part(other, 3000), part(other, 1001)]
    answer = await create(shop, customer_id=customer["id"], allocations=shares)
    assert (answer.status, list(answer.fields)) == (400, ["allocations"])
    twice = [part(invoice, 2000), part(invoice, 1001)]
    answer = await create(shop, customer_id=customer["id"], allocations=twice)
    assert (answer.status, list(answer.fields)) == (400, ["allocations[1].amount"])
    assert not shop.books.customer_credits


async def test_the_tax_of_a_line_can_be_applied_too(shop, customer, invoice):
    lines = [{"amount": 3000, "tax_amount_cents": 600}]
    made = await shop.customer_credit(customer, 0, (invoice, 3600), line_items=lines)
    assert (made["status"], made["total_amount"]) == ("applied", 3600)


async def test_no_more_is_paid_than_credits_leave(shop, customer, invoice):
    await shop.customer_credit(customer, 4000, (invoice, 4000))
    body = {
        "invoice_id": invoice["id"],
        "amount_cents": 6001,
        "payment_date": "2025-06-02",
        "payment_method": "cash",
    }
    answer = await shop.post("invoices/payments/", body)
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount_cents"])
    assert (await shop.post("invoices/payments/", {**body, "amount_cents": 6000})).status == 201


async def test_invoices_that_are_voided_or_another_customers_take_no_credit(shop, customer):
    voided = await shop.invoice(customer_id=customer["id"])
    await shop.post(f"invoices/{voided['id']}/void/", {})
    other = await shop.invoice(customer_id=(await shop.customer(company_name="Other"))["id"])
    for invoice in (voided, other):
        answer = await create(shop, customer_id=customer["id"], allocations=[part(invoice, 1)])
        assert (answer.status, list(answer.fields)) == (400, ["allocations[0].invoice_id"])


async def test_an_invoice_without_a_customer_takes_any_credit(shop, customer):
    invoice = await shop.invoice(5000)
    await shop.customer_credit(customer, 4000, (invoice, 4000))
    assert (await shop.seen(invoice))["outstanding_balance"] == 1000


# --- what it means for the invoice ------------------------------------------------------


async def test_a_credited_invoice_is_not_voided(shop, customer, invoice):
    await shop.customer_credit(customer, 4000, (invoice, 1))
    answer = await shop.post(f"invoices/{invoice['id']}/void/", {})
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert (await shop.seen(invoice))["status"] == "partially_paid"


async def test_the_total_of_an_invoice_stays_above_what_is_paid_and_credited(
    shop, customer, invoice
):
    await shop.payment(invoice, 2000)
    await shop.customer_credit(customer, 4000, (invoice, 3000))

    async def change(amount):
        lines = [{"quantity": 1, "unit_price": amount}]
        return await shop.send("PUT", f"invoices/{invoice['id']}/", {"line_items": lines})

    assert (await change(4999)).status == 409
    answer = await change(5000)
    assert (answer.status, answer.body["status"]) == (200, "paid")


async def test_a_credited_invoice_keeps_its_customer(shop, customer, invoice):
    await shop.customer_credit(customer, 4000, (invoice, 1))
    other = await shop.customer(company_name="Other")
    answer = await shop.send("PUT", f"invoices/{invoice['id']}/", {"customer_id": other["id"]})
    assert answer.status == 409


# --- update ----------------------------------------------------------------------------


async def test_allocations_are_the_full_new_list(shop, customer, invoice):
    other = await shop.invoice(10_000, customer_id=customer["id"])
    credit = await shop.customer_credit(customer, 4000, (invoice, 3000), (other, 1000))
    answer = await update(shop, credit, allocations=[part(other, 4000)])
    assert answer.status == 200
    assert [one["invoice_id"] for one in answer.body["allocations"]] == [other["id"]]
    seen = await shop.seen(invoice)
    assert (seen["outstanding_balance"], seen["credit_allocations"]) == (10_000, [])
    assert (await shop.seen(other))["outstanding_balance"] == 6000
    answer = await update(shop, credit, allocations=[])
    assert (answer.body["status"], answer.body["allocations"]) == ("sent", [])
    assert shop.balance(Role.RECEIVABLE) == 20_000
    assert shop.balance(Role.CUSTOMER_CREDITS) == -4000


async def test_what_is_applied_already_counts_as_outstanding_for_the_new_list(
    shop, customer, invoice
):
    credit = await shop.customer_credit(customer, 20_000, (invoice, 10_000))
    answer = await update(shop, credit, allocations=[part(invoice, 10_000)])
    assert answer.status == 200
    answer = await update(shop, credit, allocations=[part(invoice, 10_001)])
    assert (answer.status, list(answer.fields)) == (400, ["allocations[0].amount"])


async def test_an_allocation_that_stays_keeps_its_instant(shop, clock, customer, invoice):
    credit = await shop.customer_credit(customer, 4000, (invoice, 1000))
    clock.advance(60)
    answer = await update(shop, credit, allocations=[part(invoice, 2000)])
    (shown,) = answer.body["allocations"]
    assert (shown["amount_cents"], shown["applied_at"]) == (2000, "2025-06-15T15:06:40Z")
    assert answer.body["updated_at"] == "2025-06-15T15:07:40Z"


async def test_what_is_not_sent_stays(shop, customer, invoice):
    credit = await shop.customer_credit(customer, 4000, (invoice, 1000), tags=[{"a": "b"}])
    answer = await update(shop, credit, memo="late")
    assert answer.body == credit
    answer = await update(shop, credit, sent_at=None, line_items=None, allocations=None)
    assert answer.body == credit


async def test_new_lines_replace_the_old_ones_in_the_ledger_too(shop, customer):
    credit = await shop.customer_credit(customer, 4000)
    lines = [{"amount": 100, "tax_amount_cents": 20}]
    answer = await update(shop, credit, line_items=lines, external_id="cc-9")
    assert (answer.body["total_amount"], answer.body["external_id"]) == (120, "cc-9")
    assert shop.balance(Role.SALES_RETURNS) == 100
    assert shop.balance(Role.OUTPUT_TAX) == 20
    assert shop.balance(Role.CUSTOMER_CREDITS) == -120


async def test_the_total_stays_above_what_is_applied(shop, customer, invoice):
    credit = await shop.customer_credit(customer, 4000, (invoice, 3000))
    answer = await update(shop, credit, line_items=[{"amount": 2999}])
    assert (answer.status, answer.code) == (409, "invalid_state")
    answer = await update(
        shop, credit, line_items=[{"amount": 2999}], allocations=[part(invoice, 2999)]
    )
    assert (answer.status, answer.body["status"]) == (200, "applied")


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ({"allocations": [{"invoice_id": NOBODY, "amount": 1}]}, 400),
        ({"allocations": [], "source_invoice_id": NOBODY}, 400),
        ({"allocations": [], "document": {"file": NOBODY}}, 400),
        ({"allocations": [], "line_items": []}, 400),
        ({"allocations": [], "external_id": "taken"}, 409),
    ],
)
async def test_a_refused_update_changes_nothing(shop, customer, invoice, bad, status):
    await shop.customer_credit(customer, 1, external_id="taken")
    credit = await shop.customer_credit(customer, 4000, (invoice, 3000))
    before = shop.books.snapshot()
    answer = await update(shop, credit, **bad)
    assert answer.status == status
    assert shop.books.snapshot() == before
    assert await seen_credit(shop, credit) == credit


# --- delete ----------------------------------------------------------------------------


async def test_a_deleted_credit_is_gone_and_booked_back(shop, customer):
    credit = await shop.customer_credit(customer, 4000, external_id="cc-1")
    answer = await shop.send("DELETE", f"{CREDITS}{credit['id']}/")
    assert (answer.status, answer.body) == (204, None)
    for method in ("GET", "PUT", "DELETE"):
        body = ({},) if method == "PUT" else ()
        answer = await shop.send(method, f"{CREDITS}{credit['id']}/", *body)
        assert (answer.status, answer.code) == (404, "customer_credit_not_found")
    assert shop.balance(Role.CUSTOMER_CREDITS) == shop.balance(Role.SALES_RETURNS) == 0
    assert (await create(shop, customer_id=customer["id"])).status == 201


async def test_an_applied_credit_is_not_deleted(shop, customer, invoice):
    credit = await shop.customer_credit(customer, 4000, (invoice, 1))
    answer = await shop.send("DELETE", f"{CREDITS}{credit['id']}/")
    assert (answer.status, answer.code) == (409, "invalid_state")
    await update(shop, credit, allocations=[])
    assert (await shop.send("DELETE", f"{CREDITS}{credit['id']}/")).status == 204


# --- list ------------------------------------------------------------------------------


async def test_lists_filter_by_customer_status_day_and_text(shop, customer, invoice):
    other = await shop.customer(company_name="Maker", external_id="c-2")
    await shop.customer_credit(customer, 4000, (invoice, 4000), external_id="a")
    await shop.customer_credit(other, 4000, external_id="b", sent_at="2025-06-09T23:59:59Z")
    await create(shop, customer_id=other["id"], external_id="c")
    assert await listed(shop) == ["a", "b", "c"]
    assert await listed(shop, customer_id=other["id"]) == ["b", "c"]
    assert await listed(shop, customer_id=f"{customer['id']},{other['id']}") == ["a", "b", "c"]
    assert await listed(shop, customer_external_id="c-1") == ["a"]
    assert await listed(shop, status="applied,draft") == ["a", "c"]
    assert await listed(shop, sent_at_start="2025-06-09", sent_at_end="2025-06-09") == ["b"]
    assert await listed(shop, search="maker") == ["b", "c"]
    assert await listed(shop, search="A") == ["a", "b", "c"]
    assert (await shop.get(CREDITS, status="lost")).fields.keys() == {"status"}
