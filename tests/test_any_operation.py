"""Any operation by its own object, and what a call must not pass over in silence."""

from __future__ import annotations

import inspect
from datetime import date
from typing import Any

import attrs
import pytest

from codegen.endpoints import endpoints
from thredfi_async import InvalidRequest, Paginator, ThredfiClient, operations
from thredfi_async.emulator import Emulator
from thredfi_async.operation import Operation, Parameter, Replay, TokenScope
from thredfi_async.request import prepare

from .emulator.description import document
from .test_services import all_methods, bound_method, record

PLACE = {"business_id": "b-1"}


async def test_any_operation_can_be_called_and_listed() -> None:
    async with Emulator() as emulator, emulator.client() as thredfi:
        business_id = emulator.add_business("shop")
        shop = thredfi.business(business_id)
        created = await shop.call(
            operations.CREATE_CUSTOMER,
            body={"external_id": "c-1", "individual_name": "Ada"},
            deadline=10,
        )
        path = {"customer_id": str(created.id)}
        read = await shop.call(operations.GET_CUSTOMER, path=path)
        assert read.external_id == "c-1"
        customers = shop.list(
            operations.LIST_CUSTOMERS, query={"include_archived": True}, page_size=1
        )
        assert isinstance(customers, Paginator)
        assert created.id in [customer.id async for customer in customers]
        business = await thredfi.call(operations.GET_BUSINESS, path={"business_id": business_id})
        assert str(business.id) == business_id


async def test_what_is_no_operation_or_no_path_of_it_is_refused() -> None:
    thredfi = ThredfiClient(partner_uuid="p", api_key="k")
    name: Any = "list_invoices"
    with pytest.raises(InvalidRequest, match="LIST_INVOICES, not str"):
        await thredfi.call(name)
    with pytest.raises(InvalidRequest, match="invoice: isn't a path parameter of fetch_invoice"):
        await thredfi.business("b").call(operations.FETCH_INVOICE, path={"invoice": "i"})
    with pytest.raises(InvalidRequest, match="isn't a path parameter of list_businesses"):
        thredfi.business("b").list(operations.LIST_BUSINESSES)
    with pytest.raises(InvalidRequest, match="business_id"):
        await thredfi.call(operations.LIST_INVOICES)


def _sent(operation: Operation[Any], query: dict[str, Any], **extra: Any) -> str:
    return prepare(operation, path=PLACE, query=query, body=None, **extra).target


def test_a_query_parameter_that_the_operation_lacks_is_refused() -> None:
    """Left out, it would turn the paid invoices into all invoices."""
    with pytest.raises(InvalidRequest, match="state: isn't a query parameter of list_invoices"):
        _sent(operations.LIST_INVOICES, {"state": ["paid"]})
    assert "?" not in _sent(operations.LIST_INVOICES, {"state": None})
    assert _sent(operations.LIST_INVOICES, {}, extra_query={"new": 1}).endswith("?new=1")


@pytest.mark.parametrize("given", [{}, {"start_date": None}, {"end_date": date(2025, 1, 31)}])
def test_a_required_query_parameter_is_required(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="is required"):
        _sent(operations.GET_FINANCIAL_SUMMARY, given)


def test_a_required_parameter_may_come_as_an_extra_one() -> None:
    query = {"start_date": date(2025, 1, 1)}
    extra = {"end_date": "2025-01-31"}
    target = _sent(operations.GET_FINANCIAL_SUMMARY, query, extra_query=extra)
    assert target.endswith("?start_date=2025-01-01&end_date=2025-01-31")


def test_a_required_header_is_required() -> None:
    tenant = Operation[None](
        id="x",
        method="GET",
        path="/x/",
        tag="x",
        scope=TokenScope.PARTNER,
        replay=Replay.SAFE,
        headers=(Parameter("X-Tenant", required=True),),
    )
    with pytest.raises(InvalidRequest, match="X-Tenant: is required, as one of extra_headers"):
        prepare(tenant, path={}, query={}, body=None)
    request = prepare(tenant, path={}, query={}, body=None, extra_headers={"x-tenant": "t"})
    assert request.headers == {"x-tenant": "t"}
    keyed = attrs.evolve(
        operations.CREATE_INVOICE_PAYMENT, headers=(Parameter("Idempotency-Key", required=True),)
    )
    assert prepare(keyed, path=PLACE, query={}, body={"external_id": "p"}, extra_body=None)


def _guessed() -> dict[str, set[str]]:
    """Operation -> its query parameters whose name is a guess."""
    return {
        str(one.operation["operationId"]): {
            parameter["name"]
            for parameter in one.parameters
            if parameter["in"] == "query" and parameter.get("x-inferred")
        }
        - {"page", "page_size"}
        for one in endpoints(document())
    }


@pytest.mark.parametrize(("kind", "service", "method"), all_methods())
async def test_a_filter_whose_name_is_a_guess_says_so(kind: str, service: str, method: str) -> None:
    operation, passed = await record(kind, service, method, filters=True)
    guessed = _guessed()[operation.id] & set(passed.get("query") or {})
    said = (inspect.getdoc(bound_method(kind, service, method)) or "").partition("guess")[2]
    assert {name for name in guessed if f"``{name}``" not in said} == set()
