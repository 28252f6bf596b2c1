"""A browser that shows the widget, on an emulator with some trade in its books."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import pytest_asyncio

from tests.support import FakeClock
from thredfi_async.emulator import Emulator
from thredfi_async.emulator.ui import widget_page

from . import trade
from .screens import Widget

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response

ROOT = Path(__file__).parents[2]
WIDGET = ROOT / "build" / "widget"
SCREENSHOTS = ROOT / "build" / "screenshots"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@attrs.frozen
class Larder:
    """The business on show: the URLs of its page and of the emulator."""

    url: str
    api: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def larder() -> AsyncIterator[Larder]:
    if not WIDGET.exists():
        pytest.skip(f"no widget in {WIDGET}: make browser installs it")
    clock = FakeClock(trade.NOW.timestamp())
    async with Emulator(clock=clock) as emulator:
        async with emulator.client() as thredfi:
            business_id = await trade.push(thredfi)
        async with widget_page(emulator, business_id, widget=WIDGET) as url:
            yield Larder(url, emulator.url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser with a profile of its own, which is deleted in the end."""
    from playwright.async_api import async_playwright

    named = os.environ.get("CHROMIUM")
    path = named or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium: apt-get install chromium, or say where it is in CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def widget(
    larder: Larder, browser: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[Widget]:
    """The widget, not yet opened. Whatever goes wrong in the page fails the test."""
    context = await browser.new_context(
        locale="en-GB", timezone_id="UTC", viewport={"width": 1400, "height": 1000}
    )
    page = await context.new_page()
    await page.clock.set_fixed_time(trade.NOW)
    troubles = _watch(page, larder)
    yield Widget(page, larder.url)
    await page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png", full_page=True)
    await context.close()
    assert troubles == []


def _watch(page: Page, larder: Larder) -> list[str]:
    """What goes wrong from now on: errors of the console and of scripts, failed requests."""
    troubles: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(message.text)

    def sent(request: Request) -> None:
        if not request.url.startswith((f"{larder.url}/", f"{larder.api}/", "data:", "blob:")):
            troubles.append(f"a stranger was asked: {request.url}")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left meanwhile
            troubles.append(f"{request.method} {request.url}: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            troubles.append(f"{response.status} {response.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", sent)
    page.on("requestfailed", failed)
    page.on("response", answered)
    return troubles
