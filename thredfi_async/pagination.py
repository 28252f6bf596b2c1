"""Lists in pages: `Page` is one, `Paginator` walks over all of them.

https://docs.thredfi.com/implementation/pagination. Two envelopes occur and both are
read: ``page_info`` (the reference), ``next``/``previous`` (the guide).
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Generic, Protocol, TypeVar

import attrs

from .errors import InvalidAnswer, InvalidRequest, NotFound

__all__ = ["Page", "PageAnswer", "Paginator"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LARGEST_PAGE = 100  # the documented maximum of page_size
_REMEMBERED = 10_000  # ids of the items yielded last, to leave out what comes again


class PageAnswer(Protocol[T_co]):
    """What a list operation answers: the generated ``Paginated…List`` models."""

    @property
    def results(self) -> Sequence[T_co] | None:
        """The items of this page."""
        ...


@attrs.frozen
class Page(Generic[T]):
    """One page: its items, its number (from 1), and what the server says of the whole list."""

    items: list[T]
    number: int
    total_count: int | None
    total_pages: int | None
    has_next: bool

    @classmethod
    def of(cls, answer: Any, number: int) -> Page[T]:
        """A page from an answer with either envelope, or with none: a bare array.

        What the answer doesn't say is None. One without items is not taken for an empty
        list: it raises `InvalidAnswer`.
        """
        results = answer if isinstance(answer, list) else getattr(answer, "results", None)
        if not isinstance(results, list):
            raise InvalidAnswer(f"page {number} of the list came without its results")
        info = getattr(answer, "page_info", None)
        total_pages = _count(getattr(info, "total_pages", None))
        total_count = _count(getattr(info, "total_count", None))
        if total_count is None:
            total_count = _count(getattr(answer, "count", None))
        if total_pages is not None:
            has_next = number < total_pages
        else:
            has_next = bool(getattr(answer, "next", None))
        return cls(list(results), number, total_count, total_pages, has_next)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class Paginator(Generic[T]):
    """The items of a list, page by page, in the server's order.

    ``async for item in paginator`` walks over all of them; each `async for` starts anew.
    Up to ``ahead`` pages are fetched before they are needed, where the server says how
    many there are. Pages shift when items are added meanwhile: what comes again on the
    next pages (the same ``id``) is left out.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Awaitable[PageAnswer[T]]],
        *,
        page_size: int | None = None,
        ahead: int = 3,
    ) -> None:
        size = LARGEST_PAGE if page_size is None else page_size
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
            raise InvalidRequest.at("page_size", f"must be 1 to {LARGEST_PAGE}, not {size!r}")
        if ahead < 0:
            raise InvalidRequest.at("ahead", f"must be 0 or more, not {ahead!r}")
        self._fetch = fetch
        self._page_size = size
        self._ahead = ahead
        self._needed = sys.maxsize  # pages beyond this one are not fetched ahead

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        recent: deque[Any] = deque(maxlen=_REMEMBERED)
        known: set[Any] = set()
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    name = getattr(item, "id", None)
                    if isinstance(name, str):
                        if name in known:
                            continue
                        if len(recent) == _REMEMBERED:
                            known.discard(recent[0])
                        recent.append(name)
                        known.add(name)
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Page by page, each as the server gave it."""
        page = await self._page(1)
        if page is None:
            return
        yield page
        coming: deque[asyncio.Task[Page[T] | None]] = deque()
        upcoming = 2
        try:
            while True:
                last = page.total_pages or page.number + (1 if page.has_next else 0)
                while upcoming <= last and (
                    not coming or (len(coming) <= self._ahead and upcoming <= self._needed)
                ):
                    coming.append(asyncio.create_task(self._page(upcoming)))
                    upcoming += 1
                if not coming:
                    return
                # The task stays in the queue while it is awaited, so that it is ended below
                # when the one who iterates is cancelled.
                fetched = await coming[0]
                coming.popleft()
                if fetched is None or not fetched.items:
                    return
                page = fetched
                yield page
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)

    async def collect(self, *, limit: int | None = None) -> list[T]:
        """All items as a list, or the first ``limit`` of them."""
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
            raise InvalidRequest.at("limit", f"must be a whole number, not {limit!r}")
        if limit is not None and limit <= 0:
            return []
        found: list[T] = []
        source = self if limit is None else self._shortened(limit)
        async with aclosing(source.__aiter__()) as items:
            async for item in items:
                found.append(item)
                if len(found) == limit:
                    break
        return found

    async def first(self) -> T | None:
        """The first item, or None where there is none. Fetches one item."""
        found = await self.collect(limit=1)
        return found[0] if found else None

    def _shortened(self, limit: int) -> Paginator[T]:
        """The same list for one who needs no more than ``limit`` items of it."""
        size = min(self._page_size, limit)
        shortened = Paginator(self._fetch, page_size=size, ahead=self._ahead)
        shortened._needed = -(-limit // size)
        return shortened

    async def _page(self, number: int) -> Page[T] | None:
        """One page; None where the server knows no page of this number."""
        try:
            return Page.of(await self._fetch(number, self._page_size), number)
        except NotFound:
            if number == 1:
                raise
            return None
