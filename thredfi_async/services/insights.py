"""Insights: figures for a dashboard, and who owes what for how long.

https://docs.thredfi.com/api-reference/reports/get-financial-summary
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal, Unpack

from .. import operations
from ..options import CallOptions
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import APAging, ARAging, FinancialSummary


class Insights(BusinessService):
    """Totals, trends and agings. Amounts are minor units of the business's base currency."""

    __slots__ = ()

    async def financial_summary(
        self,
        *,
        start_date: date,
        end_date: date,
        granularity: Literal["monthly", "quarterly", "yearly"] | None = None,
        **options: Unpack[CallOptions],
    ) -> FinancialSummary:
        """Revenue, expenses and profit of a period, in total and by month unless said otherwise.

        https://docs.thredfi.com/api-reference/reports/get-financial-summary
        """
        query = {"start_date": start_date, "end_date": end_date, "granularity": granularity}
        return await self._call(operations.GET_FINANCIAL_SUMMARY, options, query=query)

    async def ar_aging(
        self,
        *,
        as_of_date: date | None = None,
        group_by: Literal["customer", "total"] | None = None,
        **options: Unpack[CallOptions],
    ) -> ARAging:
        """What customers owe, by days overdue, on a day (today unless said otherwise).

        By customer, the largest first, unless ``group_by`` is ``"total"``.
        https://docs.thredfi.com/api-reference/reports/get-ar-aging
        """
        query = {"as_of_date": as_of_date, "group_by": group_by}
        return await self._call(operations.GET_AR_AGING, options, query=query)

    async def ap_aging(
        self,
        *,
        as_of_date: date | None = None,
        group_by: Literal["vendor", "total"] | None = None,
        **options: Unpack[CallOptions],
    ) -> APAging:
        """What is owed to vendors, by days overdue, on a day (today unless said otherwise).

        By vendor, the largest first, unless ``group_by`` is ``"total"``.
        https://docs.thredfi.com/api-reference/reports/get-ap-aging
        """
        query = {"as_of_date": as_of_date, "group_by": group_by}
        return await self._call(operations.GET_AP_AGING, options, query=query)
