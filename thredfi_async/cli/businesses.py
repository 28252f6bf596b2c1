"""``thredfi businesses``."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from ..client import ThredfiClient
from ..operations import LIST_BUSINESSES
from ..texts import read_json
from .connection import Connection
from .endings import Exit
from .json_text import say_items
from .lists import pages_of
from .output import note, say

__all__ = ["show_businesses"]

_COLUMNS = {
    "id": "ID",
    "external_id": "EXTERNAL ID",
    "name": "NAME",
    "country": "COUNTRY",
    "base_currency": "CURRENCY",
    "is_active": "STATUS",
}
_GAP = "  "


async def show_businesses(connection: Connection, *, archived: bool, as_json: bool) -> Exit:
    """List the partner's businesses, those that are archived if asked for; the exit status."""
    async with connection.client() as thredfi:
        pages = _pages(thredfi, archived=archived)
        rows: list[list[str]] = []
        async with aclosing(pages):
            async for items in pages:
                if as_json:
                    say_items(items)
                else:
                    rows += [_row(read_json(one)[0]) for one in items]
    if as_json:
        return Exit.WELL
    if rows:
        say(*_table([list(_COLUMNS.values()), *rows]))
    else:
        note(f"the partner has no {'archived ' if archived else ''}business")
    return Exit.WELL


def _pages(thredfi: ThredfiClient, *, archived: bool) -> Any:
    query = {"is_archived": True} if archived else {}
    return pages_of(thredfi, LIST_BUSINESSES, path={}, query=query, options={})


def _row(business: Any) -> list[str]:
    if not isinstance(business, dict):
        business = {}
    shown = {**business, "name": business.get("name") or business.get("legal_name")}
    active = business.get("is_active")
    shown["is_active"] = None if active is None else "active" if active else "inactive"
    return ["-" if shown.get(key) in (None, "") else str(shown[key]) for key in _COLUMNS]


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
