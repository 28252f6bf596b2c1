"""From the schemas of a description to the classes that are generated from them.

Descriptions by drf-spectacular (and others) say the same thing in many ways: a nullable
enum is a `oneOf` of three, a described reference an `allOf` of one, a request twin a schema
of its own. `Schemas` brings them to one form: models, enums and aliases, each field with a
type, whether it may be null, and its constraints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from .classes import (
    ANY,
    FILE,
    Alias,
    Enumeration,
    Field,
    Items,
    Model,
    Reference,
    Side,
    Tag,
    Type,
    union,
)
from .document import component_name, component_pointer, resolve
from .limits import constraints, single_values, type_of_values
from .names import camel_case, class_name, field_names, member_name
from .survey import Survey

Schema = dict[str, Any]

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_FORMATS: dict[Any, str] = {"date-time": "dt.datetime", "date": "dt.date", "decimal": "Decimal"}
_COMBINED = {"$ref", "allOf", "oneOf", "anyOf"}
# What may stand beside a reference in an `allOf` without adding to its type.
_ANNOTATIONS = {"description", "nullable", "title", "example", "default", "readOnly", "writeOnly"}


class Schemas:
    """All classes of one document. Operations add what is written in line in their bodies."""

    def __init__(self, document: dict[str, Any], survey: Survey) -> None:
        self._document = document
        self._survey = survey
        self._components: dict[str, Any] = document["components"]["schemas"]
        self.models: dict[str, Model] = {}
        self.enums: dict[str, Enumeration] = {}
        self.aliases: dict[str, Alias] = {}
        self._names: set[str] = set()
        self._models_known: dict[str, bool] = {}
        self._model_names: set[str] = set()  # known before the models are read
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
                if self._is_model(name):
                    self._model_names.add(written)
        return references

    def _take(self, text: str) -> str:
        name = class_name(text, self._names)
        self._names.add(name)
        return name

    def _add_component(self, name: str, side: Side) -> None:
        schema = self._components[name]
        reference = self._references[name, side]
        if self._is_model(name):
            self._add_model(reference, schema, side, form=self._survey.is_in_form(name))
        elif (values := _enum_values(schema, named=True)) is not None:
            self._add_enum(reference, schema, values)
        elif reference.name not in self.aliases:  # one for both sides
            kind, _ = self._expand(component_pointer(name), reference, side)
            self.aliases[reference.name] = Alias(reference, kind, side)

    def _add_other_names(self, name: str, others: Iterable[str]) -> None:
        """What a schema is called elsewhere is a name of its class too, where it is free."""
        reference = self._reference(name, "answer")
        known = self.aliases.get(reference.name)
        kind = known.type if known is not None else Type("class", reference=reference)
        side = known.side if known is not None else "answer"
        for other in others:
            written = class_name(other)
            if written not in self._names:
                self._names.add(written)
                self.aliases[written] = Alias(Reference(reference.module, written), kind, side)

    def _is_model(self, name: str) -> bool:
        if name not in self._models_known:  # it is asked at every reference
            flat = self._flat(self._components[name])
            self._models_known[name] = bool(flat.get("properties"))
        return self._models_known[name]

    def _add_model(
        self, reference: Reference, schema: Schema, side: Side, *, form: bool = False
    ) -> None:
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
            if form and side == "request":
                kind = self._form_type(kind, whole)
            fields.append(
                Field(
                    wire_name=wire_name,
                    name=names[wire_name],
                    type=kind,
                    required=wire_name in required,
                    nullable=nullable,
                    description=str(held.get("description") or ""),
                    secret=bool(held.get("x-secret")),
                    **self._limits(kind, held, f"{reference.name}.{names[wire_name]}", side),
                    is_uuid=side == "request" and self._is_uuid(whole),
                )
            )
        rest, rest_nullable = None, False
        # `true` says what holds anyway: answers may have more fields than are described.
        if isinstance(more := flat.get("additionalProperties"), dict) and more:
            rest, rest_nullable = self._type(more, reference, side, "value")
        description = str(flat.get("description") or "")
        self.models[reference.name] = Model(
            reference, side, description, tuple(fields), rest, rest_nullable
        )

    def _limits(self, kind: Type, schema: Any, place: str, side: Side) -> dict[str, Any]:
        """What a field of a request may hold, beyond its type."""
        if side == "answer":
            return {"constraints": {}}
        return {
            "constraints": constraints(kind, self._bare(schema), place),
            "items": self._items(kind, schema, place),
        }

    def _items(self, kind: Type, schema: Any, place: str) -> Items | None:
        """What the elements of a list may be."""
        if kind.kind != "list":
            return None
        (inner,), held = kind.inner, self._bare(schema).get("items")
        limits = constraints(inner, self._bare(held), f"{place}[]")
        items = Items(inner, kind.null_items, limits, self._items(inner, held, f"{place}[]"))
        return None if items.nullable and not limits and items.items is None else items

    def _bare(self, schema: Any, deepest: int = 8) -> Schema:
        """A schema as a whole, without the null that it is combined with."""
        flat = self._flat(schema)
        for key in ("anyOf", "oneOf"):
            options = [one for one in map(self._flat, flat.get(key, ())) if not _is_null(one)]
            if len(options) == 1 and deepest:  # one may lead to itself
                own = {name: value for name, value in flat.items() if name != key}
                return self._bare(options[0], deepest - 1) | own
        return flat

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

    def body(self, schema: Any, owner: Reference, side: Side, *, form: bool = False) -> Type:
        """The type of a body; an object written in line becomes a class named by the owner."""
        if isinstance(schema, dict) and "$ref" not in schema:
            flat = self._flat(schema)
            if flat.get("properties"):
                return self._hoisted(flat, owner.module, owner.name, side, form=form)
        return self._type(schema, owner, side)[0]

    def named(self, schema: Any, kind: Type, owner: Reference, side: Side) -> Type:
        """A type that is no class under a name: that of its component, or the owner's."""
        pointer = schema.get("$ref", "") if isinstance(schema, dict) else ""
        name = component_name(self._document, pointer)
        if name is not None:
            reference = self._reference(name, side)
            if self.aliases[reference.name].side == side:
                return Type("class", reference=reference)
        reference = Reference(owner.module, self._take(owner.name))
        self.aliases[reference.name] = Alias(reference, kind, side)
        return Type("class", reference=reference)

    def file_part(self, schema: Any) -> str | None:
        """The part of a form that takes a file: at its top, or else in an object there.

        Where none is binary it may be a list of files, or what reads as a URL in answers.
        """
        parts = {
            name: self._flat(part)
            for name, part in self._flat(schema).get("properties", {}).items()
        }
        inner = {
            f"{name}.{below}": self._flat(part)
            for name, whole in parts.items()
            for below, part in whole.get("properties", {}).items()
        }
        lists = {name: self._flat(part.get("items")) for name, part in parts.items()}
        found = [name for name, part in (parts | inner).items() if _is_file(part)]
        found += [name for name, part in lists.items() if _is_file(part)]
        for each in (parts, lists):
            found += [name for name, part in each.items() if _is_upload_url(part)]
        return found[0] if found else None

    def _form_type(self, kind: Type, schema: Schema) -> Type:
        """The type of a part: what is a URL in answers may be the file itself in a form."""
        if schema.get("format") == "uri" and kind.name == "str":
            return union([kind, FILE])
        if kind.kind == "list":
            inner = self._form_type(kind.inner[0], self._flat(schema.get("items")))
            return attrs.evolve(kind, inner=(inner,))
        return kind

    # --- types ----------------------------------------------------------------------------

    def _type(self, schema: Any, owner: Reference, side: Side, prop: str = "") -> tuple[Type, bool]:
        """The type of a schema and whether it may be null; ``owner`` names what is in line."""
        if not isinstance(schema, dict):
            return ANY, True
        if "$ref" in schema:
            kind, nullable = self._referenced(schema["$ref"], owner, side, prop)
        elif "allOf" in schema:
            kind, nullable = self._all_of(schema, owner, side, prop)
        elif (options := schema.get("oneOf") or schema.get("anyOf")) and not (
            schema.get("properties")
        ):
            kind, nullable = self._one_of(options, owner, side, prop)
            if kind.kind == "union" and (tag := self._tag(schema, kind, options)) is not None:
                kind = attrs.evolve(kind, tag=tag)
        elif isinstance(schema.get("type"), list):
            options = [{**schema, "type": one} for one in schema["type"]]
            kind, nullable = self._one_of(options, owner, side, prop)
        else:
            kind, nullable = self._own_type(self._flat(schema), owner, side, prop), False
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
            if component_name(self._document, pointer) is None:
                # Named by where it stands: whoever refers to it may stand in any module.
                above, prop = _place(pointer)
                owner = Reference(self._survey.module(pointer), above)
                if isinstance(schema, dict) and "$ref" not in schema and schema.get("properties"):
                    name = self._take(owner.name + camel_case(prop))
                    kind = Type("class", reference=Reference(owner.module, name))
                    self._expanded[pointer, side] = kind, _nullable(schema)  # it may hold itself
                    self._add_model(Reference(owner.module, name), schema, side)
                    return self._expanded[pointer, side]
            self._expanded[pointer, side] = self._type(schema, owner, side, prop)
        return self._expanded[pointer, side]

    def _all_of(self, schema: Schema, owner: Reference, side: Side, prop: str) -> tuple[Type, bool]:
        parts = [one for one in schema["allOf"] if isinstance(one, dict)]
        nullable = any(part.get("nullable", False) for part in parts)
        telling = [part for part in parts if set(part) - _ANNOTATIONS]
        if len(telling) == 1 and not schema.keys() & {"properties", "oneOf", "anyOf"}:
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
            if _is_null(flat):
                nullable = True
            elif values != [""]:
                kind, also = self._type(option, owner, side, prop)
                nullable = nullable or also
                members.append(kind)
        return union(members), nullable

    def _tag(self, schema: Schema, kind: Type, options: list[Any]) -> Tag | None:
        """What tells the models of a union apart: its discriminator, or a field of one value."""
        flats = [flat for flat in map(self._flat, options) if not _is_null(flat)]
        classes = [one.reference for one in kind.inner]
        if len(flats) != len(classes) or not all(
            reference and (reference.name in self._model_names or reference.name in self.models)
            for reference in classes
        ):
            return None
        references = [reference for reference in classes if reference is not None]
        given = schema.get("discriminator")
        if given is not None:
            pointers = [one.get("$ref", "") for one in options if isinstance(one, dict)]
            names = [component_name(self._document, one) or one for one in pointers]
            mapping = given.get("mapping") or {name: name for name in names}
            by_name = dict(zip(names, references, strict=False))
            members = [
                (value, by_name[named])
                for value, to in mapping.items()
                if (named := component_name(self._document, to) or to) in by_name
            ]
            return Tag(given["propertyName"], tuple(members)) if members else None
        values = [single_values(flat) for flat in flats]
        for name in values[0]:
            found = [one.get(name) for one in values]
            if all(found) and len(set(found)) == len(found):
                return Tag(name, tuple(zip(found, references, strict=True)))  # type: ignore[arg-type]
        return None

    def _own_type(self, schema: Schema, owner: Reference, side: Side, prop: str) -> Type:
        """The type that a schema gives by itself, without looking at its combinations."""
        values = _enum_values(schema)
        if values is not None and prop:
            reference = Reference(owner.module, self._take(owner.name + camel_case(prop)))
            self._add_enum(reference, schema, values)
            return Type("class", reference=reference, is_enum=True)
        declared = schema.get("type") or type_of_values(schema)
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
            if name == "str":
                name = "bytes" if _is_binary(schema) else _FORMATS.get(schema.get("format"), name)
            return Type("plain", name)
        return ANY

    def _hoisted(
        self, schema: Schema, module: str, name: str, side: Side, *, form: bool = False
    ) -> Type:
        """An object written in line becomes a class of its own, named by where it stands."""
        reference = Reference(module, self._take(name))
        self._add_model(reference, schema, side, form=form)
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
            return self._with_options(schema, passed) if schema.get("properties") else schema
        own = {key: value for key, value in schema.items() if key != "allOf"}
        parts = [*(self._flat(one, passed) for one in schema["allOf"]), own]
        telling = [part for part in parts if set(part) - _ANNOTATIONS]
        merged: Schema = {}
        properties: Schema = {}
        required: dict[str, None] = {}
        for part in parts:
            if len(telling) > 1:
                part = self._with_options(part, passed)
            merged |= part
            for name, held in part.get("properties", {}).items():
                properties[name] = self._both(properties.get(name, held), held)
            required |= dict.fromkeys(part.get("required", ()))
        if properties:
            merged["properties"] = properties
        return merged | {"required": list(required)}

    def _with_options(self, schema: Schema, passed: frozenset[str] = frozenset()) -> Schema:
        """A schema with the properties of its options; those that all require are required."""
        telling = []
        for option in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
            flat = self._flat(option, passed)
            if not _is_null(flat):
                reference = option.get("$ref") if isinstance(option, dict) else None
                telling.append(self._with_options(flat, passed | {reference or ""}))
        if not any(one.get("properties") for one in telling):
            return schema
        properties: Schema = {}
        for one in telling:
            for name, held in one.get("properties", {}).items():
                known = properties.get(name, held)
                properties[name] = known if known == held else {"anyOf": [known, held]}
        required = [
            name
            for name in telling[0].get("required", ())
            if all(name in one.get("required", ()) for one in telling)
        ]
        rest = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
        rest["properties"] = properties | schema.get("properties", {})
        return rest | {"required": [*schema.get("required", ()), *required]}

    def _both(self, one: Any, other: Any) -> Any:
        """What a property is that two branches of an `allOf` describe."""
        if one == other or not isinstance(one, dict) or not isinstance(other, dict):
            return other
        if self._flat(one).get("properties") and self._flat(other).get("properties"):
            return {"allOf": [one, other]}
        if one.keys() & _COMBINED or other.keys() & _COMBINED:
            return other
        return one | other


def _place(pointer: str) -> tuple[str, str]:
    """Names for what stands in line somewhere in the document: what it is in, and its own."""
    *above, last = (
        step
        for step in pointer.split("/")[1:]
        if step not in ("components", "schemas", "properties")
    )
    return camel_case(" ".join(above)) or "Model", last


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null" or schema.get("enum") == [None]


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
    return _is_binary(schema) or bool(schema.get("x-upload"))


def _is_binary(schema: Schema) -> bool:
    """Whether it is bytes, in the words of OpenAPI 3.0 or 3.1."""
    if schema.get("format") == "binary":
        return True
    return "contentMediaType" in schema and not (
        "contentEncoding" in schema or str(schema["contentMediaType"]).endswith("json")
    )


def _is_upload_url(schema: Schema) -> bool:
    """Whether it is the URL of a file, as drf-spectacular writes it: fields for URLs have limits.

    That is what a description with one schema for request and answer says of a file.
    """
    return schema.get("format") == "uri" and not schema.keys() & {"maxLength", "pattern"}
