"""The vendor's own file, which names some things otherwise, generates with our overlay applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codegen.__main__ import main
from codegen.document import read
from codegen.output import PACKAGE

pytestmark = pytest.mark.no_cover

SPEC = PACKAGE.parent / "openapi" / "openapi.yaml"


def _bare_payments(text: str) -> str:
    return text.replace("schemas/InvoicePaymentResponse", "schemas/InvoicePaymentDetail")


def test_what_our_overlay_does_not_find_there_is_said_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "vendor.json"
    document: dict[str, Any] = read(str(SPEC))
    spec.write_text(_bare_payments(json.dumps(document)))
    assert main(["--spec", str(spec), "--output", str(tmp_path / "vendor")]) == 0
    assert "its answer has no 'payment'" in capsys.readouterr().err


def test_a_look_up_by_a_filter_that_is_gone_is_said_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sent all the same, it would be refused, or would find all vendors."""
    spec, folder = tmp_path / "vendor.json", tmp_path / "vendor"
    document: dict[str, Any] = read(str(SPEC))
    listed = document["paths"]["/v1/platform/businesses/{business_id}/vendors/"]["get"]
    listed["parameters"] = [one for one in listed["parameters"] if one.get("name") != "external_id"]
    spec.write_text(json.dumps(document))
    assert main(["--spec", str(spec), "--output", str(folder)]) == 0
    assert "create_vendor: list_vendors has no external_id" in capsys.readouterr().err
    written = (folder / "operations.py").read_text().partition("CREATE_VENDOR: ")[2]
    assert "read=" not in written.partition("\n)\n")[0]
