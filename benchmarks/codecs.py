"""Bytes to models and back, without a network: msgspec, which the client uses, beside others."""

from __future__ import annotations

import json
from typing import Any

import cattrs.preconf.json
import msgspec

from thredfi_async import codec
from thredfi_async.models import CreateInvoiceRequest, Invoice

from . import payloads
from .calls import invoice_model
from .measure import table, take_turns_sync

DECODE = "decode an invoice: thredfi_async.codec (msgspec)"
ENCODE = "encode a request: thredfi_async.codec (msgspec)"


def run(*, rounds: int, calls: int) -> str:
    """Measure and return the tables."""
    answer = msgspec.json.encode(payloads.INVOICE_ANSWER)
    request = invoice_model(1)
    mapping = payloads.invoice_mapping(1)
    plain = cattrs.preconf.json.make_converter()
    plain.register_structure_hook(Any, lambda value, _: value)

    assert codec.decode(Invoice, answer)[1] == ()
    assert msgspec.json.decode(codec.encode(request)) == msgspec.to_builtins(request)

    decoding = take_turns_sync(
        {
            DECODE: lambda: codec.decode(Invoice, answer),
            "json.loads alone": lambda: json.loads(answer),
            "json.loads, then cattrs": lambda: plain.structure(json.loads(answer), Invoice),
        },
        rounds=rounds,
        calls=calls,
    )
    encoding = take_turns_sync(
        {
            ENCODE: lambda: codec.encode(request),
            "json.dumps of a mapping alone": lambda: json.dumps(mapping),
            "build the request model": lambda: invoice_model(1),
            "a mapping to the request model": lambda: codec.structure(
                CreateInvoiceRequest, mapping
            ),
        },
        rounds=rounds,
        calls=calls,
    )
    return (
        f"{table(decoding, beside=DECODE)}\n\n{table(encoding, beside=ENCODE)}\n"
        f"Answer {len(answer)} bytes; request {len(codec.encode(request))} bytes by msgspec, "
        f"{len(json.dumps(mapping))} by json.dumps with its spaces."
    )
