"""Limits, values and exact numbers of request fields, and how parameters are written."""

from __future__ import annotations

import json
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from thredfi_async import InvalidRequest, codec
from thredfi_async.operation import Style

from .making import content, generate, load, post, ref, sent


def many(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item}


TEXT = {"type": "string"}
MAP = {"type": "object", "additionalProperties": TEXT}
FIELDS: dict[str, Any] = {
    "level": {"type": "integer", "enum": [1, 2]},
    "on": {"type": "boolean", "enum": [True]},
    "untyped": {"enum": [1, 2]},
    "five": {"const": 5},
    "word": {"const": "so"},
    "names": many({**TEXT, "minLength": 2, "maxLength": 3}),
    "matrix": many(many({"type": "integer", "maximum": 9})),
    "price": {"type": "number", "multipleOf": 0.01},
    "pairs": {**MAP, "minProperties": 1, "maxProperties": 2},
    "once": {**many({"type": "object"}), "uniqueItems": True},
    "maybe": {"anyOf": [{**TEXT, "maxLength": 3}, {"type": "null"}]},
    "count": {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    "levels": {"anyOf": [many({"enum": [1, 2]}), {"type": "null"}]},
    "amount": {**TEXT, "format": "decimal", "pattern": "^-?\\d{0,3}(?:\\.\\d{0,2})?$"},
}
PARAMETERS = [
    {"name": "spaces", "style": "spaceDelimited", "explode": False},
    {"name": "pipes", "style": "pipeDelimited", "explode": False},
    {"name": "commas", "explode": False},
    {"name": "each", "style": "pipeDelimited", "explode": True},
]
LIST = {"in": "query", "schema": many(TEXT)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    parameters = [LIST | one for one in PARAMETERS]
    answers = {"200": content(ref("Answer"))}
    document = {
        "paths": post("thing", ref("Thing"), parameters=parameters, responses=answers),
        "components": {
            "schemas": {
                "Thing": {"properties": FIELDS},
                "Answer": {"properties": {"amount": FIELDS["amount"], "level": FIELDS["level"]}},
            }
        },
    }
    return load(generate(tmp_path_factory.mktemp("limits"), document, "made_limits"))


GOOD: list[tuple[str, Any]] = [
    ("level", 2),
    ("on", True),
    ("untyped", 1),
    ("five", 5),
    ("word", "so"),
    ("names", ["ab", "abc"]),
    ("matrix", [[1, 9], []]),
    ("price", 0.07),
    ("pairs", {"a": "b"}),
    ("once", [{"a": 1}, {"a": True}, {"a": 2}]),
    ("maybe", None),
    ("maybe", "abc"),
    ("count", 1),
    ("levels", [1, 2]),
    ("amount", Decimal("1.50")),
]
BAD: list[tuple[str, Any, str]] = [
    ("level", 3, "must be 1 or 2, not 3"),
    ("level", True, "must be int, not bool"),
    ("on", False, "must be True, not False"),
    ("untyped", 3, "must be 1 or 2"),
    ("five", 6, "must be 5, not 6"),
    ("word", "no", "must be 'so', not 'no'"),
    ("names", ["ab", "a"], r"names\[1\]: needs at least 2 characters"),
    ("names", ["abcd"], r"names\[0\]: takes at most 3 characters"),
    ("matrix", [[1], [10]], r"matrix\[1\]\[0\]: must be at most 9"),
    ("price", 0.075, "must be a multiple of 0.01"),
    ("pairs", {}, "must have at least 1 entries"),
    ("pairs", {"a": "", "b": "", "c": ""}, "must have at most 2 entries"),
    ("once", [{"a": [1]}, {"a": [1]}], "must not have the same item twice"),
    ("maybe", "abcd", "takes at most 3 characters"),
    ("count", 0, "must be at least 1"),
    ("levels", [3], r"levels\[0\]: must be 1 or 2"),
    ("amount", Decimal("1.505"), "must match"),
]


@pytest.mark.parametrize(("field", "value"), GOOD)
def test_what_is_within_the_limits_passes(made: ModuleType, field: str, value: Any) -> None:
    model = made.models.Thing(**{field: value})
    mapping = codec.to_mapping(model)
    assert codec.structure(made.models.Thing, mapping) == model


@pytest.mark.parametrize(("field", "value", "why"), BAD)
def test_what_is_beyond_a_limit_names_it(
    made: ModuleType, field: str, value: Any, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        made.models.Thing(**{field: value})
    with pytest.raises(InvalidRequest, match=why.replace("must be int, not bool", "an integer")):
        codec.structure(made.models.Thing, {field: value})


async def test_a_decimal_is_exact_both_ways(made: ModuleType) -> None:
    for given in ("1.10", Decimal("1.10")):
        request, answer = await sent(
            lambda s, one=given: s.call(made.operations.THING, body={"amount": one}),
            {"amount": "12345678901234567890.10", "level": 7},
        )
        assert json.loads(request.body) == {"amount": "1.10"}
        assert answer.amount == Decimal("12345678901234567890.10")
        assert answer.level == 7  # answers are open
    for wrong in (1.1, "1,10", "NaN", True):
        with pytest.raises(InvalidRequest, match="amount: must be a decimal"):
            codec.structure(made.models.Thing, {"amount": wrong})
    answer, drift = codec.decode(made.models.Answer, b'{"amount": "about 5"}')
    assert (answer.amount, [one.path for one in drift]) == ("about 5", ["amount"])


async def test_lists_are_written_as_their_style_says(made: ModuleType) -> None:
    thing = made.operations.THING
    assert [one.style.value for one in thing.query] == ["space", "pipe", "comma", "repeat"]
    query = {name: ["a", "b"] for name in ("spaces", "pipes", "commas", "each")}
    request, _ = await sent(lambda s: s.call(thing, query=query, body={}), {})
    assert request.target == "/thing/?spaces=a%20b&pipes=a%7Cb&commas=a,b&each=a&each=b"
    for name, wrong, style in (("spaces", "a b", Style.SPACE), ("pipes", "a|b", Style.PIPE)):
        with pytest.raises(InvalidRequest, match=f"{name}: .*has a {style.value}, which separates"):
            await sent(lambda s, q={name: [wrong]}: s.call(thing, query=q, body={}))


def test_what_cannot_be_sent_is_told_and_left_out(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = [
        {"in": "query", "name": "filter", "style": "deepObject", "schema": {"type": "object"}},
        {"in": "cookie", "name": "session"},
        {"in": "query", "name": "kept"},
    ]
    package = generate(tmp_path, {"paths": post("thing", {}, parameters=parameters)})
    text = (package / "operations.py").read_text()
    assert "filter" not in text
    assert "session" not in text
    assert "kept" in text
    err = capsys.readouterr().err
    assert "thing: the parameter filter is a deepObject: it is left out" in err
    assert "thing: the parameter session is a cookie: it is left out" in err
