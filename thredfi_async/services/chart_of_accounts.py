"""The chart of accounts: the ledger accounts of a business, and what is booked on each.

https://docs.thredfi.com/api-reference/chart-of-accounts/list-chart-of-accounts
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import (
        ChartOfAccountsHierarchy,
        CreateChildLedgerAccountRequest,
        CreateLedgerAccountRequest,
        LedgerAccount,
        LedgerAccountDetail,
        LedgerAccountEntries,
        UpdateLedgerAccountRequest,
    )


class ChartOfAccounts(BusinessService):
    """Ledger accounts. Balances are integers in minor units.

    ``account_id`` is an account's id, code or external_id. For `create_child` and `entries`
    the documentation names the id alone.
    """

    __slots__ = ()

    async def create(
        self, body: CreateLedgerAccountRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> LedgerAccountDetail:
        """Create an account, or get the one that has this ``external_id`` already.

        ``parent_id`` is the parent's id, code or external_id.
        https://docs.thredfi.com/api-reference/chart-of-accounts/create-account
        """
        return await self._call(operations.CREATE_ACCOUNT, options, body)

    async def create_child(
        self,
        account_id: str,
        body: CreateChildLedgerAccountRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> LedgerAccountDetail:
        """Create an account below another one, of that one's type.

        One that has this ``external_id`` already is answered as it is.

        https://docs.thredfi.com/api-reference/chart-of-accounts/create-child-account
        """
        return await self._call(
            operations.CREATE_CHILD_ACCOUNT, options, body, account_id=account_id
        )

    async def get(self, account_id: str, **options: Unpack[CallOptions]) -> LedgerAccountDetail:
        """One account by its id, code or external_id.

        https://docs.thredfi.com/api-reference/chart-of-accounts/get-account-detail
        """
        return await self._call(operations.GET_ACCOUNT_DETAIL, options, account_id=account_id)

    async def by_external_id(
        self, external_id: str, *, scan: bool = False
    ) -> LedgerAccountDetail | None:
        """The account of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_ACCOUNT, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        account_type: str | None = None,
        fiscal_year: int | None = None,
        group_by: str | None = None,
        include_zero_balance: bool | None = None,
        parent_id: str | None = None,
        period_month: int | None = None,
        period_year: int | None = None,
        search: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[LedgerAccount]:
        """The accounts of the business; filters combine.

        ``fiscal_year`` keeps those with entries in that year. ``period_year`` and
        ``period_month`` (1 to 12), given together, fill in ``period_balance``. Accounts without a
        balance are in it unless ``include_zero_balance`` is False. ``page_size`` is 1 to 100.
        The name of this filter is a guess: ``parent_id``.
        https://docs.thredfi.com/api-reference/chart-of-accounts/list-chart-of-accounts
        """
        query = {
            "account_type": account_type,
            "fiscal_year": fiscal_year,
            "group_by": group_by,
            "include_zero_balance": include_zero_balance,
            "parent_id": parent_id,
            "period_month": period_month,
            "period_year": period_year,
            "search": search,
        }
        return self._list(operations.LIST_CHART_OF_ACCOUNTS, options, query, page_size=page_size)

    async def hierarchy(
        self, *, fiscal_year: int | None = None, **options: Unpack[CallOptions]
    ) -> ChartOfAccountsHierarchy:
        """All accounts in one answer, as a tree: each account has its ``children``.

        https://docs.thredfi.com/api-reference/chart-of-accounts/get-chart-of-accounts-hierarchy
        """
        query = {"fiscal_year": fiscal_year}
        return await self._call(operations.GET_CHART_OF_ACCOUNTS_HIERARCHY, options, query=query)

    async def entries(
        self,
        account_id: str,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        page: int | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> LedgerAccountEntries:
        """What was booked on an account between two dates, both included.

        The answer has the opening and closing balance, and each line the running balance. It
        comes as one answer; whether Thred splits it into pages is not documented, ``page`` and
        ``page_size`` are for the case that it does (see ``entry_count``).
        https://docs.thredfi.com/api-reference/chart-of-accounts/get-account-entries
        """
        query = {
            "start_date": start_date,
            "end_date": end_date,
            "page": page,
            "page_size": page_size,
        }
        return await self._call(
            operations.GET_ACCOUNT_ENTRIES, options, query=query, account_id=account_id
        )

    async def update(
        self,
        account_id: str,
        body: UpdateLedgerAccountRequest | Mapping[str, Any],
        **options: Unpack[CallOptions],
    ) -> LedgerAccountDetail:
        """Change the given fields of an account.

        https://docs.thredfi.com/api-reference/chart-of-accounts/update-account
        """
        return await self._call(operations.UPDATE_ACCOUNT, options, body, account_id=account_id)

    async def archive(self, account_id: str, **options: Unpack[CallOptions]) -> LedgerAccountDetail:
        """Make an account inactive. Refused while it has a balance or active children.

        https://docs.thredfi.com/api-reference/chart-of-accounts/archive-account
        """
        return await self._call(operations.ARCHIVE_ACCOUNT, options, account_id=account_id)
