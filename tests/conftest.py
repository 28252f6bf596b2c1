"""What all tests share."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import aioresponses.core
import hypothesis
import pytest

from tests.costs import Costs
from tests.emulator.watcher import Watcher
from tests.support import BUSINESS, FakeClock, ScriptedServer
from thredfi_async import BusinessClient, ThredfiClient


def _bridge_aioresponses() -> None:
    """Let aioresponses 0.7.9 build the responses of aiohttp 3.14.

    aiohttp 3.14 asks for a `stream_writer` when a ClientResponse is built, which
    aioresponses doesn't pass. Once it does, this function has nothing left to do.
    """
    if "stream_writer" not in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
        return
    if "stream_writer" in inspect.getsource(aioresponses.core):
        return

    class Response(aiohttp.ClientResponse):
        def __init__(self, *args: object, **kwargs: object) -> None:
            kwargs.setdefault("stream_writer", Mock(output_size=0))
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    aioresponses.core.ClientResponse = Response


_bridge_aioresponses()


# --- every exchange with an emulator is held against the description -------------------

watcher = Watcher()


# How long an example takes says nothing where tests share a machine. In CI the examples are the
# same in each run, so that what it finds is of the change; elsewhere they are new ones.
hypothesis.settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ours")

collect_ignore = ["codegen/ledger.py", "codegen/toy.py"]  # programs that tests run

# Folders whose tests start processes, generate code, or are many over sockets.
SLOW = ("cli", "codegen", "emulator", "examples")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in SLOW:
            item.add_marker(pytest.mark.slow)
    # The slow ones first, so that none of them is left to one process alone in the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "which way of the transport small requests take"
    parser.addoption("--way", choices=("fast", "public"), default="fast", help=text)


def pytest_configure(config: pytest.Config) -> None:
    text = "broken_emulator: makes the emulator answer wrongly on purpose"
    config.addinivalue_line("markers", text)
    text = "both_ways: runs on the fast way of the transport and on the public one"
    config.addinivalue_line("markers", text)
    watcher.install(setattr)
    config.pluginmanager.register(Costs())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    _raise_problems(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with _measured_unless_marked(item):
        result = yield
    _raise_problems(item)
    return result


def _raise_problems(item: pytest.Item) -> None:
    problems = watcher.taken()
    if problems and item.get_closest_marker("broken_emulator") is None:
        shown = "\n".join(problems[:20])
        pytest.fail(f"{len(problems)} exchanges are against the description:\n{shown}", False)


# --- what isn't measured for coverage -----------------------------------------------------

# pytest-cov takes the mark `no_cover` for the test itself; here its fixtures are left out too.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with _measured_unless_marked(item):
        return (yield)


@contextlib.contextmanager
def _measured_unless_marked(item: pytest.Item) -> Iterator[None]:
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = plugin and plugin.cov_controller
    if not controller or item.get_closest_marker("no_cover") is None:
        yield
        return
    controller.pause()
    try:
        yield
    finally:
        controller.resume()


# --- the two ways of the transport ----------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_ways"):
        metafunc.parametrize("way", ["fast", "public"], indirect=True)


@pytest.fixture(autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The way that small requests take. They take the public one where aiohttp is replaced."""
    chosen: str = getattr(request, "param", request.config.getoption("--way"))
    if chosen == "public":
        as_it_is = aiohttp.ClientSession._request

        async def replaced(*arguments: Any, **named: Any) -> Any:
            return await as_it_is(*arguments, **named)

        monkeypatch.setattr(aiohttp.ClientSession, "_request", replaced)
    return chosen


# --- a server that answers what it is told to, and a client of it ---------------------------


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def thredfi(server: ScriptedServer, clock: FakeClock) -> AsyncIterator[ThredfiClient]:
    async with ThredfiClient(
        partner_uuid="partner", api_key="secret-key", base_url=server.url, clock=clock
    ) as thredfi:
        yield thredfi


@pytest.fixture
def shop(thredfi: ThredfiClient) -> BusinessClient:
    return thredfi.business(BUSINESS)
