"""Writing operations.py: every endpoint as data."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from .classes import Reference, Type
from .document import resolve
from .endpoints import FORM, Content, Endpoint, endpoints
from .errors import CodegenError
from .models import environment
from .names import camel_case, constant_name, free_name
from .schemas import Schemas
from .survey import Survey

_BUSINESS_PATH = re.compile(r"^/v1/platform/businesses/\{[^}]+\}/")
_NAME = re.compile(r"\{([^}]+)\}")
_REPLAYS = ("safe", "external_id", "idempotency_key", "upsert", "state_change", "unsafe")
_SCOPES = ("basic", "partner", "business")
_STYLES = {"spaceDelimited": "SPACE", "pipeDelimited": "PIPE"}
# Header parameters of these names say nothing, by the OpenAPI specification.
_NO_PARAMETERS = ("accept", "authorization", "content-type")


def write_operations(document: dict[str, Any], survey: Survey, schemas: Schemas) -> str:
    """The text of operations.py. Adds to ``schemas`` what bodies hold that is written in line."""
    taken = {"OPERATIONS", "TYPE_CHECKING"}
    rows: list[dict[str, Any]] = []
    ids: set[str] = set()
    for endpoint in endpoints(document):
        writer = _Writer(document, schemas, survey.module_of(endpoint.tag), endpoint, taken)
        if writer.id in ids:
            again = free_name(writer.id, ids)
            where = f"{endpoint.method} {endpoint.path}"
            text = f"{where}: the operationId {writer.id} is another one's; it is {again} here"
            print(f"codegen: {text}", file=sys.stderr)
            writer.id = again
        ids.add(writer.id)
        writer.tell_what_cannot_be_sent()
        rows.append(writer.row())
        taken.add(rows[-1]["constant"])
    template = environment().get_template("operations.jinja2")
    modules = sorted({module for row in rows for module in row["uses"]})
    return template.render(operations=rows, modules=modules)


def _names_in(path: str) -> set[str]:
    return set(_NAME.findall(path))


class _Writer:
    """Writes one operation. Everything that goes into the row is Python source."""

    def __init__(
        self,
        document: dict[str, Any],
        schemas: Schemas,
        module: str,
        endpoint: Endpoint,
        taken: set[str],
    ) -> None:
        self.document = document
        self.schemas = schemas
        self.module = module
        self.endpoint = endpoint
        self.operation = endpoint.operation
        self.id = str(self.operation.get("operationId") or f"{endpoint.method} {endpoint.path}")
        self.constant = constant_name(self.id, taken)

    def row(self) -> dict[str, Any]:
        answers = self._answers()
        unwrap = self.operation.get("x-unwrap")
        kinds = [kind for _, kind in answers]
        if unwrap is not None:
            held = self._unwrapped(kinds, unwrap)
            if held is None:  # another description than the one that the overlay was made for
                print(f"codegen: {self.id}: its answer has no {unwrap!r}", file=sys.stderr)
                unwrap = None
            else:
                kinds = [held]
        hints = [kind.hint("", "answer") for kind in kinds if kind is not None]
        if None in kinds or not kinds:
            hints.append("None")
        returns = " | ".join(dict.fromkeys(hints))
        return {
            "constant": self.constant,
            "id": repr(self.id),
            "method": repr(self.endpoint.method.upper()),
            "path": repr(self.endpoint.path),
            "tag": repr(self.endpoint.tag),
            "scope": self._scope(),
            "replay": self._replay(),
            "confirm": self._confirm(),
            "lookup": self._lookup(),
            "path_parameters": tuple(_NAME.findall(self.endpoint.path)),
            "query": self._parameters("query"),
            "headers": self._parameters("header"),
            "bodies": self._bodies(),
            "file": self._file(),
            "body_required": self.endpoint.body.get("required", False),
            "answers": [(status, kind and _model_ref(kind)) for status, kind in answers],
            "unwrap": repr(unwrap) if unwrap is not None else None,
            "undocumented": bool(self.operation.get("x-undocumented")),
            "returns": returns,
            "uses": set(re.findall(r"\b(\w+)\.[A-Z]", returns)),
        }

    # --- tokens and replays ------------------------------------------------------------------

    def _scope(self) -> str:
        given = self.operation.get("x-token-scope")
        if given is not None:
            return self._one_of("x-token-scope", given, _SCOPES)
        security = self.operation.get("security", self.document.get("security", ()))
        schemes = self.document["components"].get("securitySchemes", {})
        kinds = {
            schemes.get(name, {}).get("scheme", "").lower() for one in security for name in one
        }
        if kinds == {"basic"}:
            return "BASIC"
        return "BUSINESS" if _BUSINESS_PATH.match(self.endpoint.path) else "PARTNER"

    def _replay(self) -> str:
        given = self.operation.get("x-replay")
        if given is not None:
            return self._one_of("x-replay", given, _REPLAYS)
        return "SAFE" if self.endpoint.method in ("get", "head", "options") else "UNSAFE"

    def _confirm(self) -> str | None:
        given = self.operation.get("x-confirm")
        if given is None:
            return None
        read = self._get(given["read"])
        if read is None or not _names_in(read.path) <= _names_in(self.endpoint.path):
            # another description than the one that the overlay was made for
            print(f"codegen: {self.id}: no {given['read']} to confirm it by", file=sys.stderr)
            return None
        arguments = [f"{given['read']!r}"]
        for name in ("field", "values"):
            if name in given:
                value = given[name]
                arguments.append(f"{name}={tuple(value) if name == 'values' else value!r}")
        if "answer" in given:
            arguments.append(f"answer={json.dumps(given['answer'])!r}")
        return f"Confirm({', '.join(arguments)})"

    def _lookup(self) -> str | None:
        given = self.operation.get("x-lookup")
        if given is None:
            return None
        arguments = [f"within={given['within']!r}"] if "within" in given else []
        if given.get("never"):
            return f"Lookup({', '.join(arguments)})"
        known = _names_in(self.endpoint.path)
        for name in ("read", "scan", "single"):
            if name not in given:
                continue
            read = self._get(given[name])
            # A single read, or one by the external_id itself, has one parameter more.
            further = {given.get("by")} if name == "read" else set()
            if read is None or (
                len(_names_in(read.path) - known) > 1
                if name == "single"
                else not _names_in(read.path) <= known | further
            ):
                # another description than the one that the overlay was made for
                print(f"codegen: {self.id}: no {given[name]} to look it up by", file=sys.stderr)
                continue
            unknown = self._unknown_filters(read, given, name)
            if unknown:
                print(f"codegen: {self.id}: {given[name]} has no {unknown[0]}", file=sys.stderr)
                continue
            arguments.append(f"{name}={given[name]!r}")
            if name == "read":
                arguments += [f"{one}={given[one]!r}" for one in ("by", "covers") if one in given]
        if "query" in given:
            arguments.append(f"query={tuple(given['query'].items())!r}")
        return f"Lookup({', '.join(arguments)})"

    def _unknown_filters(self, read: Endpoint, given: Mapping[str, Any], name: str) -> list[str]:
        """The parameters that a look-up sends and the read doesn't have."""
        if name == "single":
            return []
        wanted = [
            *given.get("query", ()),
            *([given["by"]] if name == "read" and "by" in given else []),
        ]
        known = {one["name"] for one in read.parameters} | _names_in(read.path)
        return [one for one in wanted if one not in known]

    def _get(self, id: str) -> Endpoint | None:
        """The read of this operationId."""
        return next(
            (
                one
                for one in endpoints(self.document)
                if one.method == "get" and one.operation.get("operationId") == id
            ),
            None,
        )

    def _one_of(self, key: str, given: str, known: tuple[str, ...]) -> str:
        if given not in known:
            raise CodegenError(f"{self.id}: {key} is one of {', '.join(known)}, not {given!r}")
        return given.upper()

    # --- parameters ---------------------------------------------------------------------------

    def _parameters(self, where: str) -> list[str]:
        return [
            self._parameter(one)
            for one in self.endpoint.parameters
            if one["in"] == where
            and not (where == "header" and one["name"].lower() in _NO_PARAMETERS)
            and one.get("style") != "deepObject"
        ]

    def tell_what_cannot_be_sent(self) -> None:
        """Name the parameters that have no place in an operation here, rather than guess."""
        for one in self.endpoint.parameters:
            if one["in"] == "cookie":
                why = "a cookie: it is left out; where it is needed, use extra_headers"
            elif one.get("style") == "deepObject":
                why = "a deepObject: it is left out; where it is needed, use extra_query"
            else:
                continue
            print(f"codegen: {self.id}: the parameter {one['name']} is {why}", file=sys.stderr)

    def _parameter(self, parameter: Mapping[str, Any]) -> str:
        whole = self._whole(parameter.get("schema", {}))
        arguments = [repr(parameter["name"])]
        style = ""
        if whole.get("type") == "array":
            given = parameter.get("style", "form")
            explode = parameter.get("explode", given == "form")
            style = "REPEAT" if explode else _STYLES.get(given, "COMMA")
            whole = self._whole(whole.get("items", {}))
        kind = whole.get("type", "string")
        if whole.get("format") in ("date", "date-time", "uuid"):
            kind = whole["format"]
        if kind == "string":  # no more than text is said; what else is known stands beside
            kind = parameter.get("x-format", kind)
        if kind != "string":
            arguments.append(f"type={kind!r}")
        if parameter.get("required"):
            arguments.append("required=True")
        if style:
            arguments.append(f"style=Style.{style}")
        values = tuple(value for value in whole.get("enum", ()) if value and isinstance(value, str))
        values = values or self._values_beside(parameter)
        if values:
            arguments.append(f"values={values!r}")
        return f"Parameter({', '.join(arguments)})"

    def _values_beside(self, parameter: Mapping[str, Any]) -> tuple[str, ...]:
        """The values of the enum that stands beside a parameter which has none of its own."""
        name = parameter.get("x-values-of")
        if name is None:
            return ()
        schema = self.document["components"]["schemas"].get(name, {})
        whole = self._whole(schema)
        values = whole.get("enum") or whole.get("x-known-values")
        if not values:  # another description than the one that the overlay was made for
            print(f"codegen: {self.id}: no values in {name}", file=sys.stderr)
            return ()
        return (*(str(one) for one in values if one), *parameter.get("x-more-values", ()))

    def _whole(self, schema: Any, passed: tuple[str, ...] = ()) -> dict[str, Any]:
        """All that a schema says, references and combinations included; null set aside."""
        if not isinstance(schema, dict):
            return {}
        whole = dict(schema)
        for key in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(key, ()):
                whole = self._whole(part, passed) | whole
        reference = schema.get("$ref")  # what stands beside it doesn't count
        if reference is not None and reference not in passed:
            whole |= self._whole(resolve(self.document, reference), (*passed, reference))
        if isinstance(whole.get("type"), list):
            declared = [one for one in whole["type"] if one != "null"]
            whole["type"] = declared[0] if len(declared) == 1 else "string"
        return whole

    # --- bodies and answers -------------------------------------------------------------------

    def _bodies(self) -> list[tuple[str, str]]:
        """(content type, model), JSON first. One schema is one model in all content types."""
        content: Content = self.endpoint.body.get("content", {})
        owner = self._owner("Body")
        known: list[tuple[Any, str]] = []
        found = []
        for content_type in sorted(content, key=lambda one: not _is_json(one)):
            schema = content[content_type].get("schema")
            written = next((text for same, text in known if same == schema), None)
            if written is None:
                form = any(
                    name == FORM and media.get("schema") == schema
                    for name, media in self.endpoint.content()
                )
                kind = self.schemas.body(schema, owner, "request", form=form)
                if _model_ref(kind) is None and any(kind.references()):
                    kind = self.schemas.named(schema, kind, owner, "request")
                written = _model_ref(kind) or "None"
                known.append((schema, written))
            found.append((repr(content_type), written))
        return found

    def _file(self) -> str | None:
        schemas = [media.get("schema") for name, media in self.endpoint.content() if name == FORM]
        part = self.schemas.file_part(schemas[0]) if schemas else None
        return repr(part) if part else None

    def _answers(self) -> list[tuple[int, Type | None]]:
        """(status, type) of the successes; no type where there is no JSON to read."""
        known: list[tuple[Any, Type]] = []
        found: list[tuple[int, Type | None]] = []
        for status, content in self.endpoint.successes():
            schema = next(
                (media.get("schema") for name, media in content.items() if _is_json(name)), None
            )
            kind = next((one for same, one in known if same == schema), None)
            if kind is None and schema is not None:
                kind = self._answer(schema)
                known.append((schema, kind))
            found.append((status, kind))
        return found

    def _answer(self, schema: Any) -> Type:
        kind = self.schemas.body(schema, self._owner("Answer"), "answer")
        if _model_ref(kind) is None:
            return self.schemas.named(schema, kind, self._owner("Answer"), "answer")
        return kind

    def _owner(self, ending: str) -> Reference:
        """Gives its name to what is written in line."""
        return Reference(self.module, camel_case(self.constant.lower()) + ending)

    def _unwrapped(self, kinds: list[Type | None], name: str) -> Type | None:
        for kind in kinds:
            model = kind and kind.reference and self.schemas.models.get(kind.reference.name)
            for field in model.fields if model else ():
                if field.wire_name == name:
                    return field.type
        return None


def _is_json(content_type: str) -> bool:
    name = content_type.split(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


def _model_ref(kind: Type) -> str | None:
    """What names a model, or a list of one, in operations.py."""
    many = kind.kind == "list" and not kind.null_items
    one = kind.inner[0] if many else kind
    if one.kind != "class" or one.is_enum or one.reference is None:
        return None
    arguments = [f'"{one.reference.module}"', f'"{one.reference.name}"', *["many=True"] * many]
    return f"ModelRef({', '.join(arguments)})"
