"""The records that the project ships, and the demo that pushes them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from examples import sample_records

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_the_shipped_file_is_what_the_script_makes(tmp_path):
    made = tmp_path / "made.jsonl.gz"
    sample_records.write(made)
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(
        sample_records.SHIPPED.read_bytes()
    )
    again = tmp_path / "again.jsonl.gz"
    sample_records.write(again)
    assert again.read_bytes() == made.read_bytes()


def test_the_shipped_file_has_every_type_for_every_business():
    lines = gzip.decompress(sample_records.SHIPPED.read_bytes()).splitlines()
    found = Counter((record["business"], record["type"]) for record in map(json.loads, lines))
    assert len(found) == 3 * 5
    assert {business for business, _ in found} == {
        one["external_id"] for one in sample_records.BUSINESSES
    }
    assert 1_500 < len(lines) < 2_500


def test_the_demo_ends_well():
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "the books agree to the penny" in ended.stdout
    assert ended.stdout.count("1,961 records in") == 2
