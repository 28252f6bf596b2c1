"""Journal entries: the bookings in the ledger of a business.

https://docs.thredfi.com/api-reference/journal-entries/list-journal-entries
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal, Unpack

from .. import operations
from ..options import CallOptions
from ..pagination import Paginator
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import JournalEntry, JournalEntryDetail


class JournalEntries(BusinessService):
    """Bookings, to read; only posted ones count in balances. Amounts are in minor units."""

    __slots__ = ()

    async def get(self, entry_id: str, **options: Unpack[CallOptions]) -> JournalEntryDetail:
        """One entry with its lines.

        https://docs.thredfi.com/api-reference/journal-entries/get-journal-entry-detail
        """
        return await self._call(operations.GET_JOURNAL_ENTRY_DETAIL, options, entry_id=entry_id)

    def list(
        self,
        *,
        account_id: str | None = None,
        created_by: Literal["ai", "manual", "system", "import"] | None = None,
        date_from: date | None = None,
        date_to: date | None = None,
        is_posted: bool | None = None,
        search: str | None = None,
        status: Literal["draft", "approved", "rejected"] | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[JournalEntry]:
        """The journal entries of the business, without their lines; filters combine.

        ``account_id`` (an id, not a code) keeps those that touch the account; ``search`` looks at
        descriptions, references and sequence numbers. Dates are inclusive, ``page_size`` is 1 to
        100.
        The name of this filter is a guess: ``is_posted``.
        https://docs.thredfi.com/api-reference/journal-entries/list-journal-entries
        """
        query = {
            "account_id": account_id,
            "created_by": created_by,
            "date_from": date_from,
            "date_to": date_to,
            "is_posted": is_posted,
            "search": search,
            "status": status,
        }
        return self._list(operations.LIST_JOURNAL_ENTRIES, options, query, page_size=page_size)
