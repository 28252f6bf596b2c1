"""Bytes to models and back, without a network: msgspec, which the client uses, beside others."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import cattrs.preconf.json
import msgspec

from thredfi_async import codec
from thredfi_async.models import CreateInvoiceRequest, Invoice, PaginatedInvoiceList

from . import payloads
from .measure import take_turns_sync
from .results import DECODE, Section, rows
from .variants import invoice_model

ORJSON = "orjson.loads of a page"
ONE = "thredfi: codec.decode of an invoice"
ENCODE = "thredfi: codec.encode of a request"


def run(*, rounds: int, calls: int) -> Section:
    """A page of 100 invoices, one invoice, and one request."""
    answer = msgspec.json.encode(payloads.INVOICE_ANSWER)
    request = invoice_model(1)
    mapping = payloads.invoice_mapping(1)
    plain = cattrs.preconf.json.make_converter()
    plain.register_structure_hook(Any, lambda value, _: value)
    assert codec.decode(Invoice, answer)[1] == ()
    assert msgspec.json.decode(codec.encode(request)) == msgspec.to_builtins(request)

    decoding = take_turns_sync(
        {
            "json.loads alone": lambda: json.loads(answer),
            ONE: lambda: codec.decode(Invoice, answer),
            "json.loads, then cattrs": lambda: plain.structure(json.loads(answer), Invoice),
        },
        rounds=rounds,
        calls=calls,
    )
    encoding = take_turns_sync(
        {
            "json.dumps of a mapping alone": lambda: json.dumps(mapping),
            ENCODE: lambda: codec.encode(request),
            "build the request model": lambda: invoice_model(1),
            "a mapping to the request model": lambda: codec.structure(
                CreateInvoiceRequest, mapping
            ),
        },
        rounds=rounds,
        calls=calls,
    )
    found = rows("codec", "one answer", decoding, beside="json.loads alone")
    found += rows("codec", "one request", encoding, beside="json.dumps of a mapping alone")
    section = Section("codec", "CPU of the codec alone", found)
    if find_spec("orjson") is None:
        section.notes.append("a page skipped: orjson is not installed")
        return section

    import orjson

    page = msgspec.json.encode(payloads.invoice_page(1))
    assert codec.decode(PaginatedInvoiceList, page)[1] == ()
    pages = take_turns_sync(
        {
            ORJSON: lambda: orjson.loads(page),
            DECODE: lambda: codec.decode(PaginatedInvoiceList, page),
        },
        rounds=rounds,
        calls=max(1, calls // 20),
    )
    found += rows("codec", "a page of 100 invoices", pages, beside=ORJSON)
    return section
