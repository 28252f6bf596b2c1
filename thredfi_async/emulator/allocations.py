"""What a payment or a credit is to settle of which invoice or bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .books import Books, Owed, Party
from .checks import find_row
from .problems import REQUIRED, conflict, invalid

__all__ = ["asked_shares", "check_refunded", "find_owed"]

T = TypeVar("T", bound=Owed)


def asked_shares(
    books: Books,
    kind: type[Owed],
    asked: Sequence[Mapping[str, Any]],
    amount_name: str,
    *,
    party: Party | None,
    held: Mapping[str, int],
) -> dict[str, int]:
    """The ``allocations`` of a request, in minor units by invoice or bill id. Raises 400.

    ``party`` is the customer or vendor of the payment or credit, ``held`` what it settles so
    far, which the request replaces.
    """
    shares: dict[str, int] = {}
    id_name = f"{kind.kind}_id"
    for number, one in enumerate(asked):
        path = f"allocations[{number}]"
        missing = [name for name in (id_name, amount_name) if one.get(name) is None]
        if missing:
            raise invalid(**{f"{path}.{name}": REQUIRED for name in missing})
        if one[amount_name] < 1:
            raise invalid(**{f"{path}.{amount_name}": "Must be at least 1."})
        owed = find_owed(books, kind, one[id_name], f"{path}.{id_name}", party)
        if owed.voided_at and owed.id not in held:
            raise invalid(**{f"{path}.{id_name}": f"The {kind.kind} is voided."})
        shares[owed.id] = shares.get(owed.id, 0) + one[amount_name]
        left = owed.outstanding + held.get(owed.id, 0)
        if shares[owed.id] > left:
            text = f"Only {left} of the {kind.kind} is outstanding."
            raise invalid(**{f"{path}.{amount_name}": text})
    return shares


def find_owed(books: Books, kind: type[T], id: str, path: str, party: Party | None) -> T:
    """The invoice or bill whose id a field gives, if it is no other party's. Raises 400."""
    owed = find_row(books, kind, id, path)
    if party is not None and owed.party is not None and owed.party is not party:
        raise invalid(**{path: f"The {kind.kind} is another {party.kind}'s."})
    return owed


def check_refunded(
    books: Books, kind: type[Owed], held: Mapping[str, int], shares: Mapping[str, int]
) -> None:
    """Refuse shares that leave less paid than has been refunded. Raises 409."""
    for name, before in held.items():
        owed = books.rows(kind)[name]
        if owed.paid - before + shares.get(name, 0) < owed.refunded:
            text = f"{owed.refunded} of {kind.kind} {owed.number} has been refunded."
            raise conflict(text)
