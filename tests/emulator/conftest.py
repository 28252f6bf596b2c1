"""An emulator with a clock of its own, and one business on it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.support import FakeClock
from thredfi_async.emulator import Emulator

from .caller import Caller, Shop


@pytest.fixture
def clock():
    return FakeClock()  # 2025-06-15 15:06:40 UTC


@pytest.fixture
async def emulator(clock):
    async with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def caller(emulator):
    """Calls with the partner's token."""
    async with aiohttp.ClientSession() as session:
        caller = Caller(emulator, session)
        caller.token = await caller.partner_token()
        yield caller


@pytest.fixture
async def shop(emulator, caller):
    business_id = emulator.add_business("shop")
    return Shop(caller, business_id, await caller.business_token(business_id))


@pytest.fixture
def raw(emulator):
    """Sends bytes as they are; the answer's status and JSON."""

    async def exchange(request: bytes) -> tuple[int, Any]:
        host, port = URL(emulator.url).host, URL(emulator.url).port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        writer.close()
        await writer.wait_closed()
        return int(head.split()[1]), json.loads(body)

    return exchange
