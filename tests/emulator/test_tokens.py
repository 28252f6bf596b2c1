"""Credentials and tokens."""

from __future__ import annotations

import base64
import json

import aiohttp
import pytest

from thredfi_async.emulator import Emulator
from thredfi_async.errors import PermissionDenied

from .caller import Caller, basic

PARTNER_TOKEN = "/v1/platform/oauth2/token/"
BUSINESSES = "/v1/platform/businesses/"


def credentials(emulator, *, user=None, password=None):
    return basic(user or emulator.partner_uuid, password or emulator.api_key)


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


# --- which token -------------------------------------------------------------------------


async def test_strictly_a_business_is_reached_with_its_own_token_alone(clock):
    async with (
        Emulator(clock=clock, strict_tokens=True) as emulator,
        aiohttp.ClientSession() as session,
    ):
        caller = Caller(emulator, session)
        caller.token = await caller.partner_token()
        path = f"{BUSINESSES}{emulator.add_business('shop')}/"
        own = await caller.business_token(path.split("/")[-2])
        for below in ("customers/", "tax-codes/", ""):
            answer = await caller.send("GET", path + below)
            assert (answer.status, answer.code) == (403, "permission_denied")
        assert (await caller.send("GET", f"{path}customers/", token=own)).status == 200
        # What the partner alone may do stays the partner's.
        assert (await caller.send("GET", BUSINESSES)).status == 200
        assert (await caller.send("PATCH", path, {"tin": "1"})).status == 200
        assert (await caller.send("PATCH", path, {"tin": "1"}, token=own)).status == 403


async def test_a_client_that_sends_the_partner_token_meets_a_strict_emulator(clock):
    async with Emulator(clock=clock, strict_tokens=True) as emulator:
        shop_id = emulator.add_business("shop")
        async with emulator.client() as thredfi:
            assert await thredfi.business(shop_id).customers.list().collect() == []
        async with emulator.client(token_scope="partner") as thredfi:
            with pytest.raises(PermissionDenied, match="own token"):
                await thredfi.business(shop_id).customers.list().collect()


# --- the partner token -----------------------------------------------------------------


@pytest.mark.parametrize("shape", ["json", "form", "multipart", "nothing", "json header alone"])
async def test_the_partner_token_is_issued_for_every_body_that_the_docs_show(
    emulator, caller, shape
):
    fields = {"grant_type": "client_credentials", "client_id": emulator.partner_uuid}
    multipart = aiohttp.FormData(fields, default_to_multipart=True)
    how = {
        "json": {"json": fields},
        "form": {"data": {"grant_type": "client_credentials"}},
        "multipart": {"data": multipart},
        "nothing": {},
        "json header alone": {"headers": {"Content-Type": "application/json"}},
    }[shape]
    headers = {**credentials(emulator), **how.pop("headers", {})}

    answer = await caller.send("POST", PARTNER_TOKEN, headers=headers, **how)

    assert answer.status == 200
    assert answer.body["expires_in"] == 3600
    assert answer.body["token_type"] == "Bearer"
    assert (await caller.send("GET", BUSINESSES, token=answer.body["access_token"])).status == 200


@pytest.mark.parametrize(
    "wrong", [{"user": "00000000-0000-4000-8000-000000000000"}, {"password": "guess"}]
)
async def test_wrong_credentials_are_refused(emulator, caller, wrong):
    answer = await caller.send("POST", PARTNER_TOKEN, headers=credentials(emulator, **wrong))
    assert (answer.status, answer.code) == (401, "authentication_required")


@pytest.mark.parametrize("value", ["Basic", "Basic ?", "Bearer x", "basic é", ""])
async def test_broken_credentials_are_refused(caller, value):
    answer = await caller.send("POST", PARTNER_TOKEN, headers={"Authorization": value})
    assert (answer.status, answer.code) == (401, "authentication_required")


async def test_credentials_under_another_scheme_are_refused(emulator, caller):
    value = credentials(emulator)["Authorization"].replace("Basic", "Bearer")
    answer = await caller.send("POST", PARTNER_TOKEN, headers={"Authorization": value})
    assert (answer.status, answer.code) == (401, "authentication_required")


async def test_the_scheme_of_the_credentials_is_written_in_any_case(emulator, caller):
    value = credentials(emulator)["Authorization"].replace("Basic", "bASIC")
    answer = await caller.send("POST", PARTNER_TOKEN, headers={"Authorization": value})
    assert answer.status == 200


async def test_missing_credentials_are_refused(caller):
    answer = await caller.send("POST", PARTNER_TOKEN, token=None)
    assert (answer.status, answer.code) == (401, "authentication_required")


async def test_the_partner_token_carries_the_documented_claims(emulator, caller, clock):
    assert (
        claims(caller.token).items()
        >= {
            "sub": emulator.partner_uuid,
            "iat": int(clock.now),
            "exp": int(clock.now) + 3600,
        }.items()
    )


