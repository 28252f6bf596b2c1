"""Tax codes of a business.

https://docs.thredfi.com/implementation/tax-vat
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from .. import operations
from ..options import CallOptions
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import TaxCodeListResponse


class TaxCodes(BusinessService):
    """The codes that a line item's ``tax_code`` may have."""

    __slots__ = ()

    async def list(self, **options: Unpack[CallOptions]) -> TaxCodeListResponse:
        """The active tax codes, all in one answer: see its ``tax_codes``.

        A ``rate`` is a fraction (0.21). https://docs.thredfi.com/implementation/tax-vat
        """
        return await self._call(operations.LIST_TAX_CODES, options)
