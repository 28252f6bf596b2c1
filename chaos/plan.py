"""Which faults strike, and how often in proportion to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["TIMEOUT", "faults", "uncertain"]

TIMEOUT = 1.0  # seconds that the client waits for an answer
_LONGER = 3 * TIMEOUT
_OPERATIONS = ("create_*", "list_*", "get_*")

# Weight, and settings as `Faults.add` takes them.
_MIX: tuple[tuple[float, dict[str, Any]], ...] = (
    (12, {"kind": "reset"}),
    (12, {"kind": "reset", "applied": True}),
    (8, {"kind": "status", "status": 429}),
    (4, {"kind": "status", "status": 429, "retry_after": "seconds", "seconds": 1}),
    (2, {"kind": "status", "status": 429, "retry_after": "date", "seconds": 1}),
    (0.2, {"kind": "status", "status": 429, "retry_after": "absurd"}),
    (6, {"kind": "status", "status": 500, "applied": True}),
    (6, {"kind": "status", "status": 502}),
    (4, {"kind": "status", "status": 502, "applied": True}),
    (6, {"kind": "status", "status": 503, "retry_after": "seconds", "seconds": 0.2}),
    (4, {"kind": "status", "status": 504, "applied": True}),
    (2, {"kind": "hang", "seconds": _LONGER}),
    (2, {"kind": "hang", "seconds": _LONGER, "applied": True}),
    (2, {"kind": "drip", "seconds": 0.2}),
    (1, {"kind": "drip", "seconds": _LONGER}),
    (10, {"kind": "cut"}),
    (10, {"kind": "cut_chunk"}),
    (8, {"kind": "length_too_long"}),
    (4, {"kind": "length_too_short"}),
    (10, {"kind": "invalid_json"}),
    (10, {"kind": "empty_body"}),
    (10, {"kind": "hang_up"}),
    (8, {"kind": "wrong_content_type"}),
    (10, {"kind": "unknown_field"}),
    (10, {"kind": "unknown_enum"}),
    (10, {"kind": "changed_type"}),
    (10, {"kind": "dropped_field"}),
    (0.3, {"kind": "expire_tokens", "operations": ("create_*",)}),
    (0.3, {"kind": "revoke_tokens", "operations": ("create_*",)}),
    (0.1, {"kind": "refuse", "seconds": 0.2}),
)
_HEAVY: tuple[dict[str, Any], ...] = (
    {"kind": "gzip_bomb", "probability": 0.001, "times": 2},
    {"kind": "huge_body", "probability": 0.001, "times": 2},
)


# Answers that don't come, or that can't be read: whether anything was done, they don't say.
_UNCERTAIN: tuple[tuple[float, dict[str, Any]], ...] = (
    (3, {"kind": "reset"}),
    (3, {"kind": "reset", "applied": True}),
    (1, {"kind": "status", "status": 502}),
    (1, {"kind": "status", "status": 504, "applied": True}),
    (0.2, {"kind": "hang", "seconds": _LONGER}),
    (0.2, {"kind": "hang", "seconds": _LONGER, "applied": True}),
    (1, {"kind": "cut"}),
    (3, {"kind": "garble"}),
)


def faults(share: float, *, heavy: bool = True) -> list[dict[str, Any]]:
    """A plan that strikes about ``share`` (0 to 1) of the requests in every way there is.

    ``heavy``: with some answers of a hundred megabytes.
    """
    plan = [{"operations": _OPERATIONS} | one for one in _HEAVY if heavy]
    return plan + _mixed(share, _MIX)


def uncertain(share: float) -> list[dict[str, Any]]:
    """A plan that leaves it open of about ``share`` (0 to 1) of the requests what they did."""
    return _mixed(share, _UNCERTAIN)


def _mixed(share: float, mix: Sequence[tuple[float, dict[str, Any]]]) -> list[dict[str, Any]]:
    unit = share / sum(weight for weight, _ in mix)
    plan = []
    left = 1.0  # each one is asked only where those before it have not struck
    for weight, settings in mix:
        plan.append({"operations": _OPERATIONS, "probability": weight * unit / left} | settings)
        left -= weight * unit
    return plan
