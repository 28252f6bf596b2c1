"""What never left is told as not sent, and what may have left is not: over real sockets.

Each create here has no external_id, so that it is sent once at most: an attempt that may have
arrived ends in `OutcomeUnknown`, one that can't have in `TransportError`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from thredfi_async import OutcomeUnknown, RetryPolicy, ThredfiClient, Token, TransportError
from thredfi_async.attempt import Attempt, NotSentError
from thredfi_async.limits import files_allow, is_exhaustion

from .support import BUSINESS, Received, ScriptedServer, answer, transport_to

pytestmark = pytest.mark.both_ways

INVOICE = {"id": "inv-id"}
NAMELESS: dict[str, Any] = {"sent_at": "2025-01-31T12:00:00Z", "line_items": []}


class Given:
    """A store that has a token for whoever asks, so that the call itself is the first request."""

    async def get(self, key: object) -> Token:
        return Token("given-token", expires_at=2e9, refresh_at=2e9)

    async def put(self, key: object, token: Token) -> None: ...

    async def drop(self, key: object, token: Token) -> None: ...


def client(url: str, **arguments: Any) -> ThredfiClient:
    arguments.setdefault("retry", RetryPolicy(attempts=2, base=0.01))
    return ThredfiClient(
        partner_uuid="partner",
        api_key="secret-key",
        base_url=url,
        allow_http=True,
        **{"token_store": Given(), **arguments},
    )


async def create(thredfi: ThredfiClient, **options: Any) -> Any:
    return await thredfi.business(BUSINESS).invoices.create(NAMELESS, **options)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        server.answers(answer(201, INVOICE))
        yield server


# --- what stops a request before there is a connection -----------------------------------


async def test_credentials_in_netrc_stop_a_call_once_and_say_so(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login app password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with aiohttp.ClientSession(trust_env=True) as http, client(server.url, http=http) as c:
        with pytest.raises(TransportError, match="netrc") as caught:
            await create(c)
    assert caught.value.attempts == 1
    assert "hunter2" not in str(caught.value)
    assert not server.requests


async def test_a_header_that_can_not_be_one_is_not_sent_nor_repeated_in_the_error(
    server: ScriptedServer,
) -> None:
    transport = transport_to(server.url)
    attempt = Attempt(may_repeat=False)
    with pytest.raises(NotSentError) as caught:
        await transport.send(
            "GET", "/", authorization="Bearer a\nb", body=None, headers={}, attempt=attempt
        )
    assert caught.value.final
    assert not attempt.left
    assert "a\nb" not in str(caught.value)
    await transport.aclose()
    assert not server.requests


async def refuse(status: int) -> asyncio.Server:
    """A proxy that connects to nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"CONNECT thred.invalid:443 ")
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("status", "attempts"), [(407, 1), (403, 1), (404, 1), (429, 2), (502, 2), (503, 2), (700, 2)]
)
async def test_a_proxy_that_refuses_is_named_with_its_status(status: int, attempts: int) -> None:
    proxy = await refuse(status)
    port = proxy.sockets[0].getsockname()[1]
    async with (
        proxy,
        aiohttp.ClientSession(proxy=f"http://user:hunter2@127.0.0.1:{port}") as http,
        client("https://thred.invalid", http=http) as c,
    ):
        with pytest.raises(TransportError, match=f"the proxy refused: {status}") as caught:
            await create(c)
    assert caught.value.attempts == attempts
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_proxy_that_is_not_there_is_no_unknown_outcome(unused_tcp_port: int) -> None:
    async with (
        aiohttp.ClientSession(proxy=f"http://user:hunter2@127.0.0.1:{unused_tcp_port}") as http,
        client("https://thred.invalid", http=http) as c,
    ):
        with pytest.raises(TransportError, match="proxy") as caught:
            await create(c)
    assert caught.value.attempts == 2
    assert "hunter2" not in str(caught.value)


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A port where nobody answers a SYN: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for number in range(1, 6):
            for _ in range(3):
                caller = stack.enter_context(socket.socket())
                caller.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    caller.connect((f"127.0.0.{number}", port))
        yield port


def resolves(monkeypatch: pytest.MonkeyPatch, look_up: Callable[..., Any]) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "times",
    [
        {"connect_timeout": 0.1, "timeout": 0.35},  # which four addresses would use up
        {"connect_timeout": 30, "timeout": 0.1},
    ],
)
async def test_a_connection_that_nobody_answers_is_bounded_as_a_whole(
    times: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with deaf() as port:

        async def four(*_: Any, **__: Any) -> Any:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (f"127.0.0.{number}", port)) for number in range(1, 5)]

        resolves(monkeypatch, four)
        url = f"http://thred.localhost:{port}"
        async with client(url, retry=RetryPolicy(attempts=1), **times) as c:
            with pytest.raises(TransportError, match="no connection"):
                await create(c)


