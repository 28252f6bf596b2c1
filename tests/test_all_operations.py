"""Stories that together call all operations of the SDK, over real sockets, on the emulator."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from tests.emulator.description import new_operations
from tests.support import FakeClock
from thredfi_async import BusinessClient, ThredfiClient, Upload, with_response
from thredfi_async.emulator import Emulator
from thredfi_async.models import (
    BillCreateAPIRequest,
    BillLineItemRequest,
    BillPaymentAllocationRequest,
    BillPaymentMethod,
    BillPaymentStatus,
    BillStatusEnum,
    CreateBillPaymentRequest,
    CreateBusinessRequest,
    CreateCustomerCreditRequest,
    CreateCustomerRequest,
    CreateInvoicePaymentRequest,
    CreateInvoiceRequest,
    CreateLedgerAccountRequest,
    CreateRefundPaymentRequestRequest,
    CreateSimpleRefundRequest,
    CreateVendorCreditRequest,
    CreateVendorRefundPaymentRequest,
    CreateVendorRequest,
    CustomerCreditAllocationRequest,
    CustomerCreditLineItemRequest,
    CustomerCreditStatusEnum,
    DocumentLink,
    InvoiceLineItemRequest,
    InvoicePaymentAllocationRequest,
    InvoicePaymentMethodEnum,
    InvoicePaymentStatusEnum,
    InvoiceStatusEnum,
    LedgerAccountNode,
    LedgerAccountSubtypeEnum,
    LedgerAccountTypeEnum,
    MenuConfigRequest,
    MenuTabsRequest,
    PayoutCreateRequest,
    PayoutStatusEnum,
    RefundMethodEnum,
    RefundStatusEnum,
    ReportGroup,
    UpdateBillPaymentRequest,
    UpdateCustomerCreditRequest,
    UpdateVendorCreditRequest,
    VendorCreditAllocationRequest,
    VendorCreditLineItemRequest,
    VendorRefundAllocationRequest,
    VendorRefundCreateRequest,
    VendorRefundPaymentStatusEnum,
    VendorRefundTypeEnum,
    VendorStatusEnum,
)
from thredfi_async.operations import OPERATIONS

pytestmark = pytest.mark.slow

T = TypeVar("T")

TODAY = dt.date(2025, 6, 15)  # of the clock
APRIL = dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC)
EASTER = dt.date(2025, 4, 20)
MARCH = dt.date(2025, 3, 31)
JULY = dt.datetime(2025, 7, 1, 12, tzinfo=dt.UTC)


def known(value: T | None) -> T:
    """What an answer must have, though its model allows for its absence."""
    assert value is not None
    return value


# --- sales -----------------------------------------------------------------------------


async def customers(shop: BusinessClient) -> None:
    cafe = await shop.customers.create(
        CreateCustomerRequest(external_id="c-cafe", company_name="Café Ltd", email="a@cafe.example")
    )
    cafe_id = known(cafe.id)
    await shop.customers.create({"external_id": "c-hotel", "company_name": "Hotel Ltd"})
    changed = await shop.customers.update(cafe_id, {"payment_terms_days": 14})
    assert (changed.id, changed.payment_terms_days) == (cafe_id, 14)
    assert changed.email == "a@cafe.example"

    archived = await shop.customers.archive(cafe_id, {"notes": "closed for the winter"})
    assert (archived.status, archived.is_archived) == ("archived", True)
    assert [one.external_id async for one in shop.customers.list()] == ["c-hotel"]
    everybody = shop.customers.list(include_archived=True, page_size=1)
    assert [one.external_id async for one in everybody] == ["c-cafe", "c-hotel"]

    again = await shop.customers.unarchive(cafe_id, {"reference_number": "R-1"})
    assert (again.status, again.reference_number) == ("active", "R-1")
    read = await shop.customers.get(cafe_id)
    assert (read.display_name, read.is_archived) == ("Café Ltd", False)
    assert (read.notes, read.archived_at) == ("closed for the winter", None)


async def sales(shop: BusinessClient) -> None:
    codes = await shop.tax_codes.list()
    (vat,) = [one for one in known(codes.tax_codes) if one.code == "VAT_20"]
    assert (codes.business_id, vat.rate, vat.is_active) == (shop.id, 0.2, True)

    cafe = known((await shop.customers.create({"external_id": "s-cafe", "name": "Café"})).id)
    hotel = known((await shop.customers.create({"external_id": "s-hotel", "name": "Hotel"})).id)
    bread = await shop.invoices.create(
        CreateInvoiceRequest(
            external_id="s-bread",
            customer_id=cafe,
            sent_at=APRIL,
            due_at=APRIL + dt.timedelta(days=10),
            line_items=[InvoiceLineItemRequest(quantity=10, unit_price=450, tax_code="VAT_20")],
        )
    )
    assert (bread.subtotal, bread.additional_sales_taxes_total) == (4500, 900)
    assert (bread.total_amount, bread.outstanding_balance) == (5400, 5400)
    assert (bread.status, bread.is_overdue, bread.sent_at) == ("sent", True, APRIL)
    assert known(bread.customer).id == cafe
    (line,) = known(bread.line_items)
    assert (line.quantity, line.unit_price, line.tax_code) == (10, 450, "VAT_20")

    cakes = await shop.invoices.create(
        {
            "external_id": "s-cakes",
            "customer_external_id": "s-hotel",
            "sent_at": "2025-06-01",
            "due_at": "2025-07-01",
            "line_items": [{"description": "Cakes", "quantity": 2, "unit_price": 10_000}],
        }
    )
    assert (known(cakes.customer).id, cakes.due_at) == (hotel, JULY.replace(hour=0))
    lines = [{"description": "Cakes", "quantity": 3, "unit_price": 10_000}]
    cakes = await shop.invoices.update(known(cakes.id), {"memo": "One more", "line_items": lines})
    assert (cakes.memo, cakes.total_amount, cakes.is_overdue) == ("One more", 30_000, False)

    mistake = await shop.invoices.create({"sent_at": TODAY, "line_items": lines})
    voided = await shop.invoices.void(known(mistake.id))
    assert (voided.id, voided.status, voided.outstanding_balance) == (mistake.id, "voided", 0)
    assert voided.voided_at is not None

    await pay(shop, known(bread.id), cafe, known(cakes.id), hotel)

    assert known(cakes.id) in [one.id async for one in shop.invoices.list(page_size=1)]
    partly = shop.invoices.list(status=["partially_paid", "voided"], page_size=1)
    assert {one.id async for one in partly} == {cakes.id, mistake.id}
    assert [one.id async for one in shop.invoices.list(max_amount=5400)] == [bread.id]
    await write_off(shop, known(cakes.id))


async def pay(shop: BusinessClient, bread: str, cafe: str, cakes: str, hotel: str) -> None:
    """Bread (54.00) is paid in full, cakes (300.00) but for 50.00."""
    cash = await shop.payments.create(
        {
            "external_id": "p-cash",
            "invoice_id": bread,
            "amount_cents": 5400,
            "payment_date": "2025-05-02",
            "payment_method": "cash",
        }
    )
    assert (cash.total_amount_cents, cash.unapplied_amount_cents) == (5400, 0)
    (applied,) = known(cash.applied_invoices)
    assert (applied.id, applied.applied_amount_cents) == (bread, 5400)
    assert (applied.status, applied.outstanding_amount_cents) == ("paid", 0)

    bank = await shop.payments.create(
        CreateInvoicePaymentRequest(
            external_id="p-bank",
            customer_id=hotel,
            total_amount_cents=25_000,
            allocations=[InvoicePaymentAllocationRequest(invoice_id=cakes, amount_cents=20_000)],
            payment_date=dt.date(2025, 6, 2),
            currency="GBP",
            payment_method=InvoicePaymentMethodEnum.BANK_TRANSFER,
            references={"end_to_end_id": "E2E-1"},
        )
    )
    bank_id = known(bank.id)
    assert (bank.customer_id, bank.payment_method) == (hotel, "bank_transfer")
    assert (bank.applied_amount_cents, bank.unapplied_amount_cents) == (20_000, 5000)
    whole = {"allocations": [{"invoice_id": cakes, "amount_cents": 25_000}]}
    assert (await shop.payments.update(bank_id, whole)).unapplied_amount_cents == 0
    noted = await shop.payments.partial_update(bank_id, {"note": "Thanks"})
    assert (noted.note, noted.applied_amount_cents) == ("Thanks", 25_000)

    failed = await shop.payments.create(
        {
            "customer_id": hotel,
            "total_amount_cents": 100,
            "currency": "GBP",
            "payment_date": TODAY,
            "payment_method": "check",
        }
    )
    failed_id = known(failed.id)
    await shop.payments.partial_update(failed_id, {"status": InvoicePaymentStatusEnum.FAILED})
    deleted = await shop.payments.delete(failed_id)
    assert (deleted.payment_id, deleted.status) == (failed_id, "cancelled")

    read = await shop.payments.get(bank_id)
    assert (read.total_amount, read.allocated_amount, read.notes) == (25_000, 25_000, "Thanks")
    assert known(read.customer).id == hotel
    (allocation,) = known(read.allocations)
    assert (allocation.invoice_id, allocation.amount) == (cakes, 25_000)
    smallest = shop.payments.list(sort_by="amount", order="asc", page_size=1)
    assert [one.id async for one in smallest] == [failed_id, cash.id, bank_id]
    assert [one.id async for one in shop.payments.list(invoice_id=cakes)] == [bank_id]

    paid = await shop.invoices.get(bread)
    assert (paid.status, paid.outstanding_balance) == (InvoiceStatusEnum.PAID, 0)
    assert [one.payment_id for one in known(paid.payment_allocations)] == [cash.id]


async def write_off(shop: BusinessClient, cakes: str) -> None:
    """10.00 of what is open of the cakes will never come."""
    written = await shop.invoices.write_off(
        cakes, {"external_id": "w-1", "amount_cents": 1000, "memo": "Haggled"}
    )
    assert (written.amount_cents, written.reason) == (1000, "Haggled")
    left = await shop.invoices.get(cakes)
    assert (left.status, left.outstanding_balance) == ("partially_written_off", 4000)
    assert [one.id for one in known(left.write_offs)] == [written.id]


# --- refunds ---------------------------------------------------------------------------


async def paid_invoice(shop: BusinessClient, name: str, amount: int, **payment: str) -> str:
    """An invoice of this name and its payment, both of this external_id; its id."""
    lines = [{"description": name, "quantity": 1, "unit_price": amount}]
    made = await shop.invoices.create(
        {"external_id": name, "sent_at": APRIL, "due_at": JULY, "line_items": lines}
    )
    invoice_id = known(made.id)
    await shop.payments.create(
        {
            "external_id": name,
            "invoice_id": invoice_id,
            "amount_cents": amount,
            "payment_date": "2025-04-02",
            "payment_method": "credit_card",
            **payment,
        }
    )
    return invoice_id


async def refunds(shop: BusinessClient) -> None:
    invoice_id = await paid_invoice(shop, "r-dinner", 8000)
    refund = await shop.refunds.create(
        CreateSimpleRefundRequest(
            external_id="r-cold", invoice_id=invoice_id, amount_cents=3000, memo="Cold soup"
        ),
        file=Upload.of(b"Brrr", "letter.txt"),
    )
    await check(refund.document, "letter.txt", b"Brrr")
    refund_id = known(refund.id)
    assert (refund.refunded_amount, refund.status) == (3000, RefundStatusEnum.PENDING)
    (allocation,) = known(refund.allocations)
    assert (allocation.invoice_id, allocation.amount) == (invoice_id, 3000)
    assert await shop.refunds.get_allocation(refund_id, known(allocation.id)) == allocation

    first = await shop.refund_payments.create(
        refund_id,
        CreateRefundPaymentRequestRequest(
            external_id="rp-1", amount_cents=1000, method=RefundMethodEnum.CASH
        ),
    )
    assert (first.refund_id, first.refunded_amount, first.method) == (refund_id, 1000, "CASH")
    second = await shop.refund_payments.create(
        refund_id,
        {"external_id": "rp-2", "amount_cents": 2000, "method": "STRIPE", "processor": "stripe"},
    )
    payments = shop.refund_payments.list(refund_id, page_size=1)
    assert [one.id async for one in payments] == [first.id, second.id]
    read = await shop.refund_payments.get(refund_id, known(second.id))
    assert (read.refunded_amount, read.processor) == (2000, "stripe")
    assert (await shop.refunds.get(refund_id)).status == "paid"
    await shop.refund_payments.delete(refund_id, known(second.id))
    partly = await shop.refunds.get(refund_id)
    assert (partly.status, partly.memo) == ("processing", "Cold soup")
    assert [one.id for one in known(partly.refund_payments)] == [first.id]

    slip = await shop.refunds.create({"external_id": "r-slip", "invoice_id": invoice_id})
    assert slip.refunded_amount == 5000  # all that is left
    assert [one.id async for one in shop.refunds.list(page_size=1)] == [refund_id, slip.id]
    whole = await shop.invoices.get(invoice_id)
    assert whole.status == "refunded"
    assert [one.amount_cents for one in known(whole.refund_allocations)] == [3000, 5000]
    await shop.refunds.delete(known(slip.id))
    assert [one.id async for one in shop.refunds.list(search="Dinner")] == []
    assert [one.id async for one in shop.refunds.list(search="r-cold")] == [refund_id]


# --- purchases -------------------------------------------------------------------------


async def vendors(shop: BusinessClient) -> None:
    mill = await shop.vendors.create(
        CreateVendorRequest(external_id="v-mill", company_name="Mill Ltd", email="a@mill.example")
    )
    await shop.vendors.create({"external_id": "v-dairy", "individual_name": "Daisy Farmer"})
    changed = await shop.vendors.update(mill.id, {"memo": "Ask for Jo", "vendor_number": "17"})
    assert (changed.id, changed.memo, changed.email) == (mill.id, "Ask for Jo", "a@mill.example")

    assert (await shop.vendors.archive(mill.id)).status == VendorStatusEnum.ARCHIVED
    assert [one.external_id async for one in shop.vendors.list()] == ["v-dairy"]
    everybody = shop.vendors.list(include_archived=True, page_size=1)
    assert [one.external_id async for one in everybody] == ["v-mill", "v-dairy"]
    again = await shop.vendors.unarchive(mill.id, {"email": "b@mill.example"})
    assert (again.status, again.email) == ("active", "b@mill.example")
    assert [one.id async for one in shop.vendors.list(name_contains="mILL")] == [mill.id]
    assert await shop.vendors.get(mill.id) == again


async def purchases(shop: BusinessClient) -> None:
    mill = await shop.vendors.create({"external_id": "b-mill", "company_name": "Mill"})
    flour = await shop.bills.create(
        BillCreateAPIRequest(
            external_id="b-flour",
            vendor_id=mill.id,
            received_at=APRIL,
            due_at=APRIL + dt.timedelta(days=30),
            vendor_bill_number="M-77",
            line_items=[
                BillLineItemRequest(quantity=4, unit_price=1000, sales_taxes=[{"code": "VAT_20"}])
            ],
        )
    )
    flour_id = known(flour.id)
    assert (flour.subtotal, flour.additional_sales_taxes_total) == (4000, 800)
    assert (flour.total_amount, flour.outstanding_balance) == (4800, 4800)
    assert (flour.status, flour.is_overdue) == (BillStatusEnum.RECEIVED, True)
    assert known(flour.vendor) == mill
    (line,) = known(flour.line_items)
    assert (line.bill_id, line.sales_taxes_total, line.total_amount) == (flour_id, 800, 4800)

    yeast = await shop.bills.create(
        {
            "external_id": "b-yeast",
            "vendor_external_id": "b-mill",
            "due_at": JULY,
            "line_items": [{"quantity": 1, "unit_price": 600}],
        }
    )
    yeast_id = known(yeast.id)
    more = await shop.bills.update(
        yeast_id, {"memo": "Two", "line_items": [{"quantity": 2, "unit_price": 600}]}
    )
    assert (more.memo, more.total_amount, known(more.vendor).id) == ("Two", 1200, mill.id)

    wrong = await shop.bills.create(
        {"external_id": "b-wrong", "line_items": [{"quantity": 1, "unit_price": 5}]}
    )
    voided = await shop.bills.void(known(wrong.id))
    assert (voided.id, voided.status, voided.outstanding_balance) == (wrong.id, "voided", 0)

    await pay_bills(shop, mill.id, flour_id, yeast_id)

    assert [one.id async for one in shop.bills.list(page_size=1)] == [flour_id, yeast_id, wrong.id]
    received = shop.bills.list(status="received", vendor_id=[mill.id])
    assert [one.id async for one in received] == [yeast_id]
    read = await shop.bills.get(flour_id)
    assert (read.status, read.outstanding_balance) == ("partially_paid", 800)
    assert read.vendor_bill_number == "M-77"


async def pay_bills(shop: BusinessClient, mill: str, flour: str, yeast: str) -> None:
    """Of the flour (48.00) 40.00 are paid, of the yeast nothing in the end."""
    wire = await shop.bill_payments.create(
        CreateBillPaymentRequest(
            external_id="bp-wire",
            vendor_id=mill,
            amount_cents=4000,
            payment_method=BillPaymentMethod.WIRE,
            payment_date=dt.date(2025, 5, 2),
            processing_fee_cents=25,
            allocations=[BillPaymentAllocationRequest(bill_id=flour, amount_cents=4000)],
        )
    )
    wire_id = known(wire.id)
    assert (wire.vendor_id, wire.payment_method, wire.status) == (mill, "wire", "pending")
    assert (wire.allocated_amount_cents, wire.is_fully_allocated) == (4000, True)
    (allocation,) = known(wire.allocations)
    assert (allocation.bill_id, allocation.amount_cents) == (flour, 4000)
    assert (allocation.vendor_bill_number, allocation.bill_status) == ("M-77", "partially_paid")
    done = await shop.bill_payments.update(
        wire_id, UpdateBillPaymentRequest(status=BillPaymentStatus.COMPLETED, memo="Swift")
    )
    assert (done.status, done.memo, done.net_amount_cents) == ("completed", "Swift", 3975)

    check = await shop.bill_payments.create(
        {
            "external_id": "bp-check",
            "vendor_id": mill,
            "amount_cents": 1200,
            "payment_method": "check",
            "check_number": "0042",
            "payment_date": TODAY,
            "allocations": [{"bill_id": yeast, "amount_cents": 1200}],
        }
    )
    check_id = known(check.id)
    assert [one.id async for one in shop.bill_payments.list(search="0042")] == [check_id]
    cancelled = await shop.bill_payments.delete(check_id)
    assert (cancelled.payment_id, cancelled.status) == (check_id, "cancelled")

    everything = shop.bill_payments.list(vendor_id=mill, page_size=1)
    assert {(one.id, one.status) async for one in everything} == {
        (wire_id, "completed"),
        (check_id, "cancelled"),
    }
    assert (await shop.bill_payments.get(wire_id)).completed_at is not None


# --- vendor credits and refunds --------------------------------------------------------


async def bill_of(shop: BusinessClient, name: str, vendor_id: str, amount: int) -> str:
    """A bill of this external_id, due in July; its id."""
    made = await shop.bills.create(
        {
            "external_id": name,
            "vendor_id": vendor_id,
            "due_at": JULY,
            "line_items": [{"quantity": 1, "unit_price": amount}],
        }
    )
    return known(made.id)


async def vendor_credits(shop: BusinessClient) -> None:
    credit = await shop.vendor_credits.create(
        CreateVendorCreditRequest(
            external_id="vc-eggs",
            vendor_external_id="vc-farm",  # is made with it
            received_at=APRIL,
            line_items=[VendorCreditLineItemRequest(amount=900, memo="Broken eggs")],
        )
    )
    assert (credit.status, credit.total_amount, credit.applied_amount) == ("received", 900, 0)
    assert (credit.received_at, credit.line_items[0].memo) == (APRIL, "Broken eggs")
    farm = await shop.vendors.get(known(credit.vendor.id))
    assert farm.external_id == "vc-farm"

    bill_id = await bill_of(shop, "vc-bill", farm.id, 2000)
    allocations = [VendorCreditAllocationRequest(bill_id=bill_id, amount=400)]
    applied = await shop.vendor_credits.update(
        credit.id, UpdateVendorCreditRequest(allocations=allocations)
    )
    assert (applied.status, applied.applied_amount) == ("partially_applied", 400)
    (allocation,) = applied.allocations
    assert (allocation.bill_id, allocation.amount_cents) == (bill_id, 400)
    assert allocation.bill_outstanding_balance_cents == 1600
    bill = await shop.bills.get(bill_id)
    assert bill.outstanding_balance == 1600
    assert [one.vendor_credit_id for one in known(bill.vendor_credit_allocations)] == [credit.id]

    assert [one.id async for one in shop.bills.list(vendor_id=farm.id)] == [bill_id]
    other = await shop.vendor_credits.create(
        {"external_id": "vc-2", "vendor_external_id": "vc-shop", "line_items": [{"amount": 5}]}
    )
    both = shop.vendor_credits.list(page_size=1)
    assert [one.id async for one in both] == [credit.id, other.id]
    assert [one.id async for one in shop.vendor_credits.list(status="received")] == [other.id]
    assert [one.id async for one in shop.vendor_credits.list(vendor_id=farm.id)] == [credit.id]
    await shop.vendor_credits.delete(other.id)
    assert [one.id async for one in both] == [credit.id]
    assert await shop.vendor_credits.get(credit.id) == applied


async def vendor_refunds(shop: BusinessClient) -> None:
    printer = await shop.vendors.create({"external_id": "vr-printer", "company_name": "Printer"})
    bill_id = await bill_of(shop, "vr-leaflets", printer.id, 7000)
    payment = await shop.bill_payments.create(
        {
            "external_id": "vr-payment",
            "vendor_id": printer.id,
            "amount_cents": 7000,
            "payment_date": "2025-06-03",
            "allocations": [{"bill_id": bill_id, "amount_cents": 7000}],
        }
    )
    assert payment.is_fully_allocated
    to_printer = shop.bill_payments.list(vendor_id=printer.id)
    assert [one.id async for one in to_printer] == [payment.id]
    refund = await shop.vendor_refunds.create(
        VendorRefundCreateRequest(
            external_id="vr-smudged",
            vendor_id=printer.id,
            total_refunded_amount_cents=1500,
            currency="GBP",
            refund_type=VendorRefundTypeEnum.BILLING_ERROR,
            refund_date=dt.date(2025, 6, 4),
            allocations=[VendorRefundAllocationRequest(bill_id=bill_id, amount_cents=1500)],
        )
    )
    refund_id = known(refund.id)
    assert (refund.total_refunded_amount, refund.unallocated_amount) == (1500, 0)
    assert (refund.status, refund.refund_type) == ("allocated", "billing_error")
    assert (refund.vendor_id, refund.refund_date) == (printer.id, dt.date(2025, 6, 4))
    (allocation,) = known(refund.allocations)
    assert (allocation.bill_id, allocation.amount) == (bill_id, 1500)
    assert (allocation.allocation_type, refund.vendor_refund_payments) == ("bill", [])
    changed = await shop.vendor_refunds.update(refund_id, {"reason": "Smudged"})
    assert (changed.reason, changed.total_refunded_amount) == ("Smudged", 1500)
    on_bill = known((await shop.bills.get(bill_id)).vendor_refund_allocations)
    assert [(one.vendor_refund_id, one.amount_cents) for one in on_bill] == [(refund_id, 1500)]

    await vendor_refund_payments(shop, printer.id, bill_id)

    slip = await shop.vendor_refunds.create(
        {"vendor_id": printer.id, "total_refunded_amount_cents": 3, "currency": "GBP"}
    )
    await shop.vendor_refunds.delete(known(slip.id))
    left = shop.vendor_refunds.list(vendor_id=printer.id, ordering="created_at", page_size=1)
    assert [one.total_refunded_amount async for one in left] == [1500, 1000, 200]
    assert await shop.vendor_refunds.list(external_id="smudged").first() == changed
    assert await shop.vendor_refunds.get(refund_id) == changed


async def vendor_refund_payments(shop: BusinessClient, vendor_id: str, bill_id: str) -> None:
    """10.00 come back at once, 2.00 don't come after all."""
    made = await shop.vendor_refund_payments.create(
        CreateVendorRefundPaymentRequest(
            external_id="vrp-1",
            vendor_id=vendor_id,
            total_amount_cents=1000,
            currency="GBP",
            payment_reference="BACK-1",
            refund_date=dt.date(2025, 6, 5),
            allocations=[VendorRefundAllocationRequest(bill_id=bill_id, amount_cents=1000)],
        )
    )
    payment_id = str(made.payment["id"])
    assert (made.payment["refund_id"], made.payment["status"]) == (made.refund["id"], "pending")
    assert [one["bill_id"] for one in made.allocations] == [bill_id]
    done = await shop.vendor_refund_payments.update(
        payment_id, {"status": VendorRefundPaymentStatusEnum.COMPLETED}
    )
    assert done.payment["status"] == "completed"
    read = await shop.vendor_refund_payments.get(payment_id)
    assert (read.payment, read.refund) == (done.payment, done.refund)
    refund = await shop.vendor_refunds.get(str(made.refund["id"]))
    (nested,) = known(refund.vendor_refund_payments)
    assert (refund.status, nested.id, nested.refunded_amount) == ("completed", payment_id, 1000)

    other = await shop.vendor_refund_payments.create(
        {
            "external_id": "vrp-2",
            "vendor_id": vendor_id,
            "total_amount_cents": 200,
            "currency": "GBP",
            "allocations": [{"bill_id": bill_id, "amount_cents": 200}],
        }
    )
    other_id = str(other.payment["id"])
    deleted = await shop.vendor_refund_payments.delete(other_id)
    assert (deleted.payment_id, deleted.status) == (other_id, "cancelled")
    assert deleted.refund_id == other.refund["id"]

    listed = shop.vendor_refund_payments.list(page_size=1)
    assert {(one.id, one.refunded_amount_cents, one.status) async for one in listed} == {
        (payment_id, 1000, "completed"),
        (other_id, 200, "cancelled"),
    }
    found = shop.vendor_refund_payments.list(search="BACK")
    assert [(one.vendor_name, one.net_amount_cents) async for one in found] == [("Printer", 1000)]


