"""Payouts of payment processors, and the payments that they settle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ... import operations
from ..books import Books, Payment, Payout, RefundPayment
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import check_currency, not_negative, required_text
from ..filtering import matches_text, within
from ..paging import page_of
from ..problems import conflict, invalid

__all__ = ["HANDLERS", "check_not_paid_out"]

# null leaves these as they are; it empties all other fields.
_NEVER_EMPTY = frozenset({"payment_ids", "refund_payment_ids"})

P = TypeVar("P", Payment, RefundPayment)


def check_not_paid_out(payment: Payment | RefundPayment) -> None:
    """Refuse to change what a payout has settled. Raises 409."""
    if payment.payout_id is not None:
        raise conflict("The payment is in a payout; take it out of that first.")


def _named(call: Call) -> Payout:
    return call.named(Payout, "payout_id")


# --- views -----------------------------------------------------------------------------


def _list_view(books: Books, payout: Payout) -> dict[str, Any]:
    """As lists show it."""
    fields = payout.fields
    return without_none(
        {
            "id": payout.id,
            "business_id": books.id,
            "external_id": payout.external_id,
            "processor": payout.processor,
            "processor_payout_id": fields.get("processor_payout_id"),
            "paid_out_amount_cents": payout.paid_out,
            "fee_cents": payout.fee,
            "additional_refunds_amount_cents": payout.additional_refunds,
            "net_amount_cents": payout.paid_out - payout.fee,
            "currency": books.currency,
            "status": payout.status,
            "completed_at": payout.completed_at,
            "imported_at": payout.created_at,
            "reference_number": fields.get("reference_number"),
            "memo": fields.get("memo"),
            "payment_count": len(payout.payments),
            "refund_payment_count": len(payout.refund_payments),
            "reconciliation_status": "unreconciled",
            "created_at": payout.created_at,
            "updated_at": payout.updated_at,
        }
    )


def _view(books: Books, payout: Payout) -> dict[str, Any]:
    """With its payments, and what they come to."""
    return {
        **_list_view(books, payout),
        "metadata": payout.fields.get("metadata") or {},
        "gross_payments_amount_cents": payout.gross,
        "total_refunds_amount_cents": payout.refunds,
        "expected_net_amount_cents": payout.expected,
        "amount_variance_cents": payout.paid_out - payout.expected,
        "payments": [_payment_view(books, one) for one in payout.payments.values()],
        "refund_payments": [_refund_payment_view(one) for one in payout.refund_payments.values()],
        "settlement_file_id": None,
    }


def _payment_view(books: Books, payment: Payment) -> dict[str, Any]:
    return without_none(
        {
            "id": payment.id,
            "external_id": payment.external_id,
            "payment_reference": payment.fields.get("payment_reference"),
            "customer_name": payment.customer.name if payment.customer else None,
            "payment_date": payment.payment_date,
            "total_amount_cents": payment.amount,
            "currency": books.currency,
        }
    )


def _refund_payment_view(payment: RefundPayment) -> dict[str, Any]:
    customer = payment.refund.invoice.customer
    return without_none(
        {
            "id": payment.id,
            "external_id": payment.external_id,
            "refund_id": payment.refund.id,
            "customer_name": customer.name if customer else None,
            "refunded_amount_cents": payment.amount,
            "completed_at": payment.completed_at,
        }
    )


# --- what it settles -------------------------------------------------------------------


def _settled(
    books: Books, known: Mapping[str, P], asked: Sequence[str], payout: Payout | None, name: str
) -> dict[str, P]:
    """The payments of these ids, if the payout can settle them. Raises 400."""
    found: dict[str, P] = {}
    for number, id in enumerate(asked):
        if id not in known:
            raise invalid(**{f"{name}[{number}]": "No payment of this business has this id."})
        payment = known[id]
        obstacle = _obstacle(books, payment, payout)
        if obstacle is not None:
            raise invalid(**{f"{name}[{number}]": obstacle})
        found[id] = payment
    return found


def _obstacle(books: Books, payment: Payment | RefundPayment, payout: Payout | None) -> str | None:
    """Why a payout (None: a new one) can't settle a payment, or None."""
    if payment.payout_id not in (None, payout.id if payout else None):
        return "The payment is in another payout."
    if isinstance(payment, Payment) and not payment.is_live:
        return f"The payment is {payment.status}."
    if payment.id in books.reconciliations:
        return "The payment is matched to a bank transaction of its own."
    return None


