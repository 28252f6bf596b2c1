"""Vendor credits, and the bills that they are applied to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ... import operations
from ..books import Bill, Books, CreditLine, Role, Vendor, VendorCredit
from ..call import Answer, Call, Handler, instant, without_none
from ..credit_lines import credit_lines
from ..documents import document_view, sent_documents
from ..paging import matches_text, page_of, within_days
from ..problems import REQUIRED, conflict, duplicate, invalid, not_found
from .vendors import find_vendor, new_vendor

__all__ = ["HANDLERS", "open_credit"]

# null leaves these as they are; it empties all other fields.
_NEVER_EMPTY = frozenset("received_at line_items allocations tags".split())


def open_credit(books: Books, vendor: Vendor) -> int:
    """What of a vendor's credits neither bills nor refunds have used, in minor units."""
    credits = books.vendor_credits.values()
    given = sum(credit.remaining for credit in credits if credit.vendor is vendor)
    return given - _refunded(books, vendor)


def _refunded(books: Books, vendor: Vendor) -> int:
    """What of a vendor's credits they owe back as money, or paid back."""
    return sum(
        refund.credit_allocated
        for refund in books.vendor_refunds.values()
        if refund.vendor is vendor and not refund.is_cancelled
    )


def _named(call: Call) -> VendorCredit:
    found = call.books.vendor_credits.get(call.path["credit_id"])
    if found is None:
        raise not_found("vendor credit")
    return found


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, credit: VendorCredit) -> Answer:
    return Answer(status, _view(call, credit))


def _view(call: Call, credit: VendorCredit) -> dict[str, Any]:
    books, vendor = call.books, credit.vendor
    bills = books.bills
    return {
        "id": credit.id,
        "status": credit.status,
        "received_at": credit.received_at,
        "vendor": without_none(
            {"id": vendor.id, "external_id": vendor.external_id, "display_name": vendor.name}
        ),
        "source_bill_id": credit.source_bill.id if credit.source_bill else None,
        "line_items": [_line_view(books, line) for line in credit.lines],
        "allocations": [
            {
                "bill_id": bill_id,
                "bill_number": bills[bill_id].number,
                "amount_cents": amount,
                "bill_outstanding_balance_cents": bills[bill_id].outstanding,
                "applied_at": credit.applied_at[bill_id],
            }
            for bill_id, amount in credit.allocations.items()
        ],
        "tags": credit.fields.get("tags") or [],
        "total_amount": credit.total,
        "applied_amount": credit.applied,
        "document": document_view(call, credit),
        "created_at": credit.created_at,
        "updated_at": credit.updated_at,
        "currency": books.currency,
        **without_none({"external_id": credit.external_id}),
    }


def _line_view(books: Books, line: CreditLine) -> dict[str, Any]:
    account = line.account or books.ledger.of(Role.PURCHASES)
    return without_none(
        {
            "amount": line.amount,
            "expense_account_identifier": {"type": "AccountId", "id": account.id},
            "tags": [":".join(map(str, tag.values())) for tag in line.fields.get("tags") or ()],
            "memo": line.fields.get("memo"),
            "metadata": line.fields.get("metadata"),
        }
    )


# --- allocations -----------------------------------------------------------------------


def _shares(
    books: Books,
    asked: Sequence[Mapping[str, Any]],
    vendor: Vendor | None,
    total: int,
    held: Mapping[str, int],
) -> dict[str, int]:
    """What a credit is to settle of which bill, by bill id. Raises 400, and changes nothing.

    ``held`` is what it settles now. ``vendor`` None: one that is about to be made.
    """
    shares: dict[str, int] = {}
    for number, one in enumerate(asked):
        path = f"allocations[{number}]"
        missing = [name for name in ("bill_id", "amount") if one.get(name) is None]
        if missing:
            raise invalid(**{f"{path}.{name}": REQUIRED for name in missing})
        bill = books.bills.get(one["bill_id"])
        if bill is None:
            raise invalid(**{f"{path}.bill_id": "No bill of this business has this id."})
        if bill.vendor is not None and bill.vendor is not vendor:
            raise invalid(**{f"{path}.bill_id": "The bill is another vendor's."})
        if bill.voided_at and bill.id not in held:
            raise invalid(**{f"{path}.bill_id": "The bill is voided."})
        shares[bill.id] = shares.get(bill.id, 0) + one["amount"]
        left = bill.outstanding + held.get(bill.id, 0)
        if shares[bill.id] > left:
            raise invalid(**{f"{path}.amount": f"Only {left} of the bill is outstanding."})
    if sum(shares.values()) > total:
        raise invalid(allocations=f"They add up to more than the credit, {total}.")
    return shares


def _check_refunded(books: Books, credit: VendorCredit, remaining: int) -> None:
    """Refuse to use what the vendor has refunded of the credit. Raises 409."""
    if remaining >= credit.remaining:
        return
    refunded = _refunded(books, credit.vendor)
    if refunded and open_credit(books, credit.vendor) < credit.remaining - remaining:
        raise conflict(f"{refunded} of the vendor's credit has been refunded.")


