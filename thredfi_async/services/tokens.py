"""Access tokens. The client fetches and renews its own; these calls are for handing one on.

https://docs.thredfi.com/implementation/authentication
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from .. import operations
from ..options import CallOptions
from ._base import Service

if TYPE_CHECKING:
    from ..models import BusinessTokenResponse, OAuth2TokenResponse


class Tokens(Service):
    """New access tokens, each fetched on its own and not kept in the client's cache."""

    __slots__ = ()

    async def partner(self, **options: Unpack[CallOptions]) -> OAuth2TokenResponse:
        """A new partner token. It must never reach a browser.

        https://docs.thredfi.com/api-reference/authentication/get-partner-token
        """
        body = self._caller.credentials.token_request
        return await self._call(operations.GET_PARTNER_TOKEN, options, body)

    async def business(
        self, business_id: str, **options: Unpack[CallOptions]
    ) -> BusinessTokenResponse:
        """A new token for one business, for example for the embedded accounting widget.

        https://docs.thredfi.com/api-reference/authentication/get-business-token
        """
        return await self._call(operations.GET_BUSINESS_TOKEN, options, business_id=business_id)
