"""Transactions on the connected bank accounts of a business.

https://docs.thredfi.com/api-reference/bank-transactions/list-bank-transactions
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import BankTransaction


class BankTransactions(BusinessService):
    """Bank transactions, to read.

    ``amount`` has no sign, ``signed_amount`` has; both are in minor units.
    """

    __slots__ = ()

    def list(
        self,
        *,
        account_id: str | None = None,
        amount_min: int | None = None,
        amount_max: int | None = None,
        bank_account_connection_id: str | None = None,
        categorization_status: str | Sequence[str] | None = None,
        currency: str | None = None,
        date_from: date | None = None,
        date_to: date | None = None,
        direction: Literal["credit", "debit"] | None = None,
        exclude_personal: bool | None = None,
        has_children: bool | None = None,
        has_parent: bool | None = None,
        is_categorized: bool | None = None,
        is_reconciled: bool | None = None,
        needs_categorization: bool | None = None,
        ordering: str | None = None,
        search: str | None = None,
        source: str | None = None,
        transaction_type: str | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[BankTransaction]:
        """The bank transactions of the business, newest first; filters combine.

        ``account_id`` is the ledger account that the bank account is mapped to. A split
        transaction has children, its parts have a parent. ``ordering`` names a field, with a
        minus sign for descending. Amounts are in minor units, ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/bank-transactions/list-bank-transactions
        """
        query = {
            "account_id": account_id,
            "amount_min": amount_min,
            "amount_max": amount_max,
            "bank_account_connection_id": bank_account_connection_id,
            "categorization_status": categorization_status,
            "currency": currency,
            "date_from": date_from,
            "date_to": date_to,
            "direction": direction,
            "exclude_personal": exclude_personal,
            "has_children": has_children,
            "has_parent": has_parent,
            "is_categorized": is_categorized,
            "is_reconciled": is_reconciled,
            "needs_categorization": needs_categorization,
            "ordering": ordering,
            "search": search,
            "source": source,
            "transaction_type": transaction_type,
        }
        return self._list(operations.LIST_BANK_TRANSACTIONS, options, query, page_size=page_size)
