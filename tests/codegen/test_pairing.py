"""Schemas are paired by what they are used for, whatever the two descriptions call them."""

from __future__ import annotations

from typing import Any

from codegen.pairing import Pairing, pair
from codegen.shape import check

Schema = dict[str, Any]


def _to(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


TEXT: Schema = {"type": "string"}


def _document(body: Schema, answer: Schema, id: str = "make", **schemas: Schema) -> Schema:
    document = {
        "openapi": "3.0.3",
        "paths": {
            "/things/": {
                "post": {
                    "operationId": id,
                    "requestBody": {"content": {"application/json": {"schema": body}}},
                    "responses": {"201": {"content": {"application/json": {"schema": answer}}}},
                }
            }
        },
        "components": {"schemas": schemas},
    }
    check(document, "test")
    return document


OURS = _document(
    _to("ThingRequest"),
    _to("Thing"),
    ThingRequest=_object(name=TEXT, part=_to("Part")),
    Thing=_object(id=TEXT, name=TEXT, part=_to("Part")),
    Part=_object(size=TEXT),
)


def _paired(document: Schema, ours: Schema = OURS, used: tuple[str, ...] = ()) -> Pairing:
    found = pair(document, ours, used)
    assert found is not None
    check(found.document, "paired")
    return found


def _schemas(found: Pairing) -> Schema:
    held: Schema = found.document["components"]["schemas"]
    return held


def test_one_schema_for_both_sides_goes_by_both_of_our_names() -> None:
    whole = _object(id=TEXT, name=TEXT, part=_to("P"))
    found = _paired(_document(_to("T"), _to("T"), "x", T=whole, P=_object(size=TEXT)))
    schemas = _schemas(found)
    assert schemas.keys() == {"Thing", "ThingRequest", "Part"}
    assert schemas["Thing"]["properties"]["part"] == _to("Part")
    assert schemas["Thing"]["x-aliases"] == ["T"]
    operation = found.document["paths"]["/things/"]["post"]
    assert operation["operationId"] == "make"
    assert operation["requestBody"]["content"]["application/json"]["schema"] == _to("ThingRequest")


def test_what_stands_in_line_gets_our_name() -> None:
    inner = _object(size=TEXT) | {"nullable": True}
    found = _paired(_document(_object(name=TEXT, part=inner), _object(id=TEXT, name=TEXT)))
    schemas = _schemas(found)
    assert schemas["ThingRequest"]["properties"]["part"] == {**_to("Part"), "nullable": True}
    assert schemas["Part"] == _object(size=TEXT)
    assert schemas["Thing"] == _object(id=TEXT, name=TEXT)


def test_wrappings_say_nothing() -> None:
    part: Schema = {"oneOf": [{"allOf": [_to("P")]}, _to("NullEnum")]}
    found = _paired(
        _document(
            _to("T"),
            _to("Thing"),
            T=_object(name=TEXT, part=part),
            Thing=_object(id=TEXT),
            P=_object(size=TEXT),
            NullEnum={"enum": [None]},
        )
    )
    inner = _schemas(found)["ThingRequest"]["properties"]["part"]
    assert inner == {"oneOf": [{"allOf": [_to("Part")]}, _to("NullEnum")]}


def test_a_name_that_means_something_else_with_us_is_no_alias() -> None:
    found = _paired(
        _document(
            _to("Thing"),  # what we call a ThingRequest
            _to("Part"),  # what we call a Thing
            Thing=_object(name=TEXT, part=_to("Bit")),
            Part=_object(id=TEXT, name=TEXT),
            Bit=_object(size=TEXT),
        )
    )
    schemas = _schemas(found)
    assert schemas["Thing"]["properties"].keys() == {"id", "name"}
    assert schemas["Part"]["x-aliases"] == ["Bit"]
    assert found.schemas == {"Thing": "ThingRequest", "Part": "Thing", "Bit": "Part"}


def test_what_only_they_have_keeps_its_name_unless_we_have_another_of_it() -> None:
    found = _paired(
        _document(
            _to("T"),
            _object(id=TEXT, more=_to("Part")),
            T=_object(name=TEXT),
            Part=_object(colour=TEXT),
            Unused={"type": "array", "items": _to("Part")},
        )
    )
    schemas = _schemas(found)
    assert schemas["Part2"] == _object(colour=TEXT)
    assert schemas["Unused"]["items"] == _to("Part2")


def test_schemas_that_hold_each_other_are_paired() -> None:
    def tree(name: str) -> Schema:
        return _object(name=TEXT, below={"type": "array", "items": _to(name)})

    ours = _document(_to("Node"), _to("Node"), Node=tree("Node"))
    found = _paired(_document(_to("N"), _to("N"), N=tree("N")), ours)
    assert _schemas(found)["Node"] == tree("Node") | {"x-aliases": ["N"]}


def test_what_is_used_and_lacking_is_kept_with_all_that_it_refers_to() -> None:
    ours = _document(_to("ThingRequest"), _to("Thing"), **OURS["components"]["schemas"])
    ours["paths"]["/parts/{id}/"] = {
        "get": {
            "operationId": "get_part",
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": TEXT}],
            "responses": {"200": {"content": {"application/json": {"schema": _to("Part")}}}},
        }
    }
    theirs = _document(_object(name=TEXT), _object(id=TEXT), "x")
    assert "/parts/{id}/" not in _paired(theirs, ours).document["paths"]
    found = _paired(theirs, ours, ("get_part",))
    assert found.kept == ("get_part",)
    assert found.document["paths"]["/parts/{id}/"]["get"]["x-kept"] is True
    assert _schemas(found)["Part"] == _object(size=TEXT) | {"x-kept": True}
    assert found.kept_schemas == ("Part",)
