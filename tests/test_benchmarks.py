"""The benchmarks run and say what they promise; how fast it is is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.results import (
    BY_HAND,
    FIRST_CALL,
    HOLDS,
    PREBUILT,
    SHORT,
    TYPED,
    Row,
    Section,
    rows,
)

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def judged(section: str, setting: str, name: str, seconds: float, peer: float = 1.0) -> Row:
    [_, row] = rows(section, setting, {BY_HAND: [peer], name: [seconds]}, beside=BY_HAND)
    return row


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "shown"),
    [
        ("calls", ["**asyncio, plain, 8 at once**", "**uvloop, TLS, 1 at once**", TYPED]),
        ("peers", ["bare asyncio.Protocol"]),
        ("lists", ["thredfi: async for invoice in list()"]),
        ("codec", ["thredfi: codec.decode of a page"]),
        ("import", ["Model modules loaded by import thredfi_async: 0"]),
        ("cold", [FIRST_CALL]),
        ("push", ["push with a journal"]),
    ],
)
def test_each_section_runs_and_shows_its_variants(section: str, shown: list[str]) -> None:
    done = run(section, "--rounds", "1", "--calls", "16", "--concurrency", "8")
    assert (done.returncode, done.stderr) == (0, "")
    for words in shown:
        assert words in done.stdout
    assert "bars hold" in done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_an_unknown_section_is_refused_with_those_there_are() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "memory" in done.stderr


@pytest.mark.parametrize(("seconds", "verdict"), [(0.59, HOLDS), (0.60, HOLDS), (0.61, SHORT)])
def test_a_bar_holds_up_to_its_ratio(seconds: float, verdict: str) -> None:
    assert judged("calls", "asyncio, plain, 64 at once", TYPED, seconds).verdict == verdict


def test_the_typed_call_has_another_bar_one_at_a_time() -> None:
    assert judged("calls", "uvloop, TLS, 1 at once", TYPED, 0.65).verdict == HOLDS
    assert judged("calls", "uvloop, TLS, 64 at once", TYPED, 0.65).verdict == SHORT
    assert judged("calls", "uvloop, TLS, 1 at once", PREBUILT, 0.65).verdict == SHORT


@pytest.mark.parametrize(("seconds", "verdict"), [(0.214, HOLDS), (0.216, SHORT)])
def test_the_first_call_is_judged_by_its_difference(seconds: float, verdict: str) -> None:
    assert judged("cold", "fresh process", FIRST_CALL, seconds, peer=0.2).verdict == verdict


def test_what_has_no_bar_has_no_verdict() -> None:
    assert judged("peers", "64 at once", TYPED, 9.0).verdict == ""


def test_the_ratio_is_the_median_of_each_rounds_own() -> None:
    samples = {BY_HAND: [1.0, 10.0, 1.0], TYPED: [0.5, 5.0, 9.0]}
    [_, row] = rows("calls", "a setting", samples, beside=BY_HAND)
    assert (row.ratio, row.ratio_low, row.ratio_high) == (0.5, 0.5, 9.0)


def test_a_report_is_written_as_json_a_page_and_a_chart(tmp_path: Path) -> None:
    samples = {BY_HAND: [1e-4], TYPED: [5e-5]}
    sections = [
        Section(name, name, rows(name, "64 at once", samples, beside=BY_HAND), ["a note"])
        for name in ("calls", "peers")
    ]
    report.write(sections, "a machine", tmp_path)
    held = json.loads((tmp_path / "results.json").read_text())
    assert held["sections"][0]["rows"][1]["verdict"] == HOLDS
    page = (tmp_path / "report/results.md").read_text()
    assert "1 of 1 bars hold" in page
    assert "a note" in page
    chart = ElementTree.parse(tmp_path / "report/calls.svg")
    assert TYPED in "".join(chart.getroot().itertext())
