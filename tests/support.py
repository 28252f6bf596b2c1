"""Helpers that several test modules use."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from thredfi_async.transport import Transport


def cases(few: int, many: int) -> int:
    """How many cases a test is to draw: few for every change, many in `make ci-long`."""
    return many if "THREDFI_LONG" in os.environ else few


class FakeClock:
    """A clock that moves only when it is told to; sleeping moves it at once."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.now += seconds


def transport_to(url: str, *, max_answer_size: int = 1000) -> Transport:
    """A transport alone, without a client around it."""
    return Transport(
        url,
        connect_timeout=5,
        max_answer_size=max_answer_size,
        user_agent="a test",
        allow_http=False,
        http=None,
    )


TOKEN = {"access_token": "secret-token", "expires_in": 3600, "token_type": "Bearer"}
BUSINESS = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@attrs.frozen
class Received:
    """One request as it came over the socket."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Script = Callable[[Received], "bytes | Awaitable[bytes | None] | None"]


def answer(
    status: int, body: Any = None, headers: dict[str, str] | None = None, *, raw: bytes = b""
) -> bytes:
    """The bytes of an HTTP answer; ``body`` as JSON, or ``raw`` as it is."""
    content = raw if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    fields.update(headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Text\r\n{head}\r\n".encode() + content


class ScriptedServer:
    """A server on a real socket that answers with the bytes it is told to.

    ``script`` gets each request but those for tokens and returns the answer's bytes, or None to
    drop the connection without an answer. Token calls are answered by themselves unless
    ``script_tokens`` is set.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.script: Script = lambda request: answer(200, {"id": "some-id"})
        self.script_tokens: Script | None = None
        self.requests: list[Received] = []
        self.token_requests: list[Received] = []
        self.arrived = asyncio.Event()  # set with the first request that is not for a token
        self.closes = False  # hang up after each answer
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> ScriptedServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    def answers(self, *answers: bytes | None) -> None:
        """Answer with these, one after the other; the last one stays."""
        left = list(answers)
        self.script = lambda request: left.pop(0) if len(left) > 1 else left[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (request := await self._receive(reader)) is not None:
                if request.target.endswith("/oauth2/token/"):
                    self.token_requests.append(request)
                    script = self.script_tokens or (lambda _: answer(200, TOKEN))
                else:
                    self.requests.append(request)
                    self.arrived.set()
                    script = self.script
                data = script(request)
                if inspect.isawaitable(data):
                    data = await data
                if data is None:
                    break
                writer.write(data)
                await writer.drain()
                if self.closes or b"connection: close" in data.lower():
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = dict(line.split(": ", 1) for line in lines if line)
        body = await reader.readexactly(int(headers.get("Content-Length", 0)))
        return Received(method, target, headers, body)
