"""Whatever is given to the generator: one clear line and status 2, and nothing is touched."""

from __future__ import annotations

import ast
import copy
import json
import shutil
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import codegen.__main__ as command
from codegen.document import parse, read
from codegen.errors import CodegenError
from codegen.output import PACKAGE
from codegen.overlay import apply_overlay, read_overlay
from codegen.shape import check
from tests.support import cases

SPEC = PACKAGE.parent / "openapi" / "openapi.yaml"
OVERLAY = PACKAGE.parent / "openapi" / "overlay.yaml"

SMALL: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Small", "version": "1"},
    "security": [{"Basic": []}],
    "tags": [{"name": "Things", "x-module": "things"}],
    "paths": {
        "/things/{id}/": {
            "parameters": [{"$ref": "#/components/parameters/Id"}],
            "post": {
                "operationId": "create_thing",
                "tags": ["Things"],
                "x-replay": "external_id",
                "x-unwrap": "thing",
                "parameters": [
                    {
                        "in": "query",
                        "name": "status",
                        "style": "form",
                        "explode": False,
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/S"}},
                    },
                    {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}},
                        "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Thing"}},
                    },
                },
                "responses": {
                    "201": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {"thing": {"$ref": "#/components/schemas/Thing"}},
                                }
                            }
                        }
                    },
                    "400": {"$ref": "#/components/responses/Bad"},
                },
            },
            "get": {
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Tree"},
                                }
                            }
                        }
                    }
                }
            },
        }
    },
    "components": {
        "securitySchemes": {"Basic": {"type": "http", "scheme": "basic"}},
        "parameters": {"Id": {"in": "path", "name": "id", "required": True, "schema": {}}},
        "responses": {
            "Bad": {
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Free"}}
                }
            }
        },
        "schemas": {
            "S": {"type": "string", "enum": ["a", "b"]},
            "Null": {"enum": [None]},
            "Blank": {"enum": [""]},
            "Free": {"type": "object", "additionalProperties": {}},
            "Known": {"type": "string", "x-known-values": ["a", "b"]},
            "Tree": {
                "type": "object",
                "description": "A \"tree\"",
                "required": ["label"],
                "properties": {
                    "label": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a"},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
                },
            },
            "Thing": {
                "allOf": [
                    {"$ref": "#/components/schemas/Tree"},
                    {
                        "type": "object",
                        "required": ["at"],
                        "properties": {
                            "at": {"type": "string", "format": "date-time"},
                            "status": {
                                "nullable": True,
                                "oneOf": [
                                    {"$ref": "#/components/schemas/S"},
                                    {"$ref": "#/components/schemas/Blank"},
                                    {"$ref": "#/components/schemas/Null"},
                                ],
                            },
                            "count": {"type": ["integer", "null"], "minimum": 0, "multipleOf": 2},
                            "price": {"type": "number", "exclusiveMinimum": True, "minimum": 0},
                            "free": {"$ref": "#/components/schemas/Free"},
                            "known": {"$ref": "#/components/schemas/Known"},
                            "in_line": {
                                "type": "object",
                                "properties": {"a-b": {"type": "string", "enum": ["x", "y z"]}},
                            },
                            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                            "secret": {"type": "string", "writeOnly": True, "x-secret": True},
                            "id": {"type": "string", "readOnly": True},
                            "file": {"type": "string", "format": "binary"},
                        },
                    },
                ]
            },
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is generated from a small document, and that document."""
    folder = tmp_path_factory.mktemp("made")
    source = folder / "small.json"
    source.write_text(json.dumps(SMALL))
    arguments = ["--spec", str(source), "--overlay", "none", "--output", str(folder / "package")]
    assert command.main(arguments) == 0
    return folder


@pytest.fixture
def output(made: Path, tmp_path: Path) -> Path:
    """A folder with generated files that must stay as they are; the document lies beside it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "package"


def _refused(
    capsys: pytest.CaptureFixture[str], output: Path, spec: Path | str, overlay: str = "none"
) -> str:
    """The one line that was printed; the files are as they were."""
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    capsys.readouterr()
    arguments = ["--spec", str(spec), "--overlay", overlay, "--output", str(output)]
    assert command.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("codegen: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert len(err) < 400
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    return err


def _with(*path: str | int, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(SMALL)
    node: Any = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [1, 2", "not YAML"),
        ("a: b: c", "not YAML"),
        ("? [a, b]\n: c", "a key isn't text"),
        ("x: !!python/object:os.system {}", "not YAML"),
        ("", "holds nothing"),
        ("just text", "holds a str"),
        ("- 1\n- 2", "holds a list"),
        ("info: {}", "no `openapi:` key"),
        ("openapi: 2.0.0", "version 2.0.0"),
        ('swagger: "2.0"', "version 2.0"),
        ("openapi: 4.1.0", "version 4.1.0"),
        ("openapi: 3.0.3\npaths: 5", "/paths must be a mapping, not int"),
        ("openapi: 3.0.3\npaths: []", "/paths must be a mapping, not list"),
        ("openapi: 3.0.3\ncomponents: {schemas: [1]}", "/components/schemas must be a mapping"),
        ("openapi: 3.0.3\ncomponents: {schemas: {A: {allOf: &a [allOf: *a]}}}", "within itself"),
        ("[" * 2_000, "YAML"),
    ],
)  # fmt: skip
def test_no_description(
    capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path, text: str, why: str
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    assert why in _refused(capsys, output, spec)


def test_no_file(capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path) -> None:
    assert "No such file" in _refused(capsys, output, tmp_path / "absent.yaml")


def test_a_folder(capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path) -> None:
    assert "Is a directory" in _refused(capsys, output, tmp_path)


def test_binary(capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert "not text" in _refused(capsys, output, spec)
    spec.write_bytes(b"openapi: 3.0.3\n\x00")
    assert "not YAML" in _refused(capsys, output, spec)


def test_a_strange_path(capsys: pytest.CaptureFixture[str], output: Path) -> None:
    assert "can't be read" in _refused(capsys, output, "a\0b")
    assert "can't be read" in _refused(capsys, output, "")


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = (200, json.dumps(SMALL).encode()) if self.path == "/ok" else (404, b"")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (9 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Server)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_urls(capsys: pytest.CaptureFixture[str], output: Path, url: str) -> None:
    assert "404" in _refused(capsys, output, f"{url}/absent")
    assert "can't be read" in _refused(capsys, output, f"{url}/cut")
    assert "can't be read" in _refused(capsys, output, "http://127.0.0.1:1/")
    assert "can't be read" in _refused(capsys, output, "http://[/")
    assert "can't be read" in _refused(capsys, output, "https://no host.example/")
    arguments = ["--overlay", "none", "--output", str(output), "--check"]
    assert command.main(["--spec", f"{url}/ok", *arguments]) == 0


_SCHEMA = ("components", "schemas", "Tree")


@pytest.mark.parametrize(
    ("rule", "why"),
    [("x-replay", "x-replay is one of safe,"), ("x-token-scope", "x-token-scope is one")],
)
def test_a_rule_of_ours_that_does_not_exist_is_refused(
    capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path, rule: str, why: str
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(_with("paths", "/a/", value={"get": {rule: "any"}})))
    assert why in _refused(capsys, output, spec)


def _left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path, document: dict[str, Any]) -> str:
    """What is said of a description that is generated all the same."""
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(document))
    arguments = ["--spec", str(spec), "--overlay", "none", "--output", str(tmp_path / "new")]
    assert command.main(arguments) == 0
    assert (tmp_path / "new" / "operations.py").read_text().count("create_thing") >= 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (_with(*_SCHEMA, value=[]), "/schemas/Tree must be a mapping (schema), not list"),
        (_with(*_SCHEMA, "properties", value=[]), "/Tree/properties must be a mapping, not list"),
        (_with(*_SCHEMA, "properties", "label", value="text"), "/label must be a mapping"),
        (_with(*_SCHEMA, "required", value=True), "/Tree/required must be a list, not bool"),
        (_with(*_SCHEMA, "required", value=[1]), "/Tree/required/0 must be text, not int"),
        (_with(*_SCHEMA, "type", value=5), "/Tree/type must be text or a list of texts, not int"),
        (_with(*_SCHEMA, "enum", value="a"), "/Tree/enum must be a list, not str"),
        (_with(*_SCHEMA, "allOf", value={}), "/Tree/allOf must be a list, not dict"),
        (_with(*_SCHEMA, "minLength", value="1"), "/minLength must be a whole number, not str"),
        (_with(*_SCHEMA, "minimum", value=float("nan")), "/Tree/minimum must be a number"),
        (_with(*_SCHEMA, "multipleOf", value=0), "/Tree/multipleOf must be a number above 0"),
        (_with(*_SCHEMA, "$ref", value="#/nowhere"), "$ref '#/nowhere' points to nothing"),
        (_with(*_SCHEMA, "$ref", value="other.yaml#/A"), "points outside the document"),
        (_with(*_SCHEMA, "$ref", value="https://a.example/b"), "points outside the document"),
        (_with(*_SCHEMA, "$ref", value="#/components/schemas/Tree"), "leads back to itself"),
        (_with(*_SCHEMA, "$ref", value=7), "/$ref must be text, not int"),
        (_with("paths", "/a/", value={"get": {"operationId": 5}}), "operationId must be text"),
        (_with("paths", "/a/", value={"get": {"tags": "x"}}), "tags must be a list"),
        (_with("paths", "/a/", value={"get": {"parameters": {}}}), "parameters must be a list"),
        (_with("paths", "/a/", value={"get": {"parameters": [{"in": "query"}]}}), "with `name`"),
        (_with("paths", "/a/", value={"get": {"responses": []}}), "responses must be a mapping"),
        (_with("paths", "/a/", value={"get": {"requestBody": 1}}), "requestBody must be a mapping"),
        (_with("paths", "/a/", value={"get": {"operationId": "create_thing"}}), "is another one's"),
        (_with("paths", "/a/", value="text"), "/paths//a/ must be a mapping (path item), not str"),
        (_with("paths", "/a/", value={"get": [1]}), "must be a mapping (operation), not list"),
        (_with("tags", value=[{"name": "T", "x-module": "a b"}]), "x-module must be an identifier"),
        (_with("security", value={"Basic": []}), "/security must be a list"),
    ],
)  # fmt: skip
def test_a_bad_fragment_is_told_and_left_out(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    document: dict[str, Any],
    why: str,
) -> None:
    assert why in _left_out(capsys, tmp_path, document)


