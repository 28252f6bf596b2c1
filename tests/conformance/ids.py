"""Ids that the emulator has given out, by where they can be used.

Nothing here knows single operations: the path before a path parameter is a collection, and so is
a path that ends without one; the ids of the objects in an answer belong to the collection asked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

_KEPT = 200  # of each collection, the newest
_PARAMETER = re.compile(r"\{(\w+)\}")


class Ids:
    """Learns ids from answers, picks ids for path parameters and for the fields of bodies.

    A collection is known by its template with `{}` for every parameter, and has one pool of ids
    for each path that it was found under.
    """

    def __init__(self, templates: Iterable[str], random: Random) -> None:
        self._random = random
        self._pools: dict[str, dict[str, Pool]] = defaultdict(dict)
        self._by_field: dict[str, set[str]] = defaultdict(set)  # customer -> .../customers
        for template in templates:
            path = template.rstrip("/")
            for found in _PARAMETER.finditer(path):
                self._by_field[found[1].removesuffix("_id")].add(_bare(path[: found.start() - 1]))
            last = path.rpartition("/")[2]
            if not _PARAMETER.fullmatch(last):
                self._by_field[last.replace("-", "_").removesuffix("s")].add(_bare(path))

    def learn(self, template: str, path: str, body: Any) -> None:
        """Take in the ids of an answer to a call of this path."""
        template, path = template.rstrip("/"), path.rstrip("/")
        if template.endswith("}"):
            template, path = template.rpartition("/")[0], path.rpartition("/")[0]
        for row in _rows(body):
            self._add(_bare(template), path, row)

    def _add(self, collection: str, path: str, row: dict[str, Any]) -> None:
        self._pools[collection].setdefault(path, Pool()).add(row["id"], str(row.get("status")))
        for name, value in row.items():
            if isinstance(value, list):
                for inner in _rows(value):
                    self._add(f"{collection}/{{}}/{name}", f"{path}/{row['id']}/{name}", inner)

    def fill(self, template: str, values: dict[str, Any]) -> None:
        """Put ids that exist in the place of those that don't, from left to right."""
        for found in _PARAMETER.finditer(template):
            before = template[: found.start() - 1]
            path = _PARAMETER.sub(lambda one: str(values[one[1]]), before)
            pool = self._pools[_bare(before)].get(path)
            if pool and values.get(found[1]) not in pool:
                values[found[1]] = pool.one(self._random)

    def pick(self, field: str, template: str) -> str | None:
        """An id for a field such as customer_id or paid_from_account_id, if there is one.

        Those of the part of the API that the call is to come first.
        """
        name = field.removesuffix("_id")
        while name and name not in self._by_field:
            name = name.partition("_")[2]
        found = [one for one in self._by_field.get(name, ()) if self._pools[one]]
        near = [one for one in found if _family(one) == _family(template)]
        pools = [pool for one in sorted(near or found) for pool in self._pools[one].values()]
        return self._random.choice(pools).one(self._random) if pools else None


class Pool:
    """Ids with the state that each was seen in last; the newest are kept."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def __contains__(self, id: object) -> bool:
        return id in self._states

    def add(self, id: str, state: str) -> None:
        """Keep an id, or its new state."""
        self._states[id] = state
        if len(self._states) > _KEPT:
            del self._states[next(iter(self._states))]

    def one(self, random: Random) -> str:
        """Of any state, so that rare ones are met as well; of it rather a new row than an old."""
        state = random.choice(sorted(set(self._states.values())))
        found = [id for id, its in self._states.items() if its == state]
        return found[int(len(found) * random.random() ** 0.3)]


def _bare(template: str) -> str:
    return _PARAMETER.sub("{}", template)


def _family(template: str) -> str:
    """What stands after the business in a path: invoices, vendor-refunds …"""
    return "".join(template.split("/")[5:6])


def _rows(body: Any) -> Iterator[dict[str, Any]]:
    """The objects with ids in an answer: itself, in a wrapper, in a page, in a bare list."""
    if isinstance(body, dict) and isinstance(body.get("id"), str):
        yield body
    elif isinstance(body, dict | list):
        for value in body.values() if isinstance(body, dict) else body:
            yield from _rows(value)
