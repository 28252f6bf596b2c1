"""Vendor credits, and the bills that they are applied to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import operations
from ..books import Bill, Books, CreditLine, Role, Vendor, VendorCredit
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import check_external_id, find_party
from ..credit_lines import vendor_credit_lines
from ..documents import sent_documents
from ..filtering import matches_text, within_days
from ..paging import page_of
from ..problems import conflict, invalid
from .account_views import identifier_view
from .credits import changed_shares, common_view, line_texts, named_source, settle, shares_of
from .vendors import new_vendor

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
    return call.named(VendorCredit, "credit_id")


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, credit: VendorCredit) -> Answer:
    return Answer(status, _view(call, credit))


def _view(call: Call, credit: VendorCredit) -> dict[str, Any]:
    vendor = credit.vendor
    return {
        **common_view(call, credit),
        "received_at": credit.received_at,
        "vendor": without_none(
            {"id": vendor.id, "external_id": vendor.external_id, "display_name": vendor.name}
        ),
        "line_items": [_line_view(call.books, line) for line in credit.lines],
    }


def _line_view(books: Books, line: CreditLine) -> dict[str, Any]:
    account = line.account or books.ledger.of(Role.PURCHASES)
    return {
        "amount": line.total,
        "expense_account_identifier": identifier_view(account),
        **line_texts(line),
    }


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields["external_id"]
    known = books.by_external_id(VendorCredit, external_id)
    if known is not None:
        return _answer(call, 200, known)
    vendor = _vendor(call, fields)
    lines = vendor_credit_lines(fields["line_items"], books)
    shares = shares_of(books, Bill, fields.get("allocations") or (), vendor, lines, {})
    credit = VendorCredit(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        vendor=vendor,
        received_at=instant(received_at=call.body.received_at) or call.now,
        lines=lines,
        source=named_source(books, Bill, fields, vendor),
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    if vendor.id not in books.vendors:
        books.add(vendor)
    books.add(credit)
    settle(call, credit, shares)
    return _answer(call, 201, credit)


def _vendor(call: Call, fields: Mapping[str, Any]) -> Vendor:
    """The vendor that a credit names; a new one for an external_id that is not known yet.

    Raises 400.
    """
    vendor_id, external_id = fields.get("vendor_id"), fields.get("vendor_external_id")
    if vendor_id is None and external_id:
        known = call.books.by_external_id(Vendor, external_id)
        return known or new_vendor(call, {"external_id": external_id})
    vendor = find_party(call.books, Vendor, {"vendor_id": vendor_id})
    if vendor is None:
        raise invalid(vendor_id="This field or vendor_external_id is required.")
    return vendor


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
    books, credit, changes = call.books, _named(call), call.changes(_NEVER_EMPTY)
    external_id = changes.get("external_id", credit.external_id)
    check_external_id(books, credit, external_id)
    lines = credit.lines
    if "line_items" in changes:
        lines = vendor_credit_lines(changes["line_items"], books)
    shares = changed_shares(books, credit, changes, lines)
    total = sum(line.total for line in lines)
    _check_refunded(books, credit, total - sum(shares.values()))
    source = credit.source
    if "source_bill_id" in changes:
        source = named_source(books, Bill, changes, credit.vendor)
    received_at = instant(received_at=call.body.received_at) or credit.received_at
    credit.documents += sent_documents(call)
    books.rename(credit, external_id)
    credit.fields.update(changes)
    credit.lines, credit.source, credit.received_at = lines, source, received_at
    credit.updated_at = call.now
    settle(call, credit, shares)
    return _answer(call, 200, credit)


def _check_refunded(books: Books, credit: VendorCredit, remaining: int) -> None:
    """Refuse to use what the vendor has refunded of the credit. Raises 409."""
    if remaining >= credit.remaining:
        return
    refunded = _refunded(books, credit.vendor)
    if refunded and open_credit(books, credit.vendor) < credit.remaining - remaining:
        raise conflict(f"{refunded} of the vendor's credit has been refunded.")


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
