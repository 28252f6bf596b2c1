"""The emulator in a process of its own, and how the rest of the run talks to it.

Commands go to its standard input and answers come from its standard output, one JSON value a
line. It ends when its standard input does, so it never outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from thredfi_async import ThredfiClient
from thredfi_async.emulator import Emulator
from thredfi_async.emulator.books import (
    Books,
    Customer,
    Invoice,
    Payment,
    Refund,
    RefundPayment,
    Role,
    Row,
)

from .records import BUSINESSES

__all__ = ["Server", "running"]

_END = 30.0  # seconds that the process gets to end
_KINDS: dict[str, type[Row]] = {
    "customer": Customer,
    "invoice": Invoice,
    "payment": Payment,
    "refund": Refund,
    "refund_payment": RefundPayment,
}


@attrs.frozen
class Server:
    """An emulator elsewhere. Its methods block until it has answered."""

    process: subprocess.Popen[bytes]
    url: str
    partner_uuid: str
    api_key: str = attrs.field(repr=False)

    def client(self, **arguments: Any) -> ThredfiClient:
        """A client of it; ``arguments`` go to `ThredfiClient`."""
        return ThredfiClient(
            base_url=self.url, partner_uuid=self.partner_uuid, api_key=self.api_key, **arguments
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which another process makes a client of it."""
        return {
            "THREDFI_BASE_URL": self.url,
            "THREDFI_PARTNER_UUID": self.partner_uuid,
            "THREDFI_API_KEY": self.api_key,
        }

    def set_faults(self, plan: Sequence[dict[str, Any]]) -> None:
        """Have these faults from now on, and no others."""
        _ask(self.process, "faults", plan)

    def figures(self) -> dict[str, Any]:
        """``requests`` by operation, ``struck`` by kind of fault, and the ``rows`` there are."""
        found: dict[str, Any] = _ask(self.process, "figures")
        return found

    def books(self) -> dict[str, Any]:
        """By business: ``rows`` by kind, each with external_id and amount, ``totals``, ``ledger``.

        ``ledger`` has debits less credits of all accounts (``trial``) and of two of them.
        """
        found: dict[str, Any] = _ask(self.process, "books")
        return found


@contextmanager
def running(*, seed: int, token_lifetime: int = 3600) -> Iterator[Server]:
    """A new emulator with the businesses of the input; it has ended when the block has."""
    command = [sys.executable, "-m", "chaos.server", str(seed), str(token_lifetime)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Server(process, **_ask(process, "where"))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_END)
            except subprocess.TimeoutExpired:
                process.kill()


def _ask(process: subprocess.Popen[bytes], command: str, argument: Any = None) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([command, argument]).encode() + b"\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"the emulator's process ended with status {process.wait(_END)}")
    return json.loads(answer)


# --- in the other process ----------------------------------------------------------------


async def _serve(seed: int, token_lifetime: int) -> None:
    loop = asyncio.get_running_loop()
    async with Emulator(seed=seed, token_lifetime=token_lifetime) as emulator:
        for name in BUSINESSES:
            emulator.add_business(name)
        while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
            command, argument = json.loads(line)
            print(json.dumps(_answer(emulator, command, argument)), flush=True)


def _answer(emulator: Emulator, command: str, argument: Any) -> Any:
    match command:
        case "where":
            return {
                "url": emulator.url,
                "partner_uuid": emulator.partner_uuid,
                "api_key": emulator.api_key,
            }
        case "faults":
            emulator.faults.clear()
            for settings in argument:
                emulator.faults.add(**settings)
            return None
        case "figures":
            books = [emulator.books(name) for name in BUSINESSES]
            return {
                "requests": emulator.requests,
                "struck": emulator.faults.struck,
                "rows": sum(len(one.rows(kind)) for one in books for kind in _KINDS.values()),
            }
        case _:
            return {name: _shown(emulator.books(name)) for name in BUSINESSES}


def _shown(books: Books) -> dict[str, Any]:
    accounts = books.ledger.accounts.values()
    return {
        "rows": {
            name: [[row.external_id, _amount(row)] for row in books.rows(kind).values()]
            for name, kind in _KINDS.items()
        },
        "totals": attrs.asdict(books.totals()),
        "ledger": {
            "trial": sum(account.debits - account.credits for account in accounts),
            "receivable": books.ledger.of(Role.RECEIVABLE).net(),
            "refunds_payable": books.ledger.of(Role.REFUNDS_PAYABLE).net(),
        },
    }


def _amount(row: Row) -> int:
    if isinstance(row, Invoice):
        return row.total
    if isinstance(row, Payment | Refund | RefundPayment):
        return row.amount
    return 0


if __name__ == "__main__":
    # Clients that are gone while a fault still writes to them are no news here.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
