"""The table of what can be pushed, held against the description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from thredfi_async import codec, models
from thredfi_async.operation import Operation
from thredfi_async.operations import CREATE_CHILD_ACCOUNT, CREATE_RECEIPT, OPERATIONS
from thredfi_async.push.kinds import KINDS

# A child account is an account with a parent_id; a receipt is a file without an external_id.
ELSEWHERE = {CREATE_CHILD_ACCOUNT, CREATE_RECEIPT}
# Ids that are not of records of this API.
FOREIGN = {"external_id", "processor_payout_id", "business_id"}


def test_no_create_is_missing():
    creates = {one for one in OPERATIONS.values() if one.id.startswith("create_")}
    assert creates - ELSEWHERE == {kind.create for kind in KINDS.values()}


def test_no_action_on_a_record_is_missing():
    named = re.compile(r"(?:partial_)?(update|void|archive|unarchive|delete)_")
    actions = {one for one in OPERATIONS.values() if named.match(one.id)}
    pushed = {one for kind in KINDS.values() for one in kind.actions.values()}
    left = {one.id for one in actions - pushed}
    # A payment is changed by PATCH; a menu is a setting of a business.
    assert left == {"update_invoice_payment", "update_menu_config", "delete_menu_config"}


def test_every_field_that_names_another_record_is_a_link():
    for kind in KINDS.values():
        links = {(link.within, link.id_field) for link in kind.links}
        for name, operation in kind.actions.items():
            for within, field in _ids(operation):
                assert (within, field) in links, f"{name} of {kind.name}: {within} {field}"


def test_native_links_are_those_that_the_api_resolves_itself():
    for kind in KINDS.values():
        model = next(ref for _, ref in kind.create.bodies if ref is not None)
        fields = {one.name for one in attrs.fields(codec.load(model))}
        for link in kind.links:
            if link.within is None:
                assert link.native is (link.external_field in fields), f"{kind.name} {link.name}"


def test_each_action_has_its_path():
    for kind in KINDS.values():
        for name, operation in kind.actions.items():
            path = kind.path("B", "P", None if name == "create" else "X")
            assert set(operation.path_parameters) == set(path), f"{name} of {kind.name}"


def _ids(operation: Operation[Any]) -> Iterator[tuple[str | None, str]]:
    for _, ref in operation.bodies[:1]:
        if ref is None:
            continue
        for field in attrs.fields(codec.load(ref)):
            named = re.fullmatch(r"(?:.*_)?(parent|" + "|".join(KINDS) + r")_ids?", field.name)
            if named and field.name not in FOREIGN:
                yield None, field.name
            for inner in re.findall(r"[A-Z]\w+", str(field.type)):
                model = getattr(models, inner, None)
                if model is not None and attrs.has(model) and "list[" in str(field.type):
                    for one in attrs.fields(model):
                        if one.name.endswith("_id") and one.name not in FOREIGN:
                            yield field.name, one.name