def _apply(call: Call, credit: VendorCredit, shares: Mapping[str, int]) -> None:
    """Let a credit settle these shares, which `_shares` found right, and no others."""
    books = call.books
    for name in {**credit.allocations, **shares}:
        bill, share = books.bills[name], shares.get(name, 0)
        if share == credit.allocations.get(name, 0):
            continue
        if share:
            credit.allocations[name] = share
            credit.applied_at.setdefault(name, call.now)
            bill.credits[credit.id] = credit
        else:
            del credit.allocations[name], credit.applied_at[name], bill.credits[credit.id]
        bill.updated_at = call.now
        books.record(bill)
    books.record(credit)


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields["external_id"]
    known = books.by_external_id(VendorCredit, external_id)
    if known is not None:
        return _answer(call, 200, known)
    vendor = _vendor(books, fields)
    lines = credit_lines(fields["line_items"], books)
    total = sum(line.amount for line in lines)
    shares = _shares(books, fields.get("allocations") or (), vendor, total, {})
    source_bill = _source_bill(books, fields, vendor)
    received_at = instant(received_at=call.body.received_at) or call.now
    documents = sent_documents(call)
    credit = VendorCredit(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        documents=documents,
        vendor=vendor or new_vendor(call, {"external_id": fields["vendor_external_id"]}),
        received_at=received_at,
        lines=lines,
        source_bill=source_bill,
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(credit)
    _apply(call, credit, shares)
    return _answer(call, 201, credit)


def _vendor(books: Books, fields: Mapping[str, Any]) -> Vendor | None:
    """The vendor that a credit names; None for one that is to be made. Raises 400."""
    vendor_id, external_id = fields.get("vendor_id"), fields.get("vendor_external_id")
    if vendor_id is None and external_id:
        return books.by_external_id(Vendor, external_id)
    vendor = find_vendor(books, {"vendor_id": vendor_id})
    if vendor is None:
        raise invalid(vendor_id="This field or vendor_external_id is required.")
    return vendor


def _source_bill(books: Books, fields: Mapping[str, Any], vendor: Vendor | None) -> Bill | None:
    """The bill that a credit says it comes from. Raises 400."""
    bill_id = fields.get("source_bill_id")
    if bill_id is None:
        return None
    bill = books.bills.get(bill_id)
    if bill is None:
        raise invalid(source_bill_id="No bill of this business has this id.")
    if bill.vendor is not None and bill.vendor is not vendor:
        raise invalid(source_bill_id="The bill is another vendor's.")
    return bill


def _get(call: Call) -> Answer:
    return _answer(call, 200, _named(call))


def _list(call: Call) -> Answer:
    asked = call.query
    vendors, statuses = asked.get("vendor_id"), asked.get("status")

    def wanted(credit: VendorCredit) -> bool:
        return (
            (not vendors or credit.vendor.id in vendors)
            and (not statuses or credit.status in statuses)
            and within_days(
                credit.received_at, asked.get("received_at_start"), asked.get("received_at_end")
            )
            and matches_text(
                asked.get("search"),
                [credit.external_id, credit.vendor.name, credit.fields.get("memo")],
            )
        )

    rows = [credit for credit in call.books.vendor_credits.values() if wanted(credit)]
    return page_of(call, rows, lambda row: _view(call, row))


def _update(call: Call) -> Answer:
    books, credit = call.books, _named(call)
    changes = {
        name: value
        for name, value in call.changes().items()
        if value is not None or name not in _NEVER_EMPTY
    }
    external_id = changes.get("external_id", credit.external_id)
    if books.by_external_id(VendorCredit, external_id) not in (None, credit):
        raise duplicate("vendor credit")
    lines = credit_lines(changes["line_items"], books) if "line_items" in changes else credit.lines
    total = sum(line.amount for line in lines)
    shares = dict(credit.allocations)
    if "allocations" in changes:
        asked = changes["allocations"]
        shares = _shares(books, asked, credit.vendor, total, credit.allocations)
    elif total < credit.applied:
        raise conflict(f"{credit.applied} of the credit is applied; its total can't be less.")
    _check_refunded(books, credit, total - sum(shares.values()))
    source_bill = credit.source_bill
    if "source_bill_id" in changes:
        source_bill = _source_bill(books, changes, credit.vendor)
    received_at = credit.received_at
    if "received_at" in changes:
        received_at = instant(received_at=call.body.received_at) or received_at
    credit.documents += sent_documents(call)
    books.rename(credit, external_id)
    credit.fields.update(changes)
    credit.lines, credit.source_bill, credit.received_at = lines, source_bill, received_at
    credit.updated_at = call.now
    _apply(call, credit, shares)
    return _answer(call, 200, credit)


def _delete(call: Call) -> Answer:
    credit = _named(call)
    if credit.allocations:
        raise conflict("The credit is applied to bills; take it off them first.")
    _check_refunded(call.books, credit, 0)
    call.books.remove(credit, call.now)
    return Answer(204)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_VENDOR_CREDIT.id: _create,
    operations.GET_VENDOR_CREDIT.id: _get,
    operations.LIST_VENDOR_CREDITS.id: _list,
    operations.UPDATE_VENDOR_CREDIT.id: _update,
    operations.DELETE_VENDOR_CREDIT.id: _delete,
}
