"""Pushing to the emulator over real sockets: what the books hold afterwards."""

from __future__ import annotations

import pytest

from thredfi_async.emulator import Emulator

SHOP = {
    "external_id": "shop",
    "legal_name": "Shop Ltd",
    "entity_type": "limited",
    "email": "shop@business.example",
    "country": "GB",
    "base_currency": "GBP",
}


@pytest.fixture
async def emulator():
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def thredfi(emulator):
    async with emulator.client() as thredfi:
        yield thredfi


@pytest.fixture
async def shop(thredfi):
    return await thredfi.businesses.create(SHOP)
