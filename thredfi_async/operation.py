"""What one endpoint is, as data. `operations.py` (generated) holds the table."""

from __future__ import annotations

import enum
from functools import cache
from typing import Any, Generic, TypeVar

import attrs

T_co = TypeVar("T_co", covariant=True)


class TokenScope(enum.Enum):
    """Which credential an operation carries."""

    BASIC = "basic"  # partner UUID and API key: the partner token call alone
    PARTNER = "partner"
    BUSINESS = "business"


class Replay(enum.Enum):
    """Whether a write may be sent again when its outcome is not known."""

    SAFE = "safe"  # changes nothing
    EXTERNAL_ID = "external_id"  # the server knows a repeat by the body's external_id
    IDEMPOTENCY_KEY = "idempotency_key"  # the server knows a repeat by the Idempotency-Key header
    UPSERT = "upsert"  # a repeat leaves the same state
    STATE_CHANGE = "state_change"  # a repeat may be refused, as the state has changed already
    UNSAFE = "unsafe"  # a repeat may do it twice


class Style(enum.Enum):
    """How a query parameter writes its value."""

    PLAIN = "plain"  # one value
    COMMA = "comma"  # a=1,2
    REPEAT = "repeat"  # a=1&a=2
    SPACE = "space"  # a=1%202
    PIPE = "pipe"  # a=1%7C2


@attrs.frozen
class Parameter:
    """One query or header parameter, by its name on the wire.

    ``type`` is the OpenAPI type or, where it says more, the format: string,
    integer, number, boolean, date, date-time, date-or-date-time, uuid. For a list it is
    that of the elements.
    """

    name: str
    type: str = "string"
    required: bool = False
    style: Style = Style.PLAIN
    values: tuple[str, ...] = ()  # known values of an enum, for docs and for the emulator


@attrs.frozen(cache_hash=True)
class ModelRef:
    """Names a generated model without loading it. ``module`` is below ``models``."""

    module: str
    name: str
    many: bool = False  # a bare JSON array of it


@attrs.frozen
class Confirm:
    """How to find out whether a state change has happened: by reading what it changes.

    It has when ``field`` (a path such as ``payment.status``) of that answer is one of
    ``values``, or, where there are none, what the body of the change asked for. Without a
    field: when there is nothing to read any more.
    """

    read: str  # the id of an operation with the same path parameters
    field: str | None = None
    values: tuple[str, ...] = ()
    answer: str = "{}"  # what the change answers where nothing is left to read: JSON


@attrs.frozen
class Lookup:
    """How to find out whether a create has happened: by looking for its external_id.

    ``read`` is the id of an operation with the same path parameters: a list, of which ``by``
    is the filter that takes the external_id (None: it is short, and is read as it is), or the
    read of one record, of which ``by`` is the path parameter. ``covers``: what is not found
    so isn't at Thred. ``scan`` is a list that shows all external ids: a walk through the whole
    of it tells that as well. ``single`` reads one record by its id. With neither ``read`` nor
    ``scan`` nothing shows the external_id.
    """

    read: str | None = None
    by: str | None = None
    query: tuple[tuple[str, str], ...] = ()  # further parameters of the list
    covers: bool = False
    scan: str | None = None  # the list to walk through
    single: str | None = None  # reads one by its id
    within: str | None = None  # the field of the answer that holds the record


@attrs.frozen(eq=False)  # one object per endpoint: told apart by identity, and hashed fast
class Operation(Generic[T_co]):
    """One endpoint. The type parameter is what a successful call returns."""

    id: str
    method: str
    path: str  # template, with {names}
    tag: str
    scope: TokenScope
    replay: Replay
    path_parameters: tuple[str, ...] = ()
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    bodies: tuple[tuple[str, ModelRef | None], ...] = ()  # content type -> model, JSON first
    file: str | None = None  # the part of a form that takes a file; "a.b": below an object
    body_required: bool = False
    answers: tuple[tuple[int, ModelRef | None], ...] = ()  # 2xx status -> model; None: no body
    confirm: Confirm | None = None  # of a state change
    lookup: Lookup | None = None  # of a create
    unwrap: str | None = None  # the one key whose value is the answer, as in {"payment": {...}}
    undocumented: bool = False  # seen in the vendor's widget only


@cache
def native(operation: Any) -> Operation[Any]:
    """What `python -m codegen --output` made elsewhere, with a copy of this module beside it.

    Its models stay its own (see `codec.load`).
    """
    given = {one.name: getattr(operation, one.name) for one in attrs.fields(Operation)}
    given["scope"] = TokenScope(operation.scope.value)
    given["replay"] = Replay(operation.replay.value)
    for where in ("query", "headers"):
        given[where] = tuple(
            Parameter(one.name, one.type, one.required, Style(one.style.value), one.values)
            for one in given[where]
        )
    return Operation(**given)
