"""Where the schemas of a document are used: which side of a call, and under which tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from .classes import Side
from .document import component_name, resolve
from .endpoints import Content, endpoints
from .names import module_name

COMMON = "common"


class Survey:
    """The side or sides of every schema in the components, and the module it belongs to."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._given_modules = {
            tag["name"]: tag["x-module"]
            for tag in document.get("tags", ())
            if "name" in tag and "x-module" in tag
        }
        self._sides: dict[str, set[Side]] = defaultdict(set)
        self._used_in: dict[str, set[str]] = defaultdict(set)
        for endpoint in endpoints(document):
            module = self.module_of(endpoint.tag)
            self._note("request", module, _schemas(endpoint.body.get("content", {})))
            for content in endpoint.answers.values():
                self._note("answer", module, _schemas(content))
        self._note_unused()

    def module_of(self, tag: str) -> str:
        """The module of the models that only this tag's operations use."""
        name = self._given_modules.get(tag) or module_name(tag)
        return f"{name}_" if name == COMMON else name

    def module(self, name: str) -> str:
        """The module of a schema: that of its tag, or the common one."""
        modules = self._used_in[name]
        return min(modules) if len(modules) == 1 else COMMON

    def sides(self, name: str) -> list[Side]:
        """The sides that a schema is used on, in a fixed order."""
        return sorted(self._sides[name])

    def _note(self, side: Side, module: str, schemas: Iterable[Any]) -> None:
        for name in self._reached(schemas):
            self._sides[name].add(side)
            self._used_in[name].add(module)

    def _note_unused(self) -> None:
        """What no operation uses is common, and so is all that it uses itself."""
        components = self._document["components"]["schemas"]
        for unused in [name for name in components if name not in self._sides]:
            side: Side = "request" if unused.endswith("Request") else "answer"
            for name in {unused, *self._reached([components[unused]])}:
                self._used_in[name].add(COMMON)
                if not self._sides[name]:
                    self._sides[name].add(side)

    def _reached(self, schemas: Iterable[Any]) -> set[str]:
        found: set[str] = set()
        seen: set[int] = set()
        queue = list(schemas)
        while queue:
            schema = queue.pop()
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            seen.add(id(schema))
            queue.extend(below(schema))
            if "$ref" in schema:
                queue.append(resolve(self._document, schema["$ref"]))
                name = component_name(self._document, schema["$ref"])
                found |= set() if name is None else {name}
        return found


def below(schema: dict[str, Any]) -> Iterator[Any]:
    """The schemas that stand in a schema, one level down."""
    yield from schema.get("properties", {}).values()
    for key in ("allOf", "oneOf", "anyOf"):
        yield from schema.get(key, ())
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield schema[key]


def _schemas(content: Content) -> Iterator[Any]:
    for media in content.values():
        if "schema" in media:
            yield media["schema"]
