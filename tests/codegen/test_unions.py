"""Unions, combinations and fields without names: what a description says of the shape of things."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import attrs
import pytest

from thredfi_async import InvalidRequest, codec

from .making import content, generate, load, post, ref, sent

CAT = {"required": ["kind"], "properties": {"kind": {"type": "string"}, "name": {"type": "string"}}}
TEXT = {"type": "string"}
PET = {
    "oneOf": [ref("Cat"), ref("Dog")],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
    },
}
SCHEMAS: dict[str, Any] = {
    "Cat": CAT,
    "Dog": CAT,  # no field tells them apart but `kind`
    "Pet": PET,
    "Card": {"properties": {"type": {"const": "card"}, "n": TEXT}},
    "Cash": {"properties": {"type": {"type": "string", "enum": ["cash"]}, "n": TEXT}},
    "Payment": {"properties": {"by": {"anyOf": [ref("Card"), ref("Cash")]}}},
    "Owner": {"properties": {"pets": {"type": "array", "items": ref("Pet")}, "best": ref("Pet")}},
    "Beside": {"properties": {"id": TEXT}, "oneOf": [ref("Left"), ref("Right")]},
    "Under": {"allOf": [{"properties": {"id": TEXT}}, {"anyOf": [ref("Left"), ref("Right")]}]},
    "Left": {"required": ["left", "both"], "properties": {"left": TEXT, "both": TEXT}},
    "Right": {"required": ["right", "both"], "properties": {"right": TEXT, "both": TEXT}},
    "Merged": {
        "allOf": [
            {"properties": {"address": {"properties": {"city": TEXT}}}},
            {"properties": {"address": {"properties": {"zip": TEXT}}}},
        ]
    },
    "Rates": {
        "properties": {"day": TEXT, "a-b": TEXT},
        "additionalProperties": {"type": "integer"},
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    answers = {name: {"200": content(ref(name))} for name in SCHEMAS}
    paths: dict[str, Any] = {}
    for name in SCHEMAS:
        paths |= post(f"post{name}", ref(name), responses=answers[name])
    document = {"paths": paths, "components": {"schemas": SCHEMAS}}
    return load(generate(tmp_path_factory.mktemp("unions"), document, "made_unions"))


def _read(made: ModuleType, name: str, value: Any) -> Any:
    read, drift = codec.decode(getattr(made.models, name), json.dumps(value).encode())
    assert drift == ()
    return read


def test_a_discriminator_decides_the_class(made: ModuleType) -> None:
    given = {"pets": [{"kind": "dog"}, {"kind": "cat"}], "best": {"kind": "dog", "name": "Rex"}}
    owner = _read(made, "Owner", given)
    assert [type(one).__name__ for one in owner.pets] == ["Dog", "Cat"]
    assert isinstance(owner.best, made.models.Dog)
    built = codec.structure(made.models.OwnerRequest, given)
    assert isinstance(built.pets[0], made.models.DogRequest)
    assert json.loads(codec.encode(built)) == given


def test_what_no_class_is_known_for_stays_as_it_came(made: ModuleType) -> None:
    bird = {"kind": "bird", "wings": 2}
    owner, drift = codec.decode(made.models.Owner, json.dumps({"best": bird}).encode())
    assert owner.best == bird
    assert [(one.path, one.expected) for one in drift] == [("best.kind", "cat or dog")]
    with pytest.raises(InvalidRequest, match=r"best\.kind: must be 'cat' or 'dog'"):
        codec.structure(made.models.OwnerRequest, {"best": bird})


def test_a_field_of_one_value_decides_the_class(made: ModuleType) -> None:
    payment = _read(made, "Payment", {"by": {"type": "cash", "n": "1"}})
    assert isinstance(payment.by, made.models.Cash)
    assert isinstance(_read(made, "Payment", {"by": {"type": "card"}}).by, made.models.Card)


async def test_a_polymorphic_body_is_sent_and_answered(made: ModuleType) -> None:
    operation = made.operations.POST_PET
    dog = {"kind": "dog", "name": "Rex"}
    for body in (dog, made.models.DogRequest(kind="dog", name="Rex")):
        request, value = await sent(lambda s, body=body: s.call(operation, body=body), dog)
        assert json.loads(request.body) == dog
        assert isinstance(value, made.models.Dog)
    with pytest.raises(InvalidRequest, match="kind: must be 'cat' or 'dog'"):
        await sent(lambda session: session.call(operation, body={"kind": "bird"}))


@pytest.mark.parametrize("name", ["Beside", "Under"])
def test_options_beside_or_under_an_all_of_keep_their_properties(
    made: ModuleType, name: str
) -> None:
    fields = attrs.fields_dict(getattr(made.models, f"{name}Request"))
    assert set(fields) == {"id", "left", "right", "both"}
    required = [key for key, one in fields.items() if one.default is attrs.NOTHING]
    assert required == ["both"]
    given = {"id": "1", "right": "r", "both": "b"}
    assert codec.to_mapping(codec.structure(getattr(made.models, f"{name}Request"), given)) == given


def test_nested_objects_of_several_branches_are_merged(made: ModuleType) -> None:
    merged = _read(made, "Merged", {"address": {"city": "Riga", "zip": "1010"}})
    assert (merged.address.city, merged.address.zip) == ("Riga", "1010")


def test_fields_without_a_name_are_kept_and_accepted(made: ModuleType) -> None:
    given = {"day": "today", "a-b": "x", "EUR": 1, "y-z": 2}
    rates = _read(made, "Rates", given)
    assert (rates.day, rates.a_b) == ("today", "x")
    assert rates.additional_properties == {"EUR": 1, "y-z": 2}
    assert codec.unknown(made.models.Rates, json.dumps(given).encode()) == ()
    request = codec.structure(made.models.RatesRequest, given)
    assert json.loads(codec.encode(request)) == given
    same = made.models.RatesRequest(
        day="today", a_b="x", additional_properties={"EUR": 1, "y-z": 2}
    )
    assert same == request
    with pytest.raises(InvalidRequest, match="must be an integer"):
        codec.structure(made.models.RatesRequest, {"EUR": "1"})
