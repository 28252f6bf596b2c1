"""The README's code runs as it is pasted, and what it names exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import thredfi_async

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_example_runs_as_pasted() -> None:
    (example,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", README, re.S)
        if "asyncio.run" in block
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "inv-1 paid 5400\n"


def test_every_exception_is_in_the_readme() -> None:
    errors = [name for name in thredfi_async.__all__ if _is_error(name)]
    assert len(errors) > 10
    for name in errors:
        assert f"`{name}`" in README


def _is_error(name: str) -> bool:
    value = getattr(thredfi_async, name)
    return isinstance(value, type) and issubclass(value, Exception)


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    for target in {a or b for a, b in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", text, re.M)}:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_linked_file_exists() -> None:
    for path in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / path).exists(), path
