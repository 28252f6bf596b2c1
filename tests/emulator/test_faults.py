"""Each fault does what it says, seen over raw sockets, and strikes when the plan says so."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import attrs
import pytest
from yarl import URL

from tests.support import FakeClock
from thredfi_async.emulator import Emulator

from .caller import Shop, basic

pytestmark = pytest.mark.slow

BODY = {"company_name": "Buyer Ltd", "external_id": "c-1"}
PATIENCE = 10  # seconds that no test needs


@attrs.frozen
class Seen:
    """What came over one connection until it ended; ``reset``: by a reset."""

    data: bytes
    reset: bool = False

    @property
    def status(self) -> int:
        return int(self.data.split()[1])

    @property
    def head(self) -> dict[str, str]:
        lines = self.data.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def request_of(shop: Shop, *, method: str = "POST", keep: bool = False) -> bytes:
    content = json.dumps(BODY).encode() if method == "POST" else b""
    head = (
        f"{method} /v1/platform/businesses/{shop.id}/customers/ HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {shop.token}\r\nContent-Length: {len(content)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    )
    return head.encode() + content


async def ask(shop: Shop, *, method: str = "POST", keep: bool = False) -> Seen:
    """One request on a connection of its own, and all that comes until the server ends it."""
    url = URL(shop.caller.emulator.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    data = b""
    try:
        writer.write(request_of(shop, method=method, keep=keep))
        async with asyncio.timeout(PATIENCE):
            while piece := await reader.read(1 << 20):
                data += piece
        return Seen(data)
    except ConnectionResetError:
        return Seen(data, reset=True)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def faults(emulator, shop):
    """The emulator's faults, with the tokens fetched before."""
    return emulator.faults


def is_applied(shop: Shop) -> bool:
    return bool(shop.books.customers)


# --- what each kind does -----------------------------------------------------------------


@pytest.mark.parametrize("applied", [True, False])
async def test_a_reset_comes_before_or_after_the_request_was_applied(faults, shop, applied):
    faults.add("reset", applied=applied)
    assert await ask(shop) == Seen(b"", reset=True)
    assert is_applied(shop) == applied


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_a_status_is_answered_in_place_of_the_true_answer(faults, shop, status, applied):
    faults.add("status", status=status, applied=applied)
    seen = await ask(shop)
    assert seen.status == status
    assert json.loads(seen.body)["error_code"] == "fault"
    assert "retry-after" not in seen.head
    assert is_applied(shop) == applied


async def test_a_502_comes_with_html(faults, shop):
    faults.add("status", status=502)
    seen = await ask(shop)
    assert (seen.status, seen.head["content-type"]) == (502, "text/html; charset=utf-8")
    assert b"<html>" in seen.body


async def test_retry_after_is_in_seconds_or_a_date_by_the_emulators_clock(faults, shop, clock):
    faults.add("status", status=429, retry_after="seconds", seconds=6.5, times=1)
    faults.add("status", status=429, retry_after="date", seconds=90)
    assert (await ask(shop)).head["retry-after"] == "7"
    date = parsedate_to_datetime((await ask(shop)).head["retry-after"])
    assert date.timestamp() == clock.now + 90


async def test_a_garbled_answer_has_one_byte_that_is_no_utf_8_in_a_text(faults, shop):
    faults.add("garble")
    seen = await ask(shop)
    assert (seen.status, int(seen.head["content-length"])) == (201, len(seen.body))
    with pytest.raises(UnicodeDecodeError):
        seen.body.decode()
    (place,) = [place for place, byte in enumerate(seen.body) if byte == 0xE9]
    assert seen.body[place - 1 : place] == b'"'
    mended = json.loads(seen.body.replace(b"\xe9", b""))
    assert mended["company_name"] == "Buyer Ltd"
    assert is_applied(shop)
    faults.clear()
    assert json.loads((await ask(shop)).body) == mended


async def test_not_always_the_same_text_is_garbled(faults, shop):
    faults.add("garble")
    assert len({(await ask(shop)).body for _ in range(20)}) > 2


