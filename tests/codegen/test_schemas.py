"""The many ways in which descriptions say one thing, and the one form they are brought to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from codegen.classes import Field, Side
from codegen.models import docstring
from codegen.names import class_name, constant_name, field_names, member_name, module_name
from codegen.operations import write_operations
from codegen.schemas import Schemas
from codegen.shape import check
from codegen.survey import Survey


def _read(schemas: dict[str, Any], **operations: Any) -> tuple[dict[str, Any], Survey, Schemas]:
    document: dict[str, Any] = {
        "openapi": "3.0.3",
        "paths": {f"/{name}/": item for name, item in operations.items()},
        "components": {"schemas": schemas},
    }
    check(document, "document")
    survey = Survey(document)
    return document, survey, Schemas(document, survey)


def _schemas(**schemas: Any) -> Schemas:
    return _read(schemas)[2]


def _field(schema: Any, side: Side = "answer", **others: Any) -> Field:
    """The field that a property of this schema becomes."""
    name = "XRequest" if side == "request" else "X"
    model = {"properties": {"it": schema}}
    (field,) = _schemas(**{name: model, **others}).models[name].fields
    return field


def _hint(schema: Any, side: Side = "answer", **others: Any) -> str:
    field = _field(schema, side, **others)
    return field.type.hint("common", side) + (" | None" if field.nullable else "")


STATUS = {"type": "string", "enum": ["open", "paid"]}
BLANK = {"enum": [""]}
NULL = {"enum": [None]}
REF = {"$ref": "#/components/schemas/Other"}
OTHER = {"properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        ({"type": "string"}, "str"),
        ({"type": "string", "format": "uuid"}, "str"),
        ({"type": "string", "format": "decimal"}, "Decimal"),
        ({"type": "string", "format": "date"}, "dt.date"),
        ({"type": "string", "format": "date-time"}, "Instant"),
        ({"type": "string", "format": "binary"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "integer", "enum": [1, 2]}, "int"),
        ({"type": "number", "nullable": True}, "float | None"),
        ({"type": ["boolean", "null"]}, "bool | None"),
        ({"type": ["string", "integer"]}, "str | int"),
        ({"type": "null"}, "Any | None"),
        ({"type": "file"}, "Any"),
        ({"enum": ["a", 1]}, "Any"),
        ({}, "Any"),
        (True, "Any"),
        ({"type": "object"}, "dict[str, Any]"),
        ({"type": "object", "additionalProperties": {}}, "dict[str, Any]"),
        ({"type": "object", "additionalProperties": False}, "dict[str, Any]"),
        ({"additionalProperties": {"type": "integer"}, "type": "object"}, "dict[str, int]"),
        ({"type": "array"}, "list[Any]"),
        ({"items": {"type": "integer", "nullable": True}}, "list[int | None]"),
        ({"type": "array", "items": {"type": "array", "items": REF}}, "list[list[Other]]"),
        (REF, "Other"),
        ({**REF, "nullable": True}, "Other | None"),
        ({**REF, "description": "3.1 allows this"}, "Other"),
        ({"allOf": [REF]}, "Other"),
        ({"allOf": [REF], "nullable": True, "description": "3.0 needs it so"}, "Other | None"),
        ({"allOf": [REF, {"description": "told apart"}]}, "Other"),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "str"),
        ({"oneOf": [REF, {"type": "null"}]}, "Other | None"),
        ({"anyOf": [REF, {"type": "string"}]}, "Other | str"),
        ({"oneOf": [REF, {"type": "string"}, {}]}, "Any"),
        ({"oneOf": [{"$ref": "#/components/schemas/Status"}, BLANK, NULL]}, "Status | None"),
        ({"oneOf": [BLANK, NULL]}, "Any | None"),
        ({"type": "string", "enum": ["a", None]}, "XIt | None"),
        ({"type": ["string", "null"], "enum": ["a", None]}, "XIt | None"),
        ({"const": "a"}, "XIt"),
        ({"properties": {"a": {}}}, "XIt"),
        ({"type": "array", "items": {"properties": {"a": {}}}}, "list[XItItem]"),
        ({"type": "object", "additionalProperties": OTHER}, "dict[str, XItValue]"),
        ({"allOf": [REF, {"properties": {"b": {}}}]}, "XIt"),
        ({"$ref": "#/components/schemas/List"}, "list[Other]"),
        ({"$ref": "#/components/schemas/Endless"}, "list[Any]"),
        ({"$ref": "#/components/schemas/Other/properties/a"}, "str"),
        ({"$ref": "#/components/schemas/With%20blank"}, "WithBlank"),
        ({"$ref": "#/components/schemas/a~1b"}, "AB"),
    ],
)  # fmt: skip
def test_types(schema: Any, hint: str) -> None:
    others = {
        "Other": OTHER,
        "Status": STATUS,
        "List": {"type": "array", "items": REF},
        "Endless": {"type": "array", "items": {"$ref": "#/components/schemas/Endless"}},
        "With blank": OTHER,
        "a/b": OTHER,
    }
    assert _hint(schema, **others) == hint


def test_what_a_request_takes_besides() -> None:
    assert _hint(STATUS, "request") == "XRequestIt | str"
    assert _hint({"type": "string", "format": "date-time"}, "request") == "dt.datetime"
    assert _hint({"type": "string", "format": "binary"}, "request") == "bytes | FilePart"


@pytest.mark.parametrize(
    ("schema", "constraints"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 2}, {"min_length": 1, "max_length": 2}),
        ({"type": "string", "pattern": "^a"}, {"pattern": "^a"}),
        ({"type": "string", "pattern": "[[:alpha:]]"}, {}),
        ({"type": "string", "pattern": "(?<name>a)\\p{L}"}, {}),
        ({"type": "string", "pattern": "("}, {}),
        ({"type": "string", "pattern": "^(a+)+$", "maxLength": 9}, {"max_length": 9}),
        ({"type": "integer", "minimum": 1, "maximum": 9}, {"minimum": 1, "maximum": 9}),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"exclusive_minimum": 0}),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": False}, {"minimum": 0}),
        ({"type": "number", "exclusiveMaximum": 5}, {"exclusive_maximum": 5}),
        ({"type": "number", "exclusiveMaximum": True}, {}),
        ({"type": "integer", "multipleOf": 5}, {"multiple_of": 5}),
        ({"type": "array", "minItems": 1, "maxItems": 2}, {"min_items": 1, "max_items": 2}),
        ({"type": "string", "format": "date", "minLength": 1}, {}),
        ({"allOf": [{"$ref": "#/components/schemas/Short"}]}, {"max_length": 3}),
        ({"type": ["string", "null"], "maxLength": 3}, {"max_length": 3}),
    ],
)
def test_limits_of_requests(schema: Any, constraints: dict[str, Any]) -> None:
    short = {"type": "string", "maxLength": 3}
    assert _field(schema, "request", Short=short).constraints == constraints
    assert _field(schema, "answer", Short=short).constraints == {}


def test_a_pattern_that_is_left_out_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _field({"type": "string", "pattern": "^(a+)+$"}, "request")
    assert "codegen: XRequest.it: the pattern ^(a+)+$ can take very long" in capsys.readouterr().err


def _operation(**parts: Any) -> dict[str, Any]:
    return {"post": {"tags": ["T"], **parts}}


def _json(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def test_a_model_of_both_sides_is_two_classes() -> None:
    thing = {"properties": {"id": {"readOnly": True}, "key": {"writeOnly": True}, "name": {}}}
    used = {"$ref": "#/components/schemas/Thing"}
    operation = _operation(requestBody=_json(used), responses={"200": _json(used)})
    _, _, schemas = _read({"Thing": thing}, things=operation)
    fields = {name: [one.name for one in model.fields] for name, model in schemas.models.items()}
    assert fields == {"Thing": ["id", "name"], "ThingRequest": ["key", "name"]}


def test_a_twin_gives_way_to_a_schema_of_its_name() -> None:
    used = {"$ref": "#/components/schemas/Thing"}
    operation = _operation(requestBody=_json(used), responses={"200": _json(used)})
    _, _, schemas = _read({"Thing": OTHER, "ThingRequest": OTHER}, things=operation)
    assert set(schemas.models) == {"Thing", "ThingRequest", "ThingRequest2"}
    assert schemas.models["ThingRequest2"].side == "request"


def test_modules_go_by_tag_and_what_is_shared_is_common() -> None:
    def uses(name: str, tag: str) -> dict[str, Any]:
        used = _json({"$ref": f"#/components/schemas/{name}"})
        return {"get": {"tags": [tag], "responses": {"200": used}}}

    with_shared = {"properties": {"shared": {"$ref": "#/components/schemas/Shared"}}}
    _, _, schemas = _read(
        {"A": with_shared, "B": with_shared, "Shared": OTHER, "Unused": with_shared},
        a=uses("A", "First things"),
        b=uses("B", "common"),
    )
    modules = {name: model.reference.module for name, model in schemas.models.items()}
    assert modules == {"A": "first_things", "B": "common_", "Shared": "common", "Unused": "common"}


def test_names_of_schemas_never_collide() -> None:
    names = [
        "Thing",
        "thing",
        "th-ing",
        "th ing",
        "ThIng",
        "2nd",
        "class",
        "Any",
        "str",
        "-",
        "é",
        "E",
    ]
    models = _schemas(**dict.fromkeys(names, OTHER)).models
    assert len(models) == len(names)
    assert all(name.isidentifier() and name[0].isupper() for name in models)


def test_an_enum_of_known_values_is_open_where_it_has_a_name() -> None:
    known = {"type": "string", "x-known-values": ["a", "b"]}
    assert _schemas(Known=known).enums["Known"].members == (("A", "a"), ("B", "b"))
    assert _hint(known) == "str"


def _operations(schemas: dict[str, Any], **operations: Any) -> str:
    return write_operations(*_read(schemas, **operations))


def test_answers_of_several_kinds_are_all_in_the_type() -> None:
    schemas = {"A": OTHER, "B": OTHER, "List": {"type": "array", "items": {"type": "integer"}}}
    a, b, listing = ({"$ref": f"#/components/schemas/{name}"} for name in schemas)
    text = _operations(
        schemas,
        both=_operation(operationId="both", responses={"200": _json(a), "201": _json(b)}),
        same=_operation(operationId="same", responses={"200": _json(a), "201": _json(a)}),
        maybe=_operation(operationId="maybe", responses={"200": _json(a), "204": {}}),
        listing=_operation(operationId="listing", responses={"200": _json(listing)}),
        many=_operation(operationId="many", responses={"2XX": _json({"items": a})}),
        none=_operation(operationId="none", responses={"404": _json(a)}),
        plain=_operation(operationId="plain", responses={"200": _json({"type": "string"})}),
    )
    assert "BOTH: Operation[t.A | t.B]" in text
    assert "SAME: Operation[t.A]" in text
    assert "MAYBE: Operation[t.A | None]" in text
    assert "LISTING: Operation[t.List]" in text
    assert "MANY: Operation[list[t.A]]" in text
    assert '(200, ModelRef("t", "A", many=True))' in text
    assert "NONE: Operation[None]" in text
    assert "PLAIN: Operation[t.PlainAnswer]" in text


def test_operations_without_an_id_or_with_the_same_words_are_told_apart() -> None:
    text = _operations(
        {},
        a=_operation(),
        b=_operation(operationId="listThings"),
        c=_operation(operationId="list_things"),
        d=_operation(operationId="operations"),
        e=_operation(operationId="1st"),
    )
    for name in ("POST_A", "LIST_THINGS", "LIST_THINGS2", "OPERATIONS2", "N1ST"):
        assert f"\n{name}: Operation[None]" in text


def test_what_an_operation_says_of_a_parameter_stands_above_its_path() -> None:
    def limit(kind: str) -> dict[str, Any]:
        return {"in": "query", "name": "limit", "schema": {"type": kind}}

    item = {"parameters": [limit("string")], **_operation(parameters=[limit("integer")])}
    assert "Parameter('limit', type='integer')" in _operations({}, a=item)


def test_headers_that_openapi_leaves_to_others_are_no_parameters() -> None:
    headers = [{"in": "header", "name": name} for name in ("Accept", "authorization", "X-Own")]
    text = _operations({}, a=_operation(parameters=headers))
    assert text.count("Parameter('") == 1
    assert "Parameter('X-Own')" in text


def test_a_path_may_refer_to_another() -> None:
    text = _operations({}, a=_operation(), b={"$ref": "#/paths/~1a~1"})
    assert "path='/a/'" in text
    assert "path='/b/'" in text


@pytest.mark.parametrize(
    ("wire_names", "names"),
    [
        (["id", "type", "date"], ["id", "type", "date"]),
        (["class", "str", "self"], ["class_", "str_", "self_"]),
        (["a-b", "a_b", "a b"], ["a_b_2", "a_b", "a_b_3"]),
        (["_x", "__x__", "x"], ["x_2", "x_3", "x"]),
        (["1st", "", "!", "é", "ﬁ"], ["n1st", "value", "value_2", "e", "fi"]),
        (["Any", "Any_"], ["Any_2", "Any_"]),
    ],
)
def test_names_of_fields(wire_names: list[str], names: list[str]) -> None:
    given = field_names(wire_names)
    assert [given[one] for one in wire_names] == names


def test_names_of_other_things() -> None:
    assert class_name("PaginatedThingList") == "PaginatedThingList"
    assert class_name("2nd.Thing-Of_all") == "Model2ndThingOfAll"
    assert class_name("None") == "NoneModel"
    assert member_name("dark-green") == "DARK_GREEN"
    assert member_name("1/2") == "N1_2"
    assert member_name("✓") == "BLANK"
    assert member_name("OPEN", {"OPEN"}) == "OPEN2"
    assert module_name("Oauth2 - Scoped") == "oauth2_scoped"
    assert module_name("class") == "class_"
    assert module_name("1st") == "m1st"
    assert constant_name("createBigThing") == "CREATE_BIG_THING"


@pytest.mark.parametrize(
    "text", ['"', '"""', "\\", "a\\", 'ends "so"', "\x00\u2028\ud800", "a\n\n\n  b", "x" * 300]
)
def test_any_text_can_be_a_docstring(text: str) -> None:
    written = docstring(text)
    held = eval(written) if written else ""
    assert "".join(held.split()) == "".join(
        char for char in text if char.isprintable() and char != " "
    )


