"""What a caller may say about one call, beside the arguments of the method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from .errors import InvalidRequest
from .operation import Operation
from .retry import is_positive
from .texts import nearest, shown

__all__ = ["CallOptions", "check_options"]


class CallOptions(TypedDict, total=False):
    """What every service method takes besides its own arguments."""

    timeout: float
    """Seconds that one attempt may take, from sending to the last byte of the answer."""
    deadline: float
    """Seconds that the whole call may take: token, queueing, attempts, waits and look-ups."""
    retries: int
    """How often the call may be repeated after its first attempt; 0: never."""
    idempotency_key: str
    """The Idempotency-Key header, in place of the one the client makes."""
    extra_body: Mapping[str, Any]
    """Body fields that the models don't know yet; they win over the body's own."""
    extra_query: Mapping[str, Any]
    """Query parameters that the description doesn't know yet."""
    extra_headers: Mapping[str, str]
    """Further headers of this call."""


def check_options(operation: Operation[Any], options: CallOptions) -> None:
    """Refuse options that are unknown or make no sense: `InvalidRequest`."""
    for name, value in options.items():
        known = _OPTIONS.get(name)
        if known is None:
            # Keyword arguments that a method doesn't name end up here, filters of lists too.
            names = [*_OPTIONS, *(parameter.name for parameter in operation.query)]
            near = nearest(name, names)
            hint = f"; did you mean {near}?" if near else ""
            raise InvalidRequest.at(name, f"isn't an argument of {operation.id}{hint}")
        is_good, text = known
        if not is_good(value):
            raise InvalidRequest.at(name, f"{text}, not {shown(value)}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_mapping(value: object) -> bool:
    return value is None or isinstance(value, Mapping)


_OPTIONS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "timeout": (is_positive, "must be above 0 seconds"),
    "deadline": (is_positive, "must be above 0 seconds"),
    "retries": (_is_count, "must be a whole number, 0 or more"),
    "idempotency_key": (lambda value: value != "", "is empty"),
    "extra_body": (_is_mapping, "must be a mapping"),
    "extra_query": (_is_mapping, "must be a mapping"),
    "extra_headers": (_is_mapping, "must be a mapping"),
}
