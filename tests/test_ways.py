"""The two ways of the transport: whatever a server does, both end alike.

Each test runs on both. What differs is told apart by `ThredfiClient.transport_kind`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.connector
import pytest
import trustme

from thredfi_async import ThredfiClient, TransportError, fast
from thredfi_async.attempt import Attempt, LostError, NotSentError
from thredfi_async.transport import TooLargeError, Transport

from .support import BUSINESS, Received, ScriptedServer, answer, transport_to

pytestmark = pytest.mark.both_ways

BODY = b'{"id":"inv-id"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: 15\r\n\r\n" + BODY


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    authority = trustme.CA()
    # The context that aiohttp made when it was imported, and that every session uses.
    context = aiohttp.connector._SSL_CONTEXT_VERIFIED
    context.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    return authority


@pytest.fixture(params=["plain", "TLS"])
async def server(
    request: pytest.FixtureRequest, authority: trustme.CA
) -> AsyncIterator[ScriptedServer]:
    """In place of the usual one: over plain sockets and over TLS."""
    context = None
    if request.param == "TLS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    async with ScriptedServer(context) as server:
        yield server


@pytest.fixture
async def transport(server: ScriptedServer) -> AsyncIterator[Transport]:
    transport = transport_to(server.url, max_answer_size=100_000)
    yield transport
    await transport.aclose()


async def send(
    transport: Transport,
    method: str = "POST",
    *,
    body: bytes | None = b"{}",
    may_repeat: bool = False,
    **headers: str,
) -> tuple[int, Any, bytes]:
    attempt = Attempt(may_repeat=may_repeat)
    return await transport.send(
        method,
        "/v1/things/?a=%2F&b=%C3%A9",
        authorization="Bearer some-token",
        body=body,
        headers=headers,
        attempt=attempt,
    )


async def test_the_request_is_the_same(
    transport: Transport, server: ScriptedServer, way: str
) -> None:
    await send(transport, **{"Idempotency-Key": "k-1", "X-Name": "Café"})
    await send(transport, "GET", body=None)
    await send(transport, "DELETE", body=None)
    await send(transport, "POST", body=None)
    assert transport.kind == way
    fields = {
        "Host": f"127.0.0.1:{server.port}",
        "Accept": "application/json",
        "User-Agent": "a test",
        "Authorization": "Bearer some-token",
        "Accept-Encoding": server.requests[0].headers["Accept-Encoding"],
    }
    written = {"Content-Type": "application/json", "Content-Length": "2", "Idempotency-Key": "k-1"}
    assert server.requests == [
        Received(method, "/v1/things/?a=%2F&b=%C3%A9", headers, body)
        for method, headers, body in (
            ("POST", {**fields, **written, "X-Name": "Café".encode().decode("latin-1")}, b"{}"),
            ("GET", fields, b""),
            ("DELETE", {**fields, "Content-Length": "0"}, b""),
            ("POST", {**fields, "Content-Length": "0"}, b""),
        )
    ]


ANSWERS = {
    "with its length": WHOLE,
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
    "after 103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + WHOLE,
    "in chunks": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n7\r\n"
    + BODY[:7]
    + b"\r\n8;ext=1\r\n"
    + BODY[7:]
    + b"\r\n0\r\nTrailer: 1\r\n\r\n",
    "compressed": HEAD
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(BODY))
    + gzip.compress(BODY),
    "until the end": HEAD + b"Connection: close\r\n\r\n" + BODY,
    "by HTTP/1.0": b"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_in_whatever_form_it_comes(
    transport: Transport, server: ScriptedServer, name: str, way: str
) -> None:
    server.script = lambda _: ANSWERS[name]
    for _ in range(3):
        status, _, data = await send(transport)
        assert (status, data) == (200, BODY)
    assert transport.kind == way


async def test_an_answer_is_read_that_comes_byte_by_byte(
    transport: Transport, server: ScriptedServer
) -> None:
    writers = server._writers

    async def drip(_: Received) -> bytes:
        (writer,) = writers
        for index in range(len(WHOLE) - 1):
            writer.write(WHOLE[index : index + 1])
            await writer.drain()
            await asyncio.sleep(0)
        return WHOLE[-1:]

    server.script = drip
    assert (await send(transport))[2] == BODY
    assert (await send(transport))[2] == BODY


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_an_answer_without_a_body(
    transport: Transport, server: ScriptedServer, status: int
) -> None:
    length = b"" if status in (204, 304) else b"Content-Length: 0\r\n"
    server.script = lambda _: b"HTTP/1.1 %d Text\r\n%b\r\n" % (status, length)
    for _ in range(2):
        found, _, data = await send(transport)
        assert (found, data) == (status, b"")


async def test_headers_are_of_any_case_and_may_come_twice(
    transport: Transport, server: ScriptedServer
) -> None:
    lines = b"X-Request-ID: r-1\r\nwarning: one\r\nWarning: two\r\n"
    server.script = lambda _: HEAD + lines + b"Content-Length: 15\r\n\r\n" + BODY
    _, headers, _ = await send(transport)
    assert headers["x-request-id"] == "r-1"
    assert headers.get("WARNING") == "one"
    assert headers.getall("Warning") == ["one", "two"]


BROKEN = {
    "nothing": None,
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Length: 99\r\n\r\n" + BODY,
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + BODY,
    "a chunk of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 15\r\nContent-Length: 16\r\n\r\n" + BODY,
    "a length of words": HEAD + b"Content-Length: many\r\n\r\n" + BODY,
    "no gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + BODY,
    "a huge header": HEAD + b"X: " + b"x" * 20_000 + b"\r\nContent-Length: 15\r\n\r\n" + BODY,
    "100 for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_answer_that_is_none_is_lost_and_its_connection_closed(
    transport: Transport, server: ScriptedServer, name: str
) -> None:
    assert (await send(transport))[0] == 200
    server.closes = True
    server.script = lambda _: BROKEN[name]
    attempt = Attempt(may_repeat=False)
    with pytest.raises(LostError) as caught:
        await transport.send(
            "POST", "/", authorization="Bearer t", body=b"{}", headers={}, attempt=attempt
        )
    assert attempt.left
    assert caught.value.__cause__ is None
    server.closes = False
    server.script = lambda _: WHOLE
    assert (await send(transport))[2] == BODY


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Content-Length: 100001\r\n\r\n" + b"x" * 100_001,
        HEAD + b"Connection: close\r\n\r\n" + b"x" * 100_001,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n186a1\r\n" + b"x" * 100_001 + b"\r\n0\r\n\r\n",
        HEAD + b"Connection: close\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 10**7),
    ],
    ids=["length", "until the end", "chunked", "gzip"],
)
async def test_an_answer_over_the_limit_is_not_read_to_its_end(
    transport: Transport, server: ScriptedServer, data: bytes
) -> None:
    server.script = lambda _: data
    with pytest.raises(TooLargeError, match="larger than 100000 bytes"):
        await send(transport)
    server.script = lambda _: WHOLE
    assert (await send(transport))[2] == BODY


async def test_an_answer_at_the_limit_is_read(transport: Transport, server: ScriptedServer) -> None:
    server.script = lambda _: HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000
    assert len((await send(transport))[2]) == 100_000


@pytest.mark.parametrize("may_repeat", [False, True])
async def test_what_came_unasked_is_never_taken_for_an_answer(
    transport: Transport, server: ScriptedServer, may_repeat: bool
) -> None:
    """A second answer in the pool would be read as that of the next request."""
    forged = answer(200, {"id": "forged"})
    server.script = lambda _: WHOLE + forged
    with contextlib.suppress(LostError):  # where it comes along with the first
        await send(transport)
    server.script = lambda _: WHOLE
    for _ in range(3):
        await asyncio.sleep(0)
    assert (await send(transport, may_repeat=may_repeat))[2] == BODY


async def test_an_answer_before_all_was_read_closes_the_connection(
    transport: Transport, server: ScriptedServer
) -> None:
    server.script = lambda _: WHOLE
    assert (await send(transport, body=b"x" * 60_000))[2] == BODY
    assert (await send(transport, body=b"x" * 2_000_000))[2] == BODY  # which goes the public way
    assert [len(one.body) for one in server.requests] == [60_000, 2_000_000]


@pytest.mark.parametrize("step", range(12))
async def test_a_request_cancelled_at_any_step_leaves_a_pool_that_works(
    transport: Transport, server: ScriptedServer, step: int
) -> None:
    held = asyncio.Event()

    async def slow(_: Received) -> bytes:
        await held.wait()
        return WHOLE

    server.script = slow
    attempt = Attempt(may_repeat=False)
    sending = asyncio.create_task(
        transport.send(
            "POST", "/", authorization="Bearer t", body=b"{}", headers={}, attempt=attempt
        )
    )
    for _ in range(step):
        await asyncio.sleep(0.001 if step > 8 else 0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    if not attempt.left:
        await asyncio.sleep(0)
        assert not server.requests
    held.set()
    assert (await send(transport))[2] == BODY


async def test_a_connection_that_the_server_closed_meanwhile_is_not_written_to(
    transport: Transport, server: ScriptedServer
) -> None:
    for _ in range(5):
        server.closes = True
        assert (await send(transport))[2]
        server.closes = False
        assert (await send(transport))[2]
    assert len(server.requests) == 10


async def test_a_closed_port_is_told_as_not_sent(transport: Transport) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = transport_to(f"http://127.0.0.1:{taken.getsockname()[1]}")
        attempt = Attempt(may_repeat=True)
        with pytest.raises(NotSentError, match=r"no connection to 127\.0\.0\.1"):
            await nowhere.send(
                "GET", "/", authorization="Bearer t", body=None, headers={}, attempt=attempt
            )
        assert not attempt.left
        await nowhere.aclose()


async def test_many_at_once_get_their_own_answers(
    transport: Transport, server: ScriptedServer
) -> None:
    server.script = lambda request: answer(200, {"id": request.body.decode()})
    answers = await asyncio.gather(*(send(transport, body=b"%d" % n) for n in range(200)))
    assert [data for _, _, data in answers] == [b'{"id": "%d"}' % n for n in range(200)]


async def test_a_refusal_of_a_large_body_leaves_no_connection_to_write_behind_it(
    transport: Transport, server: ScriptedServer, way: str
) -> None:
    """What is left of the body would come before the next request, or hold it up."""
    server.script = lambda _: answer(413, {"message": "too large"})
    for _ in range(2):
        assert (await send(transport, body=b"x" * 60_000))[0] == 413
        if way == "fast":
            client = transport._client()
            assert isinstance(client.connector, aiohttp.TCPConnector)
            assert not client.connector._conns


async def test_a_request_that_connects_while_others_need_its_place_is_sent(
    transport: Transport, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered for each token is bounded, and may be forgotten meanwhile."""
    monkeypatch.setattr(fast, "_REMEMBERED", 1)

    async def one(number: int) -> int:
        attempt = Attempt(may_repeat=False)
        authorization = f"Bearer token-{number}"
        sending = transport.send(
            "POST", "/", authorization=authorization, body=b"{}", headers={}, attempt=attempt
        )
        return (await sending)[0]

    assert await asyncio.gather(*map(one, range(8))) == [200] * 8
    tokens = {request.headers["Authorization"] for request in server.requests}
    assert tokens == {f"Bearer token-{number}" for number in range(8)}


