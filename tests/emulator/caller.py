"""Raw requests to the emulator by plain aiohttp, every answer checked against the description."""

from __future__ import annotations

import base64
import itertools
import json as jsonlib
from datetime import date
from typing import Any

import aiohttp
import attrs
from yarl import URL

from thredfi_async.emulator import Emulator
from thredfi_async.emulator.books import Role

from . import description
from .watcher import MARK, UNDESCRIBED

NOTHING: Any = object()
NOBODY = "00000000-0000-4000-8000-000000000000"
PDF = b"%PDF-1.7 \x00\xff"


def basic(user: str, password: str) -> dict[str, str]:
    """The header that carries credentials."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@attrs.frozen
class Answer:
    """What came back: ``body`` is the decoded JSON, None where there was none."""

    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> str:
        """The error_code of a refusal."""
        return self.body["error_code"]

    @property
    def fields(self) -> dict[str, list[str]]:
        """The texts per field of a refusal."""
        return self.body["detail"]


class Caller:
    """Sends what it is told to. ``token`` None: no Authorization."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.session = session
        self.token: str | None = None

    async def send(
        self,
        method: str,
        path: str,
        json: Any = NOTHING,
        *,
        data: Any = None,
        headers: dict[str, str] | None = None,
        token: str | None = NOTHING,
        params: dict[str, Any] | None = None,
    ) -> Answer:
        """One request; its answer is held against the description."""
        sent = dict(headers or {})
        token = self.token if token is NOTHING else token
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        if json is not NOTHING:
            data = jsonlib.dumps(json).encode()
            sent.setdefault("Content-Type", "application/json")
        url = URL(self.emulator.url + path, encoded=True)
        async with self.session.request(
            method, url.update_query(params) if params else url, data=data, headers=sent
        ) as answer:
            content = await answer.read()
            body = jsonlib.loads(content) if content else None
            if content:
                assert answer.content_type == "application/json"
            if answer.headers.get(MARK) != UNDESCRIBED:
                description.check(method, path.partition("?")[0], answer.status, body)
            if answer.status >= 400:
                request_id = answer.headers["X-Request-ID"]
                assert request_id == body.get("request_id", request_id) != ""
            return Answer(answer.status, body, answer.headers)

    async def partner_token(self) -> str:
        """A fresh token of the partner."""
        headers = basic(self.emulator.partner_uuid, self.emulator.api_key)
        answer = await self.send("POST", "/v1/platform/oauth2/token/", headers=headers)
        return answer.body["access_token"]

    async def business_token(self, business_id: str) -> str:
        """A fresh token of a business; ``token`` must be the partner's."""
        answer = await self.send("POST", f"/v1/platform/{business_id}/oauth2/token/")
        return answer.body["access_token"]


