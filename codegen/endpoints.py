"""The operations of a document, each with its parameters, body and answers looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from .document import resolve

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
FORM = "multipart/form-data"
Content = Mapping[str, Any]  # content type -> media object


@attrs.frozen
class Endpoint:
    """One operation as the description has it, references resolved down to the schemas."""

    path: str
    method: str
    operation: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any]
    answers: Mapping[str, Content]  # status, as written -> content

    @property
    def tag(self) -> str:
        """The first tag, by which the module is chosen."""
        return str((self.operation.get("tags") or ["default"])[0])

    def content(self) -> Iterator[tuple[str, Any]]:
        """What the body may be: the type of content without its parameters, and the media."""
        for name, media in self.body.get("content", {}).items():
            yield name.partition(";")[0].strip().lower(), media

    def successes(self) -> Iterator[tuple[int, Content]]:
        """The answers to a call that went well, by their status."""
        for status, content in self.answers.items():
            if re.fullmatch(r"2\d\d", status):
                yield int(status), content
            elif status == "2XX" and "200" not in self.answers:
                yield 200, content


def endpoints(document: dict[str, Any]) -> Iterator[Endpoint]:
    """Every operation of a checked document, in its order."""
    for path, given in document["paths"].items():
        item = followed(document, given)
        for method in METHODS:
            if method in item:
                yield _endpoint(document, path, method, item)


def followed(document: dict[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A node, or what its ``$ref`` leads to in the end."""
    while "$ref" in node:
        node = resolve(document, node["$ref"])
    return node


def _endpoint(
    document: dict[str, Any], path: str, method: str, item: Mapping[str, Any]
) -> Endpoint:
    operation = item[method]
    given = [*item.get("parameters", ()), *operation.get("parameters", ())]
    parameters = [followed(document, one) for one in given]
    # What an operation says of a parameter stands above what its path says.
    named = {(one["in"], one["name"]): one for one in parameters}
    return Endpoint(
        path=path,
        method=method,
        operation=operation,
        parameters=tuple(named.values()),
        body=followed(document, operation.get("requestBody", {})),
        answers={
            status: followed(document, answer).get("content", {})
            for status, answer in operation.get("responses", {}).items()
        },
    )