def test_all_bad_fragments_are_told_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = _with(*_SCHEMA, "properties", "label", value={"type": "string", "required": True})
    schemas = document["components"]["schemas"]
    schemas["Tree"]["properties"]["amount"] = {"type": "integer", "minimum": "1"}
    schemas["Tree"]["properties"]["owner"] = {"$ref": "#/components/schemas/Gone"}
    document["paths"]["/b/"] = {"get": {"operationId": "b", "parameters": [
        {"$ref": "#/components/parameters/Nameless"}, {"in": "query", "name": "fine"},
    ]}}  # fmt: skip
    document["components"]["parameters"]["Nameless"] = {"in": "query"}
    err = _left_out(capsys, tmp_path, document)
    for why in (
        "/Tree/properties/label/required must be a list, not bool",
        "/Tree/properties/amount/minimum must be a number, not str",
        "$ref '#/components/schemas/Gone' points to nothing",
        "/components/parameters/Nameless must be a parameter with `name`",
    ):
        assert err.count(why) == 1
    text = (tmp_path / "new" / "models" / "things.py").read_text()
    assert "label: str" in text
    assert "amount: int" in text
    assert "owner: Any" in text
    assert "Parameter('fine')" in (tmp_path / "new" / "operations.py").read_text().replace('"', "'")


