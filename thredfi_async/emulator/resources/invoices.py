"""Invoices, and what has become of them."""

from __future__ import annotations

from typing import Any

from ... import operations
from ..amounts import lines_of, totals_of
from ..books import Books, Customer, Invoice, Line, Party
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import check_currency, check_external_id, find_party
from ..documents import document_view, sent_documents
from ..filtering import has_status, is_filtered, matches_text, within, within_days
from ..paging import page_of
from ..problems import conflict
from .customers import customer_view
from .write_offs import write_off_view

__all__ = ["HANDLERS"]

_LINE_SHOWN = ("external_id", "description", "product", "quantity", "tax_code")


def _named(call: Call) -> Invoice:
    return call.named(Invoice, "invoice_id")


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, invoice: Invoice) -> Answer:
    return Answer(status, _view(call, invoice))


def _view(call: Call, invoice: Invoice) -> dict[str, Any]:
    """The invoice as the API shows it."""
    fields, books = invoice.fields, call.books
    return without_none(
        {
            "type": "invoice",
            "id": invoice.id,
            "business_id": books.id,
            "status": invoice.status,
            "sent_at": invoice.sent_at,
            "due_at": invoice.due_at,
            "paid_at": invoice.paid_at,
            "voided_at": invoice.voided_at,
            "is_overdue": invoice.is_overdue(call.now),
            "invoice_number": invoice.number,
            "invoice_type": fields.get("invoice_type") or "invoice",
            "currency": books.currency,
            "customer": customer_view(call, invoice.customer) if invoice.customer else None,
            "external_id": invoice.external_id,
            "memo": fields.get("memo"),
            "line_items": [_line_view(line) for line in invoice.lines],
            "imported_at": invoice.created_at,
            "subtotal": invoice.subtotal,
            "total_amount": invoice.total,
            "outstanding_balance": invoice.outstanding,
            "additional_discount": fields.get("additional_discount") or 0,
            "additional_sales_taxes_total": invoice.tax,
            "tips": fields.get("tips") or 0,
            "payment_allocations": _payment_allocations(invoice),
            "credit_allocations": _credit_allocations(invoice),
            "refund_allocations": _refund_allocations(invoice),
            "write_offs": [write_off_view(one) for one in invoice.write_offs.values()],
            "transaction_tags": fields.get("transaction_tags"),
            "metadata": fields.get("metadata"),
            "document": document_view(call, invoice),
            "created_at": invoice.created_at,
            "updated_at": invoice.updated_at,
        }
    )


def _payment_allocations(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        {
            "payment_id": payment.id,
            "payment_date": payment.payment_date.isoformat(),
            "payment_method": payment.method,
            "amount_cents": payment.allocations[invoice.id],
        }
        for payment in invoice.payments.values()
    ]


def _credit_allocations(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        {
            "credit_note_id": credit.id,
            "applied_at": credit.applied_at[invoice.id],
            "amount_cents": credit.allocations[invoice.id],
        }
        for credit in invoice.credits.values()
    ]


def _refund_allocations(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        without_none(
            {
                "refund_id": refund.id,
                "amount_cents": refund.amount,
                "allocated_at": refund.created_at,
                "reference_number": refund.fields.get("reference_number"),
            }
        )
        for refund in invoice.refunds.values()
    ]


