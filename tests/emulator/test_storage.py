"""State in a file: there again after a restart, exactly as it was."""

from __future__ import annotations

import sqlite3

import aiohttp
import pytest

from tests.support import FakeClock
from thredfi_async.emulator import Emulator

from .caller import Caller, Shop


async def shop_of(emulator: Emulator, session: aiohttp.ClientSession) -> Shop:
    caller = Caller(emulator, session)
    caller.token = await caller.partner_token()
    business_id = emulator.add_business("shop")
    return Shop(caller, business_id, await caller.business_token(business_id))


async def seen(shop: Shop) -> list[object]:
    """What the API shows of everything that the tests make, ids and instants included."""
    paths = ("customers/", "invoices/", "invoices/payments/", "invoices/refunds/")
    return [(await shop.get(path)).body for path in paths]


async def test_after_a_restart_everything_is_as_it_was(tmp_path):
    path, clock = tmp_path / "books.db", FakeClock()
    async with aiohttp.ClientSession() as session:
        async with Emulator(db=path, clock=clock) as emulator:
            shop = await shop_of(emulator, session)
            customer = await shop.customer(external_id="c-1")
            clock.advance(3.000001)
            invoice = await shop.invoice(5_000, external_id="i-1", customer_id=customer["id"])
            await shop.post("invoices/", {"line_items": []})  # refused, so it leaves nothing
            clock.advance(1.5)
            await shop.payment(invoice, 5_000)
            refund = await shop.refund(invoice, 1_000)
            await shop.refund_payment(refund, 400)
            before, books = await seen(shop), shop.books
            known = (emulator.partner_uuid, emulator.api_key)
        async with Emulator(db=path, clock=clock) as emulator:
            assert (emulator.partner_uuid, emulator.api_key) == known
            shop = await shop_of(emulator, session)
            assert shop.id == books.id
            assert await seen(shop) == before
            assert shop.books.snapshot() == books.snapshot()
            # What comes next gets ids of its own.
            assert (await shop.invoice(100))["id"] not in str(before)
        async with Emulator(db=path, clock=clock) as emulator:
            assert len(emulator.books("shop").invoices) == 2


async def test_a_repeated_idempotency_key_is_known_after_a_restart(tmp_path):
    path, body = tmp_path / "books.db", {"payment_date": "2025-06-02", "payment_method": "cash"}
    async with aiohttp.ClientSession() as session:
        async with Emulator(db=path) as emulator:
            shop = await shop_of(emulator, session)
            body |= {"invoice_id": (await shop.invoice())["id"], "amount_cents": 100}
            first = await shop.post("invoices/payments/", body, headers={"Idempotency-Key": "k"})
        async with Emulator(db=path) as emulator:
            shop = await shop_of(emulator, session)
            again = await shop.post("invoices/payments/", body, headers={"Idempotency-Key": "k"})
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


async def test_an_uploaded_file_is_there_after_a_restart(tmp_path):
    path = tmp_path / "books.db"
    async with aiohttp.ClientSession() as session:
        async with Emulator(db=path) as emulator:
            shop = await shop_of(emulator, session)
            form = aiohttp.FormData()
            form.add_field("sent_at", "2025-06-01T09:00:00Z")
            form.add_field("line_items", '[{"quantity": 1, "unit_price": 700}]')
            form.add_field("file", b"%PDF", filename="i.pdf", content_type="application/pdf")
            answer = await shop.send("POST", "invoices/", data=form)
            assert answer.status == 201, answer.body
            before = (await shop.seen(answer.body)).copy()
        async with Emulator(db=path) as emulator:
            shop = await shop_of(emulator, session)
            after = await shop.seen(answer.body)
    for one in (before, after):  # its port is another
        one.pop("document", None)
    assert after == before


async def test_two_emulators_cant_share_a_file(tmp_path):
    path = tmp_path / "books.db"
    async with Emulator(db=path):
        with pytest.raises(OSError, match="in use by another emulator"):
            Emulator(db=path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "books.db"
    path.write_text("Dear diary, today I kept no books. " * 100)
    with pytest.raises(OSError, match="can't be used"):
        Emulator(db=path)
    with pytest.raises(OSError, match="can't be used"):
        Emulator(db=tmp_path / "nowhere" / "books.db")


async def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "books.db"
    async with Emulator(db=path) as emulator:
        emulator.add_business("shop")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE emulator SET format = 0")
    connection.close()
    with pytest.raises(OSError, match="another version"):
        Emulator(db=path)


DAMAGE = {
    "content that is cut": "content = substr(content, 1, 9) WHERE number = 2",
    "content that is no list": "content = x'07' WHERE number = 2",
    "content of another type": "content = 'text' WHERE number = 2",
    "a file of an unknown kind": "content = x'92a178d40500' WHERE number = 2",
    "an instant that is none": "at = 'noon' WHERE number = 2",
    "an instant beyond all calendars": "at = 9000000000000000000 WHERE number = 2",
    "a count that is none": "ids = 'many' WHERE number = 2",
    "text that is no UTF-8": "ids = CAST(x'ff' AS TEXT) WHERE number = 2",
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
async def test_a_damaged_row_is_one_error_that_names_it(tmp_path, change):
    path = tmp_path / "books.db"
    async with Emulator(db=path) as emulator:
        for name in ("one", "two", "three"):
            emulator.add_business(name)
    _execute(path, f"UPDATE events SET {change}")
    for _ in range(2):  # and the file isn't held on to
        with pytest.raises(OSError, match=r"books\.db (is damaged: event 2|can't be used)"):
            Emulator(db=path)


@pytest.mark.parametrize(
    "change", ["UPDATE emulator SET seed = 'x'", "DROP TABLE emulator", "DROP TABLE events"]
)
async def test_a_damaged_head_is_one_error(tmp_path, change):
    path = tmp_path / "books.db"
    async with Emulator(db=path) as emulator:
        emulator.add_business("one")
    _execute(path, change)
    if change.startswith("DROP"):
        _execute(path, f"CREATE TABLE {change.split()[-1]} (other)")
    with pytest.raises(OSError, match=r"damaged|can't be used"):
        Emulator(db=path)


async def test_an_event_that_cant_be_done_again_is_one_error(tmp_path):
    path = tmp_path / "books.db"
    async with Emulator(db=path) as emulator:
        emulator.add_business("one")
    _execute(path, "UPDATE events SET content = x'92a77265717565737480'")  # request, {}
    with pytest.raises(OSError, match="is damaged, or was written by another version"):
        Emulator(db=path)


async def test_the_file_is_for_its_owner_alone(tmp_path):
    async with Emulator(db=tmp_path / "books.db") as emulator:
        emulator.add_business("one")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes
    assert set(modes.values()) == {0o600}, modes


def _execute(path, command):
    with sqlite3.connect(path) as connection:
        connection.execute(command)
    connection.close()
