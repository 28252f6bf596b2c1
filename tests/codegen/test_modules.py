"""Every generated module imports alone, whatever refers to what; and `--check` misses nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import codegen.__main__ as command
from codegen.errors import CodegenError
from codegen.output import check_imports

from .making import generate, ref


def _get(tag: str, schema: Any) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": schema}}}
    return {"get": {"operationId": f"get_{tag}", "tags": [tag], "responses": {"200": answer}}}


# Two tags that use parts of each other's schemas, and a schema that refers into itself.
ROUND_ABOUT: dict[str, Any] = {
    "paths": {
        "/bills/": _get("bills", ref("Bill")),
        "/invoices/": _get("invoices", ref("Invoice")),
    },
    "components": {
        "schemas": {
            "Bill": {
                "properties": {
                    "line": {"type": "object", "properties": {"amount": {"type": "integer"}}},
                    "tax": ref("Invoice/properties/tax"),
                    "status": {"type": "string", "enum": ["open", "paid"]},
                }
            },
            "Invoice": {
                "properties": {
                    "tax": {
                        "type": "object",
                        "properties": {
                            "rate": {"type": "number"},
                            "on": ref("Invoice/properties/tax"),
                        },
                    },
                    "line": ref("Bill/properties/line"),
                    "lines": {"type": "array", "items": ref("Bill/properties/line")},
                    "status": ref("Bill/properties/status"),
                }
            },
        }
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("round_about"), ROUND_ABOUT)


def test_what_refers_into_another_schema_imports_alone(made: Path) -> None:
    for module in ("bills", "invoices", "common"):
        script = (
            f"import typing, made.models.{module} as m\n"
            "for one in list(vars(m).values()):\n"
            "    if getattr(one, '__module__', '') == m.__name__: typing.get_type_hints(one)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True, text=True, check=False, cwd=made.parent,
        )  # fmt: skip
        assert done.stderr == ""
    text = (made / "models" / "invoices.py").read_text()
    # Of its own, as the module of the schema that it stands in is not the reader's.
    assert "line: BillLine2 | None" in text
    assert "lines: list[BillLine2] | None" in text
    assert "status: BillStatus2" in text
    assert "on: InvoiceTax | None" in (made / "models" / "common.py").read_text()


def test_a_module_that_does_not_import_is_never_put_in_place(made: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(made, tmp_path / "made"))
    check_imports(package)
    bills = package / "models" / "bills.py"
    bills.write_text(bills.read_text().replace("common.InvoiceTax", "invoices.Tax"))
    with pytest.raises(CodegenError, match=r"models\.bills: NameError: .*invoices"):
        check_imports(package)


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("models/bills.py", lambda old: old.replace(b"\n", b"\r\n"), "\\r"),
        ("models/bills.py", lambda old: old.removesuffix(b"\n"), "no newline at the end"),
        ("fields.py", lambda old: old + b"X = 1\n", "-X = 1"),
        ("models/more.py", lambda _: b"X = 1\n", "+++ models/more.py (not generated)"),
        ("models/sub/more.py", lambda _: b"X = 1\n", "+++ models/sub/more.py (not generated)"),
        ("models/more.txt", lambda _: b"", "+++ models/more.txt (not generated)"),
    ],
)
def test_check_sees_every_byte_and_every_file(
    tmp_path: Path,
    made: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: Any,
    shown: str,
) -> None:
    package = Path(shutil.copytree(made, tmp_path / "made"))
    arguments = ["--spec", str(made.parent / "made.json"), "--overlay", "none"]
    arguments += ["--output", str(package), "--check"]
    path = package / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content(path.read_bytes() if path.exists() else b""))
    assert command.main(arguments) == 1
    assert shown in capsys.readouterr().out


def test_a_tag_may_be_called_annotations_and_a_document_have_no_operations(tmp_path: Path) -> None:
    package = generate(
        tmp_path,
        {
            "paths": {"/notes/": _get("annotations", ref("Note"))},
            "components": {"schemas": {"Note": {"properties": {"text": {"type": "string"}}}}},
        },
    )
    assert (package / "models" / "annotations_.py").exists()
    empty = generate(tmp_path, {"paths": {}}, "empty")
    arguments = ["-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    for made in (package, empty):
        done = subprocess.run(
            [sys.executable, *arguments, str(made)],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.stdout.startswith("Success"), done.stdout
    script = "from empty.operations import OPERATIONS\nprint(len(OPERATIONS))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
