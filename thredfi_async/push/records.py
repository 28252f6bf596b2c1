"""From one line or mapping to something that can be sent: reading, checking, references.

Nothing here waits or sends. What the fields of a request must look like is not
checked here but by the request models when the record is sent.
"""

from __future__ import annotations

import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any, NamedTuple, NoReturn, TypeAlias

import attrs

from ..texts import nearest
from .kinds import KINDS, Kind, Link
from .outcome import CONTENT, Status
from .results import FINGERPRINT_BYTES

__all__ = [
    "EXTRA_BODY",
    "BadRecord",
    "Draft",
    "Record",
    "Reference",
    "Unreadable",
    "each",
    "read_record",
]

EXTRA_BODY = "extra_body"
"""The field of a record that holds request fields which the models don't know yet."""


class BadRecord(Exception):
    """A record that can't be sent. What could be read of it is kept for the report."""

    def __init__(
        self,
        reason: str,
        record: Any,
        *,
        kind: str | None = None,
        business: str | None = None,
        external_id: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record
        self.kind = kind
        self.business = business
        self.external_id = external_id


@attrs.frozen
class Unreadable:
    """Given by a reader in place of a line that it could not deliver whole."""

    reason: str
    text: str


Record: TypeAlias = Mapping[str, Any] | bytes | str | Unreadable
"""A mapping, or one line of JSON."""


class Reference(NamedTuple):
    """A named record of the same business that another record refers to."""

    kind: str
    external_id: str
    native: bool


@attrs.define(eq=False)
class Draft:
    """A readable record. ``fields`` is the request body, references not yet resolved."""

    kind: Kind
    business: str
    external_id: str
    fields: dict[str, Any]
    references: tuple[Reference, ...]
    fingerprint: bytes
    record: Any
    resolved: Mapping[str, Mapping[str, str]]
    changed: bool = False  # a failed file has it with other content, which was sent
    uncertain: bool = False  # a failed file says that it may be at Thred

    @property
    def content(self) -> str:
        """The fingerprint as text, as the entry of a failed file has it."""
        return self.fingerprint.hex()

    @property
    def parent(self) -> str:
        """What names the record that this one belongs to; empty where its type has none."""
        if self.kind.parent is None:
            return ""
        link = self.kind.links[0]
        field = link.id_field if self.fields.get(link.id_field) else link.external_field
        return f"{field}:{self.fields[field]}"

    def known_id(self, reference: Reference) -> str | None:
        """The id of what it refers to that a failed file's entry brought along."""
        return self.resolved.get(reference.kind, {}).get(reference.external_id)

    def marks(self, to: str) -> Iterator[tuple[str, str]]:
        """What the record names of type ``to``, whether by external id or by Thred id."""
        for reference in self.references:
            if reference.kind == to:
                yield f"{to}_external_id", reference.external_id
        for link in self.kind.links:
            if link.to == to:
                for holder in _holders(self.fields, link):
                    if isinstance(id := holder.get(link.id_field), str):
                        yield link.id_field, id

    def body(self, id_of: Callable[[Reference], str | None]) -> dict[str, Any]:
        """The request body, with an id in place of every external id that ``id_of`` knows."""
        body = dict(self.fields)
        for link in self.kind.links:
            if link.within is None:
                _resolve(body, link, id_of)
            elif isinstance(elements := body.get(link.within), list | tuple):
                body[link.within] = [
                    _resolve(dict(one), link, id_of) if isinstance(one, Mapping) else one
                    for one in elements
                ]
        return body


def read_record(given: Any) -> Draft | None:
    """A draft of ``given``: a mapping, or a line of JSON as bytes or text.

    A blank line is None. An entry of a failed file stands for the record in it.
    Raises `BadRecord`.
    """
    if isinstance(given, bytes | bytearray | str):
        if not given or given.isspace():
            return None
        record = _parse(given)
    elif isinstance(given, Unreadable):
        raise BadRecord(given.reason, given.text)
    else:
        record = given
    if not (isinstance(record, Mapping) and "record" in record and "type" not in record):
        return _draft(record, {})
    entry, record = record, record["record"]
    draft = _draft(_parse(record) if isinstance(record, str) else record, _resolved(entry))
    draft.changed = isinstance(entry.get(CONTENT), str) and entry[CONTENT] != draft.content
    draft.uncertain = entry.get("status") == Status.UNKNOWN
    return draft


@asynccontextmanager
async def each(
    records: Iterable[Record] | AsyncIterable[Record],
) -> AsyncGenerator[AsyncIterator[Record], None]:
    """``records``, of either sort, one after the other; closed at the end where it can be."""
    iterator = aiter(records) if isinstance(records, AsyncIterable) else _lifted(records)
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def _lifted(records: Iterable[Record]) -> AsyncGenerator[Record, None]:
    for record in records:
        yield record


# --- reading -------------------------------------------------------------------------


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't a JSON number")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_canonical = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=repr
).encode


