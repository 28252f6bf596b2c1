"""From the schemas of a description to the classes that are generated from them.

Descriptions by drf-spectacular (and others) say the same thing in many ways: a nullable
enum is a `oneOf` of three, a described reference an `allOf` of one, a request twin a schema
of its own. `Schemas` brings them to one form: models, enums and aliases, each field with a
type, whether it may be null, and its constraints.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

from .document import resolve
from .names import camel_case, class_name, field_name, member_name, module_name

Side = Literal["request", "answer"]
Schema = dict[str, Any]

COMMON = "common"
_PREFIX = "#/components/schemas/"
_NO_TYPE: Schema = {}
_CONSTRAINTS: dict[str, dict[str, str]] = {  # by what the value is an instance of
    "str": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "list": {"minItems": "min_items", "maxItems": "max_items"},
    "int": {"multipleOf": "multiple_of"},
    "float": {"multipleOf": "multiple_of"},
}


@attrs.frozen
class Reference:
    """A generated class, by its module and name."""

    module: str
    name: str

    def written_in(self, module: str) -> str:
        """How code of that module names it."""
        return self.name if module == self.module else f"{self.module}.{self.name}"


@attrs.frozen
class Type:
    """One type in the one form: a name in Python, a generated class, or a container of such."""

    kind: Literal["any", "plain", "class", "list", "dict", "union"]
    name: str = ""  # of a plain type, as written in the generated module
    reference: Reference | None = None
    inner: tuple[Type, ...] = ()
    is_enum: bool = False
    null_items: bool = False

    def hint(self, module: str, side: Side) -> str:
        """The annotation in a module."""
        match self.kind:
            case "any":
                return "Any"
            case "plain":
                return "Instant" if self.name == "dt.datetime" and side == "answer" else self.name
            case "class":
                assert self.reference is not None
                written = self.reference.written_in(module)
                return f"{written} | str" if self.is_enum and side == "request" else written
            case "union":
                return " | ".join(dict.fromkeys(one.hint(module, side) for one in self.inner))
        inner = self.inner[0].hint(module, side)
        if self.null_items and self.inner[0].kind != "any":
            inner += " | None"
        return f"list[{inner}]" if self.kind == "list" else f"dict[str, {inner}]"

    def checked(self, module: str) -> str:
        """What `fields.check` should find a value to be an instance of; empty: anything."""
        match self.kind:
            case "plain":
                return self.name
            case "class" if self.is_enum:
                return "str"
            case "class":
                assert self.reference is not None
                return f"lambda: {self.reference.written_in(module)}"
            case "list" | "dict":
                return self.kind
            case "union":
                members = [one.checked(module) for one in self.inner]
                return ", ".join(dict.fromkeys(members)) if all(members) else ""
        return ""


ANY = Type("any")


@attrs.frozen
class Field:
    """One field of a model."""

    wire_name: str
    name: str
    type: Type
    required: bool
    nullable: bool
    description: str
    constraints: Mapping[str, Any]
    secret: bool


@attrs.frozen
class Model:
    """One attrs class."""

    reference: Reference
    side: Side
    description: str
    fields: tuple[Field, ...]


@attrs.frozen
class Enumeration:
    """One open enum: (member name, value) pairs."""

    reference: Reference
    description: str
    members: tuple[tuple[str, str], ...]


@attrs.frozen
class Alias:
    """A named schema that is no class: free-form objects, plain text, arrays."""

    reference: Reference
    type: Type


class Schemas:
    """All classes of one document. Operations add what is written in line in their bodies."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._components: dict[str, Schema] = (document.get("components") or {}).get(
            "schemas"
        ) or {}
        self.models: dict[str, Model] = {}
        self.enums: dict[str, Enumeration] = {}
        self.aliases: dict[str, Alias] = {}
        self._names: set[str] = set()
        self._known: dict[tuple[str, Side], Reference] = {}
        self._expanding: list[str] = []
        self._sides, self._modules = self._survey()
        self._name_components()
        for name in self._components:
            for side in self._sides_of(name):
                self._add_component(name, side)

    # --- which side and module a component belongs to -----------------------------------

    def _survey(self) -> tuple[dict[str, set[Side]], dict[str, str]]:
        sides: dict[str, set[Side]] = defaultdict(set)
        tags: dict[str, set[str]] = defaultdict(set)
        for operation in operations(self._document):
            module = self.module_of(operation)
            bodies, answers = _parts(self._document, operation)
            for side, roots in (("request", bodies), ("answer", answers)):
                for name in self._reached(roots):
                    sides[name].add(side)  # type: ignore[arg-type]
                    tags[name].add(module)
        modules = {name: min(found) if len(found) == 1 else COMMON for name, found in tags.items()}
        return sides, modules

    def module_of(self, operation: Schema) -> str:
        """The module of an operation's models: that of its first tag."""
        tag = (operation.get("tags") or ["default"])[0]
        for described in self._document.get("tags") or []:
            if described.get("name") == tag and described.get("x-module"):
                return str(described["x-module"])
        name = module_name(tag)
        return f"{name}_" if name == COMMON else name

    def _reached(self, roots: list[Any]) -> set[str]:
        found: set[str] = set()
        queue = list(roots)
        while queue:
            for reference in _references(queue.pop()):
                if reference.startswith(_PREFIX):
                    name = reference.removeprefix(_PREFIX)
                    if name not in found:
                        found.add(name)
                        queue.append(self._components[name])
                else:
                    queue.append(resolve(self._document, reference))
        return found

    def _sides_of(self, name: str) -> list[Side]:
        sides = self._sides.get(name)
        if not sides:
            return ["request" if name.endswith("Request") else "answer"]
        return sorted(sides)

    def _name_components(self) -> None:
        """Names first, so that they don't depend on the order in which schemas are read."""
        own: dict[str, str] = {}
        for name in self._components:
            own[name] = self._take(class_name(name, self._names))
        for name in self._components:
            sides = self._sides_of(name)
            module = self._modules.get(name, COMMON)
            for side in sides:
                written = own[name]
                if len(sides) == 2 and side == "request" and self._is_model(name):
                    written = self._take(class_name(f"{own[name]}Request", self._names))
                self._known[name, side] = Reference(module, written)

    def _take(self, name: str) -> str:
        self._names.add(name)
        return name

    # --- components -----------------------------------------------------------------------

    def _add_component(self, name: str, side: Side) -> None:
        schema = self._components[name]
        reference = self._known[name, side]
        if self._is_model(name):
            self._add_model(reference, schema, side)
        elif (values := self._enum_values(schema, named=True)) is not None:
            self._add_enum(reference, schema, values)
        else:
            self._expanding.append(name)
            self.aliases[reference.name] = Alias(reference, self._type(schema, reference, side)[0])
            self._expanding.pop()

    def _is_model(self, name: str) -> bool:
        return bool(self._flat(self._components[name]).get("properties"))

    def _flat(self, schema: Any) -> Schema:
        """An object schema with its `allOf` and references merged; properties of all of them."""
        if not isinstance(schema, dict):
            return {}
        return self._flatten(schema, frozenset())

    def _flatten(self, schema: Schema, seen: frozenset[str]) -> Schema:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in seen:
                return {}
            return self._flatten(resolve(self._document, reference), seen | {reference})
        parts = [p for p in schema.get("allOf", ()) if isinstance(p, dict)]
        if not parts:
            return schema
        merged: Schema = {k: v for k, v in schema.items() if k != "allOf"}
        properties: Schema = {}
        required: list[str] = []
        for part in [*(self._flatten(one, seen) for one in parts), merged]:
            properties.update(part.get("properties") or {})
            required.extend(part.get("required") or [])
            for key, value in part.items():
                merged.setdefault(key, value)
        if properties:
            merged["properties"] = properties
        merged["required"] = list(dict.fromkeys(required))
        return merged

    def _add_model(self, reference: Reference, schema: Schema, side: Side) -> None:
        flat = self._flat(schema)
        required = set(flat.get("required") or [])
        fields: list[Field] = []
        taken: set[str] = set()
        hidden = "readOnly" if side == "request" else "writeOnly"
        for wire_name, described in flat["properties"].items():
            held = described if isinstance(described, dict) else {}
            if held.get(hidden) or self._flat(held).get(hidden):
                continue
            kind, nullable = self._type(held, reference, side, wire_name)
            name = field_name(wire_name, taken)
            taken.add(name)
            whole = self._flat(held)
            fields.append(
                Field(
                    wire_name=wire_name,
                    name=name,
                    type=kind,
                    required=wire_name in required,
                    nullable=nullable,
                    description=_line(held.get("description") or ""),
                    constraints=_constraints(kind, whole) if side == "request" else {},
                    secret=bool(held.get("x-secret")),
                )
            )
        description = _line(flat.get("description") or "")
        self.models[reference.name] = Model(reference, side, description, tuple(fields))

    def _add_enum(self, reference: Reference, schema: Schema, values: list[str]) -> None:
        members: list[tuple[str, str]] = []
        for value in values:
            members.append((member_name(value, {name for name, _ in members}), value))
        description = _line(schema.get("description") or "")
        self.enums[reference.name] = Enumeration(reference, description, tuple(members))

    def _enum_values(self, schema: Any, *, named: bool = False) -> list[str] | None:
        """The values of a text enum, without blank and null; None where it is none.

        A ``named`` schema that lists the values seen so far is one too: enums are open.
        """
        if not isinstance(schema, dict):
            return None
        known = schema.get("x-known-values") if named and schema.get("type") == "string" else None
        values = [schema["const"]] if "const" in schema else schema.get("enum", known)
        if not isinstance(values, list) or schema.get("type", "string") not in (
            "string",
            ["string", "null"],
            ["null", "string"],
        ):
            return None
        texts = [value for value in values if isinstance(value, str) and value]
        if len(texts) != len([v for v in values if v is not None and v != ""]):
            return None
        return list(dict.fromkeys(texts)) or None

    # --- types ----------------------------------------------------------------------------

    def type_of(self, schema: Any, owner: Reference, side: Side) -> Type:
        """The type of a schema that is written in line; classes in it are named by the owner."""
        return self._type(schema, owner, side)[0]

    def body(self, schema: Any, owner: Reference, side: Side) -> Type:
        """The type of a body, which gives its own name to an object written in line."""
        if (
            isinstance(schema, dict)
            and "$ref" not in schema
            and self._flat(schema).get("properties")
        ):
            reference = Reference(owner.module, self._take(class_name(owner.name, self._names)))
            self._add_model(reference, schema, side)
            return Type("class", reference=reference)
        return self._type(schema, owner, side)[0]

    def alias(self, owner: Reference, kind: Type) -> Reference:
        """A name for a type that is no class."""
        reference = Reference(owner.module, self._take(class_name(owner.name, self._names)))
        self.aliases[reference.name] = Alias(reference, kind)
        return reference

    def _type(self, schema: Any, owner: Reference, side: Side, prop: str = "") -> tuple[Type, bool]:
        """The type of a schema and whether it may be null."""
        if not isinstance(schema, dict):
            return ANY, True
        nullable = bool(schema.get("nullable"))
        reference = schema.get("$ref")
        if isinstance(reference, str):
            kind, also = self._referenced(reference, owner, side, prop)
            return kind, nullable or also
        if "allOf" in schema:
            kind, also = self._all_of(schema, owner, side, prop)
            return kind, nullable or also
        for key in ("oneOf", "anyOf"):
            if key in schema:
                kind, also = self._one_of(schema[key], owner, side, prop)
                return kind, nullable or also
        declared = schema.get("type")
        if isinstance(declared, list):
            nullable = nullable or "null" in declared
            rest = [one for one in declared if one != "null"]
            if len(rest) != 1:
                members = [self._type({**schema, "type": o}, owner, side, prop)[0] for o in rest]
                return _union(members), nullable
            schema = {**schema, "type": rest[0]}
        if isinstance(schema.get("enum"), list) and None in schema["enum"]:
            nullable = True
        return self._own_type(schema, owner, side, prop), nullable

    def _referenced(
        self, reference: str, owner: Reference, side: Side, prop: str
    ) -> tuple[Type, bool]:
        if not reference.startswith(_PREFIX):
            return self._type(resolve(self._document, reference), owner, side, prop)
        name = reference.removeprefix(_PREFIX)
        schema = self._components[name]
        nullable = bool(isinstance(schema, dict) and schema.get("nullable"))
        if self._is_model(name):
            return Type("class", reference=self._reference(name, side)), nullable
        if self._enum_values(schema, named=True) is not None:
            found = self._known.get((name, side)) or self._reference(name, side)
            return Type("class", reference=found, is_enum=True), nullable or None in (
                schema.get("enum") or ()
            )
        if name in self._expanding:  # an array of itself, say
            return ANY, True
        self._expanding.append(name)
        found_type = self._type(schema, owner, side, prop)
        self._expanding.pop()
        return found_type

    def _reference(self, name: str, side: Side) -> Reference:
        known = self._known.get((name, side))
        if known is None:
            (known,) = {r for (n, _), r in self._known.items() if n == name}
        return known

    def _all_of(self, schema: Schema, owner: Reference, side: Side, prop: str) -> tuple[Type, bool]:
        parts = [p for p in schema["allOf"] if isinstance(p, dict) and _says_something(p)]
        nullable = any(bool(part.get("nullable")) for part in parts)
        if len(parts) == 1 and not schema.get("properties"):
            kind, also = self._type(parts[0], owner, side, prop)
            return kind, nullable or also
        flat = self._flat(schema)
        if flat.get("properties"):
            return self._hoisted(flat, owner, side, prop), nullable
        return self._own_type({k: v for k, v in flat.items() if k != "allOf"}, owner, side, prop), (
            nullable
        )

    def _one_of(
        self, options: list[Any], owner: Reference, side: Side, prop: str
    ) -> tuple[Type, bool]:
        nullable = False
        kept: list[Any] = []
        for option in options:
            whole = self._flat(option)
            values = whole.get("enum")
            if whole.get("type") == "null" or values == [None]:
                nullable = True
            elif values != [""]:
                kept.append(option)
        members = []
        for option in kept:
            kind, also = self._type(option, owner, side, prop)
            nullable = nullable or also
            members.append(kind)
        return _union(members), nullable

    def _own_type(self, schema: Schema, owner: Reference, side: Side, prop: str) -> Type:
        values = self._enum_values(schema)
        if values is not None and prop:
            name = self._take(class_name(owner.name + camel_case(prop), self._names))
            reference = Reference(owner.module, name)
            self._add_enum(reference, schema, values)
            return Type("class", reference=reference, is_enum=True)
        declared = schema.get("type")
        if declared is None:
            declared = (
                "object" if "properties" in schema else "array" if "items" in schema else None
            )
        match declared:
            case "object" if schema.get("properties"):
                return self._hoisted(schema, owner, side, prop)
            case "object":
                extra = schema.get("additionalProperties")
                if isinstance(extra, dict) and extra:
                    inner, null = self._type(extra, owner, side, f"{prop}_value")
                    return Type("dict", inner=(inner,), null_items=null)
                return Type("dict", inner=(ANY,))
            case "array":
                inner, null = self._type(schema.get("items"), owner, side, f"{prop}_item")
                return Type("list", inner=(inner,), null_items=null)
            case "string":
                return Type("plain", _FORMATS.get(schema.get("format", ""), "str"))
            case "integer" | "number" | "boolean":
                return Type(
                    "plain", {"integer": "int", "number": "float", "boolean": "bool"}[declared]
                )
        return ANY

    def _hoisted(self, schema: Schema, owner: Reference, side: Side, prop: str) -> Type:
        """An object written in line becomes a class of its own, named by where it stands."""
        name = self._take(class_name(owner.name + camel_case(prop or "item"), self._names))
        reference = Reference(owner.module, name)
        self._add_model(reference, schema, side)
        return Type("class", reference=reference)