# --- how the server behaves --------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "duplicate_external_id"), (400, "validation_error"), (422, "validation_error")],
)
async def test_a_known_external_id_is_refused(faults, shop, status, code):
    faults.add("duplicate", status=status)
    first, again = await ask(shop), await ask(shop)
    assert (first.status, again.status) == (201, status)
    refused = json.loads(again.body)
    assert refused["error_code"] == code
    assert "external_id" in refused["detail"]
    assert refused["request_id"] == again.head["x-request-id"]
    assert len(shop.books.customers) == 1
    assert faults.struck == {"duplicate": 1}


async def test_what_is_no_repeat_of_a_create_is_no_duplicate(faults, shop):
    faults.add("duplicate")
    assert (await ask(shop)).status == 201
    assert (await ask(shop, method="GET")).status == 200
    made = json.loads((await ask(shop, method="GET")).body)["results"][0]
    renamed = {"external_id": "c-1", "company_name": "Other"}
    assert (await shop.send("PUT", f"customers/{made['id']}/", renamed)).status == 200
    assert (await shop.post("customers/", {"company_name": "Nameless"})).status == 201
    assert (await shop.post("customers/", {"company_name": "Nameless"})).status == 201
    bad = {"external_id": "c-1", "email": "nowhere"}  # refused before anybody looks at its name
    assert (await shop.post("customers/", bad)).status == 400
    payout = {
        "external_id": "po-1",
        "processor": "stripe",
        "paid_out_amount_cents": 1,
        "fee_cents": 0,
        "currency": "GBP",
        "status": "paid",
        "completed_at": "2025-06-04T09:00:00Z",
    }
    answers = [await shop.post("payouts/", payout) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 200]
    assert faults.struck == {}


@pytest.mark.parametrize("header", [{}, {"Idempotency-Key": "k-1"}])
async def test_known_things_whose_repeat_would_be_answered_with_201_or_by_key_are_duplicates_too(
    faults, shop, header
):
    invoice = await shop.invoice(100)
    faults.add("duplicate", status=422)
    write_off = {"external_id": "w-1", "amount_cents": 10}
    payment = {"invoice_id": invoice["id"], "amount_cents": 10, "external_id": "p-1"}
    payment |= {"payment_date": "2025-06-02", "payment_method": "cash"}
    for path, body in [
        (f"invoices/{invoice['id']}/write-offs/", write_off),
        ("invoices/payments/", payment),
        ("receipts/", {"external_id": "r-1"}),
    ]:
        answers = [await shop.post(path, body, headers=header) for _ in range(2)]
        assert [answer.status for answer in answers] == [201, 422]


async def test_a_business_that_is_there_is_a_duplicate_too(faults, caller):
    faults = caller.emulator.faults.add("duplicate", status=400)
    body = {"external_id": "b", "legal_name": "B", "entity_type": "plc", "email": "b@b.example"}
    answers = [await caller.send("POST", "/v1/platform/businesses/", body) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 400]
    assert faults.struck == {"duplicate": 1}


async def test_the_refusal_of_a_duplicate_may_be_lost_like_any_answer(faults, shop):
    faults.add("duplicate", status=422).add("cut", times=2)
    first, again = await ask(shop), await ask(shop)
    assert (first.status, again.status) == (201, 422)
    for seen in (first, again):
        assert len(seen.body) < int(seen.head["content-length"])
    assert faults.struck == {"cut": 2, "duplicate": 1}


async def statuses(shop: Shop, count: int) -> list[int]:
    return [(await ask(shop)).status for _ in range(count)]


async def test_a_throttle_lets_so_many_requests_a_second_through(faults, shop, clock):
    faults.add("throttle", rate=3)
    assert await statuses(shop, 5) == [201, 200, 200, 429, 429]
    clock.advance(0.4)
    assert await statuses(shop, 2) == [200, 429]
    clock.advance(60)  # what wasn't used doesn't add up
    assert await statuses(shop, 4) == [200, 200, 200, 429]
    assert faults.struck == {"throttle": 4}


