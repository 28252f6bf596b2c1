"""Overlays are applied as the Overlay 1.0 specification says."""

from __future__ import annotations

from typing import Any

import pytest

from codegen.overlay import Laid, apply_overlay, lay_over


def _apply(document: dict[str, Any], *actions: dict[str, Any]) -> list[str]:
    return apply_overlay(document, {"overlay": "1.0.0", "actions": list(actions)})


def test_objects_merge_arrays_grow_and_the_rest_is_replaced() -> None:
    document = {"a": {"kept": 1, "changed": 1, "list": [1], "inner": {"kept": 1}}}
    update = {"changed": 2, "new": 3, "list": [2], "inner": {"new": 4}}
    _apply(document, {"target": "$.a", "update": update})
    assert document == {
        "a": {"kept": 1, "changed": 2, "list": [1, 2], "inner": {"kept": 1, "new": 4}, "new": 3}
    }


def test_what_targets_an_array_is_appended_to_it() -> None:
    document = {"tags": [{"name": "a"}]}
    _apply(document, {"target": "$.tags", "update": {"name": "b"}})
    assert document == {"tags": [{"name": "a"}, {"name": "b"}]}


def test_an_element_chosen_by_a_filter_is_updated() -> None:
    document = {"tags": [{"name": "a"}, {"name": "b"}]}
    _apply(document, {"target": "$.tags[?@.name == 'b']", "update": {"x-module": "c"}})
    assert document == {"tags": [{"name": "a"}, {"name": "b", "x-module": "c"}]}


def test_operations_can_be_chosen_by_a_pattern() -> None:
    document = {"paths": {"/a": {"get": {"operationId": "void_it"}, "put": {"operationId": "x"}}}}
    target = "$.paths[*][?match(@.operationId, '(void|archive)_.*')]"
    _apply(document, {"target": target, "update": {"seen": True}})
    assert document["paths"]["/a"]["get"] == {"operationId": "void_it", "seen": True}
    assert document["paths"]["/a"]["put"] == {"operationId": "x"}


def test_several_elements_of_one_array_are_removed() -> None:
    document = {"list": [{"n": 1}, {"n": 2}, {"n": 1}, {"n": 3}, {"n": 1}]}
    _apply(document, {"target": "$.list[?@.n == 1]", "remove": True})
    assert document == {"list": [{"n": 2}, {"n": 3}]}


def test_a_key_is_removed_and_only_if_the_action_says_so() -> None:
    document = {"a": {"b": 1, "c": {}}}
    _apply(document, {"target": "$.a.b", "remove": True})
    _apply(document, {"target": "$.a.c", "remove": False, "update": {"d": 1}})
    assert document == {"a": {"c": {"d": 1}}}


def test_one_update_in_two_places_makes_two_objects() -> None:
    document: dict[str, Any] = {"a": {}, "b": {}}
    _apply(document, {"target": "$.*", "update": {"new": {"deep": []}}})
    document["a"]["new"]["deep"].append(1)
    assert document["b"] == {"new": {"deep": []}}


def test_later_actions_see_what_earlier_ones_did() -> None:
    document: dict[str, Any] = {"paths": {}}
    first = {"target": "$.paths", "update": {"/a": {}}}
    assert _apply(document, first, {"target": "$.paths['/a']", "update": {"get": {}}}) == []
    assert document == {"paths": {"/a": {"get": {}}}}


def test_targets_that_match_nothing_come_back() -> None:
    document: dict[str, Any] = {"paths": {}}
    assert _apply(document, {"target": "$.nowhere", "update": {}}) == ["$.nowhere"]
    assert document == {"paths": {}}


def test_an_update_that_refers_to_nothing_is_left_out() -> None:
    """Another description may call by another name what the overlay refers to."""
    document: dict[str, Any] = {"a": {}}
    update = {"target": "$.a", "update": {"schema": {"$ref": "#/components/schemas/Gone"}}}
    assert _apply(document, update) == ["$.a"]
    assert document == {"a": {}}


# --- over a file of the vendor's own ---------------------------------------------------------


def _over(document: dict[str, Any], target: str, update: Any, *, basis: str = "guess") -> Laid:
    action = {"target": target, "update": update, "x-basis": basis}
    return lay_over(document, {"overlay": "1.0.0", "actions": [action]}, foreign=True)


STATUS = {"type": "string", "enum": ["paid", "sent"]}


def _document(schema: dict[str, Any]) -> dict[str, Any]:
    return {"components": {"schemas": {"Status": STATUS, "Invoice": {"properties": {"s": schema}}}}}


@pytest.mark.parametrize(
    ("stated", "stands"),
    [
        ({"type": "string"}, True),
        ({"type": "string", "maxLength": 9}, True),
        ({"type": "string", "enum": ["sent", "paid", None]}, True),
        ({"type": "string", "enum": ["open"]}, False),
        ({"type": "string", "format": "uuid"}, False),
        ({"type": "integer"}, False),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, False),
    ],
)
def test_a_guess_of_an_enum_gives_way_to_what_is_no_mere_text(
    stated: dict[str, Any], stands: bool
) -> None:
    document = _document(dict(stated))
    update = {"$ref": "#/components/schemas/Status"}
    laid = _over(document, "$.components.schemas.Invoice.properties.s", update)
    held = document["components"]["schemas"]["Invoice"]["properties"]["s"]
    assert held == (stated | update if stands else stated)
    assert bool(laid.gave_way) != stands


def test_a_guess_adds_what_is_not_said_and_changes_nothing() -> None:
    document: dict[str, Any] = {"components": {"schemas": {"A": {"required": ["x"]}, "B": {}}}}
    laid = _over(document, "$.components.schemas[*]", {"required": ["id"], "x-open": True})
    assert document["components"]["schemas"] == {
        "A": {"required": ["x"], "x-open": True},
        "B": {"required": ["id"], "x-open": True},
    }
    assert laid.gave_way == ["$.components.schemas[*]"]
    held: dict[str, Any] = {"properties": {"type": {"type": "integer"}}}
    laid = _over(held, "$.properties", {"type": {"type": "string"}, "note": {"type": "string"}})
    assert held["properties"] == {"type": {"type": "integer"}, "note": {"type": "string"}}
    assert laid.gave_way == ["$.properties"]


def test_a_guess_holds_for_what_is_kept_from_our_description() -> None:
    document: dict[str, Any] = {
        "components": {"schemas": {"A": {"type": "integer", "x-kept": True}}}
    }
    assert _over(document, "$.components.schemas.A", {"type": "string"}).gave_way == []
    assert document["components"]["schemas"]["A"]["type"] == "string"


def test_a_correction_stands_and_is_told_where_it_changes_something() -> None:
    document: dict[str, Any] = {"a": {"type": "array"}, "b": {"type": "object"}}
    laid = _over(document, "$.*", {"type": "object"}, basis="correction")
    assert document == {"a": {"type": "object"}, "b": {"type": "object"}}
    assert laid.stood == ["$.*"]
    assert _over(document, "$.*", {"type": "object"}, basis="correction").stood == []
