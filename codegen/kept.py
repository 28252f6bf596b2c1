"""What is copied from our description into one that lacks it."""

from __future__ import annotations

from typing import Any

from .calls import Call
from .document import component_name, resolve

KEPT = "x-kept"  # on what comes from our description, as the file lacks it


class FromOurs:
    """Copies from our description what the file lacks."""

    def __init__(self, ours: dict[str, Any], components: dict[str, Any]) -> None:
        self._ours, self._components = ours, components
        self.names: list[str] = []

    def operation(self, call: Call) -> dict[str, Any]:
        """One operation with all but its schemas in line."""
        whole: dict[str, Any] = self._inlined(dict(call.operation)) | {KEPT: True}
        whole["parameters"] = [self._inlined(dict(one)) for one in call.parameters]
        whole.setdefault("tags", ["default"])
        return whole

    def component(self, name: str) -> None:
        """One schema under its name, and all that it refers to."""
        if name not in self._components:
            self._components[name] = {}
            schema = self._inlined(self._ours["components"]["schemas"][name])
            marked = isinstance(schema, dict)
            self._components[name] = schema | {KEPT: True} if marked else schema
            self.names.append(name)

    def _inlined(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._inlined(one) for one in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            name = component_name(self._ours, reference)
            if name is None:
                return self._inlined(resolve(self._ours, reference))
            self.component(name)
            return node
        return {key: self._inlined(value) for key, value in node.items()}
