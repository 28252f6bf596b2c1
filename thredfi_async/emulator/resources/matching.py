"""Bank transactions that are payments of invoices and bills: matched, and unmatched again."""

from __future__ import annotations

from typing import Any

from ... import codec
from ...operation import ModelRef
from ..books import BankTransaction, Bill, BillPayment, Invoice, Owed, Payment, Reconciliation
from ..call import Answer, Call
from ..checks import find_row, required_text
from ..problems import conflict, invalid, not_found
from . import bill_payments, payments
from .bank_transactions import named_transaction, transaction_view

__all__ = ["match_bill", "match_invoice", "unmatch_bill", "unmatch_invoice"]

_INVOICE_METHODS = ModelRef("common", "InvoicePaymentMethodEnum")
_BILL_METHODS = ModelRef("bill_payments", "BillPaymentMethod")


# --- matching --------------------------------------------------------------------------


def match_invoice(call: Call) -> Answer:
    """Record what came in as a payment of an invoice."""
    transaction = _matchable(call, "credit")
    named = required_text(call.data, "invoice_id")
    invoice = find_row(call.books, Invoice, named, "invoice_id")
    amount = _amount(transaction, invoice)
    fields = {
        "invoice_id": invoice.id,
        "amount_cents": amount,
        "payment_date": transaction.day.isoformat(),
        "payment_method": _method(call, _INVOICE_METHODS),
        "payment_reference": _reference(transaction, invoice),
        "bank_reference": _evidence(call),
        "notes": _notes(call),
    }
    payment = payments.record_payment(call, fields)
    return _link(call, transaction, payment, invoice.id, amount)


def match_bill(call: Call) -> Answer:
    """Record what went out as a payment of a bill."""
    transaction = _matchable(call, "debit")
    named = required_text(call.data, "bill_id")
    bill = find_row(call.books, Bill, named, "bill_id")
    if bill.vendor is None:
        raise conflict("The bill names no vendor who could be paid.")
    amount = _amount(transaction, bill)
    fields = {
        "amount_cents": amount,
        "payment_method": _method(call, _BILL_METHODS),
        "payment_reference": _reference(transaction, bill),
        "description": _evidence(call),
        "memo": _notes(call),
        "allocations": [{"bill_id": bill.id, "amount_cents": amount}],
    }
    payment = bill_payments.record_payment(call, bill.vendor, fields, transaction.day, "completed")
    return _link(call, transaction, payment, bill.id, amount)


def _matchable(call: Call, direction: str) -> BankTransaction:
    """The transaction of a call, if something of it can be matched. Raises 404 and 409."""
    transaction = named_transaction(call)
    if transaction.direction != direction:
        raise conflict(f"Only money of the direction {direction} can be matched to this.")
    if transaction.children:
        raise conflict("The bank transaction was split; match its parts.")
    if not transaction.remaining:
        raise conflict("All of the bank transaction is matched to payments already.")
    return transaction


def _amount(transaction: BankTransaction, owed: Owed) -> int:
    """What of a transaction can pay an invoice or bill. Raises 409."""
    if not owed.outstanding:
        raise conflict(f"Nothing of the {owed.kind} is outstanding.")
    return min(transaction.remaining, owed.outstanding)


def _method(call: Call, kind: ModelRef) -> str:
    method = call.data.get("payment_method") or "bank_transfer"
    known = list(codec.load(kind))
    if method not in known:
        raise invalid(payment_method=f"Must be one of {', '.join(known)}.")
    return str(method)


def _reference(transaction: BankTransaction, owed: Invoice | Bill) -> str:
    return f"RECON-{transaction.id}-{owed.id}"


def _evidence(call: Call) -> str | None:
    evidence = call.data.get("evidence")
    found = evidence.get("reference") if isinstance(evidence, dict) else None
    return found if isinstance(found, str) else None


def _notes(call: Call) -> str | None:
    notes = call.data.get("notes")
    return notes if isinstance(notes, str) else None


def _link(
    call: Call,
    transaction: BankTransaction,
    payment: Payment | BillPayment,
    document_id: str,
    amount: int,
) -> Answer:
    link = Reconciliation(
        id=call.world.new_id(),
        transaction=transaction,
        payment=payment,
        document_id=document_id,
        amount=amount,
        at=call.now,
        notes=_notes(call),
    )
    transaction.reconciliations.append(link)
    call.books.reconciliations[payment.id] = link
    return _answer(call, transaction, payment)


# --- unmatching ------------------------------------------------------------------------


def unmatch_invoice(call: Call) -> Answer:
    """Cancel the payment that a transaction was matched to an invoice by."""
    link = _linked(call, "invoice_id")
    assert isinstance(link.payment, Payment)
    payments.cancel_payment(call, link.payment)
    return _unlink(call, link)


def unmatch_bill(call: Call) -> Answer:
    """Cancel the payment that a transaction was matched to a bill by."""
    link = _linked(call, "bill_id")
    assert isinstance(link.payment, BillPayment)
    bill_payments.cancel_payment(call, link.payment)
    return _unlink(call, link)


def _linked(call: Call, name: str) -> Reconciliation:
    """The latest link between the transaction and the invoice or bill. Raises 400 and 404."""
    document_id = required_text(call.data, name)
    for link in reversed(named_transaction(call).reconciliations):
        if link.document_id == document_id:
            return link
    raise not_found("match")


def _unlink(call: Call, link: Reconciliation) -> Answer:
    link.transaction.reconciliations.remove(link)
    del call.books.reconciliations[link.payment.id]
    return _answer(call, link.transaction, link.payment)


def _answer(call: Call, transaction: BankTransaction, payment: Payment | BillPayment) -> Answer:
    transaction.updated_at = call.now
    call.books.record(transaction)
    view: dict[str, Any] = transaction_view(call.books, transaction)
    return Answer(200, {"payment_id": payment.id, "bank_transaction": view})
