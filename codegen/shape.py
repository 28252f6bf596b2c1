"""Is a document shaped as OpenAPI says? Checked once, so that the generator need not ask again.

Only what the generator reads is looked at. A key with nothing behind it (`parameters:`) is
dropped. What a reference leads to is checked as what the reference stands for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from .document import resolve
from .errors import CodegenError

# What stands behind the keys of each kind of object: another kind of object, one of the plain
# kinds at the end of this file, or in brackets a [list] or a {mapping} of a kind.
_KINDS: dict[str, dict[str, str]] = {
    "document": {
        "paths": "{path item}",
        "components": "components",
        "tags": "[tag]",
        "security": "[requirement]",
    },
    "components": {"schemas": "{schema}", "securitySchemes": "{scheme}"},
    "tag": {"name": "text", "x-module": "an identifier in lower case"},
    "requirement": {},
    "scheme": {"scheme": "text"},
    "path item": {
        "parameters": "[parameter]",
        **dict.fromkeys(("get", "put", "post", "delete", "patch", "head", "options"), "operation"),
    },
    "operation": {
        "operationId": "text",
        "tags": "[text]",
        "parameters": "[parameter]",
        "requestBody": "body",
        "responses": "{response}",
        "security": "[requirement]",
        "x-replay": "text",
        "x-token-scope": "text",
        "x-unwrap": "text",
        "x-confirm": "confirmation",
        "x-lookup": "look-up",
    },
    "confirmation": {"read": "text", "field": "text", "values": "[text]", "answer": "anything"},
    "look-up": {
        "read": "text",
        "by": "text",
        "query": "{text}",
        "covers": "true or false",
        "scan": "text",
        "single": "text",
        "within": "text",
        "never": "true or false",
    },
    "parameter": {
        "name": "text",
        "in": "text",
        "style": "text",
        "explode": "true or false",
        "required": "true or false",
        "schema": "schema",
        "x-format": "text",
        "x-values-of": "text",
        "x-more-values": "[text]",
    },
    "body": {"content": "{media}", "required": "true or false"},
    "response": {"content": "{media}"},
    "media": {"schema": "schema"},
    "schema": {
        "type": "text or a list of texts",
        "format": "text",
        "enum": "[anything]",
        "x-known-values": "[anything]",
        "x-aliases": "[text]",
        "properties": "{schema}",
        "required": "[text]",
        "items": "schema",
        "additionalProperties": "schema",
        **dict.fromkeys(("allOf", "oneOf", "anyOf"), "[schema]"),
        **dict.fromkeys(("nullable", "readOnly", "writeOnly"), "true or false"),
        **dict.fromkeys(("x-secret", "x-upload", "x-open"), "true or false"),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), "a whole number"),
        **dict.fromkeys(("minimum", "maximum"), "a number"),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), "a number, true or false"),
        "multipleOf": "a number above 0",
        "pattern": "text",
    },
}
_NEEDED = {"parameter": ("name", "in")}
_REFERABLE = ("path item", "parameter", "body", "response", "schema")


def check(document: dict[str, Any], source: str) -> None:
    """Raise `CodegenError`, naming the place, for the first thing that is not as it should be."""
    checker = _Checker(document, source)
    checker.later.append((document, "document", ""))
    while checker.later:
        checker.walk(*checker.later.pop())
    document.setdefault("paths", {})
    document.setdefault("components", {}).setdefault("schemas", {})


class _Checker:
    def __init__(self, document: dict[str, Any], source: str) -> None:
        self._document = document
        self._source = source
        self._seen: set[tuple[int, str]] = set()
        # What references lead to: one may lead to the next a thousand times over, which is
        # deeper than Python calls functions.
        self.later: list[tuple[Any, str, str]] = []

    def walk(self, node: Any, kind: str, place: str) -> None:
        """Check a node that should be of a kind, and all that is below it."""
        if kind[0] == "[":
            self._expect(isinstance(node, list), place, "a list", node)
            for index, one in enumerate(node):
                self.walk(one, kind[1:-1], f"{place}/{index}")
        elif kind[0] == "{":
            self._expect(isinstance(node, dict), place, "a mapping", node)
            for key, one in node.items():
                if one is None:
                    node[key] = {}
                self.walk(node[key], kind[1:-1], f"{place}/{key}")
        elif kind in _KINDS:
            self._object(node, kind, place)
        else:
            self._expect(_PLAIN[kind](node), place, kind, node)

    def _object(self, node: Any, kind: str, place: str) -> None:
        if kind == "schema" and isinstance(node, bool):
            return
        self._expect(isinstance(node, dict), place, f"a mapping ({kind})", node)
        if (id(node), kind) in self._seen:
            return
        self._seen.add((id(node), kind))
        if kind in _REFERABLE and "$ref" in node:
            self._reference(node, kind, place)
        else:
            for key in _NEEDED.get(kind, ()):
                self._expect(node.get(key) is not None, place, f"a {kind} with `{key}`", node)
        for key, below in _KINDS[kind].items():
            if key in node and node[key] is None:
                del node[key]
            elif key in node:
                self.walk(node[key], below, f"{place}/{key}")

    def _reference(self, node: dict[str, Any], kind: str, place: str) -> None:
        target: Any = node
        passed: list[str] = []
        while isinstance(target, dict) and "$ref" in target:
            reference = target["$ref"]
            self._expect(isinstance(reference, str), f"{place}/$ref", "text", reference)
            if reference in passed:
                self._refuse(place, reference, "leads back to itself")
            passed.append(reference)
            target = self._resolved(reference, place)
        self.later.append((target, kind, passed[-1].removeprefix("#")))

    def _resolved(self, reference: str, place: str) -> Any:
        if not reference.startswith("#/"):
            self._refuse(place, reference, "points outside the document")
        try:
            return resolve(self._document, reference)
        except (LookupError, TypeError):
            self._refuse(place, reference, "points to nothing")

    def _expect(self, fine: bool, place: str, wanted: str, found: object) -> None:
        if not fine:
            kind = "nothing" if found is None else type(found).__name__
            raise CodegenError(f"{self._source}: {place or '/'} must be {wanted}, not {kind}")

    def _refuse(self, place: str, reference: str, why: str) -> NoReturn:
        raise CodegenError(f"{self._source}: {place}: $ref {reference!r} {why}")


def _is_number(node: object) -> bool:
    return isinstance(node, int | float) and not isinstance(node, bool) and math.isfinite(node)


def _is_texts(node: object) -> bool:
    return isinstance(node, list) and all(isinstance(one, str) for one in node)


_PLAIN: dict[str, Callable[[Any], bool]] = {
    "anything": lambda node: True,
    "text": lambda node: isinstance(node, str),
    "text or a list of texts": lambda node: isinstance(node, str) or _is_texts(node),
    "an identifier in lower case": lambda node: (
        isinstance(node, str) and re.fullmatch("[a-z][a-z0-9_]*", node) is not None
    ),
    "true or false": lambda node: isinstance(node, bool),
    "a whole number": lambda node: _is_number(node) and node == int(node) >= 0,
    "a number": _is_number,
    "a number, true or false": lambda node: isinstance(node, bool) or _is_number(node),
    "a number above 0": lambda node: _is_number(node) and node > 0,
}
