"""Which schemas of two descriptions are used for the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .document import component_name, resolve

Schema = dict[str, Any]

DEEPEST = 60  # levels of references that lead into each other without a name
_UNSAID = {"description", "nullable", "title", "example", "default", "readOnly", "writeOnly"}


def structure(document: dict[str, Any], schema: Any) -> tuple[str | None, Any]:
    """The component that a schema names, if it does, and what stands behind the wrappings.

    A wrapping says nothing of its own: a reference, an `allOf` of one, a choice between
    one and null or a blank.
    """
    name: str | None = None
    for _ in range(DEEPEST):
        if not isinstance(schema, dict):
            break
        if "$ref" in schema:
            name = name or component_name(document, schema["$ref"])
            schema = resolve(document, schema["$ref"])
            continue
        inner = wrapped(document, schema)
        if inner is None:
            break
        schema = inner
    return name, schema


def wrapped(document: dict[str, Any], schema: Schema) -> Any:
    """The one schema that another is only a wrapping of."""
    if "properties" in schema:
        return None
    if "allOf" in schema:
        telling = [one for one in schema["allOf"] if isinstance(one, dict) and set(one) - _UNSAID]
        return telling[0] if len(telling) == 1 else None
    options = schema.get("oneOf") or schema.get("anyOf") or ()
    telling = [one for one in options if not _is_nothing(document, one)]
    return telling[0] if options and len(telling) == 1 else None


def properties(document: dict[str, Any], schema: Any, depth: int = 0) -> Schema:
    """The properties of a schema, those of all parts of its `allOf` included."""
    _, held = structure(document, schema)
    if not isinstance(held, dict) or depth > DEEPEST:
        return {}
    found: Schema = {}
    for part in held.get("allOf", ()):
        found |= properties(document, part, depth + 1)
    own: Schema = held.get("properties", {})
    return found | own


def kind_of(document: dict[str, Any], schema: Any) -> str:
    """What a schema is at its top: object, array, enum, or the name of its type."""
    _, held = structure(document, schema)
    if not isinstance(held, dict):
        return "any"
    if properties(document, held):
        return "object"
    if "enum" in held or ("x-known-values" in held and "type" in held):
        return "enum"
    if "items" in held:
        return "array"
    declared = held.get("type", "any")
    return declared if isinstance(declared, str) else "/".join(sorted(declared))


def fit(theirs: dict[str, Any], their: Any, ours: dict[str, Any], our: Any) -> bool:
    """Whether two schemas are alike at their top. Values seen so far don't make it another."""
    kinds = {kind_of(theirs, their), kind_of(ours, our)}
    held = structure(ours, our)[1]
    return len(kinds) == 1 or (kinds == {"string", "enum"} and "x-known-values" in held)


def values_of(document: dict[str, Any], schema: Any) -> frozenset[Any] | None:
    """The values of an enum, without blank and null; None where it is none."""
    _, held = structure(document, schema)
    if not isinstance(held, dict) or not isinstance(held.get("enum"), list):
        return None
    return frozenset(str(value) for value in held["enum"] if value is not None and value != "")


def is_plain_text(schema: Schema) -> bool:
    """Whether it is text, and nothing says which."""
    return schema.get("type") == "string" and not schema.keys() & {"enum", "format", "const"}


def _is_nothing(document: dict[str, Any], option: Any) -> bool:
    """Whether an option of a choice is just null or a blank."""
    for _ in range(DEEPEST):
        if not isinstance(option, dict) or "$ref" not in option:
            break
        option = resolve(document, option["$ref"])
    if not isinstance(option, dict):
        return False
    return option.get("type") == "null" or option.get("enum") in ([None], [""], ["", None])


class Roles:
    """Which component of one description does what which component of the other does."""

    def __init__(self, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        self._theirs, self._ours = theirs, ours
        self._votes: Counter[tuple[str, str]] = Counter()
        self._seen: set[tuple[str, str]] = set()

    def note(self, their: Any, our: Any, depth: int = 0) -> None:
        """These two are used for the same."""
        if depth > DEEPEST or not isinstance(their, dict) or not isinstance(our, dict):
            return
        their_name, their_held = structure(self._theirs, their)
        our_name, our_held = structure(self._ours, our)
        if not isinstance(their_held, dict) or not isinstance(our_held, dict):
            return
        if "items" in their_held or "items" in our_held:
            if "items" in their_held and "items" in our_held:
                self._vote(their_name, our_name)
            # One may hold several where the other holds one.
            self.note(their_held.get("items", their), our_held.get("items", our), depth + 1)
            return
        their_parts = properties(self._theirs, their_held)
        our_parts = properties(self._ours, our_held)
        fits = fit(self._theirs, their_held, self._ours, our_held)
        if fits and (not their_parts or their_parts.keys() & our_parts.keys()):
            self._vote(their_name, our_name)
        if their_name and our_name:
            if (their_name, our_name) in self._seen:
                return
            self._seen.add((their_name, our_name))
        for name in their_parts.keys() & our_parts.keys():
            self.note(their_parts[name], our_parts[name], depth + 1)
        for key in ("additionalProperties",):
            if key in their_held and key in our_held:
                self.note(their_held[key], our_held[key], depth + 1)
        for key in ("oneOf", "anyOf"):
            if len(their_held.get(key, ())) == len(our_held.get(key, ())):
                for one, other in zip(their_held.get(key, ()), our_held.get(key, ()), strict=True):
                    self.note(one, other, depth + 1)

    def _vote(self, their_name: str | None, our_name: str | None) -> None:
        if their_name and our_name:
            self._votes[their_name, our_name] += 1

    def note_names(self) -> None:
        """What no operation uses is told by its name alone."""
        theirs = self._theirs["components"]["schemas"]
        ours = self._ours["components"]["schemas"]
        their_known = {name for name, _ in self._votes}
        our_known = {name for _, name in self._votes}
        for name in (theirs.keys() & ours.keys()) - their_known - our_known:
            parts = (properties(self._theirs, theirs[name]), properties(self._ours, ours[name]))
            shares = not any(parts) or parts[0].keys() & parts[1].keys()
            if shares and fit(self._theirs, theirs[name], self._ours, ours[name]):
                self._vote(name, name)

    def winners(self) -> tuple[dict[str, str], dict[str, str]]:
        """Our name -> theirs that does most of its work; theirs -> the best of ours it has."""
        ranked = sorted(self._votes, key=self._rank, reverse=True)
        played: dict[str, str] = {}
        for their_name, our_name in ranked:
            played.setdefault(our_name, their_name)
        home: dict[str, str] = {}
        for their_name, our_name in ranked:
            if played[our_name] == their_name:
                home.setdefault(their_name, our_name)
        return played, home

    def _rank(self, pair: tuple[str, str]) -> tuple[float, int, bool, str, str]:
        theirs, ours = (
            properties(document, document["components"]["schemas"][name]).keys()
            for document, name in zip((self._theirs, self._ours), pair, strict=True)
        )
        alike = len(theirs & ours) / max(len(theirs | ours), 1)
        return (round(alike, 2), self._votes[pair], pair[0] == pair[1], *pair)
