"""Packages that are made of small documents, and calls of their operations over a real socket."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import codegen.__main__ as command
from tests.support import Received, ScriptedServer, answer
from thredfi_async import ThredfiClient


def generate(folder: Path, document: dict[str, Any], name: str = "made") -> Path:
    """The package that is made of a small document."""
    spec = folder / f"{name}.json"
    spec.write_text(json.dumps({"openapi": "3.0.3", **document}))
    arguments = ["--spec", str(spec), "--overlay", "none", "--output", str(folder / name)]
    assert command.main(arguments) == 0
    return folder / name


def load(package: Path) -> ModuleType:
    """A made package, imported; ``models`` and ``operations`` are in it."""
    sys.path.insert(0, str(package.parent))
    try:
        module = importlib.import_module(package.name)
        importlib.import_module(f"{package.name}.models")
        importlib.import_module(f"{package.name}.operations")
    finally:
        sys.path.remove(str(package.parent))
    return module


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def content(schema: Any, *types: str) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema} for kind in types or ("application/json",)}}


def post(name: str, body: Any, *types: str, **more: Any) -> dict[str, Any]:
    """A path with one operation that takes this body, JSON unless said otherwise."""
    operation: dict[str, Any] = {"operationId": name, "tags": ["things"], **more}
    operation.setdefault("requestBody", {"required": True, **content(body, *types)})
    operation.setdefault("responses", {"200": {}})
    return {f"/{name}/": {"post": operation}}


async def sent(call: Callable[[Any], Any], reply: Any = None) -> tuple[Received, Any]:
    """The request that a call of the session sends, and what it returns."""
    async with ScriptedServer() as server:
        server.answers(answer(200, reply))
        async with ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as client:
            value = await call(client._session)
        (request,) = server.requests
        return request, value
