"""What all commands have: businesses by either name, JSON, versions, plain http where allowed."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

import thredfi_async
from thredfi_async import ConfigurationError, ThredfiClient
from thredfi_async.emulator import Emulator

from .support import ROOT, invoked


async def test_businesses_are_listed_for_people_and_for_machines(emulator, env):
    ended = await invoked("businesses", env=env)
    assert ended.status == 0
    head, row = ended.out.splitlines()
    assert head.split("  ")[0] == "ID"
    assert row.split()[:2] == [emulator.books("shop").id, "shop"]
    (line,) = (await invoked("businesses", "--json", env=env)).out.splitlines()
    assert json.loads(line)["external_id"] == "shop"


@pytest.mark.parametrize("command", [["token"], ["call", "list_customers"]])
async def test_a_business_goes_by_either_name(emulator, env, command):
    for name in ("shop", emulator.books("shop").id):
        assert (await invoked(*command, "--business", name, env=env)).status == 0
    unknown = await invoked(*command, "--business", "shp", env=env)
    assert unknown.status == 2
    assert "no business with the id or external_id 'shp'; did you mean shop?" in unknown.err


async def test_a_token_is_told_as_json(env):
    ended = await invoked("token", "--json", env=env)
    told = json.loads(ended.out)
    assert ended.status == 0
    assert not [value for value in told.values() if isinstance(value, str) and len(value) > 200]


async def test_the_version_is_that_of_the_package():
    ended = await invoked("--version")
    assert ended.out == f"thredfi-async {thredfi_async.__version__}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", thredfi_async.__version__) == thredfi_async.__version__


@pytest.mark.parametrize("allowed", ["option", "variable", "neither"])
async def test_plain_http_goes_where_it_is_allowed(env, allowed):
    elsewhere = {**env, "THREDFI_BASE_URL": "http://nobody.invalid:1"}
    if allowed == "variable":
        elsewhere["THREDFI_ALLOW_HTTP"] = "1"
    option = ["--allow-http"] if allowed == "option" else []
    ended = await invoked("businesses", *option, env=elsewhere)
    assert ended.status == 2
    assert ("--allow-http" in ended.err) is (allowed == "neither")


def test_a_client_of_the_environment_knows_the_variable(monkeypatch):
    monkeypatch.setenv("THREDFI_PARTNER_UUID", "p")
    monkeypatch.setenv("THREDFI_API_KEY", "k")
    monkeypatch.setenv("THREDFI_BASE_URL", "http://emulator:8130")
    with pytest.raises(ConfigurationError, match="allow_http"):
        ThredfiClient.from_env()
    monkeypatch.setenv("THREDFI_ALLOW_HTTP", "true")
    assert ThredfiClient.from_env().base_url == "http://emulator:8130"


async def test_colours_are_left_out_where_nobody_wants_them(env):
    ended = await invoked("push", "--help", env={**env, "NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert not re.search(r"\x1b\[(?:\d+;)*3\d", ended.out)


async def test_an_emulator_of_one_seed_has_the_same_ids():
    async def ids(**given) -> tuple[str, str, str]:
        async with Emulator(**given) as emulator:
            emulator.add_business("shop")
            return emulator.partner_uuid, emulator.api_key, emulator.books("shop").id

    assert await ids(seed=7) == await ids(seed=7) != await ids(seed=8)
    uuid = "3c9b0a52-7d4e-4c11-9d6a-0123456789ab"
    mine = await ids(partner_uuid=uuid, api_key="mine")
    assert mine[:2] == (uuid, "mine")
