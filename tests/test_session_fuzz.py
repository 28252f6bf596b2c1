"""Whatever bytes come back, only exceptions of ours come out, and never a hang."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thredfi_async import ThredfiClient, ThredfiError

from .support import BUSINESS, FakeClock, ScriptedServer

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

BODY = {"external_id": "i-1", "sent_at": "2025-01-31", "line_items": []}

headers = st.lists(
    st.sampled_from(
        [
            b"Content-Type: application/json",
            b"Content-Type: text/html",
            b"Content-Length: 5",
            b"Content-Length: -1",
            b"Content-Length: 99999999999999999999",
            b"Transfer-Encoding: chunked",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br",
            b"Connection: close",
            b"Retry-After: soon",
            b"Retry-After: 99999999999999999999",
            b"Location: http://169.254.1.1/",
            b"Set-Cookie: \xff\xfe",
            b": nameless",
            b"\xff\x00",
        ]
    ),
    max_size=4,
)
statuses = st.one_of(st.integers(0, 999).map(lambda n: b"%03d" % n), st.binary(max_size=4))
bodies = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"{}", b"[]", b"null", b'{"id": 5}', b"5\r\n{}\r\n", b"2\r\n{}\r\n0\r\n\r\n"]),
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(min_size=1, max_size=300))
    head = b"HTTP/1.1 " + draw(statuses) + b" Text\r\n"
    lines = b"".join(line + b"\r\n" for line in draw(headers))
    return head + lines + b"\r\n" + draw(bodies)


@settings(max_examples=int(os.environ.get("THREDFI_FUZZ_CASES", "100")), deadline=None)
@given(raw=answers(), write=st.booleans())
async def test_any_bytes_are_an_answer_or_an_error_of_ours(raw: bytes, write: bool) -> None:
    async with (
        ScriptedServer() as server,
        ThredfiClient(
            partner_uuid="p", api_key="k", base_url=server.url, timeout=0.2, clock=FakeClock()
        ) as thredfi,
    ):
        server.answers(raw)
        server.closes = True
        invoices = thredfi.business(BUSINESS).invoices
        call = invoices.create(BODY, retries=1) if write else invoices.get("inv-id", retries=1)
        with suppress(ThredfiError):
            await call
