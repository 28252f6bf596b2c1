"""Vendor refunds: what vendors owe back to a business.

https://docs.thredfi.com/api-reference/vendor-refunds/create-vendor-refund
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ..uploads import Upload
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import PatchedVendorRefundUpdateRequest, VendorRefund, VendorRefundCreateRequest


class VendorRefunds(BusinessService):
    """What vendors owe back, allocated to bills or payments. Amounts are in minor units."""

    __slots__ = ()

    async def create(
        self,
        body: VendorRefundCreateRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> VendorRefund:
        """Create a refund, or get the one that has this ``external_id`` already.

        ``allocations`` and ``payments`` may be made in the same call. Always say the
        ``currency``: the reference calls it required in one place and not in another.
        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/vendor-refunds/create-vendor-refund
        """
        return await self._call(operations.CREATE_VENDOR_REFUND, options, body, file=file)

    async def get(self, refund_id: str, **options: Unpack[CallOptions]) -> VendorRefund:
        """One refund with its allocations and payments.

        https://docs.thredfi.com/api-reference/vendor-refunds/get-vendor-refund
        """
        return await self._call(operations.GET_VENDOR_REFUND, options, refund_id=refund_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> VendorRefund | None:
        """The vendor refund of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_VENDOR_REFUND, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        currency: str | None = None,
        external_id: str | None = None,
        is_fully_allocated: bool | None = None,
        min_amount: int | None = None,
        max_amount: int | None = None,
        ordering: str | None = None,
        refund_date_start: date | None = None,
        refund_date_end: date | None = None,
        refund_type: str | None = None,
        search: str | None = None,
        status: str | Sequence[str] | None = None,
        vendor_id: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[VendorRefund]:
        """The vendor refunds of the business; filters combine.

        ``external_id`` may be a part of one. ``ordering`` names a field, with a minus sign
        for descending (``-refund_date``). Amounts are in minor units, dates inclusive,
        ``page_size`` is 1 to 100.
        The names of these filters are guesses: ``external_id`` and ``ordering``.
        https://docs.thredfi.com/api-reference/vendor-refunds/list-vendor-refunds
        """
        query = {
            "currency": currency,
            "external_id": external_id,
            "is_fully_allocated": is_fully_allocated,
            "min_amount": min_amount,
            "max_amount": max_amount,
            "ordering": ordering,
            "refund_date_start": refund_date_start,
            "refund_date_end": refund_date_end,
            "refund_type": refund_type,
            "search": search,
            "status": status,
            "vendor_id": vendor_id,
        }
        return self._list(operations.LIST_VENDOR_REFUNDS, options, query, page_size=page_size)

    async def update(
        self,
        refund_id: str,
        body: PatchedVendorRefundUpdateRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> VendorRefund:
        """Change the given fields. Amount, status and vendor can't be changed.

        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/vendor-refunds/update-vendor-refund
        """
        return await self._call(
            operations.UPDATE_VENDOR_REFUND, options, body, file=file, refund_id=refund_id
        )

    async def delete(self, refund_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a refund (softly).

        https://docs.thredfi.com/api-reference/vendor-refunds/delete-vendor-refund
        """
        await self._call(operations.DELETE_VENDOR_REFUND, options, refund_id=refund_id)
