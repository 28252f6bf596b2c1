"""Our description rewritten as the vendor might have it: other names for all, and some changes.

What is said of the API stays the same but for the changes that are listed at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from codegen.document import read
from codegen.loading import TABLE

Document = dict[str, Any]

_ACTIONS = {"post": "create", "put": "update", "patch": "partial_update", "delete": "destroy"}
PROJECTS = "/v1/platform/businesses/{business_pk}/projects/"


def vendor_file(*, changed: bool = True, breaking: bool = True) -> Document:
    """The whole file; ``changed``: with what is changed beside the names, ``breaking`` or not."""
    document: Document = read(str(TABLE))
    _drop_what_only_the_widget_knows(document)
    if changed:
        for change in (*COMPATIBLE, *(BREAKING if breaking else ())):
            change(document)
    document = _without_marks(json.loads(json.dumps(document)))
    names = {name: _other_name(name) for name in document["components"]["schemas"]}
    document = json.loads(
        re.sub(
            r'"#/components/schemas/(\w+)"',
            lambda found: f'"#/components/schemas/{names[found[1]]}"',
            json.dumps(document),
        )
    )
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {names[name]: schema for name, schema in schemas.items()}
    document["components"].pop("securitySchemes", None)
    document["components"]["securitySchemes"] = {"jwtAuth": {"type": "http", "scheme": "bearer"}}
    document["paths"] = dict(_paths(document))
    if changed:
        _add_operations(document)
    document["tags"] = []
    document["info"] = {"title": "Thred Partner API", "version": "2.4.0"}
    return document


def _drop_what_only_the_widget_knows(document: Document) -> None:
    for path, item in list(document["paths"].items()):
        for method, operation in list(item.items()):
            if isinstance(operation, dict) and operation.get("x-undocumented"):
                del item[method]
        if not item:
            del document["paths"][path]


def _without_marks(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_marks(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_marks(one) for key, one in node.items() if not key.startswith("x-")}


def _other_name(name: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name)
    return "".join(["Api", *reversed(words)])


def _paths(document: Document) -> Iterator[tuple[str, Document]]:
    """The paths with other names of their parameters, and ids by drf-spectacular's scheme."""
    ids: set[str] = set()
    for path, item in document["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        last = names[-1] if names and names[-1] != "business_id" else ""
        renamed = {name: "id" if name == last else name.replace("_id", "_pk") for name in names}
        other = re.sub(r"\{(\w+)\}", lambda found: f"{{{renamed[found[1]]}}}", path)  # noqa: B023
        segments = [one for one in path.split("/") if one and "{" not in one]
        for method, operation in item.items():
            single = path.rstrip("/").endswith("}")
            action = _ACTIONS.get(method, "retrieve" if single else "list")
            id = "_".join([*segments, action]).replace("-", "_")
            number = 2
            while id in ids:
                id, number = f"{id.rstrip('_0123456789')}_{number}", number + 1
            ids.add(id)
            operation["operationId"] = id
            operation["tags"] = ["v1"]
            operation["security"] = [{"jwtAuth": []}]
            operation["parameters"] = [
                _parameter(document, one, renamed) for one in operation.get("parameters", ())
            ]
        yield other, item


def _parameter(document: Document, parameter: Document, renamed: dict[str, str]) -> Document:
    if "$ref" in parameter:
        parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    if parameter["in"] == "path":
        return {**parameter, "name": renamed[parameter["name"]]}
    return parameter


def _add_operations(document: Document) -> None:
    """Three operations that our description doesn't have."""
    project = {"$ref": "#/components/schemas/ApiProject"}
    business: Document = {
        "in": "path", "name": "business_pk", "required": True, "schema": {"type": "string"}
    }  # fmt: skip
    document["components"]["schemas"] |= {
        "ApiProject": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "title": {"type": "string", "maxLength": 80},
            },
            "required": ["id", "title"],
        },
        "ApiListProjectPaginated": {
            "type": "object",
            "properties": {
                "count": {"type": "integer"},
                "next": {"type": "string", "nullable": True},
                "results": {"type": "array", "items": project},
            },
        },
    }

    def operation(id: str, schema: Document, *more: Document, status: str = "200") -> Document:
        answer = {"description": "", "content": {"application/json": {"schema": schema}}}
        return {
            "operationId": f"v1_platform_businesses_projects_{id}",
            "tags": ["v1"],
            "parameters": [business, *more],
            "responses": {status: answer},
        }

    pages = [
        {"in": "query", "name": name, "schema": {"type": "integer"}}
        for name in ("page", "page_size")
    ]
    create = operation("create", project, status="201")
    create["requestBody"] = {"content": {"application/json": {"schema": project}}, "required": True}
    listed = {"$ref": "#/components/schemas/ApiListProjectPaginated"}
    document["paths"][PROJECTS] = {"get": operation("list", listed, *pages), "post": create}
    single = {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}}
    document["paths"][f"{PROJECTS}{{id}}/"] = {"get": operation("retrieve", project, single)}


