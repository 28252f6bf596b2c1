"""Payments of customers, and how they are allocated to invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ... import operations
from ..allocations import asked_shares, check_refunded
from ..books import UNPAID_BY, Books, Customer, Invoice, Payment
from ..call import Answer, Call, Handler
from ..checks import check_currency, check_external_id, find_party, find_row
from ..filtering import matches_text, within, within_days
from ..idempotency import answer_once, idempotency_key
from ..paging import page_of
from ..problems import REQUIRED, conflict, invalid
from .bank_transactions import check_unmatched
from .payment_views import bank_reference, detail_view, list_view
from .payouts import check_not_paid_out

__all__ = ["HANDLERS", "cancel_payment", "record_payment"]

# null leaves these as they are; it empties all other fields.
_NEVER_EMPTY = frozenset(
    "customer_id total_amount_cents currency payment_date payment_method status allocations".split()
)


def _named(call: Call) -> Payment:
    return call.named(Payment, "payment_id")


def _wrapped(call: Call, status: int, payment: Payment) -> Answer:
    return Answer(status, {"payment": detail_view(call.books, payment)})


# --- create ----------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    fields = call.fields()
    payment = call.books.by_external_id(Payment, fields.get("external_id"))
    known = _wrapped(call, 200, payment) if payment is not None else None
    return answer_once(call, known, lambda: _wrapped(call, 201, record_payment(call, fields)))


def record_payment(call: Call, fields: dict[str, Any]) -> Payment:
    """A new payment, from the fields of a request. Raises 400, and changes nothing then."""
    books = call.books
    _complete(books, fields)
    check_currency(books, fields)
    payment = Payment(
        id=call.world.new_id(),
        external_id=fields.get("external_id"),
        idempotency_key=idempotency_key(call),
        fields=fields,
        customer=find_party(books, Customer, fields),
        amount=fields["total_amount_cents"],
        status="completed",
        created_at=call.now,
        updated_at=call.now,
    )
    shares = _shares(books, payment, fields.get("allocations") or ())
    books.add(payment)
    _allocate(call, payment, shares)
    return payment


def cancel_payment(call: Call, payment: Payment) -> None:
    """Take a payment off its invoices for good. Raises 409, and changes nothing then."""
    shares = _shares(call.books, payment, ())
    payment.status = "cancelled"
    payment.updated_at = call.now
    _allocate(call, payment, shares)


def _complete(books: Books, fields: dict[str, Any]) -> None:
    """Put in what follows from the guides' form: one invoice, paid by amount_cents. Raises 400."""
    required = ["total_amount_cents", "currency", "payment_date", "payment_method", "customer_id"]
    if "invoice_id" in fields:
        invoice = find_row(books, Invoice, fields["invoice_id"], "invoice_id")
        required = ["amount_cents", "payment_date", "payment_method"]
        amount = fields.setdefault("amount_cents", fields.get("total_amount_cents"))
        fields.setdefault("total_amount_cents", amount)
        fields.setdefault("allocations", [{"invoice_id": invoice.id, "amount_cents": amount}])
        if invoice.customer is not None:
            fields.setdefault("customer_id", invoice.customer.id)
    missing = {name: REQUIRED for name in required if fields.get(name) is None}
    if missing:
        raise invalid(**missing)


# --- allocations -----------------------------------------------------------------------


def _shares(
    books: Books,
    payment: Payment,
    asked: Sequence[Mapping[str, Any]],
    *,
    amount: int | None = None,
    customer: Customer | None = None,
) -> dict[str, int]:
    """What a payment is to pay of which invoice. Raises 400 and 409, and changes nothing.

    ``amount`` and ``customer`` are those that the payment is about to have.
    """
    amount = amount or payment.amount
    customer = customer or payment.customer
    held = payment.allocations
    shares = asked_shares(books, Invoice, asked, "amount_cents", party=customer, held=held)
    if sum(shares.values()) > amount:
        raise invalid(allocations=f"They add up to more than the payment, {amount}.")
    check_refunded(books, Invoice, held, shares)
    return shares


def _allocate(call: Call, payment: Payment, shares: Mapping[str, int]) -> None:
    """Let a payment pay these shares, which `_shares` found right, and no others."""
    for name in {**payment.allocations, **shares}:
        invoice, share = call.books.invoices[name], shares.get(name, 0)
        if share != payment.allocations.get(name, 0):
            invoice.updated_at = call.now
        if share:
            payment.allocations[name] = share
            payment.allocation_ids.setdefault(name, call.world.new_id())
            invoice.payments[payment.id] = payment
        else:
            del payment.allocations[name], payment.allocation_ids[name]
            del invoice.payments[payment.id]
    call.books.record(payment)


# --- the other operations --------------------------------------------------------------


def _get(call: Call) -> Answer:
    return Answer(200, list_view(call.books, _named(call)))


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books
    customers = set(asked.get("customer_id", ()))

    def wanted(payment: Payment) -> bool:
        customer = payment.customer
        fields = payment.fields
        return (
            (not customers or (customer is not None and customer.id in customers))
            and asked.get("invoice_id") in (None, *payment.allocations)
            and asked.get("fully_allocated") in (None, payment.allocated == payment.amount)
            and within_days(payment.paid_at, asked.get("date_from"), asked.get("date_to"))
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
                    bank_reference(payment),
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
        key=keys[asked.get("sort_by", "payment_date")],
        reverse=asked.get("order", "desc") == "desc",
    )
    return page_of(call, rows, lambda row: list_view(books, row))


def _update(call: Call) -> Answer:
    books, payment, changes = call.books, _named(call), call.changes(_NEVER_EMPTY)
    external_id = changes.get("external_id", payment.external_id)
    check_external_id(books, payment, external_id)
    check_currency(books, changes)
    customer = find_party(books, Customer, changes) or payment.customer
    amount = changes.get("total_amount_cents", payment.amount)
    status = changes.get("status", payment.status)
    if (amount, status) != (payment.amount, payment.status):
        check_unmatched(books, payment)
    fee = changes.get("processing_fee_cents", payment.fee) or 0
    if (amount, status, fee) != (payment.amount, payment.status, payment.fee):
        check_not_paid_out(payment)
    if not payment.is_live and status != payment.status:
        raise conflict(f"A {payment.status} payment stays so; record a new one.")
    asked = _asked_after(payment, changes, amount, status)
    shares = _shares(books, payment, asked, amount=amount, customer=customer)
    payment.amount, payment.customer, payment.status = amount, customer, status
    payment.fields.update(changes)
    payment.updated_at = call.now
    books.rename(payment, external_id)
    _allocate(call, payment, shares)
    return _wrapped(call, 200, payment)


def _asked_after(
    payment: Payment, changes: Mapping[str, Any], amount: int, status: str
) -> Sequence[Mapping[str, Any]]:
    """The allocations that a change leaves or asks for. Raises 400."""
    if "allocations" in changes:
        if changes["allocations"] and status in UNPAID_BY:
            raise invalid(allocations=f"A {status} payment pays no invoice.")
        return list(changes["allocations"])
    if status in UNPAID_BY:
        return ()
    if amount < payment.allocated:
        raise invalid(total_amount_cents=f"{payment.allocated} of the payment is allocated.")
    return [
        {"invoice_id": name, "amount_cents": share} for name, share in payment.allocations.items()
    ]


def _delete(call: Call) -> Answer:
    payment = _named(call)
    if payment.status not in ("pending", "failed"):
        raise conflict(f"A {payment.status} payment can't be deleted; refund it instead.")
    check_not_paid_out(payment)
    cancel_payment(call, payment)
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
