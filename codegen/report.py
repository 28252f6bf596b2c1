"""The report of a comparison: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from .compare import Comparison, Difference
from .loading import Loaded

_CODE = 4  # lines of code that are named of a difference
_TITLES = {
    "operation": "Operations",
    "parameter": "Parameters",
    "body": "Bodies",
    "status": "Status codes",
    "schema": "Answers as a whole",
    "field": "Fields",
}


def write_report(path: Path, source: str, loaded: Loaded, found: Comparison) -> None:
    """Write the report to ``path``, and beside it the same as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(source, loaded, found), "utf-8")
    path.with_suffix(".json").write_text(as_json(source, loaded, found), "utf-8")


def markdown(source: str, loaded: Loaded, found: Comparison) -> str:
    """The whole report."""
    return "\n".join(_lines(source, loaded, found)) + "\n"


def as_json(source: str, loaded: Loaded, found: Comparison) -> str:
    """The same for programs."""
    pairing = loaded.pairing
    whole = {
        "source": source,
        "differences": [attrs.asdict(one) for one in found.differences],
        "guesses": [attrs.asdict(one) for one in found.guesses],
        "overlay": attrs.asdict(loaded.laid),
        "kept": list(pairing.kept) if pairing else [],
        "new": list(pairing.new) if pairing else [],
        "gone": _gone(loaded),
        "operations": dict(pairing.operations) if pairing else {},
        "schemas": dict(pairing.schemas) if pairing else {},
    }
    return json.dumps(whole, indent=1) + "\n"


def _lines(source: str, loaded: Loaded, found: Comparison) -> Iterator[str]:
    refuted = [one for one in found.guesses if not one.confirmed]
    confirmed = len(found.guesses) - len(refuted)
    yield f"# {source} beside our description"
    yield ""
    yield f"- {len(found.differences)} differences, of which {len(found.breaking)} break something"
    yield f"- of {len(found.guesses)} guesses {confirmed} are confirmed, {len(refuted)} refuted"
    if loaded.pairing is not None:
        yield f"- {len(loaded.pairing.operations)} operations are in both"
        yield f"- kept from ours: {_joined(loaded.pairing.kept)}"
        yield f"- new: {_joined(loaded.pairing.new)}"
        yield f"- schemas of ours without a part in it: {_joined(_gone(loaded))}"
    yield from _table("What breaks", found.breaking, code=True)
    for kind, title in _TITLES.items():
        rest = [one for one in found.differences if one.kind == kind and not one.breaks]
        yield from _table(title, rest, code=False)
    yield from _list("Guesses that it refutes", (f"{one.place} ({one.trait})" for one in refuted))
    right = (f"{one.place} ({one.trait})" for one in found.guesses if one.confirmed)
    yield from _list("Guesses that it confirms", right)
    laid = loaded.laid
    yield from _list("Guesses of the overlay that give way", laid.gave_way)
    yield from _list("Corrections of the overlay that stand", laid.stood)
    yield from _list("Actions of the overlay that don't apply", laid.unmatched)


def _table(title: str, rows: Iterable[Difference], *, code: bool) -> Iterator[str]:
    written = [
        [
            f"`{one.place}`",
            f"{one.kind} {one.aspect}" + (", settled by the overlay" if one.settled else ""),
            _cell(one.theirs),
            _cell(one.ours),
            *([_places(one.code)] if code else []),
        ]
        for one in rows
    ]
    if not written:
        return
    head = ["what", "aspect", "the file", "ours", *(["code"] if code else [])]
    yield from ("", f"## {title}", "")
    for row in (head, ["---"] * len(head), *written):
        yield f"| {' | '.join(row)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "-"


def _places(code: tuple[str, ...]) -> str:
    shown = ", ".join(code[:_CODE])
    return f"{shown} and {len(code) - _CODE} more" if len(code) > _CODE else shown or "-"


def _list(title: str, entries: Iterable[str]) -> Iterator[str]:
    written = [f"- {one}" for one in entries]
    if written:
        yield from ("", f"## {title}", "", *written)


def _gone(loaded: Loaded) -> list[str]:
    """Schemas of ours that neither the file nor the overlay has."""
    held = loaded.document["components"]["schemas"]
    return [name for name in loaded.pairing.gone if name not in held] if loaded.pairing else []


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
