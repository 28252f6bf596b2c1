"""Customers of a business.

https://docs.thredfi.com/api-reference/customers/create-customer
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import CreateCustomerRequest, Customer, CustomerRequest, UpdateCustomerRequest


class Customers(BusinessService):
    """Who buys from the business. A customer must exist before their first invoice."""

    __slots__ = ()

    async def create(
        self, body: CreateCustomerRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> Customer:
        """Create a customer, or get the one that has this ``external_id`` already.

        https://docs.thredfi.com/api-reference/customers/create-customer
        """
        return await self._call(operations.CREATE_CUSTOMER, options, body)

    async def get(self, customer_id: str, **options: Unpack[CallOptions]) -> Customer:
        """One customer.

        https://docs.thredfi.com/api-reference/customers/get-customer
        """
        return await self._call(operations.GET_CUSTOMER, options, customer_id=customer_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> Customer | None:
        """The customer of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_CUSTOMER, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        include_archived: bool | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[Customer]:
        """The customers of the business; ``page_size`` is 1 to 100.

        https://docs.thredfi.com/api-reference/customers/list-customers
        """
        query = {"include_archived": include_archived}
        return self._list(operations.LIST_CUSTOMERS, options, query, page_size=page_size)

    async def update(
        self,
        customer_id: str,
        body: UpdateCustomerRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> Customer:
        """Change a customer.

        https://docs.thredfi.com/api-reference/customers/update-customer
        """
        return await self._call(operations.UPDATE_CUSTOMER, options, body, customer_id=customer_id)

    async def archive(
        self,
        customer_id: str,
        body: CustomerRequest | Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Customer:
        """Archive a customer. ``body`` may change fields in the same call.

        https://docs.thredfi.com/api-reference/customers/archive-customer
        """
        return await self._call(operations.ARCHIVE_CUSTOMER, options, body, customer_id=customer_id)

    async def unarchive(
        self,
        customer_id: str,
        body: CustomerRequest | Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Customer:
        """Make an archived customer active again.

        https://docs.thredfi.com/api-reference/customers/unarchive-customer
        """
        return await self._call(
            operations.UNARCHIVE_CUSTOMER, options, body, customer_id=customer_id
        )