def _link(call: Call, payout: Payout, held: Mapping[str, P], wanted: Mapping[str, P]) -> None:
    """Let a payout settle these payments, which were found right, in place of those it held."""
    for id, payment in {**held, **wanted}.items():
        payout_id = payout.id if id in wanted else None
        if payment.payout_id != payout_id:
            payment.payout_id = payout_id
            payment.updated_at = call.now
            call.books.record(payment)


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    """Record a payout, or change the one with this external_id."""
    books, changes = call.books, _changes(call)
    known: Payout | None = books.by_external_id(Payout, changes["external_id"])
    payments = dict(known.payments) if known else {}
    if "payment_ids" in changes:
        payments = _settled(books, books.payments, changes["payment_ids"], known, "payment_ids")
    refund_payments = dict(known.refund_payments) if known else {}
    if "refund_payment_ids" in changes:
        name = "refund_payment_ids"
        refund_payments = _settled(books, books.refund_payments, changes[name], known, name)
    completed_at = instant(completed_at=call.body.completed_at)
    assert completed_at is not None  # the model requires it
    payout = known or Payout(
        id=call.world.new_id(),
        external_id=changes["external_id"],
        completed_at=completed_at,
        created_at=call.now,
        updated_at=call.now,
    )
    payout.fields.update(changes)
    payout.completed_at, payout.updated_at = completed_at, call.now
    _link(call, payout, payout.payments, payments)
    _link(call, payout, payout.refund_payments, refund_payments)
    payout.payments, payout.refund_payments = payments, refund_payments
    if known is None:
        books.add(payout)
    books.record(payout)
    return Answer(200 if known else 201, _view(books, payout))


def _changes(call: Call) -> dict[str, Any]:
    """The fields of a request. Raises 400."""
    changes = call.changes(_NEVER_EMPTY)
    not_negative(changes, "additional_refunds_amount_cents")
    required_text(changes, "processor")
    check_currency(call.books, changes)
    return changes


def _get(call: Call) -> Answer:
    return Answer(200, _view(call.books, _named(call)))


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books

    def wanted(payout: Payout) -> bool:
        fields = payout.fields
        return (
            within(
                payout.completed_at, asked.get("completed_at_start"), asked.get("completed_at_end")
            )
            and matches_text(asked.get("external_id"), [payout.external_id])
            and within(payout.paid_out, asked.get("min_amount"), asked.get("max_amount"))
            and asked.get("processor", payout.processor).casefold() == payout.processor.casefold()
            and asked.get("status") in (None, payout.status)
            and matches_text(
                asked.get("search"),
                [
                    payout.external_id,
                    fields.get("processor_payout_id"),
                    fields.get("reference_number"),
                    fields.get("memo"),
                ],
            )
        )

    rows = [payout for payout in books.payouts.values() if wanted(payout)]
    return page_of(call, rows, lambda row: _list_view(books, row))


def _delete(call: Call) -> Answer:
    payout = _named(call)
    _link(call, payout, payout.payments, {})
    _link(call, payout, payout.refund_payments, {})
    call.books.remove(payout, call.now)
    return Answer(200, {"deleted": True})


HANDLERS: dict[str, Handler] = {
    operations.CREATE_PAYOUT.id: _create,
    operations.GET_PAYOUT.id: _get,
    operations.LIST_PAYOUTS.id: _list,
    operations.DELETE_PAYOUT.id: _delete,
}
