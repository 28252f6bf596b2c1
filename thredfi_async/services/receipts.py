"""Receipts: documents of purchases. Thred's reference doesn't have them.

What is here was seen in Thred's own widget; most shapes are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import PaginatedReceiptList, Receipt


class Receipts(BusinessService):
    """Receipts and their reconciliation. Bodies and answers without a model are plain mappings."""

    __slots__ = ()

    async def create(self, body: Mapping[str, Any], **options: Unpack[CallOptions]) -> Receipt:
        """Create a receipt. Undocumented: only Thred's own widget knows this call."""
        return await self._call(operations.CREATE_RECEIPT, options, body)

    async def get(self, receipt_id: str, **options: Unpack[CallOptions]) -> Receipt:
        """One receipt with its document. Undocumented: only Thred's own widget knows this call."""
        return await self._call(operations.GET_RECEIPT, options, receipt_id=receipt_id)

    async def list(self, **options: Unpack[CallOptions]) -> PaginatedReceiptList:
        """One page of receipts; how to ask for the next one is not known.

        Undocumented: only Thred's own widget knows this call.
        """
        return await self._call(operations.LIST_RECEIPTS, options)

    async def reconcile(
        self,
        receipt_id: str,
        body: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> dict[str, Any]:
        """Match a receipt. Undocumented: only Thred's own widget knows this call."""
        return await self._call(operations.RECONCILE_RECEIPT, options, body, receipt_id=receipt_id)

    async def unreconcile(
        self,
        receipt_id: str,
        body: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> dict[str, Any]:
        """Undo `reconcile`. Undocumented: only Thred's own widget knows this call."""
        return await self._call(
            operations.UNRECONCILE_RECEIPT, options, body, receipt_id=receipt_id
        )

    async def reconciliations(
        self, receipt_id: str, **options: Unpack[CallOptions]
    ) -> dict[str, Any]:
        """What a receipt is matched with.

        Undocumented: only Thred's own widget knows this call.
        """
        return await self._call(
            operations.LIST_RECEIPT_RECONCILIATIONS, options, receipt_id=receipt_id
        )
