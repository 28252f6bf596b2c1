"""Writing operations.py: every endpoint as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from .document import resolve
from .errors import CodegenError
from .models import environment
from .names import constant_name
from .schemas import Reference, Schemas, Side, Type
from .schemas import operations as all_operations

_BUSINESS_PATH = re.compile(r"^/v1/platform/businesses/\{[^}]+\}/")
_REPLAYS = ("safe", "external_id", "idempotency_key", "upsert", "state_change", "unsafe")


def write_operations(document: dict[str, Any], schemas: Schemas) -> str:
    """The text of operations.py. Adds to ``schemas`` what bodies hold that is written in line."""
    taken: set[str] = set()
    entries = []
    for operation in all_operations(document):
        entries.append(_Entry(document, schemas, operation, taken))
    rows = [entry.row() for entry in entries]
    modules = sorted({module for row in rows for module in row["uses"]})
    template = environment().get_template("operations.jinja2")
    return template.render(operations=rows, modules=modules)


class _Entry:
    """One operation on its way from the description to the table."""

    def __init__(
        self,
        document: dict[str, Any],
        schemas: Schemas,
        operation: dict[str, Any],
        taken: set[str],
    ) -> None:
        self.document = document
        self.schemas = schemas
        self.operation = operation
        self.method: str = operation["method"].upper()
        self.path: str = operation["path"]
        self.id: str = operation.get("operationId") or f"{self.method.lower()} {self.path}"
        self.constant = constant_name(self.id, taken)
        taken.add(self.constant)
        self.module = schemas.module_of(operation)
        self.owner = Reference(
            self.module, "".join(p.capitalize() for p in self.constant.split("_"))
        )

    def row(self) -> dict[str, Any]:
        parameters = [self._resolved(one) for one in self.operation["parameters"]]
        named = {(one.get("in"), one.get("name")): one for one in parameters}  # the last one wins
        body = self._resolved(self.operation.get("requestBody") or {})
        answers, returned = self._answers()
        unwrap = self.operation.get("x-unwrap")
        if unwrap is not None:
            returned = self._unwrapped(returned, unwrap)
        returns, uses = self._returns(returned)
        return {
            "constant": self.constant,
            "id": repr(self.id),
            "method": repr(self.method),
            "path": repr(self.path),
            "tag": repr((self.operation.get("tags") or ["default"])[0]),
            "scope": self._scope(),
            "replay": self._replay(),
            "path_parameters": tuple(re.findall(r"\{([^}]+)\}", self.path)),
            "query": [
                self._parameter(one) for (where, _), one in named.items() if where == "query"
            ],
            "headers": [
                self._parameter(one) for (where, _), one in named.items() if where == "header"
            ],
            "bodies": self._bodies(body),
            "body_required": bool(body.get("required")),
            "answers": answers,
            "unwrap": repr(unwrap) if unwrap is not None else None,
            "undocumented": bool(self.operation.get("x-undocumented")),
            "returns": returns,
            "uses": uses,
        }

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        resolved = node
        while "$ref" in resolved:
            resolved = dict(resolve(self.document, resolved["$ref"]))
        return resolved

    def _scope(self) -> str:
        given = self.operation.get("x-token-scope")
        if given is not None:
            return str(given).upper()
        security = self.operation.get("security", self.document.get("security")) or []
        schemes = (self.document.get("components") or {}).get("securitySchemes") or {}
        kinds = {
            str((schemes.get(name) or {}).get("scheme", "")).lower()
            for one in security
            for name in one
        }
        if kinds == {"basic"}:
            return "BASIC"
        return "BUSINESS" if _BUSINESS_PATH.match(self.path) else "PARTNER"

    def _replay(self) -> str:
        given = self.operation.get("x-replay")
        if given is None:
            return "SAFE" if self.method in ("GET", "HEAD", "OPTIONS") else "UNSAFE"
        if given not in _REPLAYS:
            raise CodegenError(
                f"{self.id}: x-replay is one of {', '.join(_REPLAYS)}, not {given!r}"
            )
        return str(given).upper()

    def _parameter(self, parameter: Mapping[str, Any]) -> str:
        schema = parameter.get("schema") or {}
        whole = self._whole(schema)
        arguments = [repr(parameter["name"])]
        style = "PLAIN"
        if whole.get("type") == "array":
            explode = parameter.get("explode", parameter.get("style", "form") == "form")
            style = "REPEAT" if explode else "COMMA"
            whole = self._whole(whole.get("items") or {})
        kind = str(whole.get("type") or "string")
        if whole.get("format") in ("date", "date-time", "uuid"):
            kind = whole["format"]
        if kind != "string":
            arguments.append(f"type={kind!r}")
        if parameter.get("required"):
            arguments.append("required=True")
        if style != "PLAIN":
            arguments.append(f"style=Style.{style}")
        values = tuple(value for value in whole.get("enum") or () if isinstance(value, str))
        if values:
            arguments.append(f"values={values!r}")
        return f"Parameter({', '.join(arguments)})"

    def _whole(self, schema: Any) -> dict[str, Any]:
        if not isinstance(schema, dict):
            return {}
        schema = self._resolved(schema)
        for key in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(key) or ():
                schema = {**self._whole(part), **{k: v for k, v in schema.items() if k != key}}
        return schema

    def _bodies(self, body: dict[str, Any]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        known: list[tuple[Any, str]] = []
        content = body.get("content") or {}
        for content_type in sorted(
            content, key=lambda one: (not _is_json(one), list(content).index(one))
        ):
            schema = (content[content_type] or {}).get("schema")
            written = next((text for same, text in known if same == schema), None)
            if written is None:
                owner = attrs.evolve(self.owner, name=f"{self.owner.name}Body")
                kind = self.schemas.body(schema, owner, "request")
                written = _model_ref(kind) or "None"
                known.append((schema, written))
            found.append((repr(content_type), written))
        return found

    def _answers(self) -> tuple[list[tuple[int, str]], Type | None]:
        """The 2xx answers as written, and the type of the first of them that has one."""
        found: list[tuple[int, str]] = []
        first: Type | None = None
        known: list[tuple[Any, Type, str]] = []
        for status, answer in (self.operation.get("responses") or {}).items():
            if not re.fullmatch(r"2\d\d", str(status)):
                continue
            content = self._resolved(answer).get("content") or {}
            schema = next(
                (held.get("schema") for name, held in content.items() if _is_json(name)), None
            )
            if schema is None:
                found.append((int(status), "None"))
                continue
            entry = next((one for one in known if one[0] == schema), None)
            if entry is None:
                kind = self._named(self.schemas.body(schema, self._answer_owner(), "answer"))
                entry = (schema, kind, _model_ref(kind) or "None")
                known.append(entry)
            first = first or entry[1]
            found.append((int(status), entry[2]))
        return found, first

    def _answer_owner(self) -> Reference:
        return attrs.evolve(self.owner, name=f"{self.owner.name}Answer")

    def _named(self, kind: Type) -> Type:
        """The type itself where a `ModelRef` can name it, else an alias for it."""
        if _model_ref(kind) is not None:
            return kind
        return Type("class", reference=self.schemas.alias(self._answer_owner(), kind))

    def _unwrapped(self, kind: Type | None, name: str) -> Type | None:
        model = kind and kind.reference and self.schemas.models.get(kind.reference.name)
        for field in model.fields if model else ():
            if field.wire_name == name:
                return field.type
        raise CodegenError(f"{self.id}: x-unwrap names {name!r}, which its answer doesn't have")

    def _returns(self, kind: Type | None) -> tuple[str, set[str]]:
        if kind is None:
            return "None", set()
        side: Side = "answer"
        hint = kind.hint("", side)
        return hint, set(re.findall(r"\b(\w+)\.[A-Z]", hint))


def _is_json(content_type: str) -> bool:
    name = content_type.split(";")[0].strip()
    return name == "application/json" or name.endswith("+json")


def _model_ref(kind: Type) -> str | None:
    match kind.kind:
        case "class" if not kind.is_enum:
            assert kind.reference is not None
            return f'ModelRef("{kind.reference.module}", "{kind.reference.name}")'
        case "list" if kind.inner[0].kind == "class" and not kind.inner[0].is_enum:
            reference = kind.inner[0].reference
            assert reference is not None
            return f'ModelRef("{reference.module}", "{reference.name}", many=True)'
    return None
