"""Garbage of every kind gets a 4xx in the documented shape, and never a 5xx.

The `Caller` holds every answer against the description, so each of these tests does too.
"""

from __future__ import annotations

import json
from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import cases
from thredfi_async import codec
from thredfi_async.fields import model_fields
from thredfi_async.operation import TokenScope
from thredfi_async.operations import OPERATIONS

from .fuzzing import ground

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

many = settings(
    max_examples=cases(100, 400), deadline=None, suppress_health_check=list(HealthCheck)
)
DAY = "2025-06-01"
LINE = {"quantity": 1, "unit_price": 100}
SCALARS = [
    "", "x", "\x00", "é", "0", "-1", "1e5", "null", "true", DAY, "2025-06-01T00:00:00Z", "GBP",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01", "completed", "EXEMPT",
    "9999-12-31", "0001-01-01", "archived", 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63),
    10**400, 0.5, -0.0, 1e308, 5e-324, float("nan"), float("inf"), True, False, None, "a" * 5000,
]  # fmt: skip
scalars = st.sampled_from(SCALARS) | st.integers() | st.floats() | st.text(max_size=8)
keys = st.sampled_from(
    ["amount", "amount_cents", "code", "external_id", "id", "invoice_id", "quantity", "unit_price"]
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(), inner, max_size=4)
    ),
    max_leaves=8,
)
# What a good request to each writing operation holds; {names} are ids of what exists.
GOOD = {
    "create_business": {
        "external_id": "b",
        "legal_name": "B",
        "entity_type": "plc",
        "email": "b@b.example",
    },
    "update_business": {},
    "create_customer": {},
    "update_customer": {},
    "archive_customer": {},
    "unarchive_customer": {},
    "create_invoice": {"sent_at": DAY, "line_items": [LINE]},
    "update_invoice": {"line_items": [LINE]},
    "void_invoice": {},
    "create_invoice_payment": {
        "customer_id": "{customer}",
        "total_amount_cents": 5,
        "currency": "GBP",
        "payment_date": DAY,
        "payment_method": "cash",
        "allocations": [{"invoice_id": "{invoice}", "amount_cents": 1}],
    },
    "update_invoice_payment": {},
    "partial_update_invoice_payment": {},
    "delete_invoice_payment": {},
    "create_refund": {"invoice_id": "{invoice}", "amount_cents": 1},
    "create_refund_payment": {"amount_cents": 1, "method": "CASH", "external_id": "rp"},
}
FIELDS = {
    id: [field.wire_name for field in model_fields(codec.load(OPERATIONS[id].bodies[0][1]))]
    if OPERATIONS[id].bodies
    else ["status"]
    for id in GOOD
}


@pytest.fixture(scope="module")
def place():
    with ground() as place:
        yield place


@pytest.fixture(scope="module")
def ids(place):
    """Ids of one thing of every kind, by the name of its path parameter."""
    shop = place.shop()

    async def make():
        customer = await shop.customer()
        invoice = await shop.invoice(10**9, customer_id=customer["id"])
        payment = await shop.payment(invoice, 10**6)
        refund = await shop.refund(invoice, 10**5)
        settled = await shop.refund_payment(refund, 5)
        return {
            "business_id": shop.id,
            "customer_id": customer["id"],
            "invoice_id": invoice["id"],
            "payment_id": payment["id"],
            "refund_id": refund["id"],
            "allocation_id": refund["allocations"][0]["id"],
            "refund_payment": settled["id"],
        }

    return place.run(make())


def path_of(operation, ids):
    values = dict(ids)
    if "refund_id" in operation.path_parameters:
        values["payment_id"] = ids["refund_payment"]
    values |= {name: "x" for name in operation.path_parameters if name not in values}
    return operation.path.format(**values)


def fill(value, ids):
    """The value with ids put in for the names in braces."""
    if isinstance(value, dict):
        return {key: fill(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [fill(one, ids) for one in value]
    if isinstance(value, str):
        return value.replace("{customer}", ids["customer_id"]).replace(
            "{invoice}", ids["invoice_id"]
        )
    return value


@st.composite
def bodies(draw, id):
    """A good body in which some fields, at any depth, hold junk."""
    body = json.loads(json.dumps(GOOD[id]))
    for _ in range(draw(st.integers(1, 3))):
        target = body
        while True:
            nested = [one for one in target.values() if isinstance(one, list) and one]
            inner = [one[0] for one in nested if isinstance(one[0], dict)]
            if not inner or draw(st.booleans()):
                break
            target = inner[0]
        names = FIELDS[id] if target is body else [*target, "discount_amount", "tax_code",
                                                   "sales_taxes", "unit_price_cents"]  # fmt: skip
        target[draw(st.sampled_from(names))] = draw(junk)
    return body


requests = st.sampled_from(sorted(GOOD)).flatmap(lambda id: st.tuples(st.just(id), bodies(id)))


@many
@given(requests)
def test_junk_in_the_fields_of_a_body(place, ids, request_):
    id, body = request_
    operation = OPERATIONS[id]
    data = json.dumps(fill(body, ids)).encode()
    answer = place.run(
        place.caller.send(
            operation.method,
            path_of(operation, ids),
            data=data,
            headers={"Content-Type": "application/json"},
        )
    )
    assert answer.status < 500


@many
@given(requests, st.sampled_from(["urlencoded", "multipart"]))
def test_junk_in_the_fields_of_a_form(place, ids, request_, kind):
    id, body = request_
    operation = OPERATIONS[id]
    fields = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in fill(body, ids).items()
    ]
    if kind == "urlencoded":
        data = urlencode(fields, errors="replace").encode()
        content_type = "application/x-www-form-urlencoded"
    else:
        parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}' for n, v in fields]
        data = "\r\n".join([*parts, "--b--\r\n"]).encode("utf-8", "replace")
        content_type = "multipart/form-data; boundary=b"
    answer = place.run(
        place.caller.send(
            operation.method,
            path_of(operation, ids),
            data=data,
            headers={"Content-Type": content_type},
        )
    )
    assert answer.status < 500


