"""Files in forms: what goes over the wire, what is refused before, and that no file stays open."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import pytest

from thredfi_async import (
    ApiError,
    BusinessClient,
    InvalidRequest,
    OutcomeUnknown,
    ThredfiClient,
    TransportError,
    Upload,
)
from thredfi_async.emulator import Emulator
from thredfi_async.models import CreateInvoiceRequest, InvoiceLineItemRequest
from thredfi_async.operations import OPERATIONS

from .support import BUSINESS, Received, ScriptedServer, answer

BODY: dict[str, Any] = {
    "external_id": "inv-1",
    "sent_at": "2025-01-31T12:00:00Z",
    "line_items": [{"description": "Bread", "quantity": 1.5, "unit_price": 450}],
}
NAMELESS = {key: value for key, value in BODY.items() if key != "external_id"}
CONTENT = b"%PDF-1.7\r\n--x\x00\xff\r\n\r\n" * 50_000  # more than one piece


@attrs.frozen
class Part:
    """One part of a form."""

    content: bytes
    filename: str | None = None
    content_type: str | None = None


def parts(request: Received) -> dict[str, Part]:
    """The parts of a multipart body by their names, in order."""
    assert int(request.headers["Content-Length"]) == len(request.body)
    found = re.fullmatch("multipart/form-data; boundary=(.+)", request.headers["Content-Type"])
    assert found is not None
    boundary = b"--" + found[1].encode()
    first, *middle, last = (b"\r\n" + request.body).split(b"\r\n" + boundary)
    assert (first, last) == (b"", b"--\r\n")
    form: dict[str, Part] = {}
    for raw in middle:
        head, _, content = raw.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        match = re.fullmatch(
            r'Content-Disposition: form-data; name="([^"]+)"'
            r'(?:; filename="([^"]+)"\r\nContent-Type: (\S+))?',
            head.decode(),
        )
        assert match is not None, head
        name, filename, content_type = match.groups()
        assert name not in form
        form[name] = Part(content, filename, content_type)
    return form


def open_files(path: Path) -> int:
    """How often this process has the file open. Where that can't be asked, warnings must do."""
    return sum(os.path.realpath(entry) == str(path) for entry in Path("/proc/self/fd").glob("*"))


@pytest.fixture
def invoice_pdf(tmp_path: Path) -> Path:
    path = tmp_path / "invoice.pdf"
    path.write_bytes(CONTENT)
    return path


# --- what is sent ------------------------------------------------------------------------


async def test_a_body_with_a_file_is_a_form(
    server: ScriptedServer, shop: BusinessClient, invoice_pdf: Path
) -> None:
    server.answers(answer(201, {"id": "inv-id"}))
    body = CreateInvoiceRequest(
        external_id="inv-1",
        sent_at=date(2025, 1, 31),
        line_items=[InvoiceLineItemRequest(quantity=1.5, unit_price=450)],
        additional_discount=10,
        memo='Bröd "fresh"',
    )
    invoice = await shop.invoices.create(body, file=Upload(invoice_pdf))
    assert invoice.id == "inv-id"
    form = parts(server.requests[0])
    assert form.pop("file") == Part(CONTENT, "invoice.pdf", "application/pdf")
    assert json.loads(form.pop("line_items").content) == [{"quantity": 1.5, "unit_price": 450}]
    assert form == {
        "external_id": Part(b"inv-1"),
        "sent_at": Part(b"2025-01-31"),
        "additional_discount": Part(b"10"),
        "memo": Part('Bröd "fresh"'.encode()),
    }


LINES = [{"amount": 450}]
CALLS: dict[str, Any] = {
    "create_invoice": lambda shop, **a: shop.invoices.create(**a),
    "create_refund": lambda shop, **a: shop.refunds.create(**a),
    "create_customer_credit": lambda shop, **a: shop.customer_credits.create(**a),
    "update_customer_credit": lambda shop, **a: shop.customer_credits.update("id", **a),
    "create_bill": lambda shop, **a: shop.bills.create(**a),
    "update_bill": lambda shop, **a: shop.bills.update("id", **a),
    "update_vendor": lambda shop, **a: shop.vendors.update("id", **a),
    "create_vendor_credit": lambda shop, **a: shop.vendor_credits.create(**a),
    "update_vendor_credit": lambda shop, **a: shop.vendor_credits.update("id", **a),
    "create_vendor_refund": lambda shop, **a: shop.vendor_refunds.create(**a),
    "update_vendor_refund": lambda shop, **a: shop.vendor_refunds.update("id", **a),
}
BODIES: dict[str, dict[str, Any]] = {
    "create_invoice": BODY,
    "create_refund": {"invoice_id": "inv-id"},
    "create_customer_credit": {"external_id": "c-1", "line_items": LINES},
    "create_bill": {"external_id": "b-1", "line_items": [{"quantity": 1, "unit_price": 450}]},
    "create_vendor_credit": {"external_id": "v-1", "line_items": LINES},
    "create_vendor_refund": {"vendor_id": "vendor-id", "total_refunded_amount_cents": 450},
}


