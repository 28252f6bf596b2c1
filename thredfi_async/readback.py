"""Reading what has become of a write: for one state change, one create, one replay.

The reads belong to the call: they count against its deadline, and look-ups against the retry
budget. What follows from what they find is decided in `outcomes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from . import codec
from .differences import Difference, compare
from .errors import NotFound, ThredfiError
from .lookup import Found, look_up
from .manner import HandedBack
from .operation import Confirm, Operation, Replay
from .operations import OPERATIONS
from .outcomes import Finding
from .request import Request
from .shared import Shared
from .transport import Exchanged

__all__ = ["Looked", "confirmed", "differences", "find"]


class Read(Protocol):
    """Carries out a read on behalf of a call. A ``patient`` one waits where it is told to."""

    async def __call__(
        self,
        operation: Operation[Any],
        path: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        retries: int | None = None,
        patient: bool = False,
    ) -> Exchanged: ...


@attrs.frozen
class Looked:
    """What a look-up found: for `Finding.FOUND` the record, and why it found nothing else."""

    finding: Finding
    answer: Exchanged | None = None
    error: ThredfiError | None = None


async def find(
    request: Request,
    shared: Shared,
    read: Read,
    *,
    until: float,
    counts_from: float | None,
    last_try: bool,
    may_scan: bool,
    absence: bool,
) -> Looked:
    """Look up what ``request`` is to create.

    It ends before ``until``. Absence counts in a look-up that is begun at ``counts_from`` or
    later, which is waited for unless this is the call's ``last_try``: by then whatever was sent
    last has arrived or never will. Both are times of the monotonic clock. ``absence``: whether it
    matters at all.
    """
    lookup, external_id = request.operation.lookup, request.external_id
    assert lookup is not None
    assert external_id is not None
    if shared.clock.monotonic() >= until or not shared.budget.take():
        return Looked(Finding.UNTOLD)
    headers: Mapping[str, str] = {}

    async def body_of(
        operation: Operation[Any],
        path: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        patient: bool = False,
    ) -> bytes:
        nonlocal headers
        retries = 0 if last_try and not patient else None
        _, headers, data = await read(operation, path, query, retries=retries, patient=patient)
        return data

    try:
        while True:
            begun = shared.clock.monotonic()
            async with asyncio.timeout(until - begun):  # others may be walking through the list
                walks = shared.walks if may_scan else None
                found = await look_up(
                    lookup, request.path, external_id, body_of, walks, absence=absence
                )
            if found is not False or counts_from is None or begun >= counts_from:
                break
            if last_try or counts_from >= until:
                found = True
                break
            await shared.clock.sleep(counts_from - shared.clock.monotonic())
    except HandedBack:
        shared.budget.succeeded(retried=True)  # being told to wait costs nothing
        raise
    except TimeoutError:
        return Looked(Finding.UNTOLD)
    except ThredfiError as error:
        return Looked(Finding.UNTOLD, error=error)
    shared.budget.succeeded(retried=True)
    if not isinstance(found, Found):
        return Looked(Finding.UNTOLD if found else Finding.ABSENT)
    if request.operation.replay is Replay.UPSERT and compare(_sent(request), found.record):
        return Looked(Finding.OTHER)
    return Looked(Finding.FOUND, (200, headers, found.data))


async def confirmed(
    request: Request, shared: Shared, read: Read, *, until: float, counts_from: float
) -> Exchanged | bool:
    """The answer of a read that shows that a state change has happened.

    False: it has not, and never will; True: it may yet. As in `find`, that it has not happened
    counts in a read that is begun at ``counts_from`` or later. Raises as ``read`` does.
    """
    while True:
        begun = shared.clock.monotonic()
        answer = await _confirmed(request, read)
        if answer is not None:
            return answer
        if begun >= counts_from or counts_from >= until:
            return begun < counts_from
        await shared.clock.sleep(counts_from - shared.clock.monotonic())


async def _confirmed(request: Request, read: Read) -> Exchanged | None:
    confirm = request.operation.confirm
    assert confirm is not None
    operation = OPERATIONS[confirm.read]
    path = {name: request.path[name] for name in operation.path_parameters}
    try:
        answer = await read(operation, path, {})
    except NotFound:
        return None if confirm.field is not None else (200, {}, confirm.answer.encode())
    if confirm.field is None or not _shows(request, answer[2], confirm):
        return None
    return answer


def _shows(request: Request, data: bytes, confirm: Confirm) -> bool:
    """Whether the answer of a read has the state that the change was to bring about."""
    assert confirm.field is not None
    values = confirm.values
    if not values:
        body, name = request.body, confirm.field.rpartition(".")[2]
        asked = codec.at_path(body, name) if isinstance(body, bytes) else None
        values = () if asked is None else (str(asked),)
    found = str(codec.at_path(data, confirm.field)).lower()
    return found in [value.lower() for value in values]


async def differences(
    request: Request, data: bytes, read: Read, *, is_current: bool
) -> tuple[Difference, ...]:
    """Where a record that Thred knew differs from what was sent.

    ``is_current``: ``data`` comes from a read, not from the answer to the write. What is
    answered to an Idempotency-Key may be what was answered when the record was created.
    """
    operation = request.operation
    lookup = operation.lookup
    if lookup is None or operation.replay is Replay.UPSERT:
        return ()
    sent, found = _sent(request), _record(operation, data)
    differing = compare(sent, found)
    if not differing or is_current or operation.replay is not Replay.IDEMPOTENCY_KEY:
        return differing
    if lookup.single is None:
        return ()
    single = OPERATIONS[lookup.single]
    path = {name: request.path.get(name, "") for name in single.path_parameters}
    path[single.path_parameters[-1]] = found["id"]
    try:
        _, _, now = await read(single, path, {})
    except ThredfiError:
        return ()
    return compare(sent, _record(single, now))


def _sent(request: Request) -> Any:
    body = request.body
    return codec.at_path(body, "") if isinstance(body, bytes) else None


def _record(operation: Operation[Any], data: bytes) -> Any:
    """The record in an answer, without its wrapper."""
    found = codec.at_path(data, "")
    within = operation.unwrap or (operation.lookup.within if operation.lookup else None)
    return found.get(within, found) if within is not None and isinstance(found, dict) else found