async def test_every_token_is_another(caller):
    assert await caller.partner_token() != await caller.partner_token()


# --- business tokens -------------------------------------------------------------------


async def test_a_business_token_names_its_business_and_scope(emulator, caller, shop):
    answer = await caller.send("POST", f"/v1/platform/{shop.id}/oauth2/token/")
    assert answer.status == 200
    assert answer.body["scope"] == "business_access"
    assert answer.body["business_id"] == shop.id
    assert claims(answer.body["access_token"])["business_id"] == shop.id


async def test_no_business_token_for_an_unknown_business(caller):
    unknown = "00000000-0000-4000-8000-000000000000"
    answer = await caller.send("POST", f"/v1/platform/{unknown}/oauth2/token/")
    assert (answer.status, answer.code) == (404, "business_not_found")


async def test_a_business_token_buys_no_other_token(caller, shop):
    answer = await caller.send("POST", f"/v1/platform/{shop.id}/oauth2/token/", token=shop.token)
    assert (answer.status, answer.code) == (403, "permission_denied")


async def test_a_business_token_does_not_open_another_business(emulator, caller, shop):
    other = emulator.add_business("other")
    path = f"{BUSINESSES}{other}/customers/"
    answer = await caller.send("GET", path, token=shop.token)
    assert (answer.status, answer.code) == (403, "permission_denied")


@pytest.mark.parametrize("kind", ["partner", "business"])
async def test_both_kinds_of_token_open_the_paths_of_a_business(caller, shop, kind):
    token = caller.token if kind == "partner" else shop.token
    assert (await shop.send("GET", "invoices/", token=token)).status == 200
    assert (await shop.send("GET", "", token=token)).status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("PATCH", "{id}/")])
async def test_businesses_are_listed_created_and_changed_with_the_partner_token_alone(
    caller, shop, method, path
):
    body = {"external_id": "x", "legal_name": "X", "entity_type": "plc", "email": "x@x.example"}
    answer = await caller.send(method, BUSINESSES + path.format(id=shop.id), body, token=shop.token)
    assert (answer.status, answer.code) == (403, "permission_denied")


# --- refusal and lifetime --------------------------------------------------------------


async def test_no_token_is_refused(shop):
    answer = await shop.send("GET", "invoices/", token=None)
    assert (answer.status, answer.code) == (401, "authentication_required")


@pytest.mark.parametrize("value", ["Bearer nonsense", "Bearer", "Basic eA==", "nonsense"])
async def test_a_token_that_is_none_of_ours_is_refused(shop, value):
    answer = await shop.send("GET", "invoices/", token=None, headers={"Authorization": value})
    assert (answer.status, answer.code) == (401, "invalid_token")


async def test_bytes_that_are_no_text_are_no_token(emulator, raw):
    status, body = await raw(
        b"GET /v1/platform/businesses/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n"
    )
    assert (status, body["error_code"]) == (401, "invalid_token")


async def test_bytes_that_are_no_text_are_no_credentials(emulator, raw):
    status, body = await raw(
        b"POST /v1/platform/oauth2/token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
        b"Authorization: Basic \xff\r\n\r\n"
    )
    assert (status, body["error_code"]) == (401, "authentication_required")


async def test_a_token_works_until_its_lifetime_ends(shop, clock):
    clock.advance(3599)
    assert (await shop.get("invoices/")).status == 200
    clock.advance(1)
    answer = await shop.get("invoices/")
    assert (answer.status, answer.code) == (401, "invalid_token")


async def test_an_expired_partner_token_buys_no_business_token(caller, shop, clock):
    clock.advance(3600)
    answer = await caller.send("POST", f"/v1/platform/{shop.id}/oauth2/token/")
    assert (answer.status, answer.code) == (401, "invalid_token")


async def test_the_lifetime_can_be_chosen(clock):
    async with (
        Emulator(clock=clock, token_lifetime=60) as emulator,
        aiohttp.ClientSession() as session,
    ):
        caller = Caller(emulator, session)
        token = await caller.partner_token()
        assert (await caller.send("GET", BUSINESSES, token=token)).status == 200
        clock.advance(60)
        assert (await caller.send("GET", BUSINESSES, token=token)).status == 401


async def test_revoked_tokens_are_refused_and_new_ones_work(emulator, caller, shop):
    emulator.revoke_tokens()
    for token in (caller.token, shop.token):
        answer = await shop.send("GET", "invoices/", token=token)
        assert (answer.status, answer.code) == (401, "invalid_token")
    fresh = await caller.partner_token()
    assert (await shop.send("GET", "invoices/", token=fresh)).status == 200


async def test_requests_are_counted_by_operation(emulator, caller, shop):
    await shop.get("invoices/")
    await shop.get("invoices/")
    assert emulator.requests == {
        "get_partner_token": 1,
        "get_business_token": 1,
        "list_invoices": 2,
    }