# --- bank and ledger -------------------------------------------------------------------


async def bank(emulator: Emulator, shop: BusinessClient) -> None:
    main = emulator.add_bank_account(shop.id, name="Main", mask="4321", balance=100_000)
    tax = emulator.add_bank_account(shop.id, name="Tax", provider="manual", is_active=False)
    accounts = await shop.bank_accounts.list(page_size=1).collect()
    assert [(one.id, one.balance_cents) for one in accounts] == [(main, 100_000), (tax, 0)]

    day = dt.date(2025, 6, 1)
    came = emulator.add_bank_transaction(
        shop.id, 2500, day=day, counterparty="Café", bank_account_id=main
    )
    went = emulator.add_bank_transaction(
        shop.id, -600, day=TODAY, merchant="Shell", type="card_payment", bank_account_id=main
    )
    detail = await shop.bank_accounts.get(main)
    assert (detail.balance_cents, detail.balance) == (101_900, 1019.0)
    assert (detail.mask, detail.business_id, detail.is_active) == ("4321", shop.id, True)
    assert [one.id async for one in shop.bank_accounts.list(balance_min=1000)] == [main]
    assert [one.id async for one in shop.bank_accounts.list(is_active=False)] == [tax]

    newest, oldest = await shop.bank_transactions.list(page_size=1).collect()
    assert (newest.id, newest.amount, newest.signed_amount) == (went, 600, -600)
    assert (newest.direction, newest.transaction_type) == ("debit", "card_payment")
    assert (newest.merchant_name, newest.date) == ("Shell", TODAY)
    assert (oldest.id, oldest.signed_amount, oldest.direction) == (came, 2500, "credit")
    assert (oldest.counterparty_name, oldest.date) == ("Café", day)
    assert (oldest.bank_account_connection_id, oldest.account_id) == (main, detail.mapped_account)
    for found in (
        shop.bank_transactions.list(direction="credit"),
        shop.bank_transactions.list(amount_min=2500),
        shop.bank_transactions.list(date_to=day),
    ):
        assert [one.id async for one in found] == [came]


