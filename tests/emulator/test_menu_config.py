"""The menu of the embedded interface."""

from __future__ import annotations

import pytest

MENU = "menu-config/"
TABS = {
    "insights",
    "tasks",
    "bank_transactions",
    "general_ledger",
    "reports",
    "accounts_receivable",
    "accounts_payable",
}


async def test_by_default_all_tabs_show(shop):
    answer = await shop.get(MENU)
    assert answer.body == {"data": {"menu": dict.fromkeys(TABS, True), "sub_menu_tabs": {}}}


async def test_only_the_tabs_that_are_sent_change(shop):
    sub = {"reports.balance_sheet": False, "reports.cashflow_statement": True}
    body = {"menu": {"reports": True, "insights": False}, "sub_menu_tabs": sub}
    answer = await shop.send("PUT", MENU, body)
    menu = dict.fromkeys(TABS, True) | {"insights": False}
    assert (answer.status, answer.body) == (200, {"data": {"menu": menu, "sub_menu_tabs": sub}})
    assert (await shop.get(MENU)).body == answer.body


async def test_what_is_not_sent_again_stays(shop):
    await shop.send("PUT", MENU, {"menu": {"tasks": False}, "sub_menu_tabs": {"reports.x": True}})
    more = {"menu": {"insights": False, "tasks": None}, "sub_menu_tabs": {"reports.y": False}}
    answer = await shop.send("PUT", MENU, more)
    menu = dict.fromkeys(TABS, True) | {"insights": False, "tasks": False}
    sub = {"reports.x": True, "reports.y": False}
    assert answer.body == {"data": {"menu": menu, "sub_menu_tabs": sub}}


async def test_deleting_it_goes_back_to_the_default(shop):
    before = (await shop.get(MENU)).body
    await shop.send("PUT", MENU, {"menu": {"tasks": False}})
    for _ in range(2):
        assert (await shop.send("DELETE", MENU)).status == 204
        assert (await shop.get(MENU)).body == before


async def test_each_business_has_its_own(shop, caller, emulator):
    await shop.send("PUT", MENU, {"menu": {"reports": False}})
    other = emulator.add_business("other")
    answer = await caller.send("GET", f"/v1/platform/businesses/{other}/{MENU}")
    assert answer.body["data"]["menu"]["reports"] is True


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("menu", {}),
        ("menu", {"menu": True}),
        ("menu.reports", {"menu": {"reports": "yes"}}),
        ("sub_menu_tabs", {"menu": {}, "sub_menu_tabs": []}),
        ("sub_menu_tabs[reports.x]", {"menu": {}, "sub_menu_tabs": {"reports.x": 1}}),
    ],
)
async def test_what_is_no_menu_is_refused(shop, field, body):
    before = (await shop.get(MENU)).body
    answer = await shop.send("PUT", MENU, body)
    assert (answer.status, list(answer.fields)) == (400, [field])
    assert (await shop.get(MENU)).body == before
