"""Bringing a description to our names.

An operation is what its method and path say, a schema what it is used for: the body of this
operation, the answer of that one, an item of that list, a property of those. What it is called is
only a name. The table of our names is the description that the package was made from.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from .calls import (
    Call,
    answers_of,
    beginnings,
    body_of,
    calls,
    path_of_server,
    schema_of,
)
from .document import component_name, component_pointer, resolve
from .endpoints import followed
from .kept import FromOurs
from .roles import (
    DEEPEST,
    Roles,
    Schema,
    is_plain_text,
    kind_of,
    properties,
    structure,
    values_of,
    wrapped,
)

ALIASES = "x-aliases"  # other names of a schema: in the file it has that one
NEW = "x-new"  # on an operation or a parameter that we lack
ADOPTED = "x-adopted"  # on a description that was brought to our names

_NAME = re.compile(r"\{([^}]+)\}")


# Keys of a schema that are gone into one by one, and those that hold data, not schemas.
_SEEN = {
    *("properties", "items", "additionalProperties", "allOf", "oneOf", "anyOf", "discriminator"),
    *("default", "enum", "const", "example", "examples", "required", "externalDocs", "xml"),
}


@attrs.frozen
class Pairing:
    """A description under our names, and how it came to them."""

    document: dict[str, Any]
    operations: Mapping[str, str]  # our operationId -> the file's
    kept: tuple[str, ...]  # operations of ours that the file lacks
    new: tuple[str, ...]  # operations that we lack, by their ids in the result
    schemas: Mapping[str, str]  # the file's name of a schema -> ours
    kept_schemas: tuple[str, ...]
    gone: tuple[str, ...]  # schemas of ours that have no part in the file


def pair(
    document: dict[str, Any],
    table: dict[str, Any],
    used: Collection[str] = (),
    *,
    plain: dict[str, Any] | None = None,
) -> Pairing | None:
    """A checked description under the names of another; None where they share no operation.

    ``used`` are the operations (by id) and schemas of the table that must not get lost. They are
    copied from ``plain``, which is the table without its overlay.
    """
    theirs, ours = calls(document), calls(table)
    known = {call.key: call for call in ours}
    pairs = {known[call.key].id: (call, known[call.key]) for call in theirs if call.key in known}
    if not pairs:
        return None
    return _Pairer(document, table, pairs).result(
        theirs, calls(plain or table), used, plain or table
    )


class _Pairer:
    def __init__(
        self,
        theirs: dict[str, Any],
        ours: dict[str, Any],
        pairs: Mapping[str, tuple[Call, Call]],
    ) -> None:
        self._theirs, self._ours, self._pairs = theirs, ours, pairs
        roles = Roles(theirs, ours)
        for their, our in pairs.values():
            for one, other in self._uses(their, our):
                roles.note(one, other)
        roles.note_names()
        self._played, self._home = roles.winners()
        self._components: dict[str, Any] = {}
        self._parameters: dict[str, Any] = {}  # of paths, that many operations share
        self._own_names: dict[str, str] = {}  # of those of theirs that do nothing of ours
        self._lifted: dict[str, Any] = {}  # from where it stands in line, to our name
        self._beginnings = {
            begun: name for _, our in pairs.values() for begun, name in beginnings(our.path)
        }

    def result(
        self, theirs: list[Call], ours: list[Call], used: Collection[str], plain: dict[str, Any]
    ) -> Pairing:
        by_key = {our.key: (their, our) for their, our in self._pairs.values()}
        tags = self._tags()
        paths: dict[str, dict[str, Any]] = {}
        kept, new = [], []
        taken = {call.id for call in ours}
        for our in ours:
            if our.key in by_key:
                their, _ = by_key[our.key]
                path = self._path(their, our)
                paths.setdefault(path, {})[our.method] = self._paired(their, our)
            elif our.id in used:
                kept.append(our)
                paths.setdefault(our.path, {})[our.method] = {}  # in its place
        for their in theirs:
            if their.key not in by_key:
                path = self._path(their, None)
                id = _free(their.id, taken)
                taken.add(id)
                new.append(id)
                written = self._written(their, None) | {"operationId": id, NEW: True}
                tag = (their.operation.get("tags") or [""])[0]
                if tag in tags:
                    written["tags"] = [tags[tag]]
                paths.setdefault(path, {})[their.method] = written
        for name in self._theirs["components"]["schemas"]:
            self._component(name, None)
        aliases: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._theirs["components"]["schemas"]):
            home = self._home.get(name)
            if home is not None and home != name and not self._is_taken(name):
                aliases[home].append(name)
        from_ours = FromOurs(plain, self._components)
        for call in kept:
            paths.setdefault(call.path, {})[call.method] = from_ours.operation(call)
        told = FromOurs(plain, {})
        for call in ours:
            told.operation(call)
        for name in plain["components"]["schemas"]:
            # What no operation of ours uses describes something that no operation tells.
            if name in used or name not in told.names:
                from_ours.component(name)
        for home, names in aliases.items():
            if isinstance(self._components.get(home), dict):
                free = [name for name in names if name not in self._components]
                self._components[home] = self._components[home] | {ALIASES: free}
        return Pairing(
            document=self._document(paths),
            operations={our.id: their.id for their, our in self._pairs.values()},
            kept=tuple(call.id for call in kept),
            new=tuple(new),
            schemas=dict(self._home),
            kept_schemas=tuple(from_ours.names),
            gone=tuple(
                name for name in self._ours["components"]["schemas"] if name not in self._components
            ),
        )

    def _is_taken(self, name: str) -> bool:
        """Whether one of their names means another schema with us."""
        return name in self._components or name in self._played

    def _document(self, paths: dict[str, dict[str, Any]]) -> dict[str, Any]:
        theirs, ours = self._theirs, self._ours
        whole = {key: value for key, value in theirs.items() if key.startswith(("openapi", "x-"))}
        whole |= {"info": theirs.get("info", {}), ADOPTED: True}
        servers = theirs.get("servers")
        if isinstance(servers, list):
            prefix = path_of_server(theirs)
            whole["servers"] = [
                {**one, "url": str(one.get("url", "")).rstrip("/").removesuffix(prefix)}
                for one in servers
                if isinstance(one, dict)
            ]
        used = {operation["tags"][0] for item in paths.values() for operation in item.values()}
        given = [*ours.get("tags", ()), *theirs.get("tags", ())]
        named = {one["name"]: one for one in reversed(given) if "name" in one}
        whole["tags"] = [named[name] for name in reversed(named) if name in used]
        if "security" in theirs:
            whole["security"] = theirs["security"]
        schemes = {
            **ours["components"].get("securitySchemes", {}),
            **theirs["components"].get("securitySchemes", {}),
        }
        whole["paths"] = paths
        whole["components"] = {
            "parameters": self._parameters,
            "schemas": dict(sorted(self._components.items())),
            "securitySchemes": schemes,
        }
        return copy.deepcopy(whole)

    # --- operations ------------------------------------------------------------------------

    def _uses(self, their: Call, our: Call) -> Iterator[tuple[Any, Any]]:
        """The schemas of two operations that are used for the same."""
        their_body, our_body = body_of(self._theirs, their), body_of(self._ours, our)
        for content_type, media in their_body.items():
            yield media.get("schema"), schema_of(our_body, content_type)
        our_answers = answers_of(self._ours, our)
        for status, content in answers_of(self._theirs, their).items():
            for content_type, media in content.items():
                yield media.get("schema"), self._answer(our_answers, status, content_type)
        for parameter in their.parameters:
            yield parameter.get("schema"), self._parameter(parameter, their, our).get("schema")

    def _answer(
        self, answers: Mapping[str, Mapping[str, Any]], status: str, content_type: str
    ) -> Any:
        """Our schema for the answer of a status; for a success any success's will do."""
        if status in answers:
            return schema_of(answers[status], content_type)
        if status.startswith("2"):
            likely = [one for one in answers if one.startswith("2") and answers[one]]
            return schema_of(answers[likely[0]], content_type) if likely else None
        return None

    def _parameter(self, parameter: Mapping[str, Any], their: Call, our: Call) -> Mapping[str, Any]:
        name = parameter["name"]
        if parameter["in"] == "path":
            name = dict(zip(their.names, our.names, strict=True)).get(name, name)
        return next(
            (one for one in our.parameters if (one["in"], one["name"]) == (parameter["in"], name)),
            {},
        )

    def _path(self, their: Call, our: Call | None) -> str:
        """Their path with our names of its parameters."""
        names = self._names(their, our)
        return _NAME.sub(lambda found: f"{{{names[found[1]]}}}", their.path)

    def _names(self, their: Call, our: Call | None) -> dict[str, str]:
        if our is not None:
            return dict(zip(their.names, our.names, strict=True))
        return {name: self._beginnings.get(begun, name) for begun, name in beginnings(their.path)}

    def _tags(self) -> dict[str, str]:
        """Their tag -> ours, where all its operations have one and the same with us."""
        found: dict[str, set[str]] = defaultdict(set)
        for their, our in self._pairs.values():
            found[(their.operation.get("tags") or [""])[0]].add(_tag(our))
        return {tag: next(iter(ours)) for tag, ours in found.items() if len(ours) == 1}

    def _paired(self, their: Call, our: Call) -> dict[str, Any]:
        written = self._written(their, our)
        return written | {"operationId": our.id, "tags": [_tag(our)]}

    def _written(self, their: Call, our: Call | None) -> dict[str, Any]:
        """An operation with its schemas under our names and all else in line."""
        names = self._names(their, our)
        whole = {
            key: value
            for key, value in their.operation.items()
            if key not in ("parameters", "requestBody", "responses", "callbacks", "servers")
        }
        whole.setdefault("tags", ["default"])
        whole["tags"] = whole["tags"] or ["default"]
        whole["parameters"] = []
        for parameter in their.parameters:
            mine = self._parameter(parameter, their, our) if our is not None else {}
            copied = dict(parameter)
            if our is not None and not mine:
                copied[NEW] = True
            if parameter["in"] == "path":
                copied["name"] = names.get(parameter["name"], parameter["name"])
            if "schema" in parameter:
                copied["schema"] = self._schema(parameter["schema"], mine.get("schema"))
            whole["parameters"].append(self._shared(copied, our))
        if "requestBody" in their.operation:
            body = followed(self._theirs, their.operation["requestBody"])
            known = body_of(self._ours, our) if our is not None else {}
            whole["requestBody"] = {
                **body,
                "content": {
                    content_type: self._media(media, schema_of(known, content_type))
                    for content_type, media in body.get("content", {}).items()
                },
            }
        whole["responses"] = {}
        answers = answers_of(self._ours, our) if our is not None else {}
        for status, given in their.operation.get("responses", {}).items():
            answer = dict(followed(self._theirs, given))
            if "content" in answer:
                answer["content"] = {
                    content_type: self._media(media, self._answer(answers, status, content_type))
                    for content_type, media in answer["content"].items()
                }
            whole["responses"][status] = answer
        return whole

    def _shared(self, parameter: dict[str, Any], our: Call | None) -> dict[str, Any]:
        """A reference to a parameter, where ours is one that many operations share."""
        for given in our.operation.get("parameters", ()) if our is not None else ():
            known = followed(self._ours, given)
            if known is given or (known["in"], known["name"]) != ("path", parameter["name"]):
                continue
            _, _, name = given["$ref"].rpartition("/")
            if self._parameters.setdefault(name, parameter) == parameter:
                return {"$ref": given["$ref"]}
        return parameter

    def _media(self, media: Mapping[str, Any], our: Any) -> dict[str, Any]:
        copied = dict(media)
        if "schema" in media:
            copied["schema"] = self._schema(media["schema"], our)
        return copied

    # --- schemas ---------------------------------------------------------------------------

    def _schema(self, their: Any, our: Any, depth: int = 0) -> Any:
        """One of their schemas with our names in it, where ``our`` is used for the same."""
        if not isinstance(their, dict) or depth > DEEPEST:
            return their
        if "$ref" in their:
            name = component_name(self._theirs, their["$ref"])
            if name is None:
                return self._schema(resolve(self._theirs, their["$ref"]), our, depth + 1)
            return {**their, "$ref": component_pointer(self._component(name, our))}
        inner = wrapped(self._theirs, their)
        our_name, our_held = structure(self._ours, our)
        if inner is None and our_name is not None and our_name not in self._played:
            lifted = self._lift(their, our_name, our_held, depth)
            if lifted is not None:
                return lifted
        return self._parts(their, inner, our, our_held, depth)

    def _parts(self, their: Schema, inner: Any, our: Any, our_held: Any, depth: int) -> Schema:
        """A schema whose parts have our names."""
        held = our_held if isinstance(our_held, dict) else {}
        mine = properties(self._ours, held)
        written = dict(their)
        if "properties" in their:
            written["properties"] = {
                name: self._schema(part, mine.get(name), depth + 1)
                for name, part in their["properties"].items()
            }
        if "items" in their:
            # One may hold several where the other holds one.
            written["items"] = self._schema(their["items"], held.get("items", our), depth + 1)
        if "additionalProperties" in their:
            written["additionalProperties"] = self._schema(
                their["additionalProperties"], held.get("additionalProperties"), depth + 1
            )
        for key in ("allOf", "oneOf", "anyOf"):
            if key not in their:
                continue
            parts, known = their[key], held.get(key, ())
            written[key] = [
                self._schema(
                    part,
                    our
                    if part is inner
                    else known[number]
                    if len(known) == len(parts)
                    else {"properties": mine}
                    if key == "allOf" and isinstance(part, dict) and "$ref" not in part
                    else None,
                    depth + 1,
                )
                for number, part in enumerate(parts)
            ]
        if "discriminator" in their:
            written["discriminator"] = self._discriminator(their["discriminator"])
        for key in their.keys() - _SEEN:
            written[key] = self._rest(their[key], depth + 1)
        return written

    def _rest(self, node: Any, depth: int) -> Any:
        """What of a schema is in no pair of its own: only the references in it are renamed."""
        if isinstance(node, list):
            return [self._rest(one, depth) for one in node]
        if not isinstance(node, dict) or depth > DEEPEST:
            return node
        if isinstance(node.get("$ref"), str):
            return self._schema(node, None, depth)
        return {key: self._rest(one, depth + 1) for key, one in node.items()}

    def _discriminator(self, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("mapping"), dict):
            return given
        mapping = {}
        for value, pointer in given["mapping"].items():
            name = component_name(self._theirs, str(pointer))
            name = name if name is not None else str(pointer)
            if name in self._theirs["components"]["schemas"]:
                mapping[value] = component_pointer(self._component(name, None))
        return {**given, "mapping": mapping}

    def _component(self, name: str, our: Any) -> str:
        """Our name of one of their components, which is written under it."""
        our_name, _ = structure(self._ours, our)
        if our_name is None or self._played.get(our_name) != name:
            our_name = self._home.get(name)
        if our_name is None:
            if name not in self._own_names:
                self._own_names[name] = _free(
                    name, self._played.keys() | self._ours["components"]["schemas"].keys()
                )
            written, our = self._own_names[name], None
        else:
            written, our = our_name, self._ours["components"]["schemas"][our_name]
        if written not in self._components:
            self._components[written] = {}  # while it is written: it may refer to itself
            schema = self._theirs["components"]["schemas"][name]
            self._components[written] = self._component_schema(schema, our)
        return written

    def _component_schema(self, their: Any, our: Any) -> Any:
        if not isinstance(their, dict) or "$ref" in their:
            return self._schema(their, our)
        held = structure(self._ours, our)[1]
        if isinstance(held, dict) and "x-known-values" in held and is_plain_text(their):
            return their | {"x-known-values": held["x-known-values"]}
        return self._parts(their, wrapped(self._theirs, their), our, held, 0)

    def _lift(self, their: Schema, our_name: str, our: Any, depth: int) -> Schema | None:
        """Give our name to what stands in line in the file and is a component with us."""
        beside: Schema = {key: their[key] for key in ("description", "nullable") if key in their}
        to: Schema = {"$ref": component_pointer(our_name), **beside}
        if our_name not in self._lifted:
            kind = kind_of(self._theirs, their)
            if is_plain_text(their) and "x-known-values" in our:
                self._components[our_name] = our  # the file doesn't say which text
            elif kind not in ("object", "enum") or not self._are_alike(their, our):
                return None
            else:
                self._components[our_name] = {}
                plain = {key: value for key, value in their.items() if key not in beside}
                self._components[our_name] = self._parts(plain, None, our, our, depth + 1)
            self._lifted[our_name] = self._said(their)
            return to
        return to if self._lifted[our_name] == self._said(their) else None

    def _are_alike(self, their: Schema, our: Any) -> bool:
        """Whether they are of a kind, and share a property where they have any."""
        theirs, ours = properties(self._theirs, their), properties(self._ours, our)
        same_kind = kind_of(self._theirs, their) == kind_of(self._ours, our)
        return same_kind and (not theirs or bool(theirs.keys() & ours.keys()))

    def _said(self, schema: Schema) -> Any:
        """What a schema says, to compare it with another."""
        values = values_of(self._theirs, schema)
        return values or {k: v for k, v in schema.items() if k not in ("description", "nullable")}


def _tag(call: Call) -> str:
    return str((call.operation.get("tags") or ["default"])[0])


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 2, name
    while free in taken:
        free = f"{name}_{number}" if name.islower() else f"{name}{number}"
        number += 1
    return free
