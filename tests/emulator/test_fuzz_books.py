"""Whatever is asked in whatever order, good or bad: the books stay consistent."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.support import cases
from thredfi_async.emulator import books as rows

from .fuzzing import ground

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

amounts = st.integers(1, 500) | st.sampled_from([0, -1, 10**9, None])
names = st.sampled_from(["x1", "x2", "x3", "x4", "x5", ""])
external_ids = st.none() | names
statuses = st.sampled_from(
    ["pending", "processing", "completed", "failed", "cancelled", "refunded"]
)
lines = st.lists(
    st.fixed_dictionaries(
        {"quantity": st.sampled_from([1, 2, 0.5, -1]), "unit_price": st.integers(-50, 300)},
        optional={
            "tax_code": st.sampled_from(["VAT_20", "VAT_5", "NONE"]),
            "discount_amount": st.integers(-1, 20),
        },
    ),
    max_size=3,
)


def given_only(**fields):
    return {name: value for name, value in fields.items() if value is not None}


class Books(RuleBasedStateMachine):
    """One business; each rule is a request, and the ids that it made go into a bundle."""

    place = None  # the running emulator

    customers = Bundle("customers")
    invoices = Bundle("invoices")
    payments = Bundle("payments")
    refunds = Bundle("refunds")
    refund_payments = Bundle("refund payments")

    def __init__(self):
        super().__init__()
        self.shop = self.place.shop()

    def send(self, method, path, body=None):
        """A request that must not be a 500; a mapping of the answer where it went well."""
        more = () if body is None else (body,)
        answer = self.place.run(self.shop.send(method, path, *more))
        assert answer.status < 500, answer.body
        return (answer.body or {}) if answer.status < 300 else None

    def made(self, path, body):
        body = self.send("POST", path, body)
        return body and body.get("payment", body)["id"]

    # --- creates ---

    @rule(target=customers, external_id=external_ids)
    def create_customer(self, external_id):
        made = self.made("customers/", given_only(external_id=external_id))
        return made or multiple()

    @rule(
        target=invoices,
        customer=customers | st.none(),
        lines=lines,
        external_id=external_ids,
        tips=st.integers(-1, 5),
        discount=st.integers(-1, 100),
        voided=st.booleans(),
    )
    def create_invoice(self, customer, lines, external_id, tips, discount, voided):
        body = given_only(
            sent_at="2025-06-01",
            customer_id=customer,
            line_items=lines,
            external_id=external_id,
            tips=tips,
            additional_discount=discount,
            voided_at="2025-06-02T00:00:00Z" if voided and tips == 0 else None,
        )
        return self.made("invoices/", body) or multiple()

    @rule(target=invoices, customer=customers | st.none(), amount=st.integers(1, 500))
    def create_plain_invoice(self, customer, amount):
        body = given_only(
            sent_at="2025-06-01",
            customer_id=customer,
            line_items=[{"quantity": 1, "unit_price": amount}],
        )
        return self.made("invoices/", body) or multiple()

    @rule(target=payments, invoice=invoices, amount=amounts, external_id=external_ids)
    def pay_one_invoice(self, invoice, amount, external_id):
        body = given_only(
            invoice_id=invoice,
            amount_cents=amount,
            external_id=external_id,
            payment_date="2025-06-03",
            payment_method="cash",
        )
        return self.made("invoices/payments/", body) or multiple()

    @rule(
        target=payments,
        customer=customers,
        amount=amounts,
        shares=st.lists(st.tuples(invoices, amounts), max_size=3),
    )
    def pay_invoices(self, customer, amount, shares):
        body = given_only(
            customer_id=customer,
            total_amount_cents=amount,
            currency="GBP",
            payment_date="2025-06-03",
            payment_method="cash",
            allocations=[{"invoice_id": one, "amount_cents": share} for one, share in shares],
        )
        return self.made("invoices/payments/", body) or multiple()

    @rule(target=refunds, invoice=invoices, amount=amounts, external_id=external_ids)
    def refund(self, invoice, amount, external_id):
        body = given_only(invoice_id=invoice, amount_cents=amount, external_id=external_id)
        return self.made("invoices/refunds/", body) or multiple()

    @rule(target=refund_payments, refund=refunds, amount=amounts, external_id=names)
    def pay_refund(self, refund, amount, external_id):
        body = given_only(amount_cents=amount, method="CASH", external_id=external_id)
        made = self.made(f"invoices/refunds/{refund}/payments/", body)
        return (refund, made) if made else multiple()

    # --- changes ---

    @rule(
        invoice=invoices,
        customer=customers | st.none(),
        lines=lines | st.none(),
        external_id=external_ids,
    )
    def change_invoice(self, invoice, customer, lines, external_id):
        body = given_only(customer_id=customer, line_items=lines, external_id=external_id)
        self.send("PUT", f"invoices/{invoice}/", body)

    @rule(invoice=invoices)
    def void(self, invoice):
        self.send("POST", f"invoices/{invoice}/void/")

    @rule(
        payment=payments,
        amount=amounts,
        customer=customers | st.none(),
        status=st.none() | statuses,
        external_id=external_ids,
        shares=st.none() | st.lists(st.tuples(invoices, amounts), max_size=3),
    )
    def change_payment(self, payment, amount, customer, status, external_id, shares):
        body = given_only(
            total_amount_cents=amount,
            customer_id=customer,
            status=status,
            external_id=external_id,
            allocations=None
            if shares is None
            else [{"invoice_id": one, "amount_cents": share} for one, share in shares],
        )
        self.send("PATCH", f"invoices/payments/{payment}/", body)

    @rule(payment=payments, status=statuses)
    def set_status(self, payment, status):
        self.send("PUT", f"invoices/payments/{payment}/", {"status": status})

    @rule(payment=payments)
    def delete_payment(self, payment):
        self.send("POST", f"invoices/payments/{payment}/delete/")

    @rule(refund=refunds)
    def delete_refund(self, refund):
        self.send("DELETE", f"invoices/refunds/{refund}/")

    @rule(one=refund_payments)
    def delete_refund_payment(self, one):
        refund, payment = one
        self.send("DELETE", f"invoices/refunds/{refund}/payments/{payment}/")

    @rule(customer=customers, external_id=external_ids, verb=st.sampled_from(["", "un"]))
    def archive_customer(self, customer, external_id, verb):
        body = given_only(external_id=external_id)
        self.send("POST", f"customers/{customer}/{verb}archive/", body)

    # --- looks ---

    @rule()
    def what_is_listed_is_what_the_books_hold(self):
        held = self.shop.books
        invoices = self.send("GET", "invoices/?page_size=100")["results"]
        assert {one["id"] for one in invoices} == held.invoices.keys()
        live = [one for one in invoices if one["status"] != "voided"]
        totals = held.totals()
        assert sum(one["outstanding_balance"] for one in live) == totals.outstanding
        assert sum(one["total_amount"] for one in live) == totals.invoiced
        payments = self.send("GET", "invoices/payments/?page_size=100")["results"]
        allocated = sum(one["allocated_amount"] for one in payments)
        assert allocated == totals.invoiced - totals.outstanding
        refunds = self.send("GET", "invoices/refunds/?page_size=100")["results"]
        assert sum(one["refunded_amount"] for one in refunds) == totals.refunded

    @invariant()
    def no_invoice_is_paid_or_refunded_beyond_its_limits(self):
        books = self.shop.books
        for invoice in books.invoices.values():
            shares = [one.allocations.get(invoice.id, 0) for one in books.payments.values()]
            refunds = [one.amount for one in books.refunds.values() if one.invoice is invoice]
            assert invoice.paid == sum(shares)
            assert invoice.refunded == sum(refunds)
            assert 0 <= invoice.refunded <= invoice.paid <= invoice.total
            assert invoice.total == sum(line.total for line in invoice.lines) + (
                (invoice.fields.get("tips") or 0) - (invoice.fields.get("additional_discount") or 0)
            )
            assert {one.id for one in invoice.payments.values()} == {
                one.id for one in books.payments.values() if invoice.id in one.allocations
            }
            if invoice.voided_at:
                assert invoice.paid == 0
            assert (invoice.paid_at is None) == (invoice.status not in ("paid", "refunded"))

    @invariant()
    def no_payment_pays_more_than_it_is(self):
        for payment in self.shop.books.payments.values():
            assert sum(payment.allocations.values()) <= payment.amount
            assert all(share > 0 for share in payment.allocations.values())
            assert payment.allocations.keys() == payment.allocation_ids.keys()
            assert payment.is_live or not payment.allocations
            for name in payment.allocations:
                owner = self.shop.books.invoices[name].customer
                assert payment.customer is None or owner in (None, payment.customer)

    @invariant()
    def no_refund_is_paid_beyond_its_amount(self):
        books = self.shop.books
        for refund in books.refunds.values():
            parts = [one for one in books.refund_payments.values() if one.refund is refund]
            assert refund.paid == sum(one.amount for one in parts) <= refund.amount
            assert {one.id for one in parts} == refund.payments.keys()

    @invariant()
    def an_external_id_names_one_thing_of_a_kind(self):
        books = self.shop.books
        for kind, table in (
            (rows.Customer, books.customers),
            (rows.Invoice, books.invoices),
            (rows.Payment, books.payments),
            (rows.Refund, books.refunds),
            (rows.RefundPayment, books.refund_payments),
        ):
            named = [row for row in table.values() if row.external_id]
            assert len({(row.within, row.external_id) for row in named}) == len(named)
            assert all(
                books.by_external_id(kind, row.external_id, within=row.within) is row
                for row in named
            )
            for name in ("x1", "x2", "x3", "x4", "x5"):
                found = books.by_external_id(kind, name)
                assert found is None or found.external_id == name


@pytest.fixture(scope="module")
def place():
    with ground() as place:
        yield place


def test_the_books_stay_consistent(place):
    Books.place = place
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=cases(10, 60),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
