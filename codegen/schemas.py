"""From the schemas of a description to the classes that are generated from them.

Descriptions by drf-spectacular (and others) say the same thing in many ways: a nullable
enum is a `oneOf` of three, a described reference an `allOf` of one, a request twin a schema
of its own. `Schemas` brings them to one form: models, enums and aliases, each field with a
type, whether it may be null, and its constraints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from .classes import ANY, Alias, Enumeration, Field, Model, Reference, Side, Type, union
from .document import component_name, component_pointer, resolve
from .names import camel_case, class_name, field_names, member_name
from .patterns import compiles, is_harmless
from .survey import Survey

Schema = dict[str, Any]

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_FORMATS = {"date-time": "dt.datetime", "date": "dt.date", "binary": "bytes"}
_LIMITS: dict[str, dict[str, str]] = {  # by what the value is an instance of
    "str": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "list": {"minItems": "min_items", "maxItems": "max_items"},
    "int": {"multipleOf": "multiple_of"},
}
# What may stand beside a reference in an `allOf` without adding to its type.
_ANNOTATIONS = {"description", "nullable", "title", "example", "default", "readOnly", "writeOnly"}


class Schemas:
    """All classes of one document. Operations add what is written in line in their bodies."""

    def __init__(self, document: dict[str, Any], survey: Survey) -> None:
        self._document = document
        self._components: dict[str, Any] = document["components"]["schemas"]
        self.models: dict[str, Model] = {}
        self.enums: dict[str, Enumeration] = {}
        self.aliases: dict[str, Alias] = {}
        self._names: set[str] = set()
        self._expanded: dict[tuple[str, Side], tuple[Type, bool]] = {}
        self._references = self._name_components(survey)
        for name, side in self._references:
            self._add_component(name, side)
        for name, schema in self._components.items():
            if isinstance(schema, dict):
                self._add_other_names(name, schema.get("x-aliases", ()))

    # --- components -----------------------------------------------------------------------

    def _name_components(self, survey: Survey) -> dict[tuple[str, Side], Reference]:
        """Names first, so that they don't depend on the order in which schemas are read."""
        own = {name: self._take(name) for name in self._components}
        references: dict[tuple[str, Side], Reference] = {}
        for name in self._components:
            module, sides = survey.module(name), survey.sides(name)
            for side in sides:
                written = own[name]
                if len(sides) == 2 and side == "request" and self._is_model(name):
                    written = self._take(f"{written}Request")
                references[name, side] = Reference(module, written)
        return references

    def _take(self, text: str) -> str:
        name = class_name(text, self._names)
        self._names.add(name)
        return name

    def _add_component(self, name: str, side: Side) -> None:
        schema = self._components[name]
        reference = self._references[name, side]
        if self._is_model(name):
            self._add_model(reference, schema, side)
        elif (values := _enum_values(schema, named=True)) is not None:
            self._add_enum(reference, schema, values)
        elif reference.name not in self.aliases:  # one for both sides
            kind, _ = self._expand(component_pointer(name), reference, side)
            self.aliases[reference.name] = Alias(reference, kind)

    def _add_other_names(self, name: str, others: Iterable[str]) -> None:
        """What a schema is called elsewhere is a name of its class too, where it is free."""
        reference = self._reference(name, "answer")
        known = self.aliases.get(reference.name)
        kind = known.type if known is not None else Type("class", reference=reference)
        for other in others:
            written = class_name(other)
            if written not in self._names:
                self._names.add(written)
                self.aliases[written] = Alias(Reference(reference.module, written), kind)

    def _is_model(self, name: str) -> bool:
        return bool(self._flat(self._components[name]).get("properties"))

    def _add_model(self, reference: Reference, schema: Schema, side: Side) -> None:
        flat = self._flat(schema)
        required = set(flat.get("required", ()))
        hidden = "readOnly" if side == "request" else "writeOnly"
        names = field_names(flat["properties"])
        fields: list[Field] = []
        for wire_name, described in flat["properties"].items():
            held = described if isinstance(described, dict) else {}
            whole = self._flat(held)
            if held.get(hidden) or whole.get(hidden):
                continue
            kind, nullable = self._type(held, reference, side, wire_name)
            fields.append(
                Field(
                    wire_name=wire_name,
                    name=names[wire_name],
                    type=kind,
                    required=wire_name in required,
                    nullable=nullable,
                    description=str(held.get("description") or ""),
                    constraints=(
                        _constraints(kind, whole, f"{reference.name}.{names[wire_name]}")
                        if side == "request"
                        else {}
                    ),
                    secret=bool(held.get("x-secret")),
                    is_uuid=side == "request" and self._is_uuid(whole),
                )
            )
        description = str(flat.get("description") or "")
        self.models[reference.name] = Model(reference, side, description, tuple(fields))

    def _add_enum(self, reference: Reference, schema: Schema, values: list[str]) -> None:
        members: dict[str, str] = {}
        for value in values:
            members[member_name(value, members)] = value
        description = str(schema.get("description") or "")
        self.enums[reference.name] = Enumeration(
            reference,
            description,
            tuple(members.items()),
            takes_blank="" in schema.get("enum", ()),
            takes_any=bool(schema.get("x-open")),
        )

    def _is_uuid(self, schema: Schema) -> bool:
        items = self._flat(schema.get("items"))
        held = items or schema
        return held.get("format") == "uuid" and not held.get("x-upload")

    # --- what operations add ---------------------------------------------------------------

    def body(self, schema: Any, owner: Reference, side: Side) -> Type:
        """The type of a body; an object written in line becomes a class named by the owner."""
        if isinstance(schema, dict) and "$ref" not in schema:
            flat = self._flat(schema)
            if flat.get("properties"):
                return self._hoisted(flat, owner.module, owner.name, side)
        return self._type(schema, owner, side)[0]

    def named(self, schema: Any, kind: Type, owner: Reference) -> Type:
        """A type that is no class under a name: that of its component, or the owner's."""
        pointer = schema.get("$ref", "") if isinstance(schema, dict) else ""
        name = component_name(self._document, pointer)
        if name is not None:
            return Type("class", reference=self._reference(name, "answer"))
        reference = Reference(owner.module, self._take(owner.name))
        self.aliases[reference.name] = Alias(reference, kind)
        return Type("class", reference=reference)

    def file_part(self, schema: Any) -> str | None:
        """The part of a form that takes a file: at its top, or else in an object there."""
        parts = {
            name: self._flat(part)
            for name, part in self._flat(schema).get("properties", {}).items()
        }
        inner = {
            f"{name}.{below}": self._flat(part)
            for name, whole in parts.items()
            for below, part in whole.get("properties", {}).items()
        }
        return next((name for name, part in (parts | inner).items() if _is_file(part)), None)

    # --- types ----------------------------------------------------------------------------

    def _type(self, schema: Any, owner: Reference, side: Side, prop: str = "") -> tuple[Type, bool]:
        """The type of a schema and whether it may be null; ``owner`` names what is in line."""
        if not isinstance(schema, dict):
            return ANY, True
        if "$ref" in schema:
            kind, nullable = self._referenced(schema["$ref"], owner, side, prop)
        elif "allOf" in schema:
            kind, nullable = self._all_of(schema, owner, side, prop)
        elif options := schema.get("oneOf") or schema.get("anyOf"):
            kind, nullable = self._one_of(options, owner, side, prop)
        elif isinstance(schema.get("type"), list):
            options = [{**schema, "type": one} for one in schema["type"]]
            kind, nullable = self._one_of(options, owner, side, prop)
        else:
            kind, nullable = self._own_type(schema, owner, side, prop), False
        return kind, nullable or _nullable(schema)

    def _referenced(
        self, pointer: str, owner: Reference, side: Side, prop: str
    ) -> tuple[Type, bool]:
        name = component_name(self._document, pointer)
        if name is not None:
            schema = self._components[name]
            reference = self._reference(name, side)
            if self._is_model(name):
                return Type("class", reference=reference), _nullable(schema)
            if _enum_values(schema, named=True) is not None:
                return Type("class", reference=reference, is_enum=True), _nullable(schema)
            pointer, owner, prop = component_pointer(name), reference, ""
        return self._expand(pointer, owner, side, prop)

    def _reference(self, name: str, side: Side) -> Reference:
        other: Side = "answer" if side == "request" else "request"
        return self._references.get((name, side)) or self._references[name, other]

    def _expand(
        self, pointer: str, owner: Reference, side: Side, prop: str = ""
    ) -> tuple[Type, bool]:
        """The type behind a reference, read once; in line where that is no class."""
        if (pointer, side) not in self._expanded:
            self._expanded[pointer, side] = ANY, True  # while it is read: an array of itself, say
            schema = resolve(self._document, pointer)
            self._expanded[pointer, side] = self._type(schema, owner, side, prop)
        return self._expanded[pointer, side]

    def _all_of(self, schema: Schema, owner: Reference, side: Side, prop: str) -> tuple[Type, bool]:
        parts = [one for one in schema["allOf"] if isinstance(one, dict)]
        nullable = any(part.get("nullable", False) for part in parts)
        telling = [part for part in parts if set(part) - _ANNOTATIONS]
        if len(telling) == 1 and "properties" not in schema:
            kind, also = self._type(telling[0], owner, side, prop)
            return kind, nullable or also
        return self._own_type(self._flat(schema), owner, side, prop), nullable

    def _one_of(
        self, options: list[Any], owner: Reference, side: Side, prop: str
    ) -> tuple[Type, bool]:
        """The union of the options, without drf-spectacular's BlankEnum and NullEnum."""
        nullable = False
        members = []
        for option in options:
            flat = self._flat(option)
            values = flat.get("enum")
            if flat.get("type") == "null" or values == [None]:
                nullable = True
            elif values != [""]:
                kind, also = self._type(option, owner, side, prop)
                nullable = nullable or also
                members.append(kind)
        return union(members), nullable

    def _own_type(self, schema: Schema, owner: Reference, side: Side, prop: str) -> Type:
        """The type that a schema gives by itself, without looking at its combinations."""
        values = _enum_values(schema)
        if values is not None and prop:
            reference = Reference(owner.module, self._take(owner.name + camel_case(prop)))
            self._add_enum(reference, schema, values)
            return Type("class", reference=reference, is_enum=True)
        declared = schema.get("type")
        if declared == "object" or "properties" in schema:
            if schema.get("properties"):
                return self._hoisted(
                    schema, owner.module, owner.name + camel_case(prop or "item"), side
                )
            inner, null = self._type(
                schema.get("additionalProperties"), owner, side, f"{prop}_value"
            )
            return Type("dict", inner=(inner,), null_items=null)
        if declared == "array" or "items" in schema:
            inner, null = self._type(schema.get("items"), owner, side, f"{prop}_item")
            return Type("list", inner=(inner,), null_items=null)
        if declared in _SCALARS:
            name = _SCALARS[declared]
            return Type(
                "plain", _FORMATS.get(schema.get("format", ""), name) if name == "str" else name
            )
        return ANY

    def _hoisted(self, schema: Schema, module: str, name: str, side: Side) -> Type:
        """An object written in line becomes a class of its own, named by where it stands."""
        reference = Reference(module, self._take(name))
        self._add_model(reference, schema, side)
        return Type("class", reference=reference)

    # --- schemas as a whole ----------------------------------------------------------------

    def _flat(self, schema: Any, passed: frozenset[str] = frozenset()) -> Schema:
        """A schema with its reference followed and its `allOf` merged into one."""
        if not isinstance(schema, dict):
            return {}
        reference = schema.get("$ref")
        if reference is not None:
            if reference in passed:
                return {}
            return self._flat(resolve(self._document, reference), passed | {reference})
        if "allOf" not in schema:
            return schema
        own = {key: value for key, value in schema.items() if key != "allOf"}
        merged: Schema = {}
        properties: Schema = {}
        required: dict[str, None] = {}
        for part in [*(self._flat(one, passed) for one in schema["allOf"]), own]:
            merged |= part
            properties |= part.get("properties", {})
            required |= dict.fromkeys(part.get("required", ()))
        if properties:
            merged["properties"] = properties
        return merged | {"required": list(required)}


