"""What another description of the API says otherwise than ours, and what that breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from .calls import Call, answers_of, body_of, calls, schema_of
from .document import resolve
from .endpoints import followed
from .kept import KEPT
from .roles import DEEPEST, properties, structure, values_of
from .uses import places, uses

_LIMITS = (
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
)
# What is noted as a guess of one trait, by the mark that says so.
_TRAITS = {
    "x-inferred": "presence",
    "x-type-inferred": "type",
    "x-format-inferred": "type",
    "x-enum-inferred": "enum",
    "x-inferred-nullable": "nullable",
    "x-minimum-inferred": "limit",
    "x-length-inferred": "limit",
    "x-limits-inferred": "limit",
}


@attrs.frozen
class Difference:
    """One thing that the file says otherwise than we do."""

    kind: str  # operation, parameter, field, schema, status, body
    aspect: str  # presence, type, required, nullable, enum, limit
    place: str  # in our names: `Invoice.status`, `list_invoices: query status`
    theirs: str
    ours: str
    breaks: bool  # what works with our description may not work with theirs
    code: tuple[str, ...] = ()  # hand-written lines that use it, as `file:line`
    settled: bool = False  # by our overlay, which says over theirs what it says over ours

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.kind, self.aspect, self.place


@attrs.frozen
class Guess:
    """Something that our description only concluded, and what the file says of it."""

    place: str
    trait: str
    confirmed: bool


@attrs.define
class Comparison:
    """All differences, and what became of the guesses."""

    differences: list[Difference] = attrs.field(factory=list)
    guesses: list[Guess] = attrs.field(factory=list)

    @property
    def breaking(self) -> list[Difference]:
        """Those that something we have breaks by."""
        return [one for one in self.differences if one.breaks]


def compare(theirs: dict[str, Any], ours: dict[str, Any], overlaid: dict[str, Any]) -> Comparison:
    """The file, under our names, against ours with its overlay.

    ``theirs`` is the file without our overlay, ``overlaid`` with it: what the overlay makes the
    same breaks nothing.
    """
    found = _Comparer(theirs, ours).compare()
    left = {one.key for one in _Comparer(overlaid, ours).compare().breaking}
    found.differences = [
        one if one.key in left or not one.breaks else attrs.evolve(one, breaks=False, settled=True)
        for one in found.differences
    ]
    found.differences.sort(key=lambda one: (not one.breaks, *one.key))
    return found


@attrs.frozen
class _Facts:
    type: str
    values: frozenset[str] | None
    nullable: bool
    limits: Mapping[str, Any]


class _Comparer:
    def __init__(self, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        self._theirs, self._ours = theirs, ours
        self._found = Comparison()
        self._seen: set[tuple[str, str, str]] = set()

    def compare(self) -> Comparison:
        theirs = {one.key: one for one in calls(self._theirs) if KEPT not in one.operation}
        ours = {one.key: one for one in calls(self._ours)}
        for key, our in ours.items():
            if key in theirs:
                self._operation(theirs[key], our)
            else:
                used = places(our.id)
                where = f"{our.method.upper()} {our.path}"
                self._add("operation", "presence", our.id, "", where, bool(used), used)
        for key in theirs.keys() - ours.keys():
            their = theirs[key]
            where = f"{their.method.upper()} {their.path}"
            self._add("operation", "presence", their.id, where, "", breaks=False)
        self._found.guesses.sort(key=lambda one: (one.confirmed, one.place, one.trait))
        return self._found

    def _add(
        self,
        kind: str,
        aspect: str,
        place: str,
        theirs: object,
        ours: object,
        breaks: bool,
        code: Sequence[str] = (),
    ) -> None:
        one = Difference(kind, aspect, place, _text(theirs), _text(ours), breaks, tuple(code))
        if one not in self._found.differences:
            self._found.differences.append(one)

    # --- one operation ---------------------------------------------------------------------

    def _operation(self, their: Call, our: Call) -> None:
        if their.path != our.path:
            self._add("operation", "path", our.id, their.path, our.path, breaks=False)
        self._parameters(their, our)
        self._statuses(their, our)
        self._body(their, our)
        our_answers = answers_of(self._ours, our)
        for status, content in answers_of(self._theirs, their).items():
            if status in our_answers:
                one, other = schema_of(content), schema_of(our_answers[status])
                self._schemas(one, other, "answer", our.id, f"{our.id}: {status}")

    def _parameters(self, their: Call, our: Call) -> None:
        theirs, ours = (
            {(one["in"], one["name"]): one for one in call.parameters if one["in"] != "path"}
            for call in (their, our)
        )
        for key in theirs.keys() | ours.keys():
            place = f"{our.id}: {' '.join(key)}"
            code = self._code(key[1], our.id)
            one, other = theirs.get(key), ours.get(key)
            if other is None and one is not None:
                required = bool(one.get("required"))
                said = self._facts(self._theirs, one.get("schema")).type
                self._add("parameter", "presence", place, said, "", required, places(our.id))
                continue
            assert other is not None
            if one is None:
                said = self._facts(self._ours, other.get("schema")).type
                self._add("parameter", "presence", place, "", said, bool(code), code)
                self._guess(other, place, {"presence"})
                continue
            differing = self._traits("parameter", place, "request", one, other, code)
            is_required, was = bool(one.get("required")), bool(other.get("required"))
            if is_required != was:
                self._add("parameter", "required", place, is_required, was, is_required, code)
            self._guess(other, place, differing)

    def _statuses(self, their: Call, our: Call) -> None:
        theirs, ours = (
            set(answers_of(document, call))
            for document, call in ((self._theirs, their), (self._ours, our))
        )
        for status in theirs ^ ours:
            there = status in theirs
            success = status.startswith("2")
            place = f"{our.id}: {status}"
            code = places(our.id) if success and there else ()
            self._add(
                "status", "presence", place, there, not there, success and there and not ours, code
            )

    def _body(self, their: Call, our: Call) -> None:
        theirs, ours = body_of(self._theirs, their), body_of(self._ours, our)
        for content_type in theirs.keys() | ours.keys():
            place = f"{our.id}: body {content_type}"
            if content_type not in theirs or content_type not in ours:
                gone = content_type not in theirs
                code = places(our.id) if gone else ()
                self._add("body", "presence", place, not gone, gone, gone and not theirs, code)
            else:
                self._schemas(
                    theirs[content_type].get("schema"),
                    ours[content_type].get("schema"),
                    "request",
                    our.id,
                    f"{our.id}: body",
                )
        needed, was = (
            bool(followed(document, call.operation.get("requestBody", {})).get("required"))
            for document, call in ((self._theirs, their), (self._ours, our))
        )
        if needed != was and theirs and ours:
            place = f"{our.id}: body"
            self._add("body", "required", place, needed, was, needed, places(our.id))

    # --- schemas ---------------------------------------------------------------------------

    def _schemas(
        self, their: Any, our: Any, side: str, operation: str, place: str, depth: int = 0
    ) -> None:
        """Two schemas that are used for the same."""
        if depth > DEEPEST or not isinstance(their, dict) or not isinstance(our, dict):
            return
        their_name, their_held = structure(self._theirs, their)
        our_name, our_held = structure(self._ours, our)
        if not isinstance(their_held, dict) or not isinstance(our_held, dict):
            return
        if "items" in their_held or "items" in our_held:
            one, other = their_held.get("items", their), our_held.get("items", our)
            if ("items" in their_held) != ("items" in our_held) and depth == 0:
                now, was = _type(self._theirs, their), _type(self._ours, our)
                self._add("schema", "type", place, now, was, True, places(operation))
            self._schemas(one, other, side, operation, f"{place}[]", depth + 1)
            return
        theirs = properties(self._theirs, their_held)
        ours = properties(self._ours, our_held)
        if not theirs and not ours:
            return
        place = our_name or place
        if our_name is not None:
            key = (their_name or "", our_name, side)
            if key in self._seen:
                return
            self._seen.add(key)
        needed, needed_with_us = (
            _required(self._theirs, their_held),
            _required(self._ours, our_held),
        )
        for name in sorted(theirs.keys() | ours.keys()):
            self._field(
                name,
                (theirs.get(name), ours.get(name)),
                (name in needed, name in needed_with_us),
                side,
                operation,
                place,
                depth,
            )

    def _field(
        self,
        name: str,
        pair: tuple[Any, Any],
        required: tuple[bool, bool],
        side: str,
        operation: str,
        owner: str,
        depth: int,
    ) -> None:
        their, our = pair
        is_required, was = required
        place = f"{owner}.{name}"
        code = self._code(name, operation, owner)
        if our is None:
            said = self._facts(self._theirs, their).type
            breaks = side == "request" and is_required
            self._add("field", "presence", place, said, "", breaks, places(operation))
            return
        if their is None:
            said = self._facts(self._ours, our).type
            self._add("field", "presence", place, "", said, bool(code) or was, code)
            self._guess(our, place, {"presence"})
            return
        differing = self._traits("field", place, side, {"schema": their}, {"schema": our}, code)
        if is_required != was:
            breaks = is_required and side == "request"
            code = code or places(owner) or places(operation)
            self._add("field", "required", place, is_required, was, breaks, code)
            differing.add("required")
        self._guess(our, place, differing)
        self._schemas(their, our, side, operation, place, depth + 1)

    def _traits(
        self,
        kind: str,
        place: str,
        side: str,
        their: Mapping[str, Any],
        our: Mapping[str, Any],
        code: Sequence[str],
    ) -> set[str]:
        """Note in what two fields or parameters differ by themselves."""
        is_request = side == "request"
        one = self._facts(self._theirs, their.get("schema"))
        other = self._facts(self._ours, our.get("schema"))
        differing: set[str] = set()
        if one.type != other.type:
            differing.add("type")
            self._add(kind, "type", place, one.type, other.type, not _is_wider(one, other), code)
        if one.nullable != other.nullable:
            differing.add("nullable")
            breaks = is_request and not one.nullable
            self._add(kind, "nullable", place, one.nullable, other.nullable, breaks, code)
        if one.values != other.values:
            differing.add("enum")
            gone = (other.values or frozenset()) - (one.values or frozenset())
            breaks = is_request and one.values is not None and bool(gone or other.values is None)
            self._add(kind, "enum", place, one.values, other.values, breaks, code)
        for limit in _LIMITS:
            now, before = one.limits.get(limit), other.limits.get(limit)
            if now != before:
                differing.add("limit")
                self._add(
                    kind,
                    "limit",
                    place,
                    f"{limit} {now}" if now is not None else "",
                    f"{limit} {before}" if before is not None else "",
                    is_request and _is_narrower(limit, now, before),
                    code,
                )
        return differing

    def _guess(self, our: Any, place: str, differing: set[str]) -> None:
        """Note what the file says of what our description only concluded."""
        marked = {key for key in _TRAITS if isinstance(our, dict) and our.get(key)}
        for mark in marked:
            refuted = {_TRAITS[mark], "presence"} | ({"type"} if mark == "x-inferred" else set())
            guess = Guess(place, mark.removeprefix("x-"), not refuted & differing)
            if guess not in self._found.guesses:
                self._found.guesses.append(guess)

    # --- what they say ---------------------------------------------------------------------

    def _facts(self, document: dict[str, Any], schema: Any) -> _Facts:
        _, held = structure(document, schema)
        if not isinstance(held, dict):
            return _Facts("anything", None, True, {})
        limits = {key: held[key] for key in _LIMITS if held.get(key) is not None}
        kind = _type(document, schema)
        nullable = any(_layers_null(document, schema))
        return _Facts(kind, values_of(document, held), nullable, limits)

    def _code(self, name: str, *owners: str) -> list[str]:
        """Lines that name a field or parameter, in files that name what it belongs to."""
        files = {place.partition(":")[0] for owner in owners for place in places(owner)}
        return [place for place in uses().get(name, ()) if place.partition(":")[0] in files]


def _type(document: dict[str, Any], schema: Any, depth: int = 0) -> str:
    _, held = structure(document, schema)
    if not isinstance(held, dict) or depth > DEEPEST:
        return "anything"
    if "items" in held:
        return f"list of {_type(document, held['items'], depth + 1)}"
    options = held.get("oneOf") or held.get("anyOf") or ()
    if options:
        return " or ".join(sorted({_type(document, one, depth + 1) for one in options}))
    if properties(document, held):
        return "object"
    declared = held.get("type")
    kinds = declared if isinstance(declared, list) else [declared]
    kind = " or ".join(sorted(str(one) for one in kinds if one not in (None, "null")))
    form = held.get("format")
    return f"{kind} ({form})" if kind and form else kind or "anything"


def _layers_null(document: dict[str, Any], schema: Any) -> Iterator[bool]:
    """Whether it may be null, by each of the layers that wrap it."""
    for _ in range(DEEPEST):
        if not isinstance(schema, dict):
            return
        declared = schema.get("type")
        yield bool(schema.get("nullable"))
        yield declared == "null" or (isinstance(declared, list) and "null" in declared)
        yield None in (schema.get("enum") or ())
        parts = [*(schema.get("oneOf") or schema.get("anyOf") or ()), *schema.get("allOf", ())]
        for one in parts:
            target = resolve(document, one["$ref"]) if _is_reference(one) else one
            yield isinstance(target, dict) and (
                target.get("type") == "null" or target.get("enum") == [None]
            )
        if _is_reference(schema):
            schema = resolve(document, schema["$ref"])
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return


def _is_reference(schema: Any) -> bool:
    return isinstance(schema, dict) and "$ref" in schema


def _required(document: dict[str, Any], schema: Any, depth: int = 0) -> set[str]:
    _, held = structure(document, schema)
    if not isinstance(held, dict) or depth > DEEPEST:
        return set()
    found = set(held.get("required", ()))
    for part in held.get("allOf", ()):
        found |= _required(document, part, depth + 1)
    return found


def _is_wider(one: _Facts, other: _Facts) -> bool:
    """Whether the first takes and gives all that the second does, as to the type."""
    if one.type == "anything":
        return True
    return set(other.type.split(" or ")) <= set(one.type.split(" or ")) or (
        one.type == "number" and other.type == "integer"
    )


def _is_narrower(limit: str, now: Any, before: Any) -> bool:
    if now is None:
        return False
    if before is None or not isinstance(now, int | float) or not isinstance(before, int | float):
        return True
    return now < before if "ax" in limit else now > before


def _text(value: object) -> str:
    match value:
        case frozenset():
            return ", ".join(sorted(value))
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
    return str(value)
