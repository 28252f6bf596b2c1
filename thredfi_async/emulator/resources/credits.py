"""What customer credits and vendor credits have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..allocations import asked_shares, find_owed
from ..books import Books, Credit, CreditLine, Owed, Party
from ..call import Call, without_none
from ..documents import document_view
from ..problems import conflict, invalid

__all__ = ["changed_shares", "common_view", "line_texts", "named_source", "settle", "shares_of"]

T = TypeVar("T", bound=Owed)


def common_view(call: Call, credit: Credit) -> dict[str, Any]:
    """What the API shows of every credit; its party, lines and day are still to be added."""
    books, kind = call.books, credit.settles.kind
    owed = books.rows(credit.settles)
    return {
        "id": credit.id,
        "status": credit.status,
        f"source_{kind}_id": credit.source.id if credit.source else None,
        "allocations": [
            {
                f"{kind}_id": owed_id,
                f"{kind}_number": owed[owed_id].number,
                "amount_cents": amount,
                f"{kind}_outstanding_balance_cents": owed[owed_id].outstanding,
                "applied_at": credit.applied_at[owed_id],
            }
            for owed_id, amount in credit.allocations.items()
        ],
        "tags": credit.fields.get("tags") or [],
        "total_amount": credit.total,
        "applied_amount": credit.applied,
        "document": document_view(call, credit),
        "created_at": credit.created_at,
        "updated_at": credit.updated_at,
        "currency": books.currency,
        **without_none({"external_id": credit.external_id}),
    }


def line_texts(line: CreditLine) -> dict[str, Any]:
    """What the API shows of a line beside its amount and account."""
    fields = line.fields
    return {
        "tags": [":".join(map(str, tag.values())) for tag in fields.get("tags") or ()],
        **without_none({name: fields.get(name) for name in ("memo", "metadata")}),
    }


def named_source(books: Books, kind: type[T], fields: Mapping[str, Any], party: Party) -> T | None:
    """The invoice or bill that a credit says it takes back. Raises 400."""
    name = f"source_{kind.kind}_id"
    if fields.get(name) is None:
        return None
    return find_owed(books, kind, fields[name], name, party)


def shares_of(
    books: Books,
    kind: type[Owed],
    asked: Sequence[Mapping[str, Any]],
    party: Party,
    lines: Sequence[CreditLine],
    held: Mapping[str, int],
) -> dict[str, int]:
    """What a credit of these lines is to settle of which invoice or bill. Raises 400."""
    shares = asked_shares(books, kind, asked, "amount", party=party, held=held)
    total = sum(line.total for line in lines)
    if sum(shares.values()) > total:
        raise invalid(allocations=f"They add up to more than the credit, {total}.")
    return shares


def changed_shares(
    books: Books, credit: Credit, changes: Mapping[str, Any], lines: Sequence[CreditLine]
) -> dict[str, int]:
    """What a credit is to settle after a change that leaves it these lines. Raises 400, 409."""
    held = credit.allocations
    if "allocations" in changes:
        asked = changes["allocations"]
        return shares_of(books, credit.settles, asked, credit.party, lines, held)
    if sum(line.total for line in lines) < credit.applied:
        raise conflict(f"{credit.applied} of the credit is applied; its total can't be less.")
    return dict(held)


def settle(call: Call, credit: Credit, shares: Mapping[str, int]) -> None:
    """Let a credit settle these shares, which were found right, and no others."""
    books = call.books
    for name in {**credit.allocations, **shares}:
        owed, share = books.rows(credit.settles)[name], shares.get(name, 0)
        if share == credit.allocations.get(name, 0):
            continue
        if share:
            credit.allocations[name] = share
            credit.applied_at.setdefault(name, call.now)
            owed.credits[credit.id] = credit
        else:
            del credit.allocations[name], credit.applied_at[name], owed.credits[credit.id]
        owed.updated_at = call.now
        books.record(owed)
    books.record(credit)
