"""Payouts: what a payment processor settles to a business's bank account.

https://docs.thredfi.com/api-reference/payouts/create-payout
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import PayoutCreateRequest, PayoutDeleteResponse, PayoutListItem, PayoutResponse


class Payouts(BusinessService):
    """Settlements of a processor; its fees become expense. Amounts are in minor units."""

    __slots__ = ()

    async def create(
        self, body: PayoutCreateRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> PayoutResponse:
        """Create a payout, or change the one that has this ``external_id`` already.

        A changed one is answered with 200 (see `with_response`), and refused once it is
        reconciled with a bank transaction.
        https://docs.thredfi.com/api-reference/payouts/create-payout
        """
        return await self._call(operations.CREATE_PAYOUT, options, body)

    async def get(self, payout_id: str, **options: Unpack[CallOptions]) -> PayoutResponse:
        """One payout with its payments and refund payments.

        https://docs.thredfi.com/api-reference/payouts/get-payout
        """
        return await self._call(operations.GET_PAYOUT, options, payout_id=payout_id)

    async def by_external_id(
        self, external_id: str, *, scan: bool = False
    ) -> PayoutResponse | None:
        """The payout of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_PAYOUT, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        completed_at_start: datetime | None = None,
        completed_at_end: datetime | None = None,
        external_id: str | None = None,
        min_amount: int | None = None,
        max_amount: int | None = None,
        processor: str | None = None,
        search: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[PayoutListItem]:
        """The payouts of the business, in a shorter form than `get`; filters combine.

        ``external_id`` may be a part of one, in any case. Amounts are in minor units,
        ``page_size`` is 1 to 100.
        The names of these filters are guesses: ``min_amount``, ``processor``, ``search``
        and ``status``.
        https://docs.thredfi.com/api-reference/payouts/list-payouts
        """
        query = {
            "completed_at_start": completed_at_start,
            "completed_at_end": completed_at_end,
            "external_id": external_id,
            "min_amount": min_amount,
            "max_amount": max_amount,
            "processor": processor,
            "search": search,
            "status": status,
        }
        return self._list(operations.LIST_PAYOUTS, options, query, page_size=page_size)

    async def delete(self, payout_id: str, **options: Unpack[CallOptions]) -> PayoutDeleteResponse:
        """Delete a payout, which frees its payments for others. Refused when reconciled.

        https://docs.thredfi.com/api-reference/payouts/delete-payout
        """
        return await self._call(operations.DELETE_PAYOUT, options, payout_id=payout_id)
