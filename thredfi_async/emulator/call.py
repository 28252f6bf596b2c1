"""One request on its way through the emulator."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, TypeAlias

import attrs

from .. import codec
from ..operation import Operation
from .books import Books
from .problems import invalid, not_found

__all__ = ["Answer", "Call", "Handler", "World", "instant", "without_none"]


class World:
    """Everything behind the emulator's endpoints.

    ``ids`` counts the ids given: the n-th is the same for the same seed.
    """

    def __init__(self, seed: int) -> None:
        self.businesses: dict[str, Books] = {}
        self.by_external_id: dict[str, Books] = {}
        self.ids = 0
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()

    def new_id(self) -> str:
        """A fresh UUID."""
        self.ids += 1
        number = self.ids.to_bytes(8)
        digest = hashlib.blake2b(number, digest_size=16, key=self._key).digest()
        return str(uuid.UUID(bytes=digest, version=4))

    def books(self, business_id: str) -> Books:
        """The books of a business. Raises 404."""
        found = self.businesses.get(business_id)
        if found is None:
            raise not_found("business")
        return found


@attrs.frozen
class Call:
    """One request: checked, authenticated, its body built as the request model."""

    world: World
    operation: Operation[Any]
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any  # the request model; plain data where the description has no model
    data: Mapping[str, Any]  # the body as it came, with `File` for each file of a form
    headers: Mapping[str, str]
    target: str  # path and query as they came
    now: datetime
    envelope: str

    @property
    def books(self) -> Books:
        """The books of the business that the path names. Raises 404."""
        return self.world.books(self.path["business_id"])

    def changes(self) -> dict[str, Any]:
        """The body's fields that were sent, as JSON; None empties a field. Raises 400."""
        fields = dict(codec.to_mapping(self.body)) if self.body is not None else {}
        if fields.get("external_id") == "":
            raise invalid(external_id="This field may not be blank.")
        return fields

    def fields(self) -> dict[str, Any]:
        """The fields of what is to be created, as JSON; null is as good as not sent. Raises 400."""
        return without_none(self.changes())


@attrs.frozen
class Answer:
    """What a handler answers. ``body`` None: no body."""

    status: int
    body: Any = None


Handler: TypeAlias = Callable[[Call], Answer]


def instant(**field: date | datetime | None) -> datetime | None:
    """The one field given, in UTC; a plain date is its midnight. Raises 400."""
    ((name, value),) = field.items()
    if not value:  # None or unset
        return None
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise invalid(**{name: "This instant lies outside of the calendar in UTC."}) from None


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is there: few fields of the description may be null."""
    return {name: value for name, value in fields.items() if value is not None}
