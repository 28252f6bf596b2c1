"""What sales and purchases have in common: parties, invoices and bills, credits, payments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Protocol

import attrs

from .ledger import Account, Leg, Posting
from .row import Row

__all__ = ["UNPAID_BY", "AnyPayment", "Credit", "CreditLine", "Line", "Owed", "Party", "Transfer"]

UNPAID_BY = frozenset({"failed", "cancelled"})  # payments that pay nothing
# What a status of a transfer can change to; the others are final.
_NEXT = {
    "pending": ("processing", "completed", "failed", "cancelled"),
    "processing": ("completed", "failed"),
}
_INSTANTS = {"processing": "submitted_at", "completed": "completed_at", "failed": "failed_at"}


@attrs.define(kw_only=True, eq=False)
class Party(Row):
    """A customer or a vendor."""

    archived_at: datetime | None = None

    @property
    def name(self) -> str:
        """What to call them: company, else person, else external_id."""
        for key in ("company_name", "individual_name", "name"):
            if self.fields.get(key):
                return str(self.fields[key])
        return self.external_id or self.id


# --- invoices and bills ----------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Line:
    """One line of an invoice or a bill. All amounts in minor units."""

    id: str
    fields: Mapping[str, Any]
    unit_price: int
    subtotal: int
    tax: int
    account: Account | None = None  # of its revenue or cost, where the request names one

    @property
    def total(self) -> int:
        """Net amount and tax."""
        return self.subtotal + self.tax


class _Paying(Protocol):
    @property
    def paid_at(self) -> datetime: ...


@attrs.define(kw_only=True, eq=False)
class Owed(Row):
    """An invoice or a bill, and the credits that settle some of it, by their ids."""

    number: str
    due_at: datetime | None
    lines: list[Line]
    subtotal: int
    tax: int
    total: int
    voided_at: datetime | None = None
    credits: dict[str, Credit] = attrs.field(factory=dict)

    @property
    def label(self) -> str:
        """What to call it in an entry."""
        return f"{self.kind.capitalize()} {self.number}"

    @property
    def party(self) -> Party | None:
        """The customer who owes it, or the vendor it is owed to."""
        raise NotImplementedError

    @property
    def status(self) -> str:
        """partially_paid, paid, voided, or one of the others that it can have."""
        raise NotImplementedError

    @property
    def paid(self) -> int:
        """What its payments pay of it."""
        raise NotImplementedError

    @property
    def refunded(self) -> int:
        """What is owed back on it, or was paid back."""
        raise NotImplementedError

    @property
    def credited(self) -> int:
        """What credits settle of it."""
        return sum(credit.allocations[self.id] for credit in self.credits.values())

    @property
    def settled(self) -> int:
        """What of it needs no payment any more."""
        return self.paid + self.credited

    @property
    def outstanding(self) -> int:
        """What is still to be paid; nothing once it is voided."""
        return 0 if self.voided_at else self.total - self.settled

    def is_overdue(self, now: datetime) -> bool:
        """Whether something is owed after its due day (UTC)."""
        return bool(self.due_at and self.outstanding and self.due_at.date() < now.date())

    def _last_settled(self, payments: Iterable[_Paying], default: datetime) -> datetime:
        """When the last of it was paid or credited; ``default`` where nothing ever was."""
        paid = [payment.paid_at for payment in payments]
        credited = [credit.applied_at[self.id] for credit in self.credits.values()]
        return max([*paid, *credited], default=default)


# --- credits ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CreditLine:
    """One line of a credit: its net amount and the tax on it, in minor units."""

    fields: Mapping[str, Any]
    net: int
    tax: int
    account: Account | None = None  # of the revenue or cost, where the request names one

    @property
    def total(self) -> int:
        """Net amount and tax."""
        return self.net + self.tax


@attrs.define(kw_only=True, eq=False)
class Credit(Row):
    """A credit note; ``allocations`` are minor units by the id of the invoice or bill."""

    settles: ClassVar[type[Owed]]

    lines: list[CreditLine]
    source: Owed | None  # what it says it takes back
    allocations: dict[str, int] = attrs.field(factory=dict)
    applied_at: dict[str, datetime] = attrs.field(factory=dict)  # by the same ids

    @property
    def party(self) -> Party:
        """The customer who gets it, or the vendor who gives it."""
        raise NotImplementedError

    @property
    def total(self) -> int:
        """What is given back, tax included."""
        return sum(line.total for line in self.lines)

    @property
    def applied(self) -> int:
        """What of it settles something."""
        return sum(self.allocations.values())

    @property
    def remaining(self) -> int:
        """What settles nothing yet."""
        return self.total - self.applied

    @property
    def status(self) -> str:
        """partially_applied, applied, or one of those before."""
        raise NotImplementedError

    def _progress(self, start: str) -> str:
        """How far it is applied; ``start`` where it isn't."""
        if not self.remaining:
            return "applied"
        return "partially_applied" if self.applied else start

    def _applications(self) -> dict[str, Posting]:
        """Each allocation takes its part off what is owed."""
        return {
            owed_id: Posting.of(
                self.applied_at[owed_id].date(),
                f"{self.label} applied",
                self._application(owed_id, amount),
            )
            for owed_id, amount in self.allocations.items()
        }

    def _application(self, owed_id: str, amount: int) -> list[Leg]:
        raise NotImplementedError


# --- payments --------------------------------------------------------------------------


@attrs.define(kw_only=True, eq=False)
class AnyPayment(Row):
    """Money that comes in or goes out."""

    amount: int
    status: str

    @property
    def fee(self) -> int:
        """What a processor or bank took for it, in minor units."""
        return self.fields.get("processing_fee_cents") or 0

    @property
    def is_live(self) -> bool:
        """Whether it pays anything: it has neither failed nor been cancelled."""
        return self.status not in UNPAID_BY


@attrs.define(kw_only=True, eq=False)
class Transfer(AnyPayment):
    """A payment to or from a vendor, with the instants of what became of it."""

    payment_date: date
    submitted_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None

    @property
    def following(self) -> tuple[str, ...]:
        """The statuses that can follow its own; none where that is final."""
        return _NEXT.get(self.status, ())

    def turn(self, status: str, now: datetime) -> None:
        """Give it a status."""
        if status != self.status and status in _INSTANTS:
            setattr(self, _INSTANTS[status], now)
        self.status = status
        self.updated_at = now
