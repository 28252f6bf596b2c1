"""How the engine reaches Thred: what one record comes to, as one call or a few."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias, get_args

import attrs

from .. import codec
from ..call import Caller
from ..clock import Clock
from ..differences import Difference, compare
from ..errors import BadRequest, Conflict, InvalidRequest
from ..fields import model_fields
from ..lookup import Found, Walks, look_up
from ..manner import HandedBack, History, Manner
from ..operation import Operation
from ..operations import OPERATIONS
from ..response import Response, with_response
from ..services._base import reading
from ..services.businesses import Businesses
from ..session import Session
from ..uploads import Upload
from .kinds import UPDATE, Kind
from .records import EXTRA_BODY

__all__ = ["ON_DIFFERENCE", "Effect", "OnDifference", "Order", "Sender", "Sent", "SessionSender"]

OnDifference: TypeAlias = Literal["report", "update", "ignore"]
ON_DIFFERENCE: tuple[str, ...] = get_args(OnDifference)


class Effect(enum.Enum):
    """What sending a record has done."""

    CREATED = enum.auto()
    CHANGED = enum.auto()
    NOTHING = enum.auto()  # it was so already


@attrs.frozen
class Order:
    """One record to be sent: ids are in the place of all names. An action has the ``id``."""

    kind: Kind
    action: str
    business_id: str
    body: dict[str, Any]
    id: str | None = None
    file: str | None = None

    @property
    def operation(self) -> Operation[Any]:
        """What carries it out."""
        return self.kind.actions[self.action]


@attrs.frozen
class Sent:
    """What Thred took. ``differences`` are those that are left of a record that it had before."""

    id: str | None
    effect: Effect
    attempts: int
    differences: tuple[Difference, ...] = ()
    updated: tuple[str, ...] = ()  # the fields of differences that are gone
    problem: str | None = None  # why these are left


class Stats(Protocol):
    """Counters of the HTTP requests made so far."""

    @property
    def requests(self) -> int: ...

    @property
    def retries(self) -> int: ...


class Sender(Protocol):
    """What the engine asks of the outside."""

    @property
    def stats(self) -> Stats:
        """The counters of whoever sends."""
        ...

    @property
    def clock(self) -> Clock:
        """By which the engine waits."""
        ...

    @property
    def target(self) -> str:
        """Which partner of which environment the records go to."""
        ...

    async def businesses(self) -> Mapping[str, str]:
        """Thred ids by external id and, so that both can be looked up, by themselves."""
        ...

    async def send(self, order: Order, manner: Manner, on_difference: OnDifference) -> Sent:
        """Carry out one record. Raises as the services do, and `HandedBack`."""
        ...

    async def look_up(
        self, kind: Kind, business_id: str, parent_id: str | None, external_id: str
    ) -> str | None:
        """The id of a record, None where it isn't found. Raises as the services do.

        `HandedBack` as well, which knows nothing of earlier rounds.
        """
        ...


class SessionSender:
    """Sends through the session of a client."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reads = session.bound(Manner(hands_back=True, may_scan=True))
        self._patient = session.bound(Manner())
        self._walks = Walks()  # of this run: what they have not seen may be there tomorrow

    @property
    def stats(self) -> Stats:
        """The session's counters."""
        return self._session.statistics

    @property
    def clock(self) -> Clock:
        """The session's clock."""
        return self._session.clock

    @property
    def target(self) -> str:
        """Which partner of which environment the records go to."""
        return f"partner {self._session.partner_uuid} at {self._session.base_url}"

    async def businesses(self) -> Mapping[str, str]:
        """Every business of the partner, asked for once a run."""
        found: dict[str, str] = {}
        ids: dict[str, str] = {}
        async for business in Businesses(self._session).list():
            id, external_id = _text(business.id), _text(business.external_id)
            if id is None:
                continue
            ids[id] = id
            if external_id is not None:
                found[external_id] = id
        return found | ids  # a Thred id wins over another business's external id

    async def look_up(
        self, kind: Kind, business_id: str, parent_id: str | None, external_id: str
    ) -> str | None:
        """The id of a record, as `Operation.lookup` says; whole lists are read once a run."""
        lookup = kind.create.lookup
        if lookup is None:
            return None
        path = kind.path(business_id, parent_id, None)
        read = reading(self._reads, self._patient)
        found = await look_up(lookup, path, external_id, read, self._walks, absence=False)
        return _text(found.record.get("id")) if isinstance(found, Found) else None

    async def send(self, order: Order, manner: Manner, on_difference: OnDifference) -> Sent:
        """Create a record, or do something with one."""
        caller = self._session.bound(manner)
        body = dict(order.body)
        parent = order.kind.parent
        parent_id = None if parent is None else body.pop(parent.id_field)
        path = order.kind.path(order.business_id, parent_id, order.id)
        if order.id is not None and await self._is_so(order, body, path, manner.earlier):
            return Sent(order.id, Effect.NOTHING, 0)
        try:
            response = await _called(caller, order.operation, path, body, order.file)
        except (BadRequest, Conflict):  # perhaps as somebody else has just done it
            if order.id is None or not await self._is_so(order, body, path, manner.earlier):
                raise
            return Sent(order.id, Effect.NOTHING, 1)
        if order.id is not None:
            return Sent(order.id, Effect.CHANGED, response.attempts)
        id = _made(order.operation, response.value)
        effect = Effect.CREATED if response.created else Effect.NOTHING
        sent = Sent(id, effect, response.attempts, response.differences)
        if not sent.differences or on_difference != "update" or id is None:
            return sent
        return await self._update(order, body, path, sent, manner)

    async def _is_so(
        self,
        order: Order,
        body: Mapping[str, Any],
        path: Mapping[str, str],
        earlier: History | None,
    ) -> bool:
        """Whether a record is as an action would leave it, as far as a read can tell for sure."""
        operation = order.operation
        confirm = operation.confirm
        read = OPERATIONS.get(confirm.read if confirm is not None else _single(order.kind))
        if read is None or order.file is not None or (earlier is not None and earlier.uncertain):
            return False
        try:
            given = {name: path[name] for name in read.path_parameters}
            response = await with_response(self._reads.call(read, path=given))
        except HandedBack as back:
            raise HandedBack(earlier or History(), back.retry_after, back.error) from None
        if order.action == UPDATE:
            record = codec.at_path(response.body, read.unwrap or "")
            record = record if isinstance(record, dict) else codec.at_path(response.body, "")
            return isinstance(record, dict) and all(
                name in record and _is_plainly_equal(value, record[name])
                for name, value in body.items()
            )
        if confirm is None or confirm.field is None:
            return False
        found = str(codec.at_path(response.body, confirm.field)).lower()
        return found in [value.lower() for value in confirm.values]

    async def _update(
        self,
        order: Order,
        body: Mapping[str, Any],
        path: dict[str, str],
        sent: Sent,
        manner: Manner,
    ) -> Sent:
        """Send the fields that differ, where an update takes them; the others stay."""
        update = order.kind.actions.get(UPDATE)
        names = dict.fromkeys(_top(one.field) for one in sent.differences)
        fields = {name: body[name] for name in names if name in body}
        takes = set() if update is None else _body_fields(update)
        changes = {name: value for name, value in fields.items() if name in takes}
        if update is None or not changes:
            return sent
        caller = self._session.bound(attrs.evolve(manner, earlier=None, changed=False))
        try:
            response = await _called(
                caller, update, order.kind.path(order.business_id, None, sent.id) | path, changes
            )
        except HandedBack as back:  # the next round creates it again, which Thred replays
            raise HandedBack(manner.earlier or History(), back.retry_after, back.error) from None
        except (BadRequest, Conflict, InvalidRequest) as error:
            return attrs.evolve(sent, problem=f"the update failed: {error}")
        left = tuple(one for one in sent.differences if _top(one.field) not in changes)
        answer = codec.at_path(response.body, update.unwrap or "")
        if not left:
            left = compare(codec.at_path(codec.encode(changes), ""), answer)
        updated = tuple(changes)
        return attrs.evolve(sent, effect=Effect.CHANGED, differences=left, updated=updated)


