"""What faults make of a true answer: bytes that are wrong, slow, too many, or cut short."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import struct
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

from aiohttp import web

__all__ = ["HUGE", "Patience", "reset", "spoiled"]

HUGE = 100 << 20  # bytes of a huge body; a gzip bomb has twice as many once it is unpacked
_LOOK = 0.02  # seconds between two looks whether the client has given up
_PIECE = b" " * (1 << 20)  # white space may stand before JSON
_FRAMING = ("Content-Length", "Transfer-Encoding", "Connection")
_TEXT = re.compile(rb'(?<!\\)":\s*"')  # up to where the text of a field begins
_ENUMS = ("status", "payment_status", "payment_method", "type")


class Patience:
    """Waits that can be ended, all at once."""

    def __init__(self) -> None:
        self.over = False

    def end(self) -> None:
        """End all waits, and those that begin later at once."""
        self.over = True

    async def wait(self, seconds: float, request: web.BaseRequest | None = None) -> None:
        """So long, or until it is ended or the client has gone."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0 and not self.over:
            if request is not None and _is_gone(request):
                return
            await asyncio.sleep(min(left, _LOOK))


async def spoiled(
    kind: str,
    request: web.BaseRequest,
    answer: web.Response,
    seconds: float,
    patience: Patience,
    random: Random,
) -> web.Response:
    """An answer, spoiled; ``seconds`` is how long a drip takes. Other kinds leave it as it is."""
    content = answer.body if isinstance(answer.body, bytes) else b""
    match kind:
        case "hang_up":  # the answer is whole, but the connection ends unannounced
            _write(request, _head(answer, len(content)) + content)
        case "cut":
            _write(request, _head(answer, len(content)) + content[: len(content) // 2])
        case "length_too_long":
            _write(request, _head(answer, len(content) + 17) + content)
        case "length_too_short":
            _write(request, _head(answer, len(content) // 2) + content)
        case "cut_chunk":
            size = f"{len(content):x}\r\n".encode()
            _write(request, _head(answer) + size + content[: len(content) // 2])
        case "drip":
            data = _head(answer, len(content)) + content
            await _drip(request, data, seconds / len(data), patience)
        case "huge_body":
            await _flood(request, answer, content)
        case _:
            return _changed(kind, answer, content, random)
    if request.transport is not None:
        request.transport.close()  # once all that was written is out
    return web.Response()


def reset(request: web.BaseRequest) -> web.Response:
    """Reset the connection; the answer returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:  # not to linger: the client sees a reset, no orderly end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


# --- bytes on the wire -------------------------------------------------------------------


def _head(answer: web.Response, length: int | None = None) -> bytes:
    """The head of an answer with this Content-Length, or else of one in chunks."""
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {text}" for name, text in answer.headers.items() if name not in _FRAMING]
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return "\r\n".join([*lines, framing, "", ""]).encode()


def _write(request: web.BaseRequest, data: bytes) -> None:
    if request.transport is not None:
        request.transport.write(data)


async def _drip(request: web.BaseRequest, data: bytes, pause: float, patience: Patience) -> None:
    for place in range(len(data)):
        if _is_gone(request):
            return
        _write(request, data[place : place + 1])
        await patience.wait(pause)


async def _flood(request: web.BaseRequest, answer: web.Response, content: bytes) -> None:
    """Very much white space before the content, in chunks."""
    try:
        _write(request, _head(answer))
        for piece in (*[_PIECE] * (HUGE // len(_PIECE)), content):
            _write(request, f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await request.writer.drain()
        _write(request, b"0\r\n\r\n")
    except ConnectionError:
        pass  # the client has had enough
    except asyncio.CancelledError:
        reset(request)  # or what is left would wait for a client that doesn't read
        raise


def _is_gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


# --- other content -----------------------------------------------------------------------


def _changed(kind: str, answer: web.Response, content: bytes, random: Random) -> web.Response:
    match kind:
        case "invalid_json":
            answer.body = content[: len(content) // 2] + b"\xff,,"
        case "garble":
            answer.body = _garbled(content, random)
        case "wrong_content_type":
            answer.content_type = "text/plain"
        case "empty_body":
            answer.body = b""
        case "gzip_bomb":
            answer.headers["Content-Encoding"] = "gzip"
            answer.body = _bomb() + gzip.compress(content)
        case "unknown_field" | "unknown_enum" | "changed_type" | "dropped_field":
            if answer.content_type == "application/json" and content:
                body = json.loads(content)
                for record in _records(body):
                    _drift(kind, record, random)
                answer.body = json.dumps(body).encode()
    return answer


def _garbled(content: bytes, random: Random) -> bytes:
    """With one byte of Latin-1 in one of the texts of the JSON; where it has none, as it is."""
    places = [found.end() for found in _TEXT.finditer(content)]
    if not places:
        return content
    place = random.choice(places)
    return content[:place] + b"\xe9" + content[place:]


def _records(body: Any) -> Iterator[dict[str, Any]]:
    """The things that an answer is about: itself, what it wraps, or the rows of a list."""
    if isinstance(body, list):
        for one in body:
            yield from _records(one)
    elif isinstance(body, dict):
        wrapped = [held for held in body.values() if _is_record(held)]
        rows = [held for held in body.values() if isinstance(held, list) and any(held)]
        rows = [held for held in rows if all(map(_is_record, held))]
        if _is_record(body) or not (wrapped or rows):
            yield body
        else:
            yield from wrapped
            for held in rows:
                yield from held


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and "id" in value


def _drift(kind: str, record: dict[str, Any], random: Random) -> None:
    """Change a record into what a later version of the API might say. The id stays."""
    names = [name for name in record if name not in ("id", "access_token", "expires_in")]
    if kind == "unknown_field":
        record["field_of_tomorrow"] = {"value": random.random()}
    elif kind == "unknown_enum":
        for name in _ENUMS:
            if isinstance(record.get(name), str):
                record[name] = "VALUE_OF_TOMORROW"
    elif names:
        name = random.choice(names)
        held = record.pop(name)
        if kind == "changed_type":
            record[name] = [held] if isinstance(held, str | dict) else {"value": held}


@cache
def _bomb() -> bytes:
    """White space in some two hundred kilobytes: gzip members, which add up."""
    return gzip.compress(_PIECE * 8) * (2 * HUGE // (8 * len(_PIECE)))
