"""Between models and what is outside: bytes, and mappings.

Bytes go through msgspec, which reads and writes attrs classes natively; mappings (what a
caller writes by hand) through `plain`, or cattrs in `structuring`. Nobody else knows these.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, get_args

import attrs
import msgspec

from . import plain
from .drift import Drift, read_leniently, unknown_fields
from .errors import InvalidRequest
from .fields import ModelField, UnsetType, model_fields, rest_of
from .operation import ModelRef
from .texts import BrokenJSON, read_json

__all__ = [
    "BrokenJSON",
    "at_path",
    "decode",
    "encode",
    "load",
    "structure",
    "takes_files",
    "to_mapping",
    "unknown",
    "unwrap",
]

T = TypeVar("T")


@cache
def load(ref: ModelRef) -> Any:
    """The type that a `ModelRef` names; imports its module on first use.

    A package that was generated elsewhere has `ModelRef` and models of its own.
    """
    package = type(ref).__module__.rpartition(".")[0]
    module = importlib.import_module(f"{package}.models.{ref.module}")
    model: Any = getattr(module, ref.name)
    return list[model] if ref.many else model


# --- bytes ---------------------------------------------------------------------------


def encode(value: Any) -> bytes:
    """``value`` (a model or plain data) as JSON. Unset fields are left out, None is null.

    Raises `InvalidRequest` for what can't be written. NaN goes out as null and datetimes as they
    are: `checks.check_held` looks for those.
    """
    try:
        return _encode(_by_wire_names(value) if _is_renaming(value) else value)
    except _UNWRITABLE as error:
        fault = error
    raise _fault(value, fault)


_UNWRITABLE = (UnicodeError, RecursionError, TypeError, ValueError, AttributeError)


def _fault(value: Any, error: Exception) -> InvalidRequest:
    """Where it is that a value can't be written, found by writing its parts one by one."""
    path = ""
    parts = _parts(value, path)
    while not isinstance(error, RecursionError):
        for below, part in parts:
            try:
                _encode(part)
            except _UNWRITABLE as inner:
                path, error, parts = below, inner, _parts(part, below)
                break
        else:
            break
    if isinstance(error, UnicodeError):
        return InvalidRequest.at(path, "is not valid Unicode: it has half a surrogate pair")
    if isinstance(error, RecursionError):
        return InvalidRequest.at(path, "is nested too deeply, or within itself")
    text = error.problems[0][1] if isinstance(error, InvalidRequest) else str(error)
    return InvalidRequest.at(path, text)


def _parts(value: Any, path: str) -> list[tuple[str, Any]]:
    """What a value holds, each with its path."""
    if isinstance(value, Mapping):
        entries: list[tuple[Any, Any]] = list(value.items())
    elif attrs.has(type(value)):
        names = [field.name for field in model_fields(_kind(value))]
        entries = [(name, getattr(value, name)) for name in names if hasattr(value, name)]
    elif isinstance(value, list | tuple):
        return [(f"{path}[{index}]", one) for index, one in enumerate(value)]
    else:
        return []
    held = [(key, one) for key, one in entries if not isinstance(one, UnsetType)]
    return [(f"{path}.{key}" if path else str(key), one) for key, one in held]


def decode(wanted: Any, data: bytes) -> tuple[Any, tuple[Drift, ...]]:
    """``data`` (JSON) as ``wanted``, and what differed from the description.

    What differs is no error, bad bytes in a text included; only bytes that are not valid JSON,
    or of which nothing fits, raise `BrokenJSON`.
    """
    decoder = _decoder(wanted)
    if decoder is not None:
        try:
            value: Any = decoder.decode(data)
            return value, ()
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            pass  # JSON of another shape, or not valid JSON: find out which below
    raw, wrong = read_json(data)
    try:
        value, differences = read_leniently(wanted, raw)
    except RecursionError:
        raise BrokenJSON("nested too deeply") from None
    return value, (*differences, Drift("", "JSON", wrong)) if wrong else differences


def unknown(wanted: Any, data: bytes) -> tuple[Drift, ...]:
    """The fields in ``data`` (JSON) that ``wanted`` doesn't know, and that `decode` passed over."""
    try:
        return unknown_fields(wanted, read_json(data)[0])
    except (BrokenJSON, RecursionError):
        return ()


def unwrap(wrapper: Any, name: str, data: bytes) -> Any:
    """What an answer such as ``{"payment": {...}}`` holds under its one name.

    ``wrapper`` is the decoded answer and ``data`` its bytes: an answer that came without
    the wrapper is read as what the wrapper should have held.
    """
    field = next((f for f in _fields(type(wrapper)) if f.wire_name == name), None)
    if field is None:
        return wrapper
    held = getattr(wrapper, field.name)
    return held if held is not None else decode(field.type, data)[0]


