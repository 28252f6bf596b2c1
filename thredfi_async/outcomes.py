"""What the attempts of a call mean so far, as one table. No I/O happens here.

An attempt ends in one of a few ways (`End`); with what is known of the call (`Known`) that
says what to do next (`Step`). Rules of which write may be sent again come from the
description (`Operation.replay`); see https://docs.thredfi.com/implementation/idempotency.

Two principles hold all of it together. After an attempt whose outcome is not known no
refusal proves that it did nothing. And a create is done only when its answer has an id and,
where it shows one, the external_id that was sent.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from .errors import OutcomeUnknown
from .fields import is_id
from .operation import Lookup, Operation, Replay
from .request import Request

__all__ = [
    "End",
    "Finding",
    "Known",
    "Step",
    "after_look_up",
    "end_of_refusal",
    "end_of_status",
    "is_repeatable",
    "next_step",
    "outcome_unknown",
    "what_lacks",
]


class End(enum.Enum):
    """What an attempt ended in."""

    DONE = "done"
    NO_PROOF = "answered without proof"  # 2xx, but no id, or another external_id
    NOT_SENT = "not sent"  # no connection: Thred never saw it
    IMPOSSIBLE = "can't be sent"  # and never will: the client is closed, its file is gone
    LATER = "told to wait"  # 429: Thred saw it and did nothing
    IN_PROGRESS = "in progress"  # 409: an earlier request of the same name is being worked on
    UNCERTAIN = "uncertain"  # sent, and no readable answer, or a 5xx: anything may have happened
    TOKEN = "token refused"  # noqa: S105 - no password
    DUPLICATE = "duplicate"  # its external_id is known, says Thred
    OTHER_BODY = "key used before"  # its Idempotency-Key came with another body, says Thred
    MAYBE_THERE = "refused, perhaps because it is there"
    REFUSED = "refused"  # the same request would end the same way
    CHANGED = "changed since it failed"  # before the first attempt: `Known.changed`


class Step(enum.Enum):
    """What to do next."""

    DONE = "done"
    AGAIN = "again"  # after a pause
    RENEW = "renew the token"  # and send again at once
    NEW_KEY = "new key"  # send again at once, under an Idempotency-Key that the body is part of
    CONFIRM = "confirm"  # read whether the state change has happened
    LOOK_UP = "look up"  # read whether the record is there
    HAND_BACK = "hand back"  # whoever called waits, and calls again
    FAIL = "fail"
    UNKNOWN = "unknown"


class Finding(enum.Enum):
    """What a look-up found."""

    FOUND = "found"
    OTHER = "other"  # found, and not as the repeat of an upsert would have left it
    ABSENT = "absent"  # for sure
    UNTOLD = "untold"


@attrs.frozen
class Known:
    """What is known of a call beside the end of its last attempt."""

    replay: Replay
    repeatable: bool = False  # a repeat can't do anything twice
    uncertain: bool = False  # this or an earlier attempt may have been applied
    confirmable: bool = False
    findable: bool = False  # a look-up may find what it creates
    creates: bool = False
    renewable: bool = False  # another token may do
    spent: bool = False  # no attempt, time or budget is left for another try
    hands_back: bool = False


def is_repeatable(operation: Operation[Any], *, external_id: str | None, key: str | None) -> bool:
    """Whether sending the same request again can't do anything twice.

    ``external_id`` and ``key`` are the names under which Thred would know the repeat:
    that of the body, and the Idempotency-Key header.
    """
    match operation.replay:
        case Replay.SAFE | Replay.UPSERT:
            return True
        case Replay.EXTERNAL_ID:
            return bool(external_id)
        case Replay.IDEMPOTENCY_KEY:
            return bool(external_id or key)
        case Replay.STATE_CHANGE:
            return operation.confirm is not None  # else nobody could tell what a refusal means
        case Replay.UNSAFE:
            return False


# --- the table ---------------------------------------------------------------------------

_ANY = frozenset(End)
_THERE = frozenset({End.DUPLICATE, End.OTHER_BODY, End.IN_PROGRESS})  # it is, says Thred
_Row = tuple[frozenset[End], Callable[[Known], bool], Step]


def _always(known: Known) -> bool:
    return True


_TABLE: tuple[_Row, ...] = (
    # The first row counts that fits.
    (frozenset({End.DONE}), _always, Step.DONE),
    (frozenset({End.CHANGED}), lambda k: k.findable, Step.LOOK_UP),
    (frozenset({End.CHANGED}), _always, Step.NEW_KEY),
    (_ANY, lambda k: k.renewable, Step.RENEW),
    # Told to wait, or never seen: nothing happened, so it is sent again while it may be.
    (frozenset({End.LATER, End.IN_PROGRESS}), lambda k: k.hands_back, Step.HAND_BACK),
    (frozenset({End.LATER, End.IN_PROGRESS, End.NOT_SENT}), lambda k: not k.spent, Step.AGAIN),
    (frozenset({End.UNCERTAIN}), lambda k: k.repeatable and not k.spent, Step.AGAIN),
    # From here on it isn't sent again. Who can read, reads what has become of it.
    (frozenset({End.IMPOSSIBLE}), lambda k: k.uncertain, Step.UNKNOWN),
    (_ANY, lambda k: k.replay is Replay.SAFE, Step.FAIL),
    (_THERE | {End.MAYBE_THERE}, lambda k: k.findable, Step.LOOK_UP),
    (_THERE, lambda k: k.creates, Step.UNKNOWN),
    (_ANY, lambda k: not k.uncertain, Step.FAIL),
    (frozenset({End.REFUSED, End.TOKEN}), lambda k: k.confirmable, Step.CONFIRM),
    (_ANY, lambda k: k.findable, Step.LOOK_UP),
    (_ANY, _always, Step.UNKNOWN),
)


def next_step(end: End, known: Known) -> Step:
    """What to do after an attempt that ended so."""
    return next(step for ends, fits, step in _TABLE if end in ends and fits(known))


_Found = tuple[frozenset[End], frozenset[Finding], Callable[[Known], bool], Step]

_AFTER_LOOK_UP: tuple[_Found, ...] = (
    (_ANY, frozenset({Finding.FOUND}), _always, Step.DONE),
    (frozenset({End.CHANGED}), frozenset(Finding), _always, Step.NEW_KEY),
    (frozenset({End.OTHER_BODY}), frozenset({Finding.ABSENT}), _always, Step.NEW_KEY),
    # A 202 "queued" that isn't there yet may come.
    (frozenset({End.NO_PROOF, End.IN_PROGRESS}), frozenset(Finding), _always, Step.UNKNOWN),
    # Known, says Thred, and yet not there: after an attempt that may have been applied
    # one of the two is wrong.
    (frozenset({End.DUPLICATE}), frozenset({Finding.ABSENT}), lambda k: k.uncertain, Step.UNKNOWN),
    (_ANY, frozenset({Finding.ABSENT}), _always, Step.FAIL),
    (_ANY, frozenset({Finding.OTHER}), lambda k: not k.uncertain, Step.FAIL),
    (frozenset({End.MAYBE_THERE}), frozenset(Finding), lambda k: not k.uncertain, Step.FAIL),
    (_ANY, frozenset(Finding), _always, Step.UNKNOWN),
)


def after_look_up(end: End, finding: Finding, known: Known) -> Step:
    """What to do after a look-up to which that end of an attempt had led."""
    return next(
        step
        for ends, findings, fits, step in _AFTER_LOOK_UP
        if end in ends and finding in findings and fits(known)
    )


# --- reading answers ---------------------------------------------------------------------


def end_of_status(status: int) -> End:
    """What an answer outside 2xx ended an attempt in, as far as its status tells."""
    if status == 429:
        return End.LATER
    if status == 401:
        return End.TOKEN
    if status in (501, 505):  # nothing there to carry it out, and there will be none
        return End.REFUSED
    if not 300 <= status < 500 or status in (408, 425):
        return End.UNCERTAIN
    return End.REFUSED


_TAKEN = re.compile(
    r"duplicat|already[ _-](?:exists?|used|taken|in use|known|been)|taken|in use|\bbeen used"
    r"|(?:be|not|isn't)[ _-]unique|unique[ _-](?:constraint|violat)|another .{1,40} has this"
    r"|(?<!not )(?<!n't )(?:^|[ _-])exists\b",
    re.IGNORECASE,
).search
_EXTERNAL_ID = re.compile(r"external[ _-]?id", re.IGNORECASE).search
_BEING_DONE = re.compile(
    r"in[ _-]progress|being processed|still (?:being )?process", re.IGNORECASE
).search
_KEY = re.compile(r"idempoten", re.IGNORECASE).search
_OTHER = re.compile(
    r"different|another|other|mismatch|re-?used?|already|payload|parameter|body", re.IGNORECASE
).search
_PLAIN = re.compile(r"^(?:conflict|error|http_?409|409)?$", re.IGNORECASE).match


def end_of_refusal(
    status: int,
    code: str | None,
    message: str,
    fields: Mapping[str, Sequence[str]],
    *,
    creates: bool,
    keyed: bool,
    resumed: bool = False,
) -> End:
    """What an answer outside 2xx ended an attempt in.

    ``creates``: the call creates something under an external_id. ``keyed``: it carries an
    Idempotency-Key that the client made. ``resumed``: a run that broke off may have sent it.
    What a 409 to a create means is not documented: one that names no reason counts as a
    duplicate, another one perhaps is.
    """
    end = end_of_status(status)
    if end is not End.REFUSED or not creates:
        return end
    otherwise = End.MAYBE_THERE if resumed else end
    if status not in (400, 409, 422):
        return otherwise
    said = f"{code or ''} {message}"
    if status == 409 and _BEING_DONE(said):
        return End.IN_PROGRESS
    if _KEY(said) and _OTHER(said):
        return End.OTHER_BODY if keyed else End.DUPLICATE
    if status == 409 and (_TAKEN(said) or _PLAIN(code or "")):
        return End.DUPLICATE
    if _TAKEN(code or "") or (_TAKEN(message) and _EXTERNAL_ID(message)):
        return End.DUPLICATE
    of_it = [text for name, held in fields.items() if _EXTERNAL_ID(name) for text in held]
    if any(map(_TAKEN, of_it)):
        return End.DUPLICATE
    if status == 409 or of_it or _EXTERNAL_ID(said) or _TAKEN(message):
        return End.MAYBE_THERE  # there are more words for it than anybody knows
    return otherwise


def what_lacks(lookup: Lookup, value: Any, external_id: str | None) -> str | None:
    """Why the answer to a create doesn't prove it; None where it does."""
    if lookup.within is None:
        try:
            if is_id(value.id) and (external_id is None or value.external_id == external_id):
                return None  # as nearly all answers do
        except AttributeError:
            pass
    record = value if lookup.within is None else _field(value, lookup.within)
    if not is_id(_field(record, "id")):
        return "without an id"
    if external_id is not None:
        shown = _field(record, "external_id")
        if shown is not None and shown != external_id:
            return f"for another external_id, {shown!r:.80}"
    return None