content_types = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "multipart/form-data", "text/plain; charset=utf-7", "multipart/mixed; boundary=x",
     "application/x-www-form-urlencoded; charset=utf-16", "application/json; charset=zlib"]
)  # fmt: skip
pieces = st.sampled_from(
    [b"--x", b"\r\n", b"\r\n\r\n", b"--x--", b'Content-Disposition: form-data; name="memo"',
     b'; filename="f"', b"Content-Type: ", b"Content-Length: 5", b"Content-Encoding: gzip",
     b"Content-Transfer-Encoding: base64", b"text/plain; charset=nope", b"{", b"}", b'"', b"[",
     b"]", b":", b",", b"memo=", b"&", b"%", b"%ff", b"+", b"\x00", b"\xff", b"\xed\xa0\x80"]
)  # fmt: skip
bytes_ = st.binary(max_size=30) | st.lists(pieces | st.binary(max_size=3), max_size=20).map(
    b"".join
)


@many
@given(st.sampled_from(sorted(GOOD)), content_types, bytes_)
def test_random_bytes_as_a_body(place, ids, id, content_type, data):
    operation = OPERATIONS[id]
    path, headers = path_of(operation, ids), {"Content-Type": content_type}
    answer = place.run(place.caller.send(operation.method, path, data=data, headers=headers))
    assert answer.status < 500


LISTS = sorted(id for id, one in OPERATIONS.items() if one.query and one.tag in (
    "Business Management", "Customers", "Invoices", "Invoice Payments", "Refunds",
    "Refund Payments",
))  # fmt: skip
values = (
    st.sampled_from([str(one) for one in SCALARS if len(str(one)) < 500])
    | st.text(max_size=10)
    | st.sampled_from(["sent,paid", ",", "1,2", "true", "asc", "amount", "cash", "%", "a+b"])
)


@many
@given(
    st.sampled_from(LISTS).flatmap(
        lambda id: st.tuples(
            st.just(id),
            st.lists(
                st.tuples(
                    st.sampled_from([one.name for one in OPERATIONS[id].query]) | st.text(), values
                ),
                max_size=4,
            ),
        )
    )
)
@example(("list_invoices", [("sent_at_end", "9999-12-31")]))
@example(("list_invoices", [("due_at_end", "0001-01-01T00:00:00+23:59")]))
def test_random_query_parameters(place, ids, request_):
    id, pairs = request_
    query = urlencode(pairs, errors="replace")
    path = f"{path_of(OPERATIONS[id], ids)}?{query}"
    answer = place.run(place.caller.send("GET", path))
    assert answer.status in (200, 400, 404)
    if answer.status == 400:
        assert answer.fields.keys() <= {name for name, _ in pairs}


@many
@given(st.sampled_from(LISTS), st.binary(max_size=20))
def test_random_bytes_as_a_query(place, ids, id, query):
    path = f"{path_of(OPERATIONS[id], ids)}?{quote_from_bytes(query, safe='=&;+,%')}"
    assert place.run(place.caller.send("GET", path)).status in (200, 400, 404)


segments = st.one_of(
    st.sampled_from(
        ["v1", "platform", "businesses", "customers", "invoices", "payments", "refunds", "void",
         "oauth2", "token", "delete", "archive", "tax-codes", "", ".", "..", "%00", "%ff", "%"]
    ),
    st.text(max_size=5).map(lambda text: quote(text, safe="")),
)  # fmt: skip


@many
@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    st.booleans(),
    st.lists(segments, max_size=5).map("/".join),
)
def test_random_paths(place, ids, method, below, path):
    start = f"/v1/platform/businesses/{ids['business_id']}/" if below else "/"
    answer = place.run(place.caller.send(method, start + path, {}))
    assert answer.status < 500 or answer.status == 501


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda one: one.id)
def test_ids_that_name_nothing_are_not_found(place, operation):
    """Whatever else the request holds: no body, or an empty one."""
    if not operation.path_parameters or operation.scope is TokenScope.BASIC:
        return
    for name in ("x", "%00", "%F0%9F%92%A9", "00000000-0000-4000-8000-000000000000", "a" * 1000):
        path = operation.path.format(**dict.fromkeys(operation.path_parameters, name))
        answer = place.run(place.caller.send(operation.method, path, {}))
        assert answer.status in (400, 404, 501)


HEADERS = st.sampled_from(["Idempotency-Key", "Authorization", "Content-Type", "Accept", "X-Other"])


@many
@given(HEADERS, st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("latin-1")))
def test_random_headers(place, ids, name, value):
    value = "".join(char for char in value if char.isprintable() or char == "\xff")
    operation = OPERATIONS["create_invoice_payment"]
    body = fill(GOOD["create_invoice_payment"], ids)
    answer = place.run(
        place.caller.send("POST", path_of(operation, ids), body, headers={name: value})
    )
    assert answer.status < 500
