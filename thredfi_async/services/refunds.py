"""Refunds: what the business owes back to a customer.

https://docs.thredfi.com/api-reference/refunds/create-refund
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ..uploads import Upload
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import CreateSimpleRefundRequest, Refund, RefundAllocation


class Refunds(BusinessService):
    """A refund reverses revenue and makes a liability; a refund payment then pays it out."""

    __slots__ = ()

    async def create(
        self,
        body: CreateSimpleRefundRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Refund an invoice: ``amount_cents`` of it (minor units), or all where that is left out.

        A known ``external_id`` gets the refund that has it.
        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/refunds/create-refund
        """
        return await self._call(operations.CREATE_REFUND, options, body, file=file)

    async def get(self, refund_id: str, **options: Unpack[CallOptions]) -> Refund:
        """One refund.

        https://docs.thredfi.com/api-reference/refunds/get-refund
        """
        return await self._call(operations.FETCH_REFUND, options, refund_id=refund_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> Refund | None:
        """The refund of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_REFUND, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        completed_at_start: datetime | None = None,
        completed_at_end: datetime | None = None,
        customer_external_id: str | None = None,
        customer_id: str | None = None,
        search: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[Refund]:
        """The refunds of the business; filters combine, ``page_size`` is 1 to 100.

        The names of these filters are guesses: ``customer_external_id``, ``customer_id``
        and ``search``.
        https://docs.thredfi.com/api-reference/refunds/list-refunds
        """
        query = {
            "completed_at_start": completed_at_start,
            "completed_at_end": completed_at_end,
            "customer_external_id": customer_external_id,
            "customer_id": customer_id,
            "search": search,
        }
        return self._list(operations.LIST_REFUNDS, options, query, page_size=page_size)

    async def delete(self, refund_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a refund.

        https://docs.thredfi.com/api-reference/refunds/delete-refund
        """
        await self._call(operations.DELETE_REFUND, options, refund_id=refund_id)

    async def get_allocation(
        self, refund_id: str, allocation_id: str, **options: Unpack[CallOptions]
    ) -> RefundAllocation:
        """One allocation of a refund. Undocumented: only Thred's own widget knows this call."""
        return await self._call(
            operations.GET_REFUND_ALLOCATION,
            options,
            refund_id=refund_id,
            allocation_id=allocation_id,
        )
