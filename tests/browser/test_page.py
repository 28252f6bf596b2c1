"""The page around the widget, without a browser and with a bundle that says very little."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from thredfi_async.emulator import Emulator
from thredfi_async.emulator.ui import WIDGET_PACKAGE, widget_page
from thredfi_async.errors import ConfigurationError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as npm would leave it."""
    bundle = tmp_path / "node_modules/@thredfi/accounting/dist/index.umd.js"
    bundle.parent.mkdir(parents=True)
    bundle.write_text('case"local":t="http://localhost:8000";break;// £', encoding="utf-8")
    return tmp_path


@pytest.fixture
async def emulator():
    async with Emulator() as emulator:
        emulator.add_business("shop")
        yield emulator


@pytest.fixture
async def page(emulator, installed):
    async with (
        widget_page(emulator, "shop", widget=installed) as url,
        aiohttp.ClientSession(url) as page,
    ):
        yield page


@pytest.mark.parametrize("route", ["/", "/insights", "/accounts-receivable/invoices/0f3c-1"])
async def test_every_route_of_the_widget_is_the_same_page(page, emulator, route):
    answer = await page.get(route)
    assert answer.content_type == "text/html"
    html = await answer.text()
    assert f'businessId: "{emulator.books("shop").id}"' in html
    assert html == await (await page.get("/general-ledger")).text()
    assert emulator.api_key not in html


async def test_the_bundle_calls_the_emulator_wherever_it_listens(page, emulator):
    answer = await page.get("/widget.js")
    assert answer.content_type == "text/javascript"
    assert await answer.text() == f'case"local":t="{emulator.url}";break;// £'


async def test_the_token_is_new_each_time_and_good_for_this_business_alone(page, emulator):
    other = emulator.add_business("other")
    await page.get("/token")
    emulator.revoke_tokens()
    answer = await page.get("/token")
    token = await answer.json()
    assert token.keys() == {"access_token", "expires_in"}
    assert token["expires_in"] == 3600
    assert answer.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    api = f"{emulator.url}/v1/platform/businesses"
    async with aiohttp.ClientSession(headers=headers) as session:
        ours = await session.get(f"{api}/{emulator.books('shop').id}/")
        theirs = await session.get(f"{api}/{other}/")
        partners = await session.get(f"{api}/")
    assert [ours.status, theirs.status, partners.status] == [200, 403, 403]


async def test_without_the_package_the_remedy_is_named(emulator, tmp_path):
    with pytest.raises(ConfigurationError, match=f"npm install --prefix .* {WIDGET_PACKAGE}"):
        async with widget_page(emulator, "shop", widget=tmp_path):
            pass


async def test_a_bundle_without_the_known_address_is_refused(emulator, installed):
    bundle = next(installed.rglob("index.umd.js"))
    bundle.write_text("http://localhost:9000")
    with pytest.raises(ConfigurationError, match="localhost:8000"):
        async with widget_page(emulator, "shop", widget=installed):
            pass


async def test_an_unknown_business_is_refused(emulator, installed):
    with pytest.raises(KeyError, match="nobody"):
        async with widget_page(emulator, "nobody", widget=installed):
            pass


async def test_the_page_is_gone_with_its_context(emulator, installed):
    async with widget_page(emulator, "shop", widget=installed) as url:
        pass
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)


def test_make_installs_the_version_that_the_page_is_made_for():
    assert f" {WIDGET_PACKAGE}\n" in (ROOT / "Makefile").read_text()
