"""The chart of accounts: what it starts with, how it grows, and what is booked on it."""

from __future__ import annotations

import pytest

CHART = "general-ledger/chart-of-accounts/"
TAXED = [{"description": "Work", "quantity": 1, "unit_price": 10_000, "tax_code": "VAT_20"}]


async def account(shop, name):
    answer = await shop.get(f"{CHART}{name}/")
    assert answer.status == 200, answer.body
    return answer.body


async def codes(shop, **filters):
    answer = await shop.get(CHART, page_size=100, **filters)
    assert answer.status == 200, answer.body
    return [row["code"] for row in answer.body["results"]]


async def opened(shop, **fields):
    answer = await shop.post(CHART, {"code": "6100", "name": "Rent", **fields})
    assert answer.status == 201, answer.body
    return answer.body


@pytest.fixture
async def sold(shop):
    """An invoice of 120.00 on 1 June of which 50.00 are paid on 2 June, and one of 30.00 in May."""
    first = await shop.invoice(line_items=TAXED)
    await shop.payment(first, 5_000)
    await shop.invoice(3_000, sent_at="2025-05-20")
    return first


# --- looking ---------------------------------------------------------------------------


async def test_an_account_is_found_by_id_code_and_external_id(shop):
    made = await opened(shop, account_type="expense", external_id="rent")
    for name in (made["id"], "6100", "rent"):
        assert (await account(shop, name))["id"] == made["id"]
    assert (await shop.get(f"{CHART}nothing/")).code == "account_not_found"


async def test_balances_stand_on_the_side_of_the_account(shop, sold):
    receivable = await account(shop, "1100")
    assert receivable["current_balance"] == 12_000 - 5_000 + 3_000
    assert (receivable["debit_balance"], receivable["credit_balance"]) == (15_000, 5_000)
    assert receivable["current_balance_formatted"] == "100.00"
    assert (receivable["total_debits"], receivable["total_credits"]) == (2, 1)
    assert receivable["last_entry_date"] == "2025-06-02T00:00:00Z"
    assert (await account(shop, "2200"))["current_balance"] == 2_000
    assert (await account(shop, "4000"))["current_balance"] == 13_000
    assert (await account(shop, "1200"))["current_balance"] == 5_000


async def test_a_parent_has_the_balance_of_all_below_it(shop, sold):
    group = await account(shop, "10")
    assert group["current_balance"] == 10_000 + 5_000
    assert (await account(shop, "1"))["current_balance"] == 15_000
    assert {"1100", "1200"} <= {below["code"] for below in group["sub_accounts"]}
    assert (group["hierarchy_level"], group["parent_account_code"]) == (1, "1")
    assert group["has_children"] is True


async def test_the_list_is_by_code_and_pages(shop):
    listed = await codes(shop)
    assert listed == sorted(listed)
    page = await shop.get(CHART, page=2, page_size=10)
    assert [row["code"] for row in page.body["results"]] == listed[10:20]
    assert page.body["page_info"]["total_count"] == len(listed)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"account_type": "EQUITY"}, ["3", "30", "3000", "31", "3100", "32", "3200", "33"]),
        ({"parent_id": "50"}, ["5000"]),
        ({"parent_id": "nothing"}, []),
        ({"search": "RECEIV"}, ["1100", "4905"]),
        ({"search": "112"}, ["1120"]),
        ({"include_zero_balance": "false", "account_type": "asset"}, ["1", "10", "1100", "1200"]),
        ({"fiscal_year": "2025", "account_type": "revenue"}, ["4", "40", "4000"]),
        ({"fiscal_year": "2024"}, []),
    ],
)
async def test_filters(shop, sold, filters, expected):
    assert await codes(shop, **filters) == expected


async def test_grouped_by_type_they_come_type_by_type(shop):
    await opened(shop, code="0990", account_type="expense")
    assert (await codes(shop))[0] == "0030"
    grouped = await shop.get(CHART, page_size=100, group_by="type")
    types = [row["account_type"] for row in grouped.body["results"]]
    assert list(dict.fromkeys(types)) == ["asset", "liability", "equity", "revenue", "expense"]
    assert types == sorted(types, key=list(dict.fromkeys(types)).index)


