"""The description as calls are generated from it."""

from __future__ import annotations

import copy
from typing import Any

from tests.emulator import description


def to_generate_from() -> dict[str, Any]:
    """A copy in which texts whose values are known, though not listed as an enum, prefer those."""
    document = copy.deepcopy(description.document())
    _prefer_known(document)
    return document


def _prefer_known(node: Any) -> None:
    if isinstance(node, dict):
        known = node.get("x-known-values")
        if known and node.get("type") == "string" and "enum" not in node:
            node["anyOf"] = [{"type": "string", "enum": known}, {"type": "string"}]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            _prefer_known(one)
