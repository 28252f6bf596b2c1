"""The contract between services and description: every operation bound once, all reachable."""

from __future__ import annotations

import inspect
import types
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from thredfi_async import BusinessClient, Paginator, ThredfiClient
from thredfi_async.operation import Operation, Parameter, Style
from thredfi_async.operations import OPERATIONS
from thredfi_async.services._base import Service

from .emulator.description import new_operations, new_parameters

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
        if not name.startswith("_") and name != "by_external_id":  # which is several calls
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


def documented(operation: Operation[Any]) -> list[Parameter]:
    """The query parameters that the methods of the services should take."""
    known = new_parameters()
    return [one for one in operation.query if (operation.id, one.name) not in known]


EVERY_METHOD = pytest.mark.parametrize(("kind", "service", "method"), all_methods())


def bound_method(kind: str, service: str, method: str) -> Any:
    thredfi = ThredfiClient(partner_uuid="p", api_key="k")
    client: Any = thredfi if kind == "partner" else thredfi.business(BUSINESS)
    return getattr(getattr(client, service), method)


async def record(kind: str, service: str, method: str, *, filters: bool) -> tuple[Any, Any]:
    """Call one method with its own value for each argument; the operation, what was passed."""
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
    result = bound(**arguments, idempotency_key="the-key")
    await (result.collect() if isinstance(result, Paginator) else result)
    ((operation, passed),) = recorder.calls
    return operation, passed


async def test_every_operation_is_bound_by_exactly_one_method() -> None:
    bound = Counter([(await record(*method, filters=False))[0].id for method in all_methods()])
    assert bound == Counter(OPERATIONS.keys() - new_operations())


@EVERY_METHOD
async def test_every_documented_parameter_is_reachable(
    kind: str, service: str, method: str
) -> None:
    operation, passed = await record(kind, service, method, filters=True)
    query = dict(passed.get("query") or {})
    assert {parameter.name for parameter in documented(operation)} == set(query)
    if query.get("page") == 1:  # the paginator's
        del query["page"]
    assert query == {name: 7 if name == "page_size" else f"the-{name}" for name in query}
    assert set(operation.path_parameters) == set(passed["path"])
    path = {
        name: BUSINESS if name == "business_id" and kind == "business" else f"the-{name}"
        for name in operation.path_parameters
    }
    assert passed["path"] == path
    assert (passed.get("body") is not None) <= bool(operation.bodies)
    # The one documented header has an option of its own, which every method takes.
    assert {parameter.name for parameter in operation.headers} <= {"Idempotency-Key"}
    assert passed["options"] == {"idempotency_key": "the-key"}


@EVERY_METHOD
async def test_a_method_takes_the_documented_body(kind: str, service: str, method: str) -> None:
    operation, _ = await record(kind, service, method, filters=False)
    body = inspect.signature(bound_method(kind, service, method)).parameters.get("body")
    if not operation.bodies or operation.id == "get_partner_token":  # made from the credentials
        assert body is None
        return
    assert body is not None
    _, model = operation.bodies[0]
    taken = body.annotation.removesuffix(" | None").split(" | ")
    assert taken == ([] if model is None else [model.name]) + ["Mapping[str, Any]"]
    if operation.body_required:
        assert body.default is inspect.Parameter.empty


@EVERY_METHOD
async def test_a_method_takes_a_file_where_the_form_has_one(
    kind: str, service: str, method: str
) -> None:
    operation, passed = await record(kind, service, method, filters=True)
    file = inspect.signature(bound_method(kind, service, method)).parameters.get("file")
    assert (file is not None) == (operation.file is not None)
    if file is not None:
        assert (file.kind, file.default) == (inspect.Parameter.KEYWORD_ONLY, None)
        assert passed["file"] == "the-file"


TYPES = {
    "boolean": "bool",
    "date": "date",
    "date-time": "datetime",
    "integer": "int",
    "number": "float",
    "uuid": "str",
}


@EVERY_METHOD
async def test_filters_have_the_documented_types(kind: str, service: str, method: str) -> None:
    operation, _ = await record(kind, service, method, filters=False)
    parameters = inspect.signature(bound_method(kind, service, method)).parameters
    for one in documented(operation):
        if one.name == "page" and "page" not in parameters:
            continue  # the paginator's
        parameter = parameters[one.name]
        if one.style is not Style.PLAIN:
            assert parameter.annotation == "str | Sequence[str] | None"
        elif one.type in TYPES:
            optional = "" if one.required else " | None"
            assert parameter.annotation == TYPES[one.type] + optional
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert (parameter.default is inspect.Parameter.empty) == one.required


@EVERY_METHOD
async def test_every_method_cites_its_documentation(kind: str, service: str, method: str) -> None:
    operation, _ = await record(kind, service, method, filters=False)
    text = " ".join(bound_method(kind, service, method).__doc__.split())
    if operation.undocumented:
        assert "Undocumented: only Thred's own widget knows this call." in text
        assert "https://docs.thredfi.com/" not in text
    else:
        assert "https://docs.thredfi.com/" in text
        assert "Undocumented" not in text


@pytest.mark.parametrize("client", [ThredfiClient, BusinessClient])
def test_the_readme_lists_every_resource(client: type) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for name, attribute in vars(client).items():
        if isinstance(attribute, cached_property):
            assert f"`{name}`" in readme or f"`thredfi.{name}`" in readme
