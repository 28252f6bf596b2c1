"""What the watcher of all exchanges finds, and what it lets pass."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.emulator.watcher import FAULT, MARK, UNDESCRIBED, Watcher
from thredfi_async.emulator import Emulator
from thredfi_async.emulator.dispatch import Dispatcher

from .caller import Caller

PAGE = {"total_count": 0, "current_page": 1, "total_pages": 1, "page_size": 20}
EMPTY = {"count": 0, "results": [], "page_info": PAGE}


@pytest.fixture
def watched(monkeypatch):
    """Lists customers of an emulator that does something to its answers; the problems found."""

    async def exchange(change, query=""):
        serve = Dispatcher.serve

        async def changed(dispatcher, request):
            answer = await serve(dispatcher, request)
            if "/customers/" in request.path:
                change(answer)
            return answer

        monkeypatch.setattr(Dispatcher, "serve", changed)
        watcher = Watcher()
        watcher.install(monkeypatch.setattr)
        async with Emulator() as emulator, aiohttp.ClientSession() as session:
            path = f"/v1/platform/businesses/{emulator.add_business('shop')}/customers/{query}"
            token = await Caller(emulator, session).partner_token()
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(emulator.url + path, headers=headers) as answer:
                await answer.read()
        return watcher.taken()

    return exchange


def says(body, status=200, **headers):
    def change(answer):
        answer.set_status(status)
        answer.body = json.dumps(body).encode()
        answer.headers.update(headers)

    return change


async def test_a_good_exchange_is_no_problem(watched):
    assert await watched(says(EMPTY)) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (says({**EMPTY, "results": [1]}), '1 is not of type "object"'),
        (says({**EMPTY, "more": 1}), "'more' was unexpected"),
        (says({**EMPTY, "page_info": {**PAGE, "more": 1}}), "'more' was unexpected"),
        (says({**EMPTY, "count": "0"}), '"0" is not of type "integer"'),
        (says(EMPTY, status=202), "is not described to answer 202"),
        (says(EMPTY, status=404), "'results', 'page_info' were unexpected"),
        (says(EMPTY, status=500), "was answered 500"),
        (says(EMPTY, **{"Content-Type": "text/plain"}), "text/plain"),
    ],
)
async def test_an_answer_against_the_description_is_found(watched, change, text):
    (problem,) = await watched(change)
    assert "/customers/ was answered" in problem
    assert text in problem


async def test_a_bad_request_that_was_taken_is_found(watched):
    (problem,) = await watched(says(EMPTY), "?page=first")
    assert "page=first" in problem


@pytest.mark.parametrize("mark", [FAULT, UNDESCRIBED])
async def test_a_marked_answer_need_not_conform(watched, mark):
    assert await watched(says({}, **{MARK: mark})) == []


async def test_a_refusal_has_its_shape_even_outside_of_the_description(watched):
    (problem,) = await watched(says({"error": "no"}, status=404, **{MARK: UNDESCRIBED}))
    assert "'error' was unexpected" in problem
