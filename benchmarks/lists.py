"""An item of a long list: through the paginator, and page by page by hand."""

from __future__ import annotations

import asyncio

from . import payloads, stub
from .measure import Samples, take_turns
from .results import BY_HAND, PAGINATOR, Section, rows
from .variants import PATH, client, session


def run(*, rounds: int, lists: int) -> Section:
    """Read the stub's list of invoices so many times in each round."""
    with stub.running() as base_url:
        samples = asyncio.run(_measure(base_url, rounds, lists))
    items = payloads.PAGES * payloads.PAGE_SIZE
    each = {name: [one / items for one in values] for name, values in samples.items()}
    title = f"CPU of one item of a list, pages of {payloads.PAGE_SIZE} invoices"
    return Section("lists", title, rows("lists", "asyncio, plain", each, beside=BY_HAND))


async def _measure(base_url: str, rounds: int, lists: int) -> Samples:
    async with client(base_url) as thredfi, session() as ours:
        shop = thredfi.business(payloads.BUSINESS)

        async def through_paginator(_: int) -> None:
            seen = 0
            async for invoice in shop.invoices.list():
                assert invoice.external_id
                seen += 1
            assert seen == payloads.PAGES * payloads.PAGE_SIZE

        async def by_hand(_: int) -> None:
            seen, number, last = 0, 1, 1
            while number <= last:
                query = {"page": number, "page_size": payloads.PAGE_SIZE}
                async with ours.get(base_url + PATH, params=query) as answer:
                    page = await answer.json()
                last = page["page_info"]["total_pages"]
                for invoice in page["results"]:
                    assert invoice["external_id"]
                    seen += 1
                number += 1
            assert seen == payloads.PAGES * payloads.PAGE_SIZE

        variants = {BY_HAND: by_hand, PAGINATOR: through_paginator}
        samples = await take_turns(variants, rounds=rounds, calls=lists, concurrency=1)
        if thredfi.drift:
            raise AssertionError(f"the stub's answers are not as described: {thredfi.drift}")
        return samples
