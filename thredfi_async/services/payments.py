"""Payments that customers make on invoices.

https://docs.thredfi.com/api-reference/payments/create-payment
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import (
        CreateInvoicePaymentRequest,
        DeleteInvoicePaymentResponse,
        InvoicePaymentDetail,
        InvoicePaymentList,
        PatchedUpdateInvoicePaymentRequest,
        UpdateInvoicePaymentRequest,
    )


class Payments(BusinessService):
    """Record, read, change and cancel payments. Amounts are integers in minor units."""

    __slots__ = ()

    async def create(
        self,
        body: CreateInvoicePaymentRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> InvoicePaymentDetail:
        """Record a payment and allocate it to invoices.

        Every call carries an Idempotency-Key, made from the ``external_id`` where there is
        one: a repeat gets the first call's answer.
        https://docs.thredfi.com/api-reference/payments/create-payment
        """
        return await self._call(operations.CREATE_INVOICE_PAYMENT, options, body)

    async def get(self, payment_id: str, **options: Unpack[CallOptions]) -> InvoicePaymentList:
        """One payment, in the shape that the list has.

        https://docs.thredfi.com/api-reference/payments/get-payment
        """
        return await self._call(operations.GET_INVOICE_PAYMENT, options, payment_id=payment_id)

    async def by_external_id(
        self, external_id: str, *, scan: bool = False
    ) -> InvoicePaymentList | None:
        """The payment of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_INVOICE_PAYMENT, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        customer_id: str | Sequence[str] | None = None,
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        fully_allocated: bool | None = None,
        invoice_id: str | None = None,
        min_amount: int | None = None,
        max_amount: int | None = None,
        method: str | None = None,
        order: Literal["asc", "desc"] | None = None,
        payment_processor: str | None = None,
        search: str | None = None,
        sort_by: Literal["payment_date", "amount", "created_at"] | None = None,
        status: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[InvoicePaymentList]:
        """The payments of the business; filters combine.

        ``date_from`` and ``date_to`` are instants. Amounts are in minor units, ``page_size`` is
        1 to 100. The newest come first.
        The names of these filters are guesses: ``max_amount``, ``method``,
        ``min_amount``, ``order``, ``payment_processor``, ``search``, ``sort_by`` and
        ``status``.
        https://docs.thredfi.com/api-reference/payments/list-payments
        """
        query = {
            "customer_id": customer_id,
            "date_from": date_from,
            "date_to": date_to,
            "fully_allocated": fully_allocated,
            "invoice_id": invoice_id,
            "min_amount": min_amount,
            "max_amount": max_amount,
            "method": method,
            "order": order,
            "payment_processor": payment_processor,
            "search": search,
            "sort_by": sort_by,
            "status": status,
        }
        return self._list(operations.LIST_INVOICE_PAYMENTS, options, query, page_size=page_size)

    async def update(
        self,
        payment_id: str,
        body: UpdateInvoicePaymentRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> InvoicePaymentDetail:
        """Change a payment (PUT). An amount that breaks its allocations is refused.

        https://docs.thredfi.com/api-reference/payments/update-payment
        """
        return await self._call(
            operations.UPDATE_INVOICE_PAYMENT, options, body, payment_id=payment_id
        )

    async def partial_update(
        self,
        payment_id: str,
        body: PatchedUpdateInvoicePaymentRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> InvoicePaymentDetail:
        """Change the given fields of a payment (PATCH).

        https://docs.thredfi.com/api-reference/payments/partial-update-payment
        """
        return await self._call(
            operations.PARTIAL_UPDATE_INVOICE_PAYMENT, options, body, payment_id=payment_id
        )

    async def delete(
        self, payment_id: str, **options: Unpack[CallOptions]
    ) -> DeleteInvoicePaymentResponse:
        """Cancel a pending or failed payment; a completed one is refunded instead.

        https://docs.thredfi.com/api-reference/payments/delete-payment
        """
        return await self._call(operations.DELETE_INVOICE_PAYMENT, options, payment_id=payment_id)
