"""What the shell completes: names of operations, and of their parameters with known values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from ..operation import Operation
from ..operations import OPERATIONS

__all__ = ["operations", "path_parameters", "query_parameters"]


def operations(incomplete: str) -> Iterator[tuple[str, str]]:
    """Ids of operations that begin so, each with its method and path."""
    begun = incomplete.lower().replace("-", "_")
    for name, one in sorted(OPERATIONS.items()):
        if name.startswith(begun):
            yield name, f"{one.method} {one.path}"


def path_parameters(context: typer.Context, incomplete: str) -> Iterator[str]:
    """``name=`` of the operation on the line; ``--business`` stands for the business's id."""
    operation = _on_the_line(context)
    for name in operation.path_parameters if operation else ():
        if name != "business_id" and name.startswith(incomplete):
            yield f"{name}="


def query_parameters(context: typer.Context, incomplete: str) -> Iterator[str]:
    """``name=`` of the operation on the line, and then ``name=value`` where values are known."""
    operation = _on_the_line(context)
    name, equals, value = incomplete.partition("=")
    for one in operation.query if operation else ():
        if not equals and one.name.startswith(name):
            yield f"{one.name}="
        elif equals and one.name == name:
            known = ("true", "false") if one.type == "boolean" else one.values
            yield from (f"{name}={other}" for other in known if other.startswith(value))


def _on_the_line(context: typer.Context) -> Operation[Any] | None:
    """The operation, which stays among the arguments while an option waits for its value."""
    named = [str(context.params.get("operation")), *context.args]
    return next((OPERATIONS[name] for name in named if name in OPERATIONS), None)