async def ledger(shop: BusinessClient) -> None:
    packing = await shop.chart_of_accounts.create(
        CreateLedgerAccountRequest(
            code="5100",
            name="Packing",
            external_id="a-packing",
            account_type=LedgerAccountTypeEnum.EXPENSE,
            account_subtype=LedgerAccountSubtypeEnum.DIRECT_COSTS,
        )
    )
    assert (packing.account_type, packing.account_subtype) == ("expense", "direct_costs")
    boxes = await shop.chart_of_accounts.create_child(packing.id, {"code": "5110", "name": "Boxes"})
    assert (boxes.parent_account_code, boxes.account_type) == ("5100", "expense")
    renamed = await shop.chart_of_accounts.update(packing.id, {"name": "Packaging"})
    assert (renamed.id, renamed.name, renamed.has_children) == (packing.id, "Packaging", True)

    bill = await shop.bills.create(
        {
            "external_id": "l-boxes",
            "received_at": APRIL,
            "due_at": JULY,
            "line_items": [
                {
                    "quantity": 100,
                    "unit_price": 13,
                    "account_identifier": {"type": "AccountId", "id": boxes.id},
                }
            ],
        }
    )
    assert known(bill.line_items)[0].account_identifier.id == boxes.id
    assert (await shop.chart_of_accounts.get("a-packing")).id == packing.id
    read = await shop.chart_of_accounts.get("5110")
    assert (read.id, read.name) == (boxes.id, "Boxes")
    assert (read.current_balance, read.debit_balance, read.credit_balance) == (1300, 1300, 0)
    below = shop.chart_of_accounts.list(
        parent_id="5100", period_year=2025, period_month=4, page_size=1
    )
    assert [(one.code, one.period_balance) async for one in below] == [("5110", 1300)]
    expenses = shop.chart_of_accounts.list(account_type="expense", page_size=1)
    assert {one.account_type async for one in expenses} == {"expense"}
    tree = await shop.chart_of_accounts.hierarchy(fiscal_year=2025)
    assert known(tree.total_accounts) == len(await shop.chart_of_accounts.list().collect())
    node = find(known(tree.hierarchy), "5100")
    assert (node.name, node.current_balance) == ("Packaging", 1300)
    assert [one.code for one in known(node.children)] == ["5110"]
    year_before = await shop.chart_of_accounts.hierarchy(fiscal_year=2024)
    assert find(known(year_before.hierarchy), "5100").current_balance == 0

    await journal(shop, boxes.id, known(bill.id))

    idle = await shop.chart_of_accounts.create_child(packing.id, {"code": "5120", "name": "Tape"})
    archived = await shop.chart_of_accounts.archive(idle.id)
    assert (archived.id, archived.is_active) == (idle.id, False)


