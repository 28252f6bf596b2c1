"""What the fields of a request may hold, checked before anything is sent.

The generated request models are `Checked` and list a `check` for each field. A model is checked
when it is built, and a field when it is assigned to; `check_held` looks into lists and mappings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import attrs

from .errors import InvalidRequest
from .fields import UNSET, FilePart, UnsetType
from .ranges import broken_limits

__all__ = ["LARGEST", "NAIVE_DATETIME", "Check", "Checked", "check", "check_held", "lean"]


class Checked:
    """Base of the request models: checks the fields that are given, built with or assigned.

    What happens inside a list or mapping goes unseen, so those are checked once more before they
    are sent: `check_held`.
    """

    __slots__ = ()
    __checks__: ClassVar[Mapping[str, Check]] = {}
    __uuids__: ClassVar[frozenset[str]] = frozenset()  # by wire name, what holds UUIDs

    def __attrs_post_init__(self) -> None:
        """For classes that derive from a model and are built by attrs itself."""
        for name, one in self.__checks__.items():
            one(f"{type(self).__name__}.{name}", getattr(self, name))

    def __setattr__(self, name: str, value: Any) -> None:
        kind: Any = type(self)
        one = self.__checks__.get(name)
        if one is not None:
            one(f"{kind.__name__}.{name}", value)
        elif "__attrs_attrs__" in vars(kind) and name not in attrs.fields_dict(kind):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise InvalidRequest.at(
            f"{type(self).__name__}.{name}", "can't be deleted; set it to UNSET"
        )

    def __check_again__(self) -> None:
        """Check what may have changed unseen. Raises `InvalidRequest`, with paths from here."""
        for name, one in self.__checks__.items():
            value = getattr(self, name)
            if one.is_deep and type(value) is not str:
                one(name, value)


M = TypeVar("M", bound=type[Checked])


def lean(model: M) -> M:
    """A decorator of request models, around attrs: an instance holds only what was given.

    A field that wasn't reads as UNSET by the class. Most of the many are not given, so a model
    is built, looked through and written in a fraction of the time.
    """
    made: Any = model
    for one in attrs.fields(made):
        if one.default is UNSET:
            setattr(model, one.name, UNSET)

    @wraps(made.__init__)
    def build_first(self: Checked, **given: Any) -> None:
        # Only the first instance comes here; then the class has methods made for it.
        made.__init__ = build = _compiled(model)
        made.__check_again__ = _compiled_again(model)
        build(self, **given)

    made.__init__ = build_first
    return model


def _compiled(model: type[Checked]) -> Callable[..., None]:
    """How a model is built: it checks and holds what is given, as one straight function.

    Most fields are of the one plain type that fits; a loop over the checks would cost several
    times as much. Names that aren't those of fields begin with two underscores.
    """
    made: Any = model
    parameters, lines = ["__self"], ["    __held = __self.__dict__"]
    for number, field in enumerate(attrs.fields(made)):
        name, given = field.name, field.alias
        is_plain = " or ".join(_PLAIN[kind].format(given) for kind in model.__checks__[name].plain)
        verify = f"__checks[{name!r}]({f'{model.__name__}.{name}'!r}, {given})"
        keep = [f"        if not ({is_plain}):" if is_plain else "        if True:"]
        keep += [f"            {verify}", f"        __held[{name!r}] = {given}"]
        parameters += [] if number else ["*"]
        if field.default is attrs.NOTHING:
            parameters.append(given)
            lines += ["    if True:", *keep]
        else:
            parameters.append(f"{given}=__UNSET")
            lines += [f"    if {given} is not __UNSET:", *keep]
        if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
            lines += ["    else:", f"        __held[{name!r}] = __fields.{name}.default.factory()"]
    return _function([f"def __init__({', '.join(parameters)}):", *lines], model)


def _compiled_again(model: type[Checked]) -> Callable[[Checked], None]:
    """The checks of the fields that can change unseen as one straight function."""
    lines = ["def __check_again__(__self):", "    __held = __self.__dict__"]
    for name, one in model.__checks__.items():
        if one.is_deep:
            lines.append(f"    if {name!r} in __held and __type(__held[{name!r}]) is not __str:")
            lines.append(f"        __checks[{name!r}]({name!r}, __held[{name!r}])")
    return _function(lines, model)


def _function(lines: list[str], model: type[Checked]) -> Callable[..., None]:
    made: Any = model
    names: dict[str, Any] = {"__UNSET": UNSET, "__type": type, "__LARGEST": LARGEST}
    names |= {"__checks": model.__checks__, "__fields": attrs.fields(made)}
    names |= {f"__{kind.__name__}": kind for kind in _PLAIN}
    exec("\n".join(lines), names)
    compiled: Any = names[lines[0].split("(")[0].removeprefix("def ")]
    compiled.__module__ = model.__module__
    compiled.__qualname__ = f"{model.__qualname__}.{compiled.__name__}"
    return compiled  # type: ignore[no-any-return]


def check(
    *types: type | Callable[[], type],
    required: bool = False,
    items: type | Callable[[], type] | Check | None = None,
    **limits: Any,
) -> Check:
    """The check of one field of a request model.

    ``types`` are what a value may be an instance of (none: anything); a bool is
    never taken for a number. A type that is defined further down its module is
    given as a function without arguments. ``items`` is the type of each element
    of a list, or the check of each. ``limits`` are those of `ranges`. UNSET passes
    always; None passes unless the field is required. What JSON can't hold never
    passes (`check_held`). Raises `InvalidRequest` naming the field.
    """
    return Check(types, required=required, items=items, limits=broken_limits(limits))


class Check:
    """What `check` makes.

    ``plain`` are the types of which `_PLAIN` says what needs no further look, ``is_deep`` whether
    a value can change without being assigned to.
    """

    __slots__ = ("_is_resolved", "_items", "_limits", "_required", "_types", "is_deep", "plain")

    def __init__(
        self,
        types: tuple[type | Callable[[], type], ...],
        *,
        required: bool,
        items: type | Callable[[], type] | Check | None,
        limits: list[tuple[Callable[[Any], bool], str]],
    ) -> None:
        self._types = types
        self._required = required
        self._items = items
        self._limits = limits
        self._is_resolved = False
        self.is_deep = not types or not all(one in _PLAIN for one in types)
        self.plain: tuple[type, ...] = ()
        if not limits:
            plain = [one for one in types if isinstance(one, type) and one in _PLAIN]
            self.plain = (*plain, int) if float in plain else tuple(plain)  # 2 is a number too

    def __call__(self, path: str, value: Any) -> None:
        """Raise `InvalidRequest` unless the value is good."""
        if value is UNSET:
            return
        if value is None:
            if self._required:
                raise InvalidRequest.at(path, "is required, so it can't be None")
            return
        if not self._is_resolved:
            self.resolve()
        allowed: Any = self._types
        if allowed and type(value) not in allowed and not _fits(value, allowed):
            raise InvalidRequest.at(path, _wrong_type(allowed, value))
        if self._items is not None and isinstance(value, list):
            self._check_items(path, value)
        elif type(value) not in _HARMLESS:
            check_held(path, value)
        for broken, text in self._limits:
            if broken(value):
                raise InvalidRequest.at(path, f"{text}, not {value!r:.80}")

    def resolve(self) -> None:
        """Find the types that are defined further down; only once all modules are loaded."""
        self._types = tuple(map(_resolve, self._types))
        if isinstance(self._items, Check):
            self._items.resolve()
        elif self._items is not None:
            self._items = _resolve(self._items)
        self._is_resolved = True

    def _check_items(self, path: str, items: list[Any]) -> None:
        element: Any = self._items
        index = 0
        try:
            for index, one in enumerate(items):  # noqa: B007
                if type(one) is element and isinstance(one, Checked):
                    one.__check_again__()
                    continue
                if isinstance(element, Check):
                    element("", one)
                    continue
                if type(one) is not element and not _fits(one, (element,)):
                    raise InvalidRequest.at("", _wrong_type((element,), one))
                if type(one) not in _HARMLESS:
                    _look(one)
        except (InvalidRequest, RecursionError) as error:
            raise _below(f"{path}[{index}]", error) from None


LARGEST = 2**63  # integers are below: what a JSON reader can be relied on to take

# What needs no further look, as an expression of a value's name.
_PLAIN: dict[Any, str] = {
    str: "__type({0}) is __str",
    int: "__type({0}) is __int and -__LARGEST <= {0} < __LARGEST",
    float: "__type({0}) is __float and {0} - {0} == 0",
    bool: "__type({0}) is __bool",
    bytes: "__type({0}) is __bytes",
    date: "__type({0}) is __date",
    datetime: "__type({0}) is __datetime and {0}.tzinfo is not None",
    Decimal: "__type({0}) is __Decimal and {0}.is_finite()",
}
_HARMLESS = frozenset((str, bool, type(None), UnsetType, bytes, date, UUID))

NAIVE_DATETIME = (
    "has no time zone, so its instant is unknown; write it with one, "
    "such as 2025-01-31T12:00:00Z, or datetime(2025, 1, 31, 12, tzinfo=timezone.utc)"
)


def check_held(path: str, value: Any) -> None:
    """Refuse what JSON can't hold, wherever it stands in ``value``. Raises `InvalidRequest`.

    That is NaN, infinity, integers beyond 64 bits, and datetimes without a time zone. The lists
    and mappings of request models are held against the models' checks once more.
    """
    try:
        _look(value)
    except (InvalidRequest, RecursionError) as error:
        raise _below(path, error) from None


def _below(path: str, error: InvalidRequest | RecursionError) -> InvalidRequest:
    if isinstance(error, InvalidRequest):
        return error.below(path)
    return InvalidRequest.at(path, "is nested too deeply, or within itself")


def _look(value: Any) -> None:
    if isinstance(value, Checked):
        value.__check_again__()
    elif isinstance(value, list | tuple | set | frozenset):
        _look_into(enumerate(value), "[{}]")
    elif isinstance(value, int):
        if not -LARGEST <= value < LARGEST:
            raise InvalidRequest.at("", "is an integer of more than 64 bits")
    elif isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise InvalidRequest.at("", f"must be a finite number, not {value}")
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidRequest.at("", NAIVE_DATETIME)
    elif isinstance(value, Mapping):
        _look_into(value.items(), "{}")
    elif hasattr(value, "__check_again__"):  # of a package that was generated elsewhere
        try:
            value.__check_again__()
        except ValueError as error:
            raise InvalidRequest(getattr(error, "problems", [("", str(error))])) from None
    elif attrs.has(kind := type(value)):
        names = [field.name for field in attrs.fields(kind)]
        _look_into([(name, getattr(value, name)) for name in names], "{}")


def _look_into(parts: Iterable[tuple[Any, Any]], step: str) -> None:
    name: Any = None
    try:
        for name, one in parts:  # noqa: B007
            if type(one) not in _HARMLESS:
                _look(one)
    except InvalidRequest as error:
        raise error.below(step.format(name)) from None


def _resolve(one: type | Callable[[], type]) -> type:
    return one if isinstance(one, type) else one()


def _fits(value: object, allowed: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in allowed
    if isinstance(value, datetime):  # which is a date to Python, and no day to a reader
        return datetime in allowed
    return isinstance(value, allowed) or (isinstance(value, int) and float in allowed)


def _wrong_type(allowed: tuple[type, ...], value: object) -> str:
    wanted = " or ".join("Upload" if one is FilePart else one.__name__ for one in allowed)
    hint = ""
    if isinstance(value, dict):
        hint = "; pass the whole body as one mapping, or build the model"
    elif isinstance(value, float) and int in allowed and float not in allowed:
        hint = "; amounts are whole minor units (see thredfi_async.money)"
    return f"must be {wanted}, not {type(value).__name__}{hint}"
