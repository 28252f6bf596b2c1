"""Overlays are applied as the Overlay 1.0 specification says."""

from __future__ import annotations

from typing import Any

from codegen.overlay import apply_overlay


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
