"""Payments of customers, and how they are allocated to invoices."""

from __future__ import annotations

from datetime import date
from typing import Any

from .. import operations
from .books import LIVE_PAYMENT, Books, Invoice, Payment
from .call import Answer, Call, Handler, instant, without_none
from .customers import find_customer
from .paging import matches_text, page_of, within
from .problems import conflict, invalid, not_found

__all__ = ["HANDLERS"]

_REQUIRED = ("customer_id", "total_amount_cents", "currency", "payment_date", "payment_method")


def _named(call: Call) -> Payment:
    found = call.books.payments.get(call.path["payment_id"])
    if found is None:
        raise not_found("payment")
    return found


def _wrapped(call: Call, status: int, payment: Payment) -> Answer:
    """The shape that the writing operations answer."""
    books, fields = call.books, payment.fields
    left = payment.amount - payment.allocated
    view = {
        "id": payment.id,
        "business_id": books.id,
        "customer_id": payment.customer.id if payment.customer else None,
        "total_amount_cents": payment.amount,
        "applied_amount_cents": payment.allocated,
        "allocated_amount_cents": payment.allocated,
        "unapplied_amount_cents": left,
        "remaining_amount_cents": left,
        "currency": books.currency,
        "status": payment.status,
        "payment_method": payment.method,
        "payment_reference": fields.get("payment_reference"),
        "external_id": payment.external_id,
        "note": fields.get("note") or fields.get("notes"),
        "bank_reference": _bank_reference(payment),
        "metadata": fields.get("metadata") or {},
        "idempotency_key": payment.idempotency_key,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
        "applied_invoices": [
            {
                "id": invoice.id,
                "invoice_number": invoice.number,
                "applied_amount_cents": amount,
                "status": invoice.status,
                "outstanding_amount_cents": invoice.outstanding,
            }
            for invoice, amount in _allocated(books, payment)
        ],
    }
    return Answer(status, {"payment": without_none(view)})


def _listed(books: Books, payment: Payment) -> dict[str, Any]:
    """The shape that the reading operations answer."""
    fields, customer = payment.fields, payment.customer
    email = customer.fields.get("email") if customer else None
    return without_none(
        {
            "id": payment.id,
            "customer": without_none(
                {
                    "id": customer.id,
                    "name": customer.name,
                    "email": email,
                    "company_name": customer.fields.get("company_name"),
                }
            )
            if customer
            else None,
            "customer_name": customer.name if customer else None,
            "customer_email": email,
            "payment_method": payment.method,
            "total_amount": payment.amount,
            "allocated_amount": payment.allocated,
            "unallocated_amount": payment.amount - payment.allocated,
            "net_amount": payment.amount - payment.fee,
            "processing_fee": payment.fee,
            "processing_fee_cents": payment.fee,
            "display_amount": f"{payment.amount} minor units {books.currency}",
            "is_fully_allocated": payment.allocated == payment.amount,
            "is_completed": payment.status == "completed",
            "processed_at": payment.created_at if payment.status == "completed" else None,
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
            "allocations": [
                {
                    "id": payment.allocation_ids[invoice.id],
                    "invoice_id": invoice.id,
                    "invoice_number": invoice.number,
                    "invoice_status": invoice.status,
                    "amount": amount,
                    "allocated_at": payment.created_at,
                }
                for invoice, amount in _allocated(books, payment)
            ],
            "refund_allocations": [],
            "reconciled_bank_transactions": [],
            "payment_date": payment.payment_date,
            "currency": books.currency,
            "status": payment.status,
            "payment_reference": fields.get("payment_reference"),
            "external_id": payment.external_id,
            "processor_reference": fields.get("processor_reference"),
            "bank_reference": _bank_reference(payment),
            "payment_processor": fields.get("payment_processor"),
            "notes": fields.get("notes") or fields.get("note"),
            "transaction_tags": fields.get("transaction_tags"),
            "metadata": fields.get("metadata"),
        }
    )


def _bank_reference(payment: Payment) -> Any:
    references = payment.fields.get("references") or {}
    return payment.fields.get("bank_reference") or references.get("bank_reference")