async def test_the_balance_of_a_month_needs_year_and_month(shop, sold):
    answer = await shop.get(CHART, period_year=2025, period_month=5, search="1100")
    (row,) = answer.body["results"]
    assert (row["period_balance"], row["period_balance_formatted"]) == (3_000, "30.00")
    assert row["current_balance"] == 10_000
    (row,) = (await shop.get(CHART, search="1100")).body["results"]
    assert row["period_balance"] is None
    for name, given in (
        ("period_month", {"period_year": 2025}),
        ("period_year", {"period_month": 5}),
        ("period_month", {"period_year": 2025, "period_month": 13}),
        ("period_year", {"period_year": 0, "period_month": 1}),
        ("fiscal_year", {"fiscal_year": 10_000}),
        ("account_type", {"account_type": "money"}),
        ("group_by", {"group_by": "name"}),
    ):
        assert list((await shop.get(CHART, **given)).fields) == [name]


async def test_the_tree_holds_every_account_once(shop, sold):
    body = (await shop.get(f"{CHART}hierarchy/")).body
    found = []

    def walk(nodes, level):
        for node in nodes:
            assert node["hierarchy_level"] == level
            found.append(node["code"])
            walk(node["children"], level + 1)

    walk(body["hierarchy"], 0)
    assert len(found) == len(set(found)) == body["total_accounts"]
    assert sorted(found) == await codes(shop)
    assert [node["code"] for node in body["hierarchy"]] == ["1", "2", "3", "4", "5"]


async def test_in_the_tree_of_a_year_earlier_sales_are_not_counted(shop, sold):
    await shop.invoice(700, sent_at="2024-12-31")

    async def balances(**query):
        tree = (await shop.get(f"{CHART}hierarchy/", **query)).body["hierarchy"]
        return {root["name"]: root["current_balance"] for root in tree}

    assert (await balances())["Income"] == 13_700
    of_2025 = await balances(fiscal_year=2025)
    assert (of_2025["Income"], of_2025["Assets"]) == (13_000, 15_700)
    of_2024 = await balances(fiscal_year=2024)
    assert (of_2024["Income"], of_2024["Assets"]) == (700, 700)


# --- entries ---------------------------------------------------------------------------


async def test_entries_run_from_the_opening_to_the_closing_balance(shop, sold):
    june = await shop.get(f"{CHART}1100/entries/", start_date="2025-06-01", end_date="2025-06-30")
    body = june.body
    assert (body["opening_balance_cents"], body["closing_balance_cents"]) == (3_000, 10_000)
    assert (body["total_debits_cents"], body["total_credits_cents"]) == (12_000, 5_000)
    assert [
        (
            line["journal_entry_date"],
            line["debit_amount_cents"],
            line["credit_amount_cents"],
            line["running_balance_cents"],
            line["source_type"],
        )
        for line in body["entries"]
    ] == [
        ("2025-06-01", 12_000, 0, 15_000, "invoice"),
        ("2025-06-02", 0, 5_000, 10_000, "invoice_payment"),
    ]


async def test_entries_come_by_day_whenever_they_were_booked(shop, sold):
    body = (await shop.get(f"{CHART}1100/entries/")).body
    assert [line["journal_entry_date"] for line in body["entries"]] == [
        "2025-05-20",
        "2025-06-01",
        "2025-06-02",
    ]
    assert [line["running_balance_cents"] for line in body["entries"]] == [3_000, 15_000, 10_000]
    assert body["opening_balance_cents"] == 0


async def test_a_credit_account_runs_on_its_own_side(shop, sold):
    body = (await shop.get(f"{CHART}4000/entries/", end_date="2025-06-30")).body
    assert body["closing_balance_cents"] == 13_000
    assert [line["running_balance_cents"] for line in body["entries"]] == [3_000, 13_000]


async def test_pages_of_entries_keep_the_running_balance(shop, sold):
    body = (await shop.get(f"{CHART}1100/entries/", page=2, page_size=2)).body
    assert body["entry_count"] == 3
    assert [line["running_balance_cents"] for line in body["entries"]] == [10_000]
    assert body["closing_balance_cents"] == 10_000
    assert (await shop.get(f"{CHART}1100/entries/", page=3, page_size=2)).status == 404


async def test_entries_until_before_they_start_are_refused(shop):
    answer = await shop.get(f"{CHART}1100/entries/", start_date="2025-02-01", end_date="2025-01-01")
    assert list(answer.fields) == ["end_date"]


# --- creating --------------------------------------------------------------------------


async def test_an_account_goes_below_the_group_of_its_subtype(shop):
    made = await opened(shop, account_type="EXPENSE", description="Of the shop", iban="GB00")
    assert made["account_type"] == "expense"
    assert made["account_subtype"] == "operating_expenses"
    assert (made["parent_account_code"], made["hierarchy_level"]) == ("60", 2)
    assert (made["description"], made["iban"]) == ("Of the shop", "GB00")
    other = await opened(shop, code="0040", account_subtype="non_current_assets")
    assert (other["account_type"], other["parent_account_code"]) == ("asset", "15")


