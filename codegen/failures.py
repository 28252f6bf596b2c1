"""What pytest's output says: why tests fail, the most frequent reason first, and which fail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

_SHOWN = 20  # reasons, and modules: what is rare mostly follows from what is frequent
_WIDTH = 200
_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+?\[.*?\](?= - |$)|\S+)", re.MULTILINE)
_REASON = re.compile(
    r"^\s*((?:[^\s:]+\.py:\d+:|(?:GET|POST|PUT|PATCH|DELETE) /\S*).*)", re.MULTILINE
)
_PLACE = re.compile(r"^[^\s:]+\.py:\d+")
# What differs where the reason is the same: ids, addresses, numbers.
_VARIES = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b0x[0-9a-f]+|\b\d+(?:\.\d+)?"
)


@attrs.frozen
class Failures:
    """The tests that fail, and how often each reason is given, what varies in it left out."""

    tests: tuple[str, ...]
    reasons: Counter[str]

    def lines(self) -> Iterator[str]:
        """At most a few dozen lines for a person."""
        yield from ("", "### Why tests fail", "")
        yield from _most(self.reasons, "reasons")
        yield from ("", "### Where tests fail", "")
        yield from _most(Counter(test.partition("::")[0] for test in self.tests), "modules")


def failures(text: str, root: str) -> Failures:
    """What the output of ``pytest --tb=line`` in the folder ``root`` says."""
    tests = dict.fromkeys(_TEST.findall(text))
    found = (one.strip().removeprefix(f"{root}/") for one in _REASON.findall(text))
    return Failures(tuple(tests), Counter(map(_alike, found)))


def _alike(reason: str) -> str:
    """The reason without what varies in it; the line of a place is kept."""
    place = _PLACE.match(reason)
    kept = place[0] if place else ""
    return (kept + _VARIES.sub("…", reason[len(kept) :]))[:_WIDTH]


def _most(counted: Counter[str], what: str) -> Iterator[str]:
    ranked: Sequence[tuple[str, int]] = counted.most_common()
    for one, times in ranked[:_SHOWN]:
        yield f"- {times} times: {one}" if what == "reasons" else f"- {times} of {one}"
    if rest := ranked[_SHOWN:]:
        yield f"- and {sum(times for _, times in rest)} of {len(rest)} more {what}"
