"""Businesses: the partner's customers, whose books Thred keeps.

https://docs.thredfi.com/api-reference/business-management/create-business
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..errors import InvalidRequest
from ..options import CallOptions
from ..pagination import Paginator
from ._base import Service

if TYPE_CHECKING:
    from ..models import (
        Business,
        BusinessListItem,
        CreateBusinessRequest,
        CreateBusinessResponse,
        PatchedUpdateBusinessRequest,
        UpdateBusiness,
    )


class Businesses(Service):
    """Create, read and change businesses. Needs the partner token, which the client sees to."""

    __slots__ = ()

    async def create(
        self, body: CreateBusinessRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> CreateBusinessResponse:
        """Create a business, or get the one that has this ``external_id`` already.

        https://docs.thredfi.com/api-reference/business-management/create-business
        """
        return await self._call(operations.CREATE_BUSINESS, options, body)

    async def get(self, business_id: str, **options: Unpack[CallOptions]) -> Business:
        """One business.

        https://docs.thredfi.com/api-reference/business-management/get-business
        """
        return await self._call(operations.GET_BUSINESS, options, business_id=business_id)

    async def update(
        self,
        business_id: str,
        body: PatchedUpdateBusinessRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> UpdateBusiness:
        """Change the given fields. Country, currency and external_id can't be changed.

        The answer repeats the changeable fields alone; `get` has the rest.
        https://docs.thredfi.com/api-reference/business-management/update-business
        """
        return await self._call(operations.UPDATE_BUSINESS, options, body, business_id=business_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> Business | None:
        """The business of an external_id as `get` returns it, archived ones too, or None.

        Only a walk through the whole list tells, which ``scan`` has to allow. Raises
        `InvalidRequest` without it.
        """
        if not scan:
            text = "a business is found only by a walk through all of them: pass scan=True"
            raise InvalidRequest.at("external_id", text)
        for archived in (None, True):  # by itself the list holds active ones alone
            async for business in self.list(is_archived=archived):
                if business.external_id == external_id:
                    return await self.get(business.id)
        return None

    def list(
        self,
        *,
        country: str | None = None,
        entity_type: str | None = None,
        is_archived: bool | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[BusinessListItem]:
        """The partner's active businesses.

        ``country`` and ``entity_type`` are codes, in any case; ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/business-management/list-businesses
        """
        query = {"country": country, "entity_type": entity_type, "is_archived": is_archived}
        return self._list(operations.LIST_BUSINESSES, options, query, page_size=page_size)
