"""Whether what the engine says, what was generated and what the books hold is one and the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from .records import BUSINESSES, Item, Line

__all__ = ["Said", "differences"]

_SHOWN = 5  # of the differences of one sort


@attrs.define
class Said:
    """What the engine says of the lines, by their numbers from 1.

    ``failed`` is what the failed file holds: status and reason.
    """

    done: set[int] = attrs.field(factory=set)
    failed: dict[int, tuple[str, str | None]] = attrs.field(factory=dict)


def differences(lines: Iterable[Line], said: Said, books: Mapping[str, Any]) -> list[str]:
    """All that disagrees, in words; nothing if all is well.

    - A line is done or in the failed file with its reason, never both or neither.
    - What is done is in the books exactly once with its amount, and so is what is said to differ
      there (an answer that was spoiled says so); what failed is not in them, except where its
      outcome is called unknown.
    - The sums of the generated amounts are those of the books and of the ledger's accounts, and
      the ledger balances.
    """
    found: dict[str, list[str]] = {}
    must: set[Item] = set()
    may: set[Item] = set()
    total = 0
    for total, line in enumerate(lines, 1):
        _check_line(found, said, total, line)
        if line.item is None:
            continue
        status, _ = said.failed.get(total, ("", ""))
        if total in said.done or status == "differs":
            must.add(line.item)
        elif status == "unknown":
            may.add(line.item)
    for number in {*said.done, *said.failed} - set(range(1, total + 1)):
        _note(found, "the engine speaks of a line that isn't there", str(number))
    held = _held(books)
    for item, times in held.items():
        if item not in must and item not in may:
            _note(found, "in the books, but not called done", str(item))
        if times > 1:
            _note(found, f"{times} times in the books", str(item))
    for item in must - held.keys():
        _note(found, "called done, but not in the books", str(item))
    for name in BUSINESSES:
        there = [one for one in must | (may & held.keys()) if one.business == name]
        _check_sums(found, name, there, books[name])
    return [
        f"{sort}: {', '.join(cases[:_SHOWN])}"
        + (f" and {len(cases) - _SHOWN:,} more" if len(cases) > _SHOWN else "")
        for sort, cases in found.items()
    ]


def _note(found: dict[str, list[str]], sort: str, case: str) -> None:
    found.setdefault(sort, []).append(case)


def _check_line(found: dict[str, list[str]], said: Said, number: int, line: Line) -> None:
    done, failed = number in said.done, said.failed.get(number)
    if done == (failed is not None):
        sort = "both done and failed" if done else "neither done nor in the failed file"
        _note(found, sort, f"line {number}")
    if failed is not None and not failed[1]:
        _note(found, "failed without a reason", f"line {number}")
    if done and line.item is None:
        _note(found, "a broken line that is called done", f"line {number}")


def _held(books: Mapping[str, Any]) -> Counter[Item]:
    return Counter(
        Item(business, kind, external_id, amount)
        for business, held in books.items()
        for kind, rows in held["rows"].items()
        for external_id, amount in rows
    )


def _check_sums(
    found: dict[str, list[str]], name: str, items: list[Item], held: Mapping[str, Any]
) -> None:
    """The books' own sums and the ledger's against those of the generated amounts."""
    sums = Counter(dict.fromkeys(held["rows"], 0))
    for item in items:
        sums[item.kind] += item.amount
    wanted = {
        "totals": {
            "invoiced": sums["invoice"],
            "paid": sums["payment"],
            "outstanding": sums["invoice"] - sums["payment"],
            "refunded": sums["refund"],
            "refund_paid": sums["refund_payment"],
        },
        "ledger": {
            "trial": 0,
            "receivable": sums["invoice"] - sums["payment"],
            "refunds_payable": sums["refund_payment"] - sums["refund"],
        },
    }
    for part, amounts in wanted.items():
        for what, amount in amounts.items():
            if held[part][what] != amount:
                _note(found, f"{name}: {part}.{what} is {held[part][what]:,}, not", f"{amount:,}")
