"""Vendors."""

from __future__ import annotations

import aiohttp
import pytest

from .caller import NOBODY


async def names(shop, **filters):
    rows = (await shop.get("vendors/", **filters)).body["results"]
    return [row.get("company_name") or row.get("individual_name") for row in rows]


async def put(shop, vendor, **fields):
    return await shop.send("PUT", f"vendors/{vendor['id']}/", fields)


async def test_what_was_sent_comes_back(shop):
    sent = {
        "external_id": "v-1",
        "individual_name": "Ada Miller",
        "company_name": "Mill Ltd",
        "email": "ada@mill.example",
        "mobile_phone": "+447700900000",
        "office_phone": "+442079460000",
        "address_string": "1 Mill Lane, Leeds",
        "memo": "Flour",
        "transaction_tags": ["food", {"key": "region", "value": "uk"}],
    }
    made = await shop.vendor(**sent, country="GB", vat_number="GB123456789")
    assert made == {
        **sent, "type": "VendorData", "id": made["id"], "status": "active", "documents": []
    }  # fmt: skip
    assert (await shop.get(f"vendors/{made['id']}/")).body == made


async def test_what_was_not_sent_is_empty(shop):
    made = await shop.vendor()
    shown = ("mobile_phone", "office_phone", "address_string", "memo", "transaction_tags")
    assert [made[name] for name in shown] == ["", "", "", "", []]
    assert not {"external_id", "individual_name", "email"} & made.keys()


async def test_a_known_external_id_answers_the_vendor_that_there_is(shop):
    made = await shop.vendor(external_id="v-1")
    again = await shop.post("vendors/", {"external_id": "v-1", "company_name": "Other"})
    assert (again.status, again.body) == (200, made)
    assert await names(shop) == ["Mill Ltd"]


@pytest.mark.parametrize("fields", [{}, {"company_name": ""}, {"individual_name": None}])
async def test_one_of_the_two_names_is_needed(shop, fields):
    answer = await shop.post("vendors/", {"external_id": "v-1", **fields})
    assert (answer.status, set(answer.fields)) == (400, {"company_name", "individual_name"})
    assert await names(shop) == []
    await shop.vendor(external_id="v-1")


async def test_an_email_must_be_one(shop):
    answer = await shop.post("vendors/", {"company_name": "Mill", "email": "mill"})
    assert (answer.status, list(answer.fields)) == (400, ["email"])


async def test_an_unknown_vendor_is_404(shop):
    for method, path in (
        ("GET", ""), ("PUT", ""), ("POST", "archive/"), ("POST", "unarchive/"),
    ):  # fmt: skip
        answer = await shop.send(method, f"vendors/{NOBODY}/{path}")
        assert (answer.status, answer.code) == (404, "vendor_not_found")


# --- change ----------------------------------------------------------------------------


async def test_an_update_changes_what_was_sent_and_no_more(shop):
    made = await shop.vendor(external_id="v-1", email="old@mill.example", memo="Flour")
    answer = await put(shop, made, email="new@mill.example", memo=None)
    assert answer.status == 200
    assert answer.body == {**made, "email": "new@mill.example", "memo": ""}


async def test_an_update_leaves_one_of_the_two_names(shop):
    made = await shop.vendor(individual_name="Ada Miller")
    answer = await put(shop, made, company_name=None)
    assert "company_name" not in answer.body
    answer = await put(shop, made, individual_name="")
    assert (answer.status, set(answer.fields)) == (400, {"company_name", "individual_name"})
    assert await names(shop) == ["Ada Miller"]


async def test_an_external_id_can_move_but_not_be_taken_twice(shop):
    first, second = await shop.vendor(external_id="v-1"), await shop.vendor(external_id="v-2")
    answer = await put(shop, first, external_id="v-2", memo="changed")
    assert (answer.status, answer.code) == (409, "duplicate_external_id")
    assert (await shop.get(f"vendors/{first['id']}/")).body == first
    assert (await put(shop, first, external_id="v-3")).body["external_id"] == "v-3"
    assert (await put(shop, second, external_id="v-1")).body["external_id"] == "v-1"