def _parse(line: bytes | bytearray | str) -> Any:
    if isinstance(line, str):
        text = line
    else:
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            shown = line.decode("utf-8", "backslashreplace").strip()
            raise BadRecord(
                f"not UTF-8 text: {error.reason} at byte {error.start}", shown
            ) from None
    try:
        return _decode(text)
    except json.JSONDecodeError as error:
        raise BadRecord(f"not JSON: {error.msg} at column {error.pos + 1}", text.strip()) from None
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not JSON: {error}", text.strip()) from None


def _resolved(entry: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """The known ids of a failed file's entry; anything that isn't one is passed over."""
    given = entry.get("resolved")
    if not isinstance(given, Mapping):
        return {}
    return {
        kind: {name: id for name, id in ids.items() if isinstance(id, str)}
        for kind, ids in given.items()
        if isinstance(ids, Mapping)
    }


# --- checking ------------------------------------------------------------------------


def _draft(record: Any, resolved: Mapping[str, Mapping[str, str]]) -> Draft:
    if not isinstance(record, Mapping):
        raise BadRecord(f"a record is a JSON object, not {_json_name(record)}", record)
    fields = dict(record)
    name = fields.pop("type", None)
    business = fields.pop("business", None)
    external_id = fields.get("external_id")

    def bad(reason: str) -> BadRecord:
        return BadRecord(
            reason,
            record,
            kind=name if isinstance(name, str) else None,
            business=business if isinstance(business, str) else None,
            external_id=external_id if isinstance(external_id, str) else None,
        )

    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise bad(_unknown_type(name))
    if not isinstance(business, str) or not business:
        raise bad(_needs_text("business", business, "a business's Thred id or external_id"))
    if not isinstance(external_id, str) or not external_id:
        raise bad(
            _needs_text(
                "external_id", external_id, "without it a repeated run would create it twice"
            )
        )
    try:
        references = tuple(dict.fromkeys(_references(kind, fields)))
        content = _canonical(fields).encode()
    except UnicodeEncodeError:
        raise bad("has text that is not valid Unicode (half of a surrogate pair)") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise bad(str(error)) from None
    if not isinstance(fields.get(EXTRA_BODY, {}), Mapping):
        raise bad(f"{EXTRA_BODY} must be an object, not {_json_name(fields[EXTRA_BODY])}")
    if kind.parent is not None:
        _check_parent(kind, fields, references, bad)
    fingerprint = blake2b(content, digest_size=FINGERPRINT_BYTES).digest()
    return Draft(kind, business, external_id, fields, references, fingerprint, record, resolved)


def _references(kind: Kind, fields: dict[str, Any]) -> Iterator[Reference]:
    for link in kind.links:
        for holder in _holders(fields, link):
            yield from _reference(link, holder)


def _holders(fields: Mapping[str, Any], link: Link) -> Iterator[Mapping[str, Any]]:
    """Where the fields of a link may stand."""
    if link.within is None:
        yield fields
    elif isinstance(elements := fields.get(link.within), list | tuple):
        yield from (one for one in elements if isinstance(one, Mapping))


def _reference(link: Link, holder: Mapping[str, Any]) -> Iterator[Reference]:
    external_id = holder.get(link.external_field)
    if external_id is None:
        return
    path = f"{link.within}[].{link.external_field}" if link.within else link.external_field
    if not isinstance(external_id, str) or not external_id:
        raise ValueError(f"{path} must be text, not {_json_name(external_id)}")
    if holder.get(link.id_field) is not None:
        raise ValueError(f"{path} and {link.id_field} are both given: give one of them")
    yield Reference(link.to, external_id, link.native)


def _check_parent(
    kind: Kind,
    fields: Mapping[str, Any],
    references: tuple[Reference, ...],
    bad: Callable[[str], BadRecord],
) -> None:
    given = fields.get(kind.parent or "")
    if references or (isinstance(given, str) and given):
        return
    link = kind.links[0]
    if given is None:
        raise bad(f"a {kind.name} needs {link.id_field} or {link.external_field}")
    raise bad(f"{link.id_field} must be text, not {_json_name(given)}")


def _resolve(
    holder: dict[str, Any], link: Link, id_of: Callable[[Reference], str | None]
) -> dict[str, Any]:
    external_id = holder.get(link.external_field)
    if external_id is None:
        if not link.native:
            holder.pop(link.external_field, None)  # an explicit null, which only we would know
        return holder
    found = id_of(Reference(link.to, external_id, link.native))
    if found is not None:
        del holder[link.external_field]
        holder[link.id_field] = found
    return holder


# --- words ---------------------------------------------------------------------------


def _unknown_type(name: Any) -> str:
    known = ", ".join(KINDS)
    if name is None:
        return f"type is missing; it is one of {known}"
    if not isinstance(name, str):
        return f"type must be one of {known}, not {_json_name(name)}"
    near = nearest(name, KINDS)
    hint = f"did you mean {near}?" if near else f"known are {known}"
    return f"type {name[:80]!r} is unknown; {hint}"


def _needs_text(field: str, value: Any, why: str) -> str:
    if value is None:
        return f"{field} is missing: {why}"
    if value == "":
        return f"{field} is empty: {why}"
    return f"{field} must be text, not {_json_name(value)}"


def _json_name(value: Any) -> str:
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
