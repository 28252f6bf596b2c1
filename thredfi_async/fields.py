"""What the generated models are made of: UNSET, open enums, field checks.

Nothing here knows one model or one endpoint. The generated request models call
`check` once per constrained field; the generated enums subclass `OpenEnum`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import attrs
from msgspec import UNSET, Meta, UnsetType

from .errors import InvalidRequest

__all__ = ["UNSET", "Instant", "OpenEnum", "UnsetType", "check"]

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""An aware datetime in an answer."""

Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]


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
) -> Validator:
    """An attrs validator for one field of a request model.

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
    resolved: list[tuple[type, ...]] = []
    element: list[type] = []

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is UNSET:
            return
        name = f"{type(instance).__name__}.{attribute.name}"
        if value is None:
            if required:
                raise InvalidRequest.at(name, "is required, so it can't be None")
            return
        if types:
            if not resolved:
                resolved.append(tuple(_resolve(one) for one in types))
            if not _fits(value, resolved[0]):
                raise InvalidRequest.at(name, _wrong_type(resolved[0], value))
        if isinstance(value, datetime) and value.tzinfo is None:
            raise InvalidRequest.at(name, NAIVE_DATETIME)
        if items is not None and isinstance(value, list):
            if not element:
                element.append(_resolve(items))
            for index, one in enumerate(value):
                if not _fits(one, (element[0],)):
                    raise InvalidRequest.at(f"{name}[{index}]", _wrong_type((element[0],), one))
        for broken, text in limits:
            if broken(value):
                raise InvalidRequest.at(name, f"{text}, not {value!r:.80}")

    return validate


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
