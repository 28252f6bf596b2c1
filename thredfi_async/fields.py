"""What the generated models are made of: UNSET, open enums, field checks.

Nothing here knows one model or one endpoint. The generated request models are
`Checked` and list a `check` for each field; the generated enums subclass `OpenEnum`.
"""

from __future__ import annotations

import enum
import math
import re
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar, cast

import attrs
from msgspec import UNSET, Meta, UnsetType

from .errors import InvalidRequest

__all__ = [
    "UNSET",
    "Check",
    "Checked",
    "Instant",
    "ModelField",
    "OpenEnum",
    "UnsetType",
    "check",
    "model_fields",
    "sparse",
]

T = TypeVar("T")

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""An aware datetime in an answer."""


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


@cache
def model_fields(model: Hashable) -> tuple[ModelField, ...]:
    """The fields of a generated model, with their types resolved."""
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


class Checked:
    """Base of the request models: checks the fields that were given when one is built."""

    __slots__ = ()
    __checks__: ClassVar[Mapping[str, Check]] = {}

    def __attrs_post_init__(self) -> None:
        # Only the first instance comes here; the class that lists the checks (this one's, or
        # the one that it derives from) then has a method of its own.
        model: Any = next(c for c in type(self).__mro__ if "__checks__" in vars(c))
        model.__attrs_post_init__ = method = _compiled(model)
        method(self)


def _compiled(model: type[Checked]) -> Callable[[Checked], None]:
    """All checks of a model as one straight function.

    Most fields are unset or of the one plain type that fits; a loop over the checks would
    cost building a model five times as much as the rest of its construction.
    """
    names: dict[str, Any] = {"UNSET": UNSET, "checks": model.__checks__}
    lines = ["def check_fields(self):"]
    for name, one in model.__checks__.items():
        conditions = ["value is not UNSET"]
        for kind in one.plain:
            names[kind.__name__] = kind
            conditions.append(f"type(value) is not {kind.__name__}")
        lines.append(f"    value = self.{name}")
        lines.append(f"    if {' and '.join(conditions)}:")
        lines.append(f"        checks[{name!r}]({f'{model.__name__}.{name}'!r}, value)")
    exec("\n".join([*lines, "    return None"]), names)
    compiled: Callable[[Checked], None] = names["check_fields"]
    return compiled


def check(
    *types: type | Callable[[], type],
    required: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
    exclusive_maximum: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    items: type | Callable[[], type] | None = None,
    min_items: int | None = None,
    max_items: int | None = None,
) -> Check:
    """The check of one field of a request model.

    ``types`` are what a value may be an instance of (none: anything); a bool is
    never taken for a number. A type that is defined further down its module is
    given as a function without arguments. ``items`` is the type of each element
    of a list. UNSET passes always; None passes unless the field is required.
    Datetimes must carry a time zone. Raises `InvalidRequest` naming the field.
    """
    limits = _limits(
        minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of,
        min_length, max_length, pattern, min_items, max_items,
    )  # fmt: skip
    return Check(types, required=required, items=items, limits=limits)


class Check:
    """What `check` makes. ``plain`` are the exact types that need no further look."""

    __slots__ = ("_items", "_limits", "_required", "_types", "plain")

    def __init__(
        self,
        types: tuple[type | Callable[[], type], ...],
        *,
        required: bool,
        items: type | Callable[[], type] | None,
        limits: list[tuple[Callable[[Any], bool], str]],
    ) -> None:
        self._types = types
        self._required = required
        self._items = items
        self._limits = limits
        self.plain: tuple[type, ...] = ()
        if not limits and items is None:
            plain = [one for one in types if isinstance(one, type) and one in _PLAIN]
            # 2 is a number too, and a float has to be looked at: it may be NaN
            self.plain = tuple(int if one is float else one for one in plain)

    def __call__(self, path: str, value: Any) -> None:
        """Raise `InvalidRequest` unless the value is good."""
        if value is UNSET:
            return
        if value is None:
            if self._required:
                raise InvalidRequest.at(path, "is required, so it can't be None")
            return
        if self._types:
            allowed = tuple(map(_resolve, self._types))
            self._types = allowed
            if not _fits(value, allowed):
                raise InvalidRequest.at(path, _wrong_type(allowed, value))
        if isinstance(value, datetime) and value.tzinfo is None:
            raise InvalidRequest.at(path, NAIVE_DATETIME)
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidRequest.at(path, f"must be a finite number, not {value}")
        if self._items is not None and isinstance(value, list):
            element = self._items = _resolve(self._items)
            for index, one in enumerate(value):
                if type(one) is not element and not _fits(one, (element,)):
                    raise InvalidRequest.at(f"{path}[{index}]", _wrong_type((element,), one))
        for broken, text in self._limits:
            if broken(value):
                raise InvalidRequest.at(path, f"{text}, not {value!r:.80}")


_PLAIN = (str, int, float, bool, bytes, dict, date)

NAIVE_DATETIME = (
    "has no time zone, so its instant is unknown; use an aware datetime, "
    "for example datetime(2025, 1, 31, 12, tzinfo=timezone.utc)"
)


def _resolve(one: type | Callable[[], type]) -> type:
    return one if isinstance(one, type) else one()


def _fits(value: object, allowed: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in allowed
    return isinstance(value, allowed) or (isinstance(value, int) and float in allowed)


def _wrong_type(allowed: tuple[type, ...], value: object) -> str:
    wanted = " or ".join(one.__name__ for one in allowed)
    hint = ""
    if isinstance(value, dict):
        hint = "; pass the whole body as one mapping, or build the model"
    elif isinstance(value, float) and int in allowed and float not in allowed:
        hint = "; amounts are whole minor units (see thredfi_async.money)"
    return f"must be {wanted}, not {type(value).__name__}{hint}"


def _limits(
    minimum: float | None,
    maximum: float | None,
    exclusive_minimum: float | None,
    exclusive_maximum: float | None,
    multiple_of: float | None,
    min_length: int | None,
    max_length: int | None,
    pattern: str | None,
    min_items: int | None,
    max_items: int | None,
) -> list[tuple[Callable[[Any], bool], str]]:
    limits: list[tuple[Callable[[Any], bool], str]] = []
    if minimum is not None:
        limits.append((lambda v: v < minimum, f"must be at least {minimum}"))
    if maximum is not None:
        limits.append((lambda v: v > maximum, f"must be at most {maximum}"))
    if exclusive_minimum is not None:
        limits.append((lambda v: v <= exclusive_minimum, f"must be above {exclusive_minimum}"))
    if exclusive_maximum is not None:
        limits.append((lambda v: v >= exclusive_maximum, f"must be below {exclusive_maximum}"))
    if multiple_of is not None:
        limits.append((lambda v: v % multiple_of != 0, f"must be a multiple of {multiple_of}"))
    if min_length is not None:
        limits.append((lambda v: len(v) < min_length, f"needs at least {min_length} characters"))
    if max_length is not None:
        limits.append((lambda v: len(v) > max_length, f"takes at most {max_length} characters"))
    if pattern is not None:
        found = re.compile(pattern).search
        limits.append((lambda v: found(v) is None, f"must match {pattern}"))
    if min_items is not None:
        limits.append((lambda v: len(v) < min_items, f"must have at least {min_items} items"))
    if max_items is not None:
        limits.append((lambda v: len(v) > max_items, f"must have at most {max_items} items"))
    return limits
