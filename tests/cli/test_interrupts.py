"""Ctrl-C and SIGTERM: the first ends a command in good order, the second in any case."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sys
import time

import pytest

from .support import ROOT, end, running
from .test_push_command import GOOD, customer, until

SOON = 6.0  # seconds that two Ctrl-C may take at most, on a busy machine

# Waits in SQLite, which answers to no signal and lets other threads run: as a disk that hangs.
HANGING = """
import sqlite3
from thredfi_async.cli import interrupts
interrupts.install()
while True:
    try:
        print("ready", flush=True)
        sqlite3.connect(":memory:").execute(
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
        ).fetchall()
    except KeyboardInterrupt:  # it came before SQLite was reached
        pass
"""


async def test_two_end_a_process_that_hangs_in_what_answers_to_no_signal():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HANGING,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.wait_for(process.stdout.readline(), 20)
        began = time.monotonic()
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.2)
        _, err = await asyncio.wait_for(process.communicate(), 20)
        assert time.monotonic() - began < SOON
        assert (process.returncode, err) == (130, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def hanging(emulator, env, file):
    """A push with calls under way that get no answer."""
    emulator.faults.add("hang", operations=["create_customer"], seconds=60)
    path = file([customer(number) for number in range(50)])
    async with running("push", path, "-c", "4", "--json", "--no-progress", env=env) as process:
        await until(lambda: emulator.requests["get_business_token"] > 0)
        yield process
    emulator.faults.clear()


async def test_the_second_one_ends_calls_under_way_and_says_what_is_known(hanging):
    hanging.send_signal(signal.SIGINT)
    line = await asyncio.wait_for(hanging.stderr.readline(), 20)
    assert b"calls under way get up to 10 s" in line
    began = time.monotonic()
    hanging.send_signal(signal.SIGINT)
    ended = await end(hanging)
    assert time.monotonic() - began < SOON
    assert ended.status == 130
    assert json.loads(ended.out)["interrupted"] is True
    assert "Traceback" not in ended.err


async def test_sigterm_is_a_first_one_however_often_it_comes(hanging):
    """`timeout` sends it to the process and once more to its group."""
    hanging.send_signal(signal.SIGTERM)
    await asyncio.wait_for(hanging.stderr.readline(), 20)
    hanging.send_signal(signal.SIGTERM)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hanging.wait(), 0.5)
    hanging.send_signal(signal.SIGINT)
    assert (await end(hanging)).status == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_while_it_opens_its_files(env, file, tmp_path, number):
    """A pipe into which nobody writes holds up whoever reads it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = ("push", file(GOOD), "--api-key-file", pipe)
    async with running(*arguments, env=env) as process:
        writer = await until(lambda: _opened_by_another(pipe))
        process.send_signal(number)
        ended = await end(process)
        os.close(writer)
    assert (ended.status, ended.out, ended.err) == (130, "", "thredfi: interrupted\n")


@pytest.mark.parametrize("command", ["token", "verify"])
async def test_while_it_waits_for_an_answer(emulator, env, command):
    emulator.faults.add("hang", operations=["get_partner_token"], seconds=60)
    async with running(command, env=env) as process:
        await until(lambda: emulator.requests or emulator.faults.struck)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert (ended.status, ended.out, ended.err) == (130, "", "thredfi: interrupted\n")
    emulator.faults.clear()


async def test_while_it_prints_to_a_pipe_that_is_full(emulator, env):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 1024)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    async with running("token", env=env, stdout=writer) as process:
        os.close(writer)
        await until(lambda: emulator.requests["get_partner_token"])
        await asyncio.sleep(0.5)  # to close its connections; then it prints
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), SOON) == 130
        assert await process.stderr.read() == b"thredfi: interrupted\n"
    os.close(reader)


async def test_the_emulator_ends_well_at_the_first_one(env):
    for number in (signal.SIGINT, signal.SIGTERM):
        async with running("emulator", "--port", "0", env={}) as process:
            await asyncio.wait_for(process.stdout.readline(), 20)
            process.send_signal(number)
            ended = await end(process)
        assert (ended.status, ended.err) == (0, "")


def _opened_by_another(pipe) -> int | None:
    """An end to write to, once somebody reads."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
