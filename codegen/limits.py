"""The limits of a schema, as the arguments of `checks.check`."""

from __future__ import annotations

import sys
from typing import Any

from .classes import Type
from .patterns import compiles, is_harmless

Schema = dict[str, Any]

_LIMITS: dict[str, dict[str, str]] = {  # by what the value is an instance of
    "str": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "Decimal": {"pattern": "pattern"},
    "list": {"minItems": "min_items", "maxItems": "max_items"},
    "dict": {"minProperties": "min_properties", "maxProperties": "max_properties"},
    "int": {"multipleOf": "multiple_of"},
    "float": {"multipleOf": "multiple_of"},
}


def constraints(kind: Type, schema: Schema, field: str) -> dict[str, Any]:
    """The arguments of `checks.check` that a schema asks for."""
    name = kind.name or kind.kind
    listed = tuple(values(schema))
    is_text = all(isinstance(value, str) for value in listed)
    found: dict[str, Any] = {
        argument: schema[key] for key, argument in _LIMITS.get(name, {}).items() if key in schema
    }
    # Enums of texts are open: the next version of the API may know one more.
    if (
        listed
        and ("const" in schema or not is_text)
        and not any(isinstance(value, dict | list) for value in listed)
    ):
        found["values"] = listed
    if name == "list" and schema.get("uniqueItems"):
        found["unique_items"] = True
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


def values(schema: Schema) -> list[Any]:
    given: list[Any] = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return [value for value in given if value is not None]


def single_values(schema: Schema) -> dict[str, str]:
    """The properties that can hold one text alone, with that."""
    found = {
        name: values(held)
        for name, held in schema.get("properties", {}).items()
        if isinstance(held, dict)
    }
    return {
        name: held[0]
        for name, held in found.items()
        if len(held) == 1 and isinstance(held[0], str) and held[0]
    }


def type_of_values(schema: Schema) -> str | None:
    """The type of an enum that doesn't say it."""
    kinds = {type(value) for value in values(schema)}
    for known, name in (({bool}, "boolean"), ({int}, "integer"), ({int, float}, "number")):
        if kinds and kinds <= known:
            return name
    return None
