"""What every exchange is held against, on top of Schemathesis's own checks."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs

import schemathesis
from schemathesis import Case, CheckContext, Response

from tests.emulator import description
from tests.emulator.watcher import MARK, UNDESCRIBED

from .names import operation_id

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_ANY_BODY = {"get_partner_token"}  # the docs show it with JSON, with forms, and without a body


def register(operations: frozenset[str]) -> list[str]:
    """Make the checks known to Schemathesis, for an emulator that has these operations; names."""

    @schemathesis.check
    def answer_is_as_described(ctx: CheckContext, response: Response, case: Case) -> None:
        body = _decoded(response)
        status, id = response.status_code, operation_id(case)
        assert status < 500 or (status == 501 and id not in operations), f"it answered {status}"
        if response.content:
            assert _content_type(response.headers) == description.JSON
        if not _is_undescribed(response):
            description.check(_method(response), _path(response), status, body)
        if status >= 400:
            description.check_refusal(body)
            (request_id,) = response.headers["x-request-id"]
            assert request_id == body.get("request_id", request_id) != ""

    @schemathesis.check
    def taken_request_is_as_described(ctx: CheckContext, response: Response, case: Case) -> None:
        if response.status_code >= 400 or _is_undescribed(response):
            return
        method, path = _method(response), _path(response)
        description.check_target(method, response.request.path_url)
        content, kind = response.request.body, _content_type(response.request.headers)
        if operation_id(case) in _ANY_BODY:
            return
        if not content or not content.strip():
            assert not _needs_body(method, path), "it took a call without its body"
        else:
            data = content.encode() if isinstance(content, str) else content
            body = _body(response.request.headers.get("Content-Type", ""), kind, data)
            description.check_body(method, path, kind, body)

    return [check.__name__ for check in (answer_is_as_described, taken_request_is_as_described)]


def _is_undescribed(response: Response) -> bool:
    return response.headers.get(MARK.lower()) == [UNDESCRIBED]


def _decoded(response: Response) -> Any:
    return json.loads(response.content) if response.content else None


def _body(header: str | bytes, kind: str, data: bytes) -> Any:
    """JSON as it is, of a form the texts of each field."""
    if kind == _FORM:
        return parse_qs(data.decode(), keep_blank_values=True)
    if kind == _MULTIPART:
        return _fields(header if isinstance(header, bytes) else header.encode(), data)
    try:
        return json.loads(data)
    except ValueError as error:
        raise AssertionError(f"it took a body that is no JSON: {data!r}") from error


def _fields(header: bytes, data: bytes) -> dict[str, list[str]]:
    """The texts of a multipart form; its files may hold anything."""
    fields: dict[str, list[str]] = {}
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: %s\r\n\r\n%s" % (header, data))
    for part in message.iter_parts():
        if part.get_filename() is None:
            name = str(part.get_param("name", header="content-disposition"))
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
    return fields


def _needs_body(method: str, path: str) -> bool:
    asked = description.endpoint(method, path)
    return asked is not None and asked.body.get("required", False)


def _method(response: Response) -> str:
    return response.request.method or ""


def _path(response: Response) -> str:
    return response.request.path_url.partition("?")[0]


def _content_type(headers: Any) -> str:
    found = headers.get("Content-Type") or headers.get("content-type") or ""
    text = found[0] if isinstance(found, list) else found
    return (text.decode() if isinstance(text, bytes) else text).partition(";")[0].strip().lower()
