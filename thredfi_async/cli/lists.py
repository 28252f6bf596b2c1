"""Lists page by page, each item as Thred wrote it: no number or field is lost by reading it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import attrs
import msgspec

from .. import codec
from ..client import ThredfiClient
from ..operation import Operation
from ..options import CallOptions
from ..pagination import Paginator
from ..response import with_response
from ..texts import BrokenJSON, read_json

__all__ = ["is_paginated", "pages_of"]


class _Envelope(msgspec.Struct):
    results: list[msgspec.Raw]


class _Named(msgspec.Struct):
    id: Any = None


@attrs.frozen
class _Item:
    """What the walk over the pages knows an item by, and the item itself."""

    id: str | None
    raw: bytes


@attrs.frozen
class _Page:
    """An answer with its items as they came, and what it says of the whole list."""

    results: list[_Item] | None
    page_info: Any
    count: Any
    next: Any


def is_paginated(operation: Operation[Any]) -> bool:
    """Whether an operation lists in pages."""
    if not {"page", "page_size"} <= {one.name for one in operation.query}:
        return False
    refs = [ref for _, ref in operation.answers if ref is not None]
    return any(ref.many or "results" in _names(codec.load(ref)) for ref in refs)


def _names(model: Any) -> set[str]:
    return {one.name for one in attrs.fields(model)} if attrs.has(model) else set()


async def pages_of(
    thredfi: ThredfiClient,
    operation: Operation[Any],
    *,
    path: Mapping[str, str],
    query: Mapping[str, Any],
    options: CallOptions,
) -> AsyncGenerator[list[bytes], None]:
    """The items of all pages, page by page. Raises what calls raise.

    A ``page_size`` in ``query`` is that of the walk.
    """
    rest = {name: value for name, value in query.items() if name != "page_size"}

    async def fetch(number: int, size: int) -> _Page:
        response = await with_response(
            thredfi.call(
                operation,
                path=path,
                query={**rest, "page": number, "page_size": size},
                **options,
            )
        )
        answer = response.value
        return _Page(
            _items(response.body),
            getattr(answer, "page_info", None),
            getattr(answer, "count", None),
            getattr(answer, "next", None),
        )

    # The walk asks items for their ids, and pages for what they say of the list: nothing else.
    walk: Paginator[Any] = Paginator(fetch, page_size=query.get("page_size"))
    async for page in walk.pages():
        yield [item.raw for item in page.items]


def _items(data: bytes) -> list[_Item] | None:
    """The items of a page; None where there is no list."""
    raws: list[msgspec.Raw] | list[bytes] | None
    try:
        raws = msgspec.json.decode(data, type=_Envelope).results
    except (msgspec.DecodeError, UnicodeError):
        raws = _found(data)
    return None if raws is None else [_Item(_id(bytes(one)), bytes(one)) for one in raws]


def _found(data: bytes) -> list[bytes] | None:
    """The items of an answer of another shape, which the client reads all the same."""
    try:
        value = read_json(data)[0]
    except BrokenJSON:
        return None
    if isinstance(value, list) and len(value) == 1 and _holds_results(value[0]):
        value = value[0]
    if _holds_results(value):
        value = value["results"]
    return [msgspec.json.encode(one) for one in value] if isinstance(value, list) else None


def _holds_results(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("results"), list)


def _id(raw: bytes) -> str | None:
    try:
        id = msgspec.json.decode(raw, type=_Named).id
    except (msgspec.DecodeError, UnicodeError):
        return None
    return id if isinstance(id, str) else None