# --- what is changed ---------------------------------------------------------------------


def _properties(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]["properties"]
    return found


def _operation(document: Document, id: str) -> Document:
    return next(
        operation
        for item in document["paths"].values()
        for operation in item.values()
        if operation["operationId"] == id
    )


def _new_field(name: str, field: str, schema: Document) -> Any:
    return lambda document: _properties(document, name).update({field: schema})


def _with(name: str, field: str, **traits: Any) -> Any:
    return lambda document: _properties(document, name)[field].update(traits)


def _not_required(name: str, field: str) -> Any:
    return lambda document: document["components"]["schemas"][name]["required"].remove(field)


def _new_filter(id: str, name: str) -> Any:
    parameter = {"in": "query", "name": name, "schema": {"type": "string"}}
    return lambda document: _operation(document, id)["parameters"].append(parameter)


def _own_enums(document: Document) -> None:
    """The status of an invoice is an enum of its own, with one value more than ours."""
    values = "draft issued sent partially_paid paid overdue refunded partially_written_off"
    document["components"]["schemas"]["StatusB2c"] = {
        "type": "string",
        "enum": [*values.split(), "written_off", "voided", "disputed"],
    }
    _properties(document, "Invoice")["status"] = {"$ref": "#/components/schemas/StatusB2c"}


def _plain_dates(document: Document) -> None:
    """Invoices take plain dates as well, as the guides show it."""
    either = {"oneOf": [{"type": "string", "format": one} for one in ("date-time", "date")]}
    for name in ("CreateInvoiceRequest", "UpdateInvoiceRequest"):
        fields = _properties(document, name)
        fields |= {one: either for one in ("sent_at", "due_at") if one in fields}


def _more_refusals(document: Document) -> None:
    _operation(document, "list_bills")["responses"]["429"] = {"description": "Too many requests."}


_NULLABLE: Document = {"type": "string", "nullable": True}

COMPATIBLE = (
    _own_enums,
    _more_refusals,
    _new_field("Invoice", "project_id", _NULLABLE),
    _new_field("Customer", "project_id", _NULLABLE),
    _new_field("Bill", "project_id", _NULLABLE),
    _new_field("CreateCustomerRequest", "project_id", _NULLABLE),
    _new_field("BillCreateAPIRequest", "project_id", _NULLABLE),
    _with("Invoice", "external_id", nullable=True),
    _with("Customer", "notes", nullable=True),
    _plain_dates,
    _not_required("CreateInvoiceRequest", "external_id"),
    _not_required("InvoiceLineItemRequest", "unit_price"),
    _new_filter("list_customers", "project_id"),
    _new_filter("list_vendors", "project_id"),
    _with("CreateCustomerRequest", "payment_terms_days", nullable=True),
)


def _renamed_filter(document: Document) -> None:
    for parameter in _operation(document, "list_invoices")["parameters"]:
        if parameter.get("name") == "status":
            parameter["name"] = "status__in"


def _required_field(document: Document) -> None:
    document["components"]["schemas"]["CreateVendorRequest"]["required"] = ["vat_number"]


def _renamed_field(document: Document) -> None:
    held = _properties(document, "Customer")
    held["name"] = held.pop("company_name")


def _other_type(document: Document) -> None:
    _properties(document, "Invoice")["total_amount"] = {"type": "string", "format": "decimal"}


def _gone_operation(document: Document) -> None:
    for item in document["paths"].values():
        for method, operation in list(item.items()):
            if operation["operationId"] == "unarchive_vendor":
                del item[method]


BREAKING = (_renamed_filter, _required_field, _renamed_field, _other_type, _gone_operation)
BROKEN = {
    ("parameter", "presence", "list_invoices: query status"),
    ("field", "required", "CreateVendorRequest.vat_number"),
    ("field", "presence", "Customer.company_name"),
    ("field", "type", "Invoice.total_amount"),
    ("operation", "presence", "unarchive_vendor"),
}
