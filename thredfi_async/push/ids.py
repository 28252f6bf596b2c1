"""Which record has which Thred id: references between records outlive a run.

`IdStore` is what a push asks of a store, `MemoryIdStore` the one that it has where it is given
none. `ids_sqlite` has those that are files.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from ..errors import IdStoreError
from .ids_table import Key, Known, Table, is_text, merged

__all__ = ["IdStore", "Key", "Known", "MemoryIdStore", "Worker", "check"]

T = TypeVar("T")

_DIGEST_BYTES = 64
_REVISIONS = range(-(1 << 63), 1 << 63)


class IdStore(Protocol):
    """Where Thred's ids are kept, from one run to the next or for one run.

    Several tasks use it at once. What it raises ends the push, and had better be an
    `IdStoreError`.
    """

    async def bind(self, target: str) -> None:
        """Belong to ``target`` (``partner … at https://…``) once and for all.

        Ids are those of one partner at one base URL: another target is refused.
        """
        ...

    async def get(self, keys: Collection[Key]) -> Mapping[Key, Known]:
        """What is known of these; those that nothing is known of are left out."""
        ...

    async def put(self, known: Mapping[Key, Known]) -> None:
        """Keep these, all or none, as durably as the store is. They are kept when it returns.

        An entry with an older revision than the one that is known changes nothing, whoever put
        that. Otherwise it takes its place; the ``id`` or ``revision`` that it has none of stay as
        they were.
        """
        ...

    async def drop(self, keys: Collection[Key]) -> None:
        """Forget these; nothing need be known of them."""
        ...


def check(known: Mapping[Key, Known]) -> dict[Key, Known]:
    """What can be kept of these. Raises `IdStoreError` for what breaks the rules of `Known`.

    Half of a surrogate pair is no text that a file takes. A key that has one is left out, as
    another text in its place would name another record; such an id is none: nothing could be
    sent with it.
    """
    kept = {}
    for key, one in known.items():
        if len(one.digest) > _DIGEST_BYTES:
            raise IdStoreError(f"a digest has at most {_DIGEST_BYTES} bytes, not {len(one.digest)}")
        if one.revision is not None and one.revision not in _REVISIONS:
            raise IdStoreError(f"a revision has at most 64 bits: {one.revision} has more")
        if all(map(is_text, key)):
            kept[key] = one if one.id is None or is_text(one.id) else one._replace(id=None)
    return kept


class Worker:
    """A thread that does one job after the other, in the order in which they are given.

    A job is done to its end also where whoever waits for it is cancelled.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="thredfi ids")
        self._closed = False

    async def run(self, job: Callable[..., T], *values: Any) -> T:
        """What ``job`` gives back or raises. Raises `IdStoreError` where there is no thread."""
        if self._closed:
            raise IdStoreError("the id store is closed")
        return await asyncio.shield(self._begun(job, *values))

    async def close(self, job: Callable[[], None]) -> None:
        """Do this last job, and end the thread. Does nothing the second time."""
        if self._closed:
            return
        closing = self._begun(job)
        self._closed = True
        self._pool.shutdown(wait=False)  # what was given to it is done before
        await asyncio.shield(closing)

    def _begun(self, job: Callable[..., T], *values: Any) -> asyncio.Future[T]:
        try:
            return asyncio.get_running_loop().run_in_executor(self._pool, job, *values)
        except RuntimeError as error:
            raise IdStoreError(f"no thread can be started for the id store: {error}") from None


class MemoryIdStore:
    """Ids of one process, for as long as it lives.

    Beyond ``limit`` entries all of them go to a temporary file, which is gone when the store is
    closed or the process ends, however it does.
    """

    def __init__(self, *, limit: int = 100_000) -> None:
        self._limit = limit
        self._target: str | None = None
        self._tables: dict[tuple[str, str, str], dict[str, Known]] = {}
        self._size = 0
        self._worker: Worker | None = None  # once there is a file
        self._file: Table | None = None
        self._closed = False

    async def bind(self, target: str) -> None:
        """As `IdStore.bind`."""
        self._check_open()
        if self._target not in (None, target):
            raise IdStoreError(f"these are the ids of {self._target}, not {target}")
        self._target = target

    async def get(self, keys: Collection[Key]) -> Mapping[Key, Known]:
        """As `IdStore.get`."""
        self._check_open()
        if self._worker is not None:
            return await self._worker.run(self._in_file, Table.get, keys)
        return {key: one for key in keys if (one := self._get(key)) is not None}

    async def put(self, known: Mapping[Key, Known]) -> None:
        """As `IdStore.put`."""
        self._check_open()
        known = check(known)
        if self._worker is None:
            for key, one in known.items():
                self._put(key, one)
            if self._size > self._limit:
                self._worker = Worker()
                await self._worker.run(self._to_file)
        else:
            await self._worker.run(self._in_file, Table.put, known)

    async def drop(self, keys: Collection[Key]) -> None:
        """As `IdStore.drop`."""
        self._check_open()
        if self._worker is not None:
            await self._worker.run(self._in_file, Table.drop, keys)
            return
        for key in keys:
            table = self._tables.get(key[:3])
            if table is not None and table.pop(key.external_id, None) is not None:
                self._size -= 1

    async def close(self) -> None:
        """Forget everything. Does nothing the second time."""
        self._closed = True
        if self._worker is None:
            self._tables.clear()
        else:
            await self._worker.close(self._close_file)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise IdStoreError("the id store is closed")

    def _get(self, key: Key) -> Known | None:
        table = self._tables.get(key[:3])
        return None if table is None else table.get(key.external_id)

    def _put(self, key: Key, one: Known) -> None:
        table = self._tables.setdefault(key[:3], {})
        known = table.get(key.external_id)
        self._size += known is None
        table[key.external_id] = merged(known, one)

    # --- in the thread -------------------------------------------------------------------

    def _to_file(self) -> None:
        try:
            file = Table.temporary()
            for (business, type, parent), table in self._tables.items():
                file.put({Key(business, type, parent, name): table[name] for name in table})
        except sqlite3.Error as error:
            raise _unusable(error) from None
        self._file = file
        self._tables.clear()

    def _in_file(self, use: Callable[[Table, Any], T], values: Any) -> T:
        if self._file is None:
            raise IdStoreError("the temporary file of the id store could not be written")
        try:
            return use(self._file, values)
        except sqlite3.Error as error:
            raise _unusable(error) from None

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()


def _unusable(error: sqlite3.Error) -> IdStoreError:
    return IdStoreError(
        f"the temporary file of the id store can't be used: {error}. Make room for temporary "
        "files, or name a file that keeps the ids"
    )