async def test_a_form_changes_a_vendor_and_brings_its_document(shop):
    made = await shop.vendor()
    form = aiohttp.FormData({"memo": "Flour"})
    form.add_field("document.file", b"%PDF", filename="w8.pdf", content_type="application/pdf")
    answer = await shop.send("PUT", f"vendors/{made['id']}/", data=form)
    (document,) = answer.body["documents"]
    assert (answer.body["memo"], document["file_name"]) == ("Flour", "w8.pdf")
    again = (await put(shop, made, memo="Rye")).body
    assert again["documents"] == [document]


# --- archive ---------------------------------------------------------------------------


async def test_an_archived_vendor_is_left_out_of_the_list_until_it_is_asked_for(shop):
    mill, farm = await shop.vendor(), await shop.vendor(company_name="Farm")
    answer = await shop.post(f"vendors/{mill['id']}/archive/")
    assert (answer.status, answer.body) == (200, {**mill, "status": "archived"})
    assert await names(shop) == ["Farm"]
    assert await names(shop, include_archived="true") == ["Mill Ltd", "Farm"]
    answer = await shop.post(f"vendors/{mill['id']}/unarchive/")
    assert (answer.status, answer.body) == (200, mill)
    assert await names(shop) == ["Mill Ltd", "Farm"]
    assert farm["status"] == "active"


async def test_the_body_of_an_archive_call_changes_the_vendor(shop):
    made = await shop.vendor()
    archived = await shop.post(f"vendors/{made['id']}/archive/", {"email": "a@mill.example"})
    assert archived.body["email"] == "a@mill.example"
    back = await shop.post(f"vendors/{made['id']}/unarchive/", {"external_id": "v-9"})
    assert (back.body["external_id"], back.body["status"]) == ("v-9", "active")


async def test_a_refused_archive_call_leaves_the_vendor_active(shop):
    made = await shop.vendor()
    assert (await shop.post(f"vendors/{made['id']}/archive/", {"email": "x"})).status == 400
    assert (await shop.get(f"vendors/{made['id']}/")).body == made


async def test_archiving_twice_is_refused_and_so_is_unarchiving_an_active_vendor(shop):
    made = await shop.vendor()
    answer = await shop.post(f"vendors/{made['id']}/unarchive/")
    assert (answer.status, answer.code) == (409, "invalid_state")
    await shop.post(f"vendors/{made['id']}/archive/")
    answer = await shop.post(f"vendors/{made['id']}/archive/")
    assert (answer.status, answer.code) == (409, "invalid_state")


async def test_an_archived_vendor_can_still_be_owed_and_paid(shop):
    mill = await shop.vendor()
    await shop.post(f"vendors/{mill['id']}/archive/")
    bill = await shop.bill(mill, 500)
    await shop.bill_payment(mill, 500, (bill, 500))
    assert (await shop.seen_bill(bill))["status"] == "paid"


# --- filters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"external_id": "v-1"}, ["Mill Ltd"]),
        ({"external_id": "V-1"}, []),
        ({"external_id_contains": "V-"}, ["Mill Ltd", "Ada Miller"]),
        ({"name": "Mill Ltd"}, ["Mill Ltd"]),
        ({"name": "Ada Miller"}, ["Ada Miller"]),
        ({"name": "mill ltd"}, []),
        ({"name_contains": "MILL"}, ["Mill Ltd", "Ada Miller"]),
        ({"name_contains": "farm", "external_id_contains": "v"}, []),
        ({"page": "2", "page_size": "2"}, ["Farm"]),
    ],
)
async def test_filters(shop, filters, found):
    await shop.vendor(external_id="v-1")
    await shop.vendor(external_id="v-2", company_name=None, individual_name="Ada Miller")
    await shop.vendor(company_name="Farm")
    assert await names(shop, **filters) == found