async def _called(
    caller: Caller,
    operation: Operation[Any],
    path: Mapping[str, str],
    body: Mapping[str, Any],
    file: str | None = None,
) -> Response[Any]:
    fields = dict(body)
    extra = fields.pop(EXTRA_BODY, None)
    call = caller.call(
        operation,
        path={name: path[name] for name in operation.path_parameters},
        body=(fields if operation.bodies and (fields or operation.body_required) else None),
        file=None if file is None else Upload(file),
        options={} if extra is None else {"extra_body": extra},
    )
    return await with_response(call)


def _single(kind: Kind) -> str:
    """The operation that reads one record of a kind."""
    lookup = kind.create.lookup
    if lookup is None:
        return ""
    return lookup.single or (lookup.read if lookup.by in kind.path("", "", "") else None) or ""


def _made(operation: Operation[Any], value: Any) -> str | None:
    """The id of what a create has made."""
    within = None if operation.lookup is None else operation.lookup.within
    if within is not None:
        value = getattr(value, within, None)
    return _text(value.get("id") if isinstance(value, Mapping) else getattr(value, "id", None))


def _body_fields(operation: Operation[Any]) -> set[str]:
    """The fields that the body of an operation may have."""
    model = next((ref for _, ref in operation.bodies if ref is not None), None)
    return set() if model is None else {one.wire_name for one in model_fields(codec.load(model))}


def _top(field: str) -> str:
    """The field of the record that a difference lies in: such as ``line_items (total)``."""
    return field.partition(" ")[0].partition(".")[0]


def _is_plainly_equal(sent: Any, found: Any) -> bool:
    """Whether nobody could take the two for different. What isn't plain never is."""
    return (
        not isinstance(sent, Mapping | list | tuple) and type(sent) is type(found) and sent == found
    )


def _text(value: object) -> str | None:
    """An id as an answer has it: whatever else may come in its place is none."""
    return value if isinstance(value, str) else None
