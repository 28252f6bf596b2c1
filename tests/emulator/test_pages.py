"""Lists in pages, in both envelopes that the docs show."""

from __future__ import annotations

import aiohttp
import pytest
from yarl import URL

from thredfi_async.emulator import Emulator

from .caller import Caller, Shop


@pytest.fixture
async def customers(shop):
    """The ids of 45 customers in the order of their creation."""
    return [(await shop.customer())["id"] for _ in range(45)]


def ids(answer):
    return [row["id"] for row in answer.body["results"]]


async def test_a_page_has_20_rows_unless_asked_otherwise(shop, customers):
    answer = await shop.get("customers/")
    assert ids(answer) == customers[:20]
    assert answer.body["count"] == 45
    assert answer.body["page_info"] == {
        "total_count": 45,
        "current_page": 1,
        "total_pages": 3,
        "page_size": 20,
    }


async def test_pages_follow_one_another_without_gap_or_overlap(shop, customers):
    pages = [await shop.get("customers/", page=page, page_size=10) for page in range(1, 6)]
    assert [row for page in pages for row in ids(page)] == customers
    assert len(ids(pages[4])) == 5


async def test_a_page_may_have_100_rows(shop, customers):
    assert ids(await shop.get("customers/", page_size=100)) == customers


async def test_a_page_past_the_end_is_not_found(shop, customers):
    answer = await shop.get("customers/", page=4)
    assert (answer.status, answer.code) == (404, "page_not_found")


async def test_an_empty_list_has_one_empty_page(shop):
    answer = await shop.get("customers/")
    assert (ids(answer), answer.body["page_info"]["total_pages"]) == ([], 1)
    assert (await shop.get("customers/", page=2)).status == 404


async def test_a_page_is_one_of_what_was_filtered(shop):
    for amount in (100, 200, 300, 400):
        await shop.invoice(amount)
    answer = await shop.get("invoices/", min_amount=200, page_size=2, page=2)
    assert [row["total_amount"] for row in answer.body["results"]] == [400]
    assert answer.body["count"] == 3


# --- next and previous -----------------------------------------------------------------


@pytest.fixture
async def guided(clock):
    """A shop on an emulator that answers as the guides show."""
    async with (
        Emulator(clock=clock, envelope="guide") as emulator,
        aiohttp.ClientSession() as session,
    ):
        caller = Caller(emulator, session)
        caller.token = await caller.partner_token()
        yield Shop(caller, emulator.add_business("shop"), caller.token)


async def test_the_guides_envelope_has_next_and_previous(guided):
    for _ in range(5):
        await guided.customer()
    first = await guided.get("customers/", page_size=2)
    assert first.body.keys() == {"count", "results", "next", "previous"}
    assert first.body["previous"] is None
    last = await guided.get("customers/", page_size=2, page=3)
    assert last.body["next"] is None
    assert "page=2" in last.body["previous"]


async def test_following_next_gives_every_row_once(guided):
    made = [(await guided.invoice(amount, memo="a b"))["id"] for amount in range(1, 8)]
    path = f"/v1/platform/businesses/{guided.id}/invoices/?page_size=3&memo_contains=a%20b&page=1"
    rows = []
    while path:
        body = (await guided.caller.send("GET", path)).body
        rows += [row["id"] for row in body["results"]]
        url = URL(body["next"]) if body["next"] else None
        if url is not None:
            assert str(url.origin()) == guided.caller.emulator.url
        path = url.raw_path_qs if url else None
    assert rows == made
