"""Vendors: whom a business buys from.

https://docs.thredfi.com/api-reference/vendors/create-vendor
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ..uploads import Upload
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import CreateVendorRequest, UpdateVendorRequest, Vendor, VendorRequest


class Vendors(BusinessService):
    """Whom the business buys from. A vendor must exist before their first bill."""

    __slots__ = ()

    async def create(
        self, body: CreateVendorRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> Vendor:
        """Create a vendor, or get the one that has this ``external_id`` already.

        https://docs.thredfi.com/api-reference/vendors/create-vendor
        """
        return await self._call(operations.CREATE_VENDOR, options, body)

    async def get(self, vendor_id: str, **options: Unpack[CallOptions]) -> Vendor:
        """One vendor.

        https://docs.thredfi.com/api-reference/vendors/get-vendor
        """
        return await self._call(operations.FETCH_VENDOR, options, vendor_id=vendor_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> Vendor | None:
        """The vendor of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_VENDOR, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        external_id: str | None = None,
        external_id_contains: str | None = None,
        include_archived: bool | None = None,
        name: str | None = None,
        name_contains: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[Vendor]:
        """The vendors of the business, active ones unless ``include_archived``; filters combine.

        The names are the company's or the individual's; ``…_contains`` ignores case.
        ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/vendors/list-vendors
        """
        query = {
            "external_id": external_id,
            "external_id_contains": external_id_contains,
            "include_archived": include_archived,
            "name": name,
            "name_contains": name_contains,
        }
        return self._list(operations.LIST_VENDORS, options, query, page_size=page_size)

    async def update(
        self,
        vendor_id: str,
        body: UpdateVendorRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> Vendor:
        """Change a vendor.

        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/vendors/update-vendor
        """
        return await self._call(
            operations.UPDATE_VENDOR, options, body, file=file, vendor_id=vendor_id
        )

    async def archive(
        self,
        vendor_id: str,
        body: VendorRequest | Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Vendor:
        """Archive a vendor, which hides it from `list`. The documented body needs no content.

        https://docs.thredfi.com/api-reference/vendors/archive-vendor
        """
        return await self._call(operations.ARCHIVE_VENDOR, options, body, vendor_id=vendor_id)

    async def unarchive(
        self,
        vendor_id: str,
        body: VendorRequest | Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Vendor:
        """Make an archived vendor active again. The documented body needs no content.

        https://docs.thredfi.com/api-reference/vendors/unarchive-vendor
        """
        return await self._call(operations.UNARCHIVE_VENDOR, options, body, vendor_id=vendor_id)
