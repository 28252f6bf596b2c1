"""Customers of a business."""

from __future__ import annotations

from typing import Any

from ... import operations
from ..books import Customer
from ..call import Answer, Call, Handler, without_none
from ..checks import check_email, check_external_id
from ..documents import documents_view, sent_documents
from ..paging import page_of
from ..problems import conflict

__all__ = ["HANDLERS", "customer_view"]

_SHOWN = (
    "reference_number individual_name company_name email mobile_phone office_phone address_line1 "
    "address_line2 city state_county postal_code country vat_number transaction_tags notes "
    "metadata payment_terms_days credit_limit_cents"
).split()


def customer_view(call: Call, customer: Customer) -> dict[str, Any]:
    """The customer as the API shows it."""
    fields = customer.fields
    address = ", ".join(
        str(fields[key])
        for key in ("address_line1", "address_line2", "city", "state_county", "postal_code")
        if fields.get(key)
    )
    return without_none(
        {
            "type": "customer",
            "id": customer.id,
            "external_id": customer.external_id,
            **{key: fields.get(key) for key in _SHOWN},
            "display_name": customer.name,
            "full_address": address or None,
            "address_string": address or None,
            "tax_exempt": bool(fields.get("tax_exempt")),
            "status": "archived" if customer.archived_at else "active",
            "is_active": customer.archived_at is None,
            "is_archived": customer.archived_at is not None,
            "documents": documents_view(call, customer),
            "created_at": customer.created_at,
            "updated_at": customer.updated_at,
            "archived_at": customer.archived_at,
        }
    )


def _named(call: Call) -> Customer:
    return call.named(Customer, "customer_id")


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    external_id = fields.pop("external_id", None)
    check_email(fields)
    known = books.by_external_id(Customer, external_id)
    if known is not None:
        return Answer(200, customer_view(call, known))
    archived = fields.pop("status", None) == "archived"
    customer = Customer(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
        archived_at=call.now if archived else None,
    )
    books.add(customer)
    return Answer(201, customer_view(call, customer))


def _get(call: Call) -> Answer:
    return Answer(200, customer_view(call, _named(call)))


def _list(call: Call) -> Answer:
    with_archived = call.query.get("include_archived")
    rows = [c for c in call.books.customers.values() if with_archived or not c.archived_at]
    return page_of(call, rows, lambda row: customer_view(call, row))


def _change(call: Call, customer: Customer, status: str | None) -> Answer:
    """Change the fields that were sent, and the status unless it is None. Raises 409."""
    changes = call.changes()
    check_email(changes)
    external_id = changes.pop("external_id", customer.external_id)
    check_external_id(call.books, customer, external_id)
    customer.documents += sent_documents(call)
    call.books.rename(customer, external_id)
    changes.pop("status", None)
    customer.fields.update(changes)
    if status is not None:
        archived_at = customer.archived_at or call.now
        customer.archived_at = archived_at if status == "archived" else None
    customer.updated_at = call.now
    return Answer(200, customer_view(call, customer))


def _update(call: Call) -> Answer:
    return _change(call, _named(call), call.changes().get("status"))


def _archive(call: Call) -> Answer:
    customer = _named(call)
    if customer.archived_at:
        raise conflict("The customer is archived already.")
    return _change(call, customer, "archived")


def _unarchive(call: Call) -> Answer:
    customer = _named(call)
    if not customer.archived_at:
        raise conflict("The customer is not archived.")
    return _change(call, customer, "active")


HANDLERS: dict[str, Handler] = {
    operations.CREATE_CUSTOMER.id: _create,
    operations.GET_CUSTOMER.id: _get,
    operations.LIST_CUSTOMERS.id: _list,
    operations.UPDATE_CUSTOMER.id: _update,
    operations.ARCHIVE_CUSTOMER.id: _archive,
    operations.UNARCHIVE_CUSTOMER.id: _unarchive,
}
