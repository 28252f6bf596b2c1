"""Answers in the shapes that Thred's own widget reads, where they are not the described ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import operations
from .call import Answer

__all__ = ["adapted"]

_BUCKETS = {"1_30_days": "days_1_30", "31_60_days": "days_31_60", "61_90_days": "days_61_90"}


def adapted(operation_id: str, answer: Answer) -> Answer:
    """An answer of a described operation as the widget reads it: fields are added, none change."""
    adapt = _ADAPTERS.get(operation_id)
    return answer if adapt is None else Answer(answer.status, adapt(answer.body))


def _business(body: Any) -> Any:
    return {**body, "currency": body["base_currency"]}


def _vendors(body: Any) -> Any:
    return {**body, "data": body["results"]}


def _vendor(body: Any) -> Any:
    return {**body, "data": body}


def _aging(body: Any) -> Any:
    adapted = dict(body)
    for parties in ("customers", "vendors"):
        if parties in body:
            adapted[parties] = [
                {**row, "aging_buckets": _buckets(row["aging_buckets"])} for row in body[parties]
            ]
    return adapted


def _buckets(bands: Any) -> dict[str, int]:
    return {**bands, **{name: bands[known] for name, known in _BUCKETS.items()}}


def _invoice(body: Any) -> Any:
    return {"customer": {}, **body}


def _bill(body: Any) -> Any:
    return {"vendor": {}, **body}


def _bill_payments(body: Any) -> Any:
    rows = [{**row, "amount": row["amount_cents"]} for row in body["results"]]
    return {**body, "results": rows}


def _vendor_credits(body: Any) -> Any:
    return {**body, "results": [_vendor_credit(row) for row in body["results"]]}


def _vendor_credit(body: Any) -> Any:
    allocations = [
        {**one, "outstanding_amount_cents": one["bill_outstanding_balance_cents"]}
        for one in body["allocations"]
    ]
    return {**body, "allocations": allocations}


_ADAPTERS: dict[str, Callable[[Any], Any]] = {
    operations.GET_BUSINESS.id: _business,
    operations.LIST_VENDORS.id: _vendors,
    operations.FETCH_VENDOR.id: _vendor,
    operations.GET_AR_AGING.id: _aging,
    operations.GET_AP_AGING.id: _aging,
    operations.FETCH_INVOICE.id: _invoice,
    operations.GET_BILL.id: _bill,
    operations.LIST_BILL_PAYMENTS.id: _bill_payments,
    operations.LIST_VENDOR_CREDITS.id: _vendor_credits,
    operations.GET_VENDOR_CREDIT.id: _vendor_credit,
}
