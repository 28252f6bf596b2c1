"""Reading an OpenAPI document, and applying an overlay to it."""

from __future__ import annotations

import copy
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonpath
import yaml

from .errors import CodegenError

TIMEOUT = 60  # seconds for a document behind a URL


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML 1.2's idea of scalars: `NO` is Norway, not false, and a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
    ]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read(source: str) -> dict[str, Any]:
    """The OpenAPI 3 document at a path or URL (YAML or JSON). Raises `CodegenError`."""
    document = _parse(_fetch(source), source)
    version = str(document.get("openapi", ""))
    if not version.startswith("3."):
        found = f"version {version}" if version else "no `openapi:` key"
        raise CodegenError(f"{source}: not an OpenAPI 3 document ({found})")
    if not isinstance(document.get("paths", {}), dict):
        raise CodegenError(f"{source}: `paths` is no mapping")
    for place, reference in _references(document, "#"):
        _check_reference(document, reference, f"{source}: {place}")
    return document


def read_overlay(source: str) -> dict[str, Any]:
    """The OpenAPI Overlay 1.0 document at a path or URL. Raises `CodegenError`."""
    overlay = _parse(_fetch(source), source)
    if not str(overlay.get("overlay", "")).startswith("1."):
        raise CodegenError(f"{source}: not an OpenAPI Overlay 1.0 document")
    return overlay


def apply_overlay(document: dict[str, Any], overlay: dict[str, Any]) -> list[str]:
    """Apply the actions in place and in order; the targets that matched nothing come back."""
    unmatched = []
    for action in overlay.get("actions", []):
        target = action.get("target")
        try:
            nodes = list(jsonpath.finditer(target, document, strict=True))
        except jsonpath.JSONPathError as error:
            raise CodegenError(f"overlay: {target!r} is no JSONPath: {error}") from None
        if not nodes:
            unmatched.append(str(target))
        for node in nodes:
            if action.get("remove"):
                _remove(node)
            elif isinstance(node.value, dict):
                _merge(node.value, action["update"])
            elif isinstance(node.value, list):
                node.value.append(copy.deepcopy(action["update"]))
            else:
                raise CodegenError(f"overlay: {target} is neither an object nor an array")
    return unmatched


def _remove(node: Any) -> None:
    parent = node.parent.value
    del parent[node.parts[-1]]


def _merge(into: dict[str, Any], update: dict[str, Any]) -> None:
    """As the Overlay specification says: objects merge, arrays append, the rest is replaced."""
    for key, value in update.items():
        held = into.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            _merge(held, value)
        elif isinstance(held, list) and isinstance(value, list):
            held.extend(copy.deepcopy(value))
        else:
            into[key] = copy.deepcopy(value)


def resolve(document: dict[str, Any], reference: str) -> Any:
    """What a local ``$ref`` points to."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def _fetch(source: str) -> str:
    try:
        if source.startswith(("http://", "https://")):
            with urllib.request.urlopen(source, timeout=TIMEOUT) as answer:
                data: bytes = answer.read()
        else:
            data = Path(source).read_bytes()
        return data.decode()
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise CodegenError(f"{source}: can't be read: {error}") from None


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        first = " ".join(str(error).split())
        raise CodegenError(f"{source}: not YAML: {first:.200}") from None
    if not isinstance(document, dict):
        raise CodegenError(
            f"{source}: not an OpenAPI document: {type(document).__name__} at its top"
        )
    return document


def _references(node: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield place, reference
        for key, value in node.items():
            # Examples and properties named "$ref" hold data, not references.
            if key not in ("example", "examples"):
                yield from _references(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _references(value, f"{place}/{index}")


def _check_reference(document: dict[str, Any], reference: str, place: str) -> None:
    if not reference.startswith("#/"):
        raise CodegenError(f"{place}: $ref {reference!r} points outside the document")
    try:
        resolve(document, reference)
    except (KeyError, IndexError, TypeError):
        raise CodegenError(f"{place}: $ref {reference!r} points to nothing") from None
