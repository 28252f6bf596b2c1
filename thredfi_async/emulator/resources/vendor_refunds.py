"""Vendor refunds, and what they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from ... import operations
from ..allocations import find_owed
from ..books import (
    Account,
    Bill,
    BillPayment,
    Books,
    Role,
    Vendor,
    VendorRefund,
    VendorRefundAllocation,
    VendorRefundPayment,
)
from ..call import Answer, Call, Handler
from ..checks import check_currency, find_party, find_row
from ..documents import sent_documents
from ..filtering import matches_text, ordered, within
from ..paging import page_of
from ..problems import REQUIRED, conflict, invalid
from .vendor_credits import open_credit
from .vendor_refund_views import refund_view

__all__ = ["HANDLERS", "check_fee", "new_refund", "release"]

Fields = Mapping[str, Any]
_TARGETS = {"bill": "bill_id", "payment": "bill_payment_id", "credit": None}
_SORT_KEYS: dict[str, Callable[[VendorRefund], Any]] = {
    "refund_date": lambda refund: refund.refund_date,
    "created_at": lambda refund: refund.created_at,
    "total_refunded_amount_cents": lambda refund: refund.amount,
    "status": lambda refund: refund.status,
    "vendor__company_name": lambda refund: refund.vendor.fields.get("company_name") or "",
}


def _named(call: Call) -> VendorRefund:
    return call.named(VendorRefund, "refund_id")


# --- allocations -----------------------------------------------------------------------


def _allocations(
    call: Call, asked: Sequence[Fields], vendor: Vendor, amount: int
) -> list[VendorRefundAllocation]:
    """What a new refund is for. Raises 400, and changes nothing."""
    used: dict[str | None, int] = {}  # by the id of what is refunded; None: the open credit
    found = []
    for number, one in enumerate(asked):
        path = f"allocations[{number}]"
        kind, share = _type(one, path), one.get("amount_cents")
        if share is None:
            raise invalid(**{f"{path}.amount_cents": REQUIRED})
        bill = None
        if kind == "bill":
            bill = find_owed(call.books, Bill, one["bill_id"], f"{path}.bill_id", vendor)
        payment = _bill_payment(call.books, one, vendor, path) if kind == "payment" else None
        target = bill or payment
        name = target.id if target else None
        before = used.get(name, 0)
        left = _left(call.books, bill, payment, vendor) - before
        if share > left:
            raise invalid(**{f"{path}.amount_cents": f"Only {left} can still be refunded."})
        used[name] = before + share
        found.append(
            VendorRefundAllocation(
                id=call.world.new_id(),
                type=kind,
                fields=one,
                amount=share,
                bill=bill,
                bill_payment=payment,
                costs=_costs(bill, bill.refunded + before, share) if bill else {},
            )
        )
    if sum(used.values()) > amount:
        raise invalid(allocations=f"They add up to more than the refund, {amount}.")
    return found


def _type(asked: Fields, path: str) -> str:
    """bill, payment or credit, as it is named or as the ids say. Raises 400."""
    named = {kind for kind, name in _TARGETS.items() if name and asked.get(name) is not None}
    kind = asked.get("allocation_type")
    if kind is None:
        if not named:
            raise invalid(**{f"{path}.allocation_type": REQUIRED})
        kind = min(named)
    for other in named - {kind}:
        text = f"An allocation of the type {kind} doesn't name one."
        raise invalid(**{f"{path}.{_TARGETS[other]}": text})
    if _TARGETS[kind] and kind not in named:
        raise invalid(**{f"{path}.{_TARGETS[kind]}": REQUIRED})
    return str(kind)


def _bill_payment(books: Books, asked: Fields, vendor: Vendor, path: str) -> BillPayment:
    path = f"{path}.bill_payment_id"
    payment = find_row(books, BillPayment, asked["bill_payment_id"], path)
    if payment.vendor is not vendor:
        text = "The bill payment is to another vendor."
    elif not payment.is_live:
        text = f"The bill payment is {payment.status}."
    else:
        return payment
    raise invalid(**{path: text})


def _left(books: Books, bill: Bill | None, payment: BillPayment | None, vendor: Vendor) -> int:
    """What can still be refunded of a bill, of a payment, or of the open credit."""
    if bill is not None:
        return bill.paid - bill.refunded
    if payment is not None:
        return payment.unallocated
    return open_credit(books, vendor)


def _costs(bill: Bill, before: int, share: int) -> dict[Role | Account, int]:
    """What a refund of a bill takes back by accounts, after what was refunded of it before."""
    earlier = bill.parts_within(before)
    return {
        account: amount - earlier[account]
        for account, amount in bill.parts_within(before + share).items()
    }


# --- create ----------------------------------------------------------------------------


def new_refund(
    call: Call, fields: dict[str, Any], amount: int, payments: Sequence[dict[str, Any]]
) -> VendorRefund:
    """Record a refund with its payments, which the caller has checked. Raises 400."""
    books = call.books
    check_currency(books, fields)
    vendor = find_party(books, Vendor, fields)
    if vendor is None:
        raise invalid(vendor_id=REQUIRED)
    allocations = _allocations(call, fields.get("allocations") or (), vendor, amount)
    refund = VendorRefund(
        id=call.world.new_id(),
        external_id=fields.get("external_id"),
        fields=fields,
        vendor=vendor,
        amount=amount,
        refund_date=_day(call, fields.get("refund_date")),
        allocations=allocations,
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(refund)
    for payment in (_payment(call, refund, one) for one in payments):
        refund.payments[payment.id] = payment
        books.add(payment)
        books.record(payment)
    for target in _targets(refund):
        target.refunds[refund.id] = refund
        _touch(call, target)
    books.record(refund)
    return refund


def check_fee(fields: Fields, amount: int, path: str = "") -> None:
    """Refuse a fee that is negative, or more than the payment. Raises 400."""
    fee = fields.get("processing_fee_cents") or 0
    if not 0 <= fee <= amount:
        raise invalid(**{f"{path}processing_fee_cents": f"Must be from 0 to {amount}."})


def _payment(call: Call, refund: VendorRefund, fields: dict[str, Any]) -> VendorRefundPayment:
    return VendorRefundPayment(
        id=call.world.new_id(),
        external_id=fields.get("external_id"),
        fields={"payment_method": "bank_transfer", **fields},
        refund=refund,
        amount=fields["refunded_amount_cents"],
        payment_date=_day(call, fields.get("payment_date"), refund.refund_date),
        status="pending",
        created_at=call.now,
        updated_at=call.now,
    )


def _targets(refund: VendorRefund) -> list[Bill | BillPayment]:
    """The bills and bill payments that a refund takes back from, each once."""
    named = (one.bill or one.bill_payment for one in refund.allocations)
    return list(dict.fromkeys(target for target in named if target is not None))


def _touch(call: Call, target: Bill | BillPayment) -> None:
    target.updated_at = call.now
    call.books.record(target)


def release(call: Call, refund: VendorRefund) -> None:
    """Let a refund that is cancelled or about to go take back nothing any more."""
    for target in _targets(refund):
        if target.refunds.pop(refund.id, None) is not None:
            _touch(call, target)


def _day(call: Call, text: str | None, default: date | None = None) -> date:
    return date.fromisoformat(text) if text else default or call.now.date()


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    known = books.by_external_id(VendorRefund, fields.get("external_id"))
    if known is not None:
        return Answer(200, refund_view(call, known))
    amount, payments = fields["total_refunded_amount_cents"], fields.get("payments") or []
    for number, one in enumerate(payments):
        path = f"payments[{number}]."
        if one.get("refunded_amount_cents") is None:
            raise invalid(**{f"{path}refunded_amount_cents": REQUIRED})
        check_fee(one, one["refunded_amount_cents"], path)
    if sum(one["refunded_amount_cents"] for one in payments) > amount:
        raise invalid(payments=f"They add up to more than the refund, {amount}.")
    return Answer(201, refund_view(call, new_refund(call, fields, amount, payments)))


# --- the other operations --------------------------------------------------------------


def _get(call: Call) -> Answer:
    return Answer(200, refund_view(call, _named(call)))


def _list(call: Call) -> Answer:
    asked, currency = call.query, call.books.currency
    statuses = asked.get("status")

    def wanted(refund: VendorRefund) -> bool:
        fields, is_allocated = refund.fields, refund.allocated == refund.amount
        return (
            (not statuses or refund.status in statuses)
            and asked.get("vendor_id") in (None, refund.vendor.id)
            and asked.get("refund_type") in (None, fields.get("refund_type"))
            and asked.get("currency", currency).upper() == currency
            and asked.get("is_fully_allocated") in (None, is_allocated)
            and within(refund.amount, asked.get("min_amount"), asked.get("max_amount"))
            and within(
                refund.refund_date, asked.get("refund_date_start"), asked.get("refund_date_end")
            )
            and matches_text(asked.get("external_id"), [refund.external_id])
            and matches_text(
                asked.get("search"),
                [
                    fields.get("reference_number"),
                    refund.external_id,
                    fields.get("description"),
                    refund.vendor.name,
                ],
            )
        )

    found = [refund for refund in call.books.vendor_refunds.values() if wanted(refund)]
    rows = ordered(found, asked.get("ordering", "-refund_date,-created_at"), _SORT_KEYS)
    return page_of(call, rows, lambda row: refund_view(call, row))


def _update(call: Call) -> Answer:
    refund = _named(call)
    refund.documents += sent_documents(call)
    refund.fields.update(call.changes())
    refund.updated_at = call.now
    return Answer(200, refund_view(call, refund))


def _delete(call: Call) -> Answer:
    refund = _named(call)
    if any(payment.is_live for payment in refund.payments.values()):
        raise conflict("The refund has payments that neither failed nor were cancelled.")
    release(call, refund)
    for payment in refund.payments.values():
        call.books.remove(payment, call.now)
    call.books.remove(refund, call.now)
    return Answer(204)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_VENDOR_REFUND.id: _create,
    operations.GET_VENDOR_REFUND.id: _get,
    operations.LIST_VENDOR_REFUNDS.id: _list,
    operations.UPDATE_VENDOR_REFUND.id: _update,
    operations.DELETE_VENDOR_REFUND.id: _delete,
}
