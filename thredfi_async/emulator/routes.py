"""From method and path to an operation, by a tree of path segments made from `operations`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..operation import Operation
from .problems import Problem

__all__ = ["Routes"]


class Routes:
    """Finds operations. Paths are accepted with and without their trailing slash."""

    def __init__(self, operations: Iterable[Operation[Any]]) -> None:
        self._root: dict[str, Any] = {}
        for operation in operations:
            node = self._root
            for segment in operation.path.strip("/").split("/"):
                node = node.setdefault("{}" if segment.startswith("{") else segment, {})
            # "/" can't be a segment, so the methods of a path don't clash with the paths below.
            node.setdefault("/", {})[operation.method] = operation

    def find(self, method: str, segments: list[str]) -> tuple[Operation[Any], list[str]]:
        """The operation and the values of its path parameters. Raises 404 and 405."""
        methods, values = self._descend(self._root, segments, 0, [])
        if methods is None:
            raise Problem(404, "not_found", "No such endpoint.")
        operation = methods.get(method)
        if operation is None:
            allowed = ", ".join(sorted(methods))
            text = f"This endpoint takes {allowed}."
            raise Problem(405, "method_not_allowed", text, headers={"Allow": allowed})
        return operation, values

    def _descend(
        self, node: dict[str, Any], segments: list[str], depth: int, values: list[str]
    ) -> tuple[dict[str, Operation[Any]] | None, list[str]]:
        """A literal segment first, then a parameter: `invoices/payments` is no invoice."""
        if depth == len(segments):
            return node.get("/"), values
        segment = segments[depth]
        if segment in node:
            found, taken = self._descend(node[segment], segments, depth + 1, values)
            if found is not None:
                return found, taken
        if "{}" in node and segment:
            return self._descend(node["{}"], segments, depth + 1, [*values, segment])
        return None, values
