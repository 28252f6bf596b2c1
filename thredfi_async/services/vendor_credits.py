"""Vendor credits: credit notes that a business gets from its vendors.

https://docs.thredfi.com/api-reference/vendor-credits/create-vendor-credit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ..uploads import Upload
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import CreateVendorCreditRequest, UpdateVendorCreditRequest, VendorCredit


class VendorCredits(BusinessService):
    """Credit notes of vendors, and the bills they are applied to. Amounts are in minor units."""

    __slots__ = ()

    async def create(
        self,
        body: CreateVendorCreditRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> VendorCredit:
        """Create a credit, or get the one that has this ``external_id`` already.

        A ``vendor_external_id`` that Thred doesn't know yet makes the vendor as well.
        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/vendor-credits/create-vendor-credit
        """
        return await self._call(operations.CREATE_VENDOR_CREDIT, options, body, file=file)

    async def get(self, credit_id: str, **options: Unpack[CallOptions]) -> VendorCredit:
        """One credit with its allocations.

        https://docs.thredfi.com/api-reference/vendor-credits/get-vendor-credit
        """
        return await self._call(operations.GET_VENDOR_CREDIT, options, credit_id=credit_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> VendorCredit | None:
        """The vendor credit of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_VENDOR_CREDIT, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        received_at_start: datetime | None = None,
        received_at_end: datetime | None = None,
        search: str | None = None,
        status: str | Sequence[str] | None = None,
        vendor_id: str | Sequence[str] | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[VendorCredit]:
        """The credits of the business; filters combine.

        Instants are inclusive, ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/vendor-credits/list-vendor-credits
        """
        query = {
            "received_at_start": received_at_start,
            "received_at_end": received_at_end,
            "search": search,
            "status": status,
            "vendor_id": vendor_id,
        }
        return self._list(operations.LIST_VENDOR_CREDITS, options, query, page_size=page_size)

    async def update(
        self,
        credit_id: str,
        body: UpdateVendorCreditRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> VendorCredit:
        """Change a credit. ``allocations``, when given, replace all existing ones.

        So a credit is applied to one more bill by the old allocations and a new one, and
        taken off a bill by all allocations but that one.
        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/vendor-credits/update-vendor-credit
        """
        return await self._call(
            operations.UPDATE_VENDOR_CREDIT, options, body, file=file, credit_id=credit_id
        )

    async def delete(self, credit_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a credit (softly).

        https://docs.thredfi.com/api-reference/vendor-credits/delete-vendor-credit
        """
        await self._call(operations.DELETE_VENDOR_CREDIT, options, credit_id=credit_id)
