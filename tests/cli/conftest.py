"""An emulator with one business, and the environment in which the command finds it."""

from __future__ import annotations

import gzip

import pytest

from thredfi_async.emulator import Emulator


@pytest.fixture
async def emulator():
    async with Emulator() as emulator:
        emulator.add_business("shop")
        yield emulator


@pytest.fixture
def env(emulator):
    return {
        "THREDFI_BASE_URL": emulator.url,
        "THREDFI_PARTNER_UUID": emulator.partner_uuid,
        "THREDFI_API_KEY": emulator.api_key,
    }


@pytest.fixture
def file(tmp_path):
    def write(lines, name="records.jsonl", pack=False):
        content = "".join(f"{line}\n" for line in lines).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if pack else content)
        return path

    return write
