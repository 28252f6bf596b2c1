"""Receipts, and the bank transactions that they belong to. Nobody documents their fields."""

from __future__ import annotations

from typing import Any

import attrs

from ... import operations
from ..books import BankTransaction, Receipt, ReceiptLink
from ..call import Answer, Call, Handler
from ..checks import find_row, required_text
from ..documents import document_view, sent_documents
from ..paging import page_of
from ..problems import conflict, invalid

__all__ = ["HANDLERS"]

_TRANSACTION = "bank_transaction_id"


def _named(call: Call) -> Receipt:
    return call.named(Receipt, "receipt_id")


# --- views -----------------------------------------------------------------------------


def _view(call: Call, receipt: Receipt) -> dict[str, Any]:
    return {
        "id": receipt.id,
        "document": document_view(call, receipt),
        "reconciliation_status": receipt.status,
    }


def _with_links(call: Call, receipt: Receipt) -> Answer:
    return Answer(200, {**_view(call, receipt), "reconciliations": _link_views(receipt)})


def _link_views(receipt: Receipt) -> list[dict[str, Any]]:
    return [
        {
            "id": link.id,
            "bank_transaction_id": link.transaction.id,
            "amount_cents": link.amount,
            "reconciled_at": link.at,
        }
        for link in receipt.links.values()
    ]


# --- operations ------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.data
    external_id = fields.get("external_id")
    if external_id is not None:
        external_id = required_text(fields, "external_id")
    known = books.by_external_id(Receipt, external_id)
    if known is not None:
        return Answer(201, _view(call, known))
    receipt = Receipt(
        id=call.world.new_id(),
        external_id=external_id,
        fields=dict(fields),
        amount=_amount(call),
        documents=sent_documents(call),
        created_at=call.now,
        updated_at=call.now,
    )
    books.add(receipt)
    return Answer(201, _view(call, receipt))


def _amount(call: Call) -> int | None:
    """The ``amount_cents`` of a body, or None. Raises 400."""
    amount = call.data.get("amount_cents")
    if amount is not None and (type(amount) is not int or amount < 1):
        raise invalid(amount_cents="A valid integer of at least 1 is required.")
    return amount


def _get(call: Call) -> Answer:
    return Answer(200, _view(call, _named(call)))


def _list(call: Call) -> Answer:
    """All of them, as no parameter asks for another page."""
    rows = list(call.books.rows(Receipt).values())
    whole = attrs.evolve(call, query={"page_size": max(20, len(rows))})
    return page_of(whole, rows, lambda row: _view(call, row))


def _reconcile(call: Call) -> Answer:
    receipt = _named(call)
    transaction = _transaction(call)
    if transaction.id in receipt.links:
        raise conflict("The receipt is reconciled with this bank transaction already.")
    link = ReceiptLink(
        id=call.world.new_id(),
        transaction=transaction,
        amount=_linked_amount(call, receipt, transaction),
        at=call.now,
    )
    receipt.links[transaction.id] = link
    receipt.updated_at = call.now
    return _with_links(call, receipt)


def _transaction(call: Call) -> BankTransaction:
    """The bank transaction that a body names. Raises 400."""
    named = required_text(call.data, _TRANSACTION)
    return find_row(call.books, BankTransaction, named, _TRANSACTION)


def _linked_amount(call: Call, receipt: Receipt, transaction: BankTransaction) -> int:
    """As asked for, else as much as there is. Raises 400 and 409."""
    most = transaction.size
    if receipt.amount is not None:
        most = min(most, receipt.amount - receipt.reconciled)
    if not most:
        raise conflict("All of the receipt is reconciled already.")
    asked = _amount(call) or most
    if asked > most:
        raise invalid(amount_cents=f"Only {most} can be reconciled.")
    return asked


def _unreconcile(call: Call) -> Answer:
    """Take off the bank transaction that the body names, or all of them."""
    receipt = _named(call)
    if not receipt.links:
        raise conflict("The receipt is not reconciled.")
    if call.data.get(_TRANSACTION) is None:
        receipt.links.clear()
    elif receipt.links.pop(required_text(call.data, _TRANSACTION), None) is None:
        raise invalid(**{_TRANSACTION: "The receipt isn't reconciled with this one."})
    receipt.updated_at = call.now
    return _with_links(call, receipt)


def _list_links(call: Call) -> Answer:
    views = _link_views(_named(call))
    return Answer(200, {"count": len(views), "results": views})


HANDLERS: dict[str, Handler] = {
    operations.CREATE_RECEIPT.id: _create,
    operations.GET_RECEIPT.id: _get,
    operations.LIST_RECEIPTS.id: _list,
    operations.RECONCILE_RECEIPT.id: _reconcile,
    operations.UNRECONCILE_RECEIPT.id: _unreconcile,
    operations.LIST_RECEIPT_RECONCILIATIONS.id: _list_links,
}
