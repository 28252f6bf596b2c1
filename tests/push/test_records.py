"""How records are read, and what is said about those that can't be."""

from __future__ import annotations

import json

import pytest

from thredfi_async.push.draft import Reference
from thredfi_async.push.records import BadRecord, Unreadable, read_record

CUSTOMER = {"type": "customer", "business": "shop", "external_id": "C1", "company_name": "Ltd"}
PAYMENT = {
    "type": "payment",
    "business": "shop",
    "external_id": "P1",
    "customer_external_id": "C1",
    "allocations": [
        {"invoice_external_id": "I1", "amount_cents": 5},
        {"invoice_external_id": "I2", "amount_cents": 6},
        {"invoice_id": "known", "amount_cents": 7},
    ],
}


def bad(given) -> str:
    with pytest.raises(BadRecord) as caught:
        read_record(given)
    return caught.value.reason


def test_type_and_business_are_no_part_of_the_body():
    draft = read_record(CUSTOMER)
    assert draft.body(lambda _: None) == {"external_id": "C1", "company_name": "Ltd"}
    assert (draft.kind.name, draft.business, draft.external_id) == ("customer", "shop", "C1")


@pytest.mark.parametrize("line", [json.dumps(CUSTOMER), json.dumps(CUSTOMER).encode() + b"\r\n"])
def test_a_line_of_json_reads_as_the_mapping_does(line):
    assert read_record(line).fingerprint == read_record(CUSTOMER).fingerprint


def test_a_byte_order_mark_is_passed_over():
    assert read_record(b"\xef\xbb\xbf" + json.dumps(CUSTOMER).encode()).external_id == "C1"


@pytest.mark.parametrize("blank", [b"", b"  \n", "\t"])
def test_blank_lines_are_no_records(blank):
    assert read_record(blank) is None


def test_references_are_found_also_within_lists():
    draft = read_record(PAYMENT)
    assert set(draft.references) == {
        Reference("customer", "C1"),
        Reference("invoice", "I1"),
        Reference("invoice", "I2"),
    }


def test_references_are_replaced_by_ids_and_the_record_stays_as_it_was():
    before = json.dumps(PAYMENT)
    body = read_record(PAYMENT).body(lambda reference: f"id-{reference.external_id}")
    assert body == {
        "external_id": "P1",
        "customer_id": "id-C1",
        "allocations": [
            {"invoice_id": "id-I1", "amount_cents": 5},
            {"invoice_id": "id-I2", "amount_cents": 6},
            {"invoice_id": "known", "amount_cents": 7},
        ],
    }
    assert json.dumps(PAYMENT) == before


def test_an_unknown_customer_of_an_invoice_is_left_to_the_api():
    invoice = {"type": "invoice", "business": "b", "external_id": "I", "customer_external_id": "C"}
    assert read_record(invoice).body(lambda _: None)["customer_external_id"] == "C"


def test_a_null_in_place_of_a_reference_is_none():
    draft = read_record(PAYMENT | {"customer_external_id": None, "allocations": []})
    assert draft.references == ()
    assert "customer_external_id" not in draft.body(lambda _: None)


def test_marks_name_what_a_record_is_about_by_either_name():
    marks = {mark for mark in read_record(PAYMENT).marks() if mark[0] == "invoice"}
    assert marks == {
        ("invoice", "external_id", "I1"),
        ("invoice", "external_id", "I2"),
        ("invoice", "id", "known"),
    }


def test_the_order_of_keys_does_not_matter_to_the_fingerprint_and_content_does():
    backwards = dict(reversed(CUSTOMER.items()))
    assert read_record(backwards).fingerprint == read_record(CUSTOMER).fingerprint
    changed = CUSTOMER | {"company_name": "plc"}
    assert read_record(changed).fingerprint != read_record(CUSTOMER).fingerprint


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b'{"type": "customer"', "not JSON: Expecting ',' delimiter at column 20"),
        (b'{"type": NaN}', "not JSON: NaN isn't a JSON number"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b"[1]", "a record is a JSON object, not a list"),
        (b"3", "a record is a JSON object, not a number"),
        ({}, "type is missing; it is one of business, account"),
        (CUSTOMER | {"type": "costumer"}, "type 'costumer' is unknown; did you mean customer?"),
        (CUSTOMER | {"type": "Invoice"}, "did you mean invoice?"),
        (CUSTOMER | {"type": "ledger"}, "known are business"),
        (CUSTOMER | {"type": 3}, "not a number"),
        (CUSTOMER | {"business": None}, "business is missing"),
        (CUSTOMER | {"business": 7}, "business must be text, not a number"),
        (CUSTOMER | {"external_id": None}, "external_id is missing"),
        (CUSTOMER | {"external_id": ""}, "external_id is empty"),
        (CUSTOMER | {"external_id": 12}, "external_id must be text, not a number"),
        (PAYMENT | {"customer_id": "x"}, "customer_external_id and customer_id are both given"),
        (PAYMENT | {"customer_external_id": 5}, "customer_external_id must be text, not a number"),
        (
            PAYMENT | {"allocations": [{"invoice_external_id": ["I"]}]},
            "allocations[].invoice_external_id must be text, not a list",
        ),
        (
            {"type": "refund_payment", "business": "b", "external_id": "X"},
            "a refund_payment needs refund_id or refund_external_id",
        ),
        (
            {"type": "refund_payment", "business": "b", "external_id": "X", "refund_id": 4},
            "refund_id must be text, not a number",
        ),
        (CUSTOMER | {"extra_body": 1}, "extra_body must be an object, not a number"),
        (json.dumps(CUSTOMER | {"city": "\ud800"}), "not valid Unicode"),
        (Unreadable("too long", "{..."), "too long"),
    ],
)
def test_a_bad_record_says_what_is_wrong_with_it(given, reason):
    assert reason in bad(given)


def test_a_bad_record_keeps_what_could_be_read_of_it():
    with pytest.raises(BadRecord) as caught:
        read_record(json.dumps(CUSTOMER | {"type": "costumer"}))
    assert (caught.value.kind, caught.value.business) == ("costumer", "shop")
    assert caught.value.external_id == "C1"
    assert caught.value.record["company_name"] == "Ltd"


def test_an_entry_of_a_failed_file_stands_for_its_record():
    entry = {"line": 3, "status": "failed", "reason": "no", "record": CUSTOMER}
    assert read_record(json.dumps(entry)).external_id == "C1"
    mended_text = entry | {"record": json.dumps(CUSTOMER)}
    assert read_record(json.dumps(mended_text)).external_id == "C1"


def test_an_entry_of_a_failed_file_brings_known_ids_along():
    entry = {"record": PAYMENT, "resolved": {"invoice": {"I1": "id-1", "I2": 3}, "customer": None}}
    assert read_record(entry).resolved == {"invoice": {"I1": "id-1"}}
