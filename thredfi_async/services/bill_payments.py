"""Payments that a business makes on bills.

https://docs.thredfi.com/api-reference/bill-payments/create-bill-payment
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
        BillPayment,
        BillPaymentListItem,
        CreateBillPaymentRequest,
        DeleteBillPaymentResponse,
        UpdateBillPaymentRequest,
    )


class BillPayments(BusinessService):
    """Record, read, change and cancel payments to vendors. Amounts are in minor units."""

    __slots__ = ()

    async def create(
        self, body: CreateBillPaymentRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> BillPayment:
        """Record a payment and allocate it to bills, all or nothing.

        A payment by ``check`` needs its ``check_number``.

        Every call carries an Idempotency-Key, made from the ``external_id`` where there is
        one: a repeat gets the first call's answer.
        https://docs.thredfi.com/api-reference/bill-payments/create-bill-payment
        """
        return await self._call(operations.CREATE_BILL_PAYMENT, options, body)

    async def get(self, bill_payment_id: str, **options: Unpack[CallOptions]) -> BillPayment:
        """One payment with its allocations.

        https://docs.thredfi.com/api-reference/bill-payments/get-bill-payment
        """
        return await self._call(
            operations.GET_BILL_PAYMENT, options, bill_payment_id=bill_payment_id
        )

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> BillPayment | None:
        """The bill payment of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_BILL_PAYMENT, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        bill_id: str | None = None,
        payment_date_start: date | None = None,
        payment_date_end: date | None = None,
        payment_method: str | None = None,
        search: str | None = None,
        status: str | None = None,
        vendor_id: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[BillPaymentListItem]:
        """The payments on bills, in a shorter form than `get`; filters combine.

        ``search`` looks at payment references, check numbers and the processor's ids.
        Dates are inclusive, ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/bill-payments/list-bill-payments
        """
        query = {
            "bill_id": bill_id,
            "payment_date_start": payment_date_start,
            "payment_date_end": payment_date_end,
            "payment_method": payment_method,
            "search": search,
            "status": status,
            "vendor_id": vendor_id,
        }
        return self._list(operations.LIST_BILL_PAYMENTS, options, query, page_size=page_size)

    async def update(
        self,
        bill_payment_id: str,
        body: UpdateBillPaymentRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> BillPayment:
        """Change the given fields of a payment, its ``status`` for example.

        A pending one may become processing, completed, failed or cancelled, a processing one
        completed or failed; these three are final. ``failed`` needs a ``failure_reason``.
        https://docs.thredfi.com/api-reference/bill-payments/update-bill-payment
        """
        return await self._call(
            operations.UPDATE_BILL_PAYMENT, options, body, bill_payment_id=bill_payment_id
        )

    async def delete(
        self, bill_payment_id: str, **options: Unpack[CallOptions]
    ) -> DeleteBillPaymentResponse:
        """Cancel a pending or failed payment; its allocations are taken back.

        https://docs.thredfi.com/api-reference/bill-payments/delete-bill-payment
        """
        return await self._call(
            operations.DELETE_BILL_PAYMENT, options, bill_payment_id=bill_payment_id
        )
