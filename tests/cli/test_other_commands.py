"""``thredfi token`` and ``thredfi emulator``."""

from __future__ import annotations

import asyncio
import re
import signal
import socket

import pytest

from .support import end, running, thredfi

pytestmark = pytest.mark.no_cover


async def test_token_tells_about_a_token_and_does_not_show_it(emulator, env):
    ended = await thredfi("token", env=env)
    assert ended.status == 0
    assert "expires   in 3600 s" in ended.out
    shown = await thredfi("token", "--show", env=env)
    token = shown.out.strip()
    assert len(token) > 20
    assert token not in ended.out + ended.err + shown.err


async def test_token_of_a_business_says_its_scope(emulator, env):
    business_id = emulator.books("shop").id
    ended = await thredfi("token", "--business", business_id, env=env)
    assert ended.status == 0
    assert f"business {business_id}" in ended.out
    assert "business_access" in ended.out


async def test_token_with_wrong_credentials_is_status_1_and_said_once(env):
    ended = await thredfi("token", env={**env, "THREDFI_API_KEY": "planted-wrong-key"})
    assert ended.status == 1
    assert ended.err.count("401") == 1
    assert len(ended.err.splitlines()) == 1
    assert "planted-wrong-key" not in ended.out + ended.err


async def test_the_emulator_says_how_to_reach_it_and_ends_with_ctrl_c():
    async with running("emulator", "--port", "0", "--business", "shop", env={}) as process:
        said = await asyncio.wait_for(process.stdout.readuntil(b"  shop "), 20)
        env = dict(re.findall(r"export (\w+)=(\S+)", said.decode()))
        assert set(env) == {"THREDFI_BASE_URL", "THREDFI_PARTNER_UUID", "THREDFI_API_KEY"}
        record = b'{"type": "customer", "business": "shop", "external_id": "C1"}'
        pushed = await thredfi("push", "-", env=env, given=record)
        assert pushed.status == 0, pushed.err
        process.send_signal(signal.SIGINT)
        assert (await end(process)).status == 0


async def test_a_port_that_is_taken_is_status_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await thredfi("emulator", "--port", str(port), env={})
    assert ended.status == 2
    assert f"can't listen on 127.0.0.1:{port}" in ended.err
    assert "Traceback" not in ended.err
