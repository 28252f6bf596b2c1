"""The vendor's own description is adopted by one command, and the package works with it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from codegen.__main__ import compared, main
from codegen.adopt import named, written
from codegen.document import read
from codegen.failures import failures
from codegen.loading import OVERLAY, TABLE, Loaded, load
from codegen.output import PACKAGE
from codegen.pairing import ADOPTED
from codegen.services import suggestions
from thredfi_async.operations import OPERATIONS

from .vendor import BREAKING, BROKEN, COMPATIBLE, vendor_file

# Once a file is adopted there is nothing left to rewrite as the vendor's.
pytestmark = pytest.mark.skipif(ADOPTED in read(str(TABLE)), reason="a file is adopted already")

ROOT = PACKAGE.parent
WIDGET_ONLY = {operation.id for operation in OPERATIONS.values() if operation.undocumented}
# Prints the rules that are in force in the package of the folder that it is run in.
RULES = """
import json, attrs
from thredfi_async import models
from thredfi_async.emulator import Emulator
from thredfi_async.operations import OPERATIONS
Emulator()
secrets = sorted(
    f"{name}.{field.name}" for name in models.__all__ if attrs.has(getattr(models, name))
    for field in attrs.fields(getattr(models, name)) if field.repr is False
)
print(json.dumps({"secrets": secrets, "operations": {
    one.id: [str(one.replay), str(one.scope), repr(one.confirm), repr(one.lookup), one.unwrap]
    for one in OPERATIONS.values()
}, "names": sorted(models.__all__)}))
"""


def _file(folder: Path, *, changed: bool = True, breaking: bool = True) -> str:
    path = folder / "vendor.json"
    path.write_text(json.dumps(vendor_file(changed=changed, breaking=breaking)))
    return str(path)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The vendor's file with all that is changed in it, brought to our names."""
    return load(_file(tmp_path_factory.mktemp("vendor")), str(OVERLAY))


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The same with nothing changed but names."""
    return load(_file(tmp_path_factory.mktemp("renamed"), changed=False), str(OVERLAY))


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _rules(folder: Path) -> dict[str, Any]:
    done = _run(folder, sys.executable, "-c", RULES)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _repository(folder: Path) -> Path:
    """A copy of the repository, as a repository of its own."""
    listed = _run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").stdout
    copy = folder / "repository"
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "-A"), (*author, "commit", "-q", "-m", "copy")):
        assert _run(copy, "git", *command).returncode == 0
    return copy


def _adopt(copy: Path, spec: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "codegen.adopt", "--spec", spec, *options)
    # With few cases in what it runs, however many are drawn around it.
    few = {name: value for name, value in os.environ.items() if not name.startswith("THREDFI_")}
    return subprocess.run(command, cwd=copy, env=few, capture_output=True, text=True, check=False)


def _failed(copy: Path) -> set[str]:
    """The names of the tests that failed."""
    failed = (copy / "build" / "adopt" / "failed.txt").read_text()
    return {line.rpartition("::")[2] for line in failed.splitlines()}


def _left(copy: Path) -> list[str]:
    report = (copy / "build" / "adopt" / "report.md").read_text()
    _, _, left = report.partition("## What is left for a person")
    return [line[2:] for line in left.partition("\n## ")[0].splitlines() if line[:2] == "- "]


# --- names are only names -----------------------------------------------------------------


@pytest.mark.no_cover
def test_a_file_that_only_calls_things_otherwise_gives_the_same_package(
    renamed: Loaded, tmp_path: Path
) -> None:
    assert renamed.pairing is not None
    assert set(renamed.pairing.operations) == OPERATIONS.keys() - WIDGET_ONLY
    assert set(renamed.pairing.kept) == WIDGET_ONLY
    assert main(["--spec", _file(tmp_path, changed=False), "--output", str(tmp_path / "p")]) == 0
    ours, theirs = ((folder / "operations.py").read_text() for folder in (PACKAGE, tmp_path / "p"))
    assert theirs == ours


@pytest.mark.no_cover
def test_both_names_of_a_schema_lead_to_it(vendor: Loaded) -> None:
    schemas = vendor.document["components"]["schemas"]
    assert "ApiRequestInvoiceCreate" in schemas["CreateInvoiceRequest"]["x-aliases"]
    assert "ApiCustomer" in schemas["Customer"]["x-aliases"]


@pytest.mark.no_cover
def test_a_path_in_servers_and_a_lacking_slash_are_no_difference(
    renamed: Loaded, tmp_path: Path
) -> None:
    document = vendor_file(changed=False)
    document["servers"] = [{"url": "https://api.example.org/v1/platform"}]
    document["paths"] = {
        path.removeprefix("/v1/platform").rstrip("/"): item
        for path, item in document["paths"].items()
    }
    spec = tmp_path / "vendor.json"
    spec.write_text(json.dumps(document))
    loaded = load(str(spec), str(OVERLAY))
    assert loaded.pairing is not None
    assert renamed.pairing is not None
    assert loaded.pairing.kept == renamed.pairing.kept
    paths = loaded.document["paths"]
    assert "/v1/platform/businesses/{business_id}/invoices" in paths
    assert loaded.document["servers"] == [{"url": "https://api.example.org"}]


@pytest.mark.no_cover
def test_a_description_of_another_api_is_left_as_it_is(tmp_path: Path) -> None:
    spec = tmp_path / "other.json"
    spec.write_text('{"openapi": "3.0.3", "paths": {"/pets/": {"get": {"responses": {}}}}}')
    assert load(str(spec), str(OVERLAY)).pairing is None
    assert main(["--spec", str(spec), "--compare"]) == 2


# --- the report ---------------------------------------------------------------------------


def test_what_breaks_is_named_with_the_code_that_it_breaks(tmp_path: Path) -> None:
    loaded, found = compared(_file(tmp_path), str(OVERLAY))
    breaking = {one.key: one for one in found.breaking}
    gone = {("operation", "presence", id) for id in WIDGET_ONLY}
    assert len(BREAKING) == len(BROKEN) == 5
    assert len(COMPATIBLE) == 15
    assert breaking.keys() == BROKEN | gone
    for one in breaking.values():
        assert one.code, one
        for place in one.code:
            path, _, line = place.partition(":")
            assert len((ROOT / path).read_text().splitlines()) >= int(line)
    assert loaded.pairing is not None
    assert len(loaded.pairing.new) == 3


def test_a_service_method_is_ready_for_each_new_operation(vendor: Loaded) -> None:
    lines = list(suggestions(vendor))
    text = "\n".join(("class Projects:", *lines))
    methods = {one.name for one in ast.walk(ast.parse(text)) if hasattr(one, "returns")}
    assert methods == {"list", "create", "get"}
    assert text.count(") -> Paginator[ApiProject]:") == 1
    assert text.count(") -> ApiProject:") == 2


def test_the_report_is_written_twice_and_nothing_else(tmp_path: Path) -> None:
    before = TABLE.read_bytes()
    report = tmp_path / "diff.md"
    spec = _file(tmp_path)
    assert main(["--spec", spec, "--compare", "--report", str(report)]) == 1
    assert "`CreateVendorRequest.vat_number` | field required | yes | no |" in report.read_text()
    told = json.loads(report.with_suffix(".json").read_text())
    verdicts = Counter(one["confirmed"] for one in told["guesses"])
    assert verdicts[True] > verdicts[False] > 0
    assert {path.name for path in tmp_path.iterdir()} == {"vendor.json", "diff.md", "diff.json"}
    assert TABLE.read_bytes() == before


@pytest.mark.no_cover
def test_what_says_the_same_is_equal(tmp_path: Path) -> None:
    """Ours with its overlay applied, under ours with its overlay."""
    spec = tmp_path / "same.json"
    spec.write_text(json.dumps(load(str(TABLE), str(OVERLAY)).document))
    assert main(["--spec", str(spec), "--compare"]) == 0


def test_what_is_unreadable_is_no_difference(tmp_path: Path) -> None:
    spec = tmp_path / "broken.yaml"
    spec.write_text("openapi: [")
    assert main(["--spec", str(spec), "--compare"]) == 2


def test_the_description_is_written_so_that_it_reads_back() -> None:
    document = {"a": "1e3", "b": "no", "c": "2025-01-31", "d": None, "e": ["0x1f", "~", 1.5, "ü"]}
    assert written(document)


def test_whatever_a_check_complains_of_is_named_once() -> None:
    line = f"{ROOT}/thredfi_async/a.py:3: error: no int\n"
    assert named("mypy", f"{line}Found 1 error\n{line}") == [
        "mypy: thredfi_async/a.py:3: error: no int"
    ]


def test_tests_that_fail_alike_are_one_reason() -> None:
    id, other = "c8c0be3a-398e-40a1-88f8-2bfb5c960157", "68ef805c-8051-4592-a7b2-474c3e484530"
    found = failures(
        "\n".join(
            (
                "/r/tests/a.py:3: AssertionError: assert 17 == 2",
                "/r/tests/a.py:3: AssertionError: assert 1 == 2",
                "tests/a.py:9",  # where examples of Hypothesis came by
                "/r/tests/a.py:4: AssertionError: assert 1 == 2",
                f"POST /v1/{id}/ was answered 201: 500 is no text",
                f"POST /v1/{other}/ was answered 201: 1 is no text",
                "FAILED tests/t.py::test_a[x - y] - assert 1 == 2",
                "FAILED tests/t.py::test_b",
                "ERROR tests/t.py::test_b - Failed",
                "ERROR tests/u.py - ValueError: it can't be collected",
                "1 error in 3 s",
            )
        ),
        "/r",
    )
    assert found.tests == ("tests/t.py::test_a[x - y]", "tests/t.py::test_b", "tests/u.py")
    assert list(found.lines()) == [
        "",
        "### Why tests fail",
        "",
        "- 2 times: tests/a.py:3: AssertionError: assert … == …",
        "- 2 times: POST /v1/…/ was answered …: … is no text",
        "- 1 times: tests/a.py:4: AssertionError: assert … == …",
        "",
        "### Where tests fail",
        "",
        "- 2 of tests/t.py",
        "- 1 of tests/u.py",
    ]


def test_however_many_fail_the_report_is_short() -> None:
    found = failures("".join(f"a{n}.py:1: no\nFAILED tests/{n}.py::t\n" for n in range(99)), "/r")
    lines = list(found.lines())
    assert len(lines) < 60
    assert "- and 79 of 79 more modules" in lines


# --- adoption -----------------------------------------------------------------------------


@pytest.mark.no_cover
@pytest.mark.slow
def test_what_is_unreadable_or_would_hide_changes_leaves_the_tree_as_it_is(tmp_path: Path) -> None:
    copy = _repository(tmp_path)
    broken = tmp_path / "broken.yaml"
    broken.write_text("openapi: [")
    assert _adopt(copy, str(broken)).returncode == 2
    assert _run(copy, "git", "status", "--porcelain").stdout == ""
    (copy / "README.md").write_text("changed")
    done = _adopt(copy, _file(tmp_path))
    assert done.returncode == 2
    assert "README.md" in done.stderr
    assert _run(copy, "git", "status", "--porcelain").stdout == " M README.md\n"


@pytest.mark.no_cover
@pytest.mark.slow
def test_the_adopted_package_keeps_every_rule(tmp_path: Path) -> None:
    copy = _repository(tmp_path)
    before = _rules(copy)
    services = "tests/test_services.py tests/test_any_operation.py"
    done = _adopt(copy, _file(tmp_path), "--checks", "none", "--tests", services)
    assert done.returncode == 1, done.stdout + done.stderr
    after = _rules(copy)
    assert {id: after["operations"].get(id) for id in before["operations"]} == before["operations"]
    assert len(after["operations"]) == len(before["operations"]) + 3
    assert set(before["secrets"]) <= set(after["secrets"])
    assert {"ApiCustomer", "Customer", "ApiProject"} <= set(after["names"])
    assert _failed(copy) == {"test_every_documented_parameter_is_reachable[business-invoices-list]"}
    report = (copy / "build" / "adopt" / "report.md").read_text()
    assert "self._list(operations.V1_PLATFORM_BUSINESSES_PROJECTS_LIST, options, {}" in report
    again = _run(copy, sys.executable, "-m", "codegen", "--check")
    assert again.returncode == 0, again.stdout


@pytest.mark.long
def test_with_compatible_changes_all_checks_and_tests_pass(tmp_path: Path) -> None:
    copy = _repository(tmp_path)
    tests = "tests/test_services.py tests/test_session.py tests/emulator -m 'not long'"
    done = _adopt(copy, _file(tmp_path, breaking=False), "--tests", tests)
    assert done.returncode == 0, (copy / "build" / "adopt" / "report.md").read_text()
    demo = _run(copy, sys.executable, "examples/demo.py")
    assert demo.returncode == 0, demo.stdout + demo.stderr


@pytest.mark.long
def test_what_breaks_is_found_by_the_checks_and_nothing_else_is(tmp_path: Path) -> None:
    copy = _repository(tmp_path)
    tests = "tests/test_services.py tests/test_session.py"
    done = _adopt(copy, _file(tmp_path), "--tests", tests)
    assert done.returncode == 1, done.stdout + done.stderr
    left = _left(copy)
    assert [one for one in left if one.startswith(("ruff", "lint-imports", "codegen"))] == []
    # An amount that is text now: what compares it or counts with it.
    typed = [one for one in left if one.startswith(("mypy", "pyright"))]
    files = {one.split()[1].partition(":")[0] for one in typed}
    assert files == {"tests/typing/api.py", "thredfi_async/cli/verify.py"}
    assert _failed(copy) == {
        "test_every_documented_parameter_is_reachable[business-invoices-list]",
        "test_lists_of_values_are_sent_as_documented",  # by the filter that is gone
        "test_an_answer_that_differs_from_the_model_is_read_and_noted",  # by the amount
    }
