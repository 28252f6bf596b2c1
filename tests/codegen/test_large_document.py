"""The size of a description that the generator must cope with: 4 MB, 1,300 schemas."""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from codegen.__main__ import main

SCHEMAS = 1300
TAGS = 40
TEXT = "A field that is described at some length, as the fields of real descriptions are. " * 2


def _schema(number: int, choose: random.Random) -> dict[str, Any]:
    def other() -> dict[str, str]:
        return {"$ref": f"#/components/schemas/Thing{choose.randrange(SCHEMAS)}"}

    kinds: list[dict[str, Any]] = [
        {"type": "string", "maxLength": 100},
        {"type": "integer", "minimum": 0},
        {"type": "string", "format": "date-time", "nullable": True},
        {"allOf": [other()], "nullable": True},
        {"type": "array", "items": other()},
        {"type": "object", "additionalProperties": {}},
        {"type": "string", "format": "uuid", "readOnly": True},
    ]
    properties = {
        f"field_{index}_of_{number}": {**kinds[index % len(kinds)], "description": TEXT}
        for index in range(16)
    }
    # A chain through all of them, so that no walk along references may be as deep as it is long.
    properties["next"] = {"$ref": f"#/components/schemas/Thing{(number + 1) % SCHEMAS}"}
    return {"type": "object", "description": TEXT, "properties": properties}


def _operation(number: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/Thing{number}"}}}
    return {
        "operationId": f"create_thing_{number}",
        "tags": [f"Tag {number % TAGS}"],
        "requestBody": {"content": content},
        "responses": {"201": {"description": "", "content": content}},
    }


@pytest.mark.long
@pytest.mark.no_cover
def test_a_description_of_4_mb_can_be_generated_from(tmp_path: Path) -> None:
    choose = random.Random(1)
    document = {
        "openapi": "3.0.3",
        "paths": {f"/v1/things{n}/": {"post": _operation(n)} for n in range(0, SCHEMAS, 2)},
        "components": {"schemas": {f"Thing{n}": _schema(n, choose) for n in range(SCHEMAS)}},
    }
    spec, folder = tmp_path / "large.json", tmp_path / "large_api"
    spec.write_text(json.dumps(document), "utf-8")
    assert spec.stat().st_size > 4_000_000

    assert main(["--spec", str(spec), "--overlay", "none", "--output", str(folder)]) == 0

    sys.path.insert(0, str(tmp_path))
    try:
        models = importlib.import_module("large_api.models")
        operations = importlib.import_module("large_api.operations").OPERATIONS
    finally:
        sys.path.remove(str(tmp_path))
    assert len(operations) == SCHEMAS // 2
    for number in range(SCHEMAS):  # every one is used on both sides, by way of the chain
        for name in (f"Thing{number}", f"Thing{number}Request"):
            assert "next" in attrs.fields_dict(getattr(models, name))
