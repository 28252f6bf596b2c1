"""``thredfi call``: any operation from the shell, JSON out, what goes wrong as JSON on stderr."""

from __future__ import annotations

import json
import signal
import types
from datetime import date, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin

import attrs
import pytest

from tests.support import BUSINESS, ScriptedServer, answer
from thredfi_async import codec
from thredfi_async.cli.listing import _one
from thredfi_async.fields import UnsetType, model_fields
from thredfi_async.operation import TokenScope
from thredfi_async.operations import OPERATIONS

from .support import UNREACHABLE, end, invoked, running
from .test_push_command import until

CUSTOMER = '{"external_id": "c-1", "individual_name": "Zoë ☃"}'
LINES = [{"description": "Bread", "quantity": 1, "unit_price": 450}]
INVOICE = {"sent_at": "2025-01-31T12:00:00Z", "line_items": LINES}
SECRET = "planted-secret-key"


def problem(ended) -> dict[str, Any]:
    """What is said on standard error: one line of JSON."""
    (line,) = ended.err.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


async def create(env, operation, body, *more):
    given = body if isinstance(body, str) else json.dumps(body)
    ended = await invoked(
        "call", operation, "--business", "shop", "--body", "-", *more, env=env, given=given
    )
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


# --- every operation ---------------------------------------------------------------------


def least(wanted: Any) -> Any:
    """The least that a body may be."""
    if hasattr(wanted, "__metadata__"):
        return least(get_args(wanted)[0])
    if get_origin(wanted) in (Union, types.UnionType):
        return least(next(one for one in get_args(wanted) if one is not UnsetType))
    if get_origin(wanted) is list:
        return [least(get_args(wanted)[0])]
    if attrs.has(wanted):
        return {one.wire_name: least(one.type) for one in model_fields(wanted) if one.required}
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return next(iter(wanted)).value
    known = {int: 1, float: 1, bool: True, date: "2025-01-31", datetime: "2025-01-31T12:00:00Z"}
    return known.get(wanted, "text")


VALUES = {
    "string": "x",
    "integer": "1",
    "number": "1.5",
    "boolean": "true",
    "date": "2025-01-31",
    "date-time": "2025-01-31T12:00:00+00:00",
    "date-or-date-time": "2025-01-31",
    "uuid": BUSINESS,
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda one: one.id)
async def test_every_operation_can_be_called_with_all_its_parameters(operation):
    path, query, given = [], [], None
    for name in operation.path_parameters:
        path += ["--path", f"{name}=the-{name}"]
    for one in operation.query:
        query += ["--query", f"{one.name}={VALUES[one.type]}"]
    if operation.body_required and operation.scope is not TokenScope.BASIC:
        model = operation.bodies[0][1]
        given = "{}" if model is None else json.dumps(least(codec.load(model)))
    body = [] if given is None else ["--body", "-"]
    async with ScriptedServer() as server:
        made = {"id": "i", "payment": {"id": "i"}, "results": [{"id": "i"}]}
        server.script = lambda _: answer(200, made)
        env = {**UNREACHABLE, "THREDFI_BASE_URL": server.url}
        ended = await invoked("call", operation.id, *path, *query, *body, env=env, given=given)
    assert (ended.status, ended.err) == (0, "")
    assert json.loads(ended.out)
    filled = operation.path
    for name in operation.path_parameters:
        filled = filled.replace("{" + name + "}", f"the-{name}")
    request = [*server.token_requests, *server.requests][-1]
    assert request.method == operation.method
    assert request.target.partition("?")[0] == filled
    assert request.target.count("=") == len(operation.query)


# --- answers -----------------------------------------------------------------------------


async def test_an_answer_is_printed_as_thred_gave_it(server):
    """Unknown fields, exact numbers, what the model unwraps, and what would move a cursor."""
    raw = b'{"payment": {"id":"p","amount":1.10,"big":123456789012345678901,"memo":"\xe2\x80\xae"}}'
    server.answers(answer(200, raw=raw))
    env = {**UNREACHABLE, "THREDFI_BASE_URL": server.url}
    body = {
        "amount_cents": 1,
        "payment_date": "2025-01-31",
        "payment_method": "cash",
        "invoice_id": BUSINESS,
    }
    ended = await invoked(
        "call",
        "create_invoice_payment",
        *("--path", f"business_id={BUSINESS}", "--body", "-", "--idempotency-key", "mine"),
        env=env,
        given=json.dumps(body),
    )
    assert ended.out == (
        '{"payment":{"id":"p","amount":1.10,"big":123456789012345678901,"memo":"\\u202e"}}\n'
    )
    assert server.requests[0].headers["Idempotency-Key"] == "mine"
    assert server.requests[0].json() == body


