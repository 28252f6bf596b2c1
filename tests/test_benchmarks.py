"""The benchmarks run and say what they promise; how fast it is is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
def test_one_run_shows_the_typed_call_beside_the_hand_written_one() -> None:
    done = run("--rounds", "1", "--calls", "64", "--concurrency", "8")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    for start in (
        "aiohttp by hand: session.post(url, json=...), await r.json()",
        "thredfi: create(CreateInvoiceRequest(...)), built in each call",
        "import thredfi_async ",
    ):
        [shown, *_] = [line for line in lines if line.startswith(start)]
        assert float(shown.removeprefix(start).split()[0]) > 0
    assert "Model modules loaded by import thredfi_async: 0" in lines


@pytest.mark.slow
def test_an_unknown_section_is_refused_with_those_there_are() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "memory" in done.stderr