def find(nodes: list[LedgerAccountNode], code: str) -> LedgerAccountNode:
    """The account of this code in a tree of them."""
    waiting = [*nodes]
    while waiting[0].code != code:
        waiting += known(waiting.pop(0).children)
    return waiting[0]


async def journal(shop: BusinessClient, account_id: str, bill_id: str) -> None:
    """The boxes (13.00) are on their account, and owed."""
    entries = await shop.chart_of_accounts.entries(account_id, start_date=APRIL.date())
    assert (entries.account_code, entries.entry_count) == ("5110", 1)
    assert (entries.opening_balance_cents, entries.closing_balance_cents) == (0, 1300)
    (line,) = known(entries.entries)
    assert (line.debit_amount_cents, line.running_balance_cents) == (1300, 1300)
    later = await shop.chart_of_accounts.entries(account_id, start_date=TODAY)
    assert (later.entries, later.opening_balance_cents) == ([], 1300)

    listed = await shop.journal_entries.list(account_id=account_id).collect()
    assert [one.id for one in listed] == [line.journal_entry_id]
    entry = await shop.journal_entries.get(known(line.journal_entry_id))
    assert (entry.entry_date, entry.is_balanced, entry.is_posted) == (APRIL.date(), True, True)
    assert (entry.total_debit, entry.total_credit) == (1300, 1300)
    assert (entry.source_type, entry.source_reference) == ("bill", "l-boxes")
    linked = known(known(entry.source_info).linked_documents)
    assert bill_id in [one.id for one in linked]
    assert {
        (one.account_code, one.debit_amount, one.credit_amount) for one in known(entry.lines)
    } == {("5110", 1300, 0), ("2100", 0, 1300)}
    everything = shop.journal_entries.list(page_size=1)
    assert known(entry.sequence_number) in [one.sequence_number async for one in everything]


