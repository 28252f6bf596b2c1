"""What was measured, as values, and what it is held against: the bars and their verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

import attrs

BY_HAND = "aiohttp by hand"
TYPED = "thredfi: model built in each call"
PREBUILT = "thredfi: model built once"
MAPPING = "thredfi: plain mapping"
PAGINATOR = "thredfi: async for invoice in list()"
DECODE = "thredfi: codec.decode of a page"
IMPORT = "import thredfi_async"
FIRST_CALL = "thredfi: import, token, create"
JOURNAL = "push with a journal"
PUSH = "push"

HOLDS, SHORT = "holds", "falls short"
SCALES = {"µs": 1e6, "ms": 1e3, "k instructions": 1.0, "KiB": 1.0}


@attrs.frozen
class Bar:
    """The most that something may take: so many times its peer, or so many ms more."""

    most: float
    is_difference: bool = False
    goal: float | None = None

    def __str__(self) -> str:
        return f"{self.most:g} ms more" if self.is_difference else f"{self.most:.2f}"


ONE_AT_A_TIME = "1 at once"
BARS: Mapping[tuple[str, str], Bar] = {
    ("calls", TYPED): Bar(0.60, goal=0.50),
    ("calls", PREBUILT): Bar(0.50),
    ("calls", MAPPING): Bar(0.68),
    ("lists", PAGINATOR): Bar(1.20),
    ("codec", DECODE): Bar(1.60),
    ("import", IMPORT): Bar(1.15),
    ("cold", FIRST_CALL): Bar(15.0, is_difference=True),
    ("push", JOURNAL): Bar(1.90),
}
"""By section and variant; `bar_of` knows the one exception."""


def bar_of(section: str, setting: str, name: str) -> Bar | None:
    """What a variant is held against, where it is."""
    if (section, name) == ("calls", TYPED) and setting.endswith(ONE_AT_A_TIME):
        return Bar(0.70, goal=0.50)
    return BARS.get((section, name))


@attrs.frozen
class Row:
    """One variant in one setting. ``median``, ``low`` and ``high`` are in ``unit``.

    The ratios, and the difference in ms, are those to the peer in the same round.
    """

    section: str
    setting: str
    name: str
    unit: str
    median: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    difference: float

    @property
    def bar(self) -> Bar | None:
        """What it is held against."""
        return bar_of(self.section, self.setting, self.name)

    @property
    def verdict(self) -> str:
        """Whether its bar holds; empty where it has none."""
        bar = self.bar
        if bar is None:
            return ""
        return (
            HOLDS if (self.difference if bar.is_difference else self.ratio) <= bar.most else SHORT
        )


def rows(
    section: str, setting: str, samples: Mapping[str, list[float]], *, beside: str, unit: str = "µs"
) -> list[Row]:
    """A row a variant, from one sample a round: seconds, or thousand instructions."""
    scale = SCALES[unit]
    base = samples[beside]
    found = []
    for name, values in samples.items():
        ratios = [one / other for one, other in zip(values, base, strict=True)]
        more = [(one - other) * 1e3 for one, other in zip(values, base, strict=True)]
        found.append(
            Row(
                section,
                setting,
                name,
                unit,
                statistics.median(values) * scale,
                min(values) * scale,
                max(values) * scale,
                statistics.median(ratios),
                min(ratios),
                max(ratios),
                statistics.median(more),
            )
        )
    return found


@attrs.frozen
class Section:
    """What a section found, and what is to be said of it."""

    name: str
    title: str
    rows: list[Row]
    notes: list[str] = attrs.field(factory=list)
