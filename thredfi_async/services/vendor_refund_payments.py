"""Payments of vendor refunds: money that vendors pay back.

https://docs.thredfi.com/api-reference/vendor-refund-payments/create-vendor-refund-payment
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import (
        CreateVendorRefundPaymentRequest,
        DeleteVendorRefundPaymentResponse,
        PatchedVendorRefundPaymentUpdateRequest,
        VendorRefundPaymentListItem,
        VendorRefundPaymentResult,
    )


class VendorRefundPayments(BusinessService):
    """A payment together with its refund and the refund's allocations. Amounts: minor units.

    Only `list` has a model for a payment. Elsewhere ``payment``, ``refund`` and ``allocations`` of
    the answer are plain mappings (``answer.payment["id"]``), as they are not documented.
    """

    __slots__ = ()

    async def create(
        self,
        body: CreateVendorRefundPaymentRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> VendorRefundPaymentResult:
        """Make a refund, its payment and its allocations, all or nothing.

        An allocation is to a bill (``bill_id``), to a payment (``bill_payment_id``) or a credit
        balance. Every call carries an Idempotency-Key, made from the ``external_id`` where
        there is one: a repeat gets the first call's answer.
        https://docs.thredfi.com/api-reference/vendor-refund-payments/create-vendor-refund-payment
        """
        return await self._call(operations.CREATE_VENDOR_REFUND_PAYMENT, options, body)

    async def get(
        self, vendor_refund_payment_id: str, **options: Unpack[CallOptions]
    ) -> VendorRefundPaymentResult:
        """One payment with its refund and allocations.

        https://docs.thredfi.com/api-reference/vendor-refund-payments/get-vendor-refund-payment
        """
        return await self._call(
            operations.GET_VENDOR_REFUND_PAYMENT,
            options,
            vendor_refund_payment_id=vendor_refund_payment_id,
        )

    def list(
        self,
        *,
        payment_date_start: date | None = None,
        payment_date_end: date | None = None,
        payment_method: str | None = None,
        refund_id: str | None = None,
        search: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[VendorRefundPaymentListItem]:
        """The payments of vendor refunds; filters combine.

        ``search`` looks at payment references. Dates are inclusive, ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/vendor-refund-payments/list-vendor-refund-payments
        """
        query = {
            "payment_date_start": payment_date_start,
            "payment_date_end": payment_date_end,
            "payment_method": payment_method,
            "refund_id": refund_id,
            "search": search,
            "status": status,
        }
        return self._list(
            operations.LIST_VENDOR_REFUND_PAYMENTS, options, query, page_size=page_size
        )

    async def update(
        self,
        vendor_refund_payment_id: str,
        body: PatchedVendorRefundPaymentUpdateRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> VendorRefundPaymentResult:
        """Change the given fields of a payment, its ``status`` for example.

        A pending one may become processing, completed, failed or cancelled, a processing one
        completed or failed; these three are final. ``failed`` needs a ``failure_reason``.
        https://docs.thredfi.com/api-reference/vendor-refund-payments/update-vendor-refund-payment
        """
        return await self._call(
            operations.UPDATE_VENDOR_REFUND_PAYMENT,
            options,
            body,
            vendor_refund_payment_id=vendor_refund_payment_id,
        )

    async def delete(
        self, vendor_refund_payment_id: str, **options: Unpack[CallOptions]
    ) -> DeleteVendorRefundPaymentResponse:
        """Cancel a payment. In which states that is allowed is not documented.

        https://docs.thredfi.com/api-reference/vendor-refund-payments/delete-vendor-refund-payment
        """
        return await self._call(
            operations.DELETE_VENDOR_REFUND_PAYMENT,
            options,
            vendor_refund_payment_id=vendor_refund_payment_id,
        )