# --- the partner's, and the rest ---------------------------------------------------------


async def businesses(thredfi: ThredfiClient) -> None:
    made = await thredfi.businesses.create(
        CreateBusinessRequest(
            external_id="b-bakery",
            legal_name="Bakery Ltd",
            entity_type="limited",
            email="a@bakery.example",
            fiscal_year_end=dt.date(2025, 3, 31),
        )
    )
    assert (made.base_currency, made.country, made.meta) == ("GBP", "GB", {"created": True})
    changed = await thredfi.businesses.update(made.id, {"legal_name": "Bread Ltd"})
    assert (changed.legal_name, changed.email) == ("Bread Ltd", "a@bakery.example")
    read = await thredfi.businesses.get(made.id)
    assert (read.external_id, read.legal_name) == ("b-bakery", "Bread Ltd")
    assert (read.accounting_method, read.fiscal_year_end) == ("accrual", dt.date(2025, 3, 31))

    await thredfi.businesses.create(
        {
            "external_id": "b-bar",
            "legal_name": "Bar GmbH",
            "entity_type": "gmbh",
            "email": "a@bar.example",
            "country": "DE",
            "base_currency": "EUR",
        }
    )
    names = [one.external_id async for one in thredfi.businesses.list(page_size=1)]
    assert {"b-bakery", "b-bar"} <= set(names)
    assert [one.legal_name async for one in thredfi.businesses.list(country="de")] == ["Bar GmbH"]

    token = await thredfi.tokens.business(made.id)
    assert (token.business_id, token.scope, token.expires_in) == (made.id, "business_access", 3600)
    partner = await thredfi.tokens.partner()
    assert (partner.token_type, partner.expires_in) == ("Bearer", 3600)
    assert partner.access_token != known(token.access_token)


