"""Payments of vendor refunds, each made together with its refund, and what becomes of them."""

from __future__ import annotations

from typing import Any

from ... import operations
from ..books import VendorRefund, VendorRefundPayment
from ..call import Answer, Call, Handler
from ..filtering import matches_text, within
from ..idempotency import answer_once
from ..paging import page_of
from ..problems import REQUIRED, conflict, duplicate, invalid
from .vendor_refund_views import listed_payment_view, payment_view
from .vendor_refunds import check_fee, new_refund, release

__all__ = ["HANDLERS"]

# The fields of a request that are the payment's; the last three are the refund's as well.
_OF_PAYMENT = (
    "external_id",
    "payment_method",
    "processor",
    "payment_reference",
    "processing_fee_cents",
    "description",
    "memo",
    "metadata",
)


def _named(call: Call) -> VendorRefundPayment:
    return call.named(VendorRefundPayment, "vendor_refund_payment_id")


def _create(call: Call) -> Answer:
    payment = call.books.by_external_id(VendorRefundPayment, call.fields().get("external_id"))
    known = Answer(200, payment_view(call, payment)) if payment is not None else None
    return answer_once(call, known, lambda: _new(call))


def _new(call: Call) -> Answer:
    """A refund, its one payment and its allocations, or nothing of it. Raises 400 and 409."""
    fields = call.fields()
    if call.books.by_external_id(VendorRefund, fields.get("external_id")) is not None:
        raise duplicate("vendor refund")
    amount = fields["total_amount_cents"]
    check_fee(fields, amount)
    own = {name: fields[name] for name in _OF_PAYMENT if name in fields}
    refund = new_refund(call, fields, amount, [{**own, "refunded_amount_cents": amount}])
    (payment,) = refund.payments.values()
    return Answer(201, payment_view(call, payment))


def _get(call: Call) -> Answer:
    return Answer(200, payment_view(call, _named(call)))


def _list(call: Call) -> Answer:
    asked = call.query

    def wanted(payment: VendorRefundPayment) -> bool:
        fields = payment.fields
        return (
            asked.get("status") in (None, payment.status)
            and asked.get("payment_method") in (None, fields["payment_method"])
            and asked.get("refund_id") in (None, payment.refund.id)
            and within(
                payment.payment_date, asked.get("payment_date_start"), asked.get("payment_date_end")
            )
            and matches_text(asked.get("search"), [fields.get("payment_reference")])
        )

    rows = [one for one in call.books.vendor_refund_payments.values() if wanted(one)]
    return page_of(call, rows, lambda row: listed_payment_view(call, row))


def _update(call: Call) -> Answer:
    payment, changes = _named(call), call.changes()
    status = changes.pop("status", None) or payment.status
    check_fee(changes, payment.amount)
    if status != payment.status:
        _check_transition(payment, status, {**payment.fields, **changes})
    payment.fields.update(changes)
    _turn(call, payment, status)
    return Answer(200, payment_view(call, payment))


def _check_transition(payment: VendorRefundPayment, status: str, fields: dict[str, Any]) -> None:
    if status not in payment.following:
        raise conflict(f"A {payment.status} payment can't become {status}.")
    if status == "failed" and not fields.get("failure_reason"):
        raise invalid(failure_reason=REQUIRED)


def _turn(call: Call, payment: VendorRefundPayment, status: str) -> None:
    """Give a payment a status, and let its refund follow."""
    refund, is_change = payment.refund, status != payment.status
    payment.turn(status, call.now)
    if is_change:
        refund.updated_at = call.now
        if refund.is_cancelled:
            release(call, refund)
            call.books.record(refund)
    call.books.record(payment)


def _delete(call: Call) -> Answer:
    payment = _named(call)
    if payment.status not in ("pending", "failed"):
        raise conflict(f"A {payment.status} payment can't be deleted.")
    _turn(call, payment, "cancelled")
    return Answer(
        200,
        {
            "message": "Vendor refund payment cancelled.",
            "payment_id": payment.id,
            "refund_id": payment.refund.id,
            "status": payment.status,
            "updated_at": payment.updated_at,
        },
    )


HANDLERS: dict[str, Handler] = {
    operations.CREATE_VENDOR_REFUND_PAYMENT.id: _create,
    operations.GET_VENDOR_REFUND_PAYMENT.id: _get,
    operations.LIST_VENDOR_REFUND_PAYMENTS.id: _list,
    operations.UPDATE_VENDOR_REFUND_PAYMENT.id: _update,
    operations.DELETE_VENDOR_REFUND_PAYMENT.id: _delete,
}
