"""The shapes in which the API shows vendor refunds and their payments."""

from __future__ import annotations

from typing import Any

from ..books import VendorRefund, VendorRefundAllocation, VendorRefundPayment
from ..call import Call, without_none
from ..documents import document_view

__all__ = ["allocated_refund_view", "listed_payment_view", "payment_view", "refund_view"]

_REFUND_SHOWN = (
    "refund_type",
    "reference_number",
    "expected_completion_date",
    "description",
    "memo",
    "reason",
    "metadata",
)
_PAYMENT_SHOWN = ("payment_reference", "payment_method", "processor")
_PAYMENT_TEXTS = ("description", "memo", "metadata")


def refund_view(call: Call, refund: VendorRefund) -> dict[str, Any]:
    """A refund with its allocations and payments."""
    return without_none(
        {
            "id": refund.id,
            "vendor_id": refund.vendor.id,
            "vendor_name": refund.vendor.name,
            "total_refunded_amount": refund.amount,
            "allocated_amount": refund.allocated,
            "unallocated_amount": refund.amount - refund.allocated,
            "allocations": [_allocation_view(refund, one) for one in refund.allocations],
            "vendor_refund_payments": [
                _nested_payment_view(payment) for payment in refund.payments.values()
            ],
            "document": document_view(call, refund),
            "external_id": refund.external_id,
            "currency": call.books.currency,
            "status": refund.status,
            "refund_date": refund.refund_date,
            **{name: refund.fields.get(name) for name in _REFUND_SHOWN},
            "created_at": refund.created_at,
            "updated_at": refund.updated_at,
        }
    )


def _allocation_view(refund: VendorRefund, allocation: VendorRefundAllocation) -> dict[str, Any]:
    """What a part of a refund is for."""
    bill, bill_payment = allocation.bill, allocation.bill_payment
    target = bill or bill_payment
    return without_none(
        {
            "id": allocation.id,
            "amount": allocation.amount,
            "bill_id": bill.id if bill else None,
            "bill_number": bill.number if bill else None,
            "bill_outstanding_balance_cents": bill.outstanding if bill else None,
            "bill_payment_id": bill_payment.id if bill_payment else None,
            "created_at": refund.created_at,
            "updated_at": refund.created_at,
            "target_description": target.label if target else f"Credit of {refund.vendor.name}",
            "allocation_type": allocation.type,
            "allocation_date": refund.created_at,
            "description": allocation.fields.get("description"),
            "metadata": allocation.fields.get("metadata"),
        }
    )


def allocated_refund_view(refund: VendorRefund, amount: int) -> dict[str, Any]:
    """What a refund takes back, as the bill or bill payment that it takes it from shows it."""
    return without_none(
        {
            "vendor_refund_id": refund.id,
            "amount_cents": amount,
            "allocated_at": refund.created_at,
            "reference_number": refund.fields.get("reference_number"),
        }
    )


def _nested_payment_view(payment: VendorRefundPayment) -> dict[str, Any]:
    """A payment inside of its refund."""
    return without_none(
        {
            "id": payment.id,
            "vendor_refund_id": payment.refund.id,
            "refunded_amount": payment.amount,
            "processing_fee": payment.fee,
            "net_amount": payment.net,
            "reconciled_bank_transactions": [],
            **{name: payment.fields.get(name) for name in _PAYMENT_SHOWN + _PAYMENT_TEXTS},
            "status": payment.status,
            "payment_date": payment.payment_date,
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
        }
    )


def listed_payment_view(call: Call, payment: VendorRefundPayment) -> dict[str, Any]:
    """A payment in a list."""
    refund = payment.refund
    return without_none(
        {
            "id": payment.id,
            "refund_id": refund.id,
            "vendor_id": refund.vendor.id,
            "vendor_name": refund.vendor.name,
            "refunded_amount_cents": payment.amount,
            "processing_fee_cents": payment.fee,
            "net_amount_cents": payment.net,
            "currency": call.books.currency,
            **{name: payment.fields.get(name) for name in _PAYMENT_SHOWN},
            "status": payment.status,
            "payment_date": payment.payment_date,
            "submitted_at": payment.submitted_at,
            "completed_at": payment.completed_at,
            "failed_at": payment.failed_at,
            "failure_reason": payment.fields.get("failure_reason"),
            "reconciled_bank_transactions": [],
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
        }
    )


def payment_view(call: Call, payment: VendorRefundPayment) -> dict[str, Any]:
    """A payment with its refund and its allocations."""
    refund = payment.refund
    texts = {name: payment.fields.get(name) for name in _PAYMENT_TEXTS}
    return {
        "refund": refund_view(call, refund),
        "payment": {
            **listed_payment_view(call, payment),
            **without_none({"external_id": payment.external_id, **texts}),
        },
        "allocations": [_allocation_view(refund, one) for one in refund.allocations],
    }
