"""What payment processors pay out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from .chart import Role
from .ledger import Leg, Posting
from .receivables import Payment, RefundPayment
from .row import Row

__all__ = ["Payout"]


@attrs.define(kw_only=True, eq=False)
class Payout(Row):
    """The settlement of a processor: payments, less refund payments, less its fee."""

    kind: ClassVar[str] = "payout"

    completed_at: datetime
    payments: dict[str, Payment] = attrs.field(factory=dict)
    refund_payments: dict[str, RefundPayment] = attrs.field(factory=dict)

    @property
    def processor(self) -> str:
        """Who pays out: stripe, adyen …"""
        return str(self.fields["processor"])

    @property
    def status(self) -> str:
        """pending or paid."""
        return str(self.fields["status"])

    @property
    def paid_out(self) -> int:
        """What arrives at the bank."""
        return int(self.fields["paid_out_amount_cents"])

    @property
    def fee(self) -> int:
        """What the processor kept of the payments."""
        return int(self.fields["fee_cents"])

    @property
    def gross(self) -> int:
        """The sum of its payments."""
        return sum(payment.amount for payment in self.payments.values())

    @property
    def additional_refunds(self) -> int:
        """What the processor held back for refunds that aren't among the refund payments."""
        return self.fields.get("additional_refunds_amount_cents") or 0

    @property
    def refunds(self) -> int:
        """What the processor held back for refunds."""
        listed = sum(payment.amount for payment in self.refund_payments.values())
        return listed + self.additional_refunds

    @property
    def expected(self) -> int:
        """What should have been paid out."""
        return self.gross - self.refunds - self.fee

    def postings(self) -> Mapping[str, Posting]:
        """Money that the processor held goes to the bank; a pending payout books nothing.

        The fee is booked without the fees that its payments have of their own.
        """
        if self.status != "paid":
            return {}
        booked = sum(one.fee for one in self.payments.values())
        booked += sum(one.fee for one in self.refund_payments.values())
        fee = self.fee - booked
        legs = [
            Leg(Role.BANK, self.paid_out),
            Leg(Role.PROCESSING_FEES, fee),
            Leg(Role.CLEARING, -self.paid_out - fee),
        ]
        return {"payout": Posting.of(self.completed_at.date(), self.label, legs)}
