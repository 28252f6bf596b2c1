"""The two shapes in which the API shows a payment."""

from __future__ import annotations

from typing import Any

from ... import money
from ..books import Books, Invoice, Payment
from ..call import without_none
from .bank_transactions import reconciled_bank_transactions

__all__ = ["bank_reference", "detail_view", "list_view"]


def detail_view(books: Books, payment: Payment) -> dict[str, Any]:
    """As the writing operations show it."""
    fields = payment.fields
    left = payment.amount - payment.allocated
    return without_none(
        {
            "id": payment.id,
            "business_id": books.id,
            "customer_id": payment.customer.id if payment.customer else None,
            "total_amount_cents": payment.amount,
            "applied_amount_cents": payment.allocated,
            "allocated_amount_cents": payment.allocated,
            "unapplied_amount_cents": left,
            "remaining_amount_cents": left,
            "currency": books.currency,
            "status": payment.status,
            "payment_method": payment.method,
            "payment_reference": fields.get("payment_reference"),
            "external_id": payment.external_id,
            "note": fields.get("note") or fields.get("notes"),
            "bank_reference": bank_reference(payment),
            "metadata": fields.get("metadata") or {},
            "idempotency_key": payment.idempotency_key,
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
            "applied_invoices": [
                {
                    "id": invoice.id,
                    "invoice_number": invoice.number,
                    "applied_amount_cents": amount,
                    "status": invoice.status,
                    "outstanding_amount_cents": invoice.outstanding,
                }
                for invoice, amount in _allocated(books, payment)
            ],
        }
    )


def list_view(books: Books, payment: Payment) -> dict[str, Any]:
    """As the reading operations show it."""
    fields, customer = payment.fields, payment.customer
    completed = payment.status == "completed"
    return without_none(
        {
            "id": payment.id,
            "customer": _customer(payment),
            "customer_name": customer.name if customer else None,
            "customer_email": customer.fields.get("email") if customer else None,
            "payment_method": payment.method,
            "total_amount": payment.amount,
            "allocated_amount": payment.allocated,
            "unallocated_amount": payment.amount - payment.allocated,
            "net_amount": payment.amount - payment.fee,
            "processing_fee": payment.fee,
            "processing_fee_cents": payment.fee,
            "display_amount": f"{money.from_minor(payment.amount, books.currency)} "
            f"{books.currency}",
            "is_fully_allocated": payment.allocated == payment.amount,
            "is_completed": completed,
            "processed_at": payment.created_at if completed else None,
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
            "allocations": _allocations(books, payment),
            "refund_allocations": [],
            "reconciled_bank_transactions": reconciled_bank_transactions(books, payment.id),
            "payment_date": payment.payment_date,
            "currency": books.currency,
            "status": payment.status,
            "payment_reference": fields.get("payment_reference"),
            "external_id": payment.external_id,
            "processor_reference": fields.get("processor_reference"),
            "bank_reference": bank_reference(payment),
            "payment_processor": fields.get("payment_processor"),
            "notes": fields.get("notes") or fields.get("note"),
            "transaction_tags": fields.get("transaction_tags"),
            "metadata": fields.get("metadata"),
        }
    )


def bank_reference(payment: Payment) -> str | None:
    """The field itself, else the one among ``references``, which is free-form."""
    references = payment.fields.get("references") or {}
    found = payment.fields.get("bank_reference") or references.get("bank_reference")
    return found if isinstance(found, str) else None


def _customer(payment: Payment) -> dict[str, Any] | None:
    customer = payment.customer
    if customer is None:
        return None
    return without_none(
        {
            "id": customer.id,
            "name": customer.name,
            "email": customer.fields.get("email"),
            "company_name": customer.fields.get("company_name"),
        }
    )


def _allocations(books: Books, payment: Payment) -> list[dict[str, Any]]:
    return [
        {
            "id": payment.allocation_ids[invoice.id],
            "invoice_id": invoice.id,
            "invoice_number": invoice.number,
            "invoice_status": invoice.status,
            "amount": amount,
            "allocated_at": payment.created_at,
        }
        for invoice, amount in _allocated(books, payment)
    ]


def _allocated(books: Books, payment: Payment) -> list[tuple[Invoice, int]]:
    return [(books.invoices[name], amount) for name, amount in payment.allocations.items()]
