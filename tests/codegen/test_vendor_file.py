"""The vendor's own file, which names some things otherwise, generates with our overlay applied."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegen.__main__ import main
from codegen.document import read
from codegen.output import PACKAGE

SPEC = PACKAGE.parent / "openapi" / "openapi.yaml"


def _renamed(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(f'"{old}"', f'"{new}"').replace(
        f'schemas/{old}"', f'schemas/{new}"'
    )


def _bare_payments(text: str) -> str:
    return text.replace("schemas/InvoicePaymentResponse", "schemas/InvoicePaymentDetail")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_renamed("RefundMethodEnum", "MethodEnum"), "RefundPayment"),
        (_renamed("FinancialSummary", "FinancialSummaryReport"), "get_financial_summary"),
        (_bare_payments, "its answer has no 'payment'"),
    ],
)
def test_what_our_overlay_does_not_find_there_is_said_and_left_out(
    change: Callable[[str], str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = tmp_path / "vendor.json"
    document: dict[str, Any] = read(str(SPEC))
    spec.write_text(change(json.dumps(document)))
    assert main(["--spec", str(spec), "--output", str(tmp_path / "vendor")]) == 0
    assert said in capsys.readouterr().err
