"""The chaos run in a small size, and that it can see what it is there to see."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos import __main__ as command
from chaos.check import Said, differences
from chaos.part import Result, Sizes
from chaos.promises import Promises, held_against, servers
from chaos.records import BUSINESSES, Line, lines

ROOT = Path(__file__).parents[1]
SEED = 1


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chaos", *arguments, "--seed", str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "size"),
    [
        ("faults", "--records=1000"),
        ("kills", "--records=1000"),
        ("tokens", "--records=1000"),
        ("promises", "--records=500"),
        ("soak", "--soak=8"),
    ],
)
def test_a_small_run_finds_no_difference(part: str, size: str) -> None:
    done = run(part, size, "--kills=4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no difference" in done.stdout
    assert f"seed {SEED}" in done.stdout


@pytest.mark.slow
def test_an_unknown_part_is_refused_with_those_there_are() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "soak" in done.stderr


def test_the_same_seed_gives_the_same_input_with_broken_lines_in_it() -> None:
    one, again, other = (list(lines(seed, 2_000)) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert 0 < sum(line.item is None for line in one) < 50


# --- what the check sees -------------------------------------------------------------


GIVEN = list(lines(SEED, 1_500))
GOOD = [number for number, line in enumerate(GIVEN, 1) if line.item is not None]
KINDS = ("customer", "invoice", "payment", "refund", "refund_payment")


def said() -> Said:
    """What an engine says that has done all that can be done."""
    broken = {*range(1, len(GIVEN) + 1)} - {*GOOD}
    return Said({*GOOD}, dict.fromkeys(broken, ("failed", "broken")))


def books(given: list[Line]) -> dict[str, Any]:
    """Books that hold these lines once each."""
    items = dict.fromkeys(line.item for line in given if line.item is not None)
    held = {}
    for name in BUSINESSES:
        of_kind = {
            kind: [one for one in items if (one.business, one.kind) == (name, kind)]
            for kind in KINDS
        }
        sums = {kind: sum(one.amount for one in of_kind[kind]) for kind in KINDS}
        owed = sums["invoice"] - sums["payment"]
        held[name] = {
            "rows": {
                kind: [[one.external_id, one.amount] for one in of_kind[kind]] for kind in KINDS
            },
            "totals": {
                "invoiced": sums["invoice"],
                "paid": sums["payment"],
                "outstanding": owed,
                "refunded": sums["refund"],
                "refund_paid": sums["refund_payment"],
            },
            "ledger": {
                "trial": 0,
                "receivable": owed,
                "refunds_payable": sums["refund_payment"] - sums["refund"],
            },
        }
    return held


def test_books_that_hold_what_was_done_have_no_difference() -> None:
    assert differences(GIVEN, said(), books(GIVEN)) == []


def test_a_record_that_is_lost_is_seen() -> None:
    held = books(GIVEN)
    held["bakery"]["rows"]["payment"].pop()
    [problem] = differences(GIVEN, said(), held)
    assert "called done, but not in the books" in problem


def test_a_record_that_is_doubled_is_seen() -> None:
    held = books(GIVEN)
    rows = held["bakery"]["rows"]["payment"]
    rows.append(rows[0])
    [problem] = differences(GIVEN, said(), held)
    assert "2 times in the books" in problem


def test_a_penny_is_seen() -> None:
    held = books(GIVEN)
    held["bakery"]["rows"]["invoice"][0][1] += 1
    found = differences(GIVEN, said(), held)
    assert [problem.partition(":")[0] for problem in found] == [
        "in the books, but not called done",
        "called done, but not in the books",
    ]


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("totals", "invoiced"),
        ("totals", "paid"),
        ("totals", "outstanding"),
        ("totals", "refunded"),
        ("totals", "refund_paid"),
        ("ledger", "trial"),
        ("ledger", "receivable"),
        ("ledger", "refunds_payable"),
    ],
)
def test_a_sum_that_is_a_penny_off_is_seen(part: str, what: str) -> None:
    held = books(GIVEN)
    held["brewery"][part][what] += 1
    [problem] = differences(GIVEN, said(), held)
    assert problem.startswith(f"brewery: {part}.{what} is ")


def test_a_record_that_failed_must_not_be_in_the_books() -> None:
    heard = said()
    heard.done.remove(GOOD[0])
    heard.failed[GOOD[0]] = ("failed", "refused")
    assert any("not called done" in one for one in differences(GIVEN, heard, books(GIVEN)))


@pytest.mark.parametrize("applied", [True, False])
def test_a_record_of_unknown_outcome_may_be_in_the_books_or_not(applied: bool) -> None:
    heard = said()
    heard.done.remove(GOOD[0])
    heard.failed[GOOD[0]] = ("unknown", "no answer")
    held = books(GIVEN if applied else GIVEN[: GOOD[0] - 1] + GIVEN[GOOD[0] :])
    assert differences(GIVEN, heard, held) == []


def test_a_record_that_is_said_to_differ_must_be_in_the_books() -> None:
    heard = said()
    heard.done.remove(GOOD[0])
    heard.failed[GOOD[0]] = ("differs", "Thred has it with other content")
    assert differences(GIVEN, heard, books(GIVEN)) == []
    lost = books(GIVEN[: GOOD[0] - 1] + GIVEN[GOOD[0] :])
    assert any("not in the books" in one for one in differences(GIVEN, heard, lost))


def test_a_record_of_which_nothing_is_said_is_seen() -> None:
    heard = said()
    heard.done.remove(GOOD[0])
    found = differences(GIVEN, heard, books(GIVEN))
    assert f"neither done nor in the failed file: line {GOOD[0]}" in found


def test_a_record_that_is_both_done_and_failed_is_seen() -> None:
    heard = said()
    heard.failed[GOOD[0]] = ("failed", "refused")
    assert differences(GIVEN, heard, books(GIVEN)) == [f"both done and failed: line {GOOD[0]}"]


def test_a_failure_without_a_reason_is_seen() -> None:
    heard = said()
    number = next(iter(heard.failed))
    heard.failed[number] = ("failed", None)
    assert differences(GIVEN, heard, books(GIVEN)) == [f"failed without a reason: line {number}"]


# --- what broken promises are held against ---------------------------------------------


LOSING, THROTTLED = Promises(({"kind": "duplicate"},), loses=True), Promises(())


def ended(status: str, *numbers: int) -> Said:
    """What an engine says that has done all but these."""
    heard = said()
    heard.done -= {*numbers}
    heard.failed |= dict.fromkeys(numbers, (status, "why"))
    return heard


def test_a_thousandth_may_stay_unknown_where_answers_are_lost() -> None:
    assert len(GOOD) > 1_000
    assert held_against(LOSING, GIVEN, said()) == []
    assert held_against(LOSING, GIVEN, ended("unknown", GOOD[0])) == []
    [problem] = held_against(LOSING, GIVEN, ended("unknown", *GOOD[:2]))
    assert problem == f"2 of {len(GOOD):,} good records are unknown"


@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_a_throttle_fails_no_record(status: str) -> None:
    [problem] = held_against(THROTTLED, GIVEN, ended(status, GOOD[0]))
    assert problem == "1 good records failed: why"
    assert held_against(LOSING, GIVEN, ended(status, GOOD[0])) == []


def test_the_limits_are_lower_for_few_records_and_on_a_slow_machine() -> None:
    rates = [
        [one.faults[0].get("rate") for one in servers(records, pace).values()]
        for records, pace in ((40_000, 2_000.0), (500, 2_000.0), (40_000, 100.0))
    ]
    none = [None, None, None]
    assert rates == [[*none, 100, 500], [*none, 20, 100], [*none, 8, 40]]


# --- the command ---------------------------------------------------------------------


def test_a_difference_makes_the_run_fail_and_says_how_to_repeat_it(monkeypatch, capsys) -> None:
    async def wrong(sizes: Sizes, folder: Path) -> Result:
        return Result(problems=["a penny is missing"])

    monkeypatch.setitem(command.PARTS, "tokens", wrong)
    monkeypatch.setattr(sys, "argv", ["chaos", "tokens", "--records", "7", "--seed", "5"])
    assert command.main() == 1
    printed = capsys.readouterr().out
    assert "a penny is missing" in printed
    assert "python -m chaos tokens --records 7 --kills 50 --soak 600 --seed 5" in printed


def test_a_part_that_hangs_is_ended_and_fails_the_run(monkeypatch, capsys) -> None:
    async def hang(sizes: Sizes, folder: Path) -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setitem(command.PARTS, "tokens", hang)
    monkeypatch.setattr(command, "_deadline", lambda name, sizes: 0.01)
    monkeypatch.setattr(sys, "argv", ["chaos", "tokens"])
    assert command.main() == 1
    assert "had not ended" in capsys.readouterr().out
