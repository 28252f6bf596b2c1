"""What is generated from the project's own description."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

import codegen.__main__ as command
from codegen.document import read
from codegen.loading import load
from codegen.names import class_name
from codegen.output import PACKAGE
from codegen.overlay import apply_overlay, read_overlay
from codegen.pairing import ADOPTED
from tests.codegen import roundtrip
from thredfi_async import codec, models
from thredfi_async.errors import InvalidRequest
from thredfi_async.operation import Replay, TokenScope
from thredfi_async.operations import OPERATIONS

ROOT = PACKAGE.parent
SPEC = ROOT / "openapi" / "openapi.yaml"
OVERLAY = ROOT / "openapi" / "overlay.yaml"
# An adopted file has figures of its own, and our overlay may have nothing to say of it.
OURS = ADOPTED not in read(str(SPEC))
FILES = sorted(path.relative_to(PACKAGE) for path in [
    PACKAGE / "operations.py", *(PACKAGE / "models").glob("*.py")
])  # fmt: skip


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return load(str(SPEC), str(OVERLAY)).document


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as `python -m codegen --output` makes it."""
    folder = tmp_path_factory.mktemp("generated") / "my_thred"
    assert command.main(["--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that is made of a part of the description: refunds and bills."""
    folder = tmp_path_factory.mktemp("small")
    document = read(str(SPEC))
    document["paths"] = {
        path: item
        for path, item in document["paths"].items()
        if "/bills/" in path or "/refunds/" in path
    }
    schemas = document["components"]["schemas"]
    names: set[str] = set()
    found = {*_SCHEMA.findall(json.dumps(document["paths"]))}
    while found - names:  # what is referred to, and what that refers to
        names |= found
        found = {*_SCHEMA.findall(json.dumps([schemas[name] for name in names]))}
    document["components"]["schemas"] = {
        name: schema for name, schema in schemas.items() if name in names
    }
    (folder / "part.json").write_text(json.dumps(document))
    assert _generate(folder / "package") == 0
    return folder / "package"


@pytest.fixture
def changed(small: Path, tmp_path: Path) -> Path:
    """A copy of the small package, to be changed; what it is made of lies beside it."""
    shutil.copy(small.parent / "part.json", tmp_path)
    without = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(small, tmp_path / "changed", ignore=without))


_SCHEMA = re.compile(r"#/components/schemas/(\w+)")


def _generate(output: Path, *options: str) -> int:
    spec = output.parent / "part.json"
    return command.main(
        ["--spec", str(spec), "--overlay", "none", "--output", str(output), *options]
    )


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_every_schema_has_a_class_or_an_alias() -> None:
    schemas = read(str(SPEC))["components"]["schemas"]
    assert not OURS or len(schemas) == 212
    assert [name for name in schemas if class_name(name) not in models.__all__] == []
    for name in models.__all__:
        getattr(models, name)


def test_every_operation_of_the_description_is_in_the_table(description: dict[str, Any]) -> None:
    described = {
        operation["operationId"]: (method.upper(), path)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    }
    assert not OURS or len(described) == 102
    assert {one.id: (one.method, one.path) for one in OPERATIONS.values()} == described


def test_every_model_that_an_operation_names_exists() -> None:
    for operation in OPERATIONS.values():
        for _, ref in (*operation.bodies, *operation.answers):
            assert ref is None or codec.load(ref)


def test_every_write_has_a_replay_rule_of_its_own(description: dict[str, Any]) -> None:
    for item in description["paths"].values():
        for method, operation in item.items():
            if method != "get":
                assert operation["x-replay"] in {rule.value for rule in Replay}, operation
    assert {one.id for one in OPERATIONS.values() if one.method == "GET"} == {
        one.id for one in OPERATIONS.values() if one.replay is Replay.SAFE
    } - {"get_partner_token", "get_business_token"}


def test_a_create_without_a_way_to_know_a_repeat_is_never_sent_again() -> None:
    """A rule may promise no more than the body or the headers can keep."""
    for operation in OPERATIONS.values():
        if operation.replay is Replay.EXTERNAL_ID:
            model = codec.load(dict(operation.bodies)["application/json"])  # type: ignore[arg-type]
            assert "external_id" in attrs.fields_dict(model), operation.id
        if operation.replay is Replay.IDEMPOTENCY_KEY:
            assert "Idempotency-Key" in [one.name for one in operation.headers], operation.id


def test_the_token_of_each_operation() -> None:
    scopes = {one.id: one.scope for one in OPERATIONS.values()}
    assert [name for name, scope in scopes.items() if scope is TokenScope.BASIC] == [
        "get_partner_token"
    ]
    partner = {name for name, scope in scopes.items() if scope is TokenScope.PARTNER}
    assert {
        "create_business",
        "list_businesses",
        "update_business",
        "get_business_token",
    } <= partner
    assert scopes["create_invoice"] is TokenScope.BUSINESS


def test_every_action_of_the_overlay_says_why_and_matches() -> None:
    overlay = read_overlay(str(OVERLAY))
    assert [action for action in overlay["actions"] if not action.get("description")] == []
    assert not OURS or apply_overlay(read(str(SPEC)), overlay) == []


@pytest.mark.no_cover
@pytest.mark.skipif(not OURS, reason="a file is adopted, which may say the same itself")
def test_every_action_of_the_overlay_changes_something() -> None:
    overlay = read_overlay(str(OVERLAY))
    document = read(str(SPEC))
    idle = []
    before = json.dumps(document, sort_keys=True)
    for action in overlay["actions"]:
        apply_overlay(document, {"actions": [action]})
        after = json.dumps(document, sort_keys=True)
        if after == before:
            idle.append(action["target"])
        before = after
    assert idle == []


def test_two_runs_give_the_same_bytes(generated: Path, tmp_path: Path) -> None:
    """In an interpreter of its own, so that another hash seed would show."""
    done = _run("-m", "codegen", "--output", str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert not OURS or done.stderr == ""  # of an adopted file it says what gives way
    for name in FILES:
        assert (tmp_path / "copy" / name).read_bytes() == (generated / name).read_bytes(), name


@pytest.mark.no_cover
def test_the_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_check_shows_what_was_changed(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = changed / "models" / "refunds.py"
    text = file.read_text().replace("class Refund:", "class Refunded:")
    file.write_text(text)
    assert _generate(changed, "--check") == 1
    out, err = capsys.readouterr()
    assert "--- models/refunds.py (as it is)" in out
    assert "-class Refunded:" in out
    assert "+class Refund:" in out
    assert "make codegen" in err
    assert file.read_text() == text


@pytest.mark.parametrize("name", ["operations.py", "models/__init__.py", "models/bills.py"])
def test_check_notices_a_missing_file(
    changed: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (changed / name).unlink()
    assert _generate(changed, "--check") == 1
    assert f"--- {name} (missing)" in capsys.readouterr().out


def test_check_notices_a_file_too_many(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (changed / "models" / "left_over.py").write_text("X = 1\n")
    assert _generate(changed, "--check") == 1
    assert "+++ models/left_over.py (not generated)" in capsys.readouterr().out


def test_a_file_that_is_no_longer_generated_goes_away(changed: Path) -> None:
    left_over = changed / "models" / "left_over.py"
    left_over.write_bytes((changed / "models" / "bills.py").read_bytes())
    assert _generate(changed) == 0
    assert not left_over.exists()
    assert _generate(changed, "--check") == 0


@pytest.mark.parametrize("name", ["errors.py", "models/mine.py", "operations.py"])
def test_what_was_written_by_hand_is_left_alone(
    changed: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (changed / name).write_text("MINE = True\n")
    before = {path: path.read_bytes() for path in changed.rglob("*") if path.is_file()}
    assert _generate(changed) == 2
    assert f"{changed / name} was not generated" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in changed.rglob("*") if path.is_file()} == before


def test_importing_the_package_loads_no_model() -> None:
    done = _run(
        "-c",
        "import sys, thredfi_async, thredfi_async.operations\n"
        "print([name for name in sys.modules if name.startswith('thredfi_async.models.')])",
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_naming_a_model_loads_its_module_alone() -> None:
    done = _run(
        "-c",
        "import sys\nfrom thredfi_async.models import TaxCode\n"
        "print([name for name in sys.modules if name.startswith('thredfi_async.models.')])",
    )
    assert done.stdout == "['thredfi_async.models.tax_codes']\n"


def test_an_unknown_model_is_an_ordinary_mistake() -> None:
    with pytest.raises(AttributeError, match="no model is called Invoise"):
        models.Invoise  # noqa: B018
    assert "Invoice" in dir(models)


def test_every_module_imports_alone() -> None:
    modules = sorted(path.stem for path in (PACKAGE / "models").glob("[!_]*.py"))
    script = (
        "import importlib, os, sys, thredfi_async\n"
        "for name in sys.argv[1:]:\n"
        "    if (child := os.fork()) == 0:\n"
        "        importlib.import_module(f'thredfi_async.models.{name}')\n"
        "        os._exit(0)\n"
        "    if os.waitpid(child, 0)[1]: print(name)\n"
    )
    done = _run("-W", "error", "-c", script, *modules)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_output_is_a_package_that_stands_alone(generated: Path) -> None:
    """Nothing of thredfi_async is imported by it."""
    script = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from my_thred.operations import OPERATIONS\n"
        "from my_thred.models import CreateInvoiceRequest\n"
        "print(len(OPERATIONS), [n for n in sys.modules if n.startswith('thredfi')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(generated.parent)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert (done.stdout, done.stderr) == (f"{len(OPERATIONS)} []\n", "")


MODELS = roundtrip.models_of(sys.modules["thredfi_async"])


@pytest.mark.parametrize("full", [False, True], ids=["least", "most"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_survives_a_round_trip(name: str, full: bool) -> None:
    model = MODELS[name]
    roundtrip.check_wire_names(model)
    roundtrip.check(model, roundtrip.build(model, full=full))


def test_the_round_trip_sees_all_models() -> None:
    assert len(MODELS) > 180
    answers = [model for model in MODELS.values() if roundtrip.is_answer(model)]
    assert len(answers) > 100
    assert len(MODELS) - len(answers) > 50


def test_a_generated_copy_survives_it_too(generated: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(roundtrip.__file__)), str(generated)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["models"] == len(MODELS)


def _limits(description: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """(model, field, value just beyond) of every simple limit of the request schemas."""
    found = []
    for name, schema in description["components"]["schemas"].items():
        model = MODELS.get(class_name(name))
        if model is None or roundtrip.is_answer(model):
            continue
        for wire_name, held in schema.get("properties", {}).items():
            if "minimum" in held:
                found.append((name, wire_name, held["minimum"] - 1))
            if "maximum" in held:
                found.append((name, wire_name, held["maximum"] + 1))
            if held.get("minLength"):
                found.append((name, wire_name, ""))
            if "maxLength" in held and "format" not in held:
                found.append((name, wire_name, "x" * (held["maxLength"] + 1)))
    return found


def test_limits_are_checked_with_errors_that_name_the_field(description: dict[str, Any]) -> None:
    limits = _limits(description)
    assert len(limits) > 30
    for name, wire_name, value in limits:
        model = MODELS[class_name(name)]
        given = attrs.asdict(roundtrip.build(model, full=False), recurse=False)
        field = next(
            one.name for one in roundtrip.model_fields(model) if one.wire_name == wire_name
        )
        with pytest.raises(InvalidRequest, match=rf"{model.__name__}\.{field}\b"):
            model(**{**given, field: value})


def test_what_is_required_is_required() -> None:
    for model in MODELS.values():
        if roundtrip.is_answer(model):
            continue
        required = [field.name for field in roundtrip.model_fields(model) if field.required]
        given = attrs.asdict(roundtrip.build(model, full=False), recurse=False)
        for name in required:
            with pytest.raises(TypeError, match=name):
                model(**{key: value for key, value in given.items() if key != name})


def test_no_token_shows_in_a_repr() -> None:
    token = models.BusinessTokenResponse(
        access_token="hush", expires_in=1, token_type="Bearer", scope="x", business_id="y"
    )
    assert "hush" not in repr(token)
