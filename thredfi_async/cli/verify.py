"""``thredfi verify``: the steps of Thred's integration guide, tried out against an environment."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ..client import ENVIRONMENTS, BusinessClient, ThredfiClient
from ..clock import Clock, SystemClock
from ..errors import ThredfiError
from .business import find_business
from .connection import Connection
from .endings import Course, Exit
from .json_text import say_json
from .output import say

__all__ = ["verify"]

AMOUNT = 100_00  # minor units
BUSINESS = "thredfi-verify"  # external_id of the business that is made where none is given
_BETWEEN = 2.0  # seconds between two looks at the report


class Unexpected(Exception):
    """A step got an answer, but not the one that it should get."""


async def verify(
    connection: Connection,
    business: str | None,
    *,
    wait: float,
    course: Course,
    as_json: bool = False,
) -> Exit:
    """Try each step and print how it went; the exit status.

    ``wait`` is how many seconds the report may take to show the invoice.
    """
    async with connection.client() as thredfi:
        steps = Verification(thredfi, business, wait=wait, course=course, as_json=as_json)
        return await steps.run()


class Verification:
    """One run of all steps; it ends at the first that fails, since the others build on it."""

    shop: BusinessClient
    invoice: Any

    def __init__(
        self,
        thredfi: ThredfiClient,
        business: str | None,
        *,
        wait: float,
        clock: Clock | None = None,
        course: Course | None = None,
        as_json: bool = False,
    ) -> None:
        self._thredfi = thredfi
        self._business = business
        self._wait = wait
        self._clock = clock or SystemClock()
        self._course = course or Course()
        self._tell = _tell_json if as_json else _tell
        self._run = uuid4().hex[:12]
        self._revenue = 0

    async def run(self) -> Exit:
        """All steps, and what the first that fails makes of the exit status."""
        for name, step in (
            ("partner token", self._partner_token),
            ("business", self._find_business),
            ("business token", self._business_token),
            ("report before", self._report_before),
            ("invoice", self._create_invoice),
            ("payment", self._pay),
            ("read back", self._read_back),
            ("report line", self._report_after),
        ):
            try:
                found = await step()
            except (ThredfiError, Unexpected) as error:
                self._tell(name, str(error), False)
                if isinstance(error, Unexpected):
                    return Exit.NOT_ALL_WELL
                return self._course.ended_by(error)
            self._tell(name, found, True)
        return Exit.WELL

    async def _partner_token(self) -> str:
        token = await self._thredfi.tokens.partner()
        return f"good for {token.expires_in} s"

    async def _find_business(self) -> str:
        if self._business is None:
            if self._thredfi.base_url == ENVIRONMENTS["production"]:
                raise Unexpected("in production say which business to write to: --business ID")
            self._course.sent = True
            made = await self._thredfi.businesses.create(
                {
                    "external_id": BUSINESS,
                    "legal_name": "Verification of the integration",
                    "entity_type": "limited",
                    "country": "GB",
                    "base_currency": "GBP",
                    "email": "verify@business.example",
                }
            )
            self._business = str(made.id)
        else:
            self._business = await find_business(self._thredfi, self._business)
        self.shop = self._thredfi.business(self._business)
        found = await self._thredfi.businesses.get(self._business)
        return f"{found.name or found.legal_name}, {self._business}"

    async def _business_token(self) -> str:
        token = await self._thredfi.tokens.business(str(self._business))
        return f"good for {token.expires_in} s"

    async def _report_before(self) -> str:
        self._revenue = await self._net_revenue()
        return f"net revenue of today: {_shown(self._revenue)}"

    async def _create_invoice(self) -> str:
        self._course.sent = True
        customer = await self.shop.customers.create(
            {"external_id": f"{BUSINESS}-customer", "company_name": "Verification customer"}
        )
        self.invoice = await self.shop.invoices.create(
            {
                "external_id": f"{BUSINESS}-{self._run}",
                "customer_id": str(customer.id),
                "sent_at": self._now(),
                "line_items": [
                    {"description": "Verification", "quantity": 1, "unit_price": AMOUNT}
                ],
            }
        )
        return f"{self.invoice.invoice_number or self.invoice.id} of {_shown(AMOUNT)}"

    async def _pay(self) -> str:
        payment = await self.shop.payments.create(
            {
                "external_id": f"{BUSINESS}-{self._run}-payment",
                "invoice_id": str(self.invoice.id),
                "amount_cents": AMOUNT,
                "payment_date": self._now().date(),
                "payment_method": "bank_transfer",
            }
        )
        return f"{payment.id}, {payment.status}"

    async def _read_back(self) -> str:
        found = await self.shop.invoices.get(str(self.invoice.id))
        status, left = found.status, found.outstanding_balance
        if status != "paid" or left or found.total_amount != AMOUNT:
            raise Unexpected(
                f"the invoice should be paid and of {_shown(AMOUNT)}, but it is {status} and of "
                f"{_shown(found.total_amount)}, with {_shown(left)} outstanding"
            )
        return f"the invoice is {status}"

    async def _report_after(self) -> str:
        """Look until the report shows the invoice, or the time is up."""
        until = self._clock.monotonic() + self._wait
        while True:
            revenue = await self._net_revenue()
            if revenue >= self._revenue + AMOUNT:
                return f"net revenue of today: {_shown(revenue)}"
            if self._clock.monotonic() + _BETWEEN > until:
                raise Unexpected(
                    f"net revenue of today was {_shown(self._revenue)} and is {_shown(revenue)}: "
                    f"the invoice of {_shown(AMOUNT)} is not in it after {self._wait:g} s"
                )
            await self._clock.sleep(_BETWEEN)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)

    async def _net_revenue(self) -> int:
        today = self._now().date()
        report = await self.shop.reports.profit_and_loss(start_date=today, end_date=today)
        revenue = report.summary.net_revenue_cents if report.summary else None
        if revenue is None:
            raise Unexpected("the profit and loss report has no summary.net_revenue_cents")
        return revenue


def _tell(name: str, text: str, done: bool) -> None:
    ticked, failed = _marks()
    say(f"{ticked if done else failed} {name:<15} {text}")


def _tell_json(name: str, text: str, done: bool) -> None:
    say_json({"step": name, "ok": done, "detail": text})


def _marks() -> tuple[str, str]:
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "ok    ", "FAILED"
    return "✓", "✗"


def _shown(cents: int | None) -> str:
    return "nothing" if cents is None else f"{cents / 100:,.2f}"