@pytest.mark.parametrize(
    "times", [{"connect_timeout": 0.05, "timeout": 5}, {"connect_timeout": 30, "timeout": 0.05}]
)
async def test_a_name_that_is_looked_up_for_too_long_is_no_unknown_outcome(
    times: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(0.3)
        return []

    resolves(monkeypatch, slow)
    began = time.monotonic()
    async with client("http://thred.localhost:1", retry=RetryPolicy(attempts=1), **times) as c:
        with pytest.raises(TransportError, match="no connection"):
            await create(c)
    assert time.monotonic() - began < 0.29


async def test_closing_the_client_while_it_connects_is_no_unknown_outcome() -> None:
    with deaf() as port:
        c = client(f"http://127.0.0.1:{port}", retry=RetryPolicy(attempts=1))
        call = asyncio.create_task(create(c))
        await asyncio.sleep(0.02)
        await c.aclose()
        with pytest.raises(TransportError, match="the client was closed"):
            await call


# --- TLS ---------------------------------------------------------------------------------

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBkDCCATWgAwIBAgIUMT5il310otWhMWkV85KcJLayZ78wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRZWxzZXdoZXJlLmludmFsaWQwIBcNMjYxMTI1MDI0NDQwWhgP
MjEyNjExMDEwMjQ0NDBaMBwxGjAYBgNVBAMMEWVsc2V3aGVyZS5pbnZhbGlkMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBa2hNfYkDaj7X4RVYZtZiUHcDat7P1NN
F+O5keVvnF8CPoKQ8r5SyQ7tLZeFtoJ4vYWk9Z64e85DCMVhLgp3p6NTMFEwHQYD
VR0OBBYEFOcR/YdJK+Z2f6HfX9gZEvSwpe49MB8GA1UdIwQYMBaAFOcR/YdJK+Z2
f6HfX9gZEvSwpe49MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
AO13TC8GVrqSoPLdj7kAdzHk8s4KkkIFcJH6IP945I83AiEAo6oIEygbyP2XKREP
3Lg5E8pfWjf3hY61O/O6swFk6r8=
-----END CERTIFICATE-----
"""  # of elsewhere.invalid, signed by itself
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglv5jrAUeJwKR6SJ3
E6xUiKnTyXOxMi//cE6byF9HiwuhRANCAAQFraE19iQNqPtfhFVhm1mJQdwNq3s/
U00X47mR5W+cXwI+gpDyvlLJDu0tl4W2gni9haT1nrh7zkMIxWEuCnen
-----END PRIVATE KEY-----
"""  # made for these tests, and of use nowhere else


def tls_context(tmp_path: Path) -> ssl.SSLContext:
    pair = tmp_path / "pair.pem"
    pair.write_text(KEY + CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return context


@contextlib.asynccontextmanager
async def tls_server(tmp_path: Path) -> AsyncIterator[str]:
    """A server whose certificate nobody vouches for."""
    context = tls_context(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_certificate_that_is_not_accepted_is_not_asked_for_again(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as url, client(url) as c:
        with pytest.raises(TransportError, match=r"the certificate of .* isn't accepted") as caught:
            await create(c)
    assert caught.value.attempts == 1


async def test_another_fingerprint_is_not_asked_for_again(tmp_path: Path) -> None:
    pinned = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(b"x" * 32))
    async with (
        tls_server(tmp_path) as url,
        aiohttp.ClientSession(connector=pinned) as http,
        client(url, http=http) as c,
    ):
        with pytest.raises(TransportError, match="fingerprint") as caught:
            await create(c)
    assert caught.value.attempts == 1


PROTOCOL_VERSION = b"\x15\x03\x03\x00\x02\x02\x46"  # the alert: no such version here


@pytest.mark.parametrize(("alert", "attempts"), [(PROTOCOL_VERSION, 1), (b"", 2)])
async def test_only_a_handshake_that_broke_off_is_tried_again(alert: bytes, attempts: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        writer.write(alert)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client(f"https://127.0.0.1:{port}") as c:
        with pytest.raises(
            TransportError, match=rf"(TLS with|connection to) 127\.0\.0\.1:{port}: \S"
        ) as caught:
            await create(c)
    assert caught.value.attempts == attempts


# --- a connector of the application ------------------------------------------------------


@pytest.mark.parametrize("limits", [{"limit": 1}, {"limit": 0, "limit_per_host": 1}])
async def test_a_small_connector_makes_calls_queue_where_no_time_counts(
    server: ScriptedServer, limits: dict[str, int]
) -> None:
    async def slowly(request: Received) -> bytes:
        await asyncio.sleep(0.04)
        return answer(201, INVOICE)

    server.script = slowly
    connector = aiohttp.TCPConnector(**limits)
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        client(server.url, http=http, timeout=0.12) as c,
    ):
        made = await asyncio.gather(*(create(c, retries=0) for _ in range(8)))
    assert [one.id for one in made] == ["inv-id"] * 8


@pytest.mark.parametrize("closing", [False, True])
async def test_a_call_that_waits_for_the_connector_of_others_is_not_sent(
    server: ScriptedServer, closing: bool
) -> None:
    release = asyncio.Event()

    async def hold(request: Received) -> bytes:
        await release.wait()
        return answer(200, {})

    server.script = hold
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
    async with http, client(server.url, http=http, timeout=5 if closing else 0.05) as c:
        other = asyncio.create_task(http.get(server.url))
        await server.arrived.wait()
        call = asyncio.create_task(create(c, retries=0))
        if closing:
            await asyncio.sleep(0.02)
            await http.close()
        with pytest.raises(TransportError):
            await call
        release.set()
        await asyncio.gather(other, return_exceptions=True)
    assert [request.method for request in server.requests] == ["GET"]


async def test_a_session_of_another_class_is_not_trusted_with_what_it_may_not_do(
    server: ScriptedServer,
) -> None:
    with pytest.warns(DeprecationWarning, match="Inheritance"):

        class Plain(aiohttp.ClientSession):
            async def _request(self, *arguments: Any, **settings: Any) -> aiohttp.ClientResponse:
                return await super()._request(*arguments, **{**settings, "middlewares": ()})

    server.answers(None)
    async with Plain() as http, client(server.url, http=http) as c:
        with pytest.raises(OutcomeUnknown):
            await create(c)


# --- connections from the pool -----------------------------------------------------------


class Impatient(threading.Thread):
    """A server in a thread of its own, which closes connections that are idle for 30 ms."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests = 0
        self.tls = tls

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while data := connection.recv(1 << 16):
                    assert data.startswith(b"POST ")
                    self.requests += 1
                    connection.sendall(answer(201, INVOICE))
                    connection.settimeout(0.03)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_connection_that_was_closed_unseen_is_not_written_to(
    encrypted: bool, tmp_path: Path
) -> None:
    server = Impatient(tls_context(tmp_path) if encrypted else None)
    server.start()
    connector = aiohttp.TCPConnector(ssl=False)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            client(server.url, http=http) as c,
        ):
            for number in (1, 1, 10, 10):
                made = await asyncio.gather(*(create(c, retries=0) for _ in range(number)))
                assert [one.id for one in made] == ["inv-id"] * number
                time.sleep(0.15)  # noqa: ASYNC251 - the loop is blocked on purpose
        assert server.requests == 22
    finally:
        server.listener.close()


async def test_an_answer_that_came_before_its_request_is_not_taken_for_it(
    server: ScriptedServer,
) -> None:
    async with client(server.url) as c:
        assert (await create(c)).id == "inv-id"
        (writer,) = server._writers
        writer.write(answer(201, {"id": "of nobody"}))
        await asyncio.sleep(0.01)
        assert (await create(c)).id == "inv-id"


# --- what the machine runs out of --------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "wanted", "allowed"),
    [(64, 256, 32), (1024, 100, 100), (1024, 5000, 768), (20, 5, 1), (-1, 10**6, 10**6)],
)
def test_connections_leave_room_below_the_limit_on_open_files(
    limit: int, wanted: int, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert files_allow(wanted) == allowed


async def test_with_few_files_many_calls_at_once_all_succeed(server: ScriptedServer) -> None:
    script = """
        import asyncio, resource, sys
        from thredfi_async import ThredfiClient
        async def main():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            client = ThredfiClient(
                partner_uuid="p", api_key="k", base_url=sys.argv[1], max_connections=256
            )
            async with client:
                shop = client.business(sys.argv[2])
                await asyncio.gather(*(shop.invoices.get(str(n)) for n in range(300)))
                print(client.statistics.retries)
        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(script),
        server.url,
        BUSINESS,
        stdout=subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == b"0\n"


def runs_out(number: int) -> aiohttp.TCPConnector:
    """A connector to which the first two sockets are refused."""
    refused = [1, 1]

    def make(address: Any) -> socket.socket:
        if refused:
            refused.pop()
            raise OSError(number, "used up")
        return socket.socket(address[0], address[1], address[2])

    return aiohttp.TCPConnector(socket_factory=make)


EXHAUSTED = pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL])


@EXHAUSTED
async def test_what_the_machine_has_run_out_of_is_waited_for(
    server: ScriptedServer, number: int
) -> None:
    async with (
        aiohttp.ClientSession(connector=runs_out(number)) as http,
        client(server.url, http=http) as c,
    ):
        with pytest.raises(TransportError, match="used up") as caught:
            await create(c, retries=0)
        assert is_exhaustion(caught.value)
        assert (await create(c, retries=1)).id == "inv-id"
    assert not is_exhaustion(TransportError("no connection"))


@EXHAUSTED
async def test_running_out_shows_in_the_error_of_a_token_call(
    server: ScriptedServer, number: int
) -> None:
    async with (
        aiohttp.ClientSession(connector=runs_out(number)) as http,
        client(server.url, http=http, token_store=None) as c,
    ):
        with pytest.raises(TransportError, match="used up") as caught:
            await create(c)
    assert is_exhaustion(caught.value)
