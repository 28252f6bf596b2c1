"""Descriptions as drf-spectacular writes them, at their worst."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import attrs
import pytest

import codegen.__main__ as command
from codegen.output import PACKAGE
from thredfi_async import codec
from thredfi_async.errors import InvalidRequest

pytestmark = pytest.mark.no_cover

HERE = Path(__file__).parent
ROOT = PACKAGE.parent
SETTINGS = {
    "plain": (),
    "split": ("COMPONENT_SPLIT_REQUEST=true",),
    "three_one": ('OAS_VERSION="3.1.0"', "COMPONENT_SPLIT_REQUEST=true"),
    "enums_as_they_come": ("ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE=false",),
}


def _generate(spec: Path, output: Path) -> None:
    arguments = ["--spec", str(spec), "--overlay", "none", "--output", str(output)]
    assert command.main(arguments) == 0


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module", params=SETTINGS)
def toy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that is generated from the toy project, under one of its settings."""
    folder = tmp_path_factory.mktemp(request.param)
    spec = folder / "toy.yaml"
    spec.write_text(_run(str(HERE / "toy.py"), *SETTINGS[request.param]), "utf-8")
    _generate(spec, folder / f"toy_{request.param}")
    return folder / f"toy_{request.param}"


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The models of the toy project with requests of their own."""
    folder = tmp_path_factory.mktemp("imported")
    spec = folder / "toy.yaml"
    spec.write_text(_run(str(HERE / "toy.py"), *SETTINGS["split"]), "utf-8")
    _generate(spec, folder / "toy_imported")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("toy_imported.models")
    sys.path.remove(str(folder))


def test_every_model_of_a_hard_description_survives_a_round_trip(toy: Path) -> None:
    counts = json.loads(_run("-W", "error", str(HERE / "roundtrip.py"), str(toy)))
    assert counts["models"] > 60
    assert counts["answers"] > 30
    assert counts["requests"] > 30
    assert counts["refs"] > 150


def test_the_modules_pass_the_type_checker(toy: Path) -> None:
    out = _run("-m", "mypy", "--strict", "--cache-dir", str(toy.parent / "cache"), str(toy))
    assert out.startswith("Success")


def test_names_are_changed_only_where_python_needs_it(split: ModuleType) -> None:
    wire_names = split.Awkward.__wire_names__
    assert wire_names["class_"] == "class"
    assert wire_names["n1st"] == "1st"
    assert wire_names["with_dash"] == "with-dash"
    assert wire_names["private"] == "_private"
    assert wire_names["groe"] == "größe"
    fields = attrs.fields_dict(split.Awkward)
    kept = [name for name in fields if name not in wire_names]
    assert {"id", "date", "datetime", "type", "json", "a_b", "toy", "Leaf"} <= set(kept)
    assert len(set(wire_names.values()) | set(kept)) == len(fields)


def test_names_on_the_wire_are_what_is_sent_and_read(split: ModuleType) -> None:
    model = split.ColourEnumRequest(colour="red")
    assert codec.encode(model) == b'{"colour":"red"}'
    hidden = split.InLineBodyRequest(class_="first", n=1)
    assert json.loads(codec.encode(hidden)) == {"class": "first", "n": 1}
    assert codec.structure(split.InLineBodyRequest, {"class": "first", "n": 1}) == hidden


def test_a_nullable_choice_may_be_null_blank_or_unknown(split: ModuleType) -> None:
    given = {"status": "XL", "level": 1, "colour": None}
    assert codec.structure(split.ChoicesRequest, given).colour is None
    for colour in ("", "red", "mauve"):
        given["colour"] = colour
        model = codec.structure(split.ChoicesRequest, given)
        assert json.loads(codec.encode(model)) == given
    with pytest.raises(InvalidRequest, match="colour"):
        codec.structure(split.ChoicesRequest, {**given, "colour": 5})


def test_two_choices_of_one_field_name_are_two_enums(split: ModuleType) -> None:
    of_choices = split.Choices(status="XL", level=1).status
    assert of_choices == "XL"
    hints = [get_type_hints(model)["status"] for model in (split.Choices, split.OtherChoices)]
    assert [member.value for member in hints[0]] == ["red", "XL", "1/2", "class"]
    assert [member.value for member in hints[1]] == ["open", "OPEN"]


def test_read_only_and_write_only_fields_stand_on_their_side(split: ModuleType) -> None:
    assert "id" in attrs.fields_dict(split.Leaf)
    assert "id" not in attrs.fields_dict(split.LeafRequest)
    assert "secret" not in attrs.fields_dict(split.Leaf)
    assert "secret" in attrs.fields_dict(split.LeafRequest)


def test_a_recursive_model_refers_to_itself(split: ModuleType) -> None:
    data = b'{"label":"ab","children":[{"label":"cd"}],"best":null,"named":{"x":{"label":"ef"}}}'
    tree, drift = codec.decode(split.Tree, data)
    assert drift == ()
    assert isinstance(tree.children[0], split.Tree)
    assert isinstance(tree.named["x"], split.Tree)


def test_one_of_several_models_is_told_by_its_fields(split: ModuleType) -> None:
    data = b'{"favourite":{"kind":"dog","barks":true},"pets":[{"kind":"cat","lives":9}]}'
    owner, drift = codec.decode(split.Owner, data)
    assert drift == ()
    assert isinstance(owner.favourite, split.Dog)
    assert isinstance(owner.pets[0], split.Cat)


def test_limits_and_patterns_are_checked(split: ModuleType) -> None:
    split.NumbersRequest(small=10, money=Decimal("1.50"))
    for wrong in (
        {"small": 0},
        {"small": 11},
        {"small": 1.5},
        {"small": True},
        {"money": Decimal("1.505")},
        {"money": "1.50"},
        {"ratio": 1.6},
        {"slug": "a b"},
        {"pair": ["one"]},
        {"pair": ["one", 2]},
    ):
        (field,) = wrong
        with pytest.raises(ValueError, match=rf"^NumbersRequest\.{field}"):
            split.NumbersRequest(**{"small": 1, "money": Decimal("1.50"), **wrong})


def test_files_are_bytes(split: ModuleType) -> None:
    upload = split.UploadRequest(file=b"\x00", picture=None, more=[b"1"])
    assert upload.file == b"\x00"
    with pytest.raises(ValueError, match=r"^UploadRequest\.file: must be bytes"):
        split.UploadRequest(file="name.pdf")


def test_free_form_fields_take_anything(split: ModuleType) -> None:
    given = {
        "anything": [1, {"a": None}],
        "mapping": {"x": []},
        "listing": [1, "a"],
        "matrix": [[1]],
    }
    model = codec.structure(split.FreeFormRequest, given)
    assert json.loads(codec.encode(model)) == given


def test_docstrings_hold_any_text(split: ModuleType) -> None:
    assert split.Node.__doc__ is not None
    assert '"quotes", a \\ backslash and\n' in split.Node.__doc__
    assert split.LeafRequest.__doc__ != "LeafRequest"


def test_operations_of_a_hard_description(split: ModuleType) -> None:
    operations = importlib.import_module("toy_imported.operations").OPERATIONS
    odd = operations["odd_create"]
    assert [(one.name, one.type, one.style.value) for one in odd.query] == [
        ("class", "boolean", "plain"),
        ("commas", "string", "comma"),
        ("filter", "object", "plain"),
        ("many", "integer", "repeat"),
        ("since", "date", "plain"),
    ]
    assert odd.query[1].values == ("a", "b")
    assert [(one.name, one.required) for one in odd.headers] == [("X-Header", True)]
    assert odd.bodies[0][0] == "application/json"
    assert odd.bodies[0][1].many
    assert odd.path_parameters == ("class",)
    assert operations["odd_destroy"].answers == ((204, None),)
    assert dict(operations["odd_update"].bodies) == {"application/octet-stream": None}
    assert {ref.name for _, ref in operations["odd_partial_update"].bodies} == {
        "PatchedLeafRequest",
        "PatchedUploadRequest",
    }


def test_one_body_in_three_content_types_is_one_model(split: ModuleType) -> None:
    operations = importlib.import_module("toy_imported.operations").OPERATIONS
    bodies = dict(operations["node_create"].bodies)
    assert list(bodies) == [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ]
    assert len(set(bodies.values())) == 1