async def test_a_throttled_request_is_not_carried_out_and_may_say_how_long_to_wait(
    faults, shop, clock
):
    faults.add("throttle", rate=0.5, retry_after="seconds", seconds=1.5)
    assert (await ask(shop, method="GET")).status == 200
    seen = await ask(shop)
    assert (seen.status, seen.head["retry-after"]) == (429, "2")
    assert not is_applied(shop)
    clock.advance(2)
    assert (await ask(shop)).status == 201
    faults.clear()
    faults.add("throttle", rate=0.5)
    assert (await ask(shop)).status == 200
    assert "retry-after" not in (await ask(shop)).head


@pytest.mark.parametrize("named", ["id", "external_id"])
async def test_one_business_alone_may_be_throttled(faults, shop, named):
    faults.add("throttle", rate=1, business=shop.id if named == "id" else "shop")
    emulator = shop.caller.emulator
    other_id = emulator.add_business("other")
    other = Shop(shop.caller, other_id, await shop.caller.business_token(other_id))
    assert await statuses(shop, 2) == [201, 429]
    assert await statuses(other, 2) == [201, 200]


async def test_any_fault_may_strike_one_business_alone(faults, shop):
    faults.add("status", business="other")
    other_id = shop.caller.emulator.add_business("other")
    assert (await ask(shop)).status == 201
    other = Shop(shop.caller, other_id, shop.token)
    assert (await ask(other)).status == 503


# --- statuses and waits ------------------------------------------------------------------


async def test_an_absurd_retry_after_is_too_long_or_nonsense(faults, shop):
    faults.add("status", status=503, retry_after="absurd")
    found = {(await ask(shop)).head["retry-after"] for _ in range(40)}
    assert {"86400", "-5", "soon", "nan"} <= found


@pytest.mark.parametrize("applied", [True, False])
async def test_a_hang_answers_nothing_and_ends_in_a_reset(faults, shop, applied):
    faults.add("hang", seconds=0.1, applied=applied)
    begun = time.monotonic()
    assert await ask(shop) == Seen(b"", reset=True)
    assert time.monotonic() - begun >= 0.1
    assert is_applied(shop) == applied