async def menu(shop: BusinessClient) -> None:
    tabs = MenuTabsRequest(insights=True, reports=True, tasks=False)
    shown = await shop.menu_config.update(
        MenuConfigRequest(menu=tabs, sub_menu_tabs={"reports.balance_sheet": False})
    )
    assert (known(shown.menu).reports, known(shown.menu).tasks) == (True, False)
    assert shown.sub_menu_tabs == {"reports.balance_sheet": False}
    assert await shop.menu_config.get() == shown
    more = await shop.menu_config.update({"menu": {"insights": False}})
    assert (known(more.menu).insights, known(more.menu).tasks) == (False, False)
    assert more.sub_menu_tabs == shown.sub_menu_tabs
    await shop.menu_config.delete()
    assert known((await shop.menu_config.get()).menu).tasks is True


async def uploads(shop: BusinessClient, folder: Path) -> None:
    scan = folder / "scan.pdf"
    scan.write_bytes(b"%PDF-1.4 of a bill")
    vendor = await shop.vendors.create({"external_id": "u-vendor", "company_name": "Vendor"})
    lines = [{"quantity": 2, "unit_price": 75}]
    bill = await shop.bills.create(
        {"external_id": "u-bill", "vendor_id": vendor.id, "line_items": lines}, file=Upload(scan)
    )
    assert bill.total_amount == 150
    await check(bill.document, "scan.pdf", b"%PDF-1.4 of a bill")
    png = Upload.of(b"PNG", filename="stamp.png")
    stamped = await shop.bills.update(known(bill.id), {"memo": "Stamped"}, file=png)
    assert (stamped.memo, stamped.total_amount) == ("Stamped", 150)
    await check(stamped.document, "stamp.png", b"PNG")

    photo = Upload.of(b"JPEG", filename="front.jpg")
    updated = await shop.vendors.update(vendor.id, {"memo": "Nice shop"}, file=photo)
    await check(updated.documents[0], "front.jpg", b"JPEG")
    text = Upload.of(b"Dear", "letter.txt", "text/plain")
    credit = await shop.vendor_credits.create(
        {"external_id": "u-vc", "vendor_id": vendor.id, "line_items": [{"amount": 10}]}, file=text
    )
    await check(credit.document, "letter.txt", b"Dear")
    credit = await shop.vendor_credits.update(credit.id, {"memo": "In colour"}, file=png)
    await check(credit.document, "stamp.png", b"PNG")
    refund = await shop.vendor_refunds.create(
        {"vendor_id": vendor.id, "total_refunded_amount_cents": 10, "currency": "GBP"}, file=text
    )
    await check(refund.document, "letter.txt", b"Dear")
    refund = await shop.vendor_refunds.update(known(refund.id), {"memo": "In colour"}, file=png)
    await check(refund.document, "stamp.png", b"PNG")
    refunds_of_vendor = shop.vendor_refunds.list(vendor_id=vendor.id)
    assert [one.id async for one in refunds_of_vendor] == [refund.id]

    await shop.customers.create({"external_id": "u-guest", "name": "Guest"})
    draft = await shop.customer_credits.create(
        {"external_id": "u-cc", "customer_external_id": "u-guest", "line_items": [{"amount": 10}]},
        file=Upload.of(b"Sorry", "sorry.txt"),
    )
    await check(draft.document, "sorry.txt", b"Sorry")
    draft = await shop.customer_credits.update(
        known(draft.id), {"memo": "Once more"}, file=Upload.of(b"Very sorry", "sorry.txt")
    )
    await check(draft.document, "sorry.txt", b"Very sorry")
    invoice = await shop.invoices.create(
        CreateInvoiceRequest(
            external_id="u-invoice",
            sent_at=APRIL,
            line_items=[InvoiceLineItemRequest(quantity=1.5, unit_price=100)],
        ),
        file=Upload.of(b"Invoice", filename="invoice.pdf"),
    )
    assert (invoice.total_amount, invoice.sent_at) == (150, APRIL)
    await check(invoice.document, "invoice.pdf", b"Invoice")


async def check(document: DocumentLink | None, name: str, content: bytes) -> None:
    """The document has this name, and this content behind its link."""
    link = known(document)
    assert (link.file_name, link.file_size) == (name, len(content))
    async with aiohttp.request("GET", known(link.url)) as answer:
        assert await answer.read() == content


# --- credits, payouts, receipts ----------------------------------------------------------


async def customer_credits(shop: BusinessClient) -> None:
    deli = known((await shop.customers.create({"external_id": "cc-deli", "name": "Deli"})).id)
    lines = [{"description": "Ham", "quantity": 1, "unit_price": 6000}]
    made = await shop.invoices.create(
        {
            "external_id": "cc-ham",
            "customer_id": deli,
            "sent_at": APRIL,
            "due_at": JULY,
            "line_items": lines,
        }
    )
    invoice_id = known(made.id)
    credit = await shop.customer_credits.create(
        CreateCustomerCreditRequest(
            external_id="cc-1",
            customer_id=deli,
            source_invoice_id=invoice_id,
            sent_at=APRIL,
            line_items=[
                CustomerCreditLineItemRequest(amount=2000, tax_amount_cents=400, memo="Too salty")
            ],
            allocations=[CustomerCreditAllocationRequest(invoice_id=invoice_id, amount=1000)],
        )
    )
    credit_id = known(credit.id)
    assert (credit.total_amount, credit.applied_amount) == (2400, 1000)
    assert (credit.status, credit.sent_at) == ("partially_applied", APRIL)
    assert (known(credit.customer).id, credit.source_invoice_id) == (deli, invoice_id)
    (line,) = known(credit.line_items)
    assert (line.amount, line.memo) == (2000, "Too salty")

    allocations = [CustomerCreditAllocationRequest(invoice_id=invoice_id, amount=2400)]
    applied = await shop.customer_credits.update(
        credit_id, UpdateCustomerCreditRequest(allocations=allocations)
    )
    assert (applied.status, applied.applied_amount) == (CustomerCreditStatusEnum.APPLIED, 2400)
    (allocation,) = known(applied.allocations)
    assert (allocation.invoice_id, allocation.amount_cents) == (invoice_id, 2400)
    assert allocation.invoice_outstanding_balance_cents == 3600
    invoice = await shop.invoices.get(invoice_id)
    assert (invoice.status, invoice.outstanding_balance) == ("partially_paid", 3600)
    (on_invoice,) = known(invoice.credit_allocations)
    assert (on_invoice.credit_note_id, on_invoice.amount_cents) == (credit_id, 2400)

    draft = await shop.customer_credits.create(
        {"external_id": "cc-2", "customer_external_id": "cc-deli", "line_items": [{"amount": 7}]}
    )
    assert (draft.status, draft.sent_at) == ("draft", None)
    both = shop.customer_credits.list(customer_id=deli, page_size=1)
    assert [one.id async for one in both] == [credit_id, draft.id]
    await shop.customer_credits.delete(known(draft.id))
    assert [one.id async for one in shop.customer_credits.list(search="Deli")] == [credit_id]
    assert await shop.customer_credits.get(credit_id) == applied


