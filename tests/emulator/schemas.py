"""Schemas of the description (OpenAPI 3.0) as JSON Schema, compiled.

The description lets answers hold more than it lists. The emulator must not: in the schemas of
answers, every object that has properties is closed. In those of requests, what the emulator
takes on top of what is described is let in: a null where a field may be left out, and enums in
any case.
"""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs

from codegen.document import component_name, resolve

Schema = dict[str, Any]
_KEPT = (
    "type", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "minItems", "maxItems", "minProperties", "maxProperties", "multipleOf", "uniqueItems",
)  # fmt: skip
_NULL = {"type": "null"}


class Validator:
    """One schema of a document, which may nest in itself."""

    def __init__(self, document: Schema, schema: Schema, *, is_request: bool = False) -> None:
        self._document = document
        self._is_request = is_request
        self._named: dict[str, Any] = {}
        self.shape = self._merged(schema)  # the schema without references at its top
        root = self._convert(schema)
        self._compiled = jsonschema_rs.Draft202012Validator(
            {**root, "$defs": self._named}, validate_formats=True
        )

    def problems(self, value: Any) -> list[str]:
        """What is wrong with a value, each with its path; empty if nothing is."""
        if self._compiled.is_valid(value):
            return []
        return [
            f"{''.join(f'[{step!r}]' for step in error.instance_path) or 'all'}: {error.message}"
            for error in self._compiled.iter_errors(value)
        ]

    def property(self, name: str) -> Schema:
        """The schema of one property, without references at its top."""
        return self._merged(self.shape.get("properties", {}).get(name, {}))

    def _convert(self, schema: Schema) -> Schema:
        name = component_name(self._document, schema["$ref"]) if "$ref" in schema else None
        if name is None:
            return self._convert_merged(self._merged(schema))
        if name not in self._named:
            self._named[name] = {}  # it may nest in itself
            self._named[name] = self._convert_merged(self._merged(schema))
        return {"$ref": f"#/$defs/{name}"}

    def _merged(self, schema: Schema) -> Schema:
        """The schema without its reference and allOf."""
        if "$ref" in schema:
            return self._merged(resolve(self._document, schema["$ref"]))
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in map(self._merged, schema.get("allOf", ())):
            properties = {**part.get("properties", {}), **merged.get("properties", {})}
            required = [*part.get("required", ()), *merged.get("required", ())]
            merged = {**part, **merged}
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _convert_merged(self, schema: Schema) -> Schema:
        found: Schema = {key: schema[key] for key in _KEPT if key in schema}
        for key in ("oneOf", "anyOf"):
            if key in schema:
                found[key] = [self._convert(part) for part in schema[key]]
        if "items" in schema:
            found["items"] = self._convert(schema["items"])
        if isinstance(schema.get("additionalProperties"), dict):
            found["additionalProperties"] = self._convert(schema["additionalProperties"])
        if schema.get("properties"):
            self._add_properties(found, schema)
        if "oneOf" in schema:
            found.pop("format", None)  # the overlay's oneOf stands beside the format it widens
        if self._is_request and "enum" in found:
            found["anyOf"] = [{"enum": found["enum"]}, _in_any_case(found.pop("enum"))]
        return {"anyOf": [found, _NULL]} if schema.get("nullable") else found

    def _add_properties(self, found: Schema, schema: Schema) -> None:
        found["required"] = list(schema.get("required", ()))
        found["properties"] = properties = {
            name: self._convert(part) for name, part in schema["properties"].items()
        }
        if not self._is_request:
            found["additionalProperties"] = False
            return
        for name in properties.keys() - set(found["required"]):
            properties[name] = {"anyOf": [properties[name], _NULL]}


def _in_any_case(values: list[Any]) -> Schema:
    texts = [re.escape(value) for value in values if isinstance(value, str)]
    cased = [re.sub("[a-z]", lambda m: f"[{m[0]}{m[0].upper()}]", text.lower()) for text in texts]
    return {"type": "string", "pattern": f"^({'|'.join(cased)})$"}
