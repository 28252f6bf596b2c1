"""Journal entries: all posted by the emulator itself, each balanced and final."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from ... import operations
from ..books import Books, Entry, EntryLine, Role, Row
from ..call import Answer, Call, Handler
from ..documents import document_view
from ..filtering import is_filtered, matches_text
from ..paging import page_of
from ..problems import not_found
from .account_views import title

__all__ = ["HANDLERS"]

_STATUS, _CREATOR = "approved", "system"
# Rows that are documents of their own, with the names that linked documents go by.
_DOCUMENTS = {
    "invoice": "invoice",
    "bill": "bill",
    "receipt": "receipt",
    "customer_credit": "customercredit",
    "vendor_credit": "vendorcredit",
    "refund": "refund",
    "vendor_refund": "vendorrefund",
}


def _row_view(books: Books, entry: Entry) -> dict[str, Any]:
    source = entry.source
    return {
        "id": entry.id,
        "sequence_number": _number(entry),
        "entry_date": entry.day,
        "reference": source.label,
        "description": entry.posting.text,
        "currency": books.currency,
        "total_debit": entry.total,
        "total_credit": entry.total,
        "is_balanced": True,
        "created_by": _CREATOR,
        "created_by_display": title(_CREATOR),
        "status": _STATUS,
        "status_display": title(_STATUS),
        "is_posted": True,
        "posted_at": entry.posted_at,
        "source_type": source.kind,
        "source_reference": source.external_id or source.id,
        "created_at": entry.posted_at,
    }


def _number(entry: Entry) -> str:
    return f"JE-{entry.day.year}-{entry.number:06d}"


def _detail_view(call: Call, entry: Entry) -> dict[str, Any]:
    books, month = call.books, f"{entry.day:%Y-%m}"
    return {
        **_row_view(books, entry),
        "accounting_period": {
            "id": str(uuid.uuid5(uuid.UUID(books.id), month)),
            "year": entry.day.year,
            "month": entry.day.month,
            "period_name": month,
            "status": "open",
        },
        "lines": [_line_view(line) for line in entry.lines],
        "source_info": {
            "linked_documents": [_document_view(call, row) for row in _linked(books, entry)]
        },
    }


def _document_view(call: Call, row: Row) -> dict[str, Any]:
    view = {"type": _DOCUMENTS[row.kind], "id": row.id, "display_name": row.label}
    file = document_view(call, row)
    if file is None:
        return view
    return {**view, "file_link": {name: file[name] for name in ("url", "file_name", "file_size")}}


def _line_view(line: EntryLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "line_number": line.number,
        "account_code": line.account.code,
        "account_name": line.account.name,
        "account_type": line.account.type,
        "debit_amount": line.debit,
        "credit_amount": line.credit,
        "description": line.entry.posting.text,
    }


def _linked(books: Books, entry: Entry) -> Iterator[Any]:
    """The entry's row, what that settles, and the invoices and bills of the entry, each once."""
    source: Any = entry.source
    found = [source, *(getattr(source, kind, None) for kind in _DOCUMENTS)]
    for role in (Role.RECEIVABLE, Role.PAYABLE):
        items = [line.item for line in entry.lines if line.account is books.ledger.of(role)]
        if items and source.id not in items:
            documents = books.ledger.documents(role)
            found += [documents.get(item) for item in items if item is not None]
    rows = {row.id: row for row in found if getattr(row, "kind", None) in _DOCUMENTS}
    return iter(rows.values())


# --- operations ------------------------------------------------------------------------


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books
    entries = books.ledger.entries.values()
    rows = list(entries)
    if is_filtered(call):
        rows = [entry for entry in rows if _is_wanted(asked, entry)]
    return page_of(call, rows, lambda entry: _row_view(books, entry))


def _is_wanted(asked: Any, entry: Entry) -> bool:
    first, last, account_id = (asked.get(name) for name in ("date_from", "date_to", "account_id"))
    return (
        (first is None or first <= entry.day)
        and (last is None or entry.day <= last)
        and (account_id is None or any(line.account.id == account_id for line in entry.lines))
        and asked.get("created_by") in (None, _CREATOR)
        and asked.get("status") in (None, _STATUS)
        and asked.get("is_posted") in (None, True)
        and matches_text(
            asked.get("search"), [entry.posting.text, entry.source.label, _number(entry)]
        )
    )


def _get(call: Call) -> Answer:
    entry = call.books.ledger.entries.get(call.path["entry_id"])
    if entry is None:
        raise not_found("journal entry")
    return Answer(200, _detail_view(call, entry))


HANDLERS: dict[str, Handler] = {
    operations.LIST_JOURNAL_ENTRIES.id: _list,
    operations.GET_JOURNAL_ENTRY_DETAIL.id: _get,
}