def _allocated(books: Books, payment: Payment) -> list[tuple[Invoice, int]]:
    return [(books.invoices[name], amount) for name, amount in payment.allocations.items()]


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields.get("external_id")
    key = call.headers.get("Idempotency-Key")
    stored = books.stored_answers.get((call.operation.id, key)) if key else None
    if stored is not None:
        return Answer(200, stored)
    known = books.by_external_id(Payment, external_id)
    if known is not None:
        return _wrapped(call, 200, known)
    payment = _new_payment(call, fields, key)
    _allocate(call, payment, _asked_allocations(fields, payment.amount))
    books.add(payment)
    answer = _wrapped(call, 201, payment)
    if key:
        books.stored_answers[call.operation.id, key] = answer.body
    return answer


def _new_payment(call: Call, fields: dict[str, Any], key: str | None) -> Payment:
    """A payment without its allocations. Raises 400."""
    books = call.books
    if fields.get("invoice_id") is not None:  # the guides' form: one invoice, paid by amount_cents
        invoice = books.invoices.get(fields["invoice_id"])
        if invoice is None:
            raise invalid(invoice_id="No invoice of this business has this id.")
        fields.setdefault("total_amount_cents", fields.get("amount_cents"))
        fields.setdefault("currency", books.currency)
        if invoice.customer is not None:
            fields.setdefault("customer_id", invoice.customer.id)
        required = [name for name in _REQUIRED if name != "customer_id"]
    else:
        required = list(_REQUIRED)
    missing = {name: "This field is required." for name in required if fields.get(name) is None}
    if missing:
        raise invalid(**missing)
    if fields["currency"] != books.currency:
        raise invalid(currency=f"The base currency of the business is {books.currency}.")
    return Payment(
        id=call.world.new_id(),
        external_id=fields.get("external_id"),
        idempotency_key=key,
        fields=fields,
        customer=find_customer(books, fields),
        amount=fields["total_amount_cents"],
        fee=fields.get("processing_fee_cents") or 0,
        method=fields["payment_method"],
        payment_date=date.fromisoformat(fields["payment_date"]),
        status="completed",
        created_at=call.now,
        updated_at=call.now,
    )


def _asked_allocations(fields: dict[str, Any], amount: int) -> list[dict[str, Any]]:
    asked = fields.get("allocations")
    if asked is None and fields.get("invoice_id") is not None:
        return [{"invoice_id": fields["invoice_id"], "amount_cents": amount}]
    return list(asked or [])


def _allocate(call: Call, payment: Payment, asked: list[dict[str, Any]]) -> None:
    """Allocate a payment anew. Raises 400 and changes nothing where that can't be done."""
    books = call.books
    wanted: dict[str, int] = {}
    for number, one in enumerate(asked):
        path = f"allocations[{number}]"
        if one.get("amount_cents") is None:
            raise invalid(**{f"{path}.amount_cents": "This field is required."})
        invoice = books.invoices.get(one.get("invoice_id") or "")
        if invoice is None:
            raise invalid(**{f"{path}.invoice_id": "No invoice of this business has this id."})
        wanted[invoice.id] = wanted.get(invoice.id, 0) + one["amount_cents"]
        own = payment.allocations.get(invoice.id, 0)
        if invoice.voided_at:
            raise invalid(**{f"{path}.invoice_id": "The invoice is voided."})
        if payment.customer and invoice.customer not in (None, payment.customer):
            raise invalid(**{f"{path}.invoice_id": "The invoice is another customer's."})
        if wanted[invoice.id] > invoice.outstanding + own:
            left = invoice.outstanding + own
            raise invalid(**{f"{path}.amount_cents": f"Only {left} of the invoice is outstanding."})
        if invoice.refunded and wanted[invoice.id] + invoice.paid - own < invoice.refunded:
            raise invalid(**{f"{path}.amount_cents": "More than that has been refunded."})
    if sum(wanted.values()) > payment.amount:
        raise invalid(allocations=f"They add up to more than the payment, {payment.amount}.")
    for name in payment.allocations.keys() - wanted.keys():
        invoice = books.invoices[name]
        if invoice.refunded > invoice.paid - payment.allocations[name]:
            raise invalid(allocations=f"Invoice {invoice.number} has been refunded.")
    _release(call, payment)
    for name, amount in wanted.items():
        invoice = books.invoices[name]
        invoice.paid += amount
        invoice.payments[payment.id] = payment
        invoice.paid_at = instant(payment.payment_date) if invoice.outstanding == 0 else None
        invoice.updated_at = call.now
        payment.allocations[name] = amount
        payment.allocation_ids[name] = call.world.new_id()


