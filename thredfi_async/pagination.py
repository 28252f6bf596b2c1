"""Lists in pages: `Page` is one, `Paginator` walks over all of them.

https://docs.thredfi.com/implementation/pagination. Two envelopes occur and both are
read: ``page_info`` (the reference), ``next``/``previous`` (the guide).

A list ends where the server says so, never just because something about it is odd: a list that
is cut short would look complete.
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
from .fields import as_count, is_whole
from .texts import shown

__all__ = ["Page", "PageAnswer", "Paginator"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LARGEST_PAGE = 100  # the documented maximum of page_size
_REMEMBERED = 10_000  # ids of the items that came last, to leave out what comes again
_RETURNS = 2  # in a row without anything new, where a list gets shorter while it is read


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
    _is_silent: bool = attrs.field(default=False, repr=False, eq=False)  # no word of an end

    @classmethod
    def of(cls, answer: Any, number: int, *, before: int = 0) -> Page[T]:
        """A page from an answer with either envelope, or with none: a bare array.

        ``before`` is the number of items on the pages before. What the answer doesn't say is
        None. One without items is not taken for an empty list: it raises `InvalidAnswer`.
        """
        results = answer if isinstance(answer, list) else getattr(answer, "results", None)
        if not isinstance(results, list):
            raise InvalidAnswer(f"page {number} of the list came without its results")
        info = getattr(answer, "page_info", None)
        total_pages = as_count(getattr(info, "total_pages", None))
        total_count = as_count(getattr(info, "total_count", None))
        if total_count is None:
            total_count = as_count(getattr(answer, "count", None))
        has_next = bool(getattr(answer, "next", None))
        if total_pages is not None:
            has_next = number < total_pages
        elif total_count is not None:
            has_next = has_next or (bool(results) and before + len(results) < total_count)
        is_silent = total_pages is None and total_count is None and not has_next
        return cls(
            list(results),
            number,
            total_count,
            total_pages,
            has_next,
            is_silent and answer is not results,
        )


class Paginator(Generic[T]):
    """The items of a list, page by page, in the server's order.

    ``async for item in paginator`` walks over all of them; each `async for` starts anew.
    Once the first page is used up, the next ones are read ahead, up to three beyond the one that
    is needed (`ahead`), where the server says how many there are.

    Pages shift when the list changes meanwhile. Where items were added, what comes again (the
    same ``id``) is left out. Where the list got shorter, for example because you archive what you
    list, the pages that moved up are read again. One item gone and another one come between two
    pages can't be seen: `collect` a list before you change what it lists. Raises `InvalidAnswer`
    where a page is missing that should be there, or holds only what came before.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Awaitable[PageAnswer[T]]],
        *,
        page_size: int | None = None,
        ahead: int = 3,
    ) -> None:
        size = LARGEST_PAGE if page_size is None else page_size
        if not is_whole(size) or not 1 <= size <= LARGEST_PAGE:
            raise InvalidRequest.at("page_size", f"must be 1 to {LARGEST_PAGE}, not {shown(size)}")
        if not is_whole(ahead) or ahead < 0:
            raise InvalidRequest.at("ahead", f"must be 0 or more, not {shown(ahead)}")
        self._fetch = fetch
        self._page_size = size
        self._ahead = ahead
        self._needed = sys.maxsize  # pages beyond this one are not fetched ahead

    def ahead(self, pages: int) -> Paginator[T]:
        """The same list with this number of pages read ahead; 0 reads each when it is needed."""
        return Paginator(self._fetch, page_size=self._page_size, ahead=pages)

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Page by page, each without the items that came on one before."""
        walk = _Walk(self._fetch, self._page_size, self._ahead, self._needed)
        try:
            page: Page[T] | None = await walk.start()
            while page is not None:
                yield page
                page = await walk.go_on()
        finally:
            await walk.drop_coming()

    async def collect(self, *, limit: int | None = None) -> list[T]:
        """All items as a list, or the first ``limit`` of them."""
        if limit is not None and not is_whole(limit):
            raise InvalidRequest.at("limit", f"must be a whole number, not {shown(limit)}")
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


class _Walk(Generic[T]):
    """One walk over a list: the page it stands on, what came so far, what is on its way."""

    def __init__(
        self,
        fetch: Callable[[int, int], Awaitable[PageAnswer[T]]],
        size: int,
        ahead: int,
        needed: int,
    ) -> None:
        self._fetch = fetch
        self._size = size
        self._ahead = ahead
        self._needed = needed
        self._known: dict[str, None] = {}  # ids that came, the oldest first
        self._per_page = 0  # what the server takes for a page, which may be less than asked for
        self._last = 0  # number of the last page, as far as the server has said
        self._furthest = 1
        self._repeated = 0  # items that came again since the totals of `_base`
        self._returns = 0
        self._coming: deque[asyncio.Task[Page[T] | None]] = deque()
        self._upcoming = 2  # number of the next page to be fetched

    async def start(self) -> Page[T]:
        """The first page."""
        page = await self._page(1)
        assert page is not None
        self._base = page
        self._per_page = len(page.items)
        return self._arrive(page, self._new(page))

    async def go_on(self) -> Page[T] | None:
        """The next page with something new; None at the end."""
        while self._promises_more(self._here) or self._may_have_more():
            page = await self._next()
            if page is None or not page.items or _growth(self._here, page) < 0:
                if (page is None or not page.items) and self._ends_at(page):
                    return None
                page = await self._return(page)
                self._base, self._repeated = page, 0
                new = self._new(page)
                self._returns = 0 if new else self._returns + 1
                if self._returns > _RETURNS:
                    raise InvalidAnswer(
                        "the list got shorter again and again while it was read; "
                        "collect() it before changing what it lists"
                    )
            else:
                new = self._new(page)
                self._returns = 0 if new else self._returns
                if page.number > self._furthest:
                    self._check_news(page, new)
            arrived = self._arrive(page, new)
            if new:
                return arrived
        return None

    async def drop_coming(self) -> None:
        """End what is fetched ahead."""
        coming, self._coming = self._coming, deque()
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)

    # --- where the list ends ----------------------------------------------------------------

    def _promises_more(self, page: Page[T]) -> bool:
        return page.has_next or (page._is_silent and page.number < self._last)

    def _may_have_more(self) -> bool:
        """Whether only the next page can tell: nothing was said, and this one is full."""
        return self._here._is_silent and len(self._here.items) == self._size

    def _ends_at(self, page: Page[T] | None) -> bool:
        """Whether the list may end before a page that is missing or, here, empty."""
        if not self._promises_more(self._here):
            return True
        # A server that counts nothing has no other way to say that this is the end.
        return page is not None and not (_counts(page) or _counts(self._here))

    async def _return(self, found: Page[T] | None) -> Page[T]:
        """The page to go on from where pages have moved up: the last one with known items."""
        await self.drop_coming()
        here = self._here
        number = here.number
        while True:
            page = await self._page(number)
            if page is not None:
                if number == here.number:
                    if not (found and found.items) and self._promises_more(page):
                        raise InvalidAnswer(
                            f"page {number + 1} of the list is missing, "
                            f"though page {number} says that there are more"
                        )
                    if page.items == here.items:
                        return page  # what is gone stood further on
                if page.items and not any(map(_id, page.items)):
                    raise InvalidAnswer(
                        "the list got shorter while it was read, and its items have no ids to go by"
                    )
                if number == 1 or any(_id(item) in self._known for item in page.items):
                    return page
            number -= 1

    def _check_news(self, page: Page[T], new: list[T]) -> None:
        """Refuse a page that only repeats what came, unless items were added meanwhile."""
        growth = _growth(self._base, page)
        if page.total_count is None:
            growth *= self._size
        if not new and self._repeated >= growth:
            raise InvalidAnswer(
                f"page {page.number} of the list holds only what came before, as if the server "
                "took no notice of the number"
            )
        self._repeated += len(page.items) - len(new)

    def _new(self, page: Page[T]) -> list[T]:
        """The items of a page that did not come yet. Items without an id pass for new."""
        if not any(map(_id, page.items)):
            return [] if page.number > 1 and page.items == self._here.items else page.items
        new: dict[str, T] = {}
        nameless = 0
        for item in page.items:
            name = _id(item)
            if name is None:
                nameless += 1
                name = f"\0{nameless}"
            if name not in self._known:
                new.setdefault(name, item)
        return list(new.values())

    # --- reading ----------------------------------------------------------------------------

    def _arrive(self, page: Page[T], new: list[T]) -> Page[T]:
        """Stand on a page; the page with what is new on it."""
        for item in new:
            name = _id(item)
            if name is not None:
                self._known[name] = None
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        if page.total_pages is not None:
            self._last = page.total_pages
        elif page.total_count is not None and self._per_page:
            self._last = -(-page.total_count // self._per_page)
        elif page.has_next:
            self._last = max(self._last, page.number + 1)
        self._here = page
        self._furthest = max(self._furthest, page.number)
        if not self._coming:
            self._upcoming = page.number + 1
        return attrs.evolve(page, items=new)

    async def _next(self) -> Page[T] | None:
        last = max(self._last, self._here.number + 1)
        while self._upcoming <= last and (
            not self._coming
            or (len(self._coming) <= self._ahead and self._upcoming <= self._needed)
        ):
            self._coming.append(asyncio.create_task(self._page(self._upcoming)))
            self._upcoming += 1
        # The task stays in the queue while it is awaited, so that it is ended with the others
        # when the one who iterates is cancelled.
        page = await self._coming[0]
        self._coming.popleft()
        return page

    async def _page(self, number: int) -> Page[T] | None:
        """One page; None where the server knows no page of this number."""
        try:
            answer = await self._fetch(number, self._size)
        except NotFound:
            if number == 1:
                raise
            return None
        return Page.of(answer, number, before=(number - 1) * self._per_page)


def _id(item: Any) -> str | None:
    name = item.get("id") if isinstance(item, dict) else getattr(item, "id", None)
    return name if isinstance(name, str) else None


def _counts(page: Page[Any]) -> bool:
    return page.total_count is not None or page.total_pages is not None


def _growth(before: Page[Any], after: Page[Any]) -> int:
    """By how much a list grew, in items or else in pages, as far as its totals say."""
    if before.total_count is not None and after.total_count is not None:
        return after.total_count - before.total_count
    if before.total_pages is not None and after.total_pages is not None:
        return after.total_pages - before.total_pages
    return 0
