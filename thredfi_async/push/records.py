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
    Mapping,
)
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import attrs

from ..fields import is_whole
from ..texts import nearest
from .draft import Draft, Reference, json_name, references
from .kinds import BUSINESS, CREATE, KINDS, UPDATE, Kind, Link
from .outcome import CONTENT, Status
from .results import FINGERPRINT_BYTES

__all__ = [
    "EXTRA_BODY",
    "BadRecord",
    "Record",
    "Unreadable",
    "each",
    "read_record",
]

ACTION, FILE, REVISION = "action", "file", "revision"
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
        action: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record
        self.kind = kind
        self.business = business
        self.external_id = external_id
        self.action = action

    @property
    def creates(self) -> bool:
        """Whether others that name the record could mean this one."""
        return self.action == CREATE


@attrs.frozen
class Unreadable:
    """Given by a reader in place of a line that it could not deliver whole."""

    reason: str
    text: str


Record: TypeAlias = Mapping[str, Any] | bytes | str | Unreadable
"""A mapping, or one line of JSON."""


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


def with_file_below(line: bytes, folder: Path) -> Record:
    """A line whose ``file``, where it has one, lies below a folder.

    Its path is whole then, so that it still leads there from the file of failures.
    """
    if b'"file"' not in line:
        return line
    try:
        record = _parse(line)
    except BadRecord:
        return line
    held = record.get("record", record) if isinstance(record, dict) else None
    if isinstance(held, dict) and isinstance(held.get(FILE), str) and held[FILE]:
        held[FILE] = str(folder.absolute() / held[FILE])
    return record if isinstance(record, dict) else line


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
        raise BadRecord(f"a record is a JSON object, not {json_name(record)}", record)
    fields = dict(record)
    name = fields.pop("type", None)
    business = fields.pop(BUSINESS, None)
    action = fields.pop(ACTION, CREATE)
    file = fields.pop(FILE, None)
    revision = fields.pop(REVISION, None)
    external_id = fields.get("external_id")

    def bad(reason: str) -> BadRecord:
        return BadRecord(
            reason,
            record,
            kind=name if isinstance(name, str) else None,
            business=business if isinstance(business, str) else None,
            external_id=external_id if isinstance(external_id, str) else None,
            action=action if isinstance(action, str) else None,
        )

    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise bad(_unknown_type(name))
    if not isinstance(action, str) or action not in kind.actions:
        raise bad(_unknown_action(kind, action))
    if kind.name == BUSINESS:
        if business not in (None, external_id):
            raise bad("business has no place in the record of a business: external_id names it")
        business = ""
    elif not isinstance(business, str) or not business:
        raise bad(_no_business(business, fields))
    if not isinstance(external_id, str) or not external_id:
        why = "without it a repeated run would create it twice"
        raise bad(_needs_text("external_id", external_id, why))
    if revision is not None and not (is_whole(revision) and abs(revision) < 1 << 63):
        raise bad(f"{REVISION} must be a whole number, not {json_name(revision)}")
    try:
        _check_fields(kind, action, fields)
        _check_file(kind, action, file)
        refers = tuple(dict.fromkeys(references(kind, action, fields)))
        content = _content(action, file, fields)
    except UnicodeEncodeError:
        raise bad("has text that is not valid Unicode (half of a surrogate pair)") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise bad(str(error)) from None
    if not isinstance(fields.get(EXTRA_BODY, {}), Mapping):
        raise bad(f"{EXTRA_BODY} must be an object, not {json_name(fields[EXTRA_BODY])}")
    if kind.parent is not None:
        _check_parent(kind.name, kind.parent, fields, refers, bad)
    fingerprint = blake2b(content, digest_size=FINGERPRINT_BYTES).digest()
    return Draft(
        kind, action, business, external_id, fields, refers, fingerprint, record, resolved,
        file=file, revision=revision,
    )  # fmt: skip


def _content(action: str, file: str | None, fields: Mapping[str, Any]) -> bytes:
    """What tells whether two records of one name are the same."""
    document = None if file is None else Path(file).name  # wherever it lies
    whole = fields if action == CREATE and file is None else [action, document, fields]
    return _canonical(whole).encode()


def _check_fields(kind: Kind, action: str, fields: Mapping[str, Any]) -> None:
    """Whether an action has what it needs, and nothing that it could not take along."""
    if action == CREATE:
        return
    parent = () if kind.parent is None else (kind.parent.id_field, kind.parent.external_field)
    given = [name for name in fields if name not in ("external_id", *parent)]
    if given and not kind.actions[action].bodies:
        raise ValueError(f"{given[0]} has no place in the {action} of a {_words(kind.name)}")
    if not given and action == UPDATE:
        raise ValueError(f"the {UPDATE} of a {_words(kind.name)} has no field to change")


def _check_file(kind: Kind, action: str, file: Any) -> None:
    if file is None:
        return
    if not isinstance(file, str) or not file:
        raise ValueError(f"{FILE} must be the path of a document, not {json_name(file)}")
    if kind.actions[action].file is None:
        takes = [
            name
            for name, one in KINDS.items()
            if action in one.actions and one.actions[action].file
        ]
        raise ValueError(
            f"{FILE} can't be attached to the {action} of a {_words(kind.name)}: Thred takes one "
            f"with that of {', '.join(takes) or 'nothing'}"
        )


def _check_parent(
    kind: str,
    link: Link,
    fields: Mapping[str, Any],
    refers: tuple[Reference, ...],
    bad: Callable[[str], BadRecord],
) -> None:
    given = fields.get(link.id_field)
    if any(one.kind == link.to for one in refers) or (isinstance(given, str) and given):
        return
    if given is None:
        raise bad(f"a {kind} needs {link.id_field} or {link.external_field}")
    raise bad(f"{link.id_field} must be text, not {json_name(given)}")


# --- words ---------------------------------------------------------------------------


def _unknown_type(name: Any) -> str:
    known = ", ".join(KINDS)
    if name is None:
        return f"type is missing; it is one of {known}"
    if not isinstance(name, str):
        return f"type must be one of {known}, not {json_name(name)}"
    near = nearest(name, KINDS)
    hint = f"did you mean {near}?" if near else f"known are {known}"
    return f"type {name[:80]!r} is unknown; {hint}"


def _needs_text(field: str, value: Any, why: str) -> str:
    if value is None:
        return f"{field} is missing: {why}"
    if value == "":
        return f"{field} is empty: {why}"
    return f"{field} must be text, not {json_name(value)}"


def _unknown_action(kind: Kind, action: Any) -> str:
    known = ", ".join(kind.actions)
    if not isinstance(action, str):
        return f"{ACTION} must be one of {known}, not {json_name(action)}"
    return f"{ACTION} {action[:80]!r} is none of a {_words(kind.name)}; it is one of {known}"


def _no_business(given: Any, fields: Mapping[str, Any]) -> str:
    if given is None and "business_id" in fields:
        return "business is missing: business_id is given in its place; call it business"
    return _needs_text(BUSINESS, given, "a business's Thred id or external_id")


def _words(kind: str) -> str:
    return kind.replace("_", " ")
