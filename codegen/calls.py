"""The operations of a description as what they are: their method, and the shape of their path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from .endpoints import METHODS, followed

_NAME = re.compile(r"\{([^}]+)\}")


@attrs.frozen
class Call:
    """One operation of a description, its references followed down to the schemas."""

    method: str
    path: str  # with the path of the server
    operation: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]

    @property
    def id(self) -> str:
        """As it is called in its own description."""
        return str(self.operation.get("operationId") or f"{self.method} {self.path}")

    @property
    def key(self) -> str:
        """What it is, whatever its parameters are called."""
        return f"{self.method} {_shape(self.path)}"

    @property
    def names(self) -> list[str]:
        """Its path parameters, by position."""
        return _NAME.findall(self.path)


def calls(document: dict[str, Any]) -> list[Call]:
    """Every operation of a checked description."""
    prefix = path_of_server(document)
    found = []
    for path, given in document["paths"].items():
        item = followed(document, given)
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            named = {}
            for one in (*item.get("parameters", ()), *operation.get("parameters", ())):
                parameter = followed(document, one)
                named[parameter["in"], parameter["name"]] = parameter
            found.append(Call(method, prefix + path, operation, tuple(named.values())))
    return found


def body_of(document: dict[str, Any], call: Call) -> Mapping[str, Any]:
    """The request body of a call by content type."""
    content: Mapping[str, Any] = followed(document, call.operation.get("requestBody", {})).get(
        "content", {}
    )
    return content


def answers_of(document: dict[str, Any], call: Call) -> dict[str, Mapping[str, Any]]:
    """The answers of a call: status -> content by its type."""
    return {
        status: followed(document, answer).get("content", {})
        for status, answer in call.operation.get("responses", {}).items()
    }


def schema_of(content: Mapping[str, Any], content_type: str | None = None) -> Any:
    """The schema for a content type; without it there, that of JSON, or else the first."""
    for one in (content_type, "application/json", *content):
        if one is not None and one in content:
            return content[one].get("schema")
    return None


def beginnings(path: str) -> Iterator[tuple[str, str]]:
    """The path up to each of its parameters, and the parameter."""
    for found in _NAME.finditer(path):
        yield _shape(path[: found.end()]), found[1]


def path_of_server(document: dict[str, Any]) -> str:
    """What the description puts before all of its paths."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = first.get("url") if isinstance(first, dict) else None
    return urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""


def _shape(path: str) -> str:
    return _NAME.sub("{}", path).rstrip("/") or "/"
