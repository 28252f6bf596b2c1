"""Invoices: what they add up to, and what has become of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .. import operations
from .books import Books, Invoice, Line
from .call import Answer, Call, Handler, World, instant, without_none
from .customers import customer_view, find_customer
from .paging import matches_text, page_of, within, within_days
from .problems import conflict, invalid, not_found

__all__ = ["HANDLERS", "named_invoice"]

_LINE_SHOWN = ("external_id", "description", "product", "quantity", "tax_code")


def named_invoice(call: Call) -> Invoice:
    """The invoice that the path names. Raises 404."""
    found = call.books.invoices.get(call.path["invoice_id"])
    if found is None:
        raise not_found("invoice")
    return found


def invoice_view(call: Call, invoice: Invoice) -> dict[str, Any]:
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
            "currency": fields.get("currency") or books.currency,
            "customer": customer_view(books, invoice.customer) if invoice.customer else None,
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
            "payment_allocations": [
                {
                    "payment_id": payment.id,
                    "payment_date": payment.payment_date.isoformat(),
                    "payment_method": payment.method,
                    "amount_cents": payment.allocations[invoice.id],
                }
                for payment in invoice.payments.values()
            ],
            "credit_allocations": [],
            "refund_allocations": [
                without_none(
                    {
                        "refund_id": refund.id,
                        "amount_cents": refund.amount,
                        "allocated_at": refund.created_at,
                        "reference_number": refund.fields.get("reference_number"),
                    }
                )
                for refund in invoice.refunds.values()
            ],
            "write_offs": [],
            "transaction_tags": fields.get("transaction_tags"),
            "metadata": fields.get("metadata"),
            "created_at": invoice.created_at,
            "updated_at": invoice.updated_at,
        }
    )


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


def _lines(world: World, books: Books, items: list[dict[str, Any]]) -> list[Line]:
    if not items:
        raise invalid(line_items="An invoice needs at least one line.")
    return [_line(world, books, item, f"line_items[{n}]") for n, item in enumerate(items)]


def _line(world: World, books: Books, item: dict[str, Any], path: str) -> Line:
    price = item.get("unit_price", item.get("unit_price_cents"))
    if price is None:
        raise invalid(**{f"{path}.unit_price": "This field is required."})
    net = _product(item["quantity"], price) - (item.get("discount_amount") or 0)
    return Line(
        id=world.new_id(),
        fields=item,
        unit_price=price,
        subtotal=net,
        tax=_line_tax(books, item, net, path),
    )


def _product(quantity: float, amount: int) -> int:
    """``quantity`` times an amount, to the nearest minor unit, halves up."""
    # repr gives the decimal that was written in the JSON; the float itself is a little off.
    exact = Decimal(repr(quantity)) * amount
    return int(exact.to_integral_value(ROUND_HALF_UP))


def _line_tax(books: Books, item: Mapping[str, Any], net: int, path: str) -> int:
    amounts = [tax.get("amount") for tax in item.get("sales_taxes") or ()]
    given = [amount for amount in amounts if amount is not None]
    code = item.get("tax_code")
    if code is None:
        return sum(given)
    known = next((tax for tax in books.tax_codes if tax["code"] == code), None)
    if known is None:
        listed = ", ".join(tax["code"] for tax in books.tax_codes)
        raise invalid(**{f"{path}.tax_code": f"Unknown tax code {code!r}. Known are {listed}."})
    # An explicit amount wins over the one computed from the rate.
    return sum(given) if given else _product(known["rate"], net)


def _amounts(fields: Mapping[str, Any], lines: list[Line]) -> tuple[int, int, int]:
    """Net, tax and gross of an invoice."""
    taxes = fields.get("additional_sales_taxes_total")
    if not taxes:
        listed = fields.get("additional_sales_taxes") or ()
        taxes = sum(one.get("amount") or 0 for one in listed if isinstance(one, dict))
    subtotal = sum(line.subtotal for line in lines) - (fields.get("additional_discount") or 0)
    tax = sum(line.tax for line in lines) + taxes
    total = subtotal + tax + (fields.get("tips") or 0)
    if total < 0:
        raise invalid(line_items="The total of an invoice can't be negative.")
    return subtotal, tax, total


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields.get("external_id")
    known = books.by_external_id(Invoice, external_id)
    if known is not None:
        return Answer(200, invoice_view(call, known))
    if fields.get("currency") not in (None, books.currency):
        raise invalid(currency=f"The currency of the business is {books.currency}.")
    customer = find_customer(books, fields)
    lines = _lines(call.world, books, fields["line_items"])
    subtotal, tax, total = _amounts(fields, lines)
    invoice = Invoice(
        id=call.world.new_id(),
        external_id=external_id,
        number=fields.get("invoice_number") or f"INV-{len(books.invoices) + 1:06d}",
        fields=fields,
        customer=customer,
        sent_at=instant(call.body.sent_at),
        due_at=instant(call.body.due_at) if fields.get("due_at") else None,
        voided_at=call.body.voided_at if fields.get("voided_at") else None,
        lines=lines,
        subtotal=subtotal,
        tax=tax,
        total=total,
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(invoice)
    return Answer(201, invoice_view(call, invoice))


def _get(call: Call) -> Answer:
    return Answer(200, invoice_view(call, named_invoice(call)))


def _list(call: Call) -> Answer:
    asked = call.query
    customers = set(asked.get("customer_id") or ())
    statuses = {status.lower() for status in asked.get("status") or ()}

    def wanted(invoice: Invoice) -> bool:
        customer = invoice.customer
        name = customer.name if customer else None
        external_id = customer.external_id if customer else None
        return (
            (not customers or (customer is not None and customer.id in customers))
            and asked.get("customer_external_id") in (None, external_id)
            and _has_status(invoice, statuses, call)
            and within(invoice.total, asked.get("min_amount"), asked.get("max_amount"))
            and within(invoice.due_at, asked.get("due_at_start"), asked.get("due_at_end"))
            and within_days(invoice.sent_at, asked.get("sent_at_start"), asked.get("sent_at_end"))
            and matches_text(asked.get("memo_contains"), [invoice.fields.get("memo")])
            and matches_text(asked.get("search"), [invoice.number, invoice.external_id, name])
        )

    rows = [invoice for invoice in call.books.invoices.values() if wanted(invoice)]
    return page_of(call, rows, lambda row: invoice_view(call, row))


def _has_status(invoice: Invoice, statuses: set[str], call: Call) -> bool:
    if not statuses or invoice.status in statuses:
        return True
    return "overdue" in statuses and invoice.is_overdue(call.now)


def _update(call: Call) -> Answer:
    books, invoice, fields = call.books, named_invoice(call), call.fields()
    if invoice.voided_at:
        raise conflict("A voided invoice can't be changed.")
    external_id = fields.get("external_id", invoice.external_id)
    if books.by_external_id(Invoice, external_id) not in (None, invoice):
        raise conflict("Another invoice has this external_id.")
    customer = find_customer(books, fields) or invoice.customer
    changed = {**invoice.fields, **fields}
    lines = invoice.lines
    if fields.get("line_items") is not None:
        lines = _lines(call.world, books, fields["line_items"])
    subtotal, tax, total = _amounts(changed, lines)
    if total < invoice.paid:
        raise conflict("The total can't be less than what has been paid.")
    books.rename(invoice, external_id)
    invoice.fields, invoice.customer, invoice.lines = changed, customer, lines
    invoice.subtotal, invoice.tax, invoice.total = subtotal, tax, total
    invoice.number = fields.get("invoice_number") or invoice.number
    if "due_at" in fields:
        invoice.due_at = instant(call.body.due_at) if call.body.due_at else None
    invoice.updated_at = call.now
    return Answer(200, invoice_view(call, invoice))


def _void(call: Call) -> Answer:
    invoice = named_invoice(call)
    if invoice.voided_at:
        raise conflict("The invoice is voided already.")
    if invoice.payments:
        raise conflict("The invoice has payments; refund or cancel them first.")
    invoice.voided_at = invoice.updated_at = call.now
    return Answer(200, invoice_view(call, invoice))


HANDLERS: dict[str, Handler] = {
    operations.CREATE_INVOICE.id: _create,
    operations.FETCH_INVOICE.id: _get,
    operations.LIST_INVOICES.id: _list,
    operations.UPDATE_INVOICE.id: _update,
    operations.VOID_INVOICE.id: _void,
}
