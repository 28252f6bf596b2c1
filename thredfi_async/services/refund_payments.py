"""Refund payments: the money that goes back to a customer.

https://docs.thredfi.com/api-reference/refund-payments/create-refund-payment
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import CreateRefundPaymentRequestRequest, RefundPayment


class RefundPayments(BusinessService):
    """The cash leg of a refund: it clears the liability. Each belongs to one refund."""

    __slots__ = ()

    async def create(
        self,
        refund_id: str,
        body: CreateRefundPaymentRequestRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> RefundPayment:
        """Pay ``amount_cents`` (minor units) of a refund, at most what is left of it.

        ``external_id`` and ``method`` are required. The external_id is unique within its refund:
        a known one gets the payment that has it.
        https://docs.thredfi.com/api-reference/refund-payments/create-refund-payment
        """
        return await self._call(
            operations.CREATE_REFUND_PAYMENT, options, body, refund_id=refund_id
        )

    async def get(
        self, refund_id: str, payment_id: str, **options: Unpack[CallOptions]
    ) -> RefundPayment:
        """One payment of a refund.

        https://docs.thredfi.com/api-reference/refund-payments/get-refund-payment
        """
        return await self._call(
            operations.FETCH_REFUND_PAYMENT, options, refund_id=refund_id, payment_id=payment_id
        )

    async def by_external_id(
        self, refund_id: str, external_id: str, *, scan: bool = False
    ) -> RefundPayment | None:
        """The refund payment of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(
            operations.CREATE_REFUND_PAYMENT, external_id, scan=scan, refund_id=refund_id
        )
        return None if id is None else await self.get(refund_id, id)

    def list(
        self, refund_id: str, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Paginator[RefundPayment]:
        """The payments of a refund; ``page_size`` is 1 to 100.

        https://docs.thredfi.com/api-reference/refund-payments/list-refund-payments
        """
        return self._list(
            operations.LIST_REFUND_PAYMENTS, options, {}, page_size=page_size, refund_id=refund_id
        )

    async def delete(self, refund_id: str, payment_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a payment of a refund; the refund's status is computed anew.

        https://docs.thredfi.com/api-reference/refund-payments/delete-refund-payment
        """
        await self._call(
            operations.DELETE_REFUND_PAYMENT, options, refund_id=refund_id, payment_id=payment_id
        )
