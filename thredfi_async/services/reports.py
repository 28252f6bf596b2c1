"""Financial reports of a business.

https://docs.thredfi.com/api-reference/reports/get-profit-and-loss
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal, Unpack

from .. import operations
from ..options import CallOptions
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import BalanceSheetReport, CashFlowReport, ProfitAndLossReport

DetailLevel = Literal["summary", "detailed"]


class Reports(BusinessService):
    """Reports made from posted and draft journal entries.

    Amounts are minor units of the business's base currency, dates are inclusive. A ``detail_level``
    of ``"detailed"`` adds the groups of accounts to the totals.
    """

    __slots__ = ()

    async def profit_and_loss(
        self,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        detail_level: DetailLevel | None = None,
        **options: Unpack[CallOptions],
    ) -> ProfitAndLossReport:
        """Income and expenses of a period, from revenue down to the net profit.

        https://docs.thredfi.com/api-reference/reports/get-profit-and-loss
        """
        query = {"start_date": start_date, "end_date": end_date, "detail_level": detail_level}
        return await self._call(operations.GET_PROFIT_AND_LOSS, options, query=query)

    async def balance_sheet(
        self,
        *,
        as_of_date: date | None = None,
        detail_level: DetailLevel | None = None,
        **options: Unpack[CallOptions],
    ) -> BalanceSheetReport:
        """Assets, liabilities and equity on one day.

        Equity holds the result of the current period already.
        https://docs.thredfi.com/api-reference/reports/get-balance-sheet
        """
        query = {"as_of_date": as_of_date, "detail_level": detail_level}
        return await self._call(operations.GET_BALANCE_SHEET, options, query=query)

    async def cash_flow(
        self,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
        detail_level: DetailLevel | None = None,
        **options: Unpack[CallOptions],
    ) -> CashFlowReport:
        """Where cash came from and went to in a period, by the indirect method.

        ``cash_reconciliation`` compares it with the cash accounts.
        https://docs.thredfi.com/api-reference/reports/get-cash-flow-statement
        """
        query = {"start_date": start_date, "end_date": end_date, "detail_level": detail_level}
        return await self._call(operations.GET_CASH_FLOW_STATEMENT, options, query=query)
