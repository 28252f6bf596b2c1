"""Pins the public types: `make check` runs mypy over this file; nothing runs it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

import attrs

from thredfi_async import Paginator, Response, ThredfiClient, with_response
from thredfi_async.models import (
    BusinessListItem,
    BusinessTokenResponse,
    CreateBusinessResponse,
    CreateInvoiceRequest,
    Customer,
    DeleteInvoicePaymentResponse,
    Invoice,
    InvoiceLineItemRequest,
    InvoicePaymentDetail,
    InvoicePaymentList,
    InvoiceStatusEnum,
    Refund,
    RefundPayment,
    TaxCodeListResponse,
)
from thredfi_async.push import Outcome


async def services(thredfi: ThredfiClient, body: Mapping[str, Any]) -> None:
    shop = thredfi.business("id")
    assert_type(await thredfi.businesses.create(body), CreateBusinessResponse)
    assert_type(thredfi.businesses.list(), Paginator[BusinessListItem])
    assert_type(await thredfi.tokens.business("id"), BusinessTokenResponse)
    assert_type(await shop.customers.create(body), Customer)
    assert_type(await shop.tax_codes.list(), TaxCodeListResponse)
    assert_type(await shop.invoices.create(body, timeout=5, idempotency_key="k"), Invoice)
    assert_type(await shop.payments.create(body), InvoicePaymentDetail)
    assert_type(await shop.payments.get("id"), InvoicePaymentList)
    assert_type(await shop.payments.delete("id"), DeleteInvoicePaymentResponse)
    assert_type(await shop.refunds.create(body), Refund)
    assert_type(await shop.refund_payments.create("id", body), RefundPayment)
    await shop.invoices.create(body, tmeout=5)  # type: ignore[call-arg]
    await shop.invoices.create(Customer())  # type: ignore[arg-type]


async def lists(thredfi: ThredfiClient) -> None:
    invoices = thredfi.business("id").invoices.list(status=["sent"], page_size=50)
    assert_type(invoices, Paginator[Invoice])
    assert_type(await invoices.first(), Invoice | None)
    assert_type(await invoices.collect(limit=5), list[Invoice])
    async for invoice in invoices:
        assert_type(invoice.status, InvoiceStatusEnum | None)
        assert_type(invoice.sent_at, datetime | None)
        assert_type(invoice.total_amount, int | None)
        assert_type(attrs.evolve(invoice, memo="x"), Invoice)


async def around(thredfi: ThredfiClient) -> None:
    response = await with_response(thredfi.business("id").invoices.get("id"))
    assert_type(response, Response[Invoice])
    assert_type(response.created, bool)
    async for outcome in thredfi.push([{"type": "invoice"}], concurrency=8):
        assert_type(outcome, Outcome)


def models() -> None:
    line = InvoiceLineItemRequest(quantity=1.5, unit_price=450)
    CreateInvoiceRequest(external_id="i-1", sent_at=datetime.now(UTC), line_items=[line])
    CreateInvoiceRequest(external_id="i-1", line_items=[line])  # type: ignore[call-arg]
    InvoiceLineItemRequest(quantity="1")  # type: ignore[arg-type]
