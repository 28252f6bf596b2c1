"""Bodies of every kind, made of a small document and sent over a real socket."""

from __future__ import annotations

import json
from email import message_from_bytes
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support import Received
from thredfi_async import InvalidRequest, Upload, codec

from .making import generate, load, post, ref, sent

FILE = {"type": "string", "format": "binary"}
FORM = "multipart/form-data"
URL_ENCODED = "application/x-www-form-urlencoded"

LINE = {"required": ["n"], "properties": {"n": {"type": "integer"}, "a-b": {"type": "string"}}}
SCAN = {
    "required": ["file", "title"],
    "properties": {
        "file": FILE,
        "back": FILE,
        "pages": {"type": "array", "items": FILE},
        "title": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "line": ref("Line"),
    },
}
URI = {"type": "string", "format": "uri"}
URIS = {"type": "array", "items": URI}
DOCUMENT = {  # as it is where request and answer share one schema
    "required": ["file"],
    "properties": {"file": URI, "site": {**URI, "maxLength": 200}, "more": URIS},
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    document = {
        "paths": {
            **post("many", {"type": "array", "items": ref("Line")}),
            **post("scan", ref("Scan"), FORM),
            **post("scan_or_json", ref("Scan"), "application/json", URL_ENCODED, FORM),
            **post("pages", {"properties": {"pages": {"type": "array", "items": FILE}}}, FORM),
            **post("document", ref("Document"), "application/json", FORM),
            **post("typed", ref("Line"), URL_ENCODED),
            **post("formed", ref("Line"), FORM),
            **post("raw", FILE, "application/pdf"),
        },
        "components": {"schemas": {"Line": LINE, "Scan": SCAN, "Document": DOCUMENT}},
    }
    return load(generate(tmp_path_factory.mktemp("bodies"), document, "made_bodies"))


def parts(request: Received) -> list[tuple[str, str | None, bytes]]:
    """(name, file name, content) of each part of a form, in order."""
    assert int(request.headers["Content-Length"]) == len(request.body)
    head = f"Content-Type: {request.headers['Content-Type']}\n\n".encode()
    message = message_from_bytes(head + request.body)
    assert message.get_content_type() == FORM
    found = []
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        found.append((name, part.get_filename(), part.get_payload(decode=True)))
    return found


PDF = Upload.of(b"%PDF", "scan.pdf")


async def test_a_list_body_is_a_list_of_models_or_mappings(made: ModuleType) -> None:
    line, many = made.models.Line, made.operations.MANY
    body = [line(n=1, a_b="x"), {"n": 2, "a-b": "y"}]
    request, _ = await sent(lambda session: session.call(many, body=body))
    assert json.loads(request.body) == [{"n": 1, "a-b": "x"}, {"n": 2, "a-b": "y"}]
    assert request.headers["Content-Type"] == "application/json"
    for wrong, where in (([{"n": 1}, {"n": "2"}], r"\[1\]\.n"), ({"n": 1}, "must be a list")):
        with pytest.raises(InvalidRequest, match=where):
            await sent(lambda session, body=wrong: session.call(many, body=body))
    with pytest.raises(InvalidRequest, match="only an object takes extra_body"):
        await sent(lambda s: s.call(many, body=body, options={"extra_body": {"x": 1}}))


def test_a_list_of_models_is_written_by_the_names_on_the_wire(made: ModuleType) -> None:
    line = made.models.Line(n=1, a_b="x")
    assert json.loads(codec.encode([line])) == [{"n": 1, "a-b": "x"}]
    assert json.loads(codec.encode({"lines": [line]})) == {"lines": [{"n": 1, "a-b": "x"}]}
    assert codec.to_mapping([line]) == [{"n": 1, "a-b": "x"}]


@pytest.mark.parametrize(
    "call",
    [
        lambda m, s: s.call(m.operations.SCAN, body={"title": "t"}, file=PDF),
        lambda m, s: s.call(m.operations.SCAN, body={"title": "t", "file": PDF}),
        lambda m, s: s.call(m.operations.SCAN, body=m.models.Scan(title="t", file=PDF)),
        lambda m, s: s.call(m.operations.SCAN_OR_JSON, body=m.models.Scan(title="t", file=PDF)),
        lambda m, s: s.call(m.operations.SCAN_OR_JSON, body={"title": "t"}, file=PDF),
    ],
)
async def test_a_required_file_part_is_sent(made: ModuleType, call: Any) -> None:
    request, _ = await sent(lambda session: call(made, session))
    assert sorted(parts(request)) == [("file", "scan.pdf", b"%PDF"), ("title", None, b"t")]


async def test_several_files_and_lists_of_them_are_parts_of_their_own(
    made: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "back.png"
    path.write_bytes(b"\x89PNG" * 100_000)
    body = {
        "title": "t",
        "file": b"bytes",
        "back": Upload(path),
        "pages": [PDF, Upload.of(b"2", "2.pdf")],
        "tags": ["a", "b"],
        "line": {"n": 1, "a-b": "x"},
    }
    request, _ = await sent(lambda session: session.call(made.operations.SCAN, body=body))
    assert sorted(parts(request)) == [
        ("back", "back.png", b"\x89PNG" * 100_000),
        ("file", "file", b"bytes"),
        ("line", None, b'{"n":1,"a-b":"x"}'),
        ("pages", "2.pdf", b"2"),
        ("pages", "scan.pdf", b"%PDF"),
        ("tags", None, b"a"),
        ("tags", None, b"b"),
        ("title", None, b"t"),
    ]
    request, _ = await sent(lambda session: session.call(made.operations.PAGES, file=PDF))
    assert parts(request) == [("pages", "scan.pdf", b"%PDF")]


async def test_what_is_a_url_in_answers_may_be_a_file_in_a_form(made: ModuleType) -> None:
    document = made.operations.DOCUMENT
    request, _ = await sent(lambda session: session.call(document, file=PDF))
    assert parts(request) == [("file", "scan.pdf", b"%PDF")]
    body = {"file": "https://a.example/", "site": "https://b.example/", "more": [PDF]}
    request, _ = await sent(lambda session: session.call(document, body=body))
    assert ("more", "scan.pdf", b"%PDF") in parts(request)
    del body["more"]
    request, _ = await sent(lambda session: session.call(document, body=body))
    assert json.loads(request.body) == body


async def test_a_body_is_sent_as_what_the_operation_takes(made: ModuleType) -> None:
    body = {"n": 1, "a-b": "x & ü"}
    request, _ = await sent(lambda session: session.call(made.operations.TYPED, body=body))
    assert request.headers["Content-Type"] == URL_ENCODED
    assert parse_qsl(request.body.decode()) == [("n", "1"), ("a-b", "x & ü")]
    request, _ = await sent(lambda session: session.call(made.operations.FORMED, body=body))
    assert parts(request) == [("n", None, b"1"), ("a-b", None, "x & ü".encode())]
    request, _ = await sent(lambda session: session.call(made.operations.RAW, body=b"%PDF"))
    assert (request.headers["Content-Type"], request.body) == ("application/pdf", b"%PDF")
    with pytest.raises(InvalidRequest, match="must be bytes or text, not dict"):
        await sent(lambda session: session.call(made.operations.RAW, body={}))


async def test_a_file_that_is_missing_or_given_twice_is_refused(made: ModuleType) -> None:
    scan = made.operations.SCAN
    for arguments, why in (
        ({"body": {"title": "t"}}, "file: is required"),
        ({"body": {"title": "t", "file": PDF}, "file": PDF}, "file: is given as file= already"),
        ({"body": {"title": "t", "file": "scan.pdf"}}, "file: must be"),
        ({"body": {"title": "t", "file": Upload("/nowhere/at.all")}}, "can't be read"),
    ):
        with pytest.raises(InvalidRequest, match=why):
            await sent(lambda session, given=arguments: session.call(scan, **given))
    with pytest.raises(ValueError, match=r"^Scan\.file: must be bytes or Upload, not str"):
        made.models.Scan(title="t", file="scan.pdf")
