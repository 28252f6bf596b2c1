"""Names of what a case calls."""

from __future__ import annotations

from schemathesis import Case


def operation_id(case: Case) -> str:
    """The operationId of the description."""
    return str(case.operation.definition.raw["operationId"])
