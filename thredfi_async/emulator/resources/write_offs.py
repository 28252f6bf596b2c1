"""Write-offs: what of an invoice nobody expects to be paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import operations
from ..books import Invoice, WriteOff
from ..call import Answer, Call, Handler, instant, without_none
from ..checks import find_account
from ..problems import conflict, duplicate, invalid

__all__ = ["HANDLERS", "write_off_view"]


def write_off_view(write_off: WriteOff) -> dict[str, Any]:
    """The write-off as the API shows it, also on its invoice."""
    return without_none(
        {
            "id": write_off.id,
            "write_off_at": write_off.written_off_at,
            "created_at": write_off.created_at,
            "reason": _reason(write_off.fields),
            "amount": write_off.amount,
            "amount_cents": write_off.amount,
        }
    )


def _reason(fields: Mapping[str, Any]) -> str | None:
    """The value of the tag that says it, else the memo."""
    for tag in fields.get("tags") or ():
        if tag.get("key") == "write_off_reason" and tag.get("value"):
            return str(tag["value"])
    return fields.get("memo")


def _create(call: Call) -> Answer:
    books, fields, invoice = call.books, call.fields(), call.named(Invoice, "invoice_id")
    external_id = fields.get("external_id")
    known = books.by_external_id(WriteOff, external_id)
    if known is not None:
        if known.invoice is not invoice:
            raise duplicate("write-off")
        return Answer(201, write_off_view(known))
    if not invoice.outstanding:
        raise conflict("Nothing of the invoice is outstanding.")
    account = find_account(books, fields.get("destination_account"), "destination_account")
    write_off = WriteOff(
        id=call.world.new_id(),
        external_id=external_id,
        fields=fields,
        invoice=invoice,
        amount=_amount(fields, invoice),
        written_off_at=instant(write_off_at=call.body.write_off_at) or call.now,
        account=account,
        created_at=call.now,
        updated_at=call.now,
    )
    invoice.write_offs[write_off.id] = write_off
    invoice.updated_at = call.now
    books.add(write_off)
    books.record(write_off)
    return Answer(201, write_off_view(write_off))


def _amount(fields: Mapping[str, Any], invoice: Invoice) -> int:
    """As asked for, else all that is outstanding. Raises 400."""
    left = invoice.outstanding
    amount: int = fields.get("amount_cents", left)
    if amount < 1:
        raise invalid(amount_cents="Must be at least 1.")
    if amount > left:
        raise invalid(amount_cents=f"Only {left} of the invoice is outstanding.")
    return amount


HANDLERS: dict[str, Handler] = {operations.CREATE_INVOICE_WRITE_OFF.id: _create}
