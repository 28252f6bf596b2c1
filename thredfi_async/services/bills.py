"""Bills that vendors send to a business.

https://docs.thredfi.com/api-reference/bills/create-bill
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
    from ..models import Bill, BillCreateAPIRequest, BillUpdateAPIRequest


class Bills(BusinessService):
    """Create, read, change and void bills. Amounts are integers in minor units (pence)."""

    __slots__ = ()

    async def create(
        self,
        body: BillCreateAPIRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> Bill:
        """Create a bill, or get the one that has this ``external_id`` already.

        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/bills/create-bill
        """
        return await self._call(operations.CREATE_BILL, options, body, file=file)

    async def get(self, bill_id: str, **options: Unpack[CallOptions]) -> Bill:
        """One bill.

        https://docs.thredfi.com/api-reference/bills/get-bill
        """
        return await self._call(operations.GET_BILL, options, bill_id=bill_id)

    async def by_external_id(self, external_id: str, *, scan: bool = False) -> Bill | None:
        """The bill of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_BILL, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        due_at_start: datetime | None = None,
        due_at_end: datetime | None = None,
        min_amount: int | None = None,
        max_amount: int | None = None,
        received_at_start: datetime | None = None,
        received_at_end: datetime | None = None,
        reference_number: str | None = None,
        search: str | None = None,
        status: str | Sequence[str] | None = None,
        vendor_id: str | Sequence[str] | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[Bill]:
        """The bills of the business; filters combine.

        Amounts are in minor units, instants are inclusive, ``page_size`` is 1 to 100.
        The names of these filters are guesses: ``max_amount``, ``min_amount``,
        ``received_at_end``, ``received_at_start`` and ``reference_number``.
        https://docs.thredfi.com/api-reference/bills/list-bills
        """
        query = {
            "due_at_start": due_at_start,
            "due_at_end": due_at_end,
            "min_amount": min_amount,
            "max_amount": max_amount,
            "received_at_start": received_at_start,
            "received_at_end": received_at_end,
            "reference_number": reference_number,
            "search": search,
            "status": status,
            "vendor_id": vendor_id,
        }
        return self._list(operations.LIST_BILLS, options, query, page_size=page_size)

    async def update(
        self,
        bill_id: str,
        body: BillUpdateAPIRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> Bill:
        """Change a bill. ``line_items``, when given, replace all existing ones.

        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/bills/update-bill
        """
        return await self._call(operations.UPDATE_BILL, options, body, file=file, bill_id=bill_id)

    async def void(
        self,
        bill_id: str,
        body: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Bill:
        """Void a bill. Payments stay allocated to it. The body needs no content.

        https://docs.thredfi.com/api-reference/bills/void-bill
        """
        return await self._call(operations.VOID_BILL, options, body, bill_id=bill_id)
