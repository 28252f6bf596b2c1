"""Lists: every item once, in order, pages fetched ahead but not without bound."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async import InvalidAnswer, InvalidRequest, NotFound, Paginator
from thredfi_async.emulator import Emulator


@attrs.frozen
class Item:
    id: str


@attrs.frozen
class Info:
    total_count: Any
    total_pages: Any


@attrs.frozen
class Envelope:
    results: Any
    page_info: Info | None = None
    count: Any = None
    next: str | None = None


class Listing:
    """A list on a server, in one of the two envelopes."""

    def __init__(
        self, count: int, *, envelope: str = "page_info", past_the_end: str = "missing"
    ) -> None:
        self.items = [Item(f"item-{number}") for number in range(count)]
        self.envelope = envelope
        self.past_the_end = past_the_end
        self.asked: list[tuple[int, int]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.ahead = asyncio.Event()  # set when two pages are under way at once

    async def __call__(self, number: int, size: int) -> Envelope:
        self.asked.append((number, size))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.under_way > 1:
            self.ahead.set()
        try:
            # Later pages are answered sooner, so that only care keeps the order.
            for _ in range(max(1, 50 - number)):
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        page = self.items[(number - 1) * size : number * size]
        pages = -(-len(self.items) // size)
        if number > max(pages, 1) and self.past_the_end == "missing":
            raise NotFound(404)
        if self.envelope == "page_info":
            return Envelope(page, Info(len(self.items), pages))
        following = f"https://x/?page={number + 1}" if number < pages else None
        return Envelope(page, count=len(self.items), next=following)


@pytest.mark.parametrize("envelope", ["page_info", "next"])
@given(count=st.integers(0, 60), size=st.integers(1, 12), ahead=st.integers(0, 5))
async def test_every_item_comes_once_and_in_order(
    envelope: str, count: int, size: int, ahead: int
) -> None:
    listing = Listing(count, envelope=envelope)
    found = [item async for item in Paginator(listing, page_size=size, ahead=ahead)]
    assert found == listing.items
    assert len(listing.asked) == len(set(listing.asked)) == max(1, -(-count // size))


async def test_pages_are_fetched_ahead_in_a_bounded_window() -> None:
    listing = Listing(100)
    await Paginator(listing, page_size=5, ahead=3).collect()
    assert listing.most_under_way == 4


async def test_nothing_is_fetched_before_the_first_item_is_asked_for() -> None:
    listing = Listing(10)
    Paginator(listing)
    await asyncio.sleep(0)
    assert listing.asked == []


async def test_the_largest_documented_page_is_the_default() -> None:
    listing = Listing(10)
    await Paginator(listing).collect()
    assert listing.asked == [(1, 100)]


async def test_first_fetches_one_item() -> None:
    listing = Listing(500)
    assert await Paginator(listing).first() == listing.items[0]
    assert listing.asked == [(1, 1)]


async def test_first_of_an_empty_list_is_none() -> None:
    assert await Paginator(Listing(0)).first() is None


@given(count=st.integers(0, 40), limit=st.integers(0, 50), size=st.integers(1, 10))
async def test_collect_fetches_no_more_pages_than_its_limit_needs(
    count: int, limit: int, size: int
) -> None:
    listing = Listing(count)
    assert await Paginator(listing, page_size=size).collect(limit=limit) == listing.items[:limit]
    assert len(listing.asked) <= max(1, -(-limit // size))


async def test_pages_say_their_number_and_the_totals() -> None:
    pages = [page async for page in Paginator(Listing(7), page_size=3).pages()]
    assert [(p.number, len(p.items), p.total_count, p.total_pages) for p in pages] == [
        (1, 3, 7, 3),
        (2, 3, 7, 3),
        (3, 1, 7, 3),
    ]


async def test_an_item_that_shifts_to_the_next_page_is_not_yielded_twice() -> None:
    listing = Listing(6)
    original = list(listing.items)
    found = []
    async for item in Paginator(listing, page_size=2, ahead=0):
        if len(found) == 1:
            listing.items.insert(0, Item("newcomer"))
        found.append(item)
    assert found == original


async def test_a_list_that_grows_meanwhile_is_walked_to_its_new_end() -> None:
    listing = Listing(4)
    found = []
    async for item in Paginator(listing, page_size=2, ahead=0):
        found.append(item)
        if len(found) == 2:
            listing.items += [Item("late-1"), Item("late-2")]
    assert [item.id for item in found][-2:] == ["late-1", "late-2"]


@pytest.mark.parametrize("ends", ["missing", "empty"])
async def test_a_list_whose_last_page_is_gone_meanwhile_just_ends(ends: str) -> None:
    listing = Listing(6, past_the_end=ends)
    found = []
    async for item in Paginator(listing, page_size=2, ahead=0):
        found.append(item)
        if len(found) == 4:
            del listing.items[4:]
    assert found == listing.items


@pytest.mark.parametrize("envelope", ["page_info", "next"])
@pytest.mark.parametrize("lost", [2, 3])
async def test_a_page_that_is_missing_though_it_should_be_there_is_an_error(
    envelope: str, lost: int
) -> None:
    listing = Listing(6, envelope=envelope)

    async def fetch(number: int, size: int) -> Envelope:
        if number == lost:
            raise NotFound(404)
        return await listing(number, size)

    with pytest.raises(InvalidAnswer, match=f"page {lost} of the list is missing"):
        await Paginator(fetch, page_size=2).collect()


async def test_an_empty_page_in_the_midst_of_a_counted_list_is_an_error() -> None:
    listing = Listing(6)

    async def fetch(number: int, size: int) -> Envelope:
        page = await listing(number, size)
        return attrs.evolve(page, results=[]) if number == 2 else page

    with pytest.raises(InvalidAnswer, match="page 2 of the list is missing"):
        await Paginator(fetch, page_size=2).collect()


@pytest.mark.parametrize("ends", ["missing", "empty"])
@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 2, 5, 6, 12])
async def test_archiving_while_listing_skips_nothing(ends: str, ahead: int, size: int) -> None:
    listing = Listing(12, past_the_end=ends)
    all_of_them = list(listing.items)
    found = []
    async for item in Paginator(listing, page_size=size, ahead=ahead):
        found.append(item)
        listing.items.remove(item)
    assert found == all_of_them


@given(st.data())
async def test_what_stays_in_a_list_that_shrinks_comes_once_and_in_order(
    data: st.DataObject,
) -> None:
    listing = Listing(data.draw(st.integers(1, 30)))
    original = list(listing.items)
    found = []
    size, ahead = data.draw(st.integers(1, 7)), data.draw(st.integers(0, 3))
    async for item in Paginator(listing, page_size=size, ahead=ahead):
        found.append(item)
        if listing.items and data.draw(st.booleans()):
            del listing.items[data.draw(st.integers(0, len(listing.items) - 1))]
    assert len(set(found)) == len(found)
    assert set(listing.items) <= set(found)
    assert found == [item for item in original if item in found]


async def test_a_list_without_ids_ends_where_its_last_page_is_gone() -> None:
    listing = Listing(6)
    listing.items = [{"row": number} for number in range(6)]  # type: ignore[misc]
    found = []
    async for item in Paginator(listing, page_size=2, ahead=0):
        found.append(item)
        if len(found) == 4:
            del listing.items[4:]
    assert found == listing.items


async def test_a_list_without_ids_that_moved_up_is_an_error_and_not_a_guess() -> None:
    listing = Listing(6)
    listing.items = [{"row": number} for number in range(6)]  # type: ignore[misc]
    items = aiter(Paginator(listing, page_size=2, ahead=0))
    await anext(items)
    del listing.items[0]
    with pytest.raises(InvalidAnswer, match="no ids to go by"):
        [item async for item in items]


async def test_a_list_that_never_stops_shrinking_is_an_error() -> None:
    totals = iter(range(1000, 0, -1))

    async def fetch(number: int, size: int) -> Envelope:
        rows = [Item(f"{number}-{one}") for one in range(size)]
        return Envelope(rows, Info(next(totals), 10))

    with pytest.raises(InvalidAnswer, match="collect"):
        await Paginator(fetch, page_size=5, ahead=0).collect()


@pytest.mark.parametrize(
    "info", [{"page_info": Info(300, 3)}, {"next": "https://x/?page=2"}, {"count": 300}, {}]
)
@pytest.mark.parametrize("item", [Item("a"), {"no": "id"}])
async def test_a_server_that_ignores_the_number_of_the_page_is_an_error(
    info: dict[str, Any], item: Any
) -> None:
    async def fetch(number: int, size: int) -> Envelope:
        rows = [Item(f"{one}") for one in range(99)]
        return Envelope([*rows, item] if isinstance(item, Item) else [item] * 100, **info)

    with pytest.raises(InvalidAnswer, match="page 2 of the list holds only what came before"):
        await Paginator(fetch).collect()


@pytest.mark.parametrize("added", [1, 2, 3, 4, 5])
async def test_pages_that_repeat_because_items_were_added_are_passed_over(added: int) -> None:
    listing = Listing(6)
    original = list(listing.items)
    found = []
    async for item in Paginator(listing, page_size=2, ahead=0):
        if len(found) == 1:
            listing.items[:0] = [Item(f"newcomer-{number}") for number in range(added)]
        found.append(item)
    assert [item for item in found if item in original] == original


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (Info("300", "3"), Info("300", "3")),  # as text
        (Info(300, None), Info(300, None)),  # the count alone
        (Info(None, 3), Info(None, 3)),
        (Info(300, 3), None),  # said once
        (None, None),  # never: full pages are followed by another question
    ],
)
async def test_a_list_is_walked_to_its_end_by_whatever_says_where_that_is(
    first: Info | None, later: Info | None
) -> None:
    listing = Listing(300)

    async def fetch(number: int, size: int) -> Envelope:
        page = await listing(number, size)
        return Envelope(page.results, first if number == 1 else later)

    assert await Paginator(fetch).collect() == listing.items


async def test_the_count_beside_the_results_is_used_where_page_info_is_gone() -> None:
    listing = Listing(300)

    async def fetch(number: int, size: int) -> Envelope:
        return Envelope((await listing(number, size)).results, count=300)

    assert await Paginator(fetch).collect() == listing.items


async def test_a_server_that_gives_shorter_pages_than_asked_for_is_read_to_the_end() -> None:
    listing = Listing(45)

    async def fetch(number: int, size: int) -> Envelope:
        return Envelope((await listing(number, 20)).results, Info(45, None))

    assert await Paginator(fetch).collect() == listing.items


@pytest.mark.parametrize("ahead", [0, 1, 5])
async def test_how_far_to_read_ahead_can_be_said(ahead: int) -> None:
    listing = Listing(100)
    await Paginator(listing, page_size=5).ahead(ahead).collect()
    assert listing.most_under_way == ahead + 1


@pytest.mark.parametrize("ahead", [-1, True, "3", None])
def test_a_senseless_number_of_pages_to_read_ahead_is_refused(ahead: Any) -> None:
    with pytest.raises(InvalidRequest, match="ahead"):
        Paginator(Listing(1)).ahead(ahead)


async def test_vendors_archived_while_they_are_listed_are_all_seen() -> None:
    async with Emulator() as emulator, emulator.client() as thredfi:
        shop = thredfi.business(emulator.add_business("bakery"))
        for number in range(12):
            await shop.vendors.create({"external_id": f"v-{number}", "company_name": "Mill"})
        seen = []
        async for vendor in shop.vendors.list(page_size=5):
            seen.append(vendor.external_id)
            await shop.vendors.archive(vendor.id)
    assert len(seen) == 12
    assert set(seen) == {f"v-{number}" for number in range(12)}


async def test_a_list_that_does_not_exist_is_an_error() -> None:
    async def fetch(number: int, size: int) -> Envelope:
        raise NotFound(404)

    with pytest.raises(NotFound):
        await Paginator(fetch).collect()


async def test_a_server_that_always_names_a_next_page_is_left_at_an_empty_one() -> None:
    async def fetch(number: int, size: int) -> Envelope:
        return Envelope([Item(f"{number}")] if number < 4 else [], next="https://x/?page=2")

    assert len(await Paginator(fetch).collect()) == 3


@pytest.mark.parametrize("envelope", [Envelope(None), Envelope("text"), None, {"data": []}])
async def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(envelope: Any) -> None:
    async def fetch(number: int, size: int) -> Any:
        return envelope

    with pytest.raises(InvalidAnswer, match="page 1"):
        await Paginator(fetch).collect()


async def test_an_envelope_with_senseless_counts_is_one_page() -> None:
    async def fetch(number: int, size: int) -> Any:
        return Envelope([Item("a")], Info("many", -3))

    assert await Paginator(fetch).collect() == [Item("a")]


async def test_a_bare_array_is_the_whole_list() -> None:
    async def fetch(number: int, size: int) -> Any:
        return [Item("a"), Item("b")]

    assert await Paginator(fetch).collect() == [Item("a"), Item("b")]


@pytest.mark.parametrize("limit", ["5", 2.5, True])
async def test_a_limit_that_is_no_number_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidRequest, match="limit"):
        await Paginator(Listing(5)).collect(limit=limit)


async def test_leaving_early_ends_what_was_fetched_ahead() -> None:
    listing = Listing(100)
    items = aiter(Paginator(listing, page_size=5))
    for _ in range(6):
        await anext(items)
    await items.aclose()  # type: ignore[attr-defined]
    assert listing.under_way == 0


async def test_cancelling_ends_what_was_fetched_ahead() -> None:
    listing = Listing(100)
    task = asyncio.create_task(Paginator(listing, page_size=5).collect())
    await listing.ahead.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert listing.under_way == 0


@pytest.mark.parametrize("size", [0, 101, -1, True, "5"])
def test_a_page_size_out_of_bounds_is_refused(size: Any) -> None:
    with pytest.raises(InvalidRequest, match="page_size"):
        Paginator(Listing(1), page_size=size)