async def test_a_hang_ends_when_the_client_gives_up(faults, shop):
    faults.add("hang", seconds=3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ask(shop)
    # What is left serves the caller's own connection.
    await until(lambda: tasks_of("RequestHandler.start") == 1)


async def test_a_drip_gives_the_whole_answer_byte_by_byte(faults, shop):
    faults.add("drip", seconds=0.2)
    url = URL(shop.caller.emulator.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request_of(shop))
    pieces = []
    while piece := await reader.read(1 << 20):
        pieces.append(piece)
    writer.close()
    await writer.wait_closed()
    assert len(pieces) > 50
    seen = Seen(b"".join(pieces))
    assert len(seen.body) == int(seen.head["content-length"])
    assert json.loads(seen.body)["external_id"] == "c-1"
    assert is_applied(shop)


async def test_a_cut_ends_in_the_middle_of_the_body(faults, shop):
    faults.add("cut")
    seen = await ask(shop)
    assert (seen.status, seen.reset) == (201, False)
    assert len(seen.body) == int(seen.head["content-length"]) // 2
    assert is_applied(shop)


async def test_a_cut_chunk_ends_in_the_middle_of_it(faults, shop):
    faults.add("cut_chunk")
    seen = await ask(shop)
    assert seen.head["transfer-encoding"] == "chunked"
    size, _, chunk = seen.body.partition(b"\r\n")
    assert len(chunk) == int(size, 16) // 2
    assert is_applied(shop)


async def test_the_length_is_a_lie(faults, shop):
    faults.add("length_too_long", times=1)
    faults.add("length_too_short")
    seen = await ask(shop)
    assert int(seen.head["content-length"]) == len(seen.body) + 17
    assert json.loads(seen.body)["external_id"] == "c-1"
    seen = await ask(shop)
    assert int(seen.head["content-length"]) == len(seen.body) // 2
    assert len(shop.books.customers) == 1


async def test_the_body_is_no_json(faults, shop):
    faults.add("invalid_json")
    seen = await ask(shop)
    assert (seen.status, seen.head["content-type"]) == (201, "application/json")
    with pytest.raises(ValueError):
        json.loads(seen.body)
    assert is_applied(shop)


async def test_the_content_type_is_wrong_and_the_body_true(faults, shop):
    faults.add("wrong_content_type")
    seen = await ask(shop)
    assert seen.head["content-type"].startswith("text/plain")
    assert json.loads(seen.body)["external_id"] == "c-1"


async def test_the_body_is_empty(faults, shop):
    faults.add("empty_body")
    seen = await ask(shop)
    assert (seen.status, seen.head["content-length"], seen.body) == (201, "0", b"")
    assert is_applied(shop)


async def test_a_gzip_bomb_is_small_and_explodes(faults, shop):
    faults.add("gzip_bomb")
    seen = await ask(shop)
    assert seen.head["content-encoding"] == "gzip"
    assert len(seen.body) < 1 << 20
    content = gzip.decompress(seen.body)
    assert len(content) > 200 << 20
    assert json.loads(content)["external_id"] == "c-1"


async def test_a_huge_body_is_over_100_megabytes_of_json(faults, shop):
    faults.add("huge_body")
    url = URL(shop.caller.emulator.url)
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=4 << 20)
    writer.write(request_of(shop))
    await reader.readuntil(b"\r\n\r\n")
    total, chunk = 0, b""
    while size := int(await reader.readline(), 16):
        chunk = await reader.readexactly(size)
        total += size
        await reader.readexactly(2)
    writer.close()
    await writer.wait_closed()
    assert total > 100 << 20
    assert json.loads(chunk)["external_id"] == "c-1"


async def test_the_connection_ends_unannounced_after_a_whole_answer(faults, shop):
    faults.add("hang_up")
    seen = await ask(shop, keep=True)
    assert "connection" not in seen.head
    assert json.loads(seen.body)["external_id"] == "c-1"


async def test_connections_are_refused_for_a_while(faults, emulator, shop):
    url = URL(emulator.url)
    idle, other = await asyncio.open_connection(url.host, url.port)
    faults.add("refuse", seconds=0.3, times=1)
    assert (await ask(shop, keep=True)).status == 201  # before, and its connection ends
    async with asyncio.timeout(PATIENCE):
        assert await idle.read() == b""  # and so do those that are idle
    other.close()
    await other.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await ask(shop)
    await until_it_listens(shop)
    assert len(shop.books.customers) == 1


async def test_clearing_ends_a_refusal(faults, shop):
    faults.add("refuse", seconds=3600)
    await ask(shop)
    with pytest.raises(ConnectionRefusedError):
        await ask(shop)
    faults.clear()
    await until_it_listens(shop)


async def until_it_listens(shop: Shop) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                assert (await ask(shop)).status == 200
                return
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["expire_tokens", "revoke_tokens"])
async def test_the_tokens_stop_working(faults, shop, kind):
    faults.add(kind, operations=["create_customer"], times=1)
    assert (await shop.post("customers/", BODY)).code == "invalid_token"
    await shop.renew()
    assert (await shop.post("customers/", BODY)).status == 201


async def test_the_key_is_another_one_and_issued_tokens_stay_good(faults, emulator, shop):
    old = emulator.api_key
    faults.add("rotate_key", operations=["create_customer"], times=1)
    assert (await shop.post("customers/", BODY)).status == 201
    assert emulator.api_key != old
    headers = basic(emulator.partner_uuid, old)
    refused = await shop.caller.send("POST", "/v1/platform/oauth2/token/", headers=headers)
    assert refused.status == 401
    assert await shop.caller.partner_token()


