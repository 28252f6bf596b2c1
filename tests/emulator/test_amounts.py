"""What invoices add up to: to the minor unit, without floating point."""

from __future__ import annotations

import asyncio
from decimal import ROUND_HALF_UP, Decimal, localcontext

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import cases
from thredfi_async.emulator import Emulator

from .caller import Caller, Shop

pytestmark = pytest.mark.slow


def line(quantity=1, unit_price=1000, **fields):
    return {"quantity": quantity, "unit_price": unit_price, **fields}


async def made(shop, *lines, **fields):
    return await shop.invoice(line_items=list(lines), **fields)


async def test_a_total_is_the_sum_of_its_lines(shop):
    invoice = await made(shop, line(2, 1500), line(1, 99))
    assert [one["total_amount"] for one in invoice["line_items"]] == [3000, 99]
    assert invoice["subtotal"] == invoice["total_amount"] == 3099
    assert invoice["outstanding_balance"] == 3099


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        (0.5, 1, 1),  # halves go up …
        (1.5, 1, 2),
        (2.5, 1, 3),
        (0.5, -1, -1),  # … away from zero
        (0.49, 1, 0),
        (1.1, 25, 28),  # 27.5; the float of 1.1 * 25 is a little more
        (0.7, 15, 11),  # 10.5; the float of 0.7 * 15 is 10.5, too
        (1.005, 100, 101),  # 100.5; the float 1.005 is less than that
        (2.675, 1000, 2675),
        (1e-7, 10_000_000, 1),
        (0.1, 9_007_199_254_740_993, 900_719_925_474_099),  # beyond what floats hold
        (3, 9_007_199_254_740_993, 27_021_597_764_222_979),
        (0, 500, 0),
    ],
)
async def test_a_quantity_is_rounded_half_up_from_its_written_value(shop, quantity, price, amount):
    invoice = await made(shop, line(quantity, price), line(1, 10))
    assert invoice["line_items"][0]["subtotal"] == amount
    assert invoice["total_amount"] == amount + 10


async def test_a_tax_code_adds_its_rate_of_the_net_amount(shop):
    invoice = await made(shop, line(3, 999, tax_code="VAT_20"))
    (item,) = invoice["line_items"]
    assert (item["subtotal"], item["total_amount"], item["tax_code"]) == (2997, 3596, "VAT_20")
    assert invoice["additional_sales_taxes_total"] == 599  # 599.4
    assert (invoice["subtotal"], invoice["total_amount"]) == (2997, 3596)


async def test_tax_is_rounded_line_by_line(shop):
    invoice = await made(shop, *[line(1, 102, tax_code="VAT_5")] * 3)  # 5.1 each
    assert invoice["additional_sales_taxes_total"] == 15
    invoice = await made(shop, *[line(1, 110, tax_code="VAT_5")] * 3)  # 5.5 each
    assert invoice["additional_sales_taxes_total"] == 18


@pytest.mark.parametrize("code", ["EXEMPT", "VAT_0"])
async def test_no_tax_is_added_at_rate_0(shop, code):
    assert (await made(shop, line(1, 1000, tax_code=code)))["total_amount"] == 1000


async def test_an_explicit_tax_amount_wins_over_the_rate(shop):
    taxes = [{"code": "VAT_20", "name": "VAT", "amount": 150}, {"amount": 7}]
    invoice = await made(shop, line(1, 1000, tax_code="VAT_20", sales_taxes=taxes))
    assert invoice["total_amount"] == 1157


async def test_taxes_without_an_amount_leave_it_to_the_rate(shop):
    invoice = await made(shop, line(1, 1000, tax_code="VAT_20", sales_taxes=[{"name": "VAT"}]))
    assert invoice["total_amount"] == 1200


async def test_the_older_form_of_a_tax_code_adds_its_rate_too(shop):
    taxes = [{"code": "VAT_20"}, {"code": "VAT_5", "amount": 7}, {"code": "OTHER", "amount": 1}]
    assert (await made(shop, line(1, 1000, sales_taxes=taxes)))["total_amount"] == 1208


