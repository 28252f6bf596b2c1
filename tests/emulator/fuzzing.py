"""An emulator for tests that are not async themselves, as hypothesis's are."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp

from thredfi_async.emulator import Emulator

from .caller import Caller, Shop


class Ground:
    """A running emulator; `run` waits for a coroutine, `shop` sets up a business of its own."""

    def __init__(self, runner: asyncio.Runner, caller: Caller) -> None:
        self.caller = caller
        self._runner = runner
        self._numbers = itertools.count()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def shop(self) -> Shop:
        assert self.caller.token is not None
        business_id = self.caller.emulator.add_business(f"shop-{next(self._numbers)}")
        return Shop(self.caller, business_id, self.caller.token)


@contextmanager
def ground() -> Iterator[Ground]:
    """Set up and torn down on one event loop."""
    with asyncio.Runner() as runner:
        emulator = Emulator()
        runner.run(emulator.start())

        async def session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession()

        caller = Caller(emulator, runner.run(session()))
        caller.token = runner.run(caller.partner_token())
        try:
            yield Ground(runner, caller)
        finally:
            runner.run(caller.session.close())
            runner.run(emulator.stop())
