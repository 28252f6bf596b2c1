"""Stores of ids: what is known of a record outlives a run, whoever else uses the store."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from thredfi_async import IdStoreError
from thredfi_async.push import Journal, Push, ids_sqlite
from thredfi_async.push.ids import Key, Known, MemoryIdStore
from thredfi_async.push.ids_sqlite import SqliteIdStore, open_known

from .fakes import FakeSender, customer, invoice, refund, refund_payment

ROOT = Path(__file__).parents[2]
SHOP = str(uuid4())
TARGET = "partner p at https://sandbox.example"


def key(external_id="i-1", *, type="invoice", parent="", business=SHOP):
    return Key(business, type, parent, external_id)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ids.db"


@pytest.fixture(params=["memory", "spilled", "sqlite"])
async def store(request, path):
    if request.param == "sqlite":
        made = SqliteIdStore(path)
    else:
        made = MemoryIdStore(limit=0 if request.param == "spilled" else 100_000)
    if request.param == "spilled":
        await made.put({key("what fills it"): Known("x")})
    async with made:
        yield made


# --- what every store does ---------------------------------------------------------------


async def test_what_was_put_is_got_back_as_it_was(store):
    entries = {
        key(): Known(str(uuid4()), b"\0" * 64, 7),
        key(business="", type="business"): Known("not a UUID"),
        key(parent=str(uuid4()), type="refund_payment"): Known(None, b"d", -(1 << 63)),
        key(parent="refund", type="refund_payment"): Known("B6E6" + str(uuid4())[4:], b"", 0),
        key("ünïcode \0, | \n 'x' \"", business="shop"): Known("a,b\nc\0", b"x", (1 << 63) - 1),
        key("1"): Known("1"),
    }
    await store.put(entries)
    others = [key("1 "), key("I-1"), key(business="other"), key(type="bill"), key(parent="x")]
    found = await store.get([*entries, *others, *entries])
    assert found == entries
    assert all(type(one.revision) in (int, type(None)) for one in found.values())


async def test_many_are_put_got_and_dropped_at_once(store):
    entries = {key(f"i-{number}"): Known(str(uuid4()), b"d", number) for number in range(1000)}
    await store.put(entries)
    assert await store.get(entries.keys()) == entries
    odd = [one for number, one in enumerate(entries) if number % 2]
    await store.drop(odd)
    await store.drop([*odd, key("never there")])
    assert (await store.get(list(entries))).keys() == entries.keys() - set(odd)
    for nothing in ([], {}):
        assert await store.get(nothing) == {}
        await store.drop(nothing)
    await store.put({})


async def test_an_older_revision_changes_nothing(store):
    newer = Known("a", b"newer", 5)
    await store.put({key(): newer})
    await store.put({key(): Known("b", b"older", 4), key("other"): Known("c")})
    assert await store.get([key(), key("other")]) == {key(): newer, key("other"): Known("c")}
    await store.put({key(): Known("b", b"as new", 5)})
    assert await store.get([key()]) == {key(): Known("b", b"as new", 5)}
    await store.put({key(): Known("b", b"newest", 6)})
    assert await store.get([key()]) == {key(): Known("b", b"newest", 6)}


async def test_what_an_entry_leaves_open_stays_as_it_was(store):
    await store.put({key(): Known("a", b"first", 5)})
    await store.put({key(): Known(None, b"second")})
    assert await store.get([key()]) == {key(): Known("a", b"second", 5)}
    await store.drop([key()])
    await store.put({key(): Known(None, b"third")})
    assert await store.get([key()]) == {key(): Known(None, b"third")}


async def test_it_belongs_to_one_target_for_good(store):
    await store.bind(TARGET)
    await store.bind(TARGET)
    with pytest.raises(IdStoreError, match=r"partner p at .*, not partner q"):
        await store.bind("partner q at https://sandbox.example")
    await store.put({key(): Known("a")})
    assert await store.get([key()]) == {key(): Known("a")}


async def test_half_of_a_surrogate_pair_names_nothing(store):
    await store.put({key("a\ud800"): Known("x"), key("b"): Known("y\udfff", b"d")})
    await store.put({key("a?"): Known("other")})
    assert await store.get([key("a\ud800"), key("b")]) == {key("b"): Known(None, b"d")}
    await store.drop([key("a\ud800")])
    assert await store.get([key("a?")]) == {key("a?"): Known("other")}


@pytest.mark.parametrize(
    "known", [Known("a", b"d" * 65), Known("a", b"", 1 << 63), Known("a", b"", -(1 << 63) - 1)]
)
async def test_what_is_too_large_is_refused_with_all_beside_it(store, known):
    with pytest.raises(IdStoreError, match="at most 64"):
        await store.put({key("b"): Known("b"), key(): known})
    assert await store.get([key(), key("b")]) == {}


async def test_many_tasks_use_it_at_once(store):
    async def use(number):
        one = {key(f"i-{number}"): Known(f"id-{number}"), key("shared"): Known("s", b"", number)}
        await store.put(one)
        assert (await store.get([key(f"i-{number}")])).keys() == {key(f"i-{number}")}

    await asyncio.gather(*map(use, range(50)))
    assert await store.get([key("shared")]) == {key("shared"): Known("s", b"", 49)}


async def test_a_closed_store_says_so(store):
    await store.close()
    await store.close()
    for use in (store.bind("t"), store.get([key()]), store.put({}), store.drop([])):
        with pytest.raises(IdStoreError, match="closed"):
            await use


async def test_who_is_cancelled_leaves_it_whole(store):
    entries = [{key(f"{batch}-{n}"): Known("a") for n in range(200)} for batch in range(20)]
    for pause, batch in enumerate(entries):
        putting = asyncio.ensure_future(store.put(batch))
        for _ in range(pause % 4):
            await asyncio.sleep(0)
        putting.cancel()
        getting = asyncio.ensure_future(store.get(batch.keys()))
        await asyncio.sleep(0)
        getting.cancel()
        await asyncio.gather(putting, getting, return_exceptions=True)
    for batch in entries:
        assert len(await store.get(batch.keys())) in (0, 200)


# --- in memory, and the file that takes what is too much ------------------------------------


async def test_too_many_ids_for_memory_go_to_a_file_that_is_gone_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    async with MemoryIdStore(limit=100) as store:
        await store.bind(TARGET)
        entries = {key(f"i-{n}"): Known(str(uuid4()), b"d", n) for n in range(100)}
        await store.put(entries)
        assert store._worker is None  # until then, memory is enough
        more = [{key(f"m-{n}-{m}"): Known("m") for m in range(30)} for n in range(4)]
        await asyncio.gather(*map(store.put, more), store.put({key("i-3"): Known("x", b"", 1)}))
        for one in more:
            assert await store.get(one.keys()) == one
        assert await store.get(entries.keys()) == entries
        assert not store._tables
    assert list(tmp_path.iterdir()) == []


async def test_who_is_cancelled_while_memory_goes_to_the_file_loses_nothing():
    async with MemoryIdStore(limit=1000) as store:
        entries = {key(f"i-{n}"): Known("a") for n in range(5000)}
        putting = asyncio.ensure_future(store.put(entries))
        await asyncio.sleep(0)
        putting.cancel()
        await asyncio.gather(putting, return_exceptions=True)
        assert await store.get(entries.keys()) == entries


async def test_no_room_for_the_temporary_file_is_said_with_the_way_out(monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("thredfi_async.push.ids_table.Table.put", full)
    async with MemoryIdStore(limit=1) as store:
        with pytest.raises(IdStoreError, match=r"disk is full\. Make room for temporary files"):
            await store.put({key("a"): Known("a"), key("b"): Known("b")})
        with pytest.raises(IdStoreError, match="could not be written"):
            await store.get([key()])


# --- a file ----------------------------------------------------------------------------------


async def test_a_file_keeps_ids_and_target_from_run_to_run(path):
    entries = {key(): Known(str(uuid4()), b"digest", 3)}
    async with SqliteIdStore(path) as store:
        await store.bind(TARGET)
        await store.put(entries)
    async with SqliteIdStore(str(path)) as store:
        await store.bind(TARGET)
        assert await store.get([key()]) == entries
        with pytest.raises(IdStoreError, match=r"ids\.db is the id store of partner p"):
            await store.bind("partner q at https://sandbox.example")


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
async def test_only_its_owner_can_read_it(path):
    async with SqliteIdStore(path) as store:
        await store.put({key(): Known("a")})
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        assert len(list(path.parent.iterdir())) > 1


@pytest.mark.parametrize("name", ["", ":memory:", "ids\0.db"])
def test_what_names_no_file_is_refused_at_once(name):
    with pytest.raises(IdStoreError, match=r"names none|can be named"):
        SqliteIdStore(name)


async def test_a_directory_and_a_file_in_none_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere" / "ids.db"):
        with pytest.raises(IdStoreError, match="can't be used"):
            await SqliteIdStore(path).get([key()])


async def refused(path, match, *, read_only=False):
    before = path.read_bytes()
    store = SqliteIdStore(path, read_only=read_only)
    with pytest.raises(IdStoreError, match=match):
        await store.get([key()])
    await store.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_foreign_file_is_refused_and_left_as_it_is(path, read_only):
    path.write_text("external_id;id\n" * 100)
    await refused(path, r"ids\.db isn't an id store: name another", read_only=read_only)
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE known (a)")
    other.close()
    await refused(path, r"ids\.db isn't an id store: name another", read_only=read_only)


async def damaged(path, *statements):
    async with SqliteIdStore(path) as store:
        await store.put({key(): Known("a", b"d", 1)})
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_newer_format_is_refused_with_the_way_out(path):
    await damaged(path, "UPDATE id_store SET format = 2")
    await refused(path, r"of format 2, .* use the version that wrote it, or name another")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE id_store SET format = 'one'",
        "UPDATE id_store SET target = x'00'",
        "DELETE FROM id_store",
        "INSERT INTO id_store SELECT * FROM id_store",
        "UPDATE known SET id = x'00'",
        "UPDATE known SET id = 17",
        "UPDATE known SET id = CAST(x'ff' AS TEXT)",
        "UPDATE known SET digest = 'text'",
        "UPDATE known SET digest = zeroblob(65)",
        "UPDATE known SET revision = 'text'",
        "UPDATE known SET revision = x'31'",
        "UPDATE known SET revision = 1.5",
    ],
)
async def test_what_is_damaged_is_refused_with_the_way_out(path, damage):
    await damaged(path, damage)
    with pytest.raises(
        IdStoreError, match=r"ids\.db is damaged: .*Move it away and start without it"
    ):
        await SqliteIdStore(path).get([key()])


async def test_broken_pages_are_damage(path):
    await damaged(path)
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(IdStoreError, match="damaged"):
        await SqliteIdStore(path).get([key()])


async def test_who_waits_for_a_file_that_stays_locked_is_told_so(path, monkeypatch):
    monkeypatch.setattr(ids_sqlite, "_PATIENCE", 0.0)
    monkeypatch.setattr(ids_sqlite, "_TIMEOUT", 0.0)
    async with SqliteIdStore(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IdStoreError, match="is in use by another process"):
            await store.put({key(): Known("a")})
        assert await store.get([key()]) == {}
        other.execute("ROLLBACK")
        other.close()
        await store.put({key(): Known("a")})


# --- read only ---------------------------------------------------------------------------------


async def test_what_is_read_only_is_read_while_another_writes_and_never_written(path):
    async with SqliteIdStore(path) as writer:
        await writer.put({key(): Known("a")})
        known = open_known(path)
        await known.bind(TARGET)
        assert await known.get([key()]) == {key(): Known("a")}
        await writer.bind("another")  # what was only read is bound to nothing
        await writer.put({key("later"): Known("b")})
        assert await known.get([key("later")]) == {key("later"): Known("b")}
        with pytest.raises(IdStoreError, match="the id store of another, not partner p"):
            await known.bind(TARGET)
        for use in (known.put({key(): Known("x")}), known.drop([key()])):
            with pytest.raises(IdStoreError, match="reading only"):
                await use
        await known.close()


async def test_a_file_to_read_must_be_there(path):
    with pytest.raises(IdStoreError, match="there is no file"):
        await open_known(path).get([])
    assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
async def test_a_file_in_a_folder_that_cannot_be_written_is_read(path):
    async with SqliteIdStore(path) as store:
        await store.put({key(): Known("a")})
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        async with SqliteIdStore(path, read_only=True) as store:
            assert await store.get([key()]) == {key(): Known("a")}
    finally:
        path.parent.chmod(0o700)


# --- earlier journals ----------------------------------------------------------------------------

REFUND = str(uuid4())
ROWS = [  # business, type, parent, external_id, status, id, at
    (SHOP, "invoice", "", "i-1", "created", "id-i-1", 1.0),
    (SHOP, "invoice", "", "i-2", "replayed", "id-i-2", 1.0),
    (SHOP, "invoice", "", "i-3", "differs", "id-i-3", 1.0),
    (SHOP, "invoice", "", "i-4", "failed", "id-i-4", 1.0),
    (SHOP, "invoice", "", "i-5", "unknown", None, 1.0),
    (SHOP, "invoice", "", "i-6", "created", None, 1.0),
    (SHOP, "refund", "", "r1", "created", REFUND, 1.0),
    (SHOP, "refund_payment", "refund_external_id:r1", "p1", "created", "id-p1", 1.0),
    (SHOP, "refund_payment", f"refund_id:{REFUND}", "p2", "created", "id-p2", 1.0),
    (SHOP, "refund_payment", "refund_external_id:gone", "p3", "created", "id-p3", 1.0),
    ("other", "refund_payment", "refund_external_id:r1", "p1", "created", "id-other", 1.0),
]
WITH_ID = {"i-1", "i-2", "i-3"}
COLUMNS = "business TEXT, type TEXT, parent TEXT, external_id TEXT, status TEXT, id TEXT, at REAL"


def journal(path, format, rows=ROWS):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE journal (format INTEGER NOT NULL, target TEXT)")
    connection.execute("INSERT INTO journal VALUES (?, ?)", (format, TARGET))
    columns, primary = COLUMNS, "business, type, parent, external_id"
    if format == 1:
        columns, primary = COLUMNS.replace(" parent TEXT,", ""), primary.replace(" parent,", "")
        rows = [row[:2] + row[3:] for row in rows if not row[2]]
    if format == 3:
        columns, primary = f"step INTEGER, {COLUMNS}", f"{primary}, step"
        rows = [(step, *row) for step, row in enumerate(rows)]
    connection.execute(f"CREATE TABLE records ({columns}, PRIMARY KEY ({primary})) WITHOUT ROWID")
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO records VALUES ({marks})", rows)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("format", [1, 2, 3])
async def test_a_journal_of_every_format_tells_the_ids_of_what_thred_has(path, format):
    journal(path, format)
    before = path.read_bytes()
    known = open_known(path)
    await known.bind(TARGET)
    found = await known.get([key(f"i-{n}") for n in range(9)])
    assert found == {key(name): Known(f"id-{name}") for name in WITH_ID}
    with pytest.raises(IdStoreError, match=r"journal of a push to partner p .*, not partner q"):
        await known.bind("partner q at https://sandbox.example")
    with pytest.raises(IdStoreError, match="reading only"):
        await known.put({key(): Known("x")})
    await known.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("format", [2, 3])
async def test_what_belongs_to_another_record_is_found_by_the_id_of_that(path, format):
    journal(path, format)
    payments = [
        key(name, type="refund_payment", parent=parent)
        for name in ("p1", "p2", "p3")
        for parent in (REFUND, "refund_external_id:r1", "other")
    ]
    async with SqliteIdStore(path, read_only=True) as known:
        found = await known.get(payments)
        assert {(at.external_id, at.parent): one.id for at, one in found.items()} == {
            ("p1", REFUND): "id-p1",
            ("p2", REFUND): "id-p2",
        }


async def test_of_several_rows_of_a_record_the_last_one_counts(path):
    row = (SHOP, "invoice", "", "i-1")
    journal(path, 3, [(*row, "created", "new", 2.0), (*row, "created", "old", 1.0)])
    async with SqliteIdStore(path, read_only=True) as known:
        assert await known.get([key()]) == {key(): Known("new")}


async def test_a_journal_is_read_as_a_push_writes_it_once_that_has_ended(path, monkeypatch):
    records = [customer("C1"), invoice("I1"), refund("R1"), refund_payment("p1", "R1")]
    with Journal(path) as written:
        outcomes = [one async for one in Push(FakeSender(), records, journal=written)]
        monkeypatch.setattr(ids_sqlite, "_PATIENCE_OF_READER", 0.0)
        monkeypatch.setattr(ids_sqlite, "_TIMEOUT", 0.0)
        with pytest.raises(IdStoreError, match="in use by another process"):
            await open_known(path).get([key()])
    assert all(one.ok for one in outcomes)
    keys = [key(one, type=type, business="id-shop") for type, one in (("invoice", "I1"),)]
    keys.append(key("p1", type="refund_payment", parent="id-R1", business="id-shop"))
    async with SqliteIdStore(path, read_only=True) as known:
        await known.bind(FakeSender.target)
        found = await known.get(keys)
    assert [found[one].id for one in keys] == ["id-I1", "id-p1"]


async def test_a_journal_is_no_store_to_be_written(path):
    journal(path, 2)
    await refused(path, "is the journal of a push: it is only read")


async def test_a_journal_of_a_later_format_is_refused_with_the_way_out(path):
    journal(path, 3)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE journal SET format = 4")
    connection.commit()
    connection.close()
    await refused(path, "a journal of format 4, .* use the version", read_only=True)


@pytest.mark.parametrize("damage", ["id = x'00'", "id = CAST(x'ff' AS TEXT)", "at = 'soon'"])
async def test_a_damaged_row_of_a_journal_is_refused(path, damage):
    journal(path, 2)
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE records SET {damage} WHERE id IS NOT NULL")
    connection.commit()
    connection.close()
    await refused(path, "damaged", read_only=True)


# --- several processes ----------------------------------------------------------------------

SHARING = """
import asyncio, sys
from thredfi_async.push.ids import Key, Known
from thredfi_async.push.ids_sqlite import SqliteIdStore

