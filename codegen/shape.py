"""Is a document shaped as OpenAPI says? Checked once, so that the generator need not ask again.

Only what the generator reads is looked at. A key with nothing behind it (`parameters:`) is
dropped, and so is what isn't of its kind, with a word about it: one bad fragment in a file of
thousands must not keep the others from being generated. What a reference leads to is checked as
what the reference stands for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

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
    "discriminator": {"propertyName": "text", "mapping": "{text}"},
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
        "discriminator": "discriminator",
        **dict.fromkeys(("minProperties", "maxProperties"), "a whole number"),
        "uniqueItems": "true or false",
        "contentMediaType": "text",
        "pattern": "text",
    },
}
_NEEDED = {"parameter": ("name", "in"), "discriminator": ("propertyName",)}
_REFERABLE = ("path item", "parameter", "body", "response", "schema")


def check(document: dict[str, Any], source: str) -> list[str]:
    """Make a document sound, in place; what had to be left out of it, a line each.

    A schema that can't be used becomes one that takes anything, anything else goes away. Raises
    `CodegenError`, naming the place, where nothing would be left.
    """
    for place in ("paths", "components", "components/schemas"):
        node: Any = document
        for key in place.split("/"):
            node = {} if node.get(key) is None else node[key]
            if not isinstance(node, dict):
                why = f"must be a mapping, not {type(node).__name__}"
                raise CodegenError(f"{source}: /{place} {why}")
    problems: list[str] = []
    unfit: list[Any] = []
    while True:  # what goes away may be what a reference led to
        checker = _Checker(document, unfit)
        checker.walk()
        if not checker.problems:
            break
        problems += checker.problems
    document.setdefault("paths", {})
    document.setdefault("components", {}).setdefault("schemas", {})
    return problems


class _Checker:
    def __init__(self, document: dict[str, Any], unfit: list[Any]) -> None:
        self._document = document
        self._unfit = unfit  # what references lead to and shouldn't
        self._dropped: list[Any] = []  # kept, as new objects would take over their ids
        self._seen: dict[tuple[int, str], bool] = {}
        self.problems: list[str] = []
        # What references lead to: one may lead to the next a thousand times over, which is
        # deeper than Python calls functions.
        self._later: list[tuple[Any, str, str]] = [(document, "document", "")]

    def walk(self) -> None:
        """Check all of the document once."""
        while self._later:
            node, kind, place = self._later.pop()
            if not self._fits(node, kind, place):
                self._unfit.append((node, kind))

    def _fits(self, node: Any, kind: str, place: str) -> bool:
        """Whether a node is of a kind; what is not so below it is left out."""
        if kind[0] == "[":
            return self._list(node, kind[1:-1], place)
        if kind[0] == "{":
            return self._mapping(node, kind[1:-1], place)
        if kind in _KINDS:
            return self._object(node, kind, place)
        return self._is(_PLAIN[kind](node), place, kind, node)

    def _list(self, node: Any, kind: str, place: str) -> bool:
        if not self._is(isinstance(node, list), place, "a list", node):
            return False
        found = [(one, self._fits(one, kind, f"{place}/{index}")) for index, one in enumerate(node)]
        self._dropped += node
        node[:] = [one if fits else {} for one, fits in found if fits or kind == "schema"]
        return True

    def _mapping(self, node: Any, kind: str, place: str) -> bool:
        if not self._is(isinstance(node, dict), place, "a mapping", node):
            return False
        for key in list(node):
            if node[key] is None:
                node[key] = {}
            self._keep(node, key, kind, f"{place}/{key}")
        return True

    def _object(self, node: Any, kind: str, place: str) -> bool:
        if kind == "schema" and isinstance(node, bool):
            return True
        if not self._is(isinstance(node, dict), place, f"a mapping ({kind})", node):
            return False
        known = self._seen.get((id(node), kind))
        if known is not None:
            return known
        self._seen[id(node), kind] = True
        if kind in _REFERABLE and "$ref" in node:
            if not self._reference(node, kind, place):
                self._seen[id(node), kind] = False
                return False
        else:
            for key in _NEEDED.get(kind, ()):
                if not self._is(node.get(key) is not None, place, f"a {kind} with `{key}`", node):
                    self._seen[id(node), kind] = False
                    return False
        for key, below in _KINDS[kind].items():
            if key in node and node[key] is None:
                del node[key]
            elif key in node:
                self._keep(node, key, below, f"{place}/{key}")
        if any(key not in node for key in _NEEDED.get(kind, ()) if "$ref" not in node):
            self._seen[id(node), kind] = False  # what it needs was not of its kind
        return self._seen[id(node), kind]

    def _keep(self, node: dict[str, Any], key: str, kind: str, place: str) -> None:
        """What stands behind a key, if it is of its kind."""
        if self._fits(node[key], kind, place):
            return
        self._dropped.append(node[key])
        if kind == "schema":
            node[key] = {}
        else:
            del node[key]

    def _reference(self, node: dict[str, Any], kind: str, place: str) -> bool:
        target: Any = node
        passed: list[str] = []
        while isinstance(target, dict) and "$ref" in target:
            reference = target["$ref"]
            if not self._is(isinstance(reference, str), f"{place}/$ref", "text", reference):
                return False
            if reference in passed:
                return self._say(place, reference, "leads back to itself")
            passed.append(reference)
            if not reference.startswith("#/"):
                return self._say(place, reference, "points outside the document")
            try:
                target = resolve(self._document, reference)
            except (LookupError, TypeError):
                return self._say(place, reference, "points to nothing")
        if any(target is one and kind == its for one, its in self._unfit):
            return self._say(place, passed[-1], f"points to no {kind}")
        self._later.append((target, kind, passed[-1].removeprefix("#")))
        return True

    def _is(self, fine: bool, place: str, wanted: str, found: object) -> bool:
        if not fine:
            kind = "nothing" if found is None else type(found).__name__
            self.problems.append(f"{place or '/'} must be {wanted}, not {kind}")
        return fine

    def _say(self, place: str, reference: str, why: str) -> bool:
        self.problems.append(f"{place}: $ref {reference!r} {why}")
        return False


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
