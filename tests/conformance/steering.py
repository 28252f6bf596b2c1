"""Leads generated calls to rows that exist: without it, nearly all would end at a 404 or a 400.

Paths and bodies get ids that the emulator has given out. Of a good body, often only some fields
are kept, on top of a body that was accepted: so rules are met that no schema can state.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections import defaultdict, deque
from random import Random
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.parameters import ParameterLocation
from schemathesis.transport.serialization import contains_binary

from .bodies import BODIES, CURRENCY
from .ids import Ids
from .names import operation_id

_BODY = ParameterLocation.BODY
_KEPT = 50  # accepted bodies of each operation


class Steering:
    """What is changed before every call, and learnt after it."""

    def __init__(self, templates: list[str], business_id: str, seed: int) -> None:
        self._seed = seed
        self._random = Random()
        self._numbers = itertools.count()
        self._ids = Ids(templates, self._random)
        self._business_id = business_id
        self._accepted: dict[str, deque[Any]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def install(self) -> None:
        """Stand around every call that Schemathesis makes."""

        @schemathesis.hook
        def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
            self._lead(case)

        @schemathesis.hook
        def after_call(context: HookContext, case: Case, response: Response) -> None:
            self._learn(case, response)

    def _lead(self, case: Case) -> None:
        """Change the parts of a call that are not bad on purpose."""
        # By the call and not by chance alone: Hypothesis expects a call to do the same again.
        shown = (case.operation.label, case.path_parameters, case.query, case.body)
        self._random.seed(f"{self._seed} {shown}")
        if case.path_parameters and not _is_bad(case, ParameterLocation.PATH):
            values = dict(case.path_parameters)
            values["business_id"] = self._business_id
            self._ids.fill(case.path, values)
            _replace(case, ParameterLocation.PATH, values)
        is_plain = isinstance(case.body, dict) and not contains_binary(case.body)
        if is_plain and not _is_bad(case, _BODY):
            _replace(case, _BODY, self._with_ids(self._based(case), case.path))

    def _learn(self, case: Case, response: Response) -> None:
        """Remember what an accepted call shows."""
        if not 200 <= response.status_code < 300 or not response.content:
            return
        path = response.request.path_url.partition("?")[0]
        self._ids.learn(case.path, path, json.loads(response.content))
        is_replay = case.method == "POST" and response.status_code == 200
        if isinstance(case.body, dict) and not is_replay and not _is_bad(case, _BODY):
            self._accepted[operation_id(case)].append(copy.deepcopy(case.body))

    def _based(self, case: Case) -> dict[str, Any]:
        """The body as it is, or with few of its fields on top of one that is accepted."""
        generated: dict[str, Any] = copy.deepcopy(case.body)
        id = operation_id(case)
        known = [BODIES[id]] if id in BODIES else []
        if self._accepted[id] and (not known or self._random.random() < 0.5):
            known = [self._random.choice(self._accepted[id])]
        if not known or self._random.random() < 0.4:
            return generated
        kept = min(len(generated), self._random.randint(0, 2))
        names = self._random.sample(sorted(generated), kept)
        return copy.deepcopy(known[0]) | {name: generated[name] for name in names}

    def _with_ids(self, value: Any, template: str, field: str = "") -> Any:
        """The value with ids that exist where a field's name asks for one."""
        if isinstance(value, dict):
            return {name: self._with_ids(one, template, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self._with_ids(one, template, field.removesuffix("s")) for one in value]
        if not isinstance(value, str) or self._random.random() < 0.1:
            return value
        if field == "external_id":
            return f"external-{next(self._numbers)}"
        if field == "currency":
            return CURRENCY
        return (self._ids.pick(field, template) if field.endswith("_id") else None) or value


def _is_bad(case: Case, location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _replace(case: Case, location: ParameterLocation, value: dict[str, Any]) -> None:
    """Change a part of a call, which stays as good as it was."""
    meta = case.meta
    setattr(case, location.container_name, value)
    if meta is not None:
        meta.clear_dirty(location)
