"""What was found, written down: text for the terminal, and JSON, a page and a chart for `make`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

import attrs

from .results import BY_HAND, SHORT, Row, Section

FOLDER = Path(__file__).parent
HEADINGS = ("", "median", "lowest to highest", "ratio", "ratios per round", "bar", "verdict")


def markdown(section: Section) -> str:
    """The tables of a section, one a setting."""
    parts = [f"## {section.title}"]
    for setting, rows in groupby(section.rows, lambda row: row.setting):
        lines = [HEADINGS, ("---", *["---:"] * 5, "---"), *map(_cells, rows)]
        parts.append(f"**{setting}**")
        parts.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
    if section.notes:
        parts.append("\n".join(f"- {' '.join(note.split())}" for note in section.notes))
    return "\n\n".join(parts)


def _cells(row: Row) -> Sequence[str]:
    bar = row.bar
    ratio = f"{row.ratio:.2f}"
    if bar is not None and bar.is_difference:
        ratio += f", {row.difference:+.1f} ms"
    shown = str(bar or "") + (f" (goal {bar.goal:.2f})" if bar and bar.goal else "")
    spread = f"{row.low:,.1f} to {row.high:,.1f}"
    ratios = f"{row.ratio_low:.2f} to {row.ratio_high:.2f}"
    return (row.name, f"{row.median:,.1f} {row.unit}", spread, ratio, ratios, shown, row.verdict)


def bars(sections: Iterable[Section]) -> str:
    """Which bars hold and which fall short, in a line each and one for all."""
    judged = [row for section in sections for row in section.rows if row.verdict]
    lines = [
        f"{row.verdict:11}  {row.section}, {row.setting}: {row.name} {_held(row)}, bar {row.bar}"
        for row in judged
    ]
    short = sum(row.verdict == SHORT for row in judged)
    return "\n".join([*lines, f"{len(judged) - short} of {len(judged)} bars hold"])


def _held(row: Row) -> str:
    by_difference = row.bar is not None and row.bar.is_difference
    return f"{row.difference:+.1f} ms" if by_difference else f"{row.ratio:.2f}"


def write(sections: Sequence[Section], machine: str, folder: Path = FOLDER) -> None:
    """Write results.json, and report/results.md and report/calls.svg beside it."""
    held = {
        "machine": machine,
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "notes": section.notes,
                "rows": [
                    {**attrs.asdict(row), "bar": str(row.bar or ""), "verdict": row.verdict}
                    for row in section.rows
                ],
            }
            for section in sections
        ],
    }
    (folder / "report").mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(held, indent=1) + "\n")
    page = ["# Results", machine, *map(markdown, sections)]
    page += ["## Bars", f"```text\n{bars(sections)}\n```"]
    (folder / "report/results.md").write_text("\n\n".join(page) + "\n")
    peers = [row for section in sections if section.name == "peers" for row in section.rows]
    if peers:
        setting = peers[0].setting
        chosen = [row for row in peers if row.setting == setting]
        (folder / "report/calls.svg").write_text(chart(chosen, setting))


def chart(rows: Sequence[Row], setting: str) -> str:
    """A bar a variant: its ratio to hand-written aiohttp, the least first, with its spread."""
    ordered = sorted(rows, key=lambda row: row.ratio)
    left, width, step = 270, 400, 28
    scale = width / max(row.ratio_high for row in ordered)
    height = step * len(ordered) + 70
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="100%" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="600">CPU of one call, {setting}, '
        "beside aiohttp by hand (less is better)</text>",
    ]
    for index, row in enumerate(ordered):
        y = 40 + step * index
        colour = "#0b7a75" if row.name.startswith("thredfi") else "#9aa5b1"
        colour = "#52606d" if row.name == BY_HAND else colour
        low, high = left + row.ratio_low * scale, left + row.ratio_high * scale
        parts += [
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect x="{left}" y="{y}" width="{row.ratio * scale:.1f}" height="18" '
            f'fill="{colour}"/>',
            f'<path d="M{low:.1f} {y + 9}H{high:.1f}" stroke="#1f2933"/>',
            f'<text x="{high + 6:.1f}" y="{y + 14}">{row.ratio:.2f}</text>',
        ]
    line = left + scale
    parts.append(f'<path d="M{line:.1f} 36V{height - 26}" stroke="#1f2933" stroke-dasharray="3"/>')
    parts.append(
        f'<text x="12" y="{height - 8}" font-size="11">Bars: median of the ratios of each round; '
        "lines: lowest to highest.</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
