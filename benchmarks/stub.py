"""A server that answers every request with a fixed document, as cheaply as Python can.

Only the external_id is that of the request: a create with another one in its answer is none.

It runs in a process of its own, on another core where there is one, so that the CPU time
of the benchmark process is that of the client alone. ``python -m benchmarks.stub [certificate]``
prints its port and serves until its standard input is closed.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import msgspec

from . import payloads

_EXTERNAL_ID = re.compile(rb'"external_id": ?"([^"]*)"').search


def _answer(status: bytes, body: object) -> tuple[bytes, bytes, bytes]:
    """What comes before the length, and the body before and after its external_id."""
    content = msgspec.json.encode(body)
    head = b"HTTP/1.1 %b\r\nServer: stub\r\nContent-Type: application/json\r\n" % status
    named = list(re.finditer(rb'"external_id":"([^"]*)"', content))
    if not named:
        return head, content, b""
    first, last = named[-1].span(1)
    return head, content[:first], content[last:]


def _written(answer: tuple[bytes, bytes, bytes], request: bytes) -> bytes:
    head, before, after = answer
    found = _EXTERNAL_ID(request) if after else None
    content = before + (found[1] if found else b"") + after
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(content), content)


ANSWERS = {
    b"businesses": _answer(b"200 OK", payloads.BUSINESSES_ANSWER),
    b"customers": _answer(b"201 Created", payloads.CUSTOMER_ANSWER),
    b"invoices": _answer(b"201 Created", payloads.INVOICE_ANSWER),
    b"payments": _answer(b"201 Created", payloads.PAYMENT_ANSWER),
}
TOKENS = {
    b"/v1/platform/oauth2/token/": _answer(b"200 OK", payloads.PARTNER_TOKEN_ANSWER),
    b"/v1/platform/%b/oauth2/token/" % payloads.BUSINESS.encode(): _answer(
        b"200 OK", payloads.BUSINESS_TOKEN_ANSWER
    ),
}
_PAGE = re.compile(rb"[?&]page=([0-9]+)").search


@cache
def _page(number: int) -> bytes:
    """A page of the list of invoices, each with an id of its own."""
    content = msgspec.json.encode(payloads.invoice_page(number))
    head, _, _ = _answer(b"200 OK", None)
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(content), content)


NOT_FOUND = _answer(b"404 Not Found", {"message": "the stub has no answer for this path"})


class Connection(asyncio.Protocol):
    """One keep-alive connection. Requests must carry a Content-Length or have no body."""

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        pending = self._pending + data
        while (end := pending.find(b"\r\n\r\n")) >= 0:
            head = pending[:end]
            total = end + 4 + _content_length(head)
            if len(pending) < total:
                break
            request, pending = pending[:total], pending[total:]
            target = head.split(b" ", 2)[1]
            if head.startswith(b"GET") and b"/invoices/?" in target:
                page = _PAGE(target)
                self._transport.write(_page(int(page[1]) if page else 1))
                continue
            found = ANSWERS.get(target.split(b"/")[-2]) or TOKENS.get(target, NOT_FOUND)
            self._transport.write(_written(found, request))
        self._pending = pending


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _serve(certificate: str | None) -> None:
    loop = asyncio.get_running_loop()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await loop.create_server(Connection, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


@contextmanager
def running(certificate: Path | None = None) -> Iterator[str]:
    """The stub in its process, this process on another core; gives the base URL.

    With a ``certificate`` (PEM, with its key) it speaks TLS.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stub", *([str(certificate)] if certificate else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            if len(cores) > 1:
                os.sched_setaffinity(process.pid, cores[1:])
                os.sched_setaffinity(0, cores[:1])
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        finally:
            if len(cores) > 1:
                os.sched_setaffinity(0, cores)
            process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1] if len(sys.argv) > 1 else None))