async def main(path, number):
    async with SqliteIdStore(path) as store:
        await store.bind("the target")
        for turn in range(20):
            revision = turn * 4 + number
            names = [f"{number}-{turn}-{one}" for one in range(50)]
            own = {Key("b", "invoice", "", name): Known("i") for name in names}
            shared = Known("i", b"%d" % revision, revision)
            await store.put({Key("b", "customer", "", "c"): shared, **own})
            assert len(await store.get(own)) == 50

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""
WRITING = """
import asyncio, sys
from thredfi_async.push.ids import Key, Known
from thredfi_async.push.ids_sqlite import SqliteIdStore

async def main(path):
    store = SqliteIdStore(path)
    for turn in range(100_000):
        names = [f"{turn}-{one}" for one in range(300)]
        await store.put({Key("b", "invoice", "", name): Known("i") for name in names})
        print(turn, flush=True)

asyncio.run(main(sys.argv[1]))
"""


def started(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
async def test_several_processes_share_a_file_from_its_first_moment(path):
    processes = [started(SHARING, path, number) for number in range(4)]
    for process in processes:
        assert (*process.communicate(timeout=120), process.returncode) == ("", "", 0)
    async with SqliteIdStore(path) as store:
        await store.bind("the target")
        names = [
            key(f"{n}-{t}-{o}", business="b")
            for n in range(4)
            for t in range(20)
            for o in range(50)
        ]
        assert len(await store.get(names)) == len(names)
        shared = key("c", type="customer", business="b")
        assert await store.get([shared]) == {shared: Known("i", b"79", 4 * 19 + 3)}


@pytest.mark.slow
async def test_what_put_has_returned_from_is_there_after_a_kill_and_nothing_is_there_in_part(path):
    for _ in range(3):
        process = started(WRITING, path)
        assert process.stdout.readline() == "0\n"
        for _ in range(5):
            process.stdout.readline()
        process.kill()
        kept = int((process.communicate()[0].split() or ["5"])[-1])
        async with SqliteIdStore(path) as store:
            for turn in range(kept + 3):
                names = [key(f"{turn}-{one}", business="b") for one in range(300)]
                found = len(await store.get(names))
                assert found == 300 if turn <= kept else found in (0, 300)
                await store.drop(names)