async def test_an_unknown_tax_code_of_the_older_form_is_named(shop):
    bad = line(sales_taxes=[{"code": "VAT_20"}, {"code": "GST"}])
    answer = await shop.post("invoices/", {"sent_at": "2025-06-01", "line_items": [bad]})
    assert (answer.status, list(answer.fields)) == (400, ["line_items[0].sales_taxes[1].code"])


async def test_an_unknown_tax_code_is_refused_with_those_that_are_known(shop):
    answer = await shop.post(
        "invoices/", {"sent_at": "2025-06-01", "line_items": [line(), line(tax_code="GST")]}
    )
    assert answer.status == 400
    assert answer.fields == {
        "line_items[1].tax_code": [
            "Unknown tax code 'GST'. Known are VAT_20, VAT_5, VAT_0, EXEMPT."
        ]
    }


async def test_a_line_discount_comes_off_before_tax(shop):
    invoice = await made(shop, line(1, 1000, discount_amount=100, tax_code="VAT_20"))
    (item,) = invoice["line_items"]
    assert (item["subtotal"], item["discount_amount"], item["total_amount"]) == (900, 100, 1080)


async def test_a_discount_of_the_invoice_comes_off_the_net_amount_and_leaves_the_tax(shop):
    invoice = await made(shop, line(1, 1000, tax_code="VAT_20"), additional_discount=300)
    assert (invoice["subtotal"], invoice["additional_sales_taxes_total"]) == (700, 200)
    assert invoice["total_amount"] == 900


async def test_tips_come_on_top(shop):
    invoice = await made(shop, line(1, 1000, tax_code="VAT_20"), tips=50)
    assert (invoice["subtotal"], invoice["tips"], invoice["total_amount"]) == (1000, 50, 1250)


async def test_additional_taxes_are_listed_or_given_as_a_total(shop):
    listed = [{"amount": 30, "name": "levy"}, {"amount": 12}, {"name": "none"}]
    assert (await made(shop, line(), additional_sales_taxes=listed))["total_amount"] == 1042
    both = {"additional_sales_taxes": listed, "additional_sales_taxes_total": 0}
    assert (await made(shop, line(), **both))["total_amount"] == 1000


async def test_the_price_under_its_older_name_counts_too(shop):
    invoice = await made(shop, {"quantity": 2, "unit_price_cents": 150, "unit_price": None})
    assert invoice["line_items"][0]["unit_price"] == 150
    assert invoice["total_amount"] == 300


async def test_lines_may_be_negative_as_long_as_the_total_is_not(shop):
    assert (await made(shop, line(1, 1000), line(-1, 400)))["total_amount"] == 600
    bad = {"sent_at": "2025-06-01", "line_items": [line(1, 1001), line(-2, 501)]}
    answer = await shop.post("invoices/", bad)
    assert (answer.status, list(answer.fields)) == (400, ["line_items"])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"line_items": []}, "line_items"),
        ({"line_items": [line(10**18, 10**18)]}, "line_items[0].quantity"),
        ({"line_items": [line(1e300)]}, "line_items[0].quantity"),
        ({"line_items": [line(1, 2**62)] * 3}, "line_items"),
        ({"line_items": [line(1, 2**63)]}, "line_items[0].unit_price"),
        ({"line_items": [line(discount_amount=-1)]}, "line_items[0].discount_amount"),
        ({"line_items": [line(1, 9.5)]}, "line_items[0].unit_price"),
        ({"line_items": [line("1")]}, "line_items[0].quantity"),
        ({"line_items": [line(True)]}, "line_items[0].quantity"),
        ({"line_items": [line(sales_taxes=[{"amount": "5"}])]},
         "line_items[0].sales_taxes[0].amount"),
        ({"additional_discount": -1}, "additional_discount"),
        ({"tips": -1}, "tips"),
        ({"additional_sales_taxes": [{"amount": 1}, {"amount": "5"}]},
         "additional_sales_taxes[1].amount"),
        ({"additional_sales_taxes": [{"amount": 1.5}]}, "additional_sales_taxes[0].amount"),
        ({"additional_sales_taxes": [{"amount": True}]}, "additional_sales_taxes[0].amount"),
        ({"additional_sales_taxes": [5]}, "additional_sales_taxes[0]"),
    ],
)  # fmt: skip
async def test_an_amount_that_can_not_be_is_named(shop, fields, named):
    body = {"sent_at": "2025-06-01", "line_items": [line()], **fields}
    answer = await shop.post("invoices/", body)
    assert (answer.status, list(answer.fields)) == (400, [named])
    assert not shop.books.invoices


