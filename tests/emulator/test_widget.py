"""The calls of Thred's own widget, as browsers send them."""

from __future__ import annotations

import csv
import io
import json as jsonlib
from typing import Any

import aiohttp
import attrs
import pytest

from tests.support import FakeClock
from thredfi_async import operations
from thredfi_async.emulator import Emulator, documents, widget

from .caller import Caller, Shop

pytestmark = pytest.mark.slow

ORIGIN = "http://localhost:3000"
RENT = {"subcategory_id": "8200"}  # general expenses, by its code


@attrs.frozen
class Seen:
    """What the widget gets; ``body`` is JSON, or text where it is none."""

    status: int
    body: Any
    headers: Any


class Widget:
    """Sends requests as the widget does; every answer must be readable for it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def send(self, method: str, path: str, json: Any = None, **more: Any) -> Seen:
        """One request; ``path`` is below the business, or absolute."""
        if not path.startswith("/"):
            path = f"/v1/platform/businesses/{self.shop.id}/{path}"
        headers = {"Origin": ORIGIN, "Accept": "application/json, text/plain, */*"}
        if more.pop("token", True):
            headers["Authorization"] = f"Bearer {self.shop.token}"
        if json is not None:
            more["data"] = jsonlib.dumps(json).encode()
            headers["Content-Type"] = "application/json"
        session, url = self.shop.caller.session, self.shop.caller.emulator.url
        async with session.request(method, url + path, headers=headers, **more) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] in (ORIGIN, "*")
            assert not answer.history
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            body = jsonlib.loads(text) if is_json else text
            return Seen(answer.status, body, answer.headers)

    async def get(self, path: str) -> Any:
        seen = await self.send("GET", path)
        assert seen.status == 200, seen.body
        return seen.body

    async def post(self, path: str, json: Any, method: str = "POST") -> Any:
        seen = await self.send(method, path, json)
        assert seen.status == 200, seen.body
        return seen.body

    async def transaction(self, transaction_id: str) -> Any:
        """A transaction as the list shows it now."""
        found = (await self.get("bank-transactions/"))["results"]
        (shown,) = [one for one in found if one["id"] == transaction_id]
        return shown


@pytest.fixture
def page(shop):
    return Widget(shop)


def booked(shop: Shop) -> dict[str, int]:
    """Debits less credits of the accounts that have any, by code."""
    accounts = shop.books.ledger.accounts.values()
    net = {account.code: account.debits - account.credits for account in accounts}
    return {code: amount for code, amount in net.items() if amount}


# --- browsers --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["invoices/", "invoices/payments/", "ar/stats", "/anything"])
async def test_a_preflight_is_answered_without_a_token(page, path):
    seen = await page.send("OPTIONS", path, token=False)
    assert (seen.status, seen.body) == (204, "")
    allowed = {name.strip() for name in seen.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed
    methods = {name.strip() for name in seen.headers["Access-Control-Allow-Methods"].split(",")}
    assert {"GET", "POST", "PUT", "PATCH", "OPTIONS"} <= methods


async def test_browsers_can_read_refusals(page):
    assert (await page.send("GET", "invoices/", token=False)).status == 401
    assert (await page.send("GET", "nothing/")).status == 404
    assert (await page.send("DELETE", "ar/stats")).status == 405
    refused = await page.send("POST", "invoices/refunds/", {"invoice_id": page.shop.id})
    assert (refused.status, bool(refused.body["message"])) == (400, True)


async def test_other_callers_get_no_cors_headers(shop):
    answer = await shop.get("invoices/")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert "X-Emulator" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "ar/stats",
        "ap/stats",
        "insights/expense-breakdown",
        "fetch-accounts",
        "tasks",
        "general-ledger/chart-of-accounts/export",
        "general-ledger/journal-entries/export",
    ],
)
async def test_paths_work_with_and_without_their_slash(page, path):
    assert await page.get(path) == await page.get(f"{path}/")


async def test_all_endpoints_of_the_widget_take_a_token(page):
    for operation in (*widget.OPERATIONS, *documents.OPERATIONS):
        assert operation.id not in operations.OPERATIONS
        if operation.id in widget.OPEN | documents.OPEN:
            continue
        path = operation.path.format(
            business_id=page.shop.id, transaction_id=page.shop.id, task_id=page.shop.id
        )
        seen = await page.send(operation.method, path, {}, token=False)
        assert seen.status == 401, operation.id


async def test_lists_have_page_info_in_whatever_envelope(clock):
    async with Emulator(clock=clock, envelope="guide") as emulator, aiohttp.ClientSession() as s:
        caller = Caller(emulator, s)
        caller.token = await caller.partner_token()
        business_id = emulator.add_business("shop")
        shop = Shop(caller, business_id, await caller.business_token(business_id))
        assert "page_info" not in (await shop.get("invoices/")).body
        listed = await Widget(shop).get("invoices/?page=1&page_size=50")
    assert listed["count"] == 0
    assert listed["page_info"] == {
        "total_count": 0,
        "current_page": 1,
        "total_pages": 1,
        "page_size": 50,
    }


# --- shapes ----------------------------------------------------------------------------


async def test_the_widget_finds_the_currency_of_the_business(page, shop):
    seen = await page.get(f"/v1/platform/businesses/{shop.id}/")
    assert (seen["id"], seen["currency"]) == (shop.id, "GBP")
    assert "currency" not in (await shop.get("")).body


async def test_the_widget_finds_vendors_as_data(page, shop):
    made = (await shop.post("vendors/", {"company_name": "Mill Ltd"})).body
    listed = await page.get("vendors/")
    assert listed["data"] == listed["results"] == [made]
    vendor = await page.get(f"vendors/{made['id']}/")
    assert vendor["data"]["company_name"] == vendor["company_name"] == "Mill Ltd"
    assert "data" not in (await shop.get("vendors/")).body


async def test_the_widget_finds_its_own_aging_buckets(page, shop):
    await shop.invoice(700, due_at="2025-06-10")
    (row,) = (await page.get("insights/ar-aging/"))["customers"]
    buckets = row["aging_buckets"]
    assert buckets["1_30_days"] == buckets["days_1_30"] == 700
    assert {"31_60_days", "61_90_days", "over_90_days"} <= buckets.keys()
    (plain,) = (await shop.get("insights/ar-aging/")).body["customers"]
    assert "1_30_days" not in plain["aging_buckets"]


async def test_an_invoice_without_customer_blanks_nothing(page, shop):
    invoice = await shop.invoice()
    seen = await page.get(f"invoices/{invoice['id']}/")
    assert seen["customer"] == {}
    customer = await shop.customer(company_name="Buyer")
    named = await shop.invoice(customer_id=customer["id"])
    assert (await page.get(f"invoices/{named['id']}/"))["customer"]["company_name"] == "Buyer"


async def test_the_filters_of_its_tabs_are_taken(page, shop):
    sent = await shop.invoice()
    for query in (
        "invoices/?page=1&page_size=20&status=sent,draft,issued,partially_paid",
        "invoices/?params=customer_id%3D1%26status%3Dsent",
        "invoices/?sent_at_start=2025-05-31&sent_at_end=2025-06-02",
    ):
        assert [one["id"] for one in (await page.get(query))["results"]] == [sent["id"]], query
    assert not (await page.get("bills/?status=received,partially_paid"))["results"]
    await page.get(
        "bills/?due_at_start=2025-06-01T00:00:00.000Z&due_at_end=2025-06-30T23:59:59.999Z"
    )
    await page.get("customers/?page_size=100&include_archived=false")


# --- invoices and money that came in ------------------------------------------------------


async def test_a_matched_transaction_pays_the_invoice(emulator, page, shop):
    customer = await shop.customer()
    invoice = await shop.invoice(10_000, customer_id=customer["id"])
    transaction_id = emulator.add_bank_transaction("shop", 4_000, description="REF 1")
    await page.post(
        f"bank-transactions/{transaction_id}/match-payment/",
        {
            "invoice_id": invoice["id"],
            "payment_method": "bank_transfer",
            "evidence": {"reference": "REF 1"},
            "created_by": "api",
        },
    )
    seen = await shop.seen(invoice)
    assert (seen["status"], seen["outstanding_balance"]) == ("partially_paid", 6_000)
    (allocation,) = seen["payment_allocations"]
    listed = (await shop.get("invoices/payments/", invoice_id=invoice["id"])).body["results"]
    (payment,) = listed
    assert payment["id"] == allocation["payment_id"]
    assert payment["payment_reference"] == f"RECON-{transaction_id}-{invoice['id']}"
    assert (payment["payment_date"], payment["bank_reference"]) == ("2025-06-15", "REF 1")
    (link,) = payment["reconciled_bank_transactions"]
    assert link["bank_transaction_id"] == transaction_id
    assert (link["reconciled_amount_cents"], link["bank_transaction_direction"]) == (
        4_000,
        "credit",
    )
    shown = await page.transaction(transaction_id)
    assert (shown["is_reconciled"], shown["categorization_status"]) == (True, "categorized")
    assert (shown["reconciled_amount_cents"], shown["remaining_amount_cents"]) == (4_000, 0)
    assert shown["reconciliations"][0]["payment_id"] == payment["id"]
    open_ones = "bank-transactions/?direction=credit&currency=GBP&is_reconciled=false"
    assert not (await page.get(f"{open_ones}&page_size=100&exclude_personal=true"))["results"]
    assert booked(shop) == {"1100": 6_000, "1200": 4_000, "4000": -10_000}


async def test_unmatching_takes_the_payment_back(emulator, page, shop):
    invoice = await shop.invoice(4_000)
    transaction_id = emulator.add_bank_transaction("shop", 4_000)
    body, path = {"invoice_id": invoice["id"]}, f"bank-transactions/{transaction_id}"
    await page.post(f"{path}/match-payment/", body)
    assert (await shop.seen(invoice))["status"] == "paid"
    await page.post(f"{path}/unmatch-payment/", body)
    assert (await shop.seen(invoice))["status"] == "sent"
    (payment,) = (await shop.get("invoices/payments/")).body["results"]
    assert (payment["status"], payment["reconciled_bank_transactions"]) == ("cancelled", [])
    shown = await page.transaction(transaction_id)
    assert (shown["is_reconciled"], shown["categorization_status"]) == (False, "pending")
    assert booked(shop) == {"1100": 4_000, "4000": -4_000}
    assert (await page.send("POST", f"{path}/unmatch-payment/", body)).status == 404
    await page.post(f"{path}/match-payment/", body)
    assert (await shop.seen(invoice))["status"] == "paid"


async def test_a_large_transaction_pays_several_invoices(emulator, page, shop):
    first, second = await shop.invoice(3_000), await shop.invoice(5_000)
    transaction_id = emulator.add_bank_transaction("shop", 7_000)
    path = f"bank-transactions/{transaction_id}/match-payment/"
    await page.post(path, {"invoice_id": first["id"]})
    shown = await page.transaction(transaction_id)
    assert (shown["is_reconciled"], shown["remaining_amount_cents"]) == (False, 4_000)
    await page.post(path, {"invoice_id": second["id"]})
    assert (await shop.seen(second))["outstanding_balance"] == 1_000
    refused = await page.send("POST", path, {"invoice_id": second["id"]})
    assert (refused.status, refused.body["error_code"]) == (409, "invalid_state")
    assert len(shop.books.payments) == 2


async def test_what_cant_be_matched_is_refused_and_leaves_no_trace(emulator, page, shop):
    invoice = await shop.invoice(1_000)
    paid = await shop.invoice(1_000)
    await shop.payment(paid, 1_000)
    voided = await shop.invoice(1_000)
    await shop.post(f"invoices/{voided['id']}/void/")
    came_in = emulator.add_bank_transaction("shop", 500)
    went_out = emulator.add_bank_transaction("shop", -500)
    before = shop.books.snapshot()
    for transaction_id, body, status in [
        (came_in, {"invoice_id": shop.id}, 400),
        (came_in, {"invoice_id": 5}, 400),
        (came_in, {}, 400),
        (came_in, {"invoice_id": invoice["id"], "payment_method": "shells"}, 400),
        (came_in, {"invoice_id": paid["id"]}, 409),
        (came_in, {"invoice_id": voided["id"]}, 409),
        (went_out, {"invoice_id": invoice["id"]}, 409),
        (shop.id, {"invoice_id": invoice["id"]}, 404),
    ]:
        path = f"bank-transactions/{transaction_id}/match-payment/"
        assert (await page.send("POST", path, body)).status == status, body
    assert shop.books.snapshot() == before


async def test_a_matched_payment_keeps_amount_and_status(emulator, page, shop):
    invoice = await shop.invoice(4_000)
    transaction_id = emulator.add_bank_transaction("shop", 4_000)
    path = f"bank-transactions/{transaction_id}/match-payment/"
    payment_id = (await page.post(path, {"invoice_id": invoice["id"]}))["payment_id"]
    for change in ({"status": "failed"}, {"total_amount_cents": 5_000}):
        answer = await shop.send("PATCH", f"invoices/payments/{payment_id}/", change)
        assert (answer.status, answer.code) == (409, "invalid_state")
    answer = await shop.send("PATCH", f"invoices/payments/{payment_id}/", {"notes": "x"})
    assert answer.status == 200


async def test_a_refunded_payment_cant_be_unmatched(emulator, page, shop):
    invoice = await shop.invoice(4_000)
    transaction_id = emulator.add_bank_transaction("shop", 4_000)
    path, body = f"bank-transactions/{transaction_id}", {"invoice_id": invoice["id"]}
    await page.post(f"{path}/match-payment/", body)
    await shop.refund(invoice, 1_000)
    refused = await page.send("POST", f"{path}/unmatch-payment/", body)
    assert (refused.status, "refunded" in refused.body["message"]) == (409, True)
    assert (await page.transaction(transaction_id))["is_reconciled"] is True


# --- bills and money that went out ----------------------------------------------------------


async def bill_of(shop: Shop, amount: int, **fields: Any) -> Any:
    """A bill of one line without tax."""
    vendor = (await shop.post("vendors/", {"company_name": "Mill Ltd"})).body
    lines = [{"description": "Flour", "quantity": 1, "unit_price": amount}]
    body = {"external_id": "b-1", "vendor_id": vendor["id"], "line_items": lines, **fields}
    answer = await shop.post("bills/", body)
    assert answer.status == 201, answer.body
    return answer.body


async def test_a_matched_transaction_pays_the_bill_until_it_is_unmatched(emulator, page, shop):
    bill = await bill_of(shop, 4_000)
    transaction_id = emulator.add_bank_transaction("shop", -6_000, description="MILL")
    path, body = f"bank-transactions/{transaction_id}", {"bill_id": bill["id"]}
    await page.post(
        f"{path}/match-bill-payment/",
        {
            **body,
            "payment_method": "bank_transfer",
            "evidence": {"reference": "MILL"},
            "created_by": "manual",
        },
    )
    seen = await page.get(f"bills/{bill['id']}/")
    assert (seen["status"], len(seen["bill_payment_allocations"])) == ("paid", 1)
    (payment,) = (await page.get(f"bills/payments/?bill_id={bill['id']}"))["results"]
    assert payment["payment_reference"] == f"RECON-{transaction_id}-{bill['id']}"
    assert payment["amount"] == payment["amount_cents"] == 4_000
    (link,) = payment["reconciled_bank_transactions"]
    assert link["bank_account_name"] == "Current account"
    assert (await page.transaction(transaction_id))["remaining_amount_cents"] == 2_000
    assert booked(shop) == {"1200": -4_000, "5000": 4_000}
    await page.post(f"{path}/unmatch-bill-payment/", body)
    assert (await page.get(f"bills/{bill['id']}/"))["status"] == "received"
    assert (await page.transaction(transaction_id))["remaining_amount_cents"] == 6_000
    assert booked(shop) == {"2100": -4_000, "5000": 4_000}


async def test_money_that_came_in_pays_no_bill(emulator, page, shop):
    bill = await bill_of(shop, 4_000)
    came_in = emulator.add_bank_transaction("shop", 4_000)
    went_out = emulator.add_bank_transaction("shop", -4_000)
    for transaction_id, bill_id, status in [
        (came_in, bill["id"], 409),
        (went_out, shop.id, 400),
        (shop.id, bill["id"], 404),
    ]:
        path = f"bank-transactions/{transaction_id}/match-bill-payment/"
        assert (await page.send("POST", path, {"bill_id": bill_id})).status == status
    assert not shop.books.reconciliations


# --- categories ------------------------------------------------------------------------


async def test_the_categories_are_accounts_of_the_ledger(page, shop):
    groups = (await page.get(f"/v1/platform/transaction-categories/{shop.id}"))["results"]
    accounts = shop.books.ledger.accounts
    choices = {accounts[one["id"]].code for group in groups for one in group["subcategories"]}
    assert {"4000", "8200", "7901"} <= choices
    assert not {"1100", "2100", "1200"} & choices  # receivables, payables, the bank itself


async def test_a_category_books_the_transaction_until_it_is_taken_back(emulator, page, shop):
    transaction_id = emulator.add_bank_transaction("shop", -900, description="RENT")
    path = f"update-transaction-categorization/{transaction_id}/"
    rent = shop.books.ledger.find("8200")
    await page.post(path, {"subcategory_id": rent.id, "categorization_status": "approved"}, "PATCH")
    shown = await page.transaction(transaction_id)
    assert (shown["category"], shown["subcategory"]["code"]) == (rent.id, "8200")
    assert (shown["categorization_status"], shown["approval_status"]) == ("approved", "approved")
    assert booked(shop) == {"1200": -900, "8200": 900}
    await page.post(path, {"subcategory_id": "7900"}, "PATCH")
    assert (await page.transaction(transaction_id))["categorization_status"] == "categorized"
    assert booked(shop) == {"1200": -900, "7900": 900}
    await page.post(f"uncategorize-transaction/{transaction_id}/", {})
    shown = await page.transaction(transaction_id)
    assert (shown["categorization_status"], shown["category"]) == ("pending", None)
    assert booked(shop) == {}
    to_review = "categorization_status=pending&categorization_status=manual_review"
    assert (await page.get(f"bank-transactions/?{to_review}"))["count"] == 1


async def test_a_category_covers_what_no_payment_covers(emulator, page, shop):
    invoice = await shop.invoice(600)
    transaction_id = emulator.add_bank_transaction("shop", 1_000)
    await page.post(
        f"update-transaction-categorization/{transaction_id}/", {"subcategory_id": "4900"}, "PATCH"
    )
    assert booked(shop) == {"1100": 600, "1200": 1_000, "4000": -600, "4900": -1_000}
    path, body = f"bank-transactions/{transaction_id}", {"invoice_id": invoice["id"]}
    await page.post(f"{path}/match-payment/", body)
    assert booked(shop) == {"1200": 1_000, "4000": -600, "4900": -400}
    await page.post(f"{path}/unmatch-payment/", body)
    assert booked(shop) == {"1100": 600, "1200": 1_000, "4000": -600, "4900": -1_000}


async def test_bad_categories_are_refused(emulator, page, shop):
    transaction_id = emulator.add_bank_transaction("shop", -900)
    path = f"update-transaction-categorization/{transaction_id}/"
    for body, field in [
        ({}, "subcategory_id"),
        ({"subcategory_id": shop.id}, "subcategory_id"),
        ({"subcategory_id": "1100"}, "subcategory_id"),
        ({"subcategory_id": ["8200"]}, "subcategory_id"),
        ({**RENT, "categorization_status": "guessed"}, "categorization_status"),
    ]:
        refused = await page.send("PATCH", path, body)
        assert (refused.status, list(refused.body["detail"])) == (400, [field]), body
    nowhere = f"update-transaction-categorization/{shop.id}/"
    assert (await page.send("PATCH", nowhere, RENT)).status == 404
    assert booked(shop) == {}


async def test_a_split_books_each_part(emulator, page, shop):
    transaction_id = emulator.add_bank_transaction("shop", -900, description="SHOPPING")
    parts = [
        {"amount_cents": 600, **RENT, "description": "Rent"},
        {"amount_cents": 300, "subcategory_id": "7901"},
    ]
    await page.post(f"split-transaction/{transaction_id}/", {"transactions": parts})
    listed = (await page.get("bank-transactions/?ordering=amount"))["results"]
    assert [(one["signed_amount"], one["description"]) for one in listed] == [
        (-300, "SHOPPING"),
        (-600, "Rent"),
    ]
    assert {one["categorization_status"] for one in listed} == {"categorized"}
    assert booked(shop) == {"1200": -900, "8200": 600, "7901": 300}
    (whole,) = (await page.get("bank-transactions/?has_children=true"))["results"]
    assert whole["id"] == transaction_id
    assert (await page.get("bank-transactions/?has_parent=true"))["count"] == 2
    (account,) = (await page.get("bank-accounts/?is_active=true&page=1&page_size=5"))["results"]
    assert account["balance_cents"] == -900
    again = await page.send("POST", f"split-transaction/{transaction_id}/", {"transactions": parts})
    assert again.status == 409
    await page.post(f"uncategorize-transaction/{transaction_id}/", {})
    (whole,) = (await page.get("bank-transactions/"))["results"]
    assert (whole["id"], whole["categorization_status"]) == (transaction_id, "pending")
    assert booked(shop) == {}


async def test_a_part_of_a_split_can_pay_a_bill(emulator, page, shop):
    bill = await bill_of(shop, 600)
    transaction_id = emulator.add_bank_transaction("shop", -900)
    parts = [{"amount_cents": amount, **RENT} for amount in (600, 300)]
    await page.post(f"split-transaction/{transaction_id}/", {"transactions": parts})
    (part,) = (await page.get("bank-transactions/?amount_min=600"))["results"]
    body = {"bill_id": bill["id"]}
    refused = await page.send(
        "POST", f"bank-transactions/{transaction_id}/match-bill-payment/", body
    )
    assert refused.status == 409
    await page.post(f"bank-transactions/{part['id']}/match-bill-payment/", body)
    assert booked(shop) == {"1200": -900, "5000": 600, "8200": 300}
    assert (
        await page.send("POST", f"uncategorize-transaction/{transaction_id}/", {})
    ).status == 409
    refused = await page.send("POST", f"split-transaction/{part['id']}/", {"transactions": parts})
    assert refused.status == 409


async def test_bad_splits_are_refused_and_leave_no_trace(emulator, page, shop):
    transaction_id = emulator.add_bank_transaction("shop", -900)
    good = {"amount_cents": 600, **RENT}
    for parts, field in [
        (None, "transactions"),
        ([good], "transactions"),
        ([good, good], "transactions"),
        ([good, 5], "transactions[1]"),
        ([good, {"amount_cents": 300}], "transactions[1].subcategory_id"),
        ([good, {**good, "amount_cents": "300"}], "transactions[1].amount_cents"),
        ([good, {**good, "amount_cents": -300}], "transactions[1].amount_cents"),
    ]:
        body = {"transactions": parts}
        refused = await page.send("POST", f"split-transaction/{transaction_id}/", body)
        assert (refused.status, list(refused.body["detail"])) == (400, [field]), parts
    assert len(shop.books.bank_transactions) == 1
    assert booked(shop) == {}


# --- figures ---------------------------------------------------------------------------


async def test_stats_count_documents(page, shop):
    paid, part, _ = [await shop.invoice(1_000) for _ in range(3)]
    await shop.payment(paid, 1_000)
    await shop.payment(part, 1)
    await bill_of(shop, 4_000)
    line = {"line_items": [{"amount": 100}], "external_id": "c-1"}
    sent = {**line, "sent_at": "2025-06-01T09:00:00Z"}
    customer = await shop.customer()
    credit = await shop.post("customer-credits/", {**sent, "customer_id": customer["id"]})
    assert credit.status == 201, credit.body
    credit = await shop.post("vendor-credits/", {**line, "vendor_external_id": "v-1"})
    assert credit.status == 201, credit.body
    assert await page.get("ar/stats") == {
        "invoices": {"all": 3, "unpaid": 2, "paid": 1},
        "credit_notes": {
            "all": 1,
            "draft": 0,
            "sent": 1,
            "applied": 0,
            "partially_applied": 0,
            "void": 0,
        },
    }
    assert await page.get("ap/stats") == {
        "bills": {"all": 1, "unpaid": 1, "paid": 0},
        "vendor_credits": {"all": 1, "unapplied": 1, "applied": 0},
    }


async def test_expenses_are_broken_down_by_account(emulator, page, shop):
    for amount, code in [(-900, "8200"), (-50, "7901"), (-100, "8200"), (-70, "1400")]:
        transaction_id = emulator.add_bank_transaction("shop", amount)
        path = f"update-transaction-categorization/{transaction_id}/"
        await page.post(path, {"subcategory_id": code}, "PATCH")
    year = "start_date=2025-01-01&end_date=2025-12-31"
    found = await page.get(f"insights/expense-breakdown/?{year}")
    assert (found["currency"], found["total_expenses_cents"]) == ("GBP", 1_050)
    (category,) = found["categories"]
    amounts = {one["account_name"]: one["amount_cents"] for one in category["accounts"]}
    assert amounts == {"General expenses": 1_000, "Payment processing fees": 50}
    earlier = "start_date=2024-01-01&end_date=2024-12-31"
    found = await page.get(f"insights/expense-breakdown/?{earlier}")
    assert (found["total_expenses_cents"], found["categories"]) == (0, [])


async def test_the_chart_is_exported_as_csv(page, shop):
    await shop.invoice(1_234)
    seen = await page.send("GET", "general-ledger/chart-of-accounts/export/?fiscal_year=2025")
    assert seen.headers["Content-Type"].startswith("text/csv")
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(seen.body))}
    assert len(rows) == len(shop.books.ledger.accounts)
    assert (rows["1100"]["name"], rows["1100"]["balance"]) == ("Trade receivables", "12.34")
    assert rows["1100"]["parent_code"] == "10"
    seen = await page.send("GET", "general-ledger/chart-of-accounts/export/?fiscal_year=2024")
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(seen.body))}
    assert rows["1100"]["balance"] == "0.00"
    for year in ("0", "123456789012"):
        path = f"general-ledger/chart-of-accounts/export/?fiscal_year={year}"
        assert (await page.send("GET", path)).status == 400


async def test_the_journal_is_exported_as_csv(page, shop):
    await shop.invoice(1_234, invoice_number='A,"1"')
    seen = await page.send("GET", "general-ledger/journal-entries/export/")
    rows = list(csv.DictReader(io.StringIO(seen.body)))
    assert [(row["account_code"], row["debit"], row["credit"]) for row in rows] == [
        ("1100", "12.34", "0.00"),
        ("4000", "0.00", "12.34"),
    ]
    assert {row["description"] for row in rows} == {'Invoice A,"1"'}


# --- outside services ------------------------------------------------------------------


async def test_banks_cant_be_linked_but_accounts_are_there(emulator, page, shop):
    for path in ("create-link-token/", "exchange-token/", "link-accounts/"):
        answer = await page.post(path, {"country_code": "NL"})
        assert answer["success"] is False
        assert "add_bank_account" in answer["message"]
    account_id = emulator.add_bank_account("shop", name="Main")
    (account,) = (await page.get("fetch-accounts/"))["accounts"]
    assert (account["id"], account["display_name"]) == (account_id, "Main")


async def test_there_are_no_tasks(page, shop):
    tasks = await page.get("tasks/?status=pending_response&page_size=20&page=1&year=2025")
    assert (tasks["results"], tasks["page_info"]["total_count"]) == ([], 0)
    form = aiohttp.FormData({"message_type": "answer", "message": "x"})
    seen = await page.send("POST", f"tasks/{shop.id}/messages/", data=form)
    assert seen.status == 404


async def test_prices_take_no_token(page):
    path, body = "/api/v1/product-pricing", {"partner_id": "p", "business_name": "b"}
    seen = await page.send("POST", f"{path}/tiers/", body, token=False)
    assert seen.status == 200
    assert [tier["display_order"] for tier in seen.body["tiers"]] == [1, 2, 3]
    assert (await page.send("POST", f"{path}/inquiries/", body, token=False)).status == 201


JUNK = (None, True, -1, 10**20, 0.5, "", "x", [], [[]], {}, {"id": {}}, {"reference": []})


@pytest.mark.parametrize(
    "operation", [one for one in widget.OPERATIONS if one.bodies], ids=lambda one: one.id
)
async def test_junk_in_a_body_is_refused_or_ignored(emulator, page, shop, operation):
    invoice, bill = await shop.invoice(500), await bill_of(shop, 500)
    known = {
        "invoice_id": invoice["id"],
        "bill_id": bill["id"],
        **RENT,
        "transactions": [{"amount_cents": 100, **RENT}] * 2,
    }
    fields = (*known, "payment_method", "evidence", "notes", "categorization_status")
    bodies = [{**known, name: junk} for name in fields for junk in JUNK]
    bodies += [
        {**known, "transactions": [{"amount_cents": 100, **RENT}, {**RENT, name: junk}]}
        for name in ("amount_cents", "subcategory_id", "description")
        for junk in JUNK
    ]
    for body in (*JUNK, *bodies):
        transaction_id = emulator.add_bank_transaction("shop", -200)
        path = operation.path.format(business_id=shop.id, transaction_id=transaction_id)
        seen = await page.send(operation.method, path, body)
        assert seen.status in (200, 201, 400, 404, 409), body
    assert (
        sum(account.debits - account.credits for account in shop.books.ledger.accounts.values())
        == 0
    )


# --- state -----------------------------------------------------------------------------


async def test_matches_and_categories_survive_a_restart(tmp_path):
    path, clock = tmp_path / "books.db", FakeClock()

    async def shop_of(emulator: Emulator, session: aiohttp.ClientSession) -> Shop:
        caller = Caller(emulator, session)
        caller.token = await caller.partner_token()
        business_id = emulator.add_business("shop")
        return Shop(caller, business_id, await caller.business_token(business_id))

    async with aiohttp.ClientSession() as session:
        async with Emulator(db=path, clock=clock) as emulator:
            shop = await shop_of(emulator, session)
            page = Widget(shop)
            invoice = await shop.invoice(600)
            matched, categorized, divided = (
                emulator.add_bank_transaction("shop", 600),
                emulator.add_bank_transaction("shop", -100),
                emulator.add_bank_transaction("shop", -300),
            )
            match = f"bank-transactions/{matched}/match-payment/"
            await page.post(match, {"invoice_id": invoice["id"]})
            await page.post(f"update-transaction-categorization/{categorized}/", RENT, "PATCH")
            parts = [{"amount_cents": amount, **RENT} for amount in (200, 100)]
            await page.post(f"split-transaction/{divided}/", {"transactions": parts})
            before = await page.get("bank-transactions/"), await page.get("invoices/payments/")
            books = shop.books.snapshot()
        async with Emulator(db=path, clock=clock) as emulator:
            shop = await shop_of(emulator, session)
            page = Widget(shop)
            assert (
                await page.get("bank-transactions/"),
                await page.get("invoices/payments/"),
            ) == before
            assert shop.books.snapshot() == books
