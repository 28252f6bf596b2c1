"""How long what is owed has been due."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from .chart import Role
from .ledger import Ledger

__all__ = ["BANDS", "Aging", "agings"]

# Bands by the most days overdue that each takes in; what is older is in the last one.
BANDS = {"current": 0, "days_1_30": 30, "days_31_60": 60, "days_61_90": 90, "over_90_days": None}


@attrs.define
class Aging:
    """What is open with one customer or vendor, in minor units by band.

    ``party`` is the row of the customer or vendor, None where the documents name nobody.
    """

    party: Any
    bands: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(BANDS, 0))

    @property
    def total(self) -> int:
        """What is open in all bands."""
        return sum(self.bands.values())


def agings(ledger: Ledger, role: Role, day: date) -> list[Aging]:
    """What is open at the end of a day with each customer (RECEIVABLE) or vendor (PAYABLE).

    The largest comes first; all of them add up to the account's balance.
    """
    sign = ledger.of(role).type_sign
    documents = ledger.documents(role)
    found: dict[Any, Aging] = {}
    for item, amount in ledger.open_items(role, day).items():
        document: Any = documents.get(item)
        party = document.party if document is not None else None
        aging = found.setdefault(party, Aging(party))
        aging.bands[_band(document, day)] += sign * amount
    return sorted(found.values(), key=lambda aging: -aging.total)


def _band(document: Any, day: date) -> str:
    if document is None or document.due_at is None:
        return "current"
    overdue = (day - document.due_at.date()).days
    for band, most in BANDS.items():
        if most is not None and overdue <= most:
            return band
    return "over_90_days"
