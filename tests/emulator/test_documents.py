"""Documents: sent in forms or ahead of JSON, shown on what they belong to, and downloaded."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.support import FakeClock
from thredfi_async import Upload
from thredfi_async.emulator import Emulator

from .caller import PDF, Answer, Caller, Shop

ENTRIES = "general-ledger/journal-entries/"


async def download(shop: Shop, url: str) -> tuple[int, Any, bytes]:
    """What a browser gets that follows the link: it sends no token."""
    async with shop.caller.session.get(url) as answer:
        return answer.status, answer.headers, await answer.read()


async def invoice_with(shop: Shop, **fields: Any) -> Answer:
    """An invoice in a form, with a file as one of its parts."""
    form = aiohttp.FormData()
    form.add_field("sent_at", "2025-06-01T09:00:00Z")
    form.add_field("line_items", '[{"quantity": 1, "unit_price": 700}]')
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field("file", PDF, filename="rechnung.pdf", content_type="application/pdf")
    return await shop.send("POST", "invoices/", data=form)


async def test_the_file_of_a_form_is_shown_and_can_be_downloaded(shop):
    answer = await invoice_with(shop, document_type="sales_invoice")
    assert answer.status == 201, answer.body
    document = answer.body["document"]
    assert document == {
        "document_id": document["document_id"],
        "url": document["url"],
        "file_name": "rechnung.pdf",
        "file_size": len(PDF),
        "mime_type": "application/pdf",
    }
    assert (await shop.seen(answer.body))["document"] == document
    status, headers, content = await download(shop, document["url"])
    assert (status, content) == (200, PDF)
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == "inline; filename*=UTF-8''rechnung.pdf"


async def test_a_file_that_was_sent_ahead_is_named_in_json(shop):
    document_id = await shop.uploaded()
    document = {"file": document_id, "document_type": "refund", "upload_source": "web_app"}
    invoice = await shop.invoice(5_000)
    await shop.payment(invoice, 5_000)
    refund = await shop.refund(invoice, document=document)
    assert refund["document"]["document_id"] == document_id
    seen = await shop.get(f"invoices/refunds/{refund['id']}/")
    assert seen.body["document"]["file_name"] == "bon.pdf"
    assert (await download(shop, refund["document"]["url"]))[2] == PDF


async def test_entries_link_to_the_files_of_their_documents(shop):
    bare = await shop.invoice(100)
    filed = await shop.invoice(100, document={"file": await shop.uploaded()})
    linked = {}
    for entry in (await shop.get(ENTRIES)).body["results"]:
        detail = (await shop.get(f"{ENTRIES}{entry['id']}/")).body
        (document,) = detail["source_info"]["linked_documents"]
        linked[document["id"]] = document
    assert "file_link" not in linked[bare["id"]]
    link = linked[filed["id"]]["file_link"]
    size = len(PDF)
    assert link == {"url": filed["document"]["url"], "file_name": "bon.pdf", "file_size": size}
    assert (await download(shop, link["url"]))[2] == PDF


@pytest.mark.parametrize("place", ["ar-documents", "ap-documents", "documents"])
async def test_all_places_for_files_feed_the_same_store(shop, place):
    document_id = await shop.uploaded(place=place)
    invoice = await shop.invoice(document={"file": document_id})
    assert invoice["document"]["document_id"] == document_id


async def test_the_sdk_attaches_a_file(emulator, shop):
    async with emulator.client() as thredfi:
        business = thredfi.business(shop.id)
        body: Any = {
            "sent_at": "2025-06-01T09:00:00Z",
            "line_items": [{"quantity": 1, "unit_price": 700}],
            "document": {"document_type": "sales_invoice"},
        }
        invoice = await business.invoices.create(body, file=Upload.of(PDF, "ü.pdf"))
    document = invoice.document
    assert document is not None
    assert (document.file_name, document.file_size) == ("ü.pdf", len(PDF))
    assert document.url is not None
    _, headers, content = await download(shop, document.url)
    assert content == PDF
    assert headers["Content-Disposition"] == "inline; filename*=UTF-8''%C3%BC.pdf"


async def test_nothing_is_shown_where_nothing_was_sent(shop):
    assert "document" not in await shop.invoice()
    assert "document" not in await shop.invoice(document={"document_type": "sales_invoice"})


async def test_a_change_replaces_the_document_and_its_absence_leaves_it(shop):
    invoice = await shop.invoice(document={"file": await shop.uploaded("old.pdf")})
    path = f"invoices/{invoice['id']}/"
    kept = await shop.send("PUT", path, {"memo": "x"})
    assert kept.body["document"]["file_name"] == "old.pdf"
    new = {"document": {"file": await shop.uploaded("new.pdf")}}
    changed = await shop.send("PUT", path, new)
    assert changed.body["document"]["file_name"] == "new.pdf"


async def test_a_customer_keeps_all_its_documents(shop):
    customer = await shop.customer(document={"file": await shop.uploaded("a.pdf")})
    assert [one["file_name"] for one in customer["documents"]] == ["a.pdf"]
    change = {"document": {"file": await shop.uploaded("b.pdf")}}
    changed = await shop.send("PUT", f"customers/{customer['id']}/", change)
    assert [one["file_name"] for one in changed.body["documents"]] == ["a.pdf", "b.pdf"]


async def test_an_unknown_document_is_refused_and_leaves_no_trace(shop):
    lines = [{"quantity": 1, "unit_price": 700}]
    body = {"sent_at": "2025-06-01T09:00:00Z", "line_items": lines, "external_id": "i-1"}
    answer = await shop.post("invoices/", {**body, "document": {"file": shop.id}})
    assert answer.status == 400
    assert list(answer.fields) == ["document.file"]
    assert not shop.books.invoices
    assert (await shop.post("invoices/", body)).status == 201


async def test_a_refused_form_keeps_no_file(shop):
    answer = await invoice_with(shop, currency="USD")
    assert answer.status == 400
    assert not shop.books.documents


async def test_another_business_has_other_documents(emulator, caller, shop):
    document_id = await shop.uploaded()
    other_id = emulator.add_business("other")
    other = Shop(caller, other_id, await caller.business_token(other_id))
    body = {
        "sent_at": "2025-06-01T09:00:00Z",
        "line_items": [{"quantity": 1, "unit_price": 700}],
        "document": {"file": document_id},
    }
    assert (await other.post("invoices/", body)).status == 400
    status, _, _ = await download(shop, f"{emulator.url}/documents/{other_id}/{document_id}")
    assert status == 404


async def test_an_upload_without_a_file_is_refused(shop):
    url = f"{shop.caller.emulator.url}/v1/platform/businesses/{shop.id}/documents/upload/"
    headers = {"Authorization": f"Bearer {shop.token}"}
    text, file = aiohttp.FormData(), aiohttp.FormData()
    text.add_field("file", "text", content_type="text/plain")
    file.add_field("file", PDF, filename="a.pdf")
    async with shop.caller.session.post(url, data=text, headers=headers) as answer:
        assert answer.status == 400
        assert list((await answer.json())["detail"]) == ["file"]
    async with shop.caller.session.post(url, data=file) as answer:
        assert answer.status == 401
    assert not shop.books.documents


async def test_scripts_in_a_file_dont_run_in_the_browser(shop):
    form = aiohttp.FormData()
    form.add_field("file", b"<script>", filename="a.html", content_type="text/html")
    url = f"{shop.caller.emulator.url}/v1/platform/businesses/{shop.id}/documents/upload/"
    headers = {"Authorization": f"Bearer {shop.token}"}
    async with shop.caller.session.post(url, data=form, headers=headers) as answer:
        document_id = (await answer.json())["document_id"]
    link = f"{shop.caller.emulator.url}/documents/{shop.id}/{document_id}"
    _, headers, _ = await download(shop, link)
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_names_that_are_no_text_are_made_text(shop):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\xff.pdf"\r\n'
        b"Content-Type: application/p\xffdf\r\n\r\n%PDF\r\n--b--\r\n"
    )
    url = f"{shop.caller.emulator.url}/v1/platform/businesses/{shop.id}/documents/upload/"
    headers = {
        "Authorization": f"Bearer {shop.token}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    async with shop.caller.session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        document_id = (await answer.json())["document_id"]
    invoice = await shop.invoice(document={"file": document_id})
    status, headers, _ = await download(shop, invoice["document"]["url"])
    assert status == 200
    assert invoice["document"]["file_name"].isprintable()
    assert headers["Content-Type"].isascii()


async def test_documents_survive_a_restart(tmp_path):
    path, clock = tmp_path / "books.db", FakeClock()
    async with aiohttp.ClientSession() as session:
        async with Emulator(db=path, clock=clock) as emulator:
            caller = Caller(emulator, session)
            caller.token = await caller.partner_token()
            business_id = emulator.add_business("shop")
            shop = Shop(caller, business_id, await caller.business_token(business_id))
            document_id = await shop.uploaded()
        async with Emulator(db=path, clock=clock) as emulator:
            link = f"{emulator.url}/documents/{business_id}/{document_id}"
            status, headers, content = await download(shop, link)
    assert (status, content) == (200, PDF)
    assert headers["Content-Type"] == "application/pdf"