async def test_without_an_answer_nothing_is_printed(emulator, env):
    ended = await invoked("call", "delete_menu_config", "--business", "shop", env=env)
    assert (ended.status, ended.out, ended.err) == (0, "", "")


async def test_a_list_is_json_lines_of_all_its_pages(emulator, env):
    async with emulator.client() as thredfi:
        shop = thredfi.business(emulator.books("shop").id)
        for number in range(5):
            await shop.customers.create({"external_id": f"c-{number}", "company_name": "Buyer"})
    ended = await invoked(
        "call", "list_customers", "--business", "shop", "--query", "page_size=2", env=env
    )
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["external_id"] for row in rows] == [f"c-{number}" for number in range(5)]
    assert emulator.requests["list_customers"] == 3


async def test_the_pages_of_a_list_are_printed_as_they_come(server):
    """What came before a page that is refused is there already."""

    def script(request):
        if "page=1" in request.target:
            page = {"results": [{"id": "a"}, {"id": "b", "odd": 1.50}]}
            return answer(200, {**page, "page_info": {"total_pages": 2, "total_count": 4}})
        return answer(403, {"error_code": "forbidden", "message": "No more."})

    server.script = script
    ended = await invoked(
        *("call", "list_invoices", "--path", f"business_id={BUSINESS}"),
        env={**UNREACHABLE, "THREDFI_BASE_URL": server.url},
    )
    assert ended.status == 1
    assert ended.out == '{"id":"a"}\n{"id":"b","odd":1.5}\n'
    assert problem(ended)["code"] == "forbidden"


async def test_one_page_is_printed_as_thred_answered_it(emulator, env):
    await create(env, "create_customer", CUSTOMER)
    ended = await invoked(
        "call", "list_customers", "--business", "shop", "--query", "page=1", env=env
    )
    page = json.loads(ended.out)
    assert page["page_info"]["total_count"] == len(page["results"]) == 1


async def test_a_record_that_thred_has_with_other_content_is_status_1(emulator, env):
    made = await create(env, "create_customer", CUSTOMER)
    ended = await invoked(
        *("call", "create_customer", "--business", "shop", "--body", "-"),
        env=env,
        given='{"external_id": "c-1", "individual_name": "Ada"}',
    )
    assert ended.status == 1
    assert json.loads(ended.out)["id"] == made["id"]
    differs = problem(ended)
    assert differs["type"] == "Differs"
    assert differs["differences"] == [{"field": "individual_name", "sent": "Ada", "found": "Zoë ☃"}]


async def test_tokens_are_printed_only_when_asked_for(emulator, env):
    for arguments in (["get_partner_token"], ["get_business_token", "--business", "shop"]):
        hidden = await invoked("call", *arguments, env=env)
        assert json.loads(hidden.out)["access_token"] == "hidden: --show prints it"
        shown = await invoked("call", *arguments, "--show", env=env)
        assert len(json.loads(shown.out)["access_token"]) > 20


# --- what is sent ------------------------------------------------------------------------


async def test_a_body_comes_from_a_file_or_standard_input_and_a_file_goes_along(
    emulator, env, tmp_path
):
    body, scan = tmp_path / "bill.json", tmp_path / "bill-17.pdf"
    vendor = await create(env, "create_vendor", {"external_id": "v", "company_name": "Mill"})
    given = {"external_id": "b", "vendor_id": vendor["id"], "received_at": "2025-01-31T12:00:00Z"}
    body.write_text(json.dumps({**given, "line_items": LINES}))
    scan.write_bytes(b"%PDF-1.4")
    ended = await invoked(
        *("call", "create_bill", "--business", "shop", "--body", body, "--file", scan), env=env
    )
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["document"]["file_name"] == "bill-17.pdf"


async def test_values_of_a_query_are_of_the_described_type(server):
    env = {**UNREACHABLE, "THREDFI_BASE_URL": server.url}
    server.answers(answer(200, {"results": []}))
    ended = await invoked(
        *("call", "list_invoices", "--path", f"business_id={BUSINESS}"),
        *("--query", "status=paid", "--query", "status=sent", "--query", "min_amount=007"),
        *("--query", "due_at_end=2025-01-31T12:00:00Z", "--extra-query", "colour=a"),
        *("--extra-query", "colour=b", "--header", "X-Trace=t-1"),
        env=env,
    )
    assert ended.status == 0, ended.err
    query = server.requests[0].target.partition("?")[2]
    assert "status=paid,sent" in query
    assert "min_amount=7&" in query
    assert "due_at_end=2025-01-31T12%3A00%3A00%2B00%3A00" in query
    assert "colour=a&colour=b" in query
    assert server.requests[0].headers["X-Trace"] == "t-1"


