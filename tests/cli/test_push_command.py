"""``thredfi push`` as a process of its own, against the emulator over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import secrets
import signal

import pytest

from .support import end, running, thredfi

pytestmark = pytest.mark.no_cover


def customer(number: int, **more) -> str:
    return json.dumps({"type": "customer", "business": "shop", "external_id": f"C{number}", **more})


def invoice(number: int, **more) -> str:
    return json.dumps(
        {
            "type": "invoice",
            "business": "shop",
            "external_id": f"I{number}",
            "customer_external_id": f"C{number}",
            "sent_at": "2025-01-06T09:00:00Z",
            "line_items": [{"description": "Coffee", "quantity": 1, "unit_price": 500}],
            **more,
        }
    )


async def until(true):
    """Wait for something that another process brings about, and return it."""
    for _ in range(3000):
        if found := true():
            return found
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


GOOD = [line for number in range(10) for line in (customer(number), invoice(number))]
SOME_BAD = [*GOOD, "{", customer(11, colour="red"), invoice(11)]


async def test_all_pushed_is_status_0_with_a_summary_for_people(emulator, env, file):
    ended = await thredfi("push", file(GOOD), env=env)
    assert ended.status == 0, ended.err
    assert "customer" in ended.out
    assert "20 records in" in ended.out
    assert emulator.books("shop").totals().invoiced == 5000


async def test_gzip_and_standard_input_are_read_alike(emulator, env, file):
    first = await thredfi("push", file(GOOD[:10], pack=True), "--json", env=env)
    assert json.loads(first.out)["created"] == 10
    packed = gzip.compress("\n".join(GOOD).encode())
    second = await thredfi("push", "-", "--json", env=env, given=packed)
    assert json.loads(second.out)["created"] == 10
    assert json.loads(second.out)["replayed"] == 10
    third = await thredfi("push", "-", "--json", env=env, given="\n".join(GOOD).encode())
    assert json.loads(third.out)["replayed"] == 20


async def test_some_failed_is_status_1_and_they_are_in_the_failed_file(env, file, tmp_path):
    failed = tmp_path / "failed.jsonl"
    ended = await thredfi("push", file(SOME_BAD), "--failed", failed, env=env)
    assert ended.status == 1
    entries = {entry["line"]: entry for entry in map(json.loads, failed.read_text().splitlines())}
    assert sorted(entries) == [21, 22, 23]
    assert entries[21]["record"] == "{"
    assert "not JSON" in entries[21]["reason"]
    assert "colour: is unknown" in entries[22]["reason"]
    assert entries[22]["error"]["type"] == "InvalidRequest"
    assert entries[23]["waited_for"] == {"type": "customer", "external_id": "C11", "line": 22}
    assert "3 records failed; they are in" in ended.err


async def test_the_failed_file_can_be_pushed_after_mending(emulator, env, file, tmp_path):
    failed = tmp_path / "failed.jsonl"
    await thredfi("push", file(SOME_BAD), "--failed", failed, env=env)
    lines = failed.read_text().replace("colour", "city").splitlines()
    mended = file([line for line in lines if '"line": 21' not in line], "mended.jsonl")
    ended = await thredfi("push", mended, env=env)
    assert ended.status == 0, ended.err
    assert len(emulator.books("shop").invoices) == 11


async def test_without_a_failed_file_the_first_reasons_are_shown(env, file):
    bad = [customer(number, colour="red") for number in range(9)]
    ended = await thredfi("push", file(bad), env=env)
    assert ended.status == 1
    assert "line 1 (customer C0 of shop): colour: is unknown" in ended.err
    assert "and 4 more; --failed FILE keeps them all" in ended.err


async def test_a_run_without_failures_leaves_an_empty_failed_file(env, file, tmp_path):
    failed = tmp_path / "failed.jsonl"
    failed.write_text("of an earlier run")
    await thredfi("push", file(GOOD), "--failed", failed, env=env)
    assert failed.read_text() == ""


async def test_json_is_all_that_is_on_stdout(env, file):
    ended = await thredfi("push", file(SOME_BAD), "--json", env=env)
    figures = json.loads(ended.out)
    assert ended.status == 1
    assert figures["types"]["customer"] == {
        "created": 10, "changed": 0, "replayed": 0, "differs": 0, "failed": 1, "unknown": 0
    }  # fmt: skip
    assert figures["types"]["unreadable"]["failed"] == 1
    assert (figures["created"], figures["failed"], figures["complete"]) == (20, 3, True)
    assert figures["requests"] >= 20
    assert figures["retries"] == 0
    assert figures["seconds"] > 0
    assert figures["interrupted"] is False


async def test_wrong_credentials_are_status_2_said_once_and_no_record_is_blamed(
    env, file, tmp_path
):
    key = tmp_path / "key"
    key.write_text("planted-wrong-key\n")
    failed = tmp_path / "failed.jsonl"
    ended = await thredfi(
        "push", file(GOOD), "--failed", failed, "--api-key-file", key, "--json", env=env
    )
    assert ended.status == 2
    assert ended.err.count("401") == 1
    assert json.loads(ended.out)["failed"] == 0
    assert not failed.exists()
    for text in (ended.out, ended.err):
        assert "planted-wrong-key" not in text
        assert env["THREDFI_API_KEY"] not in text
        assert "Traceback" not in text


async def test_a_key_from_a_file_works(env, file, tmp_path):
    key = tmp_path / "key"
    key.write_text(env.pop("THREDFI_API_KEY") + "\n")
    ended = await thredfi("push", file(GOOD), "--api-key-file", key, env=env)
    assert ended.status == 0, ended.err


async def test_what_breaks_off_after_something_was_sent_is_status_3(emulator, env, tmp_path):
    """The first half of the input is sent before the second half turns out to be broken."""
    lines = [customer(number, company_name=secrets.token_hex(100)) for number in range(2500)]
    # Chance can't be packed, so there are several blocks, of 128 KiB since Python 3.12.
    packed = gzip.compress("\n".join(lines).encode())
    arguments = ("push", "-", "--no-progress")
    async with running(*arguments, env=env, stdin=asyncio.subprocess.PIPE) as process:
        process.stdin.write(packed[:-9])
        await until(lambda: emulator.books("shop").customers)
        ended = await end(process, b"")
    assert ended.status == 3
    assert "the gzip data is broken" in ended.err
    assert "are settled" in ended.err
    assert "Traceback" not in ended.err


async def test_what_breaks_off_before_anything_was_sent_is_status_2(emulator, env, tmp_path):
    path = tmp_path / "records.gz"
    path.write_bytes(gzip.compress(b"")[:-4])
    ended = await thredfi("push", path, env=env)
    assert ended.status == 2
    assert "the gzip data is broken" in ended.err
    assert "nothing was pushed" in ended.err


async def test_one_record_is_one_record(env, file):
    ended = await thredfi("push", file([customer(1, colour="red")]), env=env)
    assert "1 record in" in ended.out
    assert "1 records" not in ended.out + ended.err


async def test_texts_of_records_leave_the_terminal_as_it_is(env, file):
    """An id, a reason and a file's name: a title, a colour, a cursor, a direction of reading."""
    strange = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[bold red]C1\r\n"
    record = json.dumps(
        {"type": "customer", "business": "shop", "external_id": strange, strange: "x"}
    )
    ended = await thredfi("push", file([record]), env=env)
    absent = await thredfi("push", f"{strange}.jsonl", env=env)
    assert (ended.status, absent.status) == (1, 2)
    for said in (ended.err, absent.err):
        assert "\\x1b]0;owned" in said
        assert "[bold red]C1\\x0d\\x0a" in said
        assert not set(said) & set("\x1b\x07\x9b\u202e\r")


