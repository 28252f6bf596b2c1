"""The token cache: one fetch at a time, early refresh, no hammering."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

import pytest

from thredfi_async import (
    AuthenticationFailed,
    ConfigurationError,
    MemoryTokenStore,
    ThredfiError,
    Token,
    TokenKey,
    TransportError,
)
from thredfi_async.auth import PARTNER, Credentials, TokenCache

from .support import FakeClock


class Source:
    """Stands for the token endpoint: counts fetches, and holds them until released."""

    def __init__(self, clock: FakeClock, lifetime: float = 3600) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self, scope: str) -> Token:
        self.fetched.append(scope)
        number = len(self.fetched)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Token.issued(f"token-{number}", lifetime=self.lifetime, now=self.clock.time())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock) -> Source:
    return Source(clock)


@pytest.fixture
def cache(source: Source, clock: FakeClock) -> TokenCache:
    return cached(source, clock)


HERE = "https://thred.example"
KEY = TokenKey(HERE, "partner")


def cached(
    source: Source,
    clock: FakeClock,
    store: Any = None,
    *,
    url: str = HERE,
    partner: str = "partner",
) -> TokenCache:
    return TokenCache(source, clock=clock, store=store, base_url=url, partner_uuid=partner)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_ten_thousand_callers_cause_one_fetch(cache: TokenCache, source: Source) -> None:
    tokens = await asyncio.gather(*(cache.get(PARTNER) for _ in range(10_000)))
    assert len(set(tokens)) == 1
    assert source.fetched == [PARTNER]


async def test_each_scope_has_its_own_token(cache: TokenCache, source: Source) -> None:
    await asyncio.gather(*(cache.get(f"business-{n % 50}") for n in range(500)))
    assert sorted(source.fetched) == sorted(f"business-{n}" for n in range(50))


async def test_a_token_is_kept_until_it_is_due(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    first = await cache.get(PARTNER)
    clock.advance(3600 - 300 - 1)
    assert await cache.get(PARTNER) is first
    assert len(source.fetched) == 1


async def test_a_due_token_is_refreshed_in_the_background_while_it_still_works(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    first = await cache.get(PARTNER)
    clock.advance(3600 - 300)
    source.gate.clear()
    assert [cache.current(PARTNER) for _ in range(5)] == [first] * 5
    await settle()
    assert len(source.fetched) == 2
    source.gate.set()
    await settle()
    second = cache.current(PARTNER)
    assert second is not None
    assert second.value == "token-2"


async def test_an_expired_token_is_never_given_out(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    first = await cache.get(PARTNER)
    clock.advance(3600)
    assert cache.current(PARTNER) is None
    assert await cache.get(PARTNER) != first


@pytest.mark.parametrize(("lifetime", "refreshed_after"), [(20, 18), (3600, 3300), (86400, 86100)])
def test_a_token_is_refreshed_a_tenth_of_its_life_early_and_at_most_five_minutes(
    lifetime: float, refreshed_after: float
) -> None:
    token = Token.issued("t", lifetime=lifetime, now=1000.0)
    assert token == Token("t", 1000.0 + lifetime, 1000.0 + refreshed_after)


async def test_a_cancelled_waiter_does_not_cancel_the_fetch_of_the_others(
    cache: TokenCache, source: Source
) -> None:
    source.gate.clear()
    first, second = (asyncio.create_task(cache.get(PARTNER)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    source.gate.set()
    assert (await second).value == "token-1"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(source.fetched) == 1


async def test_a_fetch_whose_only_waiter_is_cancelled_still_serves_the_next(
    cache: TokenCache, source: Source
) -> None:
    source.gate.clear()
    waiter = asyncio.create_task(cache.get(PARTNER))
    await settle()
    waiter.cancel()
    source.gate.set()
    assert (await cache.get(PARTNER)).value == "token-1"


async def test_a_failed_fetch_fails_all_who_wait_each_with_an_exception_of_its_own(
    cache: TokenCache, source: Source
) -> None:
    source.error = TransportError("no connection")
    errors = await asyncio.gather(*(cache.get(PARTNER) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in errors] == ["no connection"] * 3
    assert len({id(error) for error in errors}) == 3
    assert len(source.fetched) == 1


async def test_a_failing_endpoint_is_asked_ever_more_rarely(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    source.error = TransportError("no connection")
    asked_at = []
    for _ in range(4000):
        before = len(source.fetched)
        with pytest.raises(TransportError):
            await cache.get(PARTNER)
        if len(source.fetched) > before:
            asked_at.append(clock.now)
        clock.advance(0.1)
    pauses = [round(b - a) for a, b in itertools.pairwise(asked_at)]
    assert pauses[:9] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_while_pausing_the_error_says_when_the_next_try_is_possible(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    source.error = TransportError("no connection")
    with pytest.raises(TransportError):
        await cache.get(PARTNER)
    clock.advance(0.5)
    with pytest.raises(TransportError) as caught:
        await cache.get(PARTNER)
    assert "possible in 0.5 s" in caught.value.__notes__[0]


async def test_a_success_ends_the_pauses(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    source.error = TransportError("no connection")
    with pytest.raises(TransportError):
        await cache.get(PARTNER)
    clock.advance(1)
    source.error = None
    assert (await cache.get(PARTNER)).value == "token-2"
    clock.advance(3600)
    source.error = TransportError("again")
    with pytest.raises(TransportError):
        await cache.get(PARTNER)
    clock.advance(1)
    source.error = None
    assert (await cache.get(PARTNER)).value == "token-4"


async def test_a_failing_background_refresh_harms_nobody_while_the_token_works(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    first = await cache.get(PARTNER)
    clock.advance(3600 - 200)
    source.error = TransportError("no connection")
    for _ in range(20):
        assert await cache.get(PARTNER) is first
        await settle()
    assert len(source.fetched) == 2


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (AuthenticationFailed("a wrong key"), logging.WARNING),
        (TransportError("no connection"), logging.INFO),
    ],
)
async def test_only_a_failed_fetch_is_logged_and_louder_where_somebody_has_to_act(
    cache: TokenCache,
    source: Source,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    error: ThredfiError,
    level: int,
) -> None:
    caplog.set_level(logging.INFO)
    await cache.get(PARTNER)
    await settle()
    assert not caplog.records
    clock.advance(3400)
    source.error = error
    cache.current(PARTNER)
    await settle()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (level, f"a token refresh failed: {error}")
    ]


async def test_a_refused_token_is_dropped_here_and_in_the_store(
    source: Source, clock: FakeClock
) -> None:
    store = MemoryTokenStore()
    one, two = (cached(source, clock, store) for _ in range(2))
    first = await one.get(PARTNER)
    await one.drop(PARTNER, first)
    assert (await two.get(PARTNER)).value == "token-2"
    assert (await one.get(PARTNER)).value == "token-2"


async def test_dropping_an_old_token_leaves_the_newer_one(source: Source, clock: FakeClock) -> None:
    store = MemoryTokenStore()
    one, two = (cached(source, clock, store) for _ in range(2))
    first = await one.get(PARTNER)
    await one.drop(PARTNER, first)
    second = await one.get(PARTNER)
    await one.drop(PARTNER, first)
    assert await one.get(PARTNER) is second
    assert await two.get(PARTNER) == second


async def test_two_caches_share_a_store(clock: FakeClock, source: Source) -> None:
    store = MemoryTokenStore()
    one, two = (cached(source, clock, store) for _ in range(2))
    assert await one.get(PARTNER) == await two.get(PARTNER)
    assert len(source.fetched) == 1


async def test_a_stored_token_that_is_due_is_not_taken(clock: FakeClock, source: Source) -> None:
    store = MemoryTokenStore()
    due = Token("due", expires_at=clock.time() + 300, refresh_at=clock.time())
    await store.put(KEY, due)
    cache = cached(source, clock, store)
    assert (await cache.get(PARTNER)).value == "token-1"


async def test_a_stored_token_that_was_refused_is_not_taken_again(
    clock: FakeClock, source: Source
) -> None:
    class Stubborn(MemoryTokenStore):
        async def drop(self, key: TokenKey, token: Token) -> None:
            raise OSError("store is away")

    cache = cached(source, clock, Stubborn())
    first = await cache.get(PARTNER)
    await cache.drop(PARTNER, first)
    assert (await cache.get(PARTNER)).value == "token-2"


async def test_a_store_that_fails_does_not_fail_a_call(
    clock: FakeClock, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        async def get(self, key: TokenKey, token: Token | None = None) -> Token | None:
            raise RuntimeError("store is away")

        put = drop = get

    cache = cached(source, clock, Broken())
    with caplog.at_level(logging.WARNING):
        token = await cache.get(PARTNER)
        await cache.drop(PARTNER, token)
    assert [record.getMessage() for record in caplog.records] == [
        "the token store could not be read",
        "the token store could not keep a token",
        "the token store could not drop a token",
    ]
    assert caplog.text.count("RuntimeError: store is away") == 3
    assert token.value not in caplog.text


async def test_a_store_that_hangs_does_not_hold_up_a_call(
    clock: FakeClock, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def get(self, key: TokenKey) -> Token | None:
            await asyncio.Event().wait()
            return None

        async def put(self, key: TokenKey, token: Token) -> None:
            await asyncio.Event().wait()

        async def drop(self, key: TokenKey, token: Token) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(TokenCache, "STORE_PATIENCE", 0.01)
    cache = cached(source, clock, Hanging())
    async with asyncio.timeout(10):
        token = await cache.get(PARTNER)
        await cache.drop(PARTNER, token)


async def test_a_store_that_gives_something_else_than_a_token_is_as_good_as_none(
    clock: FakeClock, source: Source
) -> None:
    class Odd(MemoryTokenStore):
        async def get(self, key: TokenKey) -> Any:
            return {"value": "t", "expires_at": 5e9}

    cache = cached(source, clock, Odd())
    assert (await cache.get(PARTNER)).value == "token-1"


async def test_notes_on_a_failed_fetch_do_not_pile_up(cache: TokenCache, source: Source) -> None:
    source.error = TransportError("no connection")
    source.error.add_note("There was no time left.")
    for _ in range(5):
        with pytest.raises(TransportError) as caught:
            await cache.get(PARTNER)
    assert len(caught.value.__notes__) == 2


async def test_the_error_of_a_failed_fetch_is_kept_without_its_frames(
    cache: TokenCache, source: Source
) -> None:
    source.error = TransportError("no connection")
    with pytest.raises(TransportError):
        await cache.get(PARTNER)
    assert cache._failures[PARTNER].error.__traceback__ is None


async def test_failed_fetches_of_many_scopes_are_forgotten(
    cache: TokenCache, source: Source, clock: FakeClock
) -> None:
    source.error = TransportError("no connection")
    for number in range(3000):
        with pytest.raises(TransportError):
            await cache.get(f"business-{number}")
        clock.advance(1)
    assert len(cache._failures) < 1100


async def test_expired_tokens_of_many_businesses_are_forgotten(
    cache: TokenCache, clock: FakeClock
) -> None:
    for number in range(3000):
        await cache.get(f"business-{number}")
        clock.advance(10)
    assert len(cache._tokens) < 1100


async def test_pruning_forgets_what_has_expired_and_comes_when_the_size_has_doubled(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenCache, "FIRST_PRUNE", 4)
    cache = cached(Source(clock, lifetime=10), clock, MemoryTokenStore())
    refused = await cache.get("refused")
    await cache.drop("refused", refused)
    kept = []
    for number in range(12):
        if number == 5:
            clock.advance(10)
        await cache.get(f"business-{number}")
        kept.append(len(cache._tokens))
    assert kept == [1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7]
    assert not cache._refused


async def test_pruning_keeps_the_pauses_that_still_last(
    source: Source, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenCache, "FIRST_PRUNE", 2)
    cache = cached(source, clock, MemoryTokenStore())
    source.error = TransportError("no connection")
    for scope in ["one", "two", "three", "one", "two", "three"]:
        with pytest.raises(TransportError):
            await cache.get(scope)
    assert source.fetched == ["one", "two", "three"]


async def test_closing_ends_a_refresh_under_way(
    cache: TokenCache, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.gate.clear()
    waiter = asyncio.create_task(cache.get(PARTNER))
    await settle()
    assert "thredfi token refresh" in {task.get_name() for task in asyncio.all_tasks()}
    await cache.aclose()
    assert asyncio.all_tasks() <= {asyncio.current_task(), waiter}
    with pytest.raises(TransportError, match=r"^the client was closed while a token was fetched$"):
        await waiter
    assert not caplog.records


def test_secrets_are_in_no_repr() -> None:
    assert "hunter2" not in repr(Credentials("partner", "hunter2"))
    assert "hunter2" not in repr(Token.issued("hunter2", lifetime=1, now=0))


@pytest.mark.parametrize("value", ["", "  ", None, " key", "key\n", "ke\ny", "ключ"])
def test_a_credential_that_can_not_be_one_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key") as caught:
        Credentials("partner", value)
    assert value is None or not value.strip() or value not in str(caught.value)


def test_a_credential_that_is_not_text_is_refused_by_its_type() -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key must be text, not int$"):
        Credentials("partner", 5)  # type: ignore[arg-type]
