"""``thredfi drift``: read what a business has, and say how it differs from the description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from ..client import ThredfiClient
from ..errors import ThredfiError
from ..operation import Operation
from ..operations import OPERATIONS
from ..response import with_response
from .business import find_business
from .connection import Connection
from .endings import Exit
from .json_text import say_json
from .output import complain, counted, say
from .overlay import overlay_actions

__all__ = ["show_drift"]

_ROWS = 3  # of each list, that are read one by one
_PAGE = 100
_DAYS = 365  # that the reports cover


async def show_drift(connection: Connection, business: str, *, as_json: bool = False) -> Exit:
    """Read everything of a business and print overlay actions; the exit status."""
    async with connection.client() as thredfi:
        business_id = await find_business(thredfi, business)
        await thredfi.businesses.get(business_id)
        reader = Reader(thredfi, business_id)
        await reader.read_all()
        if as_json:
            say_json(_figures(thredfi, reader, business_id))
            return Exit.NOT_ALL_WELL if reader.failed else Exit.WELL
        said = overlay_actions(thredfi.drift)
        answers = counted(reader.answers, "answer")
        looked = f"{answers} of {thredfi.base_url} to {counted(reader.operations, 'operation')}"
        say(f"# {looked}{':' if said else ' are as described.'}")
        if said:
            say(*said.split("\n"))
        return Exit.NOT_ALL_WELL if reader.failed else Exit.WELL


class Reader:
    """Calls every documented operation that only reads, with the ids that the lists give."""

    def __init__(self, thredfi: ThredfiClient, business: str) -> None:
        self.answers = 0
        self.operations = 0
        self.failed = 0
        self._session = thredfi._session
        self._business = business
        self._ids: dict[str, list[str]] = {}  # of the first rows, by the path of their list

    async def read_all(self) -> None:
        """Lists first, so that there are ids for what is below them."""
        reads = [
            operation
            for operation in OPERATIONS.values()
            if operation.method == "GET" and not operation.undocumented
        ]
        for operation in sorted(reads, key=lambda one: (one.path.count("{"), one.path)):
            answered = [await self._read(operation, path) for path in self._paths(operation)]
            self.operations += any(answered)

    def _paths(self, operation: Operation[Any]) -> Iterator[dict[str, str]]:
        """The path parameters to call it with; none where nothing is known for one of them."""
        parameters = operation.path_parameters
        path = {"business_id": self._business} if "business_id" in parameters else {}
        for name in parameters:
            if name == "business_id":
                continue
            before = operation.path.partition("{" + name + "}")[0]
            ids = self._ids.get(_filled(before, path), [])
            if name == parameters[-1]:
                for one in ids:
                    yield {**path, name: one}
                return
            if not ids:
                return
            path[name] = ids[0]
        yield path

    async def _read(self, operation: Operation[Any], path: Mapping[str, str]) -> bool:
        query = _query(operation)
        try:
            response = await with_response(self._session.call(operation, path=path, query=query))
        except ThredfiError as error:
            complain(f"not looked at: {error}")
            self.failed += 1
            return False
        self.answers += 1
        self._ids[_filled(operation.path, path)] = _ids(response.body)
        return True


def _figures(thredfi: ThredfiClient, reader: Reader, business_id: str) -> dict[str, Any]:
    """The differences one by one: names and types, no values."""
    differences = [
        {"operation": operation, **attrs.asdict(one), "times": times}
        for (operation, one), times in sorted(thredfi.drift.items(), key=lambda item: str(item[0]))
    ]
    return {
        "base_url": thredfi.base_url,
        "business_id": business_id,
        "operations": reader.operations,
        "answers": reader.answers,
        "not_looked_at": reader.failed,
        "differences": differences,
    }


def _filled(path: str, values: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda found: values.get(found[1], found[0]), path)


def _query(operation: Operation[Any]) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    known = {
        "page_size": _PAGE,
        "start_date": today - timedelta(days=_DAYS),
        "end_date": today,
    }
    return {one.name: known[one.name] for one in operation.query if one.name in known}


def _ids(content: bytes) -> list[str]:
    """The ids of the first rows of a list."""
    try:
        body = json.loads(content)
    except ValueError:
        return []
    lists = body.values() if isinstance(body, dict) else [body]
    for rows in lists:
        if isinstance(rows, list) and rows:
            ids = [row.get("id") for row in rows if isinstance(row, dict)]
            return [one for one in ids if isinstance(one, str)][:_ROWS]
    return []
