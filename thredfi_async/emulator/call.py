"""One request on its way through the emulator."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, TypeAlias, TypeVar

import attrs

from .. import codec
from ..operation import Operation
from .books import Books, Row
from .problems import invalid, not_found

__all__ = ["Answer", "Call", "Handler", "World", "instant", "without_none"]

R = TypeVar("R", bound=Row)


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

    def named(self, kind: type[R], parameter: str) -> R:
        """The row whose id a parameter of the path gives. Raises 404."""
        found = self.books.rows(kind).get(self.path[parameter])
        if found is None:
            raise not_found(kind.title())
        return found

    def changes(self, never_empty: Collection[str] = ()) -> dict[str, Any]:
        """The body's fields that were sent, as JSON. Raises 400.

        None empties a field; those in ``never_empty`` it leaves as they are.
        """
        fields = dict(codec.to_mapping(self.body)) if self.body is not None else {}
        if fields.get("external_id") == "":
            raise invalid(external_id="This field may not be blank.")
        return {
            name: value
            for name, value in fields.items()
            if value is not None or name not in never_empty
        }

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
