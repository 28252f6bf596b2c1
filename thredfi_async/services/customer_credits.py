"""Customer credits: credit notes that a business gives to its customers.

https://docs.thredfi.com/api-reference/customer-credits/create-customer-credit
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
    from ..models import CreateCustomerCreditRequest, CustomerCredit, UpdateCustomerCreditRequest


class CustomerCredits(BusinessService):
    """Credit notes to customers, and the invoices they are applied to.

    Amounts are in minor units; a line's ``amount`` is net, its tax ``tax_amount_cents``.
    """

    __slots__ = ()

    async def create(
        self,
        body: CreateCustomerCreditRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> CustomerCredit:
        """Create a credit, or get the one that has this ``external_id`` already.

        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/customer-credits/create-customer-credit
        """
        return await self._call(operations.CREATE_CUSTOMER_CREDIT, options, body, file=file)

    async def get(self, credit_id: str, **options: Unpack[CallOptions]) -> CustomerCredit:
        """One credit with its allocations.

        https://docs.thredfi.com/api-reference/customer-credits/get-customer-credit
        """
        return await self._call(operations.GET_CUSTOMER_CREDIT, options, credit_id=credit_id)

    async def by_external_id(
        self, external_id: str, *, scan: bool = False
    ) -> CustomerCredit | None:
        """The customer credit of an external_id as `get` returns it, archived ones too, or None.

        Where only a walk through the whole list tells, ``scan`` has to allow it. Raises
        `InvalidRequest` without it, and `InvalidAnswer` where nothing tells.
        """
        id = await self._id_of(operations.CREATE_CUSTOMER_CREDIT, external_id, scan=scan)
        return None if id is None else await self.get(id)

    def list(
        self,
        *,
        customer_external_id: str | None = None,
        customer_id: str | Sequence[str] | None = None,
        search: str | None = None,
        sent_at_start: date | datetime | None = None,
        sent_at_end: date | datetime | None = None,
        status: str | Sequence[str] | None = None,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Paginator[CustomerCredit]:
        """The credits of the business; filters combine.

        ``search`` looks at the number, the external_id and the customer's name;
        ``page_size`` is 1 to 100.
        https://docs.thredfi.com/api-reference/customer-credits/list-customer-credits
        """
        query = {
            "customer_external_id": customer_external_id,
            "customer_id": customer_id,
            "search": search,
            "sent_at_start": sent_at_start,
            "sent_at_end": sent_at_end,
            "status": status,
        }
        return self._list(operations.LIST_CUSTOMER_CREDITS, options, query, page_size=page_size)

    async def update(
        self,
        credit_id: str,
        body: UpdateCustomerCreditRequest | Mapping[str, Any],
        *,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> CustomerCredit:
        """Change a credit. ``allocations``, when given, replace all existing ones.

        So a credit is applied to one more invoice by the old allocations and a new one, and
        taken off an invoice by all allocations but that one.
        ``file`` is its document, to be attached: see `Upload`.
        https://docs.thredfi.com/api-reference/customer-credits/update-customer-credit
        """
        return await self._call(
            operations.UPDATE_CUSTOMER_CREDIT, options, body, file=file, credit_id=credit_id
        )

    async def delete(self, credit_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a credit (softly).

        https://docs.thredfi.com/api-reference/customer-credits/delete-customer-credit
        """
        await self._call(operations.DELETE_CUSTOMER_CREDIT, options, credit_id=credit_id)
