"""Tokens between client, store and server: whose they are, what they are worth, who sees them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from thredfi_async import (
    AuthenticationFailed,
    InvalidAnswer,
    MemoryTokenStore,
    ThredfiClient,
    ThredfiError,
    Token,
    TokenKey,
)
from thredfi_async.auth import PARTNER, Secret, TokenCache
from thredfi_async.emulator import Emulator

from .support import BUSINESS, FakeClock, Received, ScriptedServer, answer

INVOICE = {"id": "inv-id"}
NAMELESS: dict[str, Any] = {"sent_at": "2025-01-31T12:00:00Z", "line_items": []}
NOW = 1_750_000_000.0


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        server.script = lambda _: answer(201, INVOICE)
        yield server


def client(server: ScriptedServer, **arguments: Any) -> ThredfiClient:
    settings = {"partner_uuid": "partner", "api_key": "secret-key", "clock": FakeClock(NOW)}
    return ThredfiClient(base_url=server.url, **{**settings, **arguments})


async def create(thredfi: ThredfiClient, **options: Any) -> Any:
    return await thredfi.business(BUSINESS).invoices.create(NAMELESS, **options)


def cached(fetch: Any, store: Any, clock: FakeClock | None = None) -> TokenCache:
    return TokenCache(
        fetch,
        clock=clock or FakeClock(NOW),
        store=store,
        base_url="https://thred.example",
        partner_uuid="partner",
    )


def sent_tokens(server: ScriptedServer) -> list[str]:
    return [request.headers["Authorization"] for request in server.requests]


async def hang(request: Received) -> bytes | None:
    await asyncio.sleep(60)
    return None


# --- whose they are ----------------------------------------------------------------------


def names_its_partner(request: Received) -> bytes:
    """A token call's answer: a token that says for which partner it is."""
    kind, _, text = request.headers["Authorization"].partition(" ")
    partner = base64.b64decode(text).decode().split(":")[0] if kind == "Basic" else text
    return answer(200, {"access_token": f"{partner}+", "expires_in": 3600})


async def test_two_partners_with_one_store_each_use_their_own_tokens(
    server: ScriptedServer,
) -> None:
    server.script_tokens = names_its_partner
    store = MemoryTokenStore()
    async with (
        client(server, partner_uuid="one", token_store=store) as one,
        client(server, partner_uuid="two", token_store=store) as two,
    ):
        await create(one)
        await create(two)
    assert sent_tokens(server) == ["Bearer one++", "Bearer two++"]


async def test_no_token_goes_to_another_host(server: ScriptedServer) -> None:
    store = MemoryTokenStore()
    async with ScriptedServer() as other:
        other.script = server.script
        other.script_tokens = lambda _: answer(200, {"access_token": "of-other", "expires_in": 9})
        async with (
            client(server, token_store=store) as one,
            client(other, token_store=store) as two,
        ):
            await create(one)
            await create(two)
        assert sent_tokens(other) == ["Bearer of-other"]
    assert sent_tokens(server) == ["Bearer secret-token"]


async def test_one_store_serves_two_emulators_and_saves_calls_of_each() -> None:
    store = MemoryTokenStore()
    async with Emulator(seed=1) as one, Emulator(seed=1) as two:
        assert one.partner_uuid == two.partner_uuid
        for emulator in (one, two, one):
            shop = emulator.add_business("shop")
            async with emulator.client(token_store=store) as thredfi:
                await thredfi.business(shop).tax_codes.list()
                assert thredfi.statistics.retries == 0
        for emulator in (one, two):
            assert emulator.requests["get_partner_token"] == 1
            assert emulator.requests["get_business_token"] == 1


async def test_a_store_is_asked_by_base_url_partner_and_business(server: ScriptedServer) -> None:
    asked: list[object] = []

    class Asked(MemoryTokenStore):
        async def get(self, key: TokenKey) -> Token | None:
            asked.append(key)
            return await super().get(key)

        def __len__(self) -> int:  # an empty store is a store
            return 0

    async with client(server, token_store=Asked()) as thredfi:
        await create(thredfi)
    assert asked == [
        TokenKey(server.url, "partner", BUSINESS),
        TokenKey(server.url, "partner", None),
    ]


