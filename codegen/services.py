"""A ready service method for each operation that no service has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .calls import schema_of
from .endpoints import Endpoint, endpoints
from .loading import Loaded
from .names import class_name, constant_name, module_name
from .pairing import NEW
from .roles import properties, structure

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
    name = _name(endpoint, is_list)
    yield f"    # {endpoint.tag}: {endpoint.method.upper()} {endpoint.path}"
    yield f"    {head} {name}("
    for one in ("self", *arguments, "**options: Unpack[CallOptions]"):
        yield f"        {one},"
    answer = _answer(document, endpoint, is_list)
    yield f"    ) -> {f'Paginator[{answer}]' if is_list else answer}:"
    said = operation.get("summary") or operation.get("description")
    summary = str(said or f"{endpoint.method.upper()} {endpoint.path}").strip()
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


def _answer(document: dict[str, Any], endpoint: Endpoint, is_list: bool) -> str:
    """The model of the answer, or of an item of the list."""
    for _, content in endpoint.successes():
        schema = schema_of(content) if content else None
        if is_list:
            schema = properties(document, schema).get("results", {}).get("items")
        name, _ = structure(document, schema)
        if name is not None:
            return class_name(name)
    return "Any"


def _name(endpoint: Endpoint, is_list: bool) -> str:
    """What a method is called by the house's rules: list, get, create, or what it does."""
    *_, last = [one for one in endpoint.path.split("/") if one]
    if last.startswith("{"):
        return {"get": "get", "delete": "delete", "post": "create"}.get(endpoint.method, "update")
    if endpoint.method == "get":
        return "list" if is_list or last.endswith("s") else "get"
    is_action = endpoint.path.rstrip("/").removesuffix(last).endswith("}/") and not (
        last.endswith("s")
    )
    return module_name(last) if is_action else "create" if endpoint.method == "post" else "update"


def _has_results(document: dict[str, Any], endpoint: Endpoint) -> bool:
    return any(
        "results" in properties(document, media.get("schema"))
        for _, content in endpoint.successes()
        for media in content.values()
    )