async def payouts(shop: BusinessClient) -> None:
    """Stripe keeps 1.50 of the 70.00 that were paid, and 5.00 that were paid back."""
    invoice_id = await paid_invoice(shop, "po-lunch", 3000, payment_processor="stripe")
    await paid_invoice(shop, "po-supper", 4000, payment_processor="stripe")
    paid = [one async for one in shop.payments.list(payment_processor="stripe")]
    payment_ids = [known(one.id) for one in paid]
    refund = await shop.refunds.create({"invoice_id": invoice_id, "amount_cents": 500})
    back = await shop.refund_payments.create(
        known(refund.id),
        {"external_id": "rp-3", "amount_cents": 500, "method": "STRIPE", "processor": "stripe"},
    )
    payout = await shop.payouts.create(
        PayoutCreateRequest(
            external_id="po-1",
            processor="stripe",
            paid_out_amount_cents=6350,
            fee_cents=150,
            currency="GBP",
            status=PayoutStatusEnum.PAID,
            completed_at=APRIL,
            payment_ids=payment_ids,
            refund_payment_ids=[known(back.id)],
        )
    )
    payout_id = known(payout.id)
    assert (payout.processor, payout.status, payout.completed_at) == ("stripe", "paid", APRIL)
    assert (payout.gross_payments_amount_cents, payout.total_refunds_amount_cents) == (7000, 500)
    assert (payout.expected_net_amount_cents, payout.amount_variance_cents) == (6350, 0)
    assert {one.id for one in known(payout.payments)} == set(payment_ids)
    assert [one.id for one in known(payout.refund_payments)] == [back.id]

    change = {
        "external_id": "po-1",
        "processor": "stripe",
        "paid_out_amount_cents": 6350,
        "fee_cents": 150,
        "currency": "GBP",
        "status": "paid",
        "completed_at": APRIL,
        "memo": "April",
    }
    changed = await with_response(shop.payouts.create(change))
    assert not changed.created
    assert (changed.value.id, changed.value.memo) == (payout_id, "April")
    assert (await shop.payouts.get(payout_id)).payment_count == 2

    other = await shop.payouts.create(
        {**change, "external_id": "coming", "processor": "adyen", "status": "pending"}
    )
    everything = shop.payouts.list(page_size=1)
    assert [one.id async for one in everything] == [payout_id, other.id]
    assert [one.id async for one in shop.payouts.list(external_id="PO-")] == [payout_id]
    assert [one.id async for one in shop.payouts.list(processor="adyen")] == [other.id]
    assert (await shop.payouts.delete(known(other.id))).deleted is True
    assert [one.fee_cents async for one in everything] == [150]


async def receipts(emulator: Emulator, shop: BusinessClient) -> None:
    transaction = emulator.add_bank_transaction(shop.id, -400, day=TODAY)
    receipt = await shop.receipts.create({"external_id": "rc-fuel", "amount_cents": 320})
    receipt_id = known(receipt.id)
    assert receipt.reconciliation_status == "unreconciled"
    page = await shop.receipts.list()
    assert [one.id for one in known(page.results)] == [receipt_id]

    matched = await shop.receipts.reconcile(receipt_id, {"bank_transaction_id": transaction})
    assert matched["reconciliation_status"] == "reconciled"
    links = await shop.receipts.reconciliations(receipt_id)
    assert [(one["bank_transaction_id"], one["amount_cents"]) for one in links["results"]] == [
        (transaction, 320)
    ]
    freed = await shop.receipts.unreconcile(receipt_id, {"bank_transaction_id": transaction})
    assert (freed["id"], freed["reconciliations"]) == (receipt_id, [])
    assert (await shop.receipts.get(receipt_id)).reconciliation_status == "unreconciled"


# --- figures -----------------------------------------------------------------------------

# What the stories above leave behind, story by story: sales, refunds, purchases, vendor
# credits, vendor refunds, ledger, uploads, customer credits, payouts.
REVENUE = (4500 + 30_000) + (8000 - 3000) + 150 + (6000 - 2000) + (3000 - 500 + 4000)
COSTS = (4000 + 1200) + (2000 - 900) + (7000 - 1500 - 1000) + 1300 + (150 - 10)
OTHER_EXPENSES = 1000 + 25 + 150  # the write-off, the fee of a wire, that of the payout
PROFIT = REVENUE - COSTS - OTHER_EXPENSES
RECEIVABLE = 4000 + 150 + 3600
PAYABLE = (800 + 1200) + 1600 + 1300 + 150
CASH = (5400 + 25_000) + (8000 - 1000) - 4025 + (1000 - 7000) + 6350


def amounts(group: ReportGroup | None) -> dict[str, int]:
    """The accounts of a group, by name."""
    lines = known(known(group).line_items)
    return {known(one.account_name): known(one.value_cents) for one in lines}


