"""Watches every exchange with an emulator of this process, and holds it against the description."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from thredfi_async.emulator.dispatch import Dispatcher

from . import description

MARK = "X-Emulator"  # a header of answers that are not to conform
FAULT = "fault"  # its value on an answer that is wrong on purpose
UNDESCRIBED = "undescribed"  # its value on answers of endpoints outside of the description


class Watcher:
    """Collects what the emulators' answers, and the requests they took, do against the rules."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def install(self, setattr_: Callable[[type, str, Any], None]) -> None:
        """Put itself around `Dispatcher.serve`."""
        serve = Dispatcher.serve

        async def watched(dispatcher: Dispatcher, request: web.BaseRequest) -> web.StreamResponse:
            answer = await serve(dispatcher, request)
            await self._look_at(dispatcher, request, answer)
            return answer

        setattr_(Dispatcher, "serve", watched)

    def taken(self) -> list[str]:
        """The problems so far, which are forgotten with this."""
        found, self.problems = self.problems, []
        return found

    async def _look_at(
        self, dispatcher: Dispatcher, request: web.BaseRequest, answer: web.StreamResponse
    ) -> None:
        mark, headers = answer.headers.get(MARK), request.headers
        is_file = mark == UNDESCRIBED and answer.content_type != description.JSON
        if mark == FAULT or is_file:
            return
        try:
            if dispatcher.errors == "guide" and answer.status >= 400 and "Origin" not in headers:
                description.check_guide_refusal(_body(answer))
                return
            _check_answer(request, answer, is_described=mark != UNDESCRIBED)
            if answer.status < 400 and mark != UNDESCRIBED:
                await _check_request(request)
        except AssertionError as error:
            shown = f"{request.method} {request.raw_path} was answered {answer.status}: {error}"
            self.problems.append(shown[:2000])


def _check_answer(
    request: web.BaseRequest, answer: web.StreamResponse, *, is_described: bool
) -> None:
    body = _body(answer)
    if is_described:
        description.check(request.method, request.path, answer.status, body)
    elif answer.status >= 400:
        description.check_refusal(body)


def _body(answer: web.StreamResponse) -> Any:
    assert isinstance(answer, web.Response)
    content = answer.body
    assert content is None or isinstance(content, bytes)
    assert answer.status < 500 or answer.status == 501, content
    if content:
        assert answer.content_type == description.JSON, answer.content_type
    return json.loads(content) if content else None


async def _check_request(request: web.BaseRequest) -> None:
    description.check_target(request.method, request.raw_path)
    if request._post is not None:  # it was read as a form
        fields = request._post
        # Files may hold anything.
        form = {
            name: [one for one in fields.getall(name) if isinstance(one, str)]
            for name, value in fields.items()
            if isinstance(value, str)
        }
        description.check_body(request.method, request.path, request.content_type, form)
    elif request._read_bytes and request._read_bytes.strip():
        body = json.loads(request._read_bytes)
        description.check_body(request.method, request.path, description.JSON, body)
