"""Businesses and their tax codes."""

from __future__ import annotations

import pytest

from thredfi_async.errors import BadRequest, InvalidRequest

PATH = "/v1/platform/businesses/"
BUSINESS = {
    "external_id": "b1",
    "legal_name": "B One",
    "entity_type": "limited",
    "email": "b1@business.example",
}


async def create(caller, **fields):
    return await caller.send("POST", PATH, {**BUSINESS, **fields})


async def test_what_was_sent_comes_back(caller):
    sent = {
        **BUSINESS,
        "country": "DE",
        "base_currency": "EUR",
        "entity_type": "gmbh",
        "vat_number": "DE123456789",
        "fiscal_year_end": "2025-12-31",
        "metadata": {"tier": "gold"},
    }
    answer = await caller.send("POST", PATH, sent)
    assert answer.status == 201
    assert answer.body.items() >= sent.items()
    body = {name: value for name, value in answer.body.items() if name != "_meta"}
    assert (await caller.send("GET", f"{PATH}{body['id']}/")).body == body


async def test_country_currency_and_method_have_defaults(caller):
    body = (await create(caller)).body
    assert (body["country"], body["base_currency"]) == ("GB", "GBP")
    assert body["accounting_method"] == "accrual"


@pytest.mark.parametrize("field", BUSINESS)
async def test_four_fields_are_required(caller, field):
    body = {name: value for name, value in BUSINESS.items() if name != field}
    answer = await caller.send("POST", PATH, body)
    assert answer.status == 400
    assert answer.fields == {field: ["This field is required."]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "XX"),
        ("base_currency", "XXX"),
        ("accounting_method", "guess"),
        ("external_id", ""),
        ("legal_name", "x" * 256),
        ("vat_number", "x" * 21),
        ("fiscal_year_end", "soon"),
        ("email", None),
    ],
)
async def test_a_bad_field_is_named(caller, field, value):
    answer = await create(caller, **{field: value})
    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.fields) == [field]


@pytest.mark.parametrize(
    "email",
    ["a", "a@", "@b", "a b@c", "a@b@c", "ä@b", "a@b\x83", "a@-b", "a..b@c", "a" * 65 + "@b"],
)
async def test_what_is_no_email_address_is_refused(caller, email):
    answer = await create(caller, email=email)
    assert (answer.status, answer.fields) == (400, {"email": ["Enter a valid email address."]})


@pytest.mark.parametrize("email", ["a@b", "first.last+tag@mail.b-c.example", "a'o@B.EXAMPLE"])
async def test_an_email_address_is_taken(caller, email):
    assert (await create(caller, email=email)).body["email"] == email


async def test_codes_are_taken_in_any_case(caller):
    body = (await create(caller, country="gb", base_currency="eur", entity_type="PLC")).body
    assert (body["country"], body["base_currency"]) == ("GB", "EUR")
    assert body["entity_type"] == "plc"


@pytest.mark.parametrize("country", ["DE", "NL", "ES", "BE", "MY", "SG", "FR"])
async def test_any_entity_type_is_taken_where_not_the_whole_list_is_known(caller, country):
    answer = await create(caller, country=country, entity_type="Partnership_of_tomorrow")
    assert (answer.status, answer.body["entity_type"]) == (201, "partnership_of_tomorrow")


async def test_a_wrong_entity_type_is_refused_as_the_guide_shows_it(caller, emulator):
    refused = {
        "error_code": "validation_error",
        "detail": "Invalid entity_type 'GmbH' for country GB. Valid options: limited (Ltd), "
        "sole_trader (Sole Trader), llp (Limited Liability Partnership (LLP)), "
        "partnership (Partnership), plc (Public Limited Company (PLC))",
    }
    answer = await create(caller, entity_type="GmbH")
    assert (answer.status, answer.body) == (400, refused)
    made = (await create(caller)).body
    path = f"{PATH}{made['id']}/"
    answer = await caller.send("PATCH", path, {"tin": "1", "entity_type": "GmbH"})
    assert (answer.status, answer.body) == (400, refused)
    assert "tin" not in (await caller.send("GET", path)).body
    async with emulator.client() as thredfi:
        with pytest.raises(BadRequest, match=r"Valid options: limited \(Ltd\)") as caught:
            await thredfi.businesses.create(
                {**BUSINESS, "external_id": "b2", "entity_type": "GmbH"}
            )
    assert caught.value.code == "validation_error"


async def test_a_business_is_changed_by_patch(caller):
    made = (await create(caller, vat_number="GB1")).body
    change = {"legal_name": "B Two", "vat_number": None, "entity_type": "LLP"}
    answer = await caller.send("PATCH", f"{PATH}{made['id']}/", change)
    assert answer.status == 200
    assert answer.body["legal_name"] == "B Two"
    now = (await caller.send("GET", f"{PATH}{made['id']}/")).body
    assert (now["name"], now["entity_type"]) == ("B Two", "llp")
    assert "vat_number" not in now