_FORMATS = {"date-time": "dt.datetime", "date": "dt.date", "binary": "bytes"}


def operations(document: Schema) -> Iterator[Schema]:
    """Every operation, with `path`, `method` and the parameters of its path put in."""
    for path, item in (document.get("paths") or {}).items():
        if not isinstance(item, dict):
            continue
        for method in ("get", "put", "post", "delete", "patch", "head", "options"):
            operation = item.get(method)
            if isinstance(operation, dict):
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                yield {**operation, "path": path, "method": method, "parameters": parameters}


def _parts(document: Schema, operation: Schema) -> tuple[list[Any], list[Any]]:
    """The schemas of the request body, and those of all answers."""
    body = operation.get("requestBody")
    answers = list((operation.get("responses") or {}).values())
    return ([body] if body else []), answers


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _union(members: list[Type]) -> Type:
    flat = [inner for one in members for inner in (one.inner if one.kind == "union" else (one,))]
    unique = list(dict.fromkeys(flat))
    if not unique or ANY in unique:
        return ANY
    return unique[0] if len(unique) == 1 else Type("union", inner=tuple(unique))


def _says_something(schema: Schema) -> bool:
    return bool(
        set(schema) - {"description", "nullable", "title", "example", "default", "readOnly"}
    )


def _constraints(kind: Type, schema: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, argument in _CONSTRAINTS.get(kind.checked(""), {}).items():
        value = schema.get(key)
        if value is not None and (key != "pattern" or _compiles(value)):
            found[argument] = value
    if kind.checked("") in ("int", "float"):
        for bound in ("minimum", "maximum"):
            exclusive = schema.get(f"exclusive{bound.capitalize()}")
            if isinstance(exclusive, bool):  # OpenAPI 3.0: a flag beside the bound
                if bound in schema:
                    found[f"exclusive_{bound}" if exclusive else bound] = schema[bound]
                continue
            if bound in schema:
                found[bound] = schema[bound]
            if exclusive is not None:
                found[f"exclusive_{bound}"] = exclusive
    return found


def _compiles(pattern: object) -> bool:
    try:
        re.compile(str(pattern))
    except re.error:
        return False
    return True


def _line(text: str) -> str:
    """A description as one line that can stand in a docstring."""
    return " ".join(str(text).split()).replace("\\", "/").replace('"""', "'''").rstrip('"')
