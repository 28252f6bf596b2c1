"""One request on its way through the emulator."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from random import Random
from typing import Any, TypeAlias

import attrs

from .. import codec
from ..operation import Operation
from .books import Books
from .problems import not_found

__all__ = ["Answer", "Call", "Handler", "World", "instant", "without_none"]


class World:
    """Everything behind the emulator's endpoints."""

    def __init__(self, random: Random) -> None:
        self.businesses: dict[str, Books] = {}
        self.by_external_id: dict[str, Books] = {}
        self._random = random

    def new_id(self) -> str:
        """A fresh UUID, from the emulator's own source of randomness."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

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
    headers: Mapping[str, str]
    now: datetime
    envelope: str

    @property
    def books(self) -> Books:
        """The books of the business that the path names. Raises 404."""
        return self.world.books(self.path["business_id"])

    def fields(self) -> dict[str, Any]:
        """The body's fields that were sent, as JSON."""
        return dict(codec.to_mapping(self.body)) if self.body is not None else {}


@attrs.frozen
class Answer:
    """What a handler answers. ``body`` None: no body."""

    status: int
    body: Any = None


Handler: TypeAlias = Callable[[Call], Answer]


def instant(value: date | datetime) -> datetime:
    """A plain date as midnight UTC; an instant as it is."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is there: few fields of the description may be null."""
    return {name: value for name, value in fields.items() if value is not None}