@pytest.mark.parametrize(
    "text",
    [
        "openapi: 3.0.3\npaths:\ncomponents:\n",
        "openapi: 3.1.0\ninfo: {}\ncomponents: {schemas: {A: , B: true, C: {properties: }}}",
        "openapi: 3.0.3\npaths: {/a: {get: {parameters: , responses: , requestBody: }, post: }}",
        "openapi: 3.0.3\npaths: {/a: {get: {responses: {200: {content: {application/json: }}}}}}",
        "openapi: 3.0.3\ncomponents: {schemas: {NO: {enum: [NO, on, 1:20, 010, '=', =]}}}",
    ],
)
def test_keys_with_nothing_behind_them_count_as_absent(output: Path, text: str) -> None:
    spec = output.parent / "spec.yaml"
    spec.write_text(text)
    arguments = ["--spec", str(spec), "--overlay", "none", "--output", str(output.parent / "new")]
    assert command.main(arguments) == 0


def test_scalars_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "{NO: NO, yes: on, t: true, n: ~, i: -12, f: 1.5e3, e: 1e3, d: 2025-01-31, s: 1:20, "
        "o: 010, 1: 2, 1.0: x, null: y, true: z, eq: =}"
    )
    assert parse(str(spec)) == {
        "NO": "NO", "yes": "on", "t": True, "n": None, "i": -12, "f": 1500.0, "e": 1000.0,
        "d": "2025-01-31", "s": "1:20", "o": "010", "1": 2, "1.0": "x", "null": "y", "true": "z",
        "eq": "=",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("overlay", "why"),
    [
        (None, "No such file"),
        ("[", "not YAML"),
        ("overlay: 2.0.0", "not an OpenAPI Overlay 1 document"),
        ("overlay: 1.0.0", "`actions` must be a list"),
        ("overlay: 1.0.0\nactions: 5", "`actions` must be a list"),
        ("overlay: 1.0.0\nactions: [text]", "`actions` must be a list"),
        ("overlay: 1.0.0\nactions: [{target: $.info}]", "each with `target` and `update`"),
        ("overlay: 1.0.0\nactions: [{target: $.a, remove: false}]", "`target` and `update`"),
        ("overlay: 1.0.0\nactions: [{target: '$.[', update: {}}]", "is not a JSONPath"),
        ("overlay: 1.0.0\nactions: [{target: '', update: {}}]", "is not a JSONPath"),
        ("overlay: 1.0.0\nactions: [{target: $.info.title, update: {}}]", "that the update fits"),
        ("overlay: 1.0.0\nactions: [{target: $.info, update: text}]", "that the update fits"),
        ("overlay: 1.0.0\nactions: [{target: $, remove: true}]", "remove the whole document"),
        (
            "overlay: 1.0.0\nactions: [{target: $.paths.*, update: {get: {x-replay: never}}}]",
            "x-replay is one of",
        ),
    ],
)
def test_no_sound_overlay(
    capsys: pytest.CaptureFixture[str],
    output: Path,
    tmp_path: Path,
    overlay: str | None,
    why: str,
) -> None:
    path = tmp_path / "overlay.yaml"
    if overlay is not None:
        path.write_text(overlay)
    assert why in _refused(capsys, output, tmp_path / "small.json", str(path))