def _release(call: Call, payment: Payment) -> None:
    """Take a payment off the invoices that it is allocated to."""
    for name, amount in payment.allocations.items():
        invoice = call.books.invoices[name]
        invoice.paid -= amount
        del invoice.payments[payment.id]
        invoice.paid_at = None
        invoice.updated_at = call.now
    payment.allocations.clear()
    payment.allocation_ids.clear()


def _get(call: Call) -> Answer:
    return Answer(200, _listed(call.books, _named(call)))


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books
    customers = set(asked.get("customer_id") or ())

    def wanted(payment: Payment) -> bool:
        customer = payment.customer
        fields = payment.fields
        full = payment.allocated == payment.amount
        return (
            (not customers or (customer is not None and customer.id in customers))
            and asked.get("invoice_id") in (None, *payment.allocations)
            and asked.get("fully_allocated") in (None, full)
            and within(instant(payment.payment_date), asked.get("date_from"), asked.get("date_to"))
            and within(payment.amount, asked.get("min_amount"), asked.get("max_amount"))
            and asked.get("method") in (None, payment.method)
            and asked.get("status") in (None, payment.status)
            and asked.get("payment_processor") in (None, fields.get("payment_processor"))
            and matches_text(
                asked.get("search"),
                [
                    fields.get("payment_reference"),
                    payment.external_id,
                    fields.get("processor_reference"),
                    _bank_reference(payment),
                    customer.name if customer else None,
                    fields.get("notes") or fields.get("note"),
                ],
            )
        )

    keys: dict[str, Any] = {
        "payment_date": lambda payment: payment.payment_date,
        "amount": lambda payment: payment.amount,
        "created_at": lambda payment: payment.created_at,
    }
    rows = sorted(
        filter(wanted, books.payments.values()),
        key=keys[asked.get("sort_by") or "payment_date"],
        reverse=(asked.get("order") or "desc") == "desc",
    )
    return page_of(call, rows, lambda row: _listed(books, row))


def _update(call: Call) -> Answer:
    books, payment, fields = call.books, _named(call), call.fields()
    external_id = fields.get("external_id", payment.external_id)
    if books.by_external_id(Payment, external_id) not in (None, payment):
        raise conflict("Another payment has this external_id.")
    if fields.get("currency") not in (None, books.currency):
        raise invalid(currency=f"The base currency of the business is {books.currency}.")
    amount = fields.get("total_amount_cents") or payment.amount
    if "allocations" not in fields and amount < payment.allocated:
        raise invalid(total_amount_cents=f"{payment.allocated} of it is allocated.")
    customer = find_customer(books, fields) or payment.customer
    status = str(fields.get("status") or payment.status)
    _check_status(payment, status)
    before = payment.amount, payment.customer
    payment.amount, payment.customer = amount, customer
    try:
        if status not in LIVE_PAYMENT:
            _allocate(call, payment, [])
        elif fields.get("allocations") is not None:
            _allocate(call, payment, fields["allocations"])
    except Exception:
        payment.amount, payment.customer = before
        raise
    books.rename(payment, external_id)
    payment.fields.update(fields)
    payment.status = status
    payment.fee = payment.fields.get("processing_fee_cents") or 0
    payment.method = payment.fields["payment_method"]
    payment.payment_date = date.fromisoformat(payment.fields["payment_date"])
    payment.updated_at = call.now
    return _wrapped(call, 200, payment)


def _check_status(payment: Payment, status: str) -> None:
    if payment.status not in LIVE_PAYMENT and status in LIVE_PAYMENT:
        raise conflict(f"A {payment.status} payment stays so; record a new one.")


def _delete(call: Call) -> Answer:
    payment = _named(call)
    if payment.status not in ("pending", "failed"):
        raise conflict(f"A {payment.status} payment can't be deleted; refund it instead.")
    _allocate(call, payment, [])
    payment.status = "cancelled"
    payment.updated_at = call.now
    return Answer(
        200,
        {
            "message": "Payment cancelled.",
            "payment_id": payment.id,
            "status": payment.status,
            "updated_at": payment.updated_at,
        },
    )


HANDLERS: dict[str, Handler] = {
    operations.CREATE_INVOICE_PAYMENT.id: _create,
    operations.GET_INVOICE_PAYMENT.id: _get,
    operations.LIST_INVOICE_PAYMENTS.id: _list,
    operations.UPDATE_INVOICE_PAYMENT.id: _update,
    operations.PARTIAL_UPDATE_INVOICE_PAYMENT.id: _update,
    operations.DELETE_INVOICE_PAYMENT.id: _delete,
}
