"""Builds every model of a generated package, sends it through the codec, and compares.

Run as a script, in an interpreter of its own: `python roundtrip.py FOLDER`. FOLDER is a generated
package (or `thredfi_async` itself); what it prints is one JSON object of counts.
"""

from __future__ import annotations

import datetime as dt
import enum
import importlib
import json
import sys
import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import attrs

from thredfi_async import codec
from thredfi_async.fields import UNSET, UnsetType, model_fields, told_by

NOON = dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)
# What passes the constraints and patterns of the descriptions that the tests use.
TEXTS = ["text", "", "x", "GB", "GBP", "1.5", "12", "a@b.example", "https://a.example", "abcdef0"]
NUMBERS = [3, 0, 1, -1, 100, 1000, 0.75]
LENGTHS = [1, 0, 2, 3, 5, 10]


class Unbuildable(Exception):
    """No value of ours passes a field's constraints."""


def build(model: type, *, full: bool, depth: int = 0) -> Any:
    """An instance with the required fields alone, or with all of them."""
    values: dict[str, Any] = {}
    attributes = attrs.fields_dict(model)
    for field in model_fields(model):
        attribute = attributes[field.name]
        if attribute.default is not attrs.NOTHING and not (full and depth < 2):
            continue
        for value in _candidates(field.type, full, depth):
            if _passes(model, field.name, value):
                values[field.name] = value
                break
        else:
            raise Unbuildable(f"{model.__name__}.{field.name}: {field.type}")
    return model(**values)


def _passes(model: Any, name: str, value: Any) -> bool:
    one = getattr(model, "__checks__", {}).get(name)
    try:
        if one is not None:
            one(name, value)
    except ValueError:
        return False
    return True


def _candidates(hint: Any, full: bool, depth: int) -> Iterator[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if (told := told_by(hint)) is not None:
        tag, models = told
        for value, model in models.items():
            (name,) = (one.name for one in model_fields(model) if one.wire_name == tag)
            yield attrs.evolve(build(model, full=full, depth=depth + 1), **{name: value})
    elif origin is typing.Annotated:
        yield from _candidates(arguments[0], full, depth)
    elif origin in (Union, types.UnionType):
        for member in arguments:
            if member not in (type(None), UnsetType):
                yield from _candidates(member, full, depth)
        if type(None) in arguments:
            yield None
    elif origin is list:
        if depth > 3:
            yield []
        for one in _candidates(arguments[0], full, depth + 1):
            for length in LENGTHS:
                yield [one] * length
    elif origin is dict:
        for one in _candidates(arguments[1], full, depth + 1):
            yield {"key": one}
            yield {}
    elif hint is Any:
        yield {"any": [1, None, "thing"]}
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        yield from hint
        yield hint("never heard of")
    elif attrs.has(hint):
        yield build(hint, full=full, depth=depth + 1)
    elif hint in _SCALARS:  # a file is bytes, too
        yield from _SCALARS[hint]


_SCALARS: dict[Any, list[Any]] = {
    str: TEXTS,
    int: [number for number in NUMBERS if isinstance(number, int)],
    float: [float(number) for number in NUMBERS],
    bool: [True],
    Decimal: [Decimal("1.5"), Decimal(3)],
    bytes: [b"\x00bytes"],
    dt.datetime: [NOON],
    dt.date: [NOON.date()],
}


def check(model: type, instance: Any) -> None:
    """Encode and read back; an answer by its bytes, a request as the mapping a caller writes."""
    data = codec.encode(instance)
    if is_answer(model):
        value, drift = codec.decode(model, data)
        assert not drift, (model, drift)
        assert value == instance, (model, value, instance)
        assert type(value) is model
        return
    mapping = json.loads(data)
    for field in model_fields(model):
        value = getattr(instance, field.name)
        if value is UNSET:
            assert field.wire_name not in mapping, field
        elif "bytes" in str(field.type):  # goes by multipart, never by JSON
            mapping[field.wire_name] = value
    assert mapping.keys() <= {field.wire_name for field in model_fields(model)}
    assert codec.structure(model, mapping) == instance, model


def check_wire_names(model: type) -> None:
    """Every field has a name on the wire of its own."""
    fields = model_fields(model)
    assert len({field.wire_name for field in fields}) == len(fields), model


def is_answer(model: type) -> bool:
    """Requests can be changed, answers can't."""
    return not hasattr(model, "__checks__")


def models_of(package: Any) -> dict[str, type]:
    """Every attrs class that the package names."""
    found = {name: getattr(package.models, name) for name in package.models.__all__}
    return {name: one for name, one in found.items() if isinstance(one, type) and attrs.has(one)}


def main(folder: Path) -> None:
    sys.path.insert(0, str(folder.resolve().parent))
    package = importlib.import_module(folder.name)
    importlib.import_module(f"{folder.name}.models")
    operations = importlib.import_module(f"{folder.name}.operations").OPERATIONS
    refs = 0
    for operation in operations.values():
        for _, ref in (*operation.bodies, *operation.answers):
            if ref is not None:
                module = importlib.import_module(f"{folder.name}.models.{ref.module}")
                assert getattr(module, ref.name), ref
                refs += 1
    counts = {"models": 0, "answers": 0, "requests": 0, "fields": 0, "refs": refs}
    for model in models_of(package).values():
        check_wire_names(model)
        for full in (False, True):
            check(model, build(model, full=full))
        counts["models"] += 1
        counts["answers" if is_answer(model) else "requests"] += 1
        counts["fields"] += len(model_fields(model))
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
