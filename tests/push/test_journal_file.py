"""The file of a journal: what is taken up, what is refused, and how its format changes."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from thredfi_async import JournalError
from thredfi_async.push import Journal, Push, Status
from thredfi_async.push.journal import Row
from thredfi_async.push.records import read_record
from thredfi_async.push.results import Key

from .fakes import FakeSender, customer, refund_payment

ROW = Row(Key("id-shop", "customer", "C1"), 1, Status.CREATED, "id-C1", None, 1, b"12345678")
FORMAT_1 = """
CREATE TABLE journal (format INTEGER NOT NULL, source TEXT, target TEXT);
CREATE TABLE records (
    business TEXT NOT NULL, type TEXT NOT NULL, external_id TEXT NOT NULL, line INTEGER NOT NULL,
    status TEXT NOT NULL, id TEXT, reason TEXT, fingerprint BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (business, type, external_id)
) WITHOUT ROWID;
INSERT INTO journal VALUES (1, 'a digest', 'partner p at nowhere');
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.db"


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_a_journal_that_is_no_file_is_refused(name):
    with pytest.raises(JournalError, match="a journal is a file"):
        Journal(name)


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(JournalError, match="no file can be named"):
        Journal("run\0.db")


def test_a_directory_and_a_file_in_none_are_refused(tmp_path):
    with pytest.raises(JournalError, match="can't be used"):
        Journal(tmp_path)
    with pytest.raises(JournalError, match="can't be used"):
        Journal(tmp_path / "nowhere" / "run.db")


def test_resuming_what_is_not_there_is_refused_and_leaves_no_file(path):
    with pytest.raises(JournalError, match=r"there is no journal .* to resume"):
        Journal(path, resume=True)
    assert not path.exists()


def test_a_run_that_was_killed_before_it_wrote_anything_can_be_resumed(path):
    path.touch()
    Journal(path, resume=True).close()


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_only_its_owner_can_read_it(path):
    with Journal(path) as journal:
        journal.write([ROW])
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


async def test_a_journal_of_the_first_format_is_taken_up(path):
    records = [customer("C1"), customer("C2"), customer("C3"), refund_payment("p1", "R1")]
    drafts = list(map(read_record, records))
    old = sqlite3.connect(path)
    old.executescript(FORMAT_1)
    for line, (draft, status) in enumerate(
        zip(drafts, ["created", "failed", "failed", "replayed"], strict=True), 1
    ):
        old.execute(
            "INSERT INTO records VALUES ('id-shop', ?, ?, ?, ?, ?, NULL, ?, 0)",
            (draft.kind.name, draft.external_id, line, status, f"id-{line}", draft.fingerprint),
        )
    old.commit()
    old.close()
    records[2] = customer("C3", company_name="Mended")
    for wanted in (["C2", "C3"], []):  # the second time, it is of the second format
        sender = FakeSender()
        with Journal(path, resume=True) as journal:
            outcomes = [outcome async for outcome in Push(sender, records, journal=journal)]
        assert sender.names == wanted
        assert all(outcome.ok for outcome in outcomes)
        assert [manner.changed for manner in sender.manners] == [name == "C3" for name in wanted]


@pytest.mark.parametrize(
    "damage",
    [
        "business = x'ff'",
        "type = x'ff'",
        "external_id = x'00'",
        "parent = x'00'",
        "line = 'first'",
        "line = -1",
        "line = 1 << 62",
        "line = 1.5",
        "status = 'sideways'",
        "status = x'ff'",
        "id = x'00ff'",
        "reason = x'00ff'",
        "attempts = 'many'",
        "fingerprint = 'text'",
        "fingerprint = x'00'",
        "external_id = CAST(x'c328' AS TEXT)",
        "id = CAST(x'ff' AS TEXT)",
    ],
)
async def test_a_damaged_row_is_a_journal_error_whatever_it_holds(path, damage):
    with Journal(path) as journal:
        journal.write([ROW])
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE records SET {damage}")
    connection.commit()
    connection.close()
    with Journal(path, resume=True) as journal, pytest.raises(JournalError, match=r"run\.db"):
        Push(FakeSender(), [customer()], journal=journal)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE journal SET format = 4",
        "UPDATE journal SET format = 'two'",
        "UPDATE journal SET target = x'00'",
        "DELETE FROM journal",
        "INSERT INTO journal SELECT * FROM journal",
        "DROP TABLE records",
    ],
)
def test_a_journal_whose_head_is_damaged_is_refused(path, damage):
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute(damage)
    connection.commit()
    connection.close()
    with pytest.raises(JournalError, match=r"run\.db"), Journal(path, resume=True) as journal:
        journal.earlier()


def test_a_closed_journal_says_so(path):
    journal = Journal(path)
    journal.close()
    journal.close()
    for use in (journal.earlier, lambda: journal.bind("there"), lambda: journal.write([ROW])):
        with pytest.raises(JournalError, match="closed"):
            use()


class WatchedLock:
    """A lock that tells when the main thread asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.asked_for = threading.Event()

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.asked_for.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_closing_waits_for_a_write_that_is_under_way(path, monkeypatch):
    journal = Journal(path)
    journal._lock = lock = WatchedLock()
    under_way, ended = threading.Event(), []
    real = Journal._transact

    def slow(self, values):
        under_way.set()
        assert lock.asked_for.wait(10)
        real(self, values)
        ended.append("written")

    monkeypatch.setattr(Journal, "_transact", slow)
    writer = threading.Thread(target=journal.write, args=([ROW],))
    writer.start()
    assert under_way.wait(10)
    journal.close()
    ended.append("closed")
    writer.join()
    assert ended == ["written", "closed"]