async def test_ctrl_c_ends_in_good_order_and_says_what_was_done(emulator, env):
    arguments = ("push", "-", "--json", "-c", "4")
    async with running(*arguments, env=env, stdin=asyncio.subprocess.PIPE) as process:
        process.stdin.write("".join(f"{customer(number)}\n" for number in range(300)).encode())
        await until(lambda: len(emulator.books("shop").customers) >= 20)
        process.send_signal(signal.SIGINT)
        # standard input stays open: the command must not wait for it
        reading = asyncio.gather(process.stdout.read(), process.stderr.read())
        out, err = await asyncio.wait_for(reading, 20)
        assert await process.wait() == 130
    figures = json.loads(out)
    assert figures["interrupted"] is True
    assert figures["complete"] is False
    assert figures["created"] == len(emulator.books("shop").customers)
    assert b"Push the same input again to go on" in err
    assert b"Traceback" not in err


async def test_after_ctrl_c_the_same_input_goes_in_completely_and_nothing_twice(
    emulator, env, file
):
    path = file([line for n in range(400) for line in (customer(n), invoice(n))])
    async with running("push", path, "-c", "4", env=env) as process:
        await until(lambda: len(emulator.books("shop").invoices) >= 20)
        process.send_signal(signal.SIGINT)
        assert (await end(process)).status == 130
    assert len(emulator.books("shop").invoices) < 400
    ended = await thredfi("push", path, "--json", env=env)
    figures = json.loads(ended.out)
    assert ended.status == 0
    assert figures["replayed"] >= 20
    assert figures["created"] + figures["replayed"] == 800
    assert emulator.books("shop").totals().invoiced == 400 * 500


async def test_on_a_terminal_there_is_a_bar(env, file):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    terminal = {**env, "TERM": "xterm"}
    async with running("push", file(GOOD), env=terminal, stderr=theirs) as process:
        os.close(theirs)
        shown = await asyncio.to_thread(_read_all, ours)
        out = await process.stdout.read()
        assert await process.wait() == 0
    assert "20/20" in shown
    assert "0 failed" in shown
    assert b"20 records in" in out


def _read_all(terminal: int) -> str:
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    return shown.decode()
