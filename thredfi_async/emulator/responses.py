"""Answers as HTTP: JSON, files, and what browsers need to read them from any page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from .. import codec
from .call import Answer
from .forms import File
from .problems import ErrorShape, Problem

__all__ = ["REPLAYED", "UNDESCRIBED", "is_browser", "preflight", "refusal", "response_of"]

UNDESCRIBED = {"X-Emulator": "undescribed"}  # on answers that the description doesn't know
# On the answer to a create whose external_id was known, so that nothing new came of it.
REPLAYED = web.ResponseKey("replayed", bool)
_SHOWN_INLINE = {"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp"}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Max-Age": "600",  # seconds
}


def is_browser(headers: Mapping[str, str]) -> bool:
    """Whether a script on a page asks, which is how the widget is told from other callers."""
    return "Origin" in headers


def preflight() -> web.Response:
    """What a browser wants to know before it sends the request itself."""
    return web.Response(status=204, headers=_PREFLIGHT | UNDESCRIBED)


def response_of(answer: Answer) -> web.Response:
    """What a handler answered."""
    if answer.body is None:
        return web.Response(status=answer.status)
    if isinstance(answer.body, File):
        return _file(answer.status, answer.body)
    return _json(answer.status, answer.body)


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=codec.encode(body), content_type="application/json")


def refusal(problem: Problem, shape: ErrorShape) -> web.Response:
    """An answer outside 2xx, with an id of its own."""
    request_id = str(uuid.uuid4())
    answer = _json(problem.status, problem.body(request_id, shape))
    answer.headers.update(problem.headers)
    answer.headers["X-Request-ID"] = request_id
    return answer


def _file(status: int, file: File) -> web.Response:
    """Shown by browsers where that runs no scripts, else saved."""
    place = "inline" if file.content_type in _SHOWN_INLINE else "attachment"
    headers = {
        "Content-Type": file.content_type,
        "Content-Disposition": f"{place}; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(status=status, body=bytes(file), headers=headers)