def at_path(data: bytes, path: str) -> Any:
    """What stands at a path such as ``payment.status`` in some JSON; None where nothing does.

    The empty path is the whole.
    """
    try:
        found, _ = read_json(data)
    except BrokenJSON:
        return None
    for step in filter(None, path.split(".")):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _fields(kind: Any) -> tuple[ModelField, ...]:
    return model_fields(kind) if attrs.has(kind) else ()


def _encode_other(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    for kind in (str, float, int):  # a subclass of the kind, such as numpy's float64
        if isinstance(value, kind):
            return kind(value)
    raise InvalidRequest.at("", f"{type(value).__name__} can't be written as JSON")


_encode = msgspec.json.Encoder(enc_hook=_encode_other).encode


@cache
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any] | None:
    """The strict reader; None where only the lenient one will do.

    That is where a name on the wire isn't the field's name in Python, and where a union has
    members that msgspec can't tell apart, two models for example.
    """
    if _renames(wanted):
        return None
    try:
        return msgspec.json.Decoder(wanted)
    except TypeError:
        return None


def _kind(value: Any) -> Any:
    return type(value)


def _is_renaming(value: Any) -> bool:
    """Whether a model has other names on the wire, or one in a list or mapping of such."""
    if isinstance(value, list | tuple):
        return any(map(_is_renaming, value))
    if isinstance(value, Mapping):
        return any(map(_is_renaming, value.values()))
    return _renames(_kind(value))


@cache
def _renames(wanted: Any) -> bool:
    """Whether a model, or one below it, has fields with other names on the wire."""
    return any(
        getattr(model, "__wire_names__", None) or rest_of(model) is not None
        for model in _models_below(wanted)
    )


@cache
def takes_files(wanted: Any) -> bool:
    """Whether a model, or one below it, has fields for files."""
    return any(
        "bytes" in str(field.type) or "FilePart" in str(field.type)
        for model in _models_below(wanted)
        for field in model_fields(model)
    )


def _models_below(wanted: Any) -> set[Any]:
    """All models that a type holds, itself included. References may go round, and deep."""
    seen: set[Any] = set()
    queue = [wanted]
    while queue:
        kind = queue.pop()
        queue.extend(get_args(kind))
        if isinstance(kind, type) and attrs.has(kind) and kind not in seen:
            seen.add(kind)
            queue.extend(field.type for field in model_fields(kind))
            rest = rest_of(kind)
            queue.extend([rest.type] if rest is not None else [])
    return seen


# --- mappings ------------------------------------------------------------------------


def to_mapping(value: Any, *, kept: tuple[type, ...] = ()) -> Any:
    """A model as plain data (dicts, lists, text, numbers), by names on the wire.

    What is of one of the types ``kept`` is left as it is. Raises `InvalidRequest` for what has no
    such form.
    """
    try:
        if kept or _is_renaming(value):
            return _by_wire_names(value, kept)
        return msgspec.to_builtins(value, enc_hook=_encode_other)
    except _UNWRITABLE as error:
        fault = error
    raise _fault(value, fault)


def _by_wire_names(value: Any, kept: tuple[type, ...] = ()) -> Any:
    if kept and isinstance(value, kept):
        return value
    if attrs.has(type(value)):
        rest = rest_of(_kind(value))
        written = {} if rest is None else _by_wire_names(getattr(value, rest.name), kept)
        for field in model_fields(_kind(value)):
            if not isinstance(held := getattr(value, field.name), UnsetType):
                written[field.wire_name] = _by_wire_names(held, kept)
        return written
    if isinstance(value, Mapping):
        return {key: _by_wire_names(held, kept) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_by_wire_names(held, kept) for held in value]
    return msgspec.to_builtins(value, enc_hook=_encode_other)


def structure(model: type[T], mapping: Any, *, ignore_unknown: bool = False) -> T:
    """A model from a plain mapping (a list of them from a list), checked as when it is built.

    Values are the model's own types or their JSON forms (ISO 8601 text for dates
    and instants). Nothing is converted silently: ``"5"`` isn't a number and ``9.9``
    isn't an amount in minor units. Raises `InvalidRequest` with the path of every bad
    field; for an unknown key, unless it is to be ignored, it suggests the nearest known one.
    """
    if type(mapping) is dict and not ignore_unknown:
        wanted: Any = model
        try:
            built: T = plain.builder(wanted)(mapping)
            return built
        except plain.NOT_PLAIN:
            pass  # it is converted below, or what is wrong with it is said
    # cattrs takes a while to import, and whoever writes what is plain never needs it.
    from .structuring import structured

    return structured(model, mapping, ignore_unknown=ignore_unknown)
