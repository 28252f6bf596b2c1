"""Refunds of invoices, and the payments that settle them."""

from __future__ import annotations

from typing import Any

from ... import operations
from ..books import Invoice, Refund, RefundPayment
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import find_row, not_negative
from ..documents import document_view, sent_documents
from ..filtering import matches_text, within
from ..paging import page_of
from ..problems import conflict, invalid, not_found
from .payouts import check_not_paid_out

__all__ = ["HANDLERS"]


def _named(call: Call) -> Refund:
    return call.named(Refund, "refund_id")


def _named_payment(call: Call) -> RefundPayment:
    found = _named(call).payments.get(call.path["payment_id"])
    if found is None:
        raise not_found("refund payment")
    return found


def _view(call: Call, refund: Refund) -> dict[str, Any]:
    customer, fields = refund.invoice.customer, refund.fields
    return without_none(
        {
            "id": refund.id,
            "refunded_amount": refund.amount,
            "customer_id": customer.id if customer else None,
            "customer_name": customer.name if customer else None,
            "allocations": [_allocation_view(refund)],
            "refund_payments": [_payment_view(payment) for payment in refund.payments.values()],
            "status": refund.status,
            "created_at": refund.created_at,
            "updated_at": refund.updated_at,
            "external_id": refund.external_id,
            "completed_at": refund.completed_at,
            "reference_number": fields.get("reference_number"),
            "memo": fields.get("memo"),
            "document": document_view(call, refund),
        }
    )


def _allocation_view(refund: Refund) -> dict[str, Any]:
    invoice = refund.invoice
    return {
        "id": refund.allocation_id,
        "allocation_type": "invoice",
        "amount": refund.amount,
        "invoice_id": invoice.id,
        "invoice_number": invoice.number,
        "invoice_outstanding_balance_cents": invoice.outstanding,
        "target_description": f"Invoice {invoice.number}",
        "allocation_date": refund.created_at,
    }


def _payment_view(payment: RefundPayment) -> dict[str, Any]:
    fields = payment.fields
    return without_none(
        {
            "id": payment.id,
            "refund_id": payment.refund.id,
            "refunded_amount": payment.amount,
            "refund_processing_fee": payment.fee,
            "reconciled_bank_transactions": [],
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
            "external_id": payment.external_id,
            "completed_at": payment.completed_at,
            "method": fields["method"],
            "processor": fields.get("processor"),
            "transaction_tags": fields.get("transaction_tags"),
            "memo": fields.get("memo"),
        }
    )


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields.get("external_id")
    known = books.by_external_id(Refund, external_id)
    if known is not None:
        return Answer(200, _view(call, known))
    invoice = find_row(books, Invoice, fields["invoice_id"], "invoice_id")
    not_negative(fields, "refund_processing_fee_cents")
    left = invoice.paid - invoice.refunded
    if not left:
        raise invalid(invoice_id="Nothing that was paid of the invoice is left to refund.")
    amount = fields.get("amount_cents", left)
    if amount > left:
        raise invalid(amount_cents=f"Only {left} of what was paid can still be refunded.")
    refund = Refund(
        id=call.world.new_id(),
        allocation_id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        invoice=invoice,
        amount=amount,
        tax=invoice.tax_within(invoice.refunded + amount)
        - sum(earlier.tax for earlier in invoice.refunds.values()),
        completed_at=instant(completed_at=call.body.completed_at),
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    invoice.refunds[refund.id] = refund
    invoice.updated_at = call.now
    books.add(refund)
    books.record(refund)
    return Answer(201, _view(call, refund))


def _get(call: Call) -> Answer:
    return Answer(200, _view(call, _named(call)))


def _list(call: Call) -> Answer:
    asked = call.query

    def wanted(refund: Refund) -> bool:
        customer = refund.invoice.customer
        external_id = customer.external_id if customer else None
        completed = refund.completed_at or refund.created_at
        return (
            asked.get("customer_id") in (None, customer.id if customer else None)
            and asked.get("customer_external_id") in (None, external_id)
            and within(completed, asked.get("completed_at_start"), asked.get("completed_at_end"))
            and matches_text(
                asked.get("search"),
                [
                    refund.external_id,
                    refund.fields.get("reference_number"),
                    refund.fields.get("memo"),
                    refund.invoice.number,
                    customer.name if customer else None,
                ],
            )
        )

    rows = [refund for refund in call.books.refunds.values() if wanted(refund)]
    return page_of(call, rows, lambda row: _view(call, row))


def _delete(call: Call) -> Answer:
    refund = _named(call)
    if refund.payments:
        raise conflict("The refund has payments; delete them first.")
    invoice = refund.invoice
    del invoice.refunds[refund.id]
    invoice.updated_at = call.now
    call.books.remove(refund, call.now)
    return Answer(200)


def _get_allocation(call: Call) -> Answer:
    refund = _named(call)
    if call.path["allocation_id"] != refund.allocation_id:
        raise not_found("refund allocation")
    return Answer(200, _allocation_view(refund))


def _create_payment(call: Call) -> Answer:
    books, refund, fields = call.books, _named(call), call.fields()
    external_id = fields["external_id"]
    known = books.by_external_id(RefundPayment, external_id, within=refund.id)
    if known is not None:
        return Answer(200, _payment_view(known))
    left = refund.amount - refund.paid
    if fields["amount_cents"] > left:
        raise invalid(amount_cents=f"Only {left} of the refund is left to pay.")
    payment = RefundPayment(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        refund=refund,
        amount=fields["amount_cents"],
        fee=fields.get("refund_processing_fee_cents") or 0,
        completed_at=instant(completed_at=call.body.completed_at) or call.now,
        created_at=call.now,
        updated_at=call.now,
    )
    refund.payments[payment.id] = payment
    refund.updated_at = call.now
    books.add(payment)
    books.record(payment)
    return Answer(201, _payment_view(payment))


def _get_payment(call: Call) -> Answer:
    return Answer(200, _payment_view(_named_payment(call)))


def _list_payments(call: Call) -> Answer:
    return page_of(call, list(_named(call).payments.values()), _payment_view)


def _delete_payment(call: Call) -> Answer:
    payment = _named_payment(call)
    check_not_paid_out(payment)
    del payment.refund.payments[payment.id]
    payment.refund.updated_at = call.now
    call.books.remove(payment, call.now)
    return Answer(200)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_REFUND.id: _create,
    operations.FETCH_REFUND.id: _get,
    operations.LIST_REFUNDS.id: _list,
    operations.DELETE_REFUND.id: _delete,
    operations.GET_REFUND_ALLOCATION.id: _get_allocation,
    operations.CREATE_REFUND_PAYMENT.id: _create_payment,
    operations.FETCH_REFUND_PAYMENT.id: _get_payment,
    operations.LIST_REFUND_PAYMENTS.id: _list_payments,
    operations.DELETE_REFUND_PAYMENT.id: _delete_payment,
}