async def test_fields_that_the_description_lacks_go_into_extra_body(server):
    env = {**UNREACHABLE, "THREDFI_BASE_URL": server.url}
    given = json.dumps({"external_id": "c", "extra_body": {"shoe_size": 43}})
    ended = await invoked(
        *("call", "create_customer", "--path", f"business_id={BUSINESS}", "--body", "-"),
        env=env,
        given=given,
    )
    assert ended.status == 0, ended.err
    assert server.requests[0].json() == {"external_id": "c", "shoe_size": 43}


SHOP = ["--path", f"business_id={BUSINESS}"]


@pytest.mark.parametrize(
    ("arguments", "given", "field", "said"),
    [
        (["fetch_invoice", *SHOP], None, "--path invoice_id", "give --path invoice_id=…"),
        (["fetch_invoice", "--path", "invoice_id=i"], None, "--business", "external_id"),
        (["list_businesses", "--business", "b"], None, "--business", "is not of one business"),
        (["list_invoices", *SHOP, "--business", "b"], None, "--business", "--path business_id"),
        (["fetch_invoice", *SHOP, "--path", "invoice=i"], None, "--path invoice", "invoice_id?"),
        (["fetch_invoice", "--path", "i"], None, "--path", "must be name=value, not 'i'"),
        (["list_invoices", *SHOP, "--query", "statu=a"], None, "--query statu", "mean status?"),
        (["list_invoices", *SHOP, "--query", "min_amount=1.5"], None, "", "a whole number"),
        (["list_invoices", *SHOP, "--query", "status=a,b"], None, "", "its own --query"),
        (["list_invoices", *SHOP, "--query", "due_at_end=2025-01-31T12:00"], None, "", "zone"),
        (["list_invoices", *SHOP, "--query", "customer_id=c-1"], None, "", "a UUID"),
        (["list_invoices", *SHOP, "--query", "page_size=500"], None, "page_size", "1 to 100"),
        (["list_customers", *SHOP, "--query", "include_archived=maybe"], None, "", "or false"),
        (
            ["list_invoices", *SHOP, "--query", "search=a", "--query", "search=b"],
            None,
            "--query search",
            "takes one value",
        ),
        (["get_financial_summary", *SHOP], None, "--query end_date", "a date such as 2025-01-31"),
        (["create_invoice", *SHOP], None, "--body", "needs one: --body FILE, or -"),
        (["create_invoice", *SHOP, "--body", "-"], "{", "--body", "line 1 column"),
        (["create_invoice", *SHOP, "--body", "-"], "", "--body", "it is empty"),
        (["create_invoice", *SHOP, "--body", "{}"], None, "--body", "echo '…' | thredfi call"),
        (["create_invoice", *SHOP, "--body", "absent.json"], None, "--body", "No such file"),
        (["create_invoice", *SHOP, "--body", "-"], '{"sent_at": 1}', "line_items", "required"),
        (["fetch_invoice", *SHOP, "--path", "invoice_id=i", "--body", "-"], "{}", "", "none"),
        (["fetch_invoice", *SHOP, "--path", "invoice_id=i", "--file", "f"], None, "", "none"),
        (["fetch_invoice", *SHOP, "--path", "invoice_id=", "--timeout", "1"], None, "", "id"),
        (["list_businesses", "--timeout", "0"], None, "--timeout", "above 0 seconds"),
        (["list_businesses", "--header", "Host=x"], None, "", "by the client itself"),
        (["list_invoice"], None, "OPERATION", "did you mean list_invoices?"),
        (["create_payment"], None, "OPERATION", "create_invoice_payment"),
        (["spend_it_all"], None, "OPERATION", "--list shows all 102"),
        (["--business", "shop"], None, "OPERATION", "is missing"),
    ],
)
async def test_what_cant_be_sent_names_the_field_and_the_remedy(arguments, given, field, said):
    ended = await invoked("call", *arguments, given=given)
    assert (ended.status, ended.out) == (2, "")
    found = problem(ended)
    assert found["type"] == "InvalidRequest"
    texts = [text for name, texts in found["fields"].items() if field in name for text in texts]
    assert any(said in text for text in texts), found


# --- what goes wrong ---------------------------------------------------------------------


