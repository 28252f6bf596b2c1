"""Bills of vendors, and what has become of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import operations
from ..amounts import lines_of, totals_of
from ..books import Bill, Books, Line, Role, Vendor
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import check_currency, check_external_id, find_party
from ..documents import document_view, sent_documents
from ..filtering import has_status, matches_text, within
from ..paging import page_of
from ..problems import conflict
from .account_views import identifier_view
from .vendor_refund_views import allocated_refund_view
from .vendors import vendor_view

__all__ = ["HANDLERS"]

_SHOWN = ("vendor_bill_number", "purchase_order_number", "memo")


def _named(call: Call) -> Bill:
    return call.named(Bill, "bill_id")


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, bill: Bill) -> Answer:
    return Answer(status, _view(call, bill))


def _view(call: Call, bill: Bill) -> dict[str, Any]:
    """The bill as the API shows it."""
    fields, books = bill.fields, call.books
    return without_none(
        {
            "type": "bill",
            "id": bill.id,
            "business_id": books.id,
            "external_id": bill.external_id,
            "status": bill.status,
            "terms": fields.get("bill_terms"),
            "issue_date": bill.issue_date,
            "received_at": bill.received_at,
            "due_at": bill.due_at,
            "approved_at": bill.approved_at,
            "paid_at": bill.paid_at,
            "voided_at": bill.voided_at,
            "is_overdue": bill.is_overdue(call.now),
            "bill_number": bill.number,
            **{key: fields.get(key) for key in _SHOWN},
            "reference_numbers": fields.get("reference_numbers") or [],
            "attachment_urls": fields.get("attachment_urls") or [],
            "currency": books.currency,
            "vendor": vendor_view(call, bill.vendor) if bill.vendor else None,
            "line_items": [_line_view(books, bill, line) for line in bill.lines],
            "subtotal": bill.subtotal,
            "additional_sales_taxes_total": bill.tax,
            "total_amount": bill.total,
            "outstanding_balance": bill.outstanding,
            "bill_payment_allocations": _payment_allocations(bill),
            "vendor_credit_allocations": _credit_allocations(bill),
            "vendor_refund_allocations": [
                allocated_refund_view(refund, refund.bill_allocations[bill.id])
                for refund in bill.refunds.values()
            ],
            "document": document_view(call, bill),
            "created_at": bill.created_at,
            "updated_at": bill.updated_at,
        }
    )


def _line_view(books: Books, bill: Bill, line: Line) -> dict[str, Any]:
    account = line.account or books.ledger.of(Role.PURCHASES)
    return without_none(
        {
            "id": line.id,
            "bill_id": bill.id,
            "account_identifier": identifier_view(account),
            "currency": books.currency,
            "unit_price": line.unit_price,
            "quantity": line.fields["quantity"],
            "subtotal": line.subtotal,
            "sales_taxes_total": line.tax,
            "total_amount": line.total,
            "tax_rate": round(line.tax / line.subtotal, 4) if line.subtotal else 0,
            "description": line.fields.get("description"),
            "product": line.fields.get("product"),
        }
    )


def _payment_allocations(bill: Bill) -> list[dict[str, Any]]:
    return [
        {
            "bill_payment_id": payment.id,
            "amount_cents": payment.allocations[bill.id].amount,
            "payment_date": payment.payment_date,
            "payment_method": payment.method,
        }
        for payment in bill.payments.values()
    ]


def _credit_allocations(bill: Bill) -> list[dict[str, Any]]:
    return [
        without_none(
            {
                "vendor_credit_id": credit.id,
                "vendor_credit_number": credit.external_id,
                "amount_cents": credit.allocations[bill.id],
                "applied_at": credit.applied_at[bill.id],
            }
        )
        for credit in bill.credits.values()
    ]


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    known = books.by_external_id(Bill, fields["external_id"])
    if known is not None:
        return _answer(call, 200, known)
    check_currency(books, fields)
    vendor = find_party(books, Vendor, fields)
    lines = lines_of(fields["line_items"], books, call.world.new_id)
    subtotal, tax, total = totals_of({}, lines)
    received_at = instant(received_at=call.body.received_at) or call.now
    bill = Bill(
        id=call.world.new_id(),
        external_id=fields["external_id"],
        number=fields.get("bill_number") or f"BILL-{len(books.bills) + 1:06d}",
        fields=fields,
        vendor=vendor,
        issue_date=call.body.bill_date or received_at.date(),
        received_at=received_at,
        due_at=instant(due_at=call.body.due_at),
        approved_at=instant(approved_at=call.body.approved_at),
        lines=lines,
        subtotal=subtotal,
        tax=tax,
        total=total,
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(bill)
    books.record(bill)
    return _answer(call, 201, bill)


def _get(call: Call) -> Answer:
    return _answer(call, 200, _named(call))


def _list(call: Call) -> Answer:
    asked = call.query
    vendors = set(asked.get("vendor_id", ()))

    def wanted(bill: Bill) -> bool:
        name = bill.vendor.name if bill.vendor else None
        references = bill.fields.get("reference_numbers") or ()
        numbers = [bill.number, *(bill.fields.get(key) for key in _SHOWN[:2]), *references]
        return (
            (not vendors or (bill.vendor is not None and bill.vendor.id in vendors))
            and has_status(call, bill)
            and within(bill.total, asked.get("min_amount"), asked.get("max_amount"))
            and within(bill.due_at, asked.get("due_at_start"), asked.get("due_at_end"))
            and within(
                bill.received_at, asked.get("received_at_start"), asked.get("received_at_end")
            )
            and matches_text(asked.get("reference_number"), references)
            and matches_text(asked.get("search"), [*numbers, bill.external_id, name])
        )

    rows = [bill for bill in call.books.bills.values() if wanted(bill)]
    return page_of(call, rows, lambda row: _view(call, row))


def _update(call: Call) -> Answer:
    books, bill, changes = call.books, _named(call), call.changes()
    if bill.voided_at:
        raise conflict("A voided bill can't be changed.")
    external_id = changes.get("external_id") or bill.external_id
    check_external_id(books, bill, external_id)
    check_currency(books, changes)
    vendor = _changed_vendor(books, bill, changes)
    lines = bill.lines
    if changes.get("line_items") is not None:
        lines = lines_of(changes["line_items"], books, call.world.new_id)
    subtotal, tax, total = totals_of({}, lines)
    if total < bill.settled:
        text = f"{bill.settled} of the bill is paid or credited; its total can't be less."
        raise conflict(text)
    received_at = instant(received_at=call.body.received_at) or bill.received_at
    due_at = instant(due_at=call.body.due_at) if "due_at" in changes else bill.due_at
    approved_at = bill.approved_at
    if "approved_at" in changes:
        approved_at = instant(approved_at=call.body.approved_at)
    bill.documents += sent_documents(call)
    books.rename(bill, external_id)
    bill.fields.update(changes)
    bill.vendor, bill.lines = vendor, lines
    bill.subtotal, bill.tax, bill.total = subtotal, tax, total
    bill.received_at, bill.due_at, bill.approved_at = received_at, due_at, approved_at
    bill.number = changes.get("bill_number") or bill.number
    bill.updated_at = call.now
    books.record(bill)
    return _answer(call, 200, bill)


def _changed_vendor(books: Books, bill: Bill, changes: Mapping[str, Any]) -> Vendor | None:
    """The vendor after a change. Raises 400 and 409."""
    vendor = find_party(books, Vendor, changes) or bill.vendor
    if bill.settlers - {vendor}:
        raise conflict("Payments, credits or refunds of its vendor have been used for the bill.")
    return vendor


def _void(call: Call) -> Answer:
    bill = _named(call)
    if bill.voided_at:
        raise conflict("The bill is voided already.")
    bill.voided_at = bill.updated_at = call.now
    call.books.record(bill)
    return _answer(call, 200, bill)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_BILL.id: _create,
    operations.GET_BILL.id: _get,
    operations.LIST_BILLS.id: _list,
    operations.UPDATE_BILL.id: _update,
    operations.VOID_BILL.id: _void,
}
