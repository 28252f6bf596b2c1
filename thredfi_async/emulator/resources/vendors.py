"""Vendors of a business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import operations
from ..books import Books, Vendor
from ..call import Answer, Call, Handler, without_none
from ..checks import check_email
from ..documents import documents_view, sent_documents
from ..paging import matches_text, page_of
from ..problems import conflict, duplicate, invalid, not_found

__all__ = ["HANDLERS", "find_vendor", "new_vendor", "vendor_view"]

_NAMES = ("company_name", "individual_name")


def find_vendor(books: Books, fields: Mapping[str, Any]) -> Vendor | None:
    """The vendor that ``vendor_id`` or ``vendor_external_id`` names. Raises 400."""
    if fields.get("vendor_id") is not None:
        found = books.vendors.get(fields["vendor_id"])
        if found is None:
            raise invalid(vendor_id="No vendor of this business has this id.")
        return found
    if fields.get("vendor_external_id") is not None:
        known = books.by_external_id(Vendor, fields["vendor_external_id"])
        if known is None:
            raise invalid(vendor_external_id="No vendor of this business has this external_id.")
        return known
    return None


def new_vendor(call: Call, fields: dict[str, Any]) -> Vendor:
    """Add a vendor with these fields to the books."""
    vendor = Vendor(
        id=call.world.new_id(),
        external_id=fields.pop("external_id", None),
        fields=fields,
        created_at=call.now,
        updated_at=call.now,
    )
    call.books.add(vendor)
    return vendor


def vendor_view(call: Call, vendor: Vendor) -> dict[str, Any]:
    """The vendor as the API shows it."""
    fields = vendor.fields
    return without_none(
        {
            "type": "VendorData",
            "id": vendor.id,
            "external_id": vendor.external_id,
            "individual_name": fields.get("individual_name"),
            "company_name": fields.get("company_name"),
            "email": fields.get("email"),
            "mobile_phone": fields.get("mobile_phone") or "",
            "office_phone": fields.get("office_phone") or "",
            "address_string": fields.get("address_string") or "",
            "memo": fields.get("memo") or "",
            "status": "archived" if vendor.archived_at else "active",
            "transaction_tags": fields.get("transaction_tags") or [],
            "documents": documents_view(call, vendor),
        }
    )


def _named(call: Call) -> Vendor:
    found = call.books.vendors.get(call.path["vendor_id"])
    if found is None:
        raise not_found("vendor")
    return found


def _answer(call: Call, status: int, vendor: Vendor) -> Answer:
    return Answer(status, vendor_view(call, vendor))


def _create(call: Call) -> Answer:
    fields = call.fields()
    known = call.books.by_external_id(Vendor, fields.get("external_id"))
    if known is not None:
        return _answer(call, 200, known)
    _check_name(fields)
    check_email(fields)
    documents = sent_documents(call)
    vendor = new_vendor(call, fields)
    vendor.documents = documents
    return _answer(call, 201, vendor)


def _check_name(fields: Mapping[str, Any]) -> None:
    if not any(fields.get(name) for name in _NAMES):
        raise invalid(**dict.fromkeys(_NAMES, "One of the two names is required."))


def _get(call: Call) -> Answer:
    return _answer(call, 200, _named(call))


def _list(call: Call) -> Answer:
    asked = call.query

    def wanted(vendor: Vendor) -> bool:
        names = [vendor.fields.get(name) for name in _NAMES]
        return (
            (asked.get("include_archived") or not vendor.archived_at)
            and asked.get("external_id") in (None, vendor.external_id)
            and matches_text(asked.get("external_id_contains"), [vendor.external_id])
            and asked.get("name") in (None, *names)
            and matches_text(asked.get("name_contains"), names)
        )

    rows = [vendor for vendor in call.books.vendors.values() if wanted(vendor)]
    return page_of(call, rows, lambda row: vendor_view(call, row))


def _change(call: Call, vendor: Vendor) -> Answer:
    """Change the fields that were sent. Raises 400 and 409."""
    changes = call.changes()
    check_email(changes)
    if not changes.keys().isdisjoint(_NAMES):
        _check_name({**vendor.fields, **changes})
    external_id = changes.pop("external_id", vendor.external_id)
    if call.books.by_external_id(Vendor, external_id) not in (None, vendor):
        raise duplicate("vendor")
    vendor.documents += sent_documents(call)
    call.books.rename(vendor, external_id)
    vendor.fields.update(changes)
    vendor.updated_at = call.now
    return _answer(call, 200, vendor)


def _update(call: Call) -> Answer:
    return _change(call, _named(call))


def _archive(call: Call) -> Answer:
    vendor = _named(call)
    if vendor.archived_at:
        raise conflict("The vendor is archived already.")
    _change(call, vendor)
    vendor.archived_at = call.now
    return _answer(call, 200, vendor)


def _unarchive(call: Call) -> Answer:
    vendor = _named(call)
    if not vendor.archived_at:
        raise conflict("The vendor is not archived.")
    _change(call, vendor)
    vendor.archived_at = None
    return _answer(call, 200, vendor)


HANDLERS: dict[str, Handler] = {
    operations.CREATE_VENDOR.id: _create,
    operations.FETCH_VENDOR.id: _get,
    operations.LIST_VENDORS.id: _list,
    operations.UPDATE_VENDOR.id: _update,
    operations.ARCHIVE_VENDOR.id: _archive,
    operations.UNARCHIVE_VENDOR.id: _unarchive,
}
