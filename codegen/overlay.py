"""Applying an OpenAPI Overlay 1.0 document to a description.

Ours rather than oas-patch (0.6.0): that can't read the filters of RFC 9535 (jsonpath-ng), puts
one and the same object in all places, and takes `remove: false` for a removal.
"""

from __future__ import annotations

import copy
from typing import Any

import attrs
import jsonpath

from .document import parse, resolve
from .errors import CodegenError
from .kept import KEPT
from .roles import values_of

_BASES = (None, "guess", "correction")
_OF_NAMES = ("properties", "schemas", "responses", "content")  # whose keys are names
_CHOICES = {"$ref", "oneOf", "anyOf", "allOf", "enum", "const"}
_KINDS = _CHOICES | {"type", "format", "items"}  # what a schema is


def read_overlay(source: str) -> dict[str, Any]:
    """The Overlay 1.0 document at a path or URL. Raises `CodegenError`."""
    overlay = parse(source)
    if not str(overlay.get("overlay", "")).startswith("1."):
        raise CodegenError(f"{source}: not an OpenAPI Overlay 1 document")
    actions = overlay.get("actions")
    if not isinstance(actions, list) or not all(_is_action(action) for action in actions):
        raise CodegenError(f"{source}: `actions` must be a list, each with `target` and `update`")
    return overlay


@attrs.define
class Laid:
    """What became of the actions of an overlay, each named by its target."""

    unmatched: list[str] = attrs.field(factory=list)  # nothing there that they apply to
    gave_way: list[str] = attrs.field(factory=list)  # guesses: the file itself says otherwise
    stood: list[str] = attrs.field(factory=list)  # corrections that changed what the file says


def apply_overlay(document: dict[str, Any], overlay: dict[str, Any]) -> list[str]:
    """Apply the actions in place and in order; the targets of those that don't apply come back."""
    return lay_over(document, overlay).unmatched


def lay_over(document: dict[str, Any], overlay: dict[str, Any], *, foreign: bool = False) -> Laid:
    """Apply the actions in place and in order.

    Over a ``foreign`` description, which is the vendor's own, an action with ``x-basis: guess``
    adds what it lacks and changes nothing that it says.
    """
    laid = Laid()
    for action in overlay["actions"]:
        target = action["target"]
        try:
            nodes = list(jsonpath.finditer(target, document, strict=True))
        except jsonpath.JSONPathError as error:
            raise CodegenError(f"overlay: {target} is not a JSONPath: {error.args[0]}") from None
        if not nodes or not _resolvable(document, action.get("update")):
            laid.unmatched.append(target)
            continue
        basis = action.get("x-basis") if foreign else None
        before = copy.deepcopy([node.value for node in nodes]) if basis == "correction" else []
        # From the last on, so that removing one leaves the indices of the others right.
        for node in reversed(nodes) if action.get("remove") else nodes:
            if basis == "guess" and not _is_kept(document, node):
                if action.get("remove") or not _fill(node, action["update"], document):
                    _note(laid.gave_way, target)
            elif action.get("remove"):
                _remove(node, target)
            else:
                _update(node.value, action["update"], target)
        if basis == "correction" and before != [
            None if action.get("remove") else node.value for node in nodes
        ]:
            _note(laid.stood, target)
    return laid


def _note(targets: list[str], target: str) -> None:
    if target not in targets:
        targets.append(target)


def _is_kept(document: dict[str, Any], node: jsonpath.JSONPathMatch) -> bool:
    """Whether it lies in what was kept from our own description."""
    held: Any = document
    for part in node.parts:
        held = held[part]
        if isinstance(held, dict) and held.get(KEPT) is True:
            return True
    return False


def _fill(node: jsonpath.JSONPathMatch, update: Any, document: dict[str, Any]) -> bool:
    """Add to a node what it doesn't say; False where it says something else."""
    if isinstance(node.value, list):
        if update not in node.value:
            node.value.append(copy.deepcopy(update))
        return True
    if not isinstance(node.value, dict) or not isinstance(update, dict):
        return False
    names = bool(node.parts) and node.parts[-1] in _OF_NAMES
    return _fill_object(node.value, update, document, names=names)


def _fill_object(
    into: dict[str, Any], update: dict[str, Any], document: dict[str, Any], *, names: bool
) -> bool:
    added = dict(update)
    all_added = True
    kinds = added.keys() & _KINDS if not names else set()
    differs = any(key in into and into[key] != added.get(key) for key in _KINDS)
    if kinds and differs and not _is_compatible(into, added, document):
        added = {key: value for key, value in added.items() if key not in _KINDS}
        all_added = False
    for key, value in added.items():
        held = into.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            if names:
                all_added = all_added and _same(held, value)
            else:
                below = _fill_object(held, value, document, names=key in _OF_NAMES)
                all_added = all_added and below
        elif key not in into or key in kinds:
            into[key] = copy.deepcopy(value)
        elif held != value:
            all_added = all_added and key in ("description", "x-source")
    return all_added


def _is_compatible(into: dict[str, Any], update: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether an update is no more than a closer word for what a schema says."""
    values = values_of(document, update)
    if "enum" in into and values is not None:
        return values_of(document, into) == values
    return not (into.keys() & _KINDS) - {"type"} and into.get("type") == _top_type(update, document)


def _same(one: Any, other: Any) -> bool:
    """Whether two schemas say the same; the order of the values of an enum says nothing."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return bool(one == other)
    said, also = (
        {
            key: frozenset(map(str, value)) if key == "enum" else value
            for key, value in schema.items()
            if key != "description" and not key.startswith("x-")
        }
        for schema in (one, other)
    )
    return said == also


def _top_type(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """The type that a schema has, behind its reference and in all options alike."""
    if "$ref" in schema:
        return _top_type(resolve(document, schema["$ref"]), document)
    options = schema.get("oneOf") or schema.get("anyOf") or ()
    types = {_top_type(one, document) for one in options}
    return schema.get("type") or (types.pop() if len(types) == 1 else None)


def _is_action(action: object) -> bool:
    return (
        isinstance(action, dict)
        and isinstance(action.get("target"), str)
        and bool("update" in action or action.get("remove"))
        and action.get("x-basis") in _BASES
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