# --- against an independent computation ------------------------------------------------

RATES = {"VAT_20": Decimal("0.20"), "VAT_5": Decimal("0.05"), "VAT_0": 0, "EXEMPT": 0, None: 0}
amounts = st.integers(-(10**12), 10**12)
quantities = st.one_of(
    st.integers(-1000, 1000),
    st.decimals(-1000, 1000, places=3).map(float),
    st.floats(-1e6, 1e6, allow_nan=False),
)
lines = st.fixed_dictionaries(
    {"quantity": quantities, "unit_price": amounts},
    optional={
        "discount_amount": st.integers(0, 10**6),
        "tax_code": st.sampled_from([code for code in RATES if code]),
        "sales_taxes": st.lists(st.fixed_dictionaries({"amount": st.integers(-999, 999)})),
    },
)
invoices = st.fixed_dictionaries(
    {"line_items": st.lists(lines, min_size=1, max_size=6)},
    optional={
        "additional_discount": st.integers(0, 10**6),
        "additional_sales_taxes": st.lists(st.fixed_dictionaries({"amount": amounts})),
        "additional_sales_taxes_total": amounts,
        "tips": st.integers(0, 10**6),
    },
)


def rounded(value):
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def expected(invoice):
    """Net, tax and gross, by Decimal with digits to spare."""
    net = tax = 0
    for item in invoice["line_items"]:
        amount = rounded(Decimal(repr(item["quantity"])) * item["unit_price"])
        amount -= item.get("discount_amount", 0)
        given_taxes = [one["amount"] for one in item.get("sales_taxes", [])]
        computed = rounded(Decimal(amount) * RATES[item.get("tax_code")])
        net += amount
        tax += sum(given_taxes) if given_taxes else computed
    net -= invoice.get("additional_discount", 0)
    listed = sum(one["amount"] for one in invoice.get("additional_sales_taxes", []))
    tax += invoice.get("additional_sales_taxes_total", listed)
    return net, tax, net + tax + invoice.get("tips", 0)


@pytest.fixture(scope="module")
def call():
    """An invoice sent to an emulator, from a test that is not async itself."""
    with asyncio.Runner() as runner:

        async def set_up():
            emulator = await Emulator().__aenter__()
            session = aiohttp.ClientSession()
            caller = Caller(emulator, session)
            caller.token = await caller.partner_token()
            return emulator, session, Shop(caller, emulator.add_business("shop"), caller.token)

        emulator, session, shop = runner.run(set_up())
        yield lambda body: runner.run(shop.post("invoices/", body))
        runner.run(session.close())
        runner.run(emulator.stop())


@settings(max_examples=cases(60, 200), deadline=None)
@given(invoices)
def test_totals_equal_those_of_an_independent_computation(call, invoice):
    with localcontext(prec=400):
        net, tax, gross = expected(invoice)
    answer = call({"sent_at": "2025-06-01", **invoice})
    if gross < 0:
        assert answer.status == 400
        return
    assert answer.status == 201
    assert answer.body["subtotal"] == net
    assert answer.body["additional_sales_taxes_total"] == tax
    assert answer.body["total_amount"] == answer.body["outstanding_balance"] == gross