def test_an_output_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "small.json" / "package"
    arguments = ["--spec", str(tmp_path / "small.json"), "--overlay", "none"]
    assert command.main([*arguments, "--output", str(blocked)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_actions_that_do_not_apply_are_counted_but_no_error(
    capsys: pytest.CaptureFixture[str], output: Path, tmp_path: Path
) -> None:
    """Somebody else's description needs only some of our corrections."""
    arguments = ["--spec", str(tmp_path / "small.json"), "--output", str(output)]
    assert command.main(arguments) == 0
    err = capsys.readouterr().err
    assert err.count("doesn't apply here") == command.LISTED
    assert "more alike" in err


def test_a_message_is_one_line_of_bearable_length() -> None:
    assert str(CodegenError("a\n  b\tc")) == "a b c"
    assert len(str(CodegenError("x" * 10_000))) < 400


# --- documents with something broken in them ------------------------------------------------

_THINGS = [
    None, True, False, 0, 5, -1, 1.5, "", "text", "string", "object", "array", "null", [], {}, [1],
    ["a"], [None], ["string", "null"], {"a": 1}, {"$ref": "#/nowhere"}, {"$ref": 5}, {"$ref": "#/"},
    {"$ref": "#/components/schemas/Tree"}, {"$ref": "#/components/schemas/Thing/allOf/1"},
    {"$ref": "#/components/schemas/S"}, {"$ref": "#/components/responses/Bad"}, {"$ref": "#"},
    {"type": "object"}, {"type": "array"}, {"nullable": True}, {"enum": [1, "a", None]},
    {"properties": {"x y": {}, "x-y": {"type": "string", "enum": [""]}}}, {"const": "a"},
    {"type": "file", "format": []}, "\"\"\"\\", "\x00\n\u2028\ud800",
]  # fmt: skip


_NAMES = ["", "class", "Tree", "$ref", "a b", "None", "200", "é", "type", "allOf", "items"]


def _nodes(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    if isinstance(node, dict | list):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _nodes(node[key])


@st.composite
def _broken(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A document with a few nodes taken out, replaced, or exchanged for others of its nodes."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 4))):
        nodes = list(_nodes(document))
        if not nodes:
            break
        container, key = nodes[draw(st.integers(0, len(nodes) - 1))]
        match draw(st.sampled_from(["remove", "replace", "exchange", "rename"])):
            case "remove":
                del container[key]
            case "replace":
                container[key] = copy.deepcopy(draw(st.sampled_from(_THINGS)))
            case "exchange":
                other, its = nodes[draw(st.integers(0, len(nodes) - 1))]
                container[key] = copy.deepcopy(other[its])
            case "rename" if isinstance(container, dict):
                name = draw(
                    st.sampled_from(["", "class", "Tree", "$ref", "a b", "None", "200", "é"])
                )
                container[name] = container.pop(key)
    return document


def _outcome(document: dict[str, Any]) -> str:
    """Generate; what comes of it is Python, or one clean error."""
    with tempfile.TemporaryDirectory() as name:
        try:
            check(document, "document")
            command.generate(document, Path(name))
        except CodegenError as error:
            return str(error)
        for path in Path(name).rglob("*.py"):
            ast.parse(path.read_text("utf-8"), path.name)
    return ""


@pytest.mark.no_cover
@settings(max_examples=cases(40, 150), deadline=None, suppress_health_check=list(HealthCheck))
@given(_broken(SMALL))
def test_a_broken_description_is_generated_or_refused(document: dict[str, Any]) -> None:
    _outcome(document)


def test_the_unbroken_one_is_generated() -> None:
    assert _outcome(copy.deepcopy(SMALL)) == ""


@pytest.fixture(scope="module")
def real() -> tuple[dict[str, Any], dict[str, Any]]:
    return read(str(SPEC)), read_overlay(str(OVERLAY))


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=cases(2, 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_real_description_broken(
    real: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    document = data.draw(_broken(real[0]), label="document")
    try:
        apply_overlay(document, real[1])
    except CodegenError:
        return
    _outcome(document)


@pytest.mark.no_cover
@settings(max_examples=cases(25, 50), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_broken_overlay_is_applied_or_refused(
    real: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject, tmp_path: Path
) -> None:
    overlay = {**real[1], "actions": real[1]["actions"][:20]}
    path = tmp_path / "overlay.json"
    path.write_text(json.dumps(data.draw(_broken(overlay), label="overlay")))
    document = copy.deepcopy(SMALL)
    try:
        apply_overlay(document, read_overlay(str(path)))
    except CodegenError:
        return
    _outcome(document)
