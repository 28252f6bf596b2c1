"""Holds the emulator's answers, and the requests it took, against the description.

The description is the one corrected by our overlay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from codegen.endpoints import Endpoint, endpoints
from codegen.loading import OVERLAY, TABLE, load
from codegen.pairing import ADOPTED, NEW

from .schemas import Schema, Validator

REFUSAL = {"error_code", "message", "detail", "request_id"}
GUIDE_REFUSAL = {"error", "error_code", "details"}
ENTITY_TYPE_REFUSAL = {"error_code", "detail"}
JSON = "application/json"


@cache
def document() -> Schema:
    """The whole description."""
    found = load(str(TABLE), str(OVERLAY))
    assert ADOPTED in found.document or not found.laid.unmatched
    return found.document


@cache
def new_operations() -> frozenset[str]:
    """Those that came with an adopted file: no service has a method for them yet."""
    every = (one.operation for one in endpoints(document()))
    return frozenset(str(one["operationId"]) for one in every if one.get(NEW))


@cache
def new_parameters() -> frozenset[tuple[str, str]]:
    """Those of known operations that came with an adopted file, as (operation, parameter)."""
    return frozenset(
        (str(one.operation["operationId"]), parameter["name"])
        for one in endpoints(document())
        for parameter in one.parameters
        if parameter.get(NEW)
    )


def endpoint(method: str, path: str) -> Endpoint | None:
    """The endpoint that a request is for."""
    asked, _ = _find(method, path)
    return asked


def _find(method: str, path: str) -> tuple[Endpoint | None, dict[str, str]]:
    """The endpoint that a request is for, and its path parameters as they came."""
    path = path.removesuffix("/")
    for pattern, one in _patterns().get((method.lower(), path.count("/")), ()):
        if found := pattern.fullmatch(path):
            return one, found.groupdict()
    return None, {}


@cache
def _patterns() -> dict[tuple[str, int], list[tuple[re.Pattern[str], Endpoint]]]:
    """All endpoints by method and depth, those with the most literal text in their path first."""
    found: dict[tuple[str, int], list[tuple[re.Pattern[str], Endpoint]]] = {}
    for one in sorted(endpoints(document()), key=lambda one: -len(_literal(one.path))):
        path = one.path.removesuffix("/")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        found.setdefault((one.method, path.count("/")), []).append((re.compile(pattern), one))
    return found


def _literal(path: str) -> str:
    return re.sub(r"\{\w+\}", "", path)


# --- answers ---------------------------------------------------------------------------


def check(method: str, path: str, status: int, body: Any) -> None:
    """Assert that an answer is one that the description promises."""
    asked = endpoint(method, path)
    if status >= 400:
        _check_refusal(asked, status, body)
        return
    assert asked is not None, f"{method} {path} is not described, yet it was answered"
    content = asked.answers.get(str(status))
    assert content is not None, f"{method} {path} is not described to answer {status}"
    if JSON not in content:
        assert body is None, f"{method} {path} is described to answer nothing"
        return
    _raise(_answer_validator(asked.method, asked.path, str(status)).problems(body))


def _check_refusal(asked: Endpoint | None, status: int, body: Any) -> None:
    if asked and str(status) in asked.answers:
        _raise(_answer_validator(asked.method, asked.path, str(status)).problems(body))
    check_refusal(body)


def check_refusal(body: Any) -> None:
    """Assert that the body of a refusal has the one shape of all but those of entity types."""
    _raise(_refusal_validator().problems(body))
    assert isinstance(body, dict)
    if body.keys() == ENTITY_TYPE_REFUSAL:
        assert body["error_code"] == "validation_error"
        assert body["detail"].startswith("Invalid entity_type ")
        return
    assert body.keys() == REFUSAL
    _check_texts(body["detail"])


def check_guide_refusal(body: Any) -> None:
    """Assert that the body of a refusal has the shape of the error-handling guide."""
    _raise(
        Validator(document(), {"$ref": "#/components/schemas/GuideErrorResponse"}).problems(body)
    )
    assert body.keys() == GUIDE_REFUSAL
    _check_texts(body["details"])


def _check_texts(fields: Any) -> None:
    assert isinstance(fields, dict)
    for texts in fields.values():
        assert texts
        assert all(isinstance(text, str) and text for text in texts)


def _raise(problems: list[str]) -> None:
    assert not problems, problems


@cache
def _answer_validator(method: str, path: str, status: str) -> Validator:
    asked = endpoint(method, path)
    assert asked is not None
    return Validator(document(), asked.answers[status][JSON]["schema"])


@cache
def _refusal_validator() -> Validator:
    return Validator(document(), {"$ref": "#/components/schemas/ErrorResponse"})


# --- requests --------------------------------------------------------------------------


def check_target(method: str, target: str) -> None:
    """Assert that path and query of a request that was taken are as described."""
    path, _, query = target.partition("?")
    asked, in_path = _find(method, path)
    assert asked is not None, f"{method} {path} is not described, yet it was taken"
    given = [("path", name, unquote(text)) for name, text in in_path.items()]
    # A query parameter without a value is as good as none.
    given += [("query", name, text) for name, text in parse_qsl(query)]
    known = {(one["in"], one["name"]) for one in asked.parameters}
    for place, name, text in given:
        if (place, name) in known:
            validator = _parameter_validator(asked.method, asked.path, place, name)
            problems = validator.problems(_parameter(validator.shape, text))
            assert not problems, f"{name}={text}: {problems}"
    names = {name for _, name, _ in given}
    missing = [
        one["name"] for one in asked.parameters if one["in"] == "query" and one.get("required")
    ]
    assert names.issuperset(missing), f"{method} {path} was taken without all of {missing}"


def check_body(method: str, path: str, content_type: str, body: Any) -> None:
    """Assert that the body of a request that was taken is as described.

    A form comes as its fields, each with its texts.
    """
    asked = endpoint(method, path)
    assert asked is not None, f"{method} {path} is not described, yet it was taken"
    content = asked.body.get("content", {})
    if not content:
        return
    kind = content_type if content_type in content else JSON
    validator = _body_validator(asked.method, asked.path, kind)
    _raise(validator.problems(body if kind == JSON else _from_form(validator, body)))


@cache
def _body_validator(method: str, path: str, content_type: str) -> Validator:
    asked = endpoint(method, path)
    assert asked is not None
    schema = asked.body["content"][content_type]["schema"]
    return Validator(document(), schema, is_request=True)


@cache
def _parameter_validator(method: str, path: str, place: str, name: str) -> Validator:
    asked = endpoint(method, path)
    assert asked is not None
    (one,) = [one for one in asked.parameters if (one["in"], one["name"]) == (place, name)]
    return Validator(document(), one["schema"], is_request=True)


def _parameter(shape: Schema, text: str) -> Any:
    match shape.get("type", "string"):
        case "string":
            return text
        case "array":
            return [one for one in text.split(",") if one]
        case "boolean" if text in "01":
            return text == "1"
    return _plain(text)


def _from_form(validator: Validator, texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The fields of a form as JSON would have them."""
    return {name: _field(validator.property(name), values) for name, values in texts.items()}


def _field(shape: Schema, texts: Sequence[str]) -> Any:
    """A list may be one text, or one text for each element, as HTML forms have it."""
    if shape.get("type", "string") == "string":
        return texts[-1]
    read = [_plain(text) for text in texts]
    if shape["type"] != "array" or isinstance(read[-1], list):
        return read[-1]
    return texts if shape["items"].get("type") == "string" else read


def _plain(text: str) -> Any:
    """A number, boolean, list or object written as text; text that is none of it stays."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return json.loads(text)
    except ValueError:
        return int(text) if text.isdecimal() else text
