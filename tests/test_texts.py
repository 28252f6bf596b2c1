"""What an error suggests in place of a name that is unknown."""

from __future__ import annotations

import pytest

from thredfi_async.push.kinds import KINDS
from thredfi_async.texts import nearest

FIELDS = ("amount_cents", "payment_date", "due_at", "external_id", "additional_discount", "memo")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("costumer", "customer"),
        ("invocie", "invoice"),
        ("Invoice", "invoice"),
        ("refundpayment", "refund_payment"),
        ("refund-payments", "refund_payment"),
        ("payout", None if "payout" not in KINDS else "payout"),
        ("ledger", None),
        ("", None),
        ("x" * 1000, None),
    ],
)
def test_a_type_is_suggested_only_where_it_is_a_slip_away(name: str, meant: str | None) -> None:
    assert nearest(name, KINDS) == meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("externalId", "external_id"),
        ("amount", "amount_cents"),
        ("date", "payment_date"),
        ("discount", "additional_discount"),
        ("at", "due_at"),
        ("total", None),
        ("do", None),
    ],
)
def test_a_field_is_suggested_where_it_is_the_only_one_with_these_words(
    name: str, meant: str | None
) -> None:
    assert nearest(name, FIELDS) == meant


def test_what_is_nearer_is_suggested() -> None:
    assert nearest("list_invoice", ["list_invoice_payments", "list_invoices"]) == "list_invoices"
    assert nearest("payment", ["bill_payment", "refund_payment"]) is None
