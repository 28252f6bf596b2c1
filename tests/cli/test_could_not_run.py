"""What the command says, and its exit status, when it can't run. No server is needed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .support import ROOT, UNREACHABLE, thredfi

pytestmark = pytest.mark.no_cover

CUSTOMER = '{"type": "customer", "business": "shop", "external_id": "C1"}\n'


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(CUSTOMER)
    return path


async def test_a_missing_file_is_said_before_anything_is_sent(tmp_path):
    ended = await thredfi("push", tmp_path / "absent.jsonl")
    assert ended.status == 2
    assert "absent.jsonl: No such file or directory" in ended.err
    assert ended.out == ""


async def test_a_directory_is_no_input(tmp_path):
    ended = await thredfi("push", tmp_path)
    assert ended.status == 2
    assert "is a directory" in ended.err


async def test_a_failed_file_that_can_not_be_written_is_said_at_once(records, tmp_path):
    ended = await thredfi("push", records, "--failed", tmp_path / "no" / "failed.jsonl")
    assert ended.status == 2
    assert "can't write --failed" in ended.err


async def test_the_failed_file_may_not_be_the_input(records):
    ended = await thredfi("push", records, "--failed", records)
    assert ended.status == 2
    assert "is the input itself" in ended.err
    assert records.read_text() == CUSTOMER


async def test_missing_credentials_name_the_variables(records):
    env = {name: value for name, value in UNREACHABLE.items() if name != "THREDFI_API_KEY"}
    ended = await thredfi("push", records, env=env)
    assert ended.status == 2
    assert "THREDFI_API_KEY" in ended.err
    assert "Traceback" not in ended.err


async def test_an_unreachable_server_is_said_once_and_no_record_is_blamed(records, tmp_path):
    failed = tmp_path / "failed.jsonl"
    ended = await thredfi("push", records, "--failed", failed, "--json")
    assert ended.status == 2
    assert "stopped: " in ended.err
    assert "no connection" in ended.err
    assert '"failed": 0' in ended.out
    assert not failed.exists()
    assert "planted-secret-key" not in ended.out + ended.err


async def test_the_api_key_is_no_option():
    ended = await thredfi("push", "-", "--api-key", "secret")
    assert ended.status == 2
    assert "No such option: --api-key" in ended.err


async def test_a_key_file_that_can_not_be_read_is_named(records, tmp_path):
    ended = await thredfi("push", records, "--api-key-file", tmp_path / "key")
    assert ended.status == 2
    assert "No such file" in ended.err


async def test_an_unknown_environment_names_the_known_ones(records):
    ended = await thredfi("push", records, "--environment", "moon")
    assert ended.status == 2
    assert "sandbox or production" in ended.err


@pytest.mark.parametrize("command", ["push", "token", "emulator"])
async def test_every_command_has_help(command):
    ended = await thredfi(command, "--help")
    assert ended.status == 0
    assert "Usage: thredfi" in ended.out


def test_without_the_extra_the_command_says_how_to_get_it():
    code = (
        "import sys; sys.modules['typer'] = None\n"
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'typer' else real(name, *a)\n"
        "from thredfi_async.cli import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == 2
    assert "pip install 'thredfi-async[cli]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_rest_of_the_package_needs_neither_typer_nor_rich():
    code = (
        "import sys; sys.modules['typer'] = sys.modules['rich'] = None\n"
        "import thredfi_async.push, thredfi_async.emulator, thredfi_async.cli"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0