def _nullable(schema: Schema) -> bool:
    """Whether a schema itself allows null, in the words of OpenAPI 3.0 or 3.1."""
    declared = schema.get("type")
    return (
        schema.get("nullable", False)
        or None in schema.get("enum", ())
        or declared == "null"
        or (isinstance(declared, list) and "null" in declared)
    )


def _enum_values(schema: Any, *, named: bool = False) -> list[str] | None:
    """The values of an enum of texts, without blank and null; None where it is none.

    A ``named`` schema that lists the values seen so far is one too: enums are open.
    """
    if not isinstance(schema, dict):
        return None
    if schema.get("type", "string") not in ("string", ["string", "null"], ["null", "string"]):
        return None
    known = schema.get("x-known-values", ()) if named and "type" in schema else ()
    given: Any = [schema["const"]] if "const" in schema else schema.get("enum", known)
    values = [value for value in given if value is not None and value != ""]
    if not all(isinstance(value, str) for value in values):
        return None
    return list(dict.fromkeys(values)) or None


def _is_file(schema: Schema) -> bool:
    """Whether it is a file in a form, whatever it is in JSON."""
    return schema.get("format") == "binary" or bool(schema.get("x-upload"))


def _constraints(kind: Type, schema: Schema, field: str) -> dict[str, Any]:
    """The arguments of `checks.check` that a schema asks for."""
    name = kind.name or kind.kind
    found = {
        argument: schema[key] for key, argument in _LIMITS.get(name, {}).items() if key in schema
    }
    pattern = found.get("pattern")
    if pattern is not None and not compiles(pattern):
        del found["pattern"]
    elif pattern is not None and not is_harmless(pattern):
        text = f"codegen: {field}: the pattern {pattern} can take very long, so it isn't checked"
        print(text, file=sys.stderr)
        del found["pattern"]
    if name in ("int", "float"):
        for bound in ("minimum", "maximum"):
            found |= _bound(schema, bound)
    return found


def _bound(schema: Schema, bound: str) -> dict[str, Any]:
    exclusive = schema.get(f"exclusive{bound.capitalize()}", False)
    if exclusive is True:  # OpenAPI 3.0: a flag beside the bound
        return {f"exclusive_{bound}": schema[bound]} if bound in schema else {}
    found = {bound: schema[bound]} if bound in schema else {}
    return found if exclusive is False else found | {f"exclusive_{bound}": exclusive}