async def test_an_answer_drifts_and_keeps_its_id(faults, shop):
    customer = await shop.customer(**BODY)
    for kind in ("unknown_field", "unknown_enum", "changed_type", "dropped_field"):
        faults.add(kind, times=1)
    unknown, enum, changed, dropped = [json.loads((await ask(shop)).body) for _ in range(4)]
    assert {one["id"] for one in (unknown, enum, changed, dropped)} == {customer["id"]}
    assert set(unknown) - set(customer) == {"field_of_tomorrow"}
    assert enum["status"] == "VALUE_OF_TOMORROW"
    (name,) = [name for name in customer if changed[name] != customer[name]]
    assert type(changed[name]) is not type(customer[name])
    assert len(set(customer) - set(dropped)) == 1


async def test_the_rows_of_a_list_and_what_is_wrapped_drift(faults, shop):
    await shop.customer(**BODY)
    faults.add("unknown_field")
    listed = json.loads((await ask(shop, method="GET")).body)
    assert "field_of_tomorrow" not in listed
    (row,) = listed["results"]
    assert "field_of_tomorrow" in row
    faults.clear()
    invoice = await shop.invoice(5_000)
    faults.add("dropped_field", operations=["create_invoice_payment"])
    body = {
        "invoice_id": invoice["id"],
        "amount_cents": 5_000,
        "payment_date": "2025-06-02",
        "payment_method": "cash",
    }
    url = f"{shop.caller.emulator.url}/v1/platform/businesses/{shop.id}/invoices/payments/"
    headers = {"Authorization": f"Bearer {shop.token}"}
    async with shop.caller.session.post(url, json=body, headers=headers) as answer:
        (payment,) = (await answer.json()).values()
    assert payment["id"] in shop.books.payments


# --- the plan ----------------------------------------------------------------------------


async def test_a_fault_strikes_the_operations_that_its_patterns_name(faults, shop):
    faults.add("status", operations=["create_*", "void_invoice"])
    assert (await ask(shop)).status == 503
    assert (await ask(shop, method="GET")).status == 200
    assert faults.struck == Counter(status=1)


async def test_a_fault_strikes_as_often_as_it_may(faults, shop):
    faults.add("status", times=2).add("empty_body", times=1)
    assert [(await ask(shop)).status for _ in range(4)] == [503, 503, 201, 200]
    assert faults.struck == Counter(status=2, empty_body=1)


async def test_a_fault_of_probability_0_never_strikes_and_clear_ends_all(faults, shop):
    faults.add("reset", probability=0).add("status", probability=1)
    assert (await ask(shop)).status == 503
    faults.clear()
    assert (await ask(shop)).status == 201


