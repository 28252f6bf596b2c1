"""What is generated, as values: classes, their fields, and the types of those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

Side = Literal["request", "answer"]

# What a plain type is called in the annotations of one side, where that differs.
_ON_SIDE: dict[tuple[str, Side], str] = {
    ("dt.datetime", "answer"): "Instant",
    ("bytes", "request"): "bytes | FilePart",
    ("bytes", "answer"): "str",  # JSON has no bytes; what stands there is a text of some kind
}


@attrs.frozen
class Reference:
    """A generated class or alias, by its module and name."""

    module: str
    name: str

    def written_in(self, module: str) -> str:
        """How code of that module names it."""
        return self.name if module == self.module else f"{self.module}.{self.name}"


@attrs.frozen
class Tag:
    """The field of an object that says which class of a union it is."""

    name: str  # on the wire
    members: tuple[tuple[str, Reference], ...]  # what it holds -> the class


@attrs.frozen
class Type:
    """One type in the one form: a name in Python, a generated class, or made of such."""

    kind: Literal["any", "plain", "class", "list", "dict", "union"]
    name: str = ""  # of a plain type, as written in a generated module
    reference: Reference | None = None
    inner: tuple[Type, ...] = ()
    is_enum: bool = False
    null_items: bool = False
    tag: Tag | None = None  # of a union

    def hint(self, module: str, side: Side) -> str:
        """The annotation in a module."""
        if self.tag is not None:
            members = " | ".join(one.hint(module, side) for one in self.inner)
            classes = tuple((value, one.name) for value, one in self.tag.members)
            return f"Annotated[{members}, OneOf({self.tag.name!r}, {classes!r})]"
        written = list(dict.fromkeys(self._alternatives(module, side)))
        return "Any" if "Any" in written else " | ".join(written)

    def _alternatives(self, module: str, side: Side) -> Iterator[str]:
        match self.kind:
            case "any":
                yield "Any"
            case "plain":
                yield _ON_SIDE.get((self.name, side), self.name)
            case "class":
                assert self.reference is not None
                yield self.reference.written_in(module)
                if self.is_enum and side == "request":
                    yield "str"
            case "union" if self.tag is not None:
                yield self.hint(module, side)
            case "union":
                for one in self.inner:
                    yield from one._alternatives(module, side)
            case "list" | "dict":
                inner = self.inner[0].hint(module, side)
                if self.null_items and inner != "Any":
                    inner += " | None"
                yield f"list[{inner}]" if self.kind == "list" else f"dict[str, {inner}]"

    def classes(self, module: str) -> tuple[str, ...]:
        """What a value may be an instance of, as written for `checks.check`; empty: anything."""
        match self.kind:
            case "plain" if self.name == "bytes":
                return ("bytes", "FilePart")
            case "plain":
                return (self.name,)
            case "class" if self.is_enum:
                return ("str",)
            case "class":
                assert self.reference is not None
                # A class may stand further down its module: named when it is first needed.
                return (f"lambda: {self.reference.written_in(module)}",)
            case "list" | "dict":
                return (self.kind,)
            case "union":
                members = [one.classes(module) for one in self.inner]
                if all(members):
                    return tuple(dict.fromkeys(name for one in members for name in one))
        return ()

    def references(self) -> Iterator[Reference]:
        """The classes that the type is made of."""
        if self.reference is not None:
            yield self.reference
        for one in self.inner:
            yield from one.references()


ANY = Type("any")
FILE = Type("plain", "bytes")


def union(members: list[Type]) -> Type:
    """One of several types; just the one where they are all the same."""
    flat = [
        inner
        for one in members
        for inner in (one.inner if one.kind == "union" and one.tag is None else (one,))
    ]
    unique = list(dict.fromkeys(flat))
    if not unique or ANY in unique:
        return ANY
    return unique[0] if len(unique) == 1 else Type("union", inner=tuple(unique))


@attrs.frozen
class Items:
    """What the elements of a list may be."""

    type: Type
    nullable: bool
    constraints: Mapping[str, Any]
    items: Items | None = None

    @property
    def is_plain(self) -> bool:
        """Whether their type alone says it all."""
        return not (self.nullable or self.constraints or self.items)


@attrs.frozen
class Field:
    """One field of a model."""

    wire_name: str
    name: str
    type: Type
    required: bool
    nullable: bool
    description: str
    constraints: Mapping[str, Any]
    secret: bool
    items: Items | None = None
    is_uuid: bool = False  # holds a UUID, or several


@attrs.frozen
class Model:
    """One attrs class."""

    reference: Reference
    side: Side
    description: str
    fields: tuple[Field, ...]
    rest: Type | None = None  # of the fields that have no name in the description
    rest_nullable: bool = False


@attrs.frozen
class Enumeration:
    """One open enum: (member name, value) pairs."""

    reference: Reference
    description: str
    members: tuple[tuple[str, str], ...]
    takes_blank: bool = False
    takes_any: bool = False  # the values are examples


@attrs.frozen
class Alias:
    """A named schema that is no class: free-form objects, plain text, arrays."""

    reference: Reference
    type: Type
    side: Side