def test_every_operation_that_documents_a_file_is_tried_here() -> None:
    assert set(CALLS) == {operation.id for operation in OPERATIONS.values() if operation.file}


@pytest.mark.parametrize("operation", CALLS)
async def test_the_description_says_where_the_file_stands(
    operation: str, server: ScriptedServer, shop: BusinessClient
) -> None:
    body = BODIES.get(operation, {}) | {"document": {"document_type": "scan", "tags": ["a", 1]}}
    await CALLS[operation](shop, body=body, file=Upload.of(b"abc", "scan.png"))
    form = parts(server.requests[0])
    beside = {"create_invoice": "file", "create_vendor_refund": "file"}
    where = "document" if operation == "update_vendor_refund" else beside.get(operation)
    prefix = "" if where else "document."
    assert form[where or "document.file"] == Part(b"abc", "scan.png", "image/png")
    assert form[f"{prefix}document_type"] == Part(b"scan")
    assert json.loads(form[f"{prefix}tags"].content) == ["a", 1]
    assert len(form) == 3 + len(BODIES.get(operation, {}))


async def test_without_a_file_a_body_stays_json(
    server: ScriptedServer, shop: BusinessClient
) -> None:
    body = BODY | {"document": {"file": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}}
    await shop.invoices.create(body)
    assert server.requests[0].headers["Content-Type"] == "application/json"
    assert server.requests[0].json() == body


async def test_options_hold_for_forms_as_well(server: ScriptedServer, shop: BusinessClient) -> None:
    await shop.invoices.create(
        BODY,
        file=Upload.of(b"abc", "a.pdf"),
        idempotency_key="the-key",
        extra_body={"new_flag": True, "on": date(2025, 2, 1), "document": {"upload_source": "api"}},
        extra_headers={"X-Trace": "1", "content-type": "text/plain"},
        extra_query={"dry": True},
    )
    (request,) = server.requests
    form = parts(request)
    assert form["new_flag"] == Part(b"true")
    assert form["on"] == Part(b"2025-02-01")
    assert form["upload_source"] == Part(b"api")
    assert (request.headers["Idempotency-Key"], request.headers["X-Trace"]) == ("the-key", "1")
    assert request.target.endswith("/invoices/?dry=true")


@pytest.mark.parametrize(
    ("upload", "part"),
    [
        (Upload.of(b"", "empty.csv"), Part(b"", "empty.csv", "text/csv")),
        (Upload.of(b"x", "Füße 1.JPG"), Part(b"x", "Füße 1.JPG", "image/jpeg")),
        (Upload.of(b"x", 'a"b.png'), Part(b"x", "a%22b.png", "image/png")),
        (Upload.of(b"x", "noname"), Part(b"x", "noname", "application/octet-stream")),
        (Upload.of(b"x", "a.pdf.gz"), Part(b"x", "a.pdf.gz", "application/octet-stream")),
        (Upload.of(b"x", "a.bin", "image/heic"), Part(b"x", "a.bin", "image/heic")),
    ],
)
async def test_how_a_file_is_called(
    upload: Upload, part: Part, server: ScriptedServer, shop: BusinessClient
) -> None:
    await shop.invoices.create(BODY, file=upload)
    assert parts(server.requests[0])["file"] == part


async def test_a_path_may_be_called_otherwise(
    server: ScriptedServer, shop: BusinessClient, invoice_pdf: Path
) -> None:
    upload = Upload(str(invoice_pdf), filename="January.txt", content_type="application/pdf")
    await shop.invoices.create(BODY, file=upload)
    assert parts(server.requests[0])["file"] == Part(CONTENT, "January.txt", "application/pdf")


async def test_an_invoice_with_its_file_is_booked_by_the_emulator(invoice_pdf: Path) -> None:
    async with Emulator() as emulator, emulator.client() as thredfi:
        shop = thredfi.business(emulator.add_business("bakery"))
        invoice = await shop.invoices.create(BODY, file=Upload(invoice_pdf))
        assert invoice.total_amount == 675
        found = await shop.invoices.get(str(invoice.id))
        assert found.external_id == "inv-1"


# --- in pieces -----------------------------------------------------------------------------


