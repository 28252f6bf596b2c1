"""``thredfi emulator --ui``."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from .support import end, running, thredfi

pytestmark = pytest.mark.no_cover


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as npm would leave it."""
    bundle = tmp_path / "node_modules/@thredfi/accounting/dist/index.umd.js"
    bundle.parent.mkdir(parents=True)
    bundle.write_text('t="http://localhost:8000"')
    return tmp_path


async def test_it_says_where_the_page_is_and_shows_the_first_business(installed):
    command = ("emulator", "--port", "0", "--ui", "--ui-port", "0", "--widget", installed)
    named = ("--business", "first", "--business", "second")
    async with running(*command, *named, env={}) as process:
        said = (await asyncio.wait_for(process.stdout.readuntil(b"widget: "), 20)).decode()
        url = (await process.stdout.readline()).decode().strip()
        business_id = re.search(r"  first +(\S+)", said)[1]
        async with aiohttp.ClientSession(url) as page:
            assert business_id in await (await page.get("/")).text()
            api = re.search(r"THREDFI_BASE_URL=(\S+)", said)[1]
            assert await (await page.get("/widget.js")).text() == f't="{api}"'
        process.send_signal(signal.SIGINT)
        assert (await end(process)).status == 0


async def test_without_a_business_it_creates_one_to_show(installed):
    command = ("emulator", "--port", "0", "--ui", "--ui-port", "0", "--widget", installed)
    async with running(*command, env={}) as process:
        said = await asyncio.wait_for(process.stdout.readuntil(b"widget: "), 20)
        assert "The books of my-shop in Thred's widget: " in said.decode()
        process.send_signal(signal.SIGINT)
        assert (await end(process)).status == 0


async def test_without_the_package_it_is_status_2_with_the_remedy(tmp_path):
    ended = await thredfi("emulator", "--port", "0", "--ui", "--widget", tmp_path, env={})
    assert ended.status == 2
    assert f"npm install --prefix {tmp_path} @thredfi/accounting@" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


async def test_a_port_of_the_page_that_is_taken_is_status_2(installed):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = ("emulator", "--port", "0", "--ui", "--ui-port", port, "--widget", installed)
        ended = await thredfi(*command, env={})
    assert ended.status == 2
    assert f"can't listen on 127.0.0.1:{port}" in ended.err