async def test_the_entity_type_may_be_emptied(caller):
    made = (await create(caller)).body
    answer = await caller.send("PATCH", f"{PATH}{made['id']}/", {"entity_type": ""})
    assert answer.body["entity_type"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [("legal_name", None), ("email", None), ("email", "")],
)
async def test_a_bad_change_is_refused_and_changes_nothing(caller, field, value):
    made = (await create(caller)).body
    answer = await caller.send("PATCH", f"{PATH}{made['id']}/", {"tin": "1", field: value})
    assert (answer.status, list(answer.fields)) == (400, [field])
    assert "tin" not in (await caller.send("GET", f"{PATH}{made['id']}/")).body


async def test_the_country_stays_as_it_is(caller):
    made = (await create(caller)).body
    await caller.send("PATCH", f"{PATH}{made['id']}/", {"country": "DE"})
    assert (await caller.send("GET", f"{PATH}{made['id']}/")).body["country"] == "GB"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["one", "two", "three"]),
        ({"country": "de"}, ["two"]),
        ({"entity_type": "LIMITED"}, ["one"]),
        ({"country": "GB", "entity_type": "plc"}, ["three"]),
        ({"is_archived": "false"}, ["one", "two", "three"]),
        ({"is_archived": "true"}, []),
    ],
)
async def test_businesses_are_listed_by(caller, emulator, filters, found):
    emulator.add_business("one")
    emulator.add_business("two", country="DE")
    emulator.add_business("three", entity_type="plc")
    answer = await caller.send("GET", PATH, params=filters)
    assert [row["external_id"] for row in answer.body["results"]] == found


@pytest.mark.parametrize("filters", [{"is_archived": "maybe"}, {"page": "x"}, {"page_size": "101"}])
async def test_a_bad_filter_is_named(caller, filters):
    answer = await caller.send("GET", PATH, params=filters)
    assert (answer.status, list(answer.fields)) == (400, list(filters))


async def test_an_unknown_business_is_not_found(caller):
    unknown = f"{PATH}00000000-0000-4000-8000-000000000000/"
    for method, path in [("GET", ""), ("PATCH", ""), ("GET", "customers/"), ("GET", "tax-codes/")]:
        body = {"json": {}} if method == "PATCH" else {}
        answer = await caller.send(method, unknown + path, **body)
        assert (answer.status, answer.code) == (404, "business_not_found")


async def test_an_unknown_business_is_found_out_before_the_rest_of_the_request(caller):
    unknown = f"{PATH}00000000-0000-4000-8000-000000000000/"
    for method, path in [("POST", "invoices/"), ("GET", "invoices/?page=x"), ("GET", "bills/")]:
        answer = await caller.send(method, unknown + path)
        assert (answer.status, answer.code) == (404, "business_not_found")


async def test_tax_codes_are_those_of_the_country(caller, emulator):
    path = f"{PATH}{emulator.add_business('nl', country='NL')}/tax-codes/"
    body = (await caller.send("GET", path)).body
    rates = {tax["code"]: tax["rate"] for tax in body["tax_codes"]}
    assert rates == {"BTW_21": 0.21, "BTW_9": 0.09, "BTW_0": 0, "EXEMPT": 0}
    assert body["count"] == 4


# --- set up without a request ----------------------------------------------------------


async def test_a_business_set_up_directly_is_one_like_all_others(caller, emulator):
    business_id = emulator.add_business("shop", base_currency="EUR")
    body = (await caller.send("GET", f"{PATH}{business_id}/")).body
    assert (body["external_id"], body["base_currency"]) == ("shop", "EUR")
    assert body["entity_type"] == "limited"
    answer = await create(caller, external_id="shop")
    assert (answer.status, answer.body["id"]) == (200, business_id)


async def test_setting_up_the_same_business_twice_gives_the_same_one(emulator):
    assert emulator.add_business("shop") == emulator.add_business("shop")


async def test_books_are_found_by_both_ids(emulator):
    business_id = emulator.add_business("shop")
    assert emulator.books("shop") is emulator.books(business_id)
    with pytest.raises(KeyError, match="nowhere"):
        emulator.books("nowhere")


async def test_setting_up_a_business_in_an_unknown_country_says_which_are_known(emulator):
    with pytest.raises(ValueError, match="'XX' is not supported"):
        emulator.add_business("shop", country="XX")


async def test_setting_up_a_business_with_an_unknown_field_says_so(emulator):
    with pytest.raises(InvalidRequest, match="county"):
        emulator.add_business("shop", county="GB")
