"""A record that can be read: its request body, and what it refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import attrs

from .kinds import CREATE, KINDS, Kind, Link

__all__ = ["Draft", "Reference", "json_name", "references"]


class Reference(NamedTuple):
    """A named record of the same business that another record refers to.

    ``parent`` names what that belongs to, as ``refund_external_id:r1`` or ``refund_id:…``;
    empty where its type has no parent, or the reference doesn't say.
    """

    kind: str
    external_id: str
    parent: str = ""
    native: bool = False

    @property
    def name(self) -> str:
        """How the entry of a failed file names it among those of its type."""
        return f"{self.parent} {self.external_id}" if self.parent else self.external_id


IdOf: TypeAlias = Callable[[Reference], str | None]


@attrs.define(eq=False)
class Draft:
    """A readable record. ``fields`` is the request body, references not yet resolved.

    ``file`` is the path of a document to attach. ``revision`` orders the versions of a record.
    """

    kind: Kind
    action: str
    business: str  # its Thred id or external_id; empty for the record of a business
    external_id: str
    fields: dict[str, Any]
    references: tuple[Reference, ...]
    fingerprint: bytes
    record: Any
    resolved: Mapping[str, Mapping[str, str]]
    file: str | None = None
    revision: int | None = None
    changed: bool = False  # a failed file has it with other content, which was sent
    uncertain: bool = False  # a failed file says that it may be at Thred

    @property
    def content(self) -> str:
        """The fingerprint as text, as the entry of a failed file has it."""
        return self.fingerprint.hex()

    @property
    def creates(self) -> bool:
        """Whether it makes a record, rather than doing something with one."""
        return self.action == CREATE

    @property
    def parent(self) -> str:
        """What names the record that this one belongs to; empty where its type has none."""
        link = self.kind.parent
        return "" if link is None else named(link, self.fields)

    @property
    def itself(self) -> Reference:
        """The record as others would refer to it."""
        return Reference(self.kind.name, self.external_id, self.parent)

    def known_id(self, reference: Reference) -> str | None:
        """The id of what it refers to that a failed file's entry brought along."""
        return self.resolved.get(reference.kind, {}).get(reference.name)

    def marks(self) -> Iterator[tuple[str, str, str]]:
        """The records that it names: their types, and how by external id or by Thred id."""
        for reference in self.references:
            yield reference.kind, "external_id", reference.external_id
        for link in self.kind.all_links:
            for holder in holders(self.fields, link):
                given = holder.get(link.id_field)
                for id in given if link.many and isinstance(given, list | tuple) else (given,):
                    if isinstance(id, str):
                        yield link.to, "id", id

    def body(self, id_of: IdOf) -> dict[str, Any]:
        """The request body, with an id in place of every external id that ``id_of`` knows.

        The id of its parent is in it as well.
        """
        body = dict(self.fields)
        if not self.creates:
            del body["external_id"]
        for link in self.kind.all_links:
            if link.within is None:
                self._resolve(body, link, id_of)
            elif isinstance(elements := body.get(link.within), list | tuple):
                body[link.within] = [
                    self._resolve(dict(one), link, id_of) if isinstance(one, Mapping) else one
                    for one in elements
                ]
        return body

    def _resolve(self, holder: dict[str, Any], link: Link, id_of: IdOf) -> dict[str, Any]:
        given = holder.get(link.external_field)
        native = link.native and self.creates
        if given is None:
            if not native:
                holder.pop(link.external_field, None)  # an explicit null, which only we would know
        elif link.many:
            found = [id_of(_element(link, link.external_field, one)) for one in given]
            holder[link.id_field] = [*(holder.get(link.id_field) or ()), *filter(None, found)]
            del holder[link.external_field]
        elif (id := id_of(Reference(link.to, given, native=native))) is not None:
            del holder[link.external_field]
            holder[link.id_field] = id
        return holder


# --- references ------------------------------------------------------------------------


def references(kind: Kind, action: str, fields: Mapping[str, Any]) -> Iterator[Reference]:
    """What a record of these fields refers to by external id. Raises ValueError."""
    for link in kind.all_links:
        native = link.native and action == CREATE
        for holder in holders(fields, link):
            given = holder.get(link.external_field)
            if given is None:
                continue
            where = f"{link.within}[].{link.external_field}" if link.within else link.external_field
            if not link.many:
                if holder.get(link.id_field) is not None:
                    raise ValueError(
                        f"{where} and {link.id_field} are both given: give one of them"
                    )
                yield Reference(link.to, _text(where, given), native=native)
            elif not isinstance(holder.get(link.id_field), list | tuple | None):
                raise ValueError(
                    f"{link.id_field} must be a list, not {json_name(holder[link.id_field])}"
                )
            elif isinstance(given, list | tuple):
                yield from (_element(link, f"{where}[{n}]", one) for n, one in enumerate(given))
            else:
                raise ValueError(f"{where} must be a list, not {json_name(given)}")


def holders(fields: Mapping[str, Any], link: Link) -> Iterator[Mapping[str, Any]]:
    """Where the fields of a link may stand."""
    if link.within is None:
        yield fields
    elif isinstance(elements := fields.get(link.within), list | tuple):
        yield from (one for one in elements if isinstance(one, Mapping))


def named(link: Link, holder: Mapping[str, Any]) -> str:
    """The parent that the fields of a link name; empty where they name none."""
    for field in (link.id_field, link.external_field):
        if isinstance(given := holder.get(field), str) and given:
            return f"{field}:{given}"
    return ""


def _element(link: Link, where: str, given: Any) -> Reference:
    """One of many: its external_id, or a mapping that names its parent as well."""
    parent = KINDS[link.to].parent
    if parent is None or not isinstance(given, Mapping):
        return Reference(link.to, _text(where, given))
    known = {"external_id", parent.id_field, parent.external_field}
    for name in given:
        if name not in known:
            raise ValueError(f"{where}.{name} is unknown: known are {', '.join(sorted(known))}")
    above = named(parent, given)
    if not above:
        raise ValueError(f"{where} needs {parent.external_field} beside its external_id")
    return Reference(link.to, _text(f"{where}.external_id", given.get("external_id")), above)


def _text(where: str, given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise ValueError(f"{where} must be text, not {json_name(given)}")
    return given


def json_name(value: Any) -> str:
    """What a value is called in JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text" if value else "empty text"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "an object"
    return type(value).__name__