def _field(value: Any, name: str) -> Any:
    """A field of a model, or of what came in place of one."""
    found = getattr(value, name, None)
    return value.get(name) if found is None and isinstance(value, Mapping) else found


# --- how a call ends ---------------------------------------------------------------------


def outcome_unknown(
    request: Request, cause: BaseException, *, attempts: int, status: int | None
) -> OutcomeUnknown:
    """What a caller is told of a write that may or may not have been applied."""
    operation = request.operation
    path, _, _ = request.target.partition("?")
    if operation.replay is Replay.IDEMPOTENCY_KEY:
        find_out = f"Send it again with idempotency_key={request.idempotency_key!r}."
    elif request.external_id and operation.replay is Replay.EXTERNAL_ID:
        find_out = (
            f"Send it again with external_id {request.external_id!r} (Thred answers a repeat "
            "with what it has), or look that up."
        )
    elif request.external_id:
        find_out = f"Look up external_id {request.external_id!r}."
    else:
        find_out = "Read the resource before sending it again."
    return OutcomeUnknown(
        f"{operation.id}: {operation.method} {path} was sent, and may or may not have been "
        f"applied: {cause}.",
        operation=operation.id,
        method=operation.method,
        path=path,
        attempts=attempts,
        external_id=request.external_id,
        idempotency_key=request.idempotency_key,
        status=status,
        find_out=find_out,
    )