async def test_a_refusal_is_json_on_stderr_and_status_1(emulator, env):
    ended = await invoked(
        *("call", "fetch_invoice", "--business", "shop", "--path", f"invoice_id={BUSINESS}"),
        env=env,
    )
    assert (ended.status, ended.out) == (1, "")
    refusal = problem(ended)
    assert refusal.pop("request_id")
    assert refusal == {
        "type": "NotFound",
        "message": "No such invoice.",
        "operation": "fetch_invoice",
        "attempts": 1,
        "status": 404,
        "code": "invoice_not_found",
    }


async def test_the_fields_that_thred_refused_are_named(server):
    server.answers(
        answer(400, {"error_code": "validation_error", "detail": {"sent_at": ["Too early."]}})
    )
    ended = await invoked(
        *("call", "create_invoice", *SHOP, "--body", "-"),
        env={**UNREACHABLE, "THREDFI_BASE_URL": server.url},
        given=json.dumps(INVOICE),
    )
    assert ended.status == 1
    assert problem(ended)["fields"] == {"sent_at": ["Too early."]}


async def test_an_unknown_outcome_says_so_and_how_to_find_out(emulator, env):
    emulator.faults.add("reset", applied=True, operations=["create_customer"])
    ended = await invoked(
        *("call", "create_customer", "--business", "shop", "--body", "-"),
        env=env,
        given='{"company_name": "Buyer Ltd"}',
    )
    assert (ended.status, ended.out) == (1, "")
    unknown = problem(ended)
    assert unknown["type"] == "OutcomeUnknown"
    assert unknown["method"] == "POST"
    assert unknown["path"].endswith("/customers/")
    assert unknown["find_out"]
    assert len(emulator.books("shop").customers) == 1


async def test_an_unreachable_server_is_status_2_and_no_secret_is_said():
    ended = await invoked("call", "list_businesses", "--deadline", "0.2")
    assert (ended.status, ended.out) == (2, "")
    assert problem(ended)["type"] in ("TransportError", "DeadlineExceeded")
    assert SECRET not in ended.err


async def test_missing_credentials_are_json_as_well():
    ended = await invoked("call", "list_businesses", env={})
    assert ended.status == 2
    assert problem(ended)["type"] == "ConfigurationError"
    assert "THREDFI_PARTNER_UUID" in problem(ended)["message"]


async def test_wrong_credentials_are_status_1_and_not_repeated(env):
    ended = await invoked(
        "call", "get_partner_token", env={**env, "THREDFI_API_KEY": "planted-wrong-key"}
    )
    assert ended.status == 1
    assert problem(ended)["status"] == 401
    assert "planted-wrong-key" not in ended.out + ended.err


async def test_a_write_that_is_interrupted_says_that_it_may_have_been_applied(emulator, env):
    emulator.faults.add("hang", operations=["create_customer"])
    arguments = ("call", "create_customer", "--path")
    business = f"business_id={emulator.books('shop').id}"
    async with running(*arguments, business, "--body", "/dev/stdin", env=env, stdin=-1) as process:
        process.stdin.write(CUSTOMER.encode())
        process.stdin.close()
        await until(lambda: emulator.faults.struck)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert (ended.status, ended.out) == (130, "")
    told = problem(ended)
    assert told["type"] == "Interrupted"
    assert (
        "create_customer of external_id 'c-1' was cancelled after it had been sent"
        in (told["message"])
    )


# --- what there is -----------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--list"]])
async def test_all_operations_are_listed_by_tag(arguments):
    ended = await invoked("call", *arguments, env={})
    assert ended.status == 0
    for operation in OPERATIONS.values():
        assert f"  {operation.id} " in ended.out
        assert f"{operation.tag}\n" in ended.out


async def test_what_an_operation_takes_is_shown():
    ended = await invoked("call", "create_bill", "--list", env={})
    assert "thredfi call create_bill --business BUSINESS --body FILE" in ended.out
    assert "received_at" in ended.out
    assert "list of object (" in ended.out
    assert "--file, as document.file of the form" in ended.out
    ended = await invoked("call", "list-invoices", "--list", env={})
    assert "status" in ended.out
    assert "such as draft, issued" in ended.out


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_operation_can_be_shown(operation):
    said = "\n".join(_one(OPERATIONS[operation]))
    assert OPERATIONS[operation].path in said
    assert "UnsetType" not in said


async def test_operations_are_json_lines_for_programs():
    ended = await invoked("call", "--list", "--json", env={})
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert {row["operation"] for row in rows} == set(OPERATIONS)
    ended = await invoked("call", "list_bills", "--list", "--json", env={})
    assert json.loads(ended.out)["path_parameters"] == ["business_id"]