class Sink(ScriptedServer):
    """Reads bodies but for token calls in pieces, and forgets them."""

    reads = True
    received = 0

    async def _receive(self, reader: asyncio.StreamReader) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = dict(line.split(": ", 1) for line in lines if line)
        left = int(headers.get("Content-Length", 0))
        body = b""
        if target.endswith("/token/"):
            body = await reader.readexactly(left)
        elif self.reads:
            while left:
                piece = await reader.read(min(left, 1 << 16))
                if not piece:
                    return None
                left -= len(piece)
                self.received += len(piece)
                self.on_piece()
        return Received(method, target, headers, body)

    def on_piece(self) -> None:
        """Called after each piece of a body."""


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    path = tmp_path / "huge.pdf"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    return path


async def test_a_large_file_is_never_in_memory_as_a_whole(huge: Path) -> None:
    async with (
        Sink() as server,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi,
    ):
        invoices = thredfi.business(BUSINESS).invoices
        await invoices.create(BODY, file=Upload.of(b"warm", "a.pdf"))
        tracemalloc.start()
        try:
            await invoices.create(BODY, file=Upload(huge))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert server.received > 64 << 20
        assert peak < 4 << 20


async def test_a_refusal_that_comes_before_the_file_was_sent_ends_the_call(huge: Path) -> None:
    async with (
        Sink() as server,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi,
    ):
        server.reads = False
        server.answers(answer(413, {"message": "too large"}))
        with pytest.raises(ApiError, match="too large"):
            await thredfi.business(BUSINESS).invoices.create(BODY, file=Upload(huge))
        assert open_files(huge) == 0


async def test_a_file_that_shrinks_meanwhile_is_no_half_upload(huge: Path) -> None:
    async with (
        Sink() as server,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi,
    ):
        server.on_piece = lambda: os.truncate(huge, 1 << 20)  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknown, match="create_invoice: the file became shorter"):
            await thredfi.business(BUSINESS).invoices.create(NAMELESS, file=Upload(huge))
        assert server.requests == []
        assert open_files(huge) == 0