async def struck_by(seed: int) -> list[int]:
    async with Emulator(seed=seed) as emulator:
        emulator.faults.add("status", probability=0.3)
        url = URL(emulator.url)
        found = []
        reader, writer = await asyncio.open_connection(url.host, url.port)
        for _ in range(40):
            writer.write(b"POST /v1/platform/oauth2/token/ HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(h for h in head.split(b"\r\n") if h.startswith(b"Content-Length"))
            await reader.readexactly(int(length.split()[1]))
            found.append(int(head.split()[1]))
        writer.close()
        await writer.wait_closed()
        return found


async def test_the_same_seed_strikes_the_same_requests():
    first = await struck_by(1)
    assert await struck_by(1) == first
    assert await struck_by(2) != first
    assert 4 <= first.count(503) <= 20


async def test_the_chances_can_begin_anew(faults, shop):
    faults.add("status", probability=0.5)
    runs = []
    for _ in range(2):
        faults.seed(7)
        runs.append([(await ask(shop)).status == 503 for _ in range(12)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {True, False}


PLAN = """
seed = 7

[[fault]]
kind = "reset"
applied = true
operations = ["create_*"]
times = 1

[[fault]]
kind = "status"
status = 429
retry_after = "seconds"
seconds = 2
"""


async def test_a_plan_is_read_from_a_file(faults, shop, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    faults.load(path)
    assert (await ask(shop)).reset
    assert is_applied(shop)
    seen = await ask(shop)
    assert (seen.status, seen.head["retry-after"]) == (429, "2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind", "is not valid TOML"),
        ("faults = 1", "unknown faults; use seed and"),
        ("seed = 'x'", "seed must be a whole number, not 'x'"),
        ("[fault]\nkind = 'reset'", r"a table of its own under \[\[fault\]\]"),
        ("fault = [1]", r"a table of its own under \[\[fault\]\]"),
        ("[[fault]]\nkind = 'reset'\n[[fault]]", "fault 2: kind is missing: one of refuse, "),
        ("[[fault]]\nkind = 'rest'", "fault 1: kind must be one of refuse, .*, not 'rest'"),
        ("[[fault]]\nkind = 'reset'\nop = 1", "unknown op; a fault has kind, probability, "),
        ("[[fault]]\nkind = 'reset'\nprobability = 2", "probability must be a number from 0 to 1"),
        ("[[fault]]\nkind = 'reset'\nprobability = '1'", "probability must be a number"),
        ("[[fault]]\nkind = 'reset'\noperations = 'create_*'", "operations must be a list such as"),
        ("[[fault]]\nkind = 'reset'\noperations = ['creat_*']", "'creat_.' fits none of"),
        ("[[fault]]\nkind = 'reset'\napplied = 1", "applied must be true or false"),
        ("[[fault]]\nkind = 'reset'\ntimes = 1.5", "times must be a whole number"),
        ("[[fault]]\nkind = 'status'\nstatus = 200", "status must be from 400 to 599, not 200"),
        ("[[fault]]\nkind = 'status'\nretry_after = 5", "retry_after must be one of none, seconds"),
        ("[[fault]]\nkind = 'hang'\nseconds = -1", "seconds must be a number of seconds, not -1"),
        ("[[fault]]\nkind = 'reset'\nbusiness = 1", "business must be a text, not 1"),
        ("[[fault]]\nkind = 'throttle'", "rate is missing: how many requests a second"),
        ("[[fault]]\nkind = 'throttle'\nrate = 0", "rate must be a number above 0, not 0"),
        ("[[fault]]\nkind = 'duplicate'\nstatus = 500", "status of a duplicate must be one of 400"),
    ],
)
async def test_a_bad_plan_says_what_is_wrong_and_adds_nothing(tmp_path, text, said):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    emulator = Emulator()
    with pytest.raises(ValueError, match=f"plan.toml: .*{said}|plan.toml {said}"):
        emulator.faults.load(path)
    assert not emulator.faults._plan


def test_a_bad_fault_is_a_value_error():
    faults = Emulator().faults
    with pytest.raises(ValueError, match="unknown probabilty"):
        faults.add("reset", probabilty=1)
    with pytest.raises(ValueError, match="kind must be one of"):
        faults.add("rest")


# --- the end -----------------------------------------------------------------------------


def tasks_of(name: str) -> int:
    """How many tasks there are whose coroutine has this name."""
    found = (task.get_coro() for task in asyncio.all_tasks())
    return sum(name in getattr(coroutine, "__qualname__", "") for coroutine in found)


@pytest.mark.parametrize("kind", ["hang", "drip", "huge_body", "refuse"])
async def test_nothing_is_left_behind_when_the_emulator_stops_in_the_middle(kind):
    others = asyncio.all_tasks()
    async with Emulator(clock=FakeClock()) as emulator:
        emulator.faults.add(kind, seconds=3600)
        url = URL(emulator.url)
        client = socket.create_connection((url.host, url.port))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        token = b"POST /v1/platform/oauth2/token/ HTTP/1.1\r\nHost: x\r\n\r\n"
        await loop.sock_sendall(client, token)
        await until(lambda: bool(emulator.faults.struck))
        begun = time.monotonic()
    client.close()
    assert time.monotonic() - begun < 3
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == others
