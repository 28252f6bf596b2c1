"""Random requests of all kinds, good and bad, for tests that look at the books between them.

A move is a function that sends one request through a `Play`. What an operation made is kept
under the name of its resource, for later moves to pick from. Add a move for every operation
that books something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from .caller import NOBODY, Shop
from .fuzzing import Ground

DAYS = ("2024-12-31", "2025-01-15", "2025-02-28", "2025-06-30", "2026-01-01")

Move = Callable[["Play"], None]
T = TypeVar("T")

_PRICES = (*range(1, 400, 7), 0, -20, 10**7)


class Area:
    """The moves of one part of the API.

    It decorates them with what must have been made before, and with what there are enough of.
    """

    def __init__(self) -> None:
        self.moves: list[tuple[Move, tuple[str, ...], str]] = []

    def __call__(self, *needs: str, few: str = "") -> Callable[[Move], Move]:
        def keep(move: Move) -> Move:
            self.moves.append((move, needs, few))
            return move

        return keep


receivable, payable, chart = Area(), Area(), Area()


class Play:
    """One sequence of moves on a business of its own."""

    def __init__(self, place: Ground, random: Random) -> None:
        self.shop: Shop = place.shop()
        self.random = random
        self.made: dict[str, list[str]] = defaultdict(list)
        self.done: list[str] = []  # what was taken, for the output of a failing example
        self._run = place.run
        areas = self.any(((receivable,), (payable,), (receivable, payable)))
        self._moves = [move for area in (*areas, chart) for move in area.moves]

    def step(self) -> None:
        """One move, of those that can go well."""
        able = [
            move
            for move, needs, few in self._moves
            if all(self.made[kind] for kind in needs) and len(self.made[few]) < 3
        ]
        self.any(able)(self)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a 2xx answer ({} where there is none), None where it was refused."""
        more = () if body is None else (body,)
        answer = self._run(self.shop.send(method, path, *more))
        assert answer.status < 500 or answer.status == 501, (method, path, body, answer.body)
        if answer.status >= 300:
            return None
        self.done.append(f"{method} {path} {body}")
        return answer.body or {}

    def make(self, kind: str, path: str, **fields: Any) -> Any:
        """Create something of the fields that aren't None; it can be picked from then on."""
        body = self.send("POST", path, given_only(fields))
        if body is not None:
            found = body.get("payment", body)["id"]
            if found not in self.made[kind]:
                self.made[kind].append(found)
        return body

    def any(self, values: Sequence[T]) -> T:
        """One of some values."""
        return self.random.choice(values)

    def pick(self, kind: str) -> str:
        """The id of something made before, now and then an id of nothing."""
        return self.any([*self.made[kind][-5:] * 8, NOBODY])

    def maybe(self, kind: str) -> str | None:
        """The id of something made before, or None."""
        return self.any([None, *self.made[kind]])

    def row(self, id: str) -> Any:
        """What the books hold under an id, or None."""
        return next((kind[id] for kind in self.shop.books._rows.values() if id in kind), None)

    def party(self, kind: str, id: str) -> str:
        """The id of the customer or vendor of a document, now and then another one."""
        own = getattr(self.row(id), kind, None)
        found = self.pick(f"{kind}s")
        return own.id if own is not None and found != NOBODY else found

    def amount(self, id: str = NOBODY) -> int:
        """Mostly something that fits what is outstanding of a row, or all of it."""
        left = getattr(self.row(id), "outstanding", 0)
        fitting = (left, left // 2, left // 3, 1) if left > 2 else (25, 60, 100)
        return self.any((*fitting * 6, left + 1, 0, 10**9))

    def day(self) -> str:
        return self.any(DAYS)

    def instant(self) -> str:
        return f"{self.day()}T12:00:00Z"

    def external_id(self) -> str:
        """Mostly a new one; some operations can't do without."""
        return self.any((None, None, None, None, "x1", "x2", "x3")) or f"n{self.random.random()}"

    def flag(self) -> bool:
        return self.any((True, False))

    def several(self, *fields: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
        """Up to three of what these make, mostly one."""
        count = self.any((1, 1, 1, 2, 3, 0))
        return [self.any(fields)() for _ in range(count)]

    def account(self) -> dict[str, str] | None:
        """Names an account to book on, mostly one that takes it."""
        usual = [None, "4900", "5000", "7900", "8000", "1400", "0030", "2300", "3000", "1100"]
        code = self.any([*usual, *self.made["codes"]])
        found = code and self.shop.books.ledger.find(code)
        return {"type": "AccountId", "id": found.id} if found else None


def given_only(fields: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that are None."""
    return {name: value for name, value in fields.items() if value is not None}


# --- customers, invoices and their payments --------------------------------------------


@receivable(few="customers")
def create_customer(play: Play) -> None:
    play.make("customers", "customers/", company_name="Buyer", external_id=play.external_id())


def invoice_lines(play: Play) -> list[dict[str, Any]]:
    return play.several(
        lambda: {"quantity": 1, "unit_price": play.any(_PRICES)},
        lambda: {"quantity": 2, "unit_price": play.any(_PRICES), "tax_code": "VAT_20"},
        lambda: given_only(
            {"quantity": 1, "unit_price": play.amount(), "account_identifier": play.account()}
        ),
    )


@receivable()
def create_invoice(play: Play) -> None:
    play.make(
        "invoices",
        "invoices/",
        sent_at=play.day(),
        due_at=play.day() if play.flag() else None,
        customer_id=play.maybe("customers"),
        external_id=play.external_id(),
        line_items=invoice_lines(play),
        tips=play.any((None, None, 5, -1)),
        additional_discount=play.any((None, None, 10)),
    )


@receivable()
def create_plain_invoice(play: Play) -> None:
    play.make(
        "invoices",
        "invoices/",
        sent_at=play.day(),
        customer_id=play.maybe("customers"),
        line_items=[{"quantity": 1, "unit_price": play.amount(), "tax_code": "VAT_20"}],
    )


@receivable("invoices")
def change_invoice(play: Play) -> None:
    body = given_only(
        {
            "line_items": invoice_lines(play) or None,
            "customer_id": play.maybe("customers"),
            "due_at": play.day(),
        }
    )
    play.send("PUT", f"invoices/{play.pick('invoices')}/", body)


@receivable("invoices")
def void_invoice(play: Play) -> None:
    if play.any((True, False, False)):  # a voided one takes no more moves
        play.send("POST", f"invoices/{play.pick('invoices')}/void/", {})


def _shares(play: Play, kind: str, name: str, amount: str = "amount_cents") -> list[dict[str, Any]]:
    def share() -> dict[str, Any]:
        id = play.pick(kind)
        return {name: id, amount: play.amount(id)}

    return play.several(share) if play.made[kind] else []


def _covering(play: Play, shares: list[dict[str, Any]]) -> int:
    """An amount that mostly covers what is shared out."""
    return sum(one["amount_cents"] for one in shares) + play.any((*(0, 0, 40) * 5, -1))


@receivable("invoices")
def pay_invoice(play: Play) -> None:
    invoice = play.pick("invoices")
    play.make(
        "payments",
        "invoices/payments/",
        invoice_id=invoice,
        amount_cents=play.amount(invoice),
        external_id=play.external_id(),
        payment_date=play.day(),
        payment_method="credit_card",
        payment_processor=play.any((None, "STRIPE")),
        processing_fee_cents=play.any((None, 7)),
    )


@receivable("customers", "invoices")
def pay_invoices(play: Play) -> None:
    shares = _shares(play, "invoices", "invoice_id")
    play.make(
        "payments",
        "invoices/payments/",
        customer_id=play.party("customer", shares[0]["invoice_id"] if shares else NOBODY),
        total_amount_cents=_covering(play, shares),
        currency="GBP",
        payment_date=play.day(),
        payment_method="bank_transfer",
        allocations=shares,
    )


@receivable("payments")
def change_payment(play: Play) -> None:
    statuses = (None, "pending", "processing", "completed", "failed", "cancelled", "refunded")
    body = given_only(
        {
            "total_amount_cents": play.amount() if play.flag() else None,
            "status": play.any(statuses),
            "payment_date": play.day() if play.flag() else None,
            "allocations": _shares(play, "invoices", "invoice_id") if play.flag() else None,
        }
    )
    play.send("PATCH", f"invoices/payments/{play.pick('payments')}/", body)


@receivable("payments")
def delete_payment(play: Play) -> None:
    play.send("POST", f"invoices/payments/{play.pick('payments')}/delete/")


# --- refunds, credits, write-offs and payouts ------------------------------------------


@receivable("payments")
def refund_invoice(play: Play) -> None:
    payment = play.row(play.pick("payments"))
    paid = list(payment.allocations) if payment else []
    play.make(
        "refunds",
        "invoices/refunds/",
        invoice_id=play.any(paid) if paid else play.pick("invoices"),
        amount_cents=play.amount() if play.flag() else None,
        external_id=play.external_id(),
        completed_at=play.instant() if play.flag() else None,
    )


@receivable("refunds")
def delete_refund(play: Play) -> None:
    play.send("DELETE", f"invoices/refunds/{play.pick('refunds')}/")


@receivable("refunds")
def pay_refund(play: Play) -> None:
    refund = play.pick("refunds")
    body = play.make(
        "refund payments",
        f"invoices/refunds/{refund}/payments/",
        amount_cents=play.amount(),
        method=play.any(("CASH", "DEBIT_CARD", "STRIPE")),
        external_id=play.external_id(),
        completed_at=play.instant(),
        refund_processing_fee_cents=play.any((None, 3)),
    )
    if body is not None:
        play.made["paths of refund payments"].append(f"{refund}/payments/{body['id']}")


@receivable("refund payments")
def delete_refund_payment(play: Play) -> None:
    play.send("DELETE", f"invoices/refunds/{play.pick('paths of refund payments')}/")


@receivable("customers")
def create_customer_credit(play: Play) -> None:
    play.make(
        "customer credits",
        "customer-credits/",
        external_id=play.external_id(),
        customer_id=play.party("customer", play.pick("invoices")),
        line_items=play.several(
            lambda: {"amount": play.amount(), "tax_amount_cents": play.random.randint(0, 20)},
            lambda: given_only(
                {"amount": play.amount(), "revenue_account_identifier": play.account()}
            ),
        ),
        sent_at=play.instant() if play.flag() else None,
        allocations=_shares(play, "invoices", "invoice_id", "amount"),
    )


@receivable("customer credits")
def change_customer_credit(play: Play) -> None:
    body = given_only(
        {
            "allocations": _shares(play, "invoices", "invoice_id", "amount"),
            "sent_at": play.instant() if play.flag() else None,
            "line_items": [{"amount": play.amount()}] if play.flag() else None,
        }
    )
    play.send("PUT", f"customer-credits/{play.pick('customer credits')}/", body)


@receivable("customer credits")
def delete_customer_credit(play: Play) -> None:
    play.send("DELETE", f"customer-credits/{play.pick('customer credits')}/")


@receivable("invoices")
def write_off(play: Play) -> None:
    invoice = play.pick("invoices")
    body = given_only(
        {
            "external_id": play.external_id(),
            "amount_cents": play.amount(invoice) if play.flag() else None,
            "write_off_at": play.instant() if play.flag() else None,
            "destination_account": play.account(),
        }
    )
    play.send("POST", f"invoices/{invoice}/write-offs/", body)


@receivable("payments")
def pay_out(play: Play) -> None:
    play.make(
        "payouts",
        "payouts/",
        external_id=play.external_id(),
        processor="stripe",
        paid_out_amount_cents=play.amount(),
        fee_cents=play.any((0, 0, 0, 9, 9, -1)),
        currency="GBP",
        status=play.any(("paid", "pending")),
        completed_at=play.instant(),
        payment_ids=[play.pick("payments") for _ in range(play.random.randint(0, 2))],
        refund_payment_ids=play.made["refund payments"][-1:],
    )


@receivable("payouts")
def delete_payout(play: Play) -> None:
    play.send("DELETE", f"payouts/{play.pick('payouts')}/")


# --- vendors, bills and their payments -------------------------------------------------


@payable(few="vendors")
def create_vendor(play: Play) -> None:
    play.make("vendors", "vendors/", company_name="Supplier", external_id=play.external_id())


def bill_lines(play: Play) -> list[dict[str, Any]]:
    return play.several(
        lambda: {"quantity": 1, "unit_price": play.any(_PRICES)},
        lambda: {
            "quantity": 2,
            "unit_price": play.any(_PRICES),
            "sales_taxes": [{"amount": play.random.randint(0, 30)}],
        },
        lambda: given_only(
            {"quantity": 1, "unit_price": play.amount(), "account_identifier": play.account()}
        ),
    )


@payable("vendors")
def create_bill(play: Play) -> None:
    play.make(
        "bills",
        "bills/",
        external_id=play.external_id(),
        vendor_id=play.pick("vendors"),
        line_items=bill_lines(play),
        bill_date=play.day() if play.flag() else None,
        received_at=play.instant() if play.flag() else None,
        due_at=play.instant() if play.flag() else None,
    )


@payable("bills")
def change_bill(play: Play) -> None:
    body = given_only(
        {
            "line_items": bill_lines(play) or None,
            "vendor_id": play.maybe("vendors"),
            "received_at": play.instant() if play.flag() else None,
            "due_at": play.instant() if play.flag() else None,
        }
    )
    play.send("PUT", f"bills/{play.pick('bills')}/", body)


@payable("bills")
def void_bill(play: Play) -> None:
    if play.any((True, False, False)):
        play.send("POST", f"bills/{play.pick('bills')}/void/", {})


@payable("bills")
def pay_bills(play: Play) -> None:
    shares = _shares(play, "bills", "bill_id")
    play.make(
        "bill payments",
        "bills/payments/",
        vendor_id=play.party("vendor", shares[0]["bill_id"] if shares else NOBODY),
        amount_cents=_covering(play, shares),
        payment_date=play.day(),
        payment_method="bank_transfer",
        external_id=play.external_id(),
        processing_fee_cents=play.any((None, 4)),
        allocations=shares,
    )


@payable("bill payments")
def change_bill_payment(play: Play) -> None:
    statuses = (None, "pending", "processing", "completed", "failed", "cancelled")
    body = given_only(
        {
            "status": play.any(statuses),
            "failure_reason": "No funds" if play.flag() else None,
            "processing_fee_cents": play.any((None, 0, 8)),
            "allocations": _shares(play, "bills", "bill_id") if play.flag() else None,
        }
    )
    play.send("PATCH", f"bills/payments/{play.pick('bill payments')}/", body)


@payable("bill payments")
def delete_bill_payment(play: Play) -> None:
    play.send("POST", f"bills/payments/{play.pick('bill payments')}/delete/")


# --- credits and refunds of vendors ----------------------------------------------------


@payable("vendors")
def create_vendor_credit(play: Play) -> None:
    play.make(
        "vendor credits",
        "vendor-credits/",
        external_id=play.external_id(),
        vendor_id=play.party("vendor", play.pick("bills")),
        line_items=play.several(
            lambda: {"amount": play.amount()},
            lambda: given_only(
                {"amount": play.amount(), "expense_account_identifier": play.account()}
            ),
        ),
        received_at=play.instant() if play.flag() else None,
        allocations=_shares(play, "bills", "bill_id", "amount"),
    )


@payable("vendor credits")
def change_vendor_credit(play: Play) -> None:
    body = given_only(
        {
            "allocations": _shares(play, "bills", "bill_id", "amount"),
            "line_items": [{"amount": play.amount()}] if play.flag() else None,
        }
    )
    play.send("PUT", f"vendor-credits/{play.pick('vendor credits')}/", body)


@payable("vendor credits")
def delete_vendor_credit(play: Play) -> None:
    play.send("DELETE", f"vendor-credits/{play.pick('vendor credits')}/")


def _taken_back(play: Play) -> list[dict[str, Any]]:
    return play.several(
        lambda: {
            "allocation_type": "bill",
            "bill_id": play.pick("bills"),
            "amount_cents": play.amount(),
        },
        lambda: {
            "allocation_type": "payment",
            "bill_payment_id": play.pick("bill payments"),
            "amount_cents": play.amount(),
        },
        lambda: {"allocation_type": "credit", "amount_cents": play.amount()},
    )


@payable("bill payments")
def create_vendor_refund(play: Play) -> None:
    play.make(
        "vendor refunds",
        "vendor-refunds/",
        vendor_id=play.party("vendor", play.pick("bills")),
        external_id=play.external_id(),
        total_refunded_amount_cents=play.amount(),
        currency="GBP",
        refund_date=play.day(),
        allocations=_taken_back(play),
        payments=play.several(
            lambda: {
                "refunded_amount_cents": play.amount(),
                "payment_method": "bank_transfer",
                "payment_date": play.day(),
            }
        ),
    )


@payable("vendor refunds")
def delete_vendor_refund(play: Play) -> None:
    play.send("DELETE", f"vendor-refunds/{play.pick('vendor refunds')}/")


@payable("bill payments")
def take_vendor_refund_payment(play: Play) -> None:
    body = play.make(
        "vendor refund payments",
        "vendor-refunds/payments/",
        vendor_id=play.party("vendor", play.pick("bills")),
        total_amount_cents=play.amount(),
        currency="GBP",
        external_id=play.external_id(),
        refund_date=play.day(),
        processing_fee_cents=play.any((None, 2)),
        allocations=_taken_back(play),
    )
    if body is not None:
        play.made["vendor refunds"].append(body["refund"]["id"])


@payable("vendor refund payments")
def change_vendor_refund_payment(play: Play) -> None:
    statuses = ("pending", "processing", "completed", "failed", "cancelled")
    body = {"status": play.any(statuses), "failure_reason": "None came"}
    path = f"vendor-refunds/payments/{play.pick('vendor refund payments')}/"
    play.send("PATCH", path, body)


@payable("vendor refund payments")
def delete_vendor_refund_payment(play: Play) -> None:
    path = f"vendor-refunds/payments/{play.pick('vendor refund payments')}/delete/"
    play.send("POST", path)


# --- the chart of accounts -------------------------------------------------------------


@chart(few="accounts")
def open_account(play: Play) -> None:
    types = ("asset", "expense", "liability", "equity", "revenue")
    type = play.any(types)
    code = f"9{play.random.randint(0, 5)}00"
    body = play.make(
        "accounts",
        "general-ledger/chart-of-accounts/",
        code=code,
        name="Own",
        account_type=type,
        is_cash_account=play.flag() if type == "asset" else None,
        is_non_cash_expense=play.flag() if type == "expense" else None,
        balance_behavior=play.any((None, "", "debit_positive", "credit_positive")),
    )
    if body is not None:
        play.made["codes"].append(code)


@chart("accounts")
def archive_account(play: Play) -> None:
    play.send("DELETE", f"general-ledger/chart-of-accounts/{play.pick('accounts')}/")
