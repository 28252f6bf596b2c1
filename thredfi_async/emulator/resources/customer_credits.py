"""Customer credits, and the invoices that they are applied to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import operations
from ..books import Books, CreditLine, Customer, CustomerCredit, Invoice, Role
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import check_external_id, find_party
from ..credit_lines import customer_credit_lines
from ..documents import sent_documents
from ..filtering import matches_text, within_days
from ..paging import page_of
from ..problems import conflict, invalid
from .account_views import identifier_view
from .credits import changed_shares, common_view, line_texts, named_source, settle, shares_of

__all__ = ["HANDLERS"]

# null leaves these as they are; it empties all other fields.
_NEVER_EMPTY = frozenset("sent_at line_items allocations tags".split())


def _named(call: Call) -> CustomerCredit:
    return call.named(CustomerCredit, "credit_id")


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, credit: CustomerCredit) -> Answer:
    return Answer(status, _view(call, credit))


def _view(call: Call, credit: CustomerCredit) -> dict[str, Any]:
    customer = credit.customer
    return {
        **common_view(call, credit),
        "sent_at": credit.sent_at,
        "customer": without_none(
            {
                "id": customer.id,
                "display_name": customer.name,
                "company_name": customer.fields.get("company_name"),
            }
        ),
        "line_items": [_line_view(call.books, line) for line in credit.lines],
    }


def _line_view(books: Books, line: CreditLine) -> dict[str, Any]:
    account = line.account or books.ledger.of(Role.SALES_RETURNS)
    return {
        "amount": line.net,
        "revenue_account_identifier": identifier_view(account),
        **line_texts(line),
    }


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields["external_id"]
    known = books.by_external_id(CustomerCredit, external_id)
    if known is not None:
        return _answer(call, 200, known)
    customer = _customer(books, fields)
    lines = customer_credit_lines(fields["line_items"], books)
    shares = shares_of(books, Invoice, fields.get("allocations") or (), customer, lines, {})
    credit = CustomerCredit(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        customer=customer,
        sent_at=instant(sent_at=call.body.sent_at),
        lines=lines,
        source=named_source(books, Invoice, fields, customer),
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(credit)
    _apply(call, credit, shares)
    return _answer(call, 201, credit)


def _customer(books: Books, fields: Mapping[str, Any]) -> Customer:
    """The customer that a credit names. Raises 400."""
    customer = find_party(books, Customer, fields)
    if customer is None:
        raise invalid(customer_id="This field or customer_external_id is required.")
    return customer


def _apply(call: Call, credit: CustomerCredit, shares: Mapping[str, int]) -> None:
    """Let a credit settle these shares and no others; a draft that settles something is sent."""
    if credit.sent_at is None and shares:
        credit.sent_at = call.now
    settle(call, credit, shares)


def _get(call: Call) -> Answer:
    return _answer(call, 200, _named(call))


def _list(call: Call) -> Answer:
    asked = call.query
    customers, statuses = asked.get("customer_id"), asked.get("status")

    def wanted(credit: CustomerCredit) -> bool:
        customer = credit.customer
        return (
            (not customers or customer.id in customers)
            and asked.get("customer_external_id") in (None, customer.external_id)
            and (not statuses or credit.status in statuses)
            and within_days(credit.sent_at, asked.get("sent_at_start"), asked.get("sent_at_end"))
            and matches_text(asked.get("search"), [credit.external_id, customer.name])
        )

    rows = [credit for credit in call.books.customer_credits.values() if wanted(credit)]
    return page_of(call, rows, lambda row: _view(call, row))


def _update(call: Call) -> Answer:
    books, credit, changes = call.books, _named(call), call.changes(_NEVER_EMPTY)
    external_id = changes.get("external_id", credit.external_id)
    check_external_id(books, credit, external_id)
    lines = credit.lines
    if "line_items" in changes:
        lines = customer_credit_lines(changes["line_items"], books)
    shares = changed_shares(books, credit, changes, lines)
    source = credit.source
    if "source_invoice_id" in changes:
        source = named_source(books, Invoice, changes, credit.customer)
    sent_at = instant(sent_at=call.body.sent_at) or credit.sent_at
    credit.documents += sent_documents(call)
    books.rename(credit, external_id)
    credit.fields.update(changes)
    credit.lines, credit.source, credit.sent_at = lines, source, sent_at
    credit.updated_at = call.now
    _apply(call, credit, shares)
    return _answer(call, 200, credit)


def _delete(call: Call) -> Answer:
    credit = _named(call)
    if credit.allocations:
        raise conflict("The credit is applied to invoices; take it off them first.")
    call.books.remove(credit, call.now)
    return Answer(204)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_CUSTOMER_CREDIT.id: _create,
    operations.GET_CUSTOMER_CREDIT.id: _get,
    operations.LIST_CUSTOMER_CREDITS.id: _list,
    operations.UPDATE_CUSTOMER_CREDIT.id: _update,
    operations.DELETE_CUSTOMER_CREDIT.id: _delete,
}
