"""Pages of lists, in the envelope that the emulator was set to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from .call import Answer, Call
from .problems import not_found

__all__ = ["cut_page", "page_of"]

Row = TypeVar("Row")


def page_of(call: Call, rows: Sequence[Row], view: Callable[[Row], dict[str, Any]]) -> Answer:
    """One page of the rows, in the envelope that the emulator was set to."""
    number, size, pages = _asked(call, rows)
    results = [view(row) for row in cut_page(call, rows)]
    body: dict[str, Any] = {"count": len(rows), "results": results}
    if call.envelope == "guide":
        body["next"] = _url(call, number + 1) if number < pages else None
        body["previous"] = _url(call, number - 1) if number > 1 else None
    else:
        body["page_info"] = {
            "total_count": len(rows),
            "current_page": number,
            "total_pages": pages,
            "page_size": size,
        }
    return Answer(200, body)


def cut_page(call: Call, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of the page that is asked for. Raises 404 past the end."""
    number, size, pages = _asked(call, rows)
    if number > pages:
        raise not_found("page")
    return rows[(number - 1) * size : number * size]


def _asked(call: Call, rows: Sequence[Row]) -> tuple[int, int, int]:
    """Number and size of the page that is asked for, and how many pages there are."""
    size = call.query.get("page_size", 20)
    return call.query.get("page", 1), size, max(1, -(-len(rows) // size))


def _url(call: Call, number: int) -> str:
    """The address of another page of the same list."""
    path, _, query = call.target.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name != "page"]
    return f"http://{call.headers.get('Host')}{path}?{urlencode([*kept, ('page', number)])}"
