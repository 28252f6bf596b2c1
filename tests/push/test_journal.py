"""The journal: what is in it is not sent again, and what isn't is never called settled."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading

import pytest

from tests.support import ScriptedServer, answer
from thredfi_async import (
    BadRequest,
    InvalidRequest,
    JournalError,
    OutcomeUnknown,
    ServerError,
    ThredfiClient,
)
from thredfi_async.differences import Difference
from thredfi_async.manner import History
from thredfi_async.push import Journal, Push, Status

from .fakes import (
    FakeSender,
    PatientClock,
    customer,
    invoice,
    made,
    payment,
    refund,
    refund_payment,
)


async def collect(push, outcomes):
    async for outcome in push:
        outcomes.append(outcome)


def shop_of(invoices):
    """A server that refuses what it knows by the state that it is in, and says no word of it."""
    page = {"page_info": {"total_pages": 1}}

    def script(request):
        if request.method == "POST":
            known = request.json()["external_id"] in invoices
            return answer(400, {"message": "Paid."}) if known else answer(201, {"id": "new"})
        if request.target.startswith("/v1/platform/businesses/?"):
            return answer(200, {"results": [{"id": "b", "external_id": "shop"}], **page})
        last = request.target.rstrip("/").rpartition("/")[2]
        if last.startswith("?"):
            return answer(200, {"results": list(invoices.values()), **page})
        return answer(200, next(one for one in invoices.values() if one["id"] == last))

    return script


async def test_what_was_under_way_at_a_crash_and_is_refused_now_is_looked_up(tmp_path):
    lines = [{"description": "x", "quantity": 1, "unit_price": 5}]
    fields = {"external_id": "i", "sent_at": "2025-01-01T00:00:00Z", "line_items": lines}
    record = {"type": "invoice", "business": "shop", **fields}
    path = tmp_path / "run.db"
    Journal(path).close()  # no trace of the invoice, which had been sent
    async with ScriptedServer() as server:
        server.script = shop_of({"i": {"id": "i-1", **fields}})
        async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi:
            with Journal(path, resume=True) as journal:
                outcomes = [one async for one in thredfi.push([record], journal=journal)]
            assert [(one.status, one.id) for one in outcomes] == [(Status.REPLAYED, "i-1")]
            first = [one async for one in thredfi.push([record])]  # nobody has sent it before
            assert [one.status for one in first] == [Status.FAILED]


RECORDS = [customer(), invoice(), payment(), refund()]


async def run(sender, records, journal, **more):
    push = Push(sender, records, journal=journal, **more)
    return [outcome async for outcome in push], push.summary


async def test_what_is_done_is_not_sent_again(tmp_path):
    path = tmp_path / "run.db"
    with Journal(path) as journal:
        await run(FakeSender(), RECORDS[:2], journal)
    sender = FakeSender()
    with Journal(path, resume=True) as journal:
        outcomes, summary = await run(sender, RECORDS, journal)
    assert sender.names == ["P1", "R1"]
    assert [o.status for o in sorted(outcomes, key=lambda o: o.line)] == [
        Status.REPLAYED,
        Status.REPLAYED,
        Status.CREATED,
        Status.CREATED,
    ]
    assert outcomes[0].reason == "done in an earlier run"
    assert summary.complete
    # The ids of the earlier run stand in what refers to them.
    bodies = {body["external_id"]: body for _, _, body in sender.sent}
    assert bodies["R1"]["invoice_id"] == "id-I1"
    assert bodies["P1"]["customer_id"] == "id-C1"


async def test_what_failed_is_tried_again(tmp_path):
    path = tmp_path / "run.db"

    def refuse(kind, body):
        raise BadRequest(status=400, code="validation_error", message="no", operation="o")

    with Journal(path) as journal:
        outcomes, _ = await run(FakeSender(refuse), RECORDS, journal)
    assert {outcome.status for outcome in outcomes} == {Status.FAILED}
    with Journal(path, resume=True) as journal:
        outcomes, _ = await run(FakeSender(), RECORDS, journal)
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}


async def test_the_journal_tells_what_became_of_each_record(tmp_path):
    path = tmp_path / "run.db"

    def answer(kind, body):
        if kind == "payment":
            raise BadRequest(status=400, code="validation_error", message="no", operation="o")
        return made(f"id-{body['external_id']}", created=kind != "customer")

    with Journal(path) as journal:
        await run(FakeSender(answer), RECORDS, journal)
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, line, status, id, reason FROM records").fetchall()
    connection.close()
    found = {row[0]: row[1:] for row in rows}
    assert found["customer"] == (1, "replayed", "id-C1", None)
    assert found["invoice"] == (2, "created", "id-I1", None)
    assert found["payment"][:3] == (3, "failed", None)
    assert "no" in found["payment"][3]


async def test_nothing_counts_as_settled_before_the_journal_has_it(tmp_path, monkeypatch):
    may_write, writing = threading.Event(), threading.Event()
    real = Journal.write

    def slow(self, rows):
        writing.set()
        assert may_write.wait(10)
        real(self, rows)

    monkeypatch.setattr(Journal, "write", slow)
    with Journal(tmp_path / "run.db") as journal:
        push = Push(FakeSender(), RECORDS[:1], journal=journal)
        first = asyncio.ensure_future(anext(push))
        assert await asyncio.to_thread(writing.wait, 10)
        await asyncio.sleep(0)
        assert not first.done()
        assert push.summary.total() == 0
        may_write.set()
        assert (await first).ok
        await push.aclose()


async def test_no_more_is_sent_and_not_in_the_journal_than_may_be_under_way(tmp_path, monkeypatch):
    may_write, writing = threading.Event(), threading.Event()
    real = Journal.write

    def slow(self, rows):
        writing.set()
        assert may_write.wait(10)
        real(self, rows)

    monkeypatch.setattr(Journal, "write", slow)
    sender, outcomes = FakeSender(), []
    with Journal(tmp_path / "run.db") as journal:
        records = [customer(f"C{number}") for number in range(100)]
        push = asyncio.ensure_future(
            collect(Push(sender, records, journal=journal, concurrency=8), outcomes)
        )
        assert await asyncio.to_thread(writing.wait, 10)
        for _ in range(200):  # turns of the loop in which more could be sent
            await asyncio.sleep(0)
        assert len(sender.sent) == 8
        may_write.set()
        await push
    assert len(outcomes) == len(sender.sent) == 100


async def test_records_that_wait_for_a_token_do_not_wait_for_the_journal(tmp_path):
    left = iter(range(1))

    def answer(kind, body):
        if next(left, None) is not None:
            raise ServerError(503, operation="get_business_token")

    with Journal(tmp_path / "run.db") as journal:
        async with asyncio.timeout(10):
            outcomes, _ = await run(
                FakeSender(answer, clock=PatientClock()), [customer()], journal, concurrency=1
            )
    assert [outcome.status for outcome in outcomes] == [Status.CREATED]


async def test_what_is_settled_is_kept_when_the_caller_leaves_early(tmp_path):
    path = tmp_path / "run.db"
    records = [customer(f"C{number}") for number in range(200)]
    sender = FakeSender()
    with Journal(path) as journal:
        push = Push(sender, records, journal=journal)
        await anext(push)
        await push.aclose()
    sent = len(sender.sent)
    sender = FakeSender()
    with Journal(path, resume=True) as journal:
        outcomes, _ = await run(sender, records, journal)
    assert len(outcomes) == 200
    # All but those that were under way when the caller left.
    assert 0 <= len(sender.sent) - (200 - sent) <= 64


async def test_a_full_disk_ends_the_run_and_loses_nothing(tmp_path):
    path = tmp_path / "run.db"
    records = [customer(f"C{number}") for number in range(3_000)]
    outcomes = []
    with Journal(path) as journal:
        journal._connection.execute("PRAGMA max_page_count = 20")  # as a disk that is full
        push = Push(FakeSender(), records, journal=journal)
        with pytest.raises(JournalError, match="full"):
            await collect(push, outcomes)
    assert 0 < len(outcomes) < 3_000
    sender = FakeSender()
    with Journal(path, resume=True) as journal:
        again, summary = await run(sender, records, journal)
    assert len(again) == 3_000
    assert summary.complete
    assert len(sender.sent) < 3_000


async def test_an_input_that_was_sorted_anew_and_edited_resumes(tmp_path):
    path = tmp_path / "run.db"
    with Journal(path) as journal:
        await run(FakeSender(), [customer(f"C{number}") for number in range(20)], journal)
    sender = FakeSender()
    records = [customer("new"), *(customer(f"C{number}") for number in range(19, -1, -2))]
    with Journal(path, resume=True) as journal:
        outcomes, _ = await run(sender, records, journal)
    assert sender.names == ["new"]
    assert [outcome.id for outcome in outcomes if outcome.reason] == [
        f"id-C{number}" for number in range(19, -1, -2)
    ]


async def test_a_record_that_is_done_and_has_other_content_now_is_sent(tmp_path):
    path = tmp_path / "run.db"
    with Journal(path) as journal:
        await run(FakeSender(), [customer("C1"), customer("C2")], journal)
    difference = Difference("company_name", "Changed Ltd", "Heron Ltd")
    sender = FakeSender(lambda *_: made("id-C2", created=False, differences=(difference,)))
    changed = [customer("C1"), customer("C2", company_name="Changed Ltd")]
    with Journal(path, resume=True) as journal:
        outcomes, summary = await run(sender, changed, journal)
    assert sender.names == ["C2"]
    assert not sender.manners[0].changed, "it is done: no key is burnt"
    (differs,) = [outcome for outcome in outcomes if not outcome.ok]
    assert differs.status is Status.DIFFERS
    assert differs.differences == (difference,)
    assert "company_name" in differs.reason
    assert (summary.differs, summary.failed) == (1, 0)

    sender = FakeSender()
    with Journal(path, resume=True) as journal:
        outcomes, summary = await run(sender, [*changed, invoice(customer="C2")], journal)
    assert sender.names == ["I1"], "it is at Thred, so it is settled and can be referred to"
    assert sender.sent[0][2]["customer_id"] == "id-C2"
    again = next(outcome for outcome in outcomes if outcome.external_id == "C2")
    assert again.status is Status.DIFFERS
    assert "company_name" in again.reason


async def test_what_was_refused_and_has_other_content_now_is_sent_as_changed(tmp_path):
    path = tmp_path / "run.db"

    def refuse(kind, body):
        if body["external_id"] == "C4":
            raise InvalidRequest.at("name", "is wrong")  # nothing was sent
        raise BadRequest(status=400, message="no", operation="o")

    with Journal(path) as journal:
        await run(FakeSender(refuse), [customer(f"C{number}") for number in range(5)], journal)
    sender = FakeSender()
    mended = [
        customer("C0"),
        customer("C1", company_name="Mended"),
        customer("C4", company_name=""),
    ]
    with Journal(path, resume=True) as journal:
        await run(sender, mended, journal)
    changed = dict(zip(sender.names, [manner.changed for manner in sender.manners], strict=True))
    assert changed == {"C0": False, "C1": True, "C4": False}


async def test_what_may_be_at_thred_is_sent_again_as_what_may_be_there(tmp_path):
    """A refusal proves nothing then, in a later run as in the same."""
    path = tmp_path / "run.db"

    def lose(kind, body):
        if body["external_id"] == "C1":
            raise OutcomeUnknown("lost", operation="o", method="POST", path="/", attempts=5)

    records = [customer("C1"), customer("C2")]
    with Journal(path) as journal:
        outcomes, _ = await run(FakeSender(lose), records, journal)
    entry = next(outcome for outcome in outcomes if not outcome.ok).as_failed_line()
    with_journal, with_failed_file = FakeSender(), FakeSender()
    with Journal(path, resume=True) as journal:
        await run(with_journal, records, journal)
    await run(with_failed_file, [json.loads(json.dumps(entry))], None)
    for sender in (with_journal, with_failed_file):
        assert sender.names == ["C1"]
        assert sender.manners[0].earlier == History(uncertain=True)


async def test_payments_of_one_name_for_two_refunds_are_two_records(tmp_path):
    path = tmp_path / "run.db"
    records = [
        customer(), invoice(), refund("R1"), refund("R2"),
        refund_payment("p1", "R1"), refund_payment("p1", "R2", amount_cents=5),
    ]  # fmt: skip
    with Journal(path) as journal:
        outcomes, _ = await run(FakeSender(), records, journal)
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    by_id = refund_payment("p1", "R3") | {"refund_external_id": None, "refund_id": "id-R3"}
    sender = FakeSender()
    with Journal(path, resume=True) as journal:
        outcomes, _ = await run(sender, [*records, by_id], journal)
    assert [body["refund_id"] for _, _, body in sender.sent] == ["id-R3"]


async def test_a_journal_that_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "run.db"
    Journal(path).close()
    with pytest.raises(JournalError, match="of an earlier run: resume that"):
        Journal(path)


async def test_a_second_process_is_refused(tmp_path):
    path = tmp_path / "run.db"
    with Journal(path), pytest.raises(JournalError, match="in use by another process"):
        Journal(path, resume=True)


async def test_another_environment_or_partner_is_refused(tmp_path):
    path = tmp_path / "run.db"
    known = {"partner_uuid": "p", "api_key": "k"}
    with Journal(path) as journal:
        async with ThredfiClient(**known, environment="sandbox") as thredfi:
            await thredfi.push([], journal=journal).aclose()
        async with ThredfiClient(**known, environment="production") as thredfi:
            with pytest.raises(JournalError, match=r"sandbox.*not partner p at https://api"):
                thredfi.push([], journal=journal)


async def test_a_file_that_is_no_journal_is_refused(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 1000)
    with pytest.raises(JournalError, match="can't be used"):
        Journal(text, resume=True)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE things (name)")
    connection.close()
    with pytest.raises(JournalError, match="is not the journal of a push"):
        Journal(other, resume=True)
    with pytest.raises(JournalError, match="can't be used"):
        Journal(tmp_path / "nowhere" / "run.db")


async def test_a_record_that_a_broken_journal_did_not_take_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Journal, "write", _fails)
    sender, outcomes = FakeSender(), []
    with Journal(tmp_path / "run.db") as journal:
        push = Push(sender, [customer(f"C{n}") for n in range(500)], journal=journal, concurrency=8)
        with pytest.raises(JournalError, match="ZeroDivisionError"):
            await collect(push, outcomes)
    assert [outcome.external_id for outcome in outcomes] == sender.names
    assert {(outcome.ok, outcome.journaled) for outcome in outcomes} == {(True, False)}
    assert not push.summary.complete


def _fails(journal, rows):
    raise ZeroDivisionError("not what anybody expects")


async def test_outcomes_say_whether_the_journal_has_them(tmp_path):
    with Journal(tmp_path / "run.db") as journal:
        outcomes, _ = await run(FakeSender(), [customer(), b"{"], journal)
    assert {outcome.line: outcome.journaled for outcome in outcomes} == {1: True, 2: None}
    assert [outcome.journaled async for outcome in Push(FakeSender(), [customer()])] == [None]


async def test_text_that_is_not_unicode_hangs_nothing(tmp_path):
    lone = "half a pair: \ud800"

    def answer(kind, body):
        if body["external_id"] == "C1":
            raise BadRequest(status=400, message=lone, operation="o")
        return made(lone)

    with Journal(tmp_path / "run.db") as journal:
        async with asyncio.timeout(10):
            outcomes, summary = await run(
                FakeSender(answer), [customer("C1"), customer("C2"), invoice("I1", "C2")], journal
            )
    assert summary.complete
    assert {outcome.external_id: outcome.ok for outcome in outcomes} == {
        "C1": False, "C2": True, "I1": True
    }  # fmt: skip


async def test_two_pushes_on_one_journal_are_refused(tmp_path):
    with Journal(tmp_path / "run.db") as journal:
        first = Push(FakeSender(), RECORDS, journal=journal)
        with pytest.raises(JournalError, match="serves one push"):
            Push(FakeSender(), RECORDS, journal=journal)
        assert len([outcome async for outcome in first]) == len(RECORDS)
        with pytest.raises(JournalError, match="serves one push"):
            Push(FakeSender(), RECORDS, journal=journal)


async def test_no_thread_for_the_journal_ends_the_run_before_anything_is_sent(
    tmp_path, monkeypatch
):
    def no_more_threads(thread):
        raise RuntimeError("can't start new thread")

    sender = FakeSender()
    with Journal(tmp_path / "run.db") as journal:
        push = Push(sender, RECORDS, journal=journal)
        monkeypatch.setattr(threading.Thread, "start", no_more_threads)
        with pytest.raises(JournalError, match="can't start new thread"):
            await collect(push, [])
    assert sender.sent == []
