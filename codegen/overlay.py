"""Applying an OpenAPI Overlay 1.0 document to a description.

Ours rather than oas-patch (0.6.0): that can't read the filters of RFC 9535 (jsonpath-ng), puts
one and the same object in all places, and takes `remove: false` for a removal.
"""

from __future__ import annotations

import copy
from typing import Any

import jsonpath

from .document import parse, resolve
from .errors import CodegenError


def read_overlay(source: str) -> dict[str, Any]:
    """The Overlay 1.0 document at a path or URL. Raises `CodegenError`."""
    overlay = parse(source)
    if not str(overlay.get("overlay", "")).startswith("1."):
        raise CodegenError(f"{source}: not an OpenAPI Overlay 1 document")
    actions = overlay.get("actions")
    if not isinstance(actions, list) or not all(_is_action(action) for action in actions):
        raise CodegenError(f"{source}: `actions` must be a list, each with `target` and `update`")
    return overlay


def apply_overlay(document: dict[str, Any], overlay: dict[str, Any]) -> list[str]:
    """Apply the actions in place and in order; the targets of those that don't apply come back."""
    unmatched = []
    for action in overlay["actions"]:
        target = action["target"]
        try:
            nodes = list(jsonpath.finditer(target, document, strict=True))
        except jsonpath.JSONPathError as error:
            raise CodegenError(f"overlay: {target} is not a JSONPath: {error.args[0]}") from None
        if not nodes or not _resolvable(document, action.get("update")):
            unmatched.append(target)
            continue
        # From the last on, so that removing one leaves the indices of the others right.
        for node in reversed(nodes) if action.get("remove") else nodes:
            if action.get("remove"):
                _remove(node, target)
            else:
                _update(node.value, action["update"], target)
    return unmatched


def _is_action(action: object) -> bool:
    return (
        isinstance(action, dict)
        and isinstance(action.get("target"), str)
        and bool("update" in action or action.get("remove"))
    )


def _resolvable(document: dict[str, Any], update: Any) -> bool:
    """Whether all that an update refers to exists: another description may call it otherwise."""
    if isinstance(update, list):
        return all(_resolvable(document, one) for one in update)
    if not isinstance(update, dict):
        return True
    reference = update.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        try:
            resolve(document, reference)
        except (LookupError, TypeError):
            return False
    return all(_resolvable(document, one) for one in update.values())


def _remove(node: jsonpath.JSONPathMatch, target: str) -> None:
    if node.parent is None:
        raise CodegenError(f"overlay: {target} would remove the whole document")
    key = node.parts[-1]
    parent: Any = node.parent.obj
    if isinstance(parent, dict):
        parent.pop(key, None)
    else:
        del parent[key]


def _update(value: Any, update: Any, target: str) -> None:
    if isinstance(value, list):
        value.append(copy.deepcopy(update))
    elif isinstance(value, dict) and isinstance(update, dict):
        _merge(value, update)
    else:
        raise CodegenError(f"overlay: {target} is not an object or array that the update fits")


def _merge(into: dict[str, Any], update: dict[str, Any]) -> None:
    """As the specification says: objects merge, arrays are appended to, the rest is replaced."""
    for key, value in update.items():
        held = into.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            _merge(held, value)
        elif isinstance(held, list) and isinstance(value, list):
            held.extend(copy.deepcopy(value))
        else:
            into[key] = copy.deepcopy(value)