@pytest.mark.parametrize("name", ["id", "code", "external_id"])
async def test_the_parent_is_named_by_id_code_or_external_id(shop, name):
    parent = await opened(shop, account_type="expense", external_id="rent")
    named = {"external_id": "rent"}.get(name) or parent[name]
    child = await opened(shop, code="6101", parent_id=named)
    assert (child["account_type"], child["parent_account_code"]) == ("expense", "6100")
    assert [one["code"] for one in (await account(shop, "6100"))["sub_accounts"]] == ["6101"]


async def test_a_known_external_id_gives_the_account_that_has_it(shop):
    made = await opened(shop, account_type="expense", external_id="rent")
    again = await shop.post(CHART, {"code": "1", "name": "X", "external_id": "rent"})
    assert (again.status, again.body) == (200, made)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("code", {"code": None, "account_type": "asset"}),
        ("name", {"name": "", "account_type": "asset"}),
        ("account_type", {}),
        ("account_type", {"account_type": "money"}),
        ("account_type", {"account_type": "asset", "parent_id": "60"}),
        ("account_subtype", {"account_type": "asset", "account_subtype": "income_tax"}),
        ("account_subtype", {"account_subtype": "direct_costs", "parent_id": "60"}),
        ("parent_id", {"parent_id": "nothing"}),
        ("is_non_cash_expense", {"account_type": "asset", "is_non_cash_expense": True}),
        ("is_cash_account", {"account_type": "expense", "is_cash_account": True}),
        ("external_id", {"account_type": "asset", "external_id": ""}),
    ],
)
async def test_what_does_not_fit_is_refused(shop, field, fields):
    before = await codes(shop)
    answer = await shop.post(CHART, {"code": "6100", "name": "Rent", **fields})
    assert (answer.status, list(answer.fields)) == (400, [field])
    assert await codes(shop) == before


async def test_a_code_is_taken_once(shop):
    for path in (CHART, f"{CHART}60/children/"):
        answer = await shop.post(path, {"code": "1100", "name": "X", "account_type": "asset"})
        assert (answer.status, answer.code) == (409, "duplicate_code")
        assert list(answer.fields) == ["code"]


async def test_a_code_and_an_external_id_may_be_the_same_text(shop):
    await opened(shop, account_type="expense", external_id="1100")
    assert (await account(shop, "1100"))["name"] == "Trade receivables"
    await shop.send("PATCH", f"{CHART}6100/", {"external_id": None})
    assert (await account(shop, "1100"))["name"] == "Trade receivables"


async def test_a_child_is_of_the_kind_of_its_parent(shop):
    answer = await shop.post(f"{CHART}1200/children/", {"code": "1201", "name": "Savings"})
    assert answer.status == 201
    child = answer.body
    assert (child["account_type"], child["account_subtype"]) == ("asset", "current_assets")
    assert (child["parent_account_code"], child["hierarchy_level"]) == ("1200", 3)
    assert shop.books.ledger.find("1201").is_cash
    none = await shop.post(f"{CHART}nothing/children/", {"code": "1", "name": "X"})
    assert none.code == "account_not_found"


async def test_a_child_is_made_once_for_its_external_id(shop):
    body = {"code": "1201", "name": "Savings", "external_id": "savings"}
    made = await shop.post(f"{CHART}1200/children/", body)
    again = await shop.post(f"{CHART}1200/children/", body)
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    other = await shop.post(f"{CHART}1100/children/", {**body, "code": "1101"})
    assert (other.status, other.code) == (409, "duplicate_external_id")


async def test_an_account_may_count_against_the_side_of_its_type(shop):
    await opened(shop, code="4011", account_type="revenue", balance_behavior="debit_positive")
    sale = {"quantity": 1, "unit_price": 900}
    discount = {"quantity": 1, "unit_price": -100, "account_code": "4011"}
    await shop.invoice(line_items=[sale, discount])
    assert (await account(shop, "4011"))["current_balance"] == 100
    assert (await account(shop, "40"))["current_balance"] == 800


