"""The contract between services and description: every operation bound once, all reachable."""

from __future__ import annotations

import inspect
import types
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest

from thredfi_async import BusinessClient, Paginator, ThredfiClient
from thredfi_async.operation import Operation
from thredfi_async.operations import OPERATIONS
from thredfi_async.services._base import Service

IN_SCOPE = {
    "Oauth2 authentication - Unscoped and Scoped",
    "Business Management",
    "Customers",
    "Tax Codes",
    "Invoices",
    "Invoice Payments",
    "Refunds",
    "Refund Payments",
}
OURS = {"page"}  # the paginator's
BUSINESS = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


class Recorder:
    """Stands for the session: notes what a service method would send."""

    def __init__(self, thredfi: ThredfiClient) -> None:
        self.credentials = thredfi._session.credentials
        self.calls: list[tuple[Operation[Any], dict[str, Any]]] = []

    async def call(self, operation: Operation[Any], **arguments: Any) -> Any:
        self.calls.append((operation, arguments))
        return types.SimpleNamespace(results=[], page_info=None, count=0, next=None)


def services(client: object) -> Iterator[Service]:
    for name, attribute in vars(type(client)).items():
        if isinstance(attribute, cached_property):
            service = getattr(client, name)
            assert isinstance(service, Service)
            yield service


def methods(service: Service) -> Iterator[str]:
    for name in vars(type(service)):
        if not name.startswith("_"):
            yield name


def all_methods() -> list[tuple[str, str, str]]:
    thredfi = ThredfiClient(partner_uuid="p", api_key="k")
    clients = {"partner": thredfi, "business": thredfi.business(BUSINESS)}
    return [
        (
            kind,
            next(
                n
                for n, a in vars(type(client)).items()
                if isinstance(a, cached_property) and getattr(client, n) is service
            ),
            method,
        )
        for kind, client in clients.items()
        for service in services(client)
        for method in methods(service)
    ]


async def record(kind: str, service: str, method: str, *, filters: bool) -> tuple[Any, Any]:
    """Call one method with a value for every argument; the operation and what was passed."""
    thredfi = ThredfiClient(partner_uuid="p", api_key="k")
    recorder = Recorder(thredfi)
    thredfi._session = recorder  # type: ignore[assignment]
    client: Any = thredfi if kind == "partner" else BusinessClient(recorder, BUSINESS)  # type: ignore[arg-type]
    bound = getattr(getattr(client, service), method)
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(bound).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if parameter.default is inspect.Parameter.empty:
            arguments[name] = {} if name == "body" else f"the-{name}"
        elif filters and name != "body":
            arguments[name] = 7 if name == "page_size" else f"the-{name}"
    result = bound(**arguments)
    await (result.collect() if isinstance(result, Paginator) else result)
    ((operation, passed),) = recorder.calls
    return operation, passed


async def test_every_operation_in_scope_is_bound_by_exactly_one_method() -> None:
    bound = Counter([(await record(*method, filters=False))[0].id for method in all_methods()])
    wanted = {operation.id for operation in OPERATIONS.values() if operation.tag in IN_SCOPE}
    assert set(bound) == wanted
    assert set(bound.values()) == {1}


@pytest.mark.parametrize(("kind", "service", "method"), all_methods())
async def test_every_documented_parameter_is_reachable(
    kind: str, service: str, method: str
) -> None:
    operation, passed = await record(kind, service, method, filters=True)
    query = passed.get("query") or {}
    assert {parameter.name for parameter in operation.query} == set(query)
    assert set(operation.path_parameters) <= set(passed["path"])
    for name, value in query.items():
        if name not in OURS:
            assert value == (7 if name == "page_size" else f"the-{name}")
    assert (passed.get("body") is not None) <= bool(operation.bodies)


@pytest.mark.parametrize(("kind", "service", "method"), all_methods())
def test_every_method_cites_its_documentation_page(kind: str, service: str, method: str) -> None:
    thredfi = ThredfiClient(partner_uuid="p", api_key="k")
    client: Any = thredfi if kind == "partner" else thredfi.business(BUSINESS)
    text = getattr(getattr(client, service), method).__doc__
    assert "https://docs.thredfi.com/" in text or "Undocumented" in text
