"""Which tabs Thred's widget shows for a business.

https://docs.thredfi.com/implementation/menu-configuration
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .. import operations
from ..options import CallOptions
from ._base import BusinessService

if TYPE_CHECKING:
    from ..models import MenuConfig, MenuConfigRequest


class MenuConfiguration(BusinessService):
    """The widget's menu for this business, in place of the partner's default."""

    __slots__ = ()

    async def get(self, **options: Unpack[CallOptions]) -> MenuConfig:
        """The tabs (``menu``) and sub-tabs (``sub_menu_tabs``) that show.

        https://docs.thredfi.com/implementation/menu-configuration
        """
        return await self._call(operations.GET_MENU_CONFIG, options)

    async def update(
        self, body: MenuConfigRequest | Mapping[str, Any], **options: Unpack[CallOptions]
    ) -> MenuConfig:
        """Change the tabs and sub-tabs that are named; the others keep their default.

        https://docs.thredfi.com/implementation/menu-configuration
        """
        return await self._call(operations.UPDATE_MENU_CONFIG, options, body)

    async def delete(self, **options: Unpack[CallOptions]) -> None:
        """Go back to the partner's default.

        https://docs.thredfi.com/implementation/menu-configuration
        """
        await self._call(operations.DELETE_MENU_CONFIG, options)