def test_no_text_is_no_docstring() -> None:
    assert docstring("") == docstring(" \n ") == ""


FILE = {"type": "string", "format": "binary"}
MARKED = {"type": "string", "format": "uuid", "x-upload": True}


@pytest.mark.parametrize(
    ("form", "part"),
    [
        ({"properties": {"name": {}, "scan": FILE}}, "scan"),
        ({"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"scan": FILE}}]}, "scan"),
        ({"properties": {"document": {"properties": {"file": MARKED}}}}, "document.file"),
        ({"properties": {"document": {"properties": {"file": FILE}}, "scan": FILE}}, "scan"),
        ({"properties": {"document": {"type": "string"}}}, None),
    ],
)
def test_the_part_of_a_form_that_takes_a_file(form: dict[str, Any], part: str | None) -> None:
    body = _json({"type": "object"})
    body["content"]["multipart/form-data"] = {"schema": form}
    text = _operations({"A": OTHER}, a=_operation(operationId="a", requestBody=body))
    assert re.findall(r"file='(.*)'", text) == ([part] if part else [])


def test_a_file_in_json_is_no_part_of_a_form() -> None:
    body = _json({"properties": {"scan": FILE}})
    assert "file=" not in _operations({}, a=_operation(operationId="a", requestBody=body))


def test_options_and_nulls_may_lead_back_to_themselves() -> None:
    itself = {"$ref": "#/components/schemas/Itself"}
    option = {"oneOf": [itself, {"type": "null"}]}
    beside = {"properties": {"a": {}}, "oneOf": [itself, {"$ref": "#/components/schemas/Beside"}]}
    models = _schemas(Itself=option, Beside=beside, XRequest={"properties": {"it": option}}).models
    assert [one.name for one in models["Beside"].fields] == ["a"]
    assert models["XRequest"].fields[0].type.kind == "any"
