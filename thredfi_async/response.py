"""What a call returns besides its value: see `with_response`."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import attrs

from .differences import Difference

__all__ = ["REQUEST_ID", "Response", "recorder", "with_response"]

T = TypeVar("T")

REQUEST_ID = "X-Request-ID"


@attrs.frozen
class Response(Generic[T]):
    """One answer with what came around it; see `with_response`."""

    value: T
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    attempts: int = 1
    differences: tuple[Difference, ...] = attrs.field(default=(), repr=False)
    """Of a create that Thred answered with a record of before: where that differs from what
    was sent. Empty for a new record and for an equal one."""

    @property
    def created(self) -> bool:
        """True for a new resource (201), False where Thred knew it already (200, a replay)."""
        return self.status == 201

    @property
    def replayed(self) -> bool:
        """The opposite of ``created``."""
        return self.status != 201

    @property
    def request_id(self) -> str | None:
        """The server's name for this request, where it gave one."""
        return self.headers.get(REQUEST_ID)


recorder: ContextVar[list[Response[Any]] | None] = ContextVar("thredfi_recorder", default=None)
"""Where calls note their answers, while somebody wants them."""


async def with_response(call: Awaitable[T]) -> Response[T]:
    """Await a call and return its answer with status, headers, attempts, `created`.

    ``response = await with_response(shop.invoices.create(body))``. Takes the call itself,
    not a task made of it. Of several requests in one call, the last one counts.
    """
    seen: list[Response[Any]] = []
    reset = recorder.set(seen)
    try:
        value = await call
    finally:
        recorder.reset(reset)
    if not seen:
        raise TypeError(
            "with_response takes an un-awaited service call, such as shop.invoices.get(id), "
            "not a task or a paginator"
        )
    return attrs.evolve(seen[-1], value=value)
