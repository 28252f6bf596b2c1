"""What the emulator makes of requests as such: paths, methods, bodies, content types."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging

import aiohttp
import pytest
from yarl import URL

from thredfi_async.emulator import Emulator
from thredfi_async.emulator.dispatch import Dispatcher
from thredfi_async.errors import BadRequest, NotFound
from thredfi_async.operations import OPERATIONS

from .caller import Caller
from .description import new_operations

CUSTOMERS = "customers/"


# --- the shape of refusals ---------------------------------------------------------------


async def test_refusals_may_have_the_shape_of_the_guide(clock):
    async with Emulator(clock=clock, errors="guide") as emulator:
        shop_id = emulator.add_business("shop")
        async with emulator.client() as thredfi:
            shop = thredfi.business(shop_id)
            with pytest.raises(NotFound) as caught:
                await shop.customers.get("00000000-0000-4000-8000-000000000000")
            assert caught.value.code == "customer_not_found"
            assert caught.value.message == "No such customer."
            with pytest.raises(BadRequest) as refused:
                await shop.invoices.create(
                    {"sent_at": "2025-01-31", "line_items": [{"quantity": 1}]}
                )
            assert refused.value.code == "validation_error"
            assert list(refused.value.fields) == ["line_items[0].unit_price"]
            assert refused.value.request_id  # from the header
        url = f"{emulator.url}/v1/platform/businesses/"
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as answer:
                assert await answer.json() == {
                    "error": "Send a bearer token.",
                    "error_code": "authentication_required",
                    "details": {},
                }
            # Thred's widget reads the message of the other shape.
            async with session.get(url, headers={"Origin": "http://page.example"}) as answer:
                assert (await answer.json())["message"] == "Send a bearer token."


@pytest.mark.parametrize("name", ["errors", "envelope"])
def test_a_shape_that_there_is_not_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name} must be reference or guide, not 'guides'"):
        Emulator(**{name: "guides"})


# --- paths and methods -----------------------------------------------------------------


async def test_the_trailing_slash_may_be_missing(shop):
    made = await shop.customer()
    for path in ("customers", f"customers/{made['id']}", "invoices/payments"):
        assert (await shop.get(path)).status == 200
    assert (await shop.post("customers", {})).status == 201
    assert (await shop.get("customers?page=1")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/platform/",
        "/v2/platform/businesses/",
        "/v1/platform/businesses/{}/nothing/",
        "/v1/platform/businesses/{}/customers/a/b/c/",
        "/v1/platform/businesses/{}/customers//archive/",
        "/v1/platform/businesses/%zz/%00/",
    ],
)
async def test_an_unknown_path_is_not_found(caller, shop, path):
    answer = await caller.send("GET", path.format(shop.id))
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "HEAD", "TRACE"])
async def test_a_method_that_a_path_does_not_take_is_refused(shop, raw, method):
    path = f"/v1/platform/businesses/{shop.id}/customers/"
    if method == "HEAD":
        async with shop.caller.session.head(shop.caller.emulator.url + path) as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET, POST"
        return
    status, body = await raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (status, body["error_code"]) == (405, "method_not_allowed")
    assert "GET, POST" in body["message"]


async def test_an_endless_query_is_refused(shop):
    answer = await shop.get("customers/?" + "a=1&" * 1001)
    assert (answer.status, answer.code) == (400, "validation_error")


async def test_a_literal_path_wins_over_an_id(shop):
    assert (await shop.get("invoices/payments/")).body["results"] == []
    assert (await shop.get("invoices/refunds/")).body["results"] == []


async def test_an_id_may_be_percent_encoded(shop):
    made = await shop.customer()
    assert (await shop.get(f"customers/{made['id'].replace('-', '%2D')}/")).body == made


def test_every_operation_of_the_description_is_emulated():
    assert Emulator().operations == set(OPERATIONS) - new_operations()


# --- bodies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"company_name": "\\ud800"}',
        b'{"credit_limit_cents": ' + b"9" * 10_000 + b"}",
        b'{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"metadata": ' + b"[" * 200 + b"]" * 200 + b"}",
        b"<html></html>",
    ],
)
async def test_a_body_that_is_no_json_is_refused(shop, data):
    answer = await shop.post(CUSTOMERS, data=data, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (400, "validation_error")


@pytest.mark.parametrize("body", [[], "text", 5, None, True, [{"company_name": "C"}]])
async def test_json_that_is_no_object_is_refused(shop, body):
    answer = await shop.post(CUSTOMERS, body)
    assert answer.status == 400
    assert answer.fields == {"non_field_errors": ["The body must be a JSON object."]}


@pytest.mark.parametrize("data", [None, b"", b"  \n"])
async def test_a_missing_body_is_refused_where_one_is_needed(shop, data):
    answer = await shop.post("invoices/", data=data)
    assert answer.status == 400
    assert answer.fields == {"non_field_errors": ["A body is required."]}


async def test_a_missing_body_is_fine_where_none_is_needed(shop):
    made = await shop.invoice()
    assert (await shop.post(f"invoices/{made['id']}/void/")).status == 200


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", "x", ""])
async def test_json_is_read_whatever_it_is_called(shop, content_type):
    answer = await shop.post(
        CUSTOMERS, data=b'{"company_name": "C"}', headers={"Content-Type": content_type}
    )
    assert answer.status == 201


async def test_fields_that_are_not_documented_are_ignored(shop):
    answer = await shop.post(
        CUSTOMERS, {"company_name": "C", "favourite_colour": "red", "nested": {"deep": [1]}}
    )
    assert answer.status == 201
    assert "favourite_colour" not in answer.body
    invoice = await shop.invoice(
        line_items=[{"quantity": 1, "unit_price": 1, "unknown": 5}], unknown=None
    )
    assert invoice["total_amount"] == 1


@pytest.mark.parametrize("kind", ["json", "multipart"])
async def test_a_client_that_waits_for_100_continue_gets_it(emulator, shop, kind):
    lines = [{"quantity": 1, "unit_price": 5}]
    form = {"sent_at": "2025-06-01", "line_items": json.dumps(lines)}
    body = {
        "json": {"json": {**form, "line_items": lines}},
        "multipart": {"data": aiohttp.FormData(form, default_to_multipart=True)},
    }[kind]
    async with shop.caller.session.post(
        f"{emulator.url}/v1/platform/businesses/{shop.id}/invoices/",
        headers={"Authorization": f"Bearer {shop.token}"},
        expect100=True,
        timeout=aiohttp.ClientTimeout(total=5),
        **body,
    ) as answer:
        assert answer.status == 201
        assert (await answer.json())["total_amount"] == 5


async def test_a_compressed_body_is_read(shop):
    answer = await shop.post(
        CUSTOMERS,
        data=gzip.compress(b'{"company_name": "Zip"}'),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert answer.body["company_name"] == "Zip"


async def test_a_broken_compressed_body_is_refused(raw, shop):
    status, body = await raw(
        f"POST /v1/platform/businesses/{shop.id}/customers/ HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {shop.token}\r\nContent-Type: application/json\r\n"
        "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot zip!!".encode()
    )
    assert (status, body["error_code"]) == (400, "validation_error")


async def test_a_huge_body_is_refused(shop):
    async def endless():
        for _ in range(33):
            yield b" " * (1 << 20)

    answer = await shop.post("invoices/", data=endless())
    assert (answer.status, answer.code) == (413, "too_large")


async def test_an_integer_that_no_database_holds_is_named_wherever_it_stands(shop):
    body = {"metadata": {"a": [1, {"b": 2**63}]}, "credit_limit_cents": 10**30}
    answer = await shop.post(CUSTOMERS, body)
    assert answer.status == 400
    assert answer.fields == {
        "metadata.a[1].b": ["This integer is too large."],
        "credit_limit_cents": ["This integer is too large."],
    }
    assert (await shop.post(CUSTOMERS, {"metadata": {"a": [2**63 - 1]}})).status == 201


async def test_a_client_that_goes_away_is_no_error(emulator, shop, caplog):
    url = URL(emulator.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST /v1/platform/businesses/{shop.id}/customers/ HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {shop.token}\r\nContent-Length: 100\r\n\r\n{{".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    with caplog.at_level(logging.INFO):
        assert (await shop.get("customers/")).body["count"] == 0
    assert not caplog.records


@pytest.mark.broken_emulator
async def test_a_bug_of_the_emulators_is_a_500_in_the_usual_shape(shop, monkeypatch, caplog):
    def broken(self):
        raise ZeroDivisionError

    monkeypatch.setattr(Dispatcher, "now", broken)
    answer = await shop.get("customers/")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text


# --- forms -----------------------------------------------------------------------------


def form(kind, fields):
    if kind == "urlencoded":
        return fields
    return aiohttp.FormData(fields, default_to_multipart=True)


KINDS = pytest.mark.parametrize("kind", ["urlencoded", "multipart"])


@KINDS
async def test_a_business_is_created_by_a_form(caller, kind):
    fields = {
        "external_id": "b1",
        "legal_name": "Café & Söhne",
        "entity_type": "limited",
        "email": "b1@business.example",
        "metadata": json.dumps({"tier": 1}),
        "fiscal_year_end": "2025-12-31",
    }
    answer = await caller.send("POST", "/v1/platform/businesses/", data=form(kind, fields))
    assert answer.status == 201
    assert answer.body.items() >= {**fields, "metadata": {"tier": 1}}.items()


@KINDS
async def test_a_refund_is_created_by_a_form(shop, kind):
    invoice = await shop.invoice(10_000)
    await shop.payment(invoice, 10_000)
    fields = {"invoice_id": invoice["id"], "amount_cents": "400", "memo": "12", "method": "cash"}
    answer = await shop.post("invoices/refunds/", data=form(kind, fields))
    assert answer.status == 201
    assert (answer.body["refunded_amount"], answer.body["memo"]) == (400, "12")


@KINDS
@pytest.mark.parametrize("amount", ["x", "1.5", "", "true", "[1]", '"5"'])
async def test_a_bad_field_of_a_form_is_named(shop, kind, amount):
    invoice = await shop.invoice(10_000)
    await shop.payment(invoice, 10_000)
    fields = {"invoice_id": invoice["id"], "amount_cents": amount}
    answer = await shop.post("invoices/refunds/", data=form(kind, fields))
    assert (answer.status, list(answer.fields)) == (400, ["amount_cents"])


async def test_an_invoice_is_created_by_multipart_with_its_file(shop):
    lines = [{"quantity": 2, "unit_price": 150, "tax_code": "VAT_20"}]
    data = aiohttp.FormData()
    data.add_field("sent_at", "2025-06-01")
    data.add_field("line_items", json.dumps(lines))
    data.add_field("transaction_tags", "red")
    data.add_field("transaction_tags", "blue")
    data.add_field("document_type", "sales_invoice")
    data.add_field("file", b"%PDF-1.7 \xff", filename="invoice.pdf", content_type="application/pdf")
    answer = await shop.post("invoices/", data=data)
    assert answer.status == 201
    assert answer.body["total_amount"] == 360
    assert answer.body["transaction_tags"] == ["red", "blue"]


async def test_lines_of_a_multipart_invoice_may_be_parts_of_their_own(shop):
    data = aiohttp.FormData(default_to_multipart=True)
    data.add_field("sent_at", "2025-06-01")
    for price in (100, 50):
        data.add_field("line_items", json.dumps({"quantity": 1, "unit_price": price}))
    assert (await shop.post("invoices/", data=data)).body["total_amount"] == 150


@KINDS
async def test_an_invoice_is_voided_by_a_form(shop, kind):
    made = await shop.invoice()
    answer = await shop.post(f"invoices/{made['id']}/void/", data=form(kind, {"memo": "mistake"}))
    assert answer.status == 200


@KINDS
async def test_a_form_is_refused_where_none_is_documented(shop, kind):
    answer = await shop.post(CUSTOMERS, data=form(kind, {"company_name": "C"}))
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("multipart/form-data", b"--x\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"nonsense"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: x; name="a"\r\n\r\nb'),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="memo"\r\n'
            b"Content-Transfer-Encoding: magic\r\n\r\nb\r\n--x--\r\n",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="memo"\r\n'
            b"Content-Type: text/plain; charset=raw_unicode_escape\r\n\r\n\\ud800\r\n--x--\r\n",
        ),
        ("application/x-www-form-urlencoded; charset=klingon", b"memo=x"),
    ],
)
async def test_a_broken_form_is_refused(shop, content_type, data):
    answer = await shop.post("invoices/refunds/", data=data, headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (400, "validation_error")


async def test_a_day_in_a_form_is_text_and_never_null(caller, shop):
    answer = await caller.send(
        "PATCH",
        f"/v1/platform/businesses/{shop.id}/",
        data=b"fiscal_year_end=null",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status, list(answer.fields)) == (400, ["fiscal_year_end"])


async def test_a_form_of_too_many_fields_is_refused(shop):
    answer = await shop.post(
        "invoices/refunds/",
        data=b"&".join([b"a=1"] * 100_000),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status, answer.code) == (413, "too_large")


# --- life ------------------------------------------------------------------------------


async def test_the_same_seed_gives_the_same_ids_and_credentials():
    one, two, other = (Emulator(seed=seed) for seed in (1, 1, 2))
    assert (one.partner_uuid, one.api_key) == (two.partner_uuid, two.api_key)
    assert one.add_business("shop") == two.add_business("shop") != other.add_business("shop")


async def test_it_can_be_stopped_and_started_again_and_keeps_its_books():
    emulator = Emulator()
    await emulator.start()
    url, business_id = emulator.url, emulator.add_business("shop")
    await emulator.stop()
    assert emulator.books("shop").id == business_id
    async with emulator, aiohttp.ClientSession() as session:
        assert emulator.url == url
        caller = Caller(emulator, session)
        token = await caller.partner_token()
        path = f"/v1/platform/businesses/{business_id}/"
        assert (await caller.send("GET", path, token=token)).status == 200


async def test_a_port_that_is_taken_is_an_oserror(emulator):
    with pytest.raises(OSError, match="address already in use"):
        await Emulator(port=URL(emulator.url).port).start()


async def test_it_serves_on_ipv6():
    async with Emulator(host="::1") as emulator, aiohttp.ClientSession() as session:
        assert emulator.url.startswith("http://[::1]:")
        assert await Caller(emulator, session).partner_token()