class Torn(io.BytesIO):
    """A file on a failing disk."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error")


async def test_a_file_that_cannot_be_read_to_its_end(
    server: ScriptedServer, shop: BusinessClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Upload, "open", lambda upload: Torn(b"abc"))
    with pytest.raises(OutcomeUnknown, match=r"create_invoice: the file can't be read: .*Input"):
        await shop.invoices.create(NAMELESS, file=Upload("a.pdf"))
    assert server.requests == []


async def test_what_is_added_to_a_file_meanwhile_is_not_sent(huge: Path) -> None:
    async with (
        Sink() as server,
        ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url) as thredfi,
    ):
        server.on_piece = lambda: os.truncate(huge, 65 << 20)  # type: ignore[method-assign]
        await thredfi.business(BUSINESS).invoices.create(BODY, file=Upload(huge))
        (request,) = server.requests
        assert server.received == int(request.headers["Content-Length"]) < 65 << 20


# --- retries -------------------------------------------------------------------------------


async def test_a_retry_sends_the_file_from_its_start(
    server: ScriptedServer, shop: BusinessClient, invoice_pdf: Path
) -> None:
    server.answers(answer(503), None, answer(201, {"id": "inv-id"}))
    await shop.invoices.create(BODY, file=Upload(invoice_pdf))
    first, second, third = server.requests
    assert first.body == second.body == third.body
    assert parts(third)["file"].content == CONTENT
    assert open_files(invoice_pdf) == 0


async def test_without_an_external_id_a_form_is_not_sent_twice(
    server: ScriptedServer, shop: BusinessClient, invoice_pdf: Path
) -> None:
    server.answers(None)
    with pytest.raises(OutcomeUnknown):
        await shop.invoices.create(NAMELESS, file=Upload(invoice_pdf))
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "error"), [(429, InvalidRequest), (503, OutcomeUnknown)])
async def test_a_file_that_vanishes_between_attempts(
    status: int,
    error: type[Exception],
    server: ScriptedServer,
    shop: BusinessClient,
    invoice_pdf: Path,
) -> None:
    def script(request: Received) -> bytes:
        invoice_pdf.unlink()
        return answer(status)

    server.script = script
    with pytest.raises(error, match="No such file"):
        await shop.invoices.create(BODY, file=Upload(invoice_pdf))
    assert len(server.requests) == 1


# --- what is refused ------------------------------------------------------------------------


async def test_a_file_that_cannot_be_read_is_said_before_anything_is_sent(
    server: ScriptedServer, shop: BusinessClient, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.pdf"
    os.mkfifo(pipe)
    for upload, why in (
        (Upload(tmp_path / "missing.pdf"), "No such file or directory: '.*missing.pdf'"),
        (Upload(tmp_path, filename="folder"), "is not a regular file"),
        (Upload(pipe), "is not a regular file"),
    ):
        with pytest.raises(InvalidRequest, match=f"^file: can't be read: .*{why}") as raised:
            await shop.invoices.create(BODY, file=upload)
        assert [path for path, _ in raised.value.problems] == ["file"]
    assert server.requests == server.token_requests == []


ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.mark.parametrize(
    ("body", "file", "problem"),
    [
        (BODY, "invoice.pdf", r'^file: must be an Upload, such as Upload\("invoice.pdf"\)'),
        (BODY | {"document": {"file": ID}}, None, "^document.file: is given as file= already"),
        (
            BODY | {"metadata": {"a": 1}, "document": {"metadata": {"b": 2}}},
            None,
            "^document.metadata: has no place beside metadata",
        ),
        (BODY | {"memo": None}, None, "^memo: can't be null in a form"),
        (BODY | {"memo": "\ud800"}, None, "^memo: is not valid Unicode"),
        (BODY | {"document_type": "scan"}, None, "^document_type: is unknown"),
    ],
)
async def test_what_cannot_be_a_form_is_refused(
    body: dict[str, Any], file: Any, problem: str, server: ScriptedServer, shop: BusinessClient
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        await shop.invoices.create(body, file=file or Upload.of(b"abc", "a.pdf"))
    assert server.requests == server.token_requests == []


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"file": "another"}, r"^file: is given as file= already"),
        ({"document": "scan"}, r"^document: must be a mapping, not str"),
    ],
)
async def test_extra_fields_must_leave_room_for_the_file(
    extra: dict[str, Any], problem: str, server: ScriptedServer, shop: BusinessClient
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        await shop.invoices.create(BODY, file=Upload.of(b"abc", "a.pdf"), extra_body=extra)
    assert server.requests == []


async def test_an_operation_without_a_file_takes_none(shop: BusinessClient) -> None:
    with pytest.raises(InvalidRequest, match=r"^file: isn't an argument of create_vendor"):
        await shop.vendors.create({}, file=Upload.of(b"abc", "a.pdf"))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Upload(b"abc"), "path"),  # type: ignore[arg-type]
        (lambda: Upload("a\0b"), "path"),
        (lambda: Upload("a\0b", filename="a.pdf"), "path"),
        (lambda: Upload("/"), "filename"),
        (lambda: Upload("a.pdf", filename="a\r\nb"), "filename"),
        (lambda: Upload("a.pdf", content_type="pdf\r\nX: y"), "content_type"),
        (lambda: Upload("a.pdf", content_type="pdf"), "content_type"),
        (lambda: Upload.of("abc", "a.txt"), "data"),  # type: ignore[arg-type]
        (lambda: Upload.of(b"abc", ""), "filename"),
    ],
)
def test_a_bad_upload_is_refused_when_it_is_made(make: Any, field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: must be"):
        make()


def test_an_upload_shows_no_content() -> None:
    assert repr(Upload.of(b"secret", "a.pdf")) == (
        "Upload(filename='a.pdf', content_type='application/pdf')"
    )


# --- nothing stays open ----------------------------------------------------------------------


async def test_a_call_with_a_file_can_be_cancelled_at_every_step(invoice_pdf: Path) -> None:
    async with (
        ScriptedServer() as server,
        ThredfiClient(
            partner_uuid="p", api_key="k", base_url=server.url, max_connections=1
        ) as thredfi,
    ):
        invoices = thredfi.business(BUSINESS).invoices
        finished = step = 0
        while finished < 3:
            step += 1
            call = asyncio.create_task(invoices.create(BODY, file=Upload(invoice_pdf)))
            for _ in range(step):
                await asyncio.sleep(0)
            call.cancel()
            (outcome,) = await asyncio.gather(call, return_exceptions=True)
            if not isinstance(outcome, asyncio.CancelledError):
                assert not isinstance(outcome, BaseException)
                finished += 1
        await invoices.create(BODY, file=Upload(invoice_pdf), deadline=10)
        assert step > 10
    # What a thread was opening meanwhile is closed by the event loop, once it has its turn.
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    await asyncio.sleep(0)
    assert open_files(invoice_pdf) == 0


async def test_a_file_is_closed_when_there_is_no_connection(invoice_pdf: Path) -> None:
    async with ScriptedServer() as server:
        thredfi = ThredfiClient(partner_uuid="p", api_key="k", base_url=server.url)
        invoices = thredfi.business(BUSINESS).invoices
        await invoices.create(BODY)  # the tokens are there now
    async with thredfi:
        with pytest.raises(TransportError, match="create_invoice: no connection"):
            await invoices.create(BODY, file=Upload(invoice_pdf), retries=0)
    assert open_files(invoice_pdf) == 0
