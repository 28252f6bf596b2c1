"""A ready service method for each operation that no service has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .endpoints import Endpoint, endpoints
from .loading import Loaded
from .names import constant_name
from .pairing import NEW
from .roles import properties

_PAGES = ("page", "page_size")


def suggestions(loaded: Loaded) -> Iterator[str]:
    """The lines of a method for each new operation, for the class of its service."""
    for endpoint in endpoints(loaded.document):
        if endpoint.operation.get(NEW):
            yield from _method(loaded.document, endpoint)
            yield ""


def _method(document: dict[str, Any], endpoint: Endpoint) -> Iterator[str]:
    operation = endpoint.operation
    constant = f"operations.{constant_name(str(operation['operationId']))}"
    path = [one["name"] for one in endpoint.parameters if one["in"] == "path"]
    path = [name for name in path if name != "business_id"]
    query = [one["name"] for one in endpoint.parameters if one["in"] == "query"]
    filters = [name for name in query if name not in _PAGES]
    is_list = set(_PAGES) <= set(query) and _has_results(document, endpoint)
    arguments = [f"{name}: str" for name in path]
    if endpoint.body:
        optional = "" if endpoint.body.get("required") else " | None = None"
        arguments.append(f"body: Mapping[str, Any]{optional}")
    if filters or is_list:
        arguments.append("*")
    arguments += [f"{name}: Any = None" for name in filters]
    if is_list:
        arguments.append("page_size: int | None = None")
    head = "def" if is_list else "async def"
    name = constant_name(str(operation["operationId"])).lower()
    yield f"    # {endpoint.tag}: {endpoint.method.upper()} {endpoint.path}"
    yield f"    {head} {name}("
    for one in ("self", *arguments, "**options: Unpack[CallOptions]"):
        yield f"        {one},"
    yield f"    ) -> {'Paginator[Any]' if is_list else 'Any'}:"
    summary = str(operation.get("summary") or operation.get("description") or name).strip()
    yield f'        """{summary.splitlines()[0]}"""'
    given = [constant, "options"]
    if is_list:
        given.append(f"{{{', '.join(f'{one!r}: {one}' for one in filters)}}}".replace("'", '"'))
        given.append("page_size=page_size")
    else:
        if endpoint.body:
            given.append("body")
        if filters:
            written = ", ".join(f'"{one}": {one}' for one in filters)
            given.append(f"query={{{written}}}")
    given += [f"{one}={one}" for one in path]
    call = "self._list" if is_list else "await self._call"
    yield f"        return {call}({', '.join(given)})"


def _has_results(document: dict[str, Any], endpoint: Endpoint) -> bool:
    return any(
        "results" in properties(document, media.get("schema"))
        for _, content in endpoint.successes()
        for media in content.values()
    )
