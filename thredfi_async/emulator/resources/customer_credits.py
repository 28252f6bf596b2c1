"""Customer credits, and the invoices that they are applied to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ... import operations
from ..allocations import invoice_shares
from ..amounts import LARGEST
from ..books import Books, Customer, CustomerCredit, CustomerCreditLine, Invoice, Role
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import find_account
from ..documents import document_view, sent_documents
from ..paging import matches_text, page_of, within_days
from ..problems import conflict, duplicate, invalid, not_found
from .customers import find_customer

__all__ = ["HANDLERS"]

# null leaves these as they are; it empties all other fields.
_NEVER_EMPTY = frozenset("sent_at line_items allocations tags".split())


def _named(call: Call) -> CustomerCredit:
    found = call.books.customer_credits.get(call.path["credit_id"])
    if found is None:
        raise not_found("customer credit")
    return found


# --- views -----------------------------------------------------------------------------


def _answer(call: Call, status: int, credit: CustomerCredit) -> Answer:
    return Answer(status, _view(call, credit))


def _view(call: Call, credit: CustomerCredit) -> dict[str, Any]:
    books, customer = call.books, credit.customer
    return {
        "id": credit.id,
        "status": credit.status,
        "sent_at": credit.sent_at,
        "customer": without_none(
            {
                "id": customer.id,
                "display_name": customer.name,
                "company_name": customer.fields.get("company_name"),
            }
        ),
        "source_invoice_id": credit.source_invoice.id if credit.source_invoice else None,
        "line_items": [_line_view(books, line) for line in credit.lines],
        "allocations": [
            {
                "invoice_id": invoice_id,
                "invoice_number": books.invoices[invoice_id].number,
                "amount_cents": amount,
                "invoice_outstanding_balance_cents": books.invoices[invoice_id].outstanding,
                "applied_at": credit.applied_at[invoice_id],
            }
            for invoice_id, amount in credit.allocations.items()
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


def _line_view(books: Books, line: CustomerCreditLine) -> dict[str, Any]:
    account = line.account or books.ledger.of(Role.SALES_RETURNS)
    return without_none(
        {
            "amount": line.amount,
            "revenue_account_identifier": {"type": "AccountId", "id": account.id},
            "tags": [":".join(map(str, tag.values())) for tag in line.fields.get("tags") or ()],
            "memo": line.fields.get("memo"),
            "metadata": line.fields.get("metadata"),
        }
    )


# --- parts of a credit -----------------------------------------------------------------


def _lines(items: Sequence[Mapping[str, Any]], books: Books) -> list[CustomerCreditLine]:
    """The lines with their accounts. Raises 400."""
    if not items:
        raise invalid(line_items="A credit needs at least one line.")
    lines = []
    name = "revenue_account_identifier"
    for number, item in enumerate(items):
        account = find_account(books, item.get(name), f"line_items[{number}].{name}")
        tax = item.get("tax_amount_cents") or 0
        lines.append(
            CustomerCreditLine(fields=item, amount=item["amount"], tax=tax, account=account)
        )
    if sum(line.total for line in lines) > LARGEST:
        raise invalid(line_items="The total of the credit is too large.")
    return lines


def _customer(books: Books, fields: dict[str, Any]) -> Customer:
    """The customer that a credit names. Raises 400."""
    customer = find_customer(books, fields)
    if customer is None:
        raise invalid(customer_id="This field or customer_external_id is required.")
    return customer


def _source_invoice(books: Books, fields: Mapping[str, Any], customer: Customer) -> Invoice | None:
    """The invoice that a credit says it comes from. Raises 400."""
    invoice_id = fields.get("source_invoice_id")
    if invoice_id is None:
        return None
    invoice = books.invoices.get(invoice_id)
    if invoice is None:
        raise invalid(source_invoice_id="No invoice of this business has this id.")
    if invoice.customer not in (None, customer):
        raise invalid(source_invoice_id="The invoice is another customer's.")
    return invoice


def _shares(
    books: Books,
    asked: Sequence[Mapping[str, Any]],
    customer: Customer,
    lines: Sequence[CustomerCreditLine],
    held: Mapping[str, int],
) -> dict[str, int]:
    """What a credit of these lines is to settle of which invoice. Raises 400."""
    shares = invoice_shares(books, asked, "amount", customer=customer, held=held)
    total = sum(line.total for line in lines)
    if sum(shares.values()) > total:
        raise invalid(allocations=f"They add up to more than the credit, {total}.")
    return shares


def _apply(call: Call, credit: CustomerCredit, shares: Mapping[str, int]) -> None:
    """Let a credit settle these shares, which `_shares` found right, and no others.

    A draft that settles something is sent.
    """
    for name in {**credit.allocations, **shares}:
        invoice, share = call.books.invoices[name], shares.get(name, 0)
        if share == credit.allocations.get(name, 0):
            continue
        if share:
            credit.allocations[name] = share
            credit.applied_at.setdefault(name, call.now)
            invoice.credits[credit.id] = credit
        else:
            del credit.allocations[name], credit.applied_at[name], invoice.credits[credit.id]
        invoice.updated_at = call.now
    if credit.sent_at is None and shares:
        credit.sent_at = call.now
    call.books.record(credit)


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields["external_id"]
    known = books.by_external_id(CustomerCredit, external_id)
    if known is not None:
        return _answer(call, 200, known)
    customer = _customer(books, fields)
    lines = _lines(fields["line_items"], books)
    shares = _shares(books, fields.get("allocations") or (), customer, lines, {})
    credit = CustomerCredit(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        customer=customer,
        sent_at=instant(sent_at=call.body.sent_at),
        lines=lines,
        source_invoice=_source_invoice(books, fields, customer),
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(credit)
    _apply(call, credit, shares)
    return _answer(call, 201, credit)


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
            and _is_sent_within(credit, asked.get("sent_at_start"), asked.get("sent_at_end"))
            and matches_text(asked.get("search"), [credit.external_id, customer.name])
        )

    rows = [credit for credit in call.books.customer_credits.values() if wanted(credit)]
    return page_of(call, rows, lambda row: _view(call, row))


def _is_sent_within(credit: CustomerCredit, first: Any, last: Any) -> bool:
    """Whether it was sent between two days; without bounds drafts count too."""
    if credit.sent_at is None:
        return first is None and last is None
    return within_days(credit.sent_at, first, last)


def _update(call: Call) -> Answer:
    books, credit = call.books, _named(call)
    changes = {
        name: value
        for name, value in call.changes().items()
        if value is not None or name not in _NEVER_EMPTY
    }
    external_id = changes.get("external_id", credit.external_id)
    if books.by_external_id(CustomerCredit, external_id) not in (None, credit):
        raise duplicate("customer credit")
    lines = _lines(changes["line_items"], books) if "line_items" in changes else credit.lines
    shares = dict(credit.allocations)
    if "allocations" in changes:
        shares = _shares(books, changes["allocations"], credit.customer, lines, shares)
    elif sum(line.total for line in lines) < credit.applied:
        raise conflict(f"{credit.applied} of the credit is applied; its total can't be less.")
    source_invoice = credit.source_invoice
    if "source_invoice_id" in changes:
        source_invoice = _source_invoice(books, changes, credit.customer)
    sent_at = instant(sent_at=call.body.sent_at) or credit.sent_at
    credit.documents += sent_documents(call)
    books.rename(credit, external_id)
    credit.fields.update(changes)
    credit.lines, credit.source_invoice, credit.sent_at = lines, source_invoice, sent_at
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
