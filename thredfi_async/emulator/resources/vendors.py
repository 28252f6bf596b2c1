"""Vendors of a business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import operations
from ..books import Vendor
from ..call import Answer, Call, Handler, without_none
from ..checks import check_email, check_external_id
from ..documents import documents_view, sent_documents
from ..filtering import matches_text
from ..paging import page_of
from ..problems import conflict, invalid

__all__ = ["HANDLERS", "new_vendor", "vendor_view"]

_NAMES = ("company_name", "individual_name")


def new_vendor(call: Call, fields: dict[str, Any]) -> Vendor:
    """A vendor with these fields, who is not in the books yet."""
    return Vendor(
        id=call.world.new_id(),
        external_id=fields.pop("external_id", None),
        fields=fields,
        created_at=call.now,
        updated_at=call.now,
    )


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
    return call.named(Vendor, "vendor_id")


def _answer(call: Call, status: int, vendor: Vendor) -> Answer:
    return Answer(status, vendor_view(call, vendor))


def _create(call: Call) -> Answer:
    fields = call.fields()
    known = call.books.by_external_id(Vendor, fields.get("external_id"))
    if known is not None:
        return _answer(call, 200, known)
    _check_name(fields)
    check_email(fields)
    vendor = new_vendor(call, fields)
    vendor.documents = sent_documents(call)
    call.books.add(vendor)
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
    check_external_id(call.books, vendor, external_id)
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
