"""What the generated models are made of: UNSET, open enums, and their fields as data.

Nothing here knows one model or one endpoint. The generated enums subclass `OpenEnum`; what the
fields of a request may hold is in `checks`.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from functools import cache
from typing import (
    Annotated,
    Any,
    BinaryIO,
    Protocol,
    TypeAlias,
    TypeGuard,
    TypeVar,
    cast,
    runtime_checkable,
)

import attrs
from msgspec import UNSET, Meta, UnsetType

from .texts import DAMAGED

__all__ = [
    "UNSET",
    "FilePart",
    "Instant",
    "ModelField",
    "OneOf",
    "OpenEnum",
    "UnsetType",
    "as_count",
    "is_id",
    "is_whole",
    "model_fields",
    "rest_of",
    "sparse",
    "taken_besides",
    "takes",
    "told_by",
]

T = TypeVar("T")

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""An aware datetime in an answer."""


@runtime_checkable
class FilePart(Protocol):
    """A file in the form that a body is: `thredfi_async.Upload`."""

    @property
    def filename(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    def open(self) -> BinaryIO: ...


class OpenEnum(enum.StrEnum):
    """An enum of the values known so far, which also holds any other text.

    A value that the description doesn't list becomes a member of its own, kept
    as it came, instead of an exception. Comparison ignores case, because the API
    writes both ``SENT`` and ``sent``: ``invoice.status == "sent"`` holds for both.
    The hash is that of the lower-case text, so use lower case in dict keys.
    """

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the description lists this value (in any case)."""
        return any(self == member for member in type(self))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str.lower(self) == str.lower(other)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        if isinstance(other, str):
            return str.lower(self) != str.lower(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(str.lower(self))

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return type(self), (self._value_,)


E = TypeVar("E", bound=OpenEnum)


def takes(*, blank: bool = False, other: bool = False) -> Callable[[type[E]], type[E]]:
    """A decorator of enums: what the description takes besides the values it lists.

    ``blank``: the empty text; ``other``: any other text, as the values are examples.
    """

    def marked(kind: type[E]) -> type[E]:
        type.__setattr__(kind, "__takes__", (blank, other))
        return kind

    return marked


def taken_besides(kind: type[OpenEnum]) -> tuple[bool, bool]:
    """Whether an enum takes the empty text, and whether any other: see `takes`."""
    found: tuple[bool, bool] = vars(kind).get("__takes__", (False, False))
    return found


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is an integer, which True and False are to Python alone."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_id(value: object) -> TypeGuard[str | int]:
    """Whether it can be the id of a record: text, or a number that somebody writes in its place.

    Text of which a part could not be read names nothing.
    """
    if isinstance(value, str):
        return bool(value.strip()) and DAMAGED not in value
    return is_whole(value) and value > 0


def as_count(value: object) -> int | None:
    """A number of items or pages, which some servers write as text; None: it is none."""
    if isinstance(value, str) and len(value) < 19 and value.isascii() and value.isdecimal():
        value = int(value)
    return value if is_whole(value) and value >= 0 else None


def sparse(model: type[T]) -> type[T]:
    """A decorator of answer models, around attrs: an instance holds only what came.

    An absent field reads as None by the class. msgspec then writes no defaults, which
    makes an answer a third smaller in memory and quicker to read.
    """
    for one in attrs.fields(cast(type, model)):
        if one.default is None:
            setattr(model, one.name, None)
    return model


@attrs.frozen
class ModelField:
    """One field of a model: its names in Python and on the wire, its type, if it is required."""

    name: str
    wire_name: str
    type: Any
    required: bool
    default: Any


@attrs.frozen
class OneOf:
    """Beside a union of models, as in ``Annotated[Cat | Dog, OneOf(…)]``: what tells them apart."""

    tag: str  # the field's name on the wire
    classes: tuple[tuple[str, str], ...]  # what it holds -> the name of the class


@cache
def told_by(wanted: Hashable) -> tuple[str, Mapping[str, Any]] | None:
    """The field that tells the models of a union apart, and the model for each of its values."""
    if typing.get_origin(wanted) is not Annotated:
        return None
    held, *beside = typing.get_args(wanted)
    models = {one.__name__: one for one in typing.get_args(held)}
    for one in beside:
        if hasattr(one, "tag"):  # `OneOf`, here or in a package that was generated elsewhere
            return one.tag, {value: models[name] for value, name in one.classes}
    return None


@cache
def model_fields(model: Hashable) -> tuple[ModelField, ...]:
    """The fields of a generated model, with their types resolved, but for that of `rest_of`."""
    return tuple(one for one in _all_fields(model) if one.name != _rest_name(model))


@cache
def rest_of(model: Hashable) -> ModelField | None:
    """The field that holds what came under names that the description doesn't give."""
    return next((one for one in _all_fields(model) if one.name == _rest_name(model)), None)


def _rest_name(model: Hashable) -> str | None:
    return getattr(model, "__rest__", None)


def _all_fields(model: Hashable) -> tuple[ModelField, ...]:
    hints = typing.get_type_hints(cast(type, model), include_extras=True)
    wire_names: Mapping[str, str] = getattr(model, "__wire_names__", {})
    return tuple(
        ModelField(
            name=field.name,
            wire_name=wire_names.get(field.name, field.name),
            type=hints[field.name],
            required=field.default is attrs.NOTHING,
            default=None if field.default is attrs.NOTHING else field.default,
        )
        for field in attrs.fields(cast(type, model))
    )