async def test_a_client_closed_during_the_look_up_of_its_name_fails_its_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking = asyncio.Event()

    async def resolve(*_: object, **__: object) -> list[Any]:
        looking.set()
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    monkeypatch.setattr(aiohttp.AsyncResolver, "resolve", resolve)
    transport = transport_to("https://thred.invalid")
    sending = asyncio.create_task(send(transport))
    await looking.wait()
    await transport.aclose()
    with pytest.raises(NotSentError):
        await sending


# --- which way is taken ------------------------------------------------------------------


async def test_a_client_says_which_way_it_takes(server: ScriptedServer, way: str) -> None:
    async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
        assert thredfi.transport_kind == way  # also before there is a session
        await thredfi.business(BUSINESS).invoices.get("one")
        assert thredfi.transport_kind == way
        reasons = {"fast": None, "public": "ClientSession._request is replaced"}
        assert thredfi.transport_reason == reasons[way]
    async with (
        aiohttp.ClientSession() as http,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url, http=http) as thredfi,
    ):
        assert thredfi.transport_kind == "public"
        assert thredfi.transport_reason == "the aiohttp session is the application's own"


async def test_a_traced_session_goes_the_public_way(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As instrumentation does it: with a trace for every session that is made."""
    seen: list[str] = []
    tracing = aiohttp.TraceConfig()

    async def note(_: object, __: object, what: aiohttp.TraceRequestStartParams) -> None:
        seen.append(what.method)

    tracing.on_request_start.append(note)
    made = aiohttp.ClientSession.__init__

    def traced(self: aiohttp.ClientSession, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, trace_configs=[tracing], **named)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", traced)
    async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
        await thredfi.business(BUSINESS).invoices.get("one")
        assert thredfi.transport_kind == "public"
    assert seen == ["POST", "POST", "GET"]


@pytest.mark.filterwarnings("ignore:Inheritance class")
@pytest.mark.parametrize("change", ["headers", "proxy", "trust_env", "subclass"])
async def test_a_session_that_is_made_another_way_is_used_as_it_is(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    made = aiohttp.ClientSession.__init__
    seen: list[str] = []

    class Watched(aiohttp.ClientSession):
        async def _request(self, method: str, *rest: Any, **named: Any) -> aiohttp.ClientResponse:
            seen.append(method)
            return await super()._request(method, *rest, **named)

    def remade(self: aiohttp.ClientSession, *arguments: Any, **named: Any) -> None:
        more: dict[str, dict[str, Any]] = {
            "headers": {"headers": {"X-Wanted": "1"}},
            "proxy": {"proxy": server.url},
            "trust_env": {"trust_env": True},
        }
        made(self, *arguments, **named, **more[change])

    with monkeypatch.context() as patch:
        if change == "subclass":
            patch.setattr(aiohttp, "ClientSession", Watched)
        else:
            patch.setattr(aiohttp.ClientSession, "__init__", remade)
        async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
            if change != "proxy" or server.url.startswith("http:"):
                await thredfi.business(BUSINESS).invoices.get("one")
                assert thredfi.transport_kind == "public"
    if change == "headers":
        assert server.requests[0].headers["X-Wanted"] == "1"
    if change == "subclass":
        assert seen == ["POST", "POST", "GET"]


@pytest.mark.parametrize("method", ["post", "GET /evil HTTP/1.1\r\nX: y\r\n\r\nPOST"])
async def test_an_unusual_method_goes_the_public_way(
    transport: Transport, server: ScriptedServer, method: str
) -> None:
    with contextlib.suppress(NotSentError, LostError):
        await send(transport, method, body=None)
    assert all(one.method == method.upper() for one in server.requests)


@pytest.fixture
def reconsidered() -> Iterator[None]:
    fast.why_not.cache_clear()
    yield
    fast.why_not.cache_clear()


@pytest.mark.usefixtures("reconsidered")
@pytest.mark.parametrize("change", ["version", "name", "argument", "replaced"])
async def test_another_aiohttp_goes_the_public_way(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with monkeypatch.context() as patch:
        if change == "version":
            patch.setattr(aiohttp, "__version__", "3.99.1")
            reason = "aiohttp 3.99.1 isn't one of the versions tested"
        elif change == "name":
            patch.setattr(fast, "_SHAPES", ((aiohttp.StreamReader, "read_at_once", ()),))
            reason = "has no StreamReader.read_at_once"
        elif change == "argument":
            shape = (aiohttp.connector.BaseConnector, "connect", ("speed",))
            patch.setattr(fast, "_SHAPES", (shape,))
            reason = "BaseConnector.connect of aiohttp .* takes other arguments"
        else:
            wraps = functools.wraps(aiohttp.ClientSession._request)
            replaced = wraps(lambda *_: None)  # which gives it the name and module of the other
            patch.setattr(fast, "_UNTOUCHED", ((aiohttp.ClientSession, "_request", replaced),))
            reason = "ClientSession._request had been replaced before"
        async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
            assert (await thredfi.business(BUSINESS).invoices.get("one")).id == "some-id"
            assert thredfi.transport_kind == "public"
            assert thredfi.transport_reason is not None
            assert re.search(reason, thredfi.transport_reason)


async def test_headers_that_aiohttp_acts_upon_go_the_public_way(
    server: ScriptedServer, way: str
) -> None:
    async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
        invoices = thredfi.business(BUSINESS).invoices
        await invoices.get("one", extra_headers={"User-Agent": "mine", "accept": "text/json"})
    sent = server.requests[-1].headers
    lowered = {name.lower(): value for name, value in sent.items()}
    assert (lowered["user-agent"], lowered["accept"]) == ("mine", "text/json")
    assert len(lowered) == len(sent)


# --- through a proxy ---------------------------------------------------------------------


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[int]:
    """The port of a tinyproxy that wants a password."""
    if shutil.which("tinyproxy") is None:
        pytest.skip("no tinyproxy: apt install tinyproxy")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = tmp_path / "tinyproxy.conf"
    settings.write_text(
        f"Port {port}\nListen 127.0.0.1\nTimeout 20\nMaxClients 20\nAllow 127.0.0.1\n"
        f'BasicAuth user pass\nLogFile "{tmp_path / "log"}"\n'
    )
    with subprocess.Popen(["tinyproxy", "-d", "-c", settings]) as process:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
        process.terminate()


async def test_the_public_way_goes_through_a_proxy(server: ScriptedServer, proxy: int) -> None:
    await _through(server, f"http://user:pass@127.0.0.1:{proxy}")
    if server.url.startswith("https"):  # by CONNECT; else it would answer in the server's name
        with pytest.raises(TransportError, match=r"the proxy refused: 40[17]"):
            await _through(server, f"http://user:wrong@127.0.0.1:{proxy}")


async def _through(server: ScriptedServer, proxy: str) -> None:
    async with (
        aiohttp.ClientSession(proxy=proxy) as http,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url, http=http) as thredfi,
    ):
        assert (await thredfi.business(BUSINESS).invoices.get("one")).id == "some-id"
