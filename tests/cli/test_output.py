"""Standard output and standard error that can't be written: a line and a status, no traceback."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import sys

import pytest

from thredfi_async.cli.output import _LogLines, counted, escaped

from .support import ROOT, UNREACHABLE, Ended, running
from .test_push_command import GOOD, SOME_BAD

FULL = ">/dev/full"
CLOSED = ">&-"
pytestmark = [
    pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full"),
    pytest.mark.no_cover,
]


async def shell(arguments: str, redirected: str, env=UNREACHABLE) -> Ended:
    """The command in a shell; what isn't redirected is caught."""
    clean = {name: value for name, value in os.environ.items() if "THREDFI" not in name}
    command = f"exec {shlex.quote(sys.executable)} -m thredfi_async.cli {arguments} {redirected}"
    process = await asyncio.create_subprocess_shell(
        command,
        env={**clean, "PYTHONPATH": str(ROOT), **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("redirected", [FULL, CLOSED])
@pytest.mark.parametrize("command", ["--help", "push --help", "emulator --port 0", "verify"])
async def test_without_anything_sent_it_is_a_line_and_status_2(command, redirected):
    ended = await shell(command, redirected)
    reason = "No space left on device" if redirected == FULL else "Bad file descriptor"
    assert ended.err == f"thredfi: can't write to standard output: {reason}\n"
    assert ended.status == 2


@pytest.mark.parametrize("redirected", [FULL, CLOSED])
@pytest.mark.parametrize("command", ["token", "token --show", "drift --business"])
async def test_what_only_reads_has_sent_nothing(emulator, env, command, redirected):
    if command.startswith("drift"):
        command = f"{command} {emulator.books('shop').id}"
    ended = await shell(command, redirected, env)
    assert ended.err.splitlines()[-1].startswith("thredfi: can't write to standard output: ")
    assert "Traceback" not in ended.err
    assert ended.status == 2


async def test_a_step_of_verify_that_wrote_something_makes_it_status_3(emulator, env):
    """A reader that leaves after the first lines, as head does."""
    emulator.faults.add("drip", operations=["create_invoice_payment"], seconds=1)
    async with running("verify", env=env) as process:
        await process.stdout.readuntil(b"invoice ")
        process.stdout._transport.close()
        assert await process.stderr.read() == (
            b"thredfi: can't write to standard output: Broken pipe\n"
        )
        assert await process.wait() == 3


@pytest.mark.parametrize("redirected", [FULL, CLOSED])
async def test_the_summary_of_a_push_that_cant_be_printed_is_status_3(
    emulator, env, file, redirected
):
    ended = await shell(f"push {file(GOOD)}", redirected, env)
    assert ended.err.splitlines()[-1].startswith("thredfi: can't write to standard output: ")
    assert "Traceback" not in ended.err
    assert ended.status == 3
    assert len(emulator.books("shop").customers) == 10


@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-", "2>&- <&-"])
async def test_remarks_that_nobody_can_read_change_nothing(emulator, env, file, redirected):
    ended = await shell(f"push {file(SOME_BAD)} --json", redirected, env)
    assert ended.status == 1
    assert json.loads(ended.out)["failed"] == 3
    assert len(emulator.books("shop").customers) == 10


@pytest.mark.parametrize("redirected", [">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
async def test_the_status_is_right_where_nothing_can_be_said(env, redirected):
    assert (await shell("verify", redirected, env)).status == 2
    assert (await shell("nonsense", redirected, env)).status == 2


async def test_closed_streams_dont_mix_with_files(emulator, env, file, tmp_path):
    """What is printed, or logged, must not get into a file that was given the number 1 or 2."""
    failed, journal = tmp_path / "failed.jsonl", tmp_path / "run.db"
    command = f"push {file(SOME_BAD)} --failed {failed} --journal {journal}"
    ended = await shell(command, ">&- 2>&- <&-", env)
    assert ended.status == 3
    assert [json.loads(line)["line"] for line in failed.read_text().splitlines()]
    assert journal.read_bytes()[:15] == b"SQLite format 3"


async def test_a_name_that_the_encoding_lacks_is_printed_all_the_same(emulator, env):
    business = emulator.add_business("snow", legal_name="Snow ☃ Ltd")
    ended = await shell(f"verify --business {business}", "", {**env, "PYTHONIOENCODING": "ascii"})
    assert ended.status == 0, ended.err
    assert "Snow \\u2603 Ltd" in ended.out


def test_what_moves_the_cursor_is_escaped_and_everything_else_stays():
    assert escaped("a\x1b[31m\r\n\t\x7f\x9b") == "a\\x1b[31m\\x0d\\x0a\\x09\\x7f\\x9b"
    assert escaped("\u202eabc\u2066\u2028\ud800") == "\\u202eabc\\u2066\\u2028\\ud800"
    assert escaped("Zoë, 東京 🧾 [bold]\u00a0£\\x") == "Zoë, 東京 🧾 [bold]\u00a0£\\x"


def test_counted():
    assert [counted(1, "record"), counted(0, "record")] == ["1 record", "0 records"]
    assert counted(2_000, "retry", "retries") == "2,000 retries"


def test_what_is_logged_is_escaped_line_by_line(capsys):
    handler = _LogLines()
    handler.handle(logging.LogRecord("x", logging.ERROR, "", 0, "at %s", ("\x1b[2J/\n",), None))
    assert capsys.readouterr().err == "at \\x1b[2J/\n\n"
