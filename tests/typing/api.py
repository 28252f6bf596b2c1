"""Pins the public types: `make check` runs mypy over this file; nothing runs it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, assert_type

import attrs

from thredfi_async import Paginator, Response, ThredfiClient, Upload, operations, with_response
from thredfi_async.models import (
    APAging,
    BalanceSheetReport,
    BankAccountConnectionSummary,
    BankTransaction,
    Bill,
    BillPayment,
    BillPaymentListItem,
    BusinessListItem,
    BusinessTokenResponse,
    ChartOfAccountsHierarchy,
    CreateBusinessResponse,
    CreateInvoiceRequest,
    Customer,
    CustomerCredit,
    DeleteInvoicePaymentResponse,
    FinancialSummary,
    Invoice,
    InvoiceLineItemRequest,
    InvoicePaymentDetail,
    InvoicePaymentList,
    InvoiceStatusEnum,
    InvoiceWriteOff,
    JournalEntry,
    LedgerAccountDetail,
    LedgerAccountEntries,
    MenuConfig,
    PaginatedReceiptList,
    PayoutListItem,
    PayoutResponse,
    Refund,
    RefundPayment,
    TaxCodeListResponse,
    Vendor,
    VendorCredit,
    VendorRefund,
    VendorRefundPaymentResult,
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
    customer = Customer(id="c")
    await shop.invoices.create(customer)  # type: ignore[arg-type]


async def payables(thredfi: ThredfiClient, body: Mapping[str, Any]) -> None:
    shop = thredfi.business("id")
    assert_type(await shop.vendors.create(body), Vendor)
    assert_type(await shop.bills.update("id", body), Bill)
    assert_type(await shop.bill_payments.create(body), BillPayment)
    assert_type(shop.bill_payments.list(status="pending"), Paginator[BillPaymentListItem])
    assert_type(await shop.vendor_credits.get("id"), VendorCredit)
    assert_type(await shop.vendor_credits.delete("id"), None)
    assert_type(await shop.vendor_refunds.create(body), VendorRefund)
    assert_type(await shop.vendor_refund_payments.create(body), VendorRefundPaymentResult)


async def ledger(thredfi: ThredfiClient, body: Mapping[str, Any]) -> None:
    shop = thredfi.business("id")
    day = date(2025, 1, 31)
    assert_type(shop.bank_accounts.list(), Paginator[BankAccountConnectionSummary])
    assert_type(shop.bank_transactions.list(direction="debit"), Paginator[BankTransaction])
    assert_type(await shop.chart_of_accounts.create_child("4000", body), LedgerAccountDetail)
    assert_type(await shop.chart_of_accounts.hierarchy(), ChartOfAccountsHierarchy)
    assert_type(await shop.chart_of_accounts.entries("4000"), LedgerAccountEntries)
    assert_type(shop.journal_entries.list(), Paginator[JournalEntry])
    assert_type(await shop.reports.balance_sheet(as_of_date=day), BalanceSheetReport)
    assert_type(
        await shop.insights.financial_summary(start_date=day, end_date=day), FinancialSummary
    )
    assert_type(await shop.insights.ap_aging(group_by="vendor"), APAging)
    await shop.insights.financial_summary(start_date=day)  # type: ignore[call-arg]
    await shop.insights.ap_aging(group_by="customer")  # type: ignore[arg-type]


async def others(thredfi: ThredfiClient, body: Mapping[str, Any]) -> None:
    shop = thredfi.business("id")
    assert_type(await shop.payouts.create(body), PayoutResponse)
    assert_type(shop.payouts.list(), Paginator[PayoutListItem])
    assert_type(await shop.customer_credits.create(body), CustomerCredit)
    assert_type(await shop.invoices.write_off("id", body), InvoiceWriteOff)
    assert_type(await shop.menu_config.get(), MenuConfig)
    assert_type(await shop.receipts.list(), PaginatedReceiptList)
    assert_type(await shop.receipts.reconciliations("id"), dict[str, Any])


async def uploads(thredfi: ThredfiClient, body: Mapping[str, Any]) -> None:
    shop = thredfi.business("id")
    file = Upload("invoice.pdf", content_type="application/pdf")
    assert_type(Upload.of(b"...", filename="scan.png"), Upload)
    assert_type(await shop.invoices.create(body, file=file), Invoice)
    await shop.invoices.create(body, file="invoice.pdf")  # type: ignore[arg-type]
    await shop.customers.create(body, file=file)  # type: ignore[call-arg]


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


async def any_operation(thredfi: ThredfiClient) -> None:
    shop = thredfi.business("id")
    assert_type(await shop.call(operations.FETCH_INVOICE, path={"invoice_id": "id"}), Invoice)
    assert_type(shop.list(operations.LIST_INVOICES, query={}), Paginator[Invoice])
    await shop.call("fetch_invoice")  # type: ignore[arg-type]
    await shop.call(operations.FETCH_INVOICE, retry=1)  # type: ignore[call-arg]


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