def _line_view(line: Line) -> dict[str, Any]:
    return without_none(
        {
            "id": line.id,
            **{key: line.fields.get(key) for key in _LINE_SHOWN},
            "unit_price": line.unit_price,
            "subtotal": line.subtotal,
            "total_amount": line.total,
            "discount_amount": line.fields.get("discount_amount") or 0,
        }
    )


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields.get("external_id")
    known = books.by_external_id(Invoice, external_id)
    if known is not None:
        return _answer(call, 200, known)
    check_currency(books, fields)
    customer = find_party(books, Customer, fields)
    lines = lines_of(fields["line_items"], books, call.world.new_id)
    subtotal, tax, total = totals_of(fields, lines)
    sent_at = instant(sent_at=call.body.sent_at)
    assert sent_at is not None  # the model requires it
    invoice = Invoice(
        id=call.world.new_id(),
        external_id=external_id,
        number=fields.get("invoice_number") or f"INV-{len(books.invoices) + 1:06d}",
        fields=fields,
        customer=customer,
        sent_at=sent_at,
        due_at=instant(due_at=call.body.due_at),
        voided_at=instant(voided_at=call.body.voided_at),
        lines=lines,
        subtotal=subtotal,
        tax=tax,
        total=total,
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(invoice)
    books.record(invoice)
    return _answer(call, 201, invoice)


def _get(call: Call) -> Answer:
    return _answer(call, 200, _named(call))


def _list(call: Call) -> Answer:
    asked = call.query
    customers = set(asked.get("customer_id", ()))

    def wanted(invoice: Invoice) -> bool:
        customer = invoice.customer
        name = customer.name if customer else None
        external_id = customer.external_id if customer else None
        return (
            (not customers or (customer is not None and customer.id in customers))
            and asked.get("customer_external_id") in (None, external_id)
            and has_status(call, invoice)
            and within(invoice.total, asked.get("min_amount"), asked.get("max_amount"))
            and within(invoice.due_at, asked.get("due_at_start"), asked.get("due_at_end"))
            and within_days(invoice.sent_at, asked.get("sent_at_start"), asked.get("sent_at_end"))
            and matches_text(asked.get("memo_contains"), [invoice.fields.get("memo")])
            and matches_text(asked.get("search"), [invoice.number, invoice.external_id, name])
        )

    rows = list(call.books.invoices.values())
    if is_filtered(call):
        rows = [invoice for invoice in rows if wanted(invoice)]
    return page_of(call, rows, lambda row: _view(call, row))


def _update(call: Call) -> Answer:
    books, invoice, changes = call.books, _named(call), call.changes()
    if invoice.voided_at:
        raise conflict("A voided invoice can't be changed.")
    external_id = changes.get("external_id", invoice.external_id)
    check_external_id(books, invoice, external_id)
    customer = _changed_customer(books, invoice, changes)
    lines = invoice.lines
    if changes.get("line_items") is not None:
        lines = lines_of(changes["line_items"], books, call.world.new_id)
    fields = {**invoice.fields, **changes}
    subtotal, tax, total = totals_of(fields, lines)
    if total < invoice.settled:
        text = f"{invoice.settled} of the invoice is paid, credited or written off"
        raise conflict(f"{text}; its total can't be less.")
    due_at = instant(due_at=call.body.due_at) if "due_at" in changes else invoice.due_at
    invoice.documents = sent_documents(call) or invoice.documents
    books.rename(invoice, external_id)
    invoice.fields, invoice.customer, invoice.lines = fields, customer, lines
    invoice.subtotal, invoice.tax, invoice.total = subtotal, tax, total
    invoice.number = changes.get("invoice_number") or invoice.number
    invoice.due_at = due_at
    invoice.updated_at = call.now
    books.record(invoice)
    return _answer(call, 200, invoice)


def _changed_customer(books: Books, invoice: Invoice, changes: dict[str, Any]) -> Customer | None:
    """The customer after a change. Raises 400 and 409."""
    customer = find_party(books, Customer, changes) or invoice.customer
    settlers: set[Party | None] = {payment.customer for payment in invoice.payments.values()}
    settlers |= {credit.party for credit in invoice.credits.values()}
    if settlers - {None, customer}:
        raise conflict("Payments or credits of its present customer settle the invoice.")
    return customer


def _void(call: Call) -> Answer:
    invoice = _named(call)
    if invoice.voided_at:
        raise conflict("The invoice is voided already.")
    if invoice.payments:
        raise conflict("The invoice has payments; refund or cancel them first.")
    if invoice.credits:
        raise conflict("Credits are applied to the invoice; take them off it first.")
    if invoice.write_offs:
        raise conflict("A part of the invoice is written off, which can't be undone.")
    invoice.voided_at = invoice.updated_at = call.now
    call.books.record(invoice)
    return _answer(call, 200, invoice)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_INVOICE.id: _create,
    operations.FETCH_INVOICE.id: _get,
    operations.LIST_INVOICES.id: _list,
    operations.UPDATE_INVOICE.id: _update,
    operations.VOID_INVOICE.id: _void,
}
