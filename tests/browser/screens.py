"""The widget as its user sees it: screens, tables and their rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page


class Widget:
    """The widget in a page of the browser."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    async def open(self, path: str = "/") -> None:
        """Load a screen by its address."""
        await self.page.goto(self.url + path)

    async def go_to(self, tab: str) -> None:
        """Click on a tab of the menu."""
        await self.page.get_by_role("link", name=tab, exact=True).click()

    async def press(self, button: str) -> None:
        """Click on a button."""
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def choose(self, shown: str, wanted: str) -> None:
        """Choose another entry of the drop-down list that shows this one."""
        await self.press(shown)
        await self.page.get_by_text(wanted, exact=True).click()

    @property
    def headings(self) -> Locator:
        """The titles on the screen."""
        return self.page.get_by_role("heading")

    @property
    def rows(self) -> Locator:
        """The rows of all tables, without their heads."""
        return self.page.locator("tbody").get_by_role("row")

    def row(self, text: str) -> Locator:
        """The row in which a cell says just this."""
        return self.rows.filter(has=self.page.get_by_text(text, exact=True))

    def cells(self, text: str) -> Locator:
        """The cells of that row."""
        return self.row(text).get_by_role("cell")

    def labelled(self, label: str) -> Locator:
        """What follows a label that isn't in a table."""
        labels = self.page.get_by_text(label, exact=True)
        return labels.locator("xpath=following::*[normalize-space()][1]")


def money(minor: int, *, sign: str = "£|GBP ") -> re.Pattern[str]:
    """An amount as it is shown, with one of these signs of currency."""
    minus = "-" if minor < 0 else ""
    digits = re.escape(f"{abs(minor) / 100:,.2f}")
    return re.compile(rf"^{minus}({sign}){digits}$")
