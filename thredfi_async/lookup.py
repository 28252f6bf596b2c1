"""Finding what a create has made, by its external_id. How, `Operation.lookup` says.

Presence is proved by a read; absence only where the read surely covers external ids. External
ids are compared exactly, whatever the filters of lists take for equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import attrs

from . import codec
from .errors import NotFound
from .fields import as_count, is_id
from .operation import Lookup, Operation
from .operations import OPERATIONS
from .texts import DAMAGED

__all__ = ["Found", "Read", "Walks", "look_up"]

_PAGE = 100  # rows
_MOST_PAGES = 1000  # of a scan
_REMEMBERED = 500_000  # ids that scans have shown
_MOST_SINGLE = 10  # rows that are read one by one, where lists don't show the external_id


class Read(Protocol):
    """Carries out a read by its path and query; the body of its answer.

    A ``patient`` one waits where it is told to: a walk that began anew each time might never end.
    """

    async def __call__(
        self,
        operation: Operation[Any],
        path: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        patient: bool = False,
    ) -> bytes: ...


class Walks:
    """What walks through whole lists have shown, so that many look-ups need few of them.

    It proves presence only, and is read again then: for absence each look-up walks by itself.
    ``whole``: the lists that were walked through to their end.
    """

    def __init__(self) -> None:
        self.whole: set[tuple[str, ...]] = set()
        self._ids: dict[tuple[str, ...], dict[str, str]] = {}
        self._turns: dict[tuple[str, ...], asyncio.Lock] = {}
        self._size = 0

    @asynccontextmanager
    async def turn(self, key: tuple[str, ...]) -> AsyncIterator[dict[str, str]]:
        """One walk through a list at a time; gives Thred ids by external_id, to be added to."""
        if self._size > _REMEMBERED:
            self._ids.clear()
            self.whole.clear()
            self._size = 0
        async with self._turns.setdefault(key, asyncio.Lock()):
            ids = self._ids.setdefault(key, {})
            before = len(ids)
            try:
                yield ids
            finally:
                self._size += len(ids) - before


@attrs.frozen
class Found:
    """A record that has the external_id: its fields, and the JSON they came as."""

    record: Mapping[str, Any]
    data: bytes


async def look_up(
    lookup: Lookup,
    path: Mapping[str, str],
    external_id: str,
    read: Read,
    walks: Walks | None,
    *,
    absence: bool = True,
) -> Found | bool:
    """The record; False: it surely isn't there; True: it may be, nobody can tell.

    ``path`` are the path parameters of the create. With ``walks`` whole lists may be walked
    through, each once for all look-ups that don't ask for ``absence``. Raises as ``read`` does.
    """
    may_be = True
    if lookup.read is not None:
        operation = OPERATIONS[lookup.read]
        if lookup.by in operation.path_parameters:
            return await _by_path(lookup, operation, path, external_id, read)
        query = dict(lookup.query)
        if lookup.by is not None:
            query[lookup.by] = external_id
        found = await _in_list(lookup, operation, path, query, external_id, read, most=1)
        if isinstance(found, Found):
            return found
        may_be = found or not lookup.covers
    if may_be and walks is not None and lookup.scan is not None:
        scan = OPERATIONS[lookup.scan]
        return await _walk(lookup, scan, path, external_id, read, walks, absence=absence)
    return may_be


async def _walk(
    lookup: Lookup,
    operation: Operation[Any],
    path: Mapping[str, str],
    external_id: str,
    read: Read,
    walks: Walks,
    *,
    absence: bool,
) -> Found | bool:
    where, query = _path(operation, path), dict(lookup.query)
    key = (operation.id, *where.values())
    async with walks.turn(key) as ids:
        if external_id in ids:
            known = {"id": ids[external_id]}
            found = await _whole(lookup, path, known, read)
            if found.record.get("external_id") == external_id:
                return found
        if key in walks.whole and not absence:
            return True
        walked = await _in_list(
            lookup, operation, path, query, external_id, read, most=_MOST_PAGES, ids=ids
        )
        if not isinstance(walked, Found):
            walks.whole.add(key)
        return walked


async def _by_path(
    lookup: Lookup,
    operation: Operation[Any],
    path: Mapping[str, str],
    external_id: str,
    read: Read,
) -> Found | bool:
    assert lookup.by is not None
    try:
        data = await read(operation, _path(operation, path, external_id), {})
    except NotFound:
        return not lookup.covers
    record = codec.at_path(data, "")
    if not isinstance(record, dict) or not is_id(record.get("id")):
        return True
    shown = record.get("external_id")
    if shown is None:  # the same path takes ids and codes as well
        return True if external_id in (record["id"], record.get("code")) else Found(record, data)
    return Found(record, data) if shown == external_id else True


async def _in_list(
    lookup: Lookup,
    operation: Operation[Any],
    path: Mapping[str, str],
    query: Mapping[str, Any],
    external_id: str,
    read: Read,
    *,
    most: int,
    ids: dict[str, str] | None = None,
) -> Found | bool:
    """``most``: pages that are read at most. ``ids`` is where to note what they show."""
    totals, seen = set(), 0
    for number in range(1, most + 1):
        asked = {**query, "page": number, "page_size": _PAGE}
        page = codec.at_path(
            await read(operation, _path(operation, path), asked, patient=ids is not None), ""
        )
        rows, is_readable = _rows(page)
        if ids is not None:
            ids.update(
                (row["external_id"], row["id"])
                for row in rows
                if isinstance(row.get("external_id"), str) and isinstance(row.get("id"), str)
            )
        for row in rows:
            if row.get("external_id") == external_id:
                return await _whole(lookup, path, row, read)
        if not is_readable:
            return True
        if rows and all("external_id" not in row for row in rows):
            for row in rows[:_MOST_SINGLE]:
                found = await _whole(lookup, path, row, read)
                if found.record.get("external_id") == external_id:
                    return found
            return True
        seen += len(rows)
        total, pages = _totals(page)
        totals.add(total)
        if pages is None and total is None:
            return True  # nobody says whether that was all of it
        if (pages is not None and number >= pages) or (pages is None and seen >= (total or 0)):
            # What moved while it was read may have been missed.
            return len(totals) != 1 or (total is not None and seen < total)
        if not rows:
            return True
    return True


async def _whole(
    lookup: Lookup, path: Mapping[str, str], row: Mapping[str, Any], read: Read
) -> Found:
    """A row of a list as its own read shows it: lists leave things out."""
    if lookup.single is not None and isinstance(row.get("id"), str):
        operation = OPERATIONS[lookup.single]
        try:
            data = await read(operation, _path(operation, path, row["id"]), {})
        except NotFound:
            pass
        else:
            record = codec.at_path(data, "")
            if isinstance(record, dict) and operation.unwrap is not None:
                record = record.get(operation.unwrap, record)
            if isinstance(record, dict) and record.get("id") == row["id"]:
                return Found({**row, **record}, data)
    return Found(row, codec.encode(row))


def _path(
    operation: Operation[Any], path: Mapping[str, str], id: str | None = None
) -> dict[str, str]:
    """The path parameters of a read: as the create has them, and an id for the last one."""
    filled = {name: path[name] for name in operation.path_parameters if name in path}
    if id is not None:
        filled[operation.path_parameters[-1]] = id
    return filled


def _rows(page: Any) -> tuple[list[dict[str, Any]], bool]:
    """The records of a page, and whether that is all there is: what can't be read may be one."""
    held = page.get("results") if isinstance(page, dict) else page
    if not isinstance(held, list):
        return [], False
    rows = [row for row in held if isinstance(row, dict) and is_id(row.get("id"))]
    return rows, len(rows) == len(held) and not any(map(_is_damaged, rows))


def _is_damaged(row: Mapping[str, Any]) -> bool:
    shown = row.get("external_id")
    return isinstance(shown, str) and DAMAGED in shown


def _totals(page: Any) -> tuple[int | None, int | None]:
    """How many rows and pages a list has, as its page says."""
    if isinstance(page, list):
        return len(page), 1
    if not isinstance(page, dict):
        return None, None
    info = page.get("page_info")
    info = info if isinstance(info, dict) else {}
    total = as_count(info.get("total_count"))
    return (as_count(page.get("count")) if total is None else total), as_count(
        info.get("total_pages")
    )
