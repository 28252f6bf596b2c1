"""Checks the emulator's answers against the description, as corrected by our overlay.

The description lets answers hold more than it lists. The emulator must not: here every object
that has properties is closed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from codegen.document import read, resolve
from codegen.endpoints import Endpoint, endpoints
from codegen.overlay import apply_overlay, read_overlay

OPENAPI = Path(__file__).parents[2] / "openapi"
REFUSAL = {"error_code", "message", "detail", "request_id"}
Schema = dict[str, Any]


@cache
def document() -> Schema:
    """The whole description."""
    found = read(str(OPENAPI / "openapi.yaml"))
    unmatched = apply_overlay(found, read_overlay(str(OPENAPI / "overlay.yaml")))
    assert not unmatched
    return found


@cache
def _patterns() -> list[tuple[re.Pattern[str], Endpoint]]:
    """All endpoints, those with the most literal text in their path first."""
    found = sorted(endpoints(document()), key=lambda one: len(re.sub(r"\{\w+\}", "", one.path)))
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(one.path.rstrip("/"))) + "/?"), one)
        for one in reversed(found)
    ]


def endpoint(method: str, path: str) -> Endpoint | None:
    """The endpoint that a request is for."""
    for pattern, one in _patterns():
        if one.method == method.lower() and pattern.fullmatch(path):
            return one
    return None


def check(method: str, path: str, status: int, body: Any) -> None:
    """Assert that an answer is one that the description promises."""
    asked = endpoint(method, path)
    if status >= 400:
        _check_refusal(asked, status, body)
        return
    assert asked is not None, f"{method} {path} is not described, yet it was answered"
    content = asked.answers.get(str(status))
    assert content is not None, f"{method} {path} is not described to answer {status}"
    if "application/json" not in content:
        assert body is None, f"{method} {path} is described to answer nothing"
        return
    _validate(content["application/json"]["schema"], body)


def _check_refusal(asked: Endpoint | None, status: int, body: Any) -> None:
    described = asked.answers.get(str(status)) if asked else None
    if described:
        _validate(described["application/json"]["schema"], body)
    _validate({"$ref": "#/components/schemas/ErrorResponse"}, body)
    assert isinstance(body, dict)
    assert body.keys() == REFUSAL
    assert isinstance(body["detail"], dict)
    for texts in body["detail"].values():
        assert texts
        assert all(isinstance(text, str) and text for text in texts)


def _validate(schema: Schema, body: Any) -> None:
    validator = OAS30Validator(_closed(repr(schema)), format_checker=oas30_format_checker)
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    assert not problems, problems


@cache
def _closed(shown: str) -> Schema:
    """A schema by its repr (which can be a key of the cache), looked up and closed."""
    found = _close(eval(shown), ())
    assert isinstance(found, dict)
    return found


def _close(schema: Any, above: tuple[str, ...]) -> Any:
    """The schema without references and allOf, refusing properties that it doesn't list."""
    reference = schema.get("$ref")
    if reference is not None:
        assert reference not in above, "answers in scope don't nest in themselves"
        return _close(resolve(document(), reference), (*above, reference))
    schema = dict(schema)
    for part in [_close(part, above) for part in schema.pop("allOf", ())]:
        schema["properties"] = {**schema.get("properties", {}), **part.get("properties", {})}
        schema["required"] = [*schema.get("required", ()), *part.get("required", ())]
    for key in ("oneOf", "anyOf"):
        if key in schema:
            schema[key] = [_close(part, above) for part in schema[key]]
    if isinstance(schema.get("items"), dict):
        schema["items"] = _close(schema["items"], above)
    if schema.get("properties"):
        schema["additionalProperties"] = False
        schema["properties"] = {
            name: _close(part, above) for name, part in schema["properties"].items()
        }
    if schema.get("required") == []:
        del schema["required"]
    return schema
