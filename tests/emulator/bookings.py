"""Bookings straight into the ledger, for what no operation of the API books by itself."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import attrs

from thredfi_async.emulator.books import Leg, Posting, Role, Row

_numbers = itertools.count(1)


@attrs.define(kw_only=True, eq=False)
class Booking(Row):
    """A row of legs and nothing else."""

    kind: ClassVar[str] = "booking"

    day: date
    legs: list[Leg]

    def postings(self) -> Mapping[str, Posting]:
        return {"booking": Posting.of(self.day, self.label, self.legs)}


def book(shop: Any, day: str, amounts: Mapping[Role | str, int]) -> None:
    """Post minor units (a debit positive) to accounts, named by role or code."""
    ledger, now = shop.books.ledger, datetime.now(UTC)
    legs = [
        Leg(name if isinstance(name, Role) else ledger.find(name), amount)
        for name, amount in amounts.items()
    ]
    booking = Booking(
        id=f"booking-{next(_numbers)}",
        external_id=None,
        day=date.fromisoformat(day),
        legs=legs,
        created_at=now,
        updated_at=now,
    )
    shop.books.add(booking)
    shop.books.record(booking)