async def reports(shop: BusinessClient) -> None:
    income = await shop.reports.profit_and_loss(
        start_date=APRIL.date(), end_date=TODAY, detail_level="detailed"
    )
    totals = known(income.summary)
    assert (income.start_date, income.end_date) == (APRIL.date(), TODAY)
    assert (totals.net_revenue_cents, totals.net_profit_cents) == (REVENUE, PROFIT)
    assert totals.gross_profit_cents == REVENUE - COSTS
    assert totals.total_operating_expenses_cents == OTHER_EXPENSES
    assert amounts(income.direct_costs) == {"Purchases": COSTS - 1300, "Boxes": 1300}
    before = await shop.reports.profit_and_loss(start_date=dt.date(2025, 1, 1), end_date=MARCH)
    assert (known(before.summary).net_profit_cents, before.direct_costs) == (0, None)

    sheet = await shop.reports.balance_sheet(as_of_date=TODAY, detail_level="detailed")
    assert known(sheet.summary).total_equity_cents == PROFIT
    assert known(sheet.summary).net_assets_cents == PROFIT
    assets = amounts(sheet.current_assets)
    assert assets["Trade receivables"] == RECEIVABLE
    assert assets["Bank current account"] == CASH
    assert amounts(sheet.current_liabilities) == {
        "Trade payables": PAYABLE,
        "Refunds due to customers": 2000,
        "Sales tax": 500,
    }

    sheet = await shop.reports.balance_sheet(as_of_date=EASTER)
    assert (sheet.current_assets, known(sheet.summary).net_assets_cents) == (None, 23_650 - 4550)

    cash = await shop.reports.cash_flow(start_date=APRIL.date(), end_date=TODAY)
    assert known(cash.summary).net_cash_from_operating_cents == CASH
    assert known(cash.summary).closing_cash_cents == CASH
    assert known(cash.cash_reconciliation).reconciles is True
    may = await shop.reports.cash_flow(
        start_date=dt.date(2025, 5, 1), end_date=dt.date(2025, 5, 31), detail_level="detailed"
    )
    assert known(may.summary).net_change_in_cash_cents == 5400 - 4025
    assert known(may.operating_activities).net_profit_cents == -25  # the fee of the wire


async def insights(shop: BusinessClient) -> None:
    summary = await shop.insights.financial_summary(start_date=APRIL.date(), end_date=TODAY)
    assert (summary.business_id, summary.granularity) == (shop.id, "monthly")
    assert known(summary.summary).total_revenue_cents == REVENUE
    assert known(summary.summary).net_profit_cents == PROFIT
    trends = known(summary.trends)
    assert [one.period_start for one in trends] == [dt.date(2025, month, 1) for month in (4, 5, 6)]
    assert [one.revenue_cents for one in trends] == [23_650, 0, 26_500]
    assert [one.expenses_cents for one in trends] == [4550, 25, COSTS + OTHER_EXPENSES - 4575]
    quarters = await shop.insights.financial_summary(
        start_date=APRIL.date(), end_date=TODAY, granularity="quarterly"
    )
    assert [one.net_profit_cents for one in known(quarters.trends)] == [PROFIT]

    owing = await shop.insights.ar_aging(as_of_date=TODAY)
    assert (owing.total_outstanding_cents, owing.currency) == (RECEIVABLE, "GBP")
    by_customer = [
        (one.customer_name, one.total_outstanding_cents) for one in known(owing.customers)
    ]
    assert by_customer[:2] == [("Hotel", 4000), ("Deli", 3600)]
    earlier = await shop.insights.ar_aging(as_of_date=EASTER, group_by="total")
    assert (earlier.group_by, earlier.customers) == ("total", [])
    assert known(earlier.total_aging_buckets).days_1_30 == 5400  # the bread

    owed = await shop.insights.ap_aging(as_of_date=TODAY)
    assert owed.total_outstanding_cents == PAYABLE
    buckets = known(owed.total_aging_buckets)
    assert (buckets.days_31_60, buckets.current) == (800, PAYABLE - 800)
    assert known(owed.vendors)[0].vendor_name == "Mill"
    owed = await shop.insights.ap_aging(as_of_date=EASTER, group_by="total")
    assert (owed.total_outstanding_cents, owed.vendors) == (4800 + 1300, [])


# --- the stories, one by one and together ------------------------------------------------


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(seed=7, clock=FakeClock()) as emulator:
        yield emulator


@pytest.fixture
def statuses() -> Counter[int]:
    """How often the client was answered with each status."""
    return Counter()


@pytest.fixture
async def thredfi(emulator: Emulator, statuses: Counter[int]) -> AsyncIterator[ThredfiClient]:
    async def note(
        session: aiohttp.ClientSession, context: object, end: aiohttp.TraceRequestEndParams
    ) -> None:
        statuses[end.response.status] += 1

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    async with (
        aiohttp.ClientSession(trace_configs=[trace]) as http,
        emulator.client(http=http) as client,
    ):
        yield client
        assert not client.drift


@pytest.fixture
async def shop(emulator: Emulator, thredfi: ThredfiClient) -> BusinessClient:
    return thredfi.business(emulator.add_business("bakery"))


async def trade(emulator: Emulator, shop: BusinessClient, folder: Path) -> None:
    """All that happens to one business. The order matters to the lists without a filter."""
    await customers(shop)
    await sales(shop)
    await refunds(shop)
    await vendors(shop)
    await purchases(shop)
    await vendor_credits(shop)
    await vendor_refunds(shop)
    await bank(emulator, shop)
    await ledger(shop)
    await uploads(shop, folder)
    await customer_credits(shop)
    await payouts(shop)
    await receipts(emulator, shop)
    await menu(shop)


async def test_customers_are_invoiced_and_pay(shop: BusinessClient) -> None:
    await customers(shop)
    await sales(shop)


async def test_customers_are_refunded(shop: BusinessClient) -> None:
    await refunds(shop)


async def test_customers_get_credits(shop: BusinessClient) -> None:
    await customer_credits(shop)


async def test_a_processor_pays_out(shop: BusinessClient) -> None:
    await payouts(shop)


async def test_vendors_send_bills_and_are_paid(shop: BusinessClient) -> None:
    await vendors(shop)
    await purchases(shop)


async def test_vendors_give_credits_and_refunds(shop: BusinessClient) -> None:
    await vendor_credits(shop)
    await vendor_refunds(shop)


async def test_bank_accounts_and_their_transactions_are_read(
    emulator: Emulator, shop: BusinessClient
) -> None:
    await bank(emulator, shop)


async def test_accounts_are_made_and_booked_on(shop: BusinessClient) -> None:
    await ledger(shop)


async def test_files_go_along(shop: BusinessClient, tmp_path: Path) -> None:
    await uploads(shop, tmp_path)


async def test_receipts_are_matched(emulator: Emulator, shop: BusinessClient) -> None:
    await receipts(emulator, shop)


async def test_the_menu_is_set_and_reset(shop: BusinessClient) -> None:
    await menu(shop)


async def test_the_partner_has_businesses_and_tokens(thredfi: ThredfiClient) -> None:
    await businesses(thredfi)


async def test_the_stories_together_make_the_figures_and_call_every_operation(
    emulator: Emulator,
    thredfi: ThredfiClient,
    shop: BusinessClient,
    statuses: Counter[int],
    tmp_path: Path,
) -> None:
    await trade(emulator, shop, tmp_path)
    await reports(shop)
    await insights(shop)
    await businesses(thredfi)
    calls = {name: emulator.requests[name] for name in OPERATIONS}
    # The emulator has nothing for what is new in an adopted file.
    assert {name for name, count in calls.items() if not count} == new_operations()
    assert set(statuses) == {200, 201, 204}
    assert statuses.total() == sum(calls.values())
    assert not thredfi.drift
