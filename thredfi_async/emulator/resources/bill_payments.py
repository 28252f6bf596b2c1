"""Payments to vendors, and how they are allocated to bills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from ... import operations
from ..allocations import asked_shares, check_refunded
from ..books import UNPAID_BY, Bill, BillAllocation, BillPayment, Books, Vendor
from ..call import Answer, Call, Handler, without_none
from ..checks import check_currency, find_party
from ..filtering import matches_text, within_days
from ..idempotency import answer_once
from ..paging import page_of
from ..problems import REQUIRED, conflict, invalid
from .bank_transactions import reconciled_bank_transactions
from .vendor_refund_views import allocated_refund_view

__all__ = ["HANDLERS", "cancel_payment", "record_payment"]

_SHOWN = "payment_reference check_number description memo failure_reason metadata".split()
# null leaves these as they are; it empties all other fields.
_NEVER_EMPTY = frozenset({"status", "allocations"})


def _named(call: Call) -> BillPayment:
    return call.named(BillPayment, "bill_payment_id")


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, payment: BillPayment) -> Answer:
    return Answer(status, _view(call.books, payment))


def _view(books: Books, payment: BillPayment) -> dict[str, Any]:
    """As all operations but the list show it."""
    fields = payment.fields
    return without_none(
        {
            **_list_view(books, payment),
            "business_id": books.id,
            "external_id": payment.external_id,
            "processing_fee_cents": payment.fee,
            "net_amount_cents": payment.amount - payment.fee,
            "submitted_at": payment.submitted_at,
            "completed_at": payment.completed_at,
            "failed_at": payment.failed_at,
            **{key: fields.get(key) for key in _SHOWN},
            "vendor_refund_allocations": [
                allocated_refund_view(refund, refund.payment_allocations[payment.id])
                for refund in payment.refunds.values()
            ],
        }
    )


def _list_view(books: Books, payment: BillPayment) -> dict[str, Any]:
    return without_none(
        {
            "id": payment.id,
            "vendor_id": payment.vendor.id,
            "vendor_name": payment.vendor.name,
            "payment_reference": payment.fields.get("payment_reference"),
            "payment_date": payment.payment_date,
            "amount_cents": payment.amount,
            "currency": books.currency,
            "payment_method": payment.method,
            "status": payment.status,
            "allocated_amount_cents": payment.allocated,
            "unallocated_amount_cents": payment.unallocated,
            "is_fully_allocated": not payment.unallocated,
            "allocations": [
                _allocation_view(books.bills[bill_id], one)
                for bill_id, one in payment.allocations.items()
            ],
            "reconciled_bank_transactions": reconciled_bank_transactions(books, payment.id),
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
        }
    )


def _allocation_view(bill: Bill, allocation: BillAllocation) -> dict[str, Any]:
    return without_none(
        {
            "id": allocation.id,
            "bill_id": bill.id,
            "bill_number": bill.number,
            "vendor_bill_number": bill.fields.get("vendor_bill_number") or "",
            "bill_status": bill.status,
            "amount_cents": allocation.amount,
            "allocation_date": allocation.at,
            "created_at": allocation.at,
            "description": allocation.description,
        }
    )


# --- create ----------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    payment = call.books.by_external_id(BillPayment, call.fields().get("external_id"))
    known = _answer(call, 200, payment) if payment is not None else None
    return answer_once(call, known, lambda: _new(call))


def _new(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    check_currency(books, fields)
    _check_number(fields)
    vendor = find_party(books, Vendor, fields)
    if vendor is None:
        raise invalid(vendor_id=REQUIRED)
    day = call.body.payment_date or call.now.date()
    return _answer(call, 201, record_payment(call, vendor, fields, day, "pending"))


def record_payment(
    call: Call, vendor: Vendor, fields: dict[str, Any], day: date, status: str
) -> BillPayment:
    """Keep a new payment with its allocations, all of it or nothing. Raises 400."""
    fields.setdefault("payment_method", "bank_transfer")
    payment = BillPayment(
        id=call.world.new_id(),
        external_id=fields.get("external_id"),
        fields=fields,
        vendor=vendor,
        amount=fields["amount_cents"],
        status="pending",
        payment_date=day,
        created_at=call.now,
        updated_at=call.now,
    )
    wanted = _wanted(call, payment, fields.get("allocations") or ())
    call.books.add(payment)
    _settle(call, payment, status, wanted)
    return payment


# --- allocations -----------------------------------------------------------------------


def _wanted(
    call: Call, payment: BillPayment, asked: Sequence[Mapping[str, Any]]
) -> dict[str, BillAllocation]:
    """What a payment is to pay, by bill id. Raises 400 and 409, and changes nothing."""
    held = {bill_id: one.amount for bill_id, one in payment.allocations.items()}
    shares = asked_shares(call.books, Bill, asked, "amount_cents", party=payment.vendor, held=held)
    left = payment.amount - payment.refunded
    if sum(shares.values()) > left:
        raise invalid(allocations=f"They add up to more than the payment, {left}.")
    check_refunded(call.books, Bill, held, shares)
    said = {one["bill_id"]: one["description"] for one in asked if one.get("description")}
    return {
        bill_id: _allocation(call, payment.allocations.get(bill_id), share, said.get(bill_id))
        for bill_id, share in shares.items()
    }


def _allocation(
    call: Call, known: BillAllocation | None, amount: int, description: str | None
) -> BillAllocation:
    """A new allocation, or what becomes of one that the payment has already."""
    if known is None:
        known = BillAllocation(id=call.world.new_id(), amount=amount, at=call.now)
    return attrs.evolve(known, amount=amount, description=description or known.description)


def _released(call: Call, payment: BillPayment) -> dict[str, BillAllocation]:
    """What a payment that pays nothing any more is to pay. Raises 409."""
    if payment.refunded:
        raise conflict(f"{payment.refunded} of the payment has been refunded.")
    return _wanted(call, payment, ())


def _settle(
    call: Call, payment: BillPayment, status: str, wanted: Mapping[str, BillAllocation]
) -> None:
    """Give a payment a status, and let it pay what `_wanted` found right and nothing else."""
    books, held = call.books, payment.allocations
    payment.allocations = dict(wanted)
    payment.turn(status, call.now)
    books.record(payment)
    for bill_id in {**held, **wanted}:
        if held.get(bill_id) != wanted.get(bill_id):
            bill = books.bills[bill_id]
            if bill_id in wanted:
                bill.payments[payment.id] = payment
            else:
                del bill.payments[payment.id]
            bill.updated_at = call.now
            books.record(bill)


# --- the other operations --------------------------------------------------------------


def _get(call: Call) -> Answer:
    return _answer(call, 200, _named(call))


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books

    def wanted(payment: BillPayment) -> bool:
        start, end = asked.get("payment_date_start"), asked.get("payment_date_end")
        texts = [payment.fields.get(name) for name in ("payment_reference", "check_number")]
        return (
            asked.get("bill_id") in (None, *payment.allocations)
            and asked.get("vendor_id") in (None, payment.vendor.id)
            and asked.get("status") in (None, payment.status)
            and asked.get("payment_method") in (None, payment.method)
            and within_days(payment.paid_at, start, end)
            and matches_text(asked.get("search"), texts)
        )

    rows = [payment for payment in books.bill_payments.values() if wanted(payment)]
    return page_of(call, rows, lambda row: _list_view(books, row))


def _update(call: Call) -> Answer:
    payment, changes = _named(call), call.changes(_NEVER_EMPTY)
    status = changes.get("status", payment.status)
    become = {**payment.fields, **changes}
    _check_status(payment, status, become)
    _check_number(become)
    wanted: Mapping[str, BillAllocation] = payment.allocations
    if status in UNPAID_BY:
        if changes.get("allocations"):
            raise invalid(allocations=f"A {status} payment pays no bill.")
        wanted = _released(call, payment)
    elif "allocations" in changes:
        wanted = _wanted(call, payment, changes["allocations"])
    payment.fields.update(changes)
    _settle(call, payment, status, wanted)
    return _answer(call, 200, payment)


def _check_status(payment: BillPayment, status: str, fields: Mapping[str, Any]) -> None:
    """Refuse a change of status that can't be. Raises 400 and 409."""
    if status == payment.status:
        return
    if not payment.following:
        raise conflict(f"A {payment.status} payment stays so; record a new one.")
    if status not in payment.following:
        possible = ", ".join(payment.following)
        raise conflict(f"A {payment.status} payment can become {possible} only.")
    if status == "failed" and not fields.get("failure_reason"):
        raise invalid(failure_reason="Required with the status failed.")


def _check_number(fields: Mapping[str, Any]) -> None:
    """Refuse a check without its number. Raises 400."""
    if fields.get("payment_method") == "check" and not fields.get("check_number"):
        raise invalid(check_number="Required with the payment_method check.")


def _delete(call: Call) -> Answer:
    payment = _named(call)
    if payment.status not in ("pending", "failed"):
        raise conflict(f"A {payment.status} payment can't be deleted.")
    cancel_payment(call, payment)
    return Answer(
        200,
        {
            "message": "Bill payment cancelled.",
            "payment_id": payment.id,
            "status": payment.status,
            "updated_at": payment.updated_at,
        },
    )


def cancel_payment(call: Call, payment: BillPayment) -> None:
    """Let a payment pay nothing any more, for good. Raises 409."""
    _settle(call, payment, "cancelled", _released(call, payment))


HANDLERS: dict[str, Handler] = {
    operations.CREATE_BILL_PAYMENT.id: _create,
    operations.GET_BILL_PAYMENT.id: _get,
    operations.LIST_BILL_PAYMENTS.id: _list,
    operations.UPDATE_BILL_PAYMENT.id: _update,
    operations.DELETE_BILL_PAYMENT.id: _delete,
}
