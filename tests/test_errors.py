"""Every answer outside 2xx becomes one exception, whatever shape its body has."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async import (
    ApiError,
    AuthenticationFailed,
    BadRequest,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ServerError,
)
from thredfi_async.errors import api_error

FIELDS = {"sent_at": ["This field is required."], "line_items": ["Empty.", "Too few."]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, AuthenticationFailed),
        (403, PermissionDenied),
        (404, NotFound),
        (409, Conflict),
        (422, BadRequest),
        (429, RateLimited),
        (500, ServerError),
        (503, ServerError),
        (418, ApiError),
        (302, ApiError),
    ],
)
def test_the_status_decides_the_exception(status: int, kind: type[ApiError]) -> None:
    error = api_error(status, b"", operation="create_invoice", attempts=2)
    assert type(error) is kind
    assert (error.status, error.operation, error.attempts) == (status, "create_invoice", 2)


@pytest.mark.parametrize(
    ("body", "code", "message", "fields"),
    [
        (
            {
                "error_code": "validation_error",
                "message": "Invalid.",
                "detail": FIELDS,
                "request_id": "r-1",
            },
            "validation_error",
            "Invalid.",
            FIELDS,
        ),
        (
            {"error": "Invalid.", "error_code": "validation_error", "details": FIELDS},
            "validation_error",
            "Invalid.",
            FIELDS,
        ),
        (
            {"error_code": "validation_error", "detail": "Invalid entity_type."},
            "validation_error",
            "Invalid entity_type.",
            {},
        ),
        ({"message": "Invalid.", "errors": FIELDS}, None, "Invalid.", FIELDS),
        ({"errors": FIELDS}, None, "", FIELDS),
        ({"message": "Already refunded."}, None, "Already refunded.", {}),
        ({"code": "DUPLICATE_FILE", "error": "Known file."}, "DUPLICATE_FILE", "Known file.", {}),
        (FIELDS, None, "", FIELDS),
        ({"detail": "Not found."}, None, "Not found.", {}),
        ([{"message": "In a list."}], None, "In a list.", {}),
        ("plain text", None, "plain text", {}),
    ],
)
def test_all_shapes_of_an_error_body_are_read(
    body: Any, code: str | None, message: str, fields: dict[str, list[str]]
) -> None:
    error = api_error(400, json.dumps(body).encode())
    assert (error.code, error.message, error.fields) == (code, message, fields)


def test_the_request_id_comes_from_the_body_or_else_the_header() -> None:
    assert api_error(500, b'{"request_id": "body"}', request_id="header").request_id == "body"
    assert api_error(500, b"<html>", request_id="header").request_id == "header"


def test_texts_of_nested_fields_are_named_by_their_path() -> None:
    body = b'{"detail": {"line_items": [{}, {"quantity": ["Must be positive."]}]}}'
    assert api_error(400, body).fields == {"line_items[1].quantity": ["Must be positive."]}


def test_the_text_of_the_exception_says_what_where_and_which_request() -> None:
    body = {"error_code": "validation_error", "message": "Invalid.", "detail": {"email": ["Bad."]}}
    text = str(
        api_error(
            400,
            json.dumps(body).encode(),
            request_id="r-7",
            operation="create_customer",
            attempts=3,
        )
    )
    for part in (
        "create_customer",
        "400",
        "validation_error",
        "Invalid.",
        "email: Bad.",
        "r-7",
        "3",
    ):
        assert part in text


def test_a_bad_byte_or_half_a_pair_spoils_no_message() -> None:
    error = api_error(400, b'{"message": "caf\xe9", "detail": {"\\ud800": ["\\udfff"]}}')
    assert error.message == "caf\ufffd"
    assert error.fields == {"\ufffd": ["\ufffd"]}
    str(error).encode()


def test_a_request_id_from_a_header_can_be_written_again() -> None:
    assert api_error(500, b"", request_id="r\udce9").request_id == "r\ufffd"


def test_a_problem_that_names_half_a_pair_can_be_written() -> None:
    str(InvalidRequest.at("a\ud800", "is unknown, not \udfff")).encode()


def test_an_endless_refusal_is_cut() -> None:
    texts = {f"line_items[{number}].unit_price": ["Too much. " * 50] for number in range(100_000)}
    body = {"message": "No. " * 500, "detail": texts, "error_code": "x" * 10_000}
    error = api_error(400, json.dumps(body).encode(), request_id="r" * 10_000)
    assert len(error.message) == 1000
    assert (len(error.fields), error.more_fields) == (20, 99_980)
    assert max(len(name) + len(" ".join(texts)) for name, texts in error.fields.items()) == 200
    assert "; and 99980 more)" in str(error)
    assert len(str(error)) < 6000


def test_the_texts_of_one_field_are_cut_together() -> None:
    error = api_error(400, json.dumps({"detail": {"a": ["Bad."] * 10_000}}).encode())
    assert len(" ".join(error.fields["a"])) <= 200
    assert error.more_fields == 0


@given(st.binary())
def test_any_bytes_become_an_exception_with_the_status(body: bytes) -> None:
    assert api_error(500, body).status == 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(json_values)
def test_any_json_becomes_an_exception_with_the_status(body: Any) -> None:
    assert api_error(400, json.dumps(body).encode()).status == 400


def test_deeply_nested_json_is_no_problem() -> None:
    assert api_error(400, b'{"detail":' + b'{"a":' * 900 + b"1" + b"}" * 901).status == 400
    assert api_error(400, b"[" * 100_000).status == 400


@pytest.mark.parametrize(
    "error",
    [
        api_error(400, b'{"message": "x", "detail": {"a": ["b"]}}', operation="o", attempts=2),
        InvalidRequest([("a", "is required"), ("b", "is unknown")]),
        OutcomeUnknown("x", operation="o", method="POST", path="/p", external_id="e"),
    ],
)
def test_exceptions_survive_pickling(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
