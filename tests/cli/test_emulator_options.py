"""``thredfi emulator`` with ``--db`` and ``--faults``."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from thredfi_async import OutcomeUnknown, ThredfiClient

from .support import end, running, thredfi

pytestmark = pytest.mark.no_cover


@asynccontextmanager
async def served(*options: str | Path) -> AsyncIterator[tuple[ThredfiClient, str, str]]:
    """A client of ``thredfi emulator``, the id of its business, and what the command said."""
    command = ("emulator", "--port", "0", "--business", "shop", *options)
    async with running(*command, env={}) as process:
        said = await asyncio.wait_for(process.stdout.readuntil(b"  shop "), 20)
        business_id = (await process.stdout.readline()).decode().strip()
        env = dict(re.findall(r"export (\w+)=(\S+)", said.decode()))
        async with ThredfiClient(
            base_url=env["THREDFI_BASE_URL"],
            partner_uuid=env["THREDFI_PARTNER_UUID"],
            api_key=env["THREDFI_API_KEY"],
        ) as client:
            yield client, business_id, said.decode()
        process.send_signal(signal.SIGINT)
        assert (await end(process)).status == 0


async def test_the_state_is_there_again_with_the_same_file(tmp_path):
    db = tmp_path / "books.db"
    async with served("--db", db) as (client, business_id, said):
        assert f"kept in {db}" in said
        made = await client.business(business_id).customers.create({"company_name": "Buyer Ltd"})
    async with served("--db", db) as (client, again, _):
        assert again == business_id
        (customer,) = await client.business(again).customers.list().collect()
        assert (customer.id, customer.company_name) == (made.id, "Buyer Ltd")


async def test_a_file_in_use_is_status_2(tmp_path):
    db = tmp_path / "books.db"
    async with served("--db", db):
        ended = await thredfi("emulator", "--port", "0", "--db", db, env={})
    assert (ended.status, ended.out) == (2, "")
    assert f"--db: {db} is in use by another emulator" in ended.err


async def test_a_file_of_another_kind_is_status_2(tmp_path):
    db = tmp_path / "letter.txt"
    db.write_text("Dear Sir or Madam" * 100)
    ended = await thredfi("emulator", "--port", "0", "--db", db, env={})
    assert (ended.status, ended.out) == (2, "")
    assert f"--db: {db} can't be used as the emulator's file" in ended.err
    assert "Traceback" not in ended.err


async def test_it_misbehaves_by_the_plan(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('[[fault]]\nkind = "reset"\napplied = true\noperations = ["create_customer"]\n')
    async with served("--faults", plan) as (client, business_id, _):
        customers = client.business(business_id).customers
        with pytest.raises(OutcomeUnknown):
            await customers.create({"company_name": "Buyer Ltd"})
        assert len(await customers.list().collect()) == 1


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("[[fault]]\nkind = 'rest'\n", "plan.toml: fault 1: kind must be one of refuse, "),
        ("fault", "plan.toml is not valid TOML: "),
        (None, "plan.toml: No such file or directory"),
    ],
)
async def test_a_bad_plan_is_status_2(tmp_path, plan, said):
    path = tmp_path / "plan.toml"
    if plan is not None:
        path.write_text(plan)
    ended = await thredfi(
        "emulator", "--port", "0", "--faults", path, "--db", tmp_path / "db", env={}
    )
    assert (ended.status, ended.out) == (2, "")
    assert "thredfi: --faults: " in ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert "Warning" not in ended.err


async def test_refusals_have_the_shape_of_the_guide_and_tokens_are_told_apart():
    async with served("--errors", "guide", "--strict-tokens") as (client, business_id, _):
        url, token = client.base_url, await client.tokens.partner()
        headers = {"Authorization": f"Bearer {token.access_token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            answer = await session.get(f"{url}/v1/platform/businesses/{business_id}/customers/")
            refused = await answer.json()
        assert answer.status == 403
        assert {"error", "error_code"} <= set(refused)
        assert await client.business(business_id).customers.list().collect() == []


async def test_an_unknown_shape_names_the_known_ones():
    ended = await thredfi("emulator", "--port", "0", "--errors", "own", env={})
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "thredfi: --errors must be reference or guide, not 'own'\n"