async def test_a_blank_balance_behaviour_is_that_of_the_type(shop):
    made = await opened(shop, code="4011", account_type="revenue", balance_behavior="")
    await shop.invoice(line_items=[{"quantity": 1, "unit_price": 900, "account_code": "4011"}])
    assert (await account(shop, made["id"]))["current_balance"] == 900
    for unknown in (" ", "sideways"):
        answer = await shop.post(CHART, {"code": "1", "name": "X", "balance_behavior": unknown})
        assert (answer.status, list(answer.fields)) == (400, ["balance_behavior"])


# --- changing --------------------------------------------------------------------------


async def test_an_update_changes_what_is_sent(shop):
    await opened(shop, account_type="expense", external_id="rent", description="Old", iban="GB00")
    answer = await shop.send(
        "PATCH", f"{CHART}rent/", {"name": "Rent of the shop", "description": None,
                                   "external_id": "shop-rent"}
    )  # fmt: skip
    assert answer.status == 200
    assert answer.body["name"] == "Rent of the shop"
    assert "description" not in answer.body
    assert answer.body["iban"] == "GB00"
    assert (await shop.get(f"{CHART}rent/")).status == 404
    assert (await account(shop, "shop-rent"))["name"] == "Rent of the shop"


async def test_an_update_may_not_blank_a_name_or_take_an_external_id(shop):
    await opened(shop, account_type="expense", external_id="rent")
    await opened(shop, code="6101", account_type="expense", external_id="heat")
    blank = await shop.send("PATCH", f"{CHART}heat/", {"name": ""})
    assert list(blank.fields) == ["name"]
    taken = await shop.send("PATCH", f"{CHART}heat/", {"external_id": "rent"})
    assert (taken.status, taken.code) == (409, "duplicate_external_id")
    assert (await account(shop, "heat"))["code"] == "6101"


async def test_an_empty_account_is_archived_and_takes_nothing_any_more(shop):
    await opened(shop, account_type="revenue")
    answer = await shop.send("DELETE", f"{CHART}6100/")
    assert (answer.status, answer.body["is_active"]) == (200, False)
    assert (await account(shop, "6100"))["is_active"] is False
    assert (await shop.send("DELETE", f"{CHART}6100/")).status == 409
    assert (await shop.post(f"{CHART}6100/children/", {"code": "6101", "name": "X"})).status == 409
    below = await shop.post(CHART, {"code": "6101", "name": "X", "parent_id": "6100"})
    assert list(below.fields) == ["parent_id"]
    line = {"quantity": 1, "unit_price": 1, "account_identifier": {"type": "Code", "id": "6100"}}
    sale = await shop.post("invoices/", {"sent_at": "2025-06-01", "line_items": [line]})
    assert list(sale.fields) == ["line_items[0].account_identifier"]


async def test_an_account_with_a_balance_or_children_or_a_role_stays(shop):
    await opened(shop, account_type="revenue")
    await shop.post(f"{CHART}6100/children/", {"code": "6101", "name": "Below"})
    assert (await shop.send("DELETE", f"{CHART}6100/")).status == 409
    line = {"quantity": 1, "unit_price": 9, "account_identifier": {"type": "Code", "id": "6101"}}
    sale = await shop.invoice(line_items=[line])
    assert (await shop.send("DELETE", f"{CHART}6101/")).status == 409
    assert (await shop.send("DELETE", f"{CHART}1100/")).status == 409
    assert (await shop.post(f"invoices/{sale['id']}/void/", {})).status == 200
    assert (await shop.send("DELETE", f"{CHART}6101/")).status == 200
    assert (await shop.send("DELETE", f"{CHART}6100/")).status == 200


# --- countries -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "sales", "input_tax", "output_tax"),
    [
        ("GB", "4000", "1400", "2200"),
        ("DE", "4400", "1400", "3800"),
        ("FR", "707", "44566", "44571"),
        ("NL", "4000", "1400", "2200"),
    ],
)
async def test_the_chart_and_the_tax_codes_are_those_of_the_country(
    emulator, caller, country, sales, input_tax, output_tax
):
    business = emulator.add_business(f"in-{country}", country=country)
    base = f"/v1/platform/businesses/{business}/"
    found = await caller.send("GET", f"{base}{CHART}{sales}/")
    assert found.body["name"] == "Sales"
    tax, *_, exempt = (await caller.send("GET", f"{base}tax-codes/")).body["tax_codes"]
    assert (tax["purchase_account"], tax["sales_account"]) == (input_tax, output_tax)
    assert (exempt["purchase_account"], exempt["sales_account"]) == (None, None)
    for code in (input_tax, output_tax):
        assert (await caller.send("GET", f"{base}{CHART}{code}/")).status == 200