# --- what they are worth -----------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        Token("", NOW + 3600, NOW + 3300),
        Token("two words", NOW + 3600, NOW + 3300),
        Token("line\r\nX-Other: 1", NOW + 3600, NOW + 3300),
        Token("токен", NOW + 3600, NOW + 3300),
        Token(b"bytes", NOW + 3600, NOW + 3300),  # type: ignore[arg-type]
        Token("bad-times", "2030-01-01", NOW + 3300),  # type: ignore[arg-type]
        Token("bad-times", NOW + 3600, None),  # type: ignore[arg-type]
        Token("bad-times", float("nan"), float("nan")),
        Token("bad-times", float("inf"), float("inf")),
        Token("bad-times", NOW + 2e9, NOW + 2e9),
        Token("bad-times", NOW + 10, NOW + 20),
        {"value": "t", "expires_at": NOW + 3600},
        "bad-times",
    ],
)
async def test_what_a_store_gives_is_checked(
    server: ScriptedServer, given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(MemoryTokenStore):
        async def get(self, key: TokenKey) -> Any:
            return given

    async with client(server, token_store=Odd()) as thredfi:
        await create(thredfi)
    assert sent_tokens(server) == ["Bearer secret-token"]
    assert "the token store gave something that isn't a token" in caplog.text
    assert "bad-times" not in caplog.text


@pytest.mark.parametrize("left", [-1, 0])
async def test_a_stored_token_at_its_end_is_passed_over_in_silence(
    server: ScriptedServer, left: float, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryTokenStore()
    key = TokenKey(server.url, "partner", BUSINESS)
    await store.put(key, Token("old", NOW + left, NOW + left))
    async with client(server, token_store=store) as thredfi:
        await create(thredfi)
    assert sent_tokens(server) == ["Bearer secret-token"]
    assert not caplog.records


async def test_a_token_knows_whether_it_came_from_a_store() -> None:
    async def fetch(scope: str) -> Token:
        return Token.issued("t", lifetime=3600, now=NOW)

    store = MemoryTokenStore()
    first = await cached(fetch, store).get(BUSINESS)
    second = await cached(fetch, store).get(BUSINESS)
    assert (first.stored, second.stored) == (False, True)
    assert first == second


@pytest.mark.parametrize("value", ["", " ", "two words", " padded", "tab\t", None, 5, ["t"]])
async def test_a_token_that_can_not_be_one_is_an_invalid_answer(
    server: ScriptedServer, value: object
) -> None:
    server.script_tokens = lambda _: answer(200, {"access_token": value, "expires_in": 3600})
    async with client(server) as thredfi:
        with pytest.raises(InvalidAnswer, match="without a token"):
            await create(thredfi)
    assert not server.requests


async def test_a_life_counts_from_when_the_token_was_asked_for(server: ScriptedServer) -> None:
    clock = FakeClock(NOW)

    def late(request: Received) -> bytes:
        clock.advance(30)
        return answer(200, {"access_token": "t", "expires_in": 3600})

    server.script_tokens = late
    async with client(server, clock=clock) as thredfi:
        await create(thredfi)
        token = thredfi._session.tokens._tokens[PARTNER]
    assert token.expires_at == NOW + 3600


async def test_dead_tokens_leave_a_store_in_memory() -> None:
    store = MemoryTokenStore()
    most = 0
    for number in range(6000):  # a day of businesses, an hour's life each
        key = TokenKey("https://thred.example", "partner", f"business-{number}")
        await store.put(key, Token.issued("t", lifetime=3600, now=NOW + 15 * number))
        most = max(most, len(store._tokens))
    assert most <= 1024
    assert await store.get(key) is not None


# --- the lock of a store -----------------------------------------------------------------


class Locking(MemoryTokenStore):
    """A store with a lock, as processes would share it."""

    def __init__(self) -> None:
        super().__init__()
        self.locks: dict[TokenKey, asyncio.Lock] = {}
        self.asked: list[tuple[TokenKey, float]] = []

    @contextlib.asynccontextmanager
    async def lock(self, key: TokenKey, seconds: float) -> AsyncIterator[None]:
        self.asked.append((key, seconds))
        async with self.locks.setdefault(key, asyncio.Lock()):
            yield

    def is_free(self) -> bool:
        return bool(self.locks) and not any(lock.locked() for lock in self.locks.values())


async def test_with_a_lock_many_processes_fetch_a_token_once() -> None:
    fetched: list[str] = []

    async def fetch(scope: str) -> Token:
        fetched.append(scope)
        await asyncio.sleep(0.01)
        return Token.issued("t", lifetime=3600, now=NOW)

    store = Locking()
    tokens = await asyncio.gather(*(cached(fetch, store).get(BUSINESS) for _ in range(20)))
    assert fetched == [BUSINESS]
    assert sum(token.stored for token in tokens) == 19
    assert store.asked[0] == (
        TokenKey("https://thred.example", "partner", BUSINESS),
        TokenCache.LOCKED,
    )
    assert store.is_free()


async def test_a_failed_fetch_gives_the_lock_back() -> None:
    async def fetch(scope: str) -> Token:
        raise AuthenticationFailed(401)

    store = Locking()
    with pytest.raises(AuthenticationFailed):
        await cached(fetch, store).get(BUSINESS)
    assert store.is_free()


async def test_closing_gives_the_lock_back() -> None:
    async def fetch(scope: str) -> Token:
        await asyncio.sleep(60)
        raise AssertionError

    store = Locking()
    cache = cached(fetch, store)
    waiting = asyncio.create_task(cache.get(BUSINESS))
    await asyncio.sleep(0.01)
    assert not store.is_free()
    await cache.aclose()
    assert store.is_free()
    with pytest.raises(ThredfiError, match="closed"):
        await waiting


@pytest.mark.parametrize("fault", ["fails", "hangs", "fails to end", "hangs at its end", "odd"])
async def test_a_lock_that_does_not_work_fails_no_call(
    fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenCache, "STORE_PATIENCE", 0.01)

    class Broken(MemoryTokenStore):
        def lock(self, key: TokenKey, seconds: float) -> Any:
            return object() if fault == "odd" else self.held()

        @contextlib.asynccontextmanager
        async def held(self) -> AsyncIterator[None]:
            if fault == "fails":
                raise OSError("no lock")
            if fault == "hangs":
                await asyncio.Event().wait()
            yield
            if fault == "fails to end":
                raise OSError("no lock")
            await asyncio.Event().wait()

    async def fetch(scope: str) -> Token:
        return Token.issued("t", lifetime=3600, now=NOW)

    assert (await cached(fetch, Broken()).get(BUSINESS)).value == "t"
    assert "the token store could not be" in caplog.text


# --- who sees them -----------------------------------------------------------------------

SECRETS = ("secret-token", "secret-key", "c2VjcmV0LWtleQ")


def seen(error: BaseException) -> str:
    """What an error tracker records of it."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format()) + repr(error) + repr(vars(error))


def shows_a_secret(text: str) -> bool:
    return any(secret in text for secret in SECRETS)


@pytest.mark.both_ways
async def test_no_step_of_a_cancelled_call_shows_a_secret(server: ScriptedServer) -> None:
    server.script = hang
    step = reached = 0
    while reached < 3:
        step += 1
        async with client(server) as thredfi:
            if step % 2:
                await thredfi.tokens.business(BUSINESS)
            before = len(server.requests)
            call = asyncio.create_task(create(thredfi))
            for _ in range(3 * step):
                await asyncio.sleep(0)
            reached += len(server.requests) > before
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await call
        assert not shows_a_secret(seen(caught.value))


@pytest.mark.both_ways
async def test_a_create_within_a_timeout_shows_no_secret(server: ScriptedServer, way: str) -> None:
    async with client(server) as thredfi:
        await create(thredfi)
        server.script = hang
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await create(thredfi)
    shown = seen(caught.value)
    frame = {"fast": "in send\n", "public": "_connect_and_send_request"}[way]
    assert frame in shown  # the frames are in it that know the token
    assert not shows_a_secret(shown)


@pytest.mark.both_ways
@pytest.mark.parametrize(
    "lost", [None, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsecret-token"]
)
async def test_a_token_call_that_broke_off_shows_no_secret(
    server: ScriptedServer, lost: bytes | None
) -> None:
    server.closes = True
    server.script_tokens = lambda _: lost
    async with client(server) as thredfi:
        with pytest.raises(ThredfiError) as caught:
            await create(thredfi)
    assert "broke" in str(caught.value.__cause__)
    assert not shows_a_secret(seen(caught.value).replace(repr(lost), ""))


@pytest.mark.both_ways
async def test_what_a_client_is_made_of_shows_no_secret(server: ScriptedServer) -> None:
    async with client(server) as thredfi:
        await create(thredfi)
        session = thredfi._session
        shown = "".join(repr(vars(part)) for part in (session, session.transport, session.tokens))
        assert "'Authorization': '***'" in shown
        assert not shows_a_secret(shown + repr(session.credentials))


@pytest.mark.parametrize(
    "echo",
    [
        {"error_code": "bad", "message": "the token {} is no good"},
        {"message": "no", "errors": {"authorization": ["Bearer {}"]}},
        {"code": "{}", "error": "no", "request_id": "{}"},
        "{}",
    ],
)
async def test_a_token_that_the_server_repeats_is_hidden_in_the_error(
    server: ScriptedServer, echo: Any
) -> None:
    value = "secret-token/with+slash"
    server.script_tokens = lambda _: answer(200, {"access_token": value, "expires_in": 3600})
    plain = json.dumps(echo).replace("{}", value)
    async with client(server) as thredfi:
        for text in (plain, plain.replace("/", "\\/")):
            server.answers(answer(422, raw=text.encode()))
            with pytest.raises(ThredfiError) as caught:
                await create(thredfi)
            shown = str(caught.value) + repr(vars(caught.value))
            assert "***" in shown
            assert "slash" not in shown


async def test_an_api_key_that_the_server_repeats_is_hidden_in_the_error(
    server: ScriptedServer,
) -> None:
    def repeats(request: Received) -> bytes:
        return answer(401, {"message": f"{request.headers['Authorization']} (secret-key)"})

    server.script_tokens = repeats
    async with client(server) as thredfi:
        with pytest.raises(AuthenticationFailed, match=r"Basic \*\*\* \(\*\*\*\)") as caught:
            await create(thredfi)
    assert not shows_a_secret(seen(caught.value))


def with_a_bad_byte(request: Received) -> bytes:
    return answer(200, raw=b'{"access_token": "secret-token\xe9", "expires_in": 60}')


async def test_a_bad_byte_in_a_token_answer_is_an_error_of_ours_and_pauses(
    server: ScriptedServer,
) -> None:
    server.script_tokens = with_a_bad_byte
    async with client(server) as thredfi:
        for _ in range(3):
            with pytest.raises(InvalidAnswer) as caught:
                await create(thredfi)
            assert not shows_a_secret(seen(caught.value))
    assert len(server.token_requests) <= 5  # the attempts of one call
    assert "asked for a moment ago" in caught.value.__notes__[0]


async def test_a_fetch_that_ends_in_another_error_is_one_of_ours_and_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fetch(scope: str) -> Token:
        b'{"access_token": "secret-token\xe9"}'.decode()
        raise AssertionError

    with caplog.at_level(logging.ERROR), pytest.raises(InvalidAnswer) as caught:
        await cached(fetch, None).get(BUSINESS)
    assert "UnicodeDecodeError" in str(caught.value)
    assert "in fetch" in caplog.text
    assert "UnicodeDecodeError: " not in caplog.text


def test_a_secret_is_text_that_no_repr_shows() -> None:
    secret = Secret("hunter2")
    assert secret == "hunter2"
    assert "hunter2" not in f"{secret!r} {[secret]} { {'key': secret} }"