class Shop:
    """One business, called with its own token. The makers answer the body of a 201."""

    def __init__(self, caller: Caller, business_id: str, token: str) -> None:
        self.caller = caller
        self.id = business_id
        self.token = token
        self._numbers = itertools.count(1)

    @property
    def books(self) -> Any:
        return self.caller.emulator.books(self.id)

    async def renew(self) -> None:
        """Fetch new tokens, after the clock went past the lifetime of the old ones."""
        self.caller.token = await self.caller.partner_token()
        self.token = await self.caller.business_token(self.id)

    async def send(self, method: str, path: str, json: Any = NOTHING, **more: Any) -> Answer:
        more.setdefault("token", self.token)
        return await self.caller.send(
            method, f"/v1/platform/businesses/{self.id}/{path}", json, **more
        )

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.send("GET", path, params=params)

    async def post(self, path: str, json: Any = NOTHING, **more: Any) -> Answer:
        return await self.send("POST", path, json, **more)

    async def _made(self, path: str, json: Any) -> Any:
        answer = await self.post(path, json)
        assert answer.status == 201, answer.body
        return answer.body

    async def customer(self, **fields: Any) -> Any:
        return await self._made("customers/", {"company_name": "Buyer Ltd", **fields})

    async def invoice(self, amount: int = 10_000, **fields: Any) -> Any:
        """An invoice of one line without tax, unless ``line_items`` say otherwise."""
        lines = [{"description": "Work", "quantity": 1, "unit_price": amount}]
        return await self._made(
            "invoices/", {"sent_at": "2025-06-01T09:00:00Z", "line_items": lines, **fields}
        )

    async def payment(self, invoice: Any, amount: int, **fields: Any) -> Any:
        """A payment of one invoice, in the form that the guides show."""
        return (
            await self._made(
                "invoices/payments/",
                {
                    "invoice_id": invoice["id"],
                    "amount_cents": amount,
                    "payment_date": "2025-06-02",
                    "payment_method": "bank_transfer",
                    **fields,
                },
            )
        )["payment"]

    async def refund(self, invoice: Any, amount: int | None = None, **fields: Any) -> Any:
        some = {} if amount is None else {"amount_cents": amount}
        return await self._made(
            "invoices/refunds/", {"invoice_id": invoice["id"], **some, **fields}
        )

    async def refund_payment(self, refund: Any, amount: int, **fields: Any) -> Any:
        body = {
            "amount_cents": amount,
            "method": "BANK_TRANSFER",
            "external_id": f"rp-{next(self._numbers)}",
        }
        return await self._made(f"invoices/refunds/{refund['id']}/payments/", {**body, **fields})

    async def customer_credit(self, customer: Any, amount: int, *shares: Any, **fields: Any) -> Any:
        """A sent credit of one line; ``shares`` are invoices with what is applied to each."""
        body = {
            "external_id": f"cc-{len(self.books.customer_credits) + 1}",
            "customer_id": customer["id"],
            "sent_at": "2025-06-05T09:00:00Z",
            "line_items": [{"amount": amount}],
            "allocations": [
                {"invoice_id": invoice["id"], "amount": share} for invoice, share in shares
            ],
        }
        return await self._made("customer-credits/", {**body, **fields})

    async def write_off(self, invoice: Any, amount: int | None = None, **fields: Any) -> Any:
        some = {} if amount is None else {"amount_cents": amount}
        return await self._made(f"invoices/{invoice['id']}/write-offs/", {**some, **fields})

    async def payout(self, amount: int, *payments: Any, **fields: Any) -> Any:
        """A payout without a fee that has arrived."""
        body = {
            "external_id": f"po-{len(self.books.payouts) + 1}",
            "processor": "stripe",
            "paid_out_amount_cents": amount,
            "fee_cents": 0,
            "currency": "GBP",
            "status": "paid",
            "completed_at": "2025-06-04T09:00:00Z",
            "payment_ids": [payment["id"] for payment in payments],
        }
        return await self._made("payouts/", {**body, **fields})

    async def vendor(self, **fields: Any) -> Any:
        return await self._made("vendors/", {"company_name": "Mill Ltd", **fields})

    async def bill(self, vendor: Any, amount: int = 10_000, **fields: Any) -> Any:
        """A bill of one line without tax, unless ``line_items`` say otherwise."""
        body = {
            "external_id": f"bill-{len(self.books.bills) + 1}",
            "vendor_id": vendor["id"],
            "received_at": "2025-06-01T09:00:00Z",
            "line_items": [{"description": "Flour", "quantity": 1, "unit_price": amount}],
        }
        return await self._made("bills/", {**body, **fields})

    async def bill_payment(self, vendor: Any, amount: int, *shares: Any, **fields: Any) -> Any:
        """A payment; ``shares`` are bills with what is paid of each."""
        body = {
            "vendor_id": vendor["id"],
            "amount_cents": amount,
            "currency": "GBP",
            "payment_date": "2025-06-02",
            "allocations": [
                {"bill_id": bill["id"], "amount_cents": share} for bill, share in shares
            ],
        }
        return await self._made("bills/payments/", {**body, **fields})

    async def vendor_credit(self, vendor: Any, amount: int, *shares: Any, **fields: Any) -> Any:
        """A credit of one line; ``shares`` are bills with what is applied to each."""
        body = {
            "external_id": f"vc-{len(self.books.vendor_credits) + 1}",
            "vendor_id": vendor["id"],
            "received_at": "2025-06-05T09:00:00Z",
            "line_items": [{"amount": amount}],
            "allocations": [{"bill_id": bill["id"], "amount": share} for bill, share in shares],
        }
        return await self._made("vendor-credits/", {**body, **fields})

    async def vendor_refund(self, vendor: Any, amount: int, **fields: Any) -> Any:
        body = {"vendor_id": vendor["id"], "total_refunded_amount_cents": amount}
        return await self._made("vendor-refunds/", {**body, "currency": "GBP", **fields})

    async def vendor_refund_payment(self, vendor: Any, amount: int, **fields: Any) -> Any:
        body = {"vendor_id": vendor["id"], "total_amount_cents": amount}
        return await self._made("vendor-refunds/payments/", {**body, **fields})

    async def uploaded(self, name: str = "bon.pdf", place: str = "ar-documents") -> str:
        """Send `PDF` ahead, as the widget does; its document_id."""
        form = aiohttp.FormData()
        form.add_field("file", PDF, filename=name, content_type="application/pdf")
        url = f"{self.caller.emulator.url}/v1/platform/businesses/{self.id}/{place}/upload"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.caller.session.post(url, data=form, headers=headers) as answer:
            body = await answer.json()
            assert answer.status == 201, body
            assert body == {"document_id": body["document_id"], "task_id": None}
            return str(body["document_id"])

    # --- what the ledger says ------------------------------------------------------------

    def balance(self, role: Role) -> int:
        """Debits less credits of an account."""
        return int(self.books.ledger.of(role).net())

    def balances(self, *roles: Role) -> list[int]:
        """Debits less credits of each account."""
        return [self.balance(role) for role in roles]

    def owed(self, bill: Any) -> int:
        """What is open of a bill."""
        open_items = self.books.ledger.open_items(Role.PAYABLE, date.max)
        return int(-open_items.get(bill["id"], 0))

    # --- as it is now --------------------------------------------------------------------

    async def seen(self, invoice: Any) -> Any:
        """An invoice as it is now."""
        return (await self.get(f"invoices/{invoice['id']}/")).body

    async def seen_bill(self, bill: Any) -> Any:
        """A bill as it is now."""
        return (await self.get(f"bills/{bill['id']}/")).body
