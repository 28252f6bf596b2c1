"""Reading an OpenAPI document: from a path or URL to plain data, and along its references."""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

import yaml

from .errors import CodegenError

TIMEOUT = 60  # seconds for a document behind a URL
_COMPONENT = "#/components/schemas/"


def read(source: str) -> dict[str, Any]:
    """The OpenAPI 3 document at a path or URL, in YAML or JSON. Raises `CodegenError`."""
    document = parse(source)
    version = str(document.get("openapi", ""))
    if not version.startswith("3."):
        other = document.get("swagger")
        found = f"version {version or other}" if version or other else "no `openapi:` key"
        raise CodegenError(f"{source}: not an OpenAPI 3 document ({found})")
    return document


def parse(source: str) -> dict[str, Any]:
    """The mapping that a YAML or JSON file, at a path or URL, holds. Raises `CodegenError`."""
    text = _fetch(source)
    try:
        document = _load(text)
    except yaml.YAMLError as error:
        raise CodegenError(f"{source}: not YAML: {error}") from None
    except (ValueError, RecursionError) as error:
        raise CodegenError(f"{source}: can't be read: {error}") from None
    if not isinstance(document, dict):
        found = "nothing" if document is None else f"a {type(document).__name__}"
        raise CodegenError(f"{source}: holds {found} where a mapping was due")
    return document


def resolve(document: dict[str, Any], reference: str) -> Any:
    """What a local ``$ref`` points to. Raises `LookupError` or `TypeError` if that is nothing."""
    found: Any = document
    for part in reference.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(key)] if key.isdecimal() else found[key]  # type: ignore[call-overload]
        else:
            found = found[key if key in found else urllib.parse.unquote(key)]
    return found


def component_name(document: dict[str, Any], reference: str) -> str | None:
    """The schema that a ``$ref`` names, if it names one as a whole."""
    name = reference.removeprefix(_COMPONENT)
    if name == reference or "/" in name:
        return None
    name = name.replace("~1", "/").replace("~0", "~")
    return name if name in document["components"]["schemas"] else urllib.parse.unquote(name)


def component_pointer(name: str) -> str:
    """The ``$ref`` that leads to a schema of the components."""
    return _COMPONENT + name.replace("~", "~0").replace("/", "~1")


def _fetch(source: str) -> str:
    try:
        if source.startswith(("http://", "https://")):
            with urllib.request.urlopen(source, timeout=TIMEOUT) as answer:
                data: bytes = answer.read()
        else:
            data = Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CodegenError(f"{source}: not text in UTF-8") from None
    except urllib.error.HTTPError as error:
        error.close()
        raise CodegenError(f"{source}: can't be read: the server answered {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        raise CodegenError(f"{source}: can't be read: {why}") from None


def _load(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass  # a mapping in YAML's own braces, or no document at all
    return yaml.load(text, Loader=Loader)


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML 1.2, as OpenAPI wants it: `NO` is Norway, dates are text, and every key is text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        self.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key isn't text", key.start_mark
                )
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping


for _tag, _pattern, _first in (
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
):
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )
