"""From the mappings that callers write to request models, by cattrs: strict, with paths.

Nothing is converted silently, and every message names its field. Imported on first use.
"""

from __future__ import annotations

import enum
import math
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin
from uuid import UUID

import attrs
import cattrs
from cattrs.cols import list_structure_factory
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from .checks import LARGEST, check_held
from .errors import InvalidRequest
from .fields import FilePart, UnsetType, is_whole, model_fields, rest_of, told_by
from .texts import nearest

__all__ = ["structured"]

T = TypeVar("T")


def structured(model: type[T], mapping: Any, *, ignore_unknown: bool) -> T:
    """See `codec.structure`."""
    if attrs.has(model) and not isinstance(mapping, Mapping):
        raise InvalidRequest.at(
            "", f"the body must be {_article(model)} or a mapping, not {type(mapping).__name__}"
        )
    try:
        value = _converter(forbid_unknown=not ignore_unknown).structure(mapping, model)
    except BaseValidationError as error:
        raise InvalidRequest(_problems(error)) from None
    except InvalidRequest as error:
        raise InvalidRequest(_relative(error, "")) from None
    if not attrs.has(model):
        check_held("", value)  # models that were built before are taken as they are
    return value


@cache
def _converter(*, forbid_unknown: bool) -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=forbid_unknown)
    for kind, hook in _SCALARS.items():
        converter.register_structure_hook(kind, hook)

    # By its name: a package that was generated elsewhere has one of its own.
    converter.register_structure_hook_func(
        lambda kind: getattr(kind, "__name__", "") == FilePart.__name__, _file
    )

    @converter.register_structure_hook_factory(attrs.has)
    def _(model: type) -> Callable[[Any, Any], Any]:
        adjusted: dict[str, Any] = {
            field.name: override(rename=field.wire_name)
            for field in model_fields(model)
            if field.wire_name != field.name
        }
        rest = rest_of(model)
        known = {field.wire_name for field in model_fields(model)}
        if rest is not None:
            adjusted[rest.name] = override(omit=True)
        build: Callable[[Any, Any], Any] = make_dict_structure_fn(model, converter, **adjusted)

        def hook(value: Any, _: Any) -> Any:
            if isinstance(value, model):
                return value
            if not isinstance(value, Mapping):
                raise InvalidRequest.at("", f"must be a mapping, not {type(value).__name__}")
            if rest is None:
                return build(value, model)
            built = build({key: one for key, one in value.items() if key in known}, model)
            others = {key: one for key, one in value.items() if key not in known}
            setattr(built, rest.name, converter.structure(others, rest.type))
            return built

        return hook

    @converter.register_structure_hook_factory(lambda kind: told_by(kind) is not None)
    def _(kind: Any) -> Callable[[Any, Any], Any]:
        told = told_by(kind)
        assert told is not None
        tag, models = told

        def hook(value: Any, _: Any) -> Any:
            if isinstance(value, tuple(models.values())):
                return value
            if not isinstance(value, Mapping):
                raise InvalidRequest.at("", f"must be a mapping, not {type(value).__name__}")
            named = value.get(tag)
            model = models.get(named) if isinstance(named, str) else None
            if model is None:
                raise InvalidRequest.at(f".{tag}", f"must be {' or '.join(map(repr, models))}")
            return converter.structure(value, model)

        return hook

    @converter.register_structure_hook_factory(_is_list)
    def _(kind: Any) -> Callable[[Any, Any], Any]:
        build = list_structure_factory(kind, converter)

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise InvalidRequest.at("", f"must be a list, not {type(value).__name__}")
            return build(value, kind)

        return hook

    @converter.register_structure_hook_factory(_is_union)
    def _(kind: Any) -> Callable[[Any, Any], Any]:
        hooks = [
            (member, converter.get_structure_hook(member))
            for member in get_args(kind)
            if member not in (UnsetType, type(None))
        ]
        # datetime before date: every datetime is a date, and only one of them reads "T12:00"
        hooks.sort(key=lambda entry: entry[0] is date)

        def hook(value: Any, _: Any) -> Any:
            if value is None or isinstance(value, UnsetType):
                return value
            problems: list[Exception] = []
            for member, build in hooks:
                try:
                    return build(value, member)
                except (InvalidRequest, BaseValidationError) as error:
                    problems.append(error)
            if len(problems) == 1:
                raise problems[0]
            wanted = " or ".join(_plain_name(member) for member, _ in hooks)
            raise InvalidRequest.at("", f"must be {wanted}, not {_shown(value)}")

        return hook

    return converter


def _is_list(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is list


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _text(value: Any, _: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, UUID):
        return str(value)
    raise _must_be("text", value)


def _integer(value: Any, _: Any) -> int:
    if is_whole(value):
        return value
    hint = "; amounts are whole minor units (see thredfi_async.money)"
    raise _must_be("an integer", value, hint if isinstance(value, float | Decimal) else "")


def _number(value: Any, _: Any) -> float:
    if is_whole(value):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Decimal) and value.is_finite() and Decimal(repr(float(value))) == value:
        return float(value)
    raise _must_be("a number", value)


def _decimal(value: Any, _: Any) -> Decimal:
    if is_whole(value):
        return Decimal(value)
    if isinstance(value, str | Decimal):
        try:
            exact = Decimal(value)
        except ArithmeticError:
            raise _must_be("a decimal such as 1.50", value) from None
        if exact.is_finite():
            return exact
    hint = "; a float isn't exact, so write it as text" if isinstance(value, float) else ""
    raise _must_be("a decimal such as 1.50", value, hint)


def _boolean(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _must_be("true or false", value)


def _instant(value: Any, _: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value) > len("2025-01-31"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise _must_be("an instant such as 2025-01-31T12:00:00Z", value)


def _day(value: Any, _: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _must_be("a date such as 2025-01-31", value)


def _open_enum(value: Any, kind: type[enum.Enum]) -> enum.Enum:
    if isinstance(value, str):
        return kind(value)
    raise _must_be("text", value)


def _binary(value: Any, _: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    raise _must_be("bytes", value)


def _file(value: Any, _: Any) -> FilePart:
    if isinstance(value, FilePart):
        return value
    raise _must_be("a file, such as Upload", value)


_SCALARS: dict[Any, Callable[[Any, Any], Any]] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _boolean,
    Decimal: _decimal,
    datetime: _instant,
    date: _day,
    enum.Enum: _open_enum,
    bytes: _binary,
}


def _must_be(wanted: str, value: Any, hint: str = "") -> InvalidRequest:
    return InvalidRequest.at("", f"must be {wanted}, not {_shown(value)}{hint}")


def _shown(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, int) and abs(value) >= LARGEST:  # thousands of digits can't be written
        return f"{kind} of more than 64 bits"
    return f"{kind} {value!r:.60}" if isinstance(value, str | int | float) else kind


def _plain_name(member: Any) -> str:
    return {datetime: "an instant", date: "a date", str: "text", int: "an integer"}.get(
        member, getattr(member, "__name__", str(member))
    )


def _article(model: type) -> str:
    return f"{'an' if model.__name__[0] in 'AEIOU' else 'a'} {model.__name__}"


def _problems(error: BaseException, path: str = "") -> list[tuple[str, str]]:
    """(path, text) of every leaf of the tree that cattrs raises."""
    if isinstance(error, BaseValidationError):
        found: list[tuple[str, str]] = []
        for inner in error.exceptions:
            found.extend(_problems(inner, path + _step(inner, first=not path)))
        return found
    if isinstance(error, ForbiddenExtraKeysError):
        known = [field.wire_name for field in model_fields(error.cl)]
        return [
            (f"{path}.{key}" if path else str(key), _unknown_key(str(key), known))
            for key in sorted(error.extra_fields)
        ]
    if isinstance(error, InvalidRequest) or hasattr(error, "problems"):  # of a package elsewhere
        return _relative(error, path)
    if isinstance(error, KeyError):
        return [(path, "is required")]
    return [(path, str(error))]


def _step(error: BaseException, *, first: bool) -> str:
    for text in getattr(error, "__notes__", ()):
        if isinstance(text, IterableValidationNote):
            return f"[{text.index}]"
        if isinstance(text, AttributeValidationNote):
            return text.name if first else f".{text.name}"
    return ""


def _relative(error: Any, path: str) -> list[tuple[str, str]]:
    """The problems of a model built below ``path``, whose class name gives way to the path."""
    found = []
    for inner, text in error.problems:
        _, _, field = inner.partition(".")
        found.append((".".join(part for part in (path, field) if part), text))
    return found


def _unknown_key(key: str, known: list[str]) -> str:
    near = nearest(key, known)
    hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}."
    return f"is unknown; {hint} What the description doesn't know yet goes into extra_body"
