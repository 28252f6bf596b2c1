"""The vendor's own file, which names some things otherwise, generates with our overlay applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codegen.__main__ import main
from codegen.document import read
from codegen.output import PACKAGE

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
