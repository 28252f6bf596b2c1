"""Where the schemas of a document are used: which side of a call, and under which tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from .classes import Side
from .document import component_name, resolve
from .endpoints import FORM, Content, endpoints
from .names import module_name

COMMON = "common"


class Survey:
    """The side or sides of every schema in the components, and the module it belongs to.

    What references lead to without being a component as a whole, a property of one say, counts
    as a schema of its own, whose name is the reference.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._given_modules = {
            tag["name"]: tag["x-module"]
            for tag in document.get("tags", ())
            if "name" in tag and "x-module" in tag
        }
        self._sides: dict[str, set[Side]] = defaultdict(set)
        self._used_in: dict[str, set[str]] = defaultdict(set)
        self._uses: dict[str, set[str]] = {}
        self._in_forms: set[str] = set()
        for endpoint in endpoints(document):
            module = self.module_of(endpoint.tag)
            self._note("request", module, _schemas(endpoint.body.get("content", {})))
            for media in (one for name, one in endpoint.content() if name == FORM):
                self._in_forms |= self._named([media.get("schema")])
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

    def is_in_form(self, name: str) -> bool:
        """Whether a schema is used in a form, in which texts and files stand side by side."""
        return name in self._in_forms

    def _note(self, side: Side, module: str, schemas: Iterable[Any]) -> None:
        for name in self._named(schemas):
            self._mark(name, {side}, {module})

    def _mark(self, name: str, sides: set[Side], modules: set[str]) -> None:
        """Mark a schema and all that it uses; what has the marks already is not gone into again."""
        queue = [name]
        while queue:
            name = queue.pop()
            if sides <= self._sides[name] and modules <= self._used_in[name]:
                continue
            self._sides[name] |= sides
            self._used_in[name] |= modules
            queue.extend(self._used_by(name))

    def _used_by(self, name: str) -> set[str]:
        """The schemas that one refers to itself."""
        if name not in self._uses:
            components = self._document["components"]["schemas"]
            schema = components[name] if name in components else resolve(self._document, name)
            self._uses[name] = self._named([schema])
        return self._uses[name]

    def _note_unused(self) -> None:
        """What no operation uses is common, and so is all that it uses itself."""
        components = self._document["components"]["schemas"]
        for unused in [name for name in components if name not in self._sides]:
            side: Side = "request" if unused.endswith("Request") else "answer"
            for name in self._reached(unused):
                self._used_in[name].add(COMMON)
                if not self._sides[name]:
                    self._sides[name].add(side)

    def _reached(self, name: str) -> set[str]:
        """A schema and all that it uses, itself or by others."""
        found: set[str] = set()
        queue = [name]
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                queue.extend(self._used_by(name))
        return found

    def _named(self, schemas: Iterable[Any]) -> set[str]:
        """The schemas that others refer to, without what those use in turn."""
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
                found.add(component_name(self._document, schema["$ref"]) or schema["$ref"])
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
