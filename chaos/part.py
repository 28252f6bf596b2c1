"""What the parts have in common: their sizes, what they find, and the failed file."""

from __future__ import annotations

import json
from pathlib import Path

import attrs

__all__ = ["Result", "Sizes", "read_failed"]


@attrs.frozen
class Sizes:
    """How much of everything; ``soak`` in seconds."""

    records: int
    kills: int
    soak: float
    seed: int


@attrs.define
class Result:
    """What a part found: figures for the table, and what is wrong; nothing if all is well."""

    figures: list[tuple[str, str]] = attrs.field(factory=list)
    problems: list[str] = attrs.field(factory=list)

    def show(self, what: str, value: int | str) -> None:
        """One more figure."""
        self.figures.append((what, f"{value:,}" if isinstance(value, int) else value))


def read_failed(path: Path) -> dict[int, tuple[str, str | None]]:
    """Status and reason by the number of the line, from a failed file."""
    with path.open("rb") as file:
        entries = map(json.loads, file)
        return {entry["line"]: (entry["status"], entry["reason"]) for entry in entries}
