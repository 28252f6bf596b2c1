"""``thredfi push --journal``: a run that broke off, whatever ended it, goes on where it was."""

from __future__ import annotations

import json

import pytest

from .support import end, running, thredfi
from .test_push_command import GOOD, SOME_BAD, customer, invoice, until

pytestmark = pytest.mark.no_cover


async def test_after_kill_9_a_resumed_run_sends_only_what_is_not_done(
    emulator, env, file, tmp_path
):
    path = file([line for n in range(400) for line in (customer(n), invoice(n))])
    journal = ("--journal", tmp_path / "run.db")
    async with running("push", path, "-c", "4", *journal, env=env) as process:
        await until(lambda: len(emulator.books("shop").invoices) >= 100)
        process.kill()
        await process.wait()
    known = len(emulator.books("shop").invoices) + len(emulator.books("shop").customers)
    sent = emulator.requests["create_invoice"] + emulator.requests["create_customer"]
    ended = await thredfi("push", path, "--json", *journal, "--resume", env=env)
    figures = json.loads(ended.out)
    assert ended.status == 0, ended.err
    assert figures["created"] + figures["replayed"] == 800
    again = emulator.requests["create_invoice"] + emulator.requests["create_customer"] - sent
    # What is sent again is what was under way, or had its outcome on the way to the journal.
    assert 800 - known <= again <= 800 - known + 64
    assert again < 700
    assert emulator.books("shop").totals().invoiced == 400 * 500


async def test_a_resumed_run_lists_all_failures_again(env, file, tmp_path):
    path, failed = file(SOME_BAD), tmp_path / "failed.jsonl"
    arguments = ("push", path, "--journal", tmp_path / "run.db", "--failed", failed)
    first = await thredfi(*arguments, env=env)
    lines = sorted(json.loads(line)["line"] for line in failed.read_text().splitlines())
    again = await thredfi(*arguments, "--resume", env=env)
    assert (first.status, again.status) == (1, 1)
    assert lines == [21, 22, 23]
    assert sorted(json.loads(line)["line"] for line in failed.read_text().splitlines()) == lines


async def test_a_journal_that_is_there_needs_resume(env, file, tmp_path):
    arguments = ("push", file(GOOD), "--journal", tmp_path / "run.db")
    assert (await thredfi(*arguments, env=env)).status == 0
    ended = await thredfi(*arguments, env=env)
    assert ended.status == 2
    assert "is the journal of an earlier run" in ended.err
    assert "Traceback" not in ended.err


async def test_an_input_that_was_edited_and_sorted_anew_resumes(emulator, env, file, tmp_path):
    journal = ("--journal", tmp_path / "run.db")
    assert (await thredfi("push", file(GOOD[:-1]), *journal, env=env)).status == 0
    before = emulator.requests.total()
    other = file([GOOD[-1], *reversed(GOOD[:-1])], "other.jsonl")
    ended = await thredfi("push", other, *journal, "--resume", "--json", env=env)
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)
    assert (summary["created"], summary["replayed"]) == (1, len(GOOD) - 1)
    creates = emulator.requests.total() - before
    assert creates <= 4, "tokens, businesses, and the one record that is new"


async def test_a_second_process_on_the_same_journal_is_refused(emulator, env, file, tmp_path):
    path = file([customer(number) for number in range(3_000)])
    arguments = ("push", path, "-c", "2", "--journal", tmp_path / "run.db")
    async with running(*arguments, env=env) as process:
        await until(lambda: len(emulator.books("shop").customers) >= 20)
        second = await thredfi(*arguments, "--resume", env=env)
        process.terminate()
        assert (await end(process)).status == 130
    assert second.status == 2
    assert "in use by another process" in second.err


async def test_resume_without_a_journal_and_a_journal_that_cant_be_written(env, file, tmp_path):
    ended = await thredfi("push", file(GOOD), "--resume", env=env)
    assert ended.status == 2
    assert "name it with --journal FILE" in ended.err
    ended = await thredfi("push", file(GOOD), "--journal", tmp_path / "no" / "run.db", env=env)
    assert ended.status == 2
    assert "can't be used" in ended.err
