"""Bank accounts of a business, connected in Thred's widget.

https://docs.thredfi.com/api-reference/bank-accounts/list-bank-accounts
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import BankAccountConnectionDetail, BankAccountConnectionSummary


class BankAccounts(BusinessService):
    """Connected bank accounts, to read.

    ``balance_cents`` is in minor units; ``balance``, its older form, in major ones.
    """

    __slots__ = ()

    async def get(
        self, bank_account_id: str, **options: Unpack[CallOptions]
    ) -> BankAccountConnectionDetail:
        """One bank account.

        https://docs.thredfi.com/api-reference/bank-accounts/get-bank-account
        """
        return await self._call(
            operations.RETRIEVE_BANK_ACCOUNT, options, bank_account_id=bank_account_id
        )

    def list(
        self,
        *,
        account_key: str | None = None,
        balance_min: float | None = None,
        balance_max: float | None = None,
        bank_link_status: Literal["active", "error", "revoked"] | None = None,
        business_id: str | None = None,
        business_name: str | None = None,
        currency: str | None = None,
        display_name: str | None = None,
        first_sync_after: datetime | None = None,
        first_sync_before: datetime | None = None,
        has_been_synced: bool | None = None,
        has_mapped_account: bool | None = None,
        is_active: bool | None = None,
        mapped_account_id: str | None = None,
        ordering: str | None = None,
        provider: str | None = None,
        search: str | None = None,
        updated_after: datetime | None = None,
        updated_before: datetime | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[BankAccountConnectionSummary]:
        """The bank accounts of the business; filters combine.

        ``balance_min`` and ``balance_max`` are in major units (pounds), unlike amounts
        elsewhere. ``account_key`` and ``business_name`` may be parts of one. ``ordering``
        names a field, with a minus sign for descending. ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/bank-accounts/list-bank-accounts
        """
        query = {
            "account_key": account_key,
            "balance_min": balance_min,
            "balance_max": balance_max,
            "bank_link_status": bank_link_status,
            "business_id": business_id,
            "business_name": business_name,
            "currency": currency,
            "display_name": display_name,
            "first_sync_after": first_sync_after,
            "first_sync_before": first_sync_before,
            "has_been_synced": has_been_synced,
            "has_mapped_account": has_mapped_account,
            "is_active": is_active,
            "mapped_account_id": mapped_account_id,
            "ordering": ordering,
            "provider": provider,
            "search": search,
            "updated_after": updated_after,
            "updated_before": updated_before,
        }
        return self._list(operations.LIST_BANK_ACCOUNTS, options, query, page_size=page_size)
