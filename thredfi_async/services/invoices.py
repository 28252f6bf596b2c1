"""Invoices that a business sends to its customers.

https://docs.thredfi.com/api-reference/invoices/create-invoice
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ..uploads import Upload
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import (
        CreateInvoiceRequest,
        CreateInvoiceWriteOffRequest,
        Invoice,
        InvoiceRequest,
        InvoiceWriteOff,
        UpdateInvoiceRequest,
    )


class Invoices(BusinessService):
    """Create, read, change, void and write off invoices. Amounts are in minor units (pence)."""

    __slots__ = ()

    async def create(
        self,
        body: CreateInvoiceRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> Invoice:
        """Create an invoice, or get the one that has this ``external_id`` already.

        Without an external_id it is never sent twice by itself: an uncertain failure then
        raises `OutcomeUnknown`.
        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/invoices/create-invoice
        """
        return await self._call(operations.CREATE_INVOICE, options, body, file=file)

    async def get(self, invoice_id: str, **options: Unpack[CallOptions]) -> Invoice:
        """One invoice.

        https://docs.thredfi.com/api-reference/invoices/get-invoice
        """
        return await self._call(operations.FETCH_INVOICE, options, invoice_id=invoice_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> Invoice | None:
        """The invoice of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_INVOICE, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        customer_external_id: str | None = None,
        customer_id: str | Sequence[str] | None = None,
        due_at_start: datetime | None = None,
        due_at_end: datetime | None = None,
        min_amount: int | None = None,
        max_amount: int | None = None,
        memo_contains: str | None = None,
        search: str | None = None,
        sent_at_start: date | datetime | None = None,
        sent_at_end: date | datetime | None = None,
        status: str | Sequence[str] | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[Invoice]:
        """The invoices of the business; filters combine.

        Amounts are in minor units, ``page_size`` is 1 to 100.
        The name of this filter is a guess: ``min_amount``.
        https://docs.thredfi.com/api-reference/invoices/list-invoices
        """
        query = {
            "customer_external_id": customer_external_id,
            "customer_id": customer_id,
            "due_at_start": due_at_start,
            "due_at_end": due_at_end,
            "min_amount": min_amount,
            "max_amount": max_amount,
            "memo_contains": memo_contains,
            "search": search,
            "sent_at_start": sent_at_start,
            "sent_at_end": sent_at_end,
            "status": status,
        }
        return self._list(operations.LIST_INVOICES, options, query, page_size=page_size)

    async def update(
        self,
        invoice_id: str,
        body: UpdateInvoiceRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> Invoice:
        """Change an invoice. ``line_items``, when given, replace all existing ones.

        https://docs.thredfi.com/api-reference/invoices/update-invoice
        """
        return await self._call(operations.UPDATE_INVOICE, options, body, invoice_id=invoice_id)

    async def void(
        self,
        invoice_id: str,
        body: InvoiceRequest | Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Invoice:
        """Void an invoice. The documented body needs no content.

        https://docs.thredfi.com/api-reference/invoices/void-invoice
        """
        return await self._call(operations.VOID_INVOICE, options, body, invoice_id=invoice_id)

    async def write_off(
        self,
        invoice_id: str,
        body: CreateInvoiceWriteOffRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> InvoiceWriteOff:
        """Write off ``amount_cents`` of an invoice as not collectable.

        It is never sent twice by itself: an uncertain failure raises `OutcomeUnknown`.
        Undocumented: only Thred's own widget knows this call.
        """
        return await self._call(
            operations.CREATE_INVOICE_WRITE_OFF, options, body, invoice_id=invoice_id
        )
