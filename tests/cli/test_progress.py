"""What is shown while a push goes on."""

from __future__ import annotations

import asyncio

import pytest

from thredfi_async.cli import progress
from thredfi_async.push import Outcome, Status, Summary


@pytest.fixture
def summary():
    summary = Summary(records=3, seconds=2.0)
    for line, status in enumerate((Status.CREATED, Status.REPLAYED, Status.UNKNOWN), 1):
        summary.add(
            Outcome(line=line, type="customer", business="b", external_id="x", status=status)
        )
    return summary


async def shown(monkeypatch, summary, file="-") -> None:
    monkeypatch.setattr(progress.Lines, "interval", 0.01)
    async with progress.show_progress(str(file), lambda: summary):
        await asyncio.sleep(0.1)


async def test_without_a_terminal_it_is_a_line_now_and_then(monkeypatch, summary, capsys):
    await shown(monkeypatch, summary)
    out, err = capsys.readouterr()
    assert "3 records, 2/s, 1 failed" in err
    assert out == ""


async def test_the_size_of_a_file_is_shown_once_it_is_known(monkeypatch, summary, capsys, tmp_path):
    file = tmp_path / "records.jsonl"
    file.write_text("a\n" * 1234)
    await shown(monkeypatch, summary, file)
    assert "3 of 1,234 records" in capsys.readouterr().err
