"""The table of outcomes: a test per row, without socket, event loop or clock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from thredfi_async.operation import Confirm, Lookup, Operation, Replay, TokenScope
from thredfi_async.outcomes import (
    End,
    Finding,
    Known,
    Step,
    after_look_up,
    end_of_refusal,
    end_of_status,
    is_repeatable,
    next_step,
    what_lacks,
)


def create(**known: Any) -> Known:
    """Of a create under an external_id that a look-up may find."""
    facts = {"repeatable": True, "creates": True, "findable": True}
    return Known(Replay.EXTERNAL_ID, **facts | known)


def change(**known: Any) -> Known:
    return Known(Replay.STATE_CHANGE, **{"repeatable": True, "confirmable": True} | known)


READ = Known(Replay.SAFE, repeatable=True)
UPSERT = Known(Replay.UPSERT, repeatable=True)
UNSAFE = Known(Replay.UNSAFE)
UNFINDABLE = create(findable=False)


def after(known: Known, **facts: Any) -> Known:
    import attrs

    return attrs.evolve(known, **facts)


ROWS = [
    # --- it is done, or it was never tried
    ("an answer that proves it", End.DONE, create(), Step.DONE),
    ("an answer that proves it, at last", End.DONE, create(uncertain=True), Step.DONE),
    ("failed before, with other content", End.CHANGED, create(), Step.LOOK_UP),
    ("so, and nothing can find it", End.CHANGED, UNFINDABLE, Step.NEW_KEY),
    # --- tokens
    ("a token that can be renewed", End.TOKEN, create(renewable=True), Step.RENEW),
    ("a token from a store, of no right", End.REFUSED, create(renewable=True), Step.RENEW),
    ("a token refused for good", End.TOKEN, create(), Step.FAIL),
    ("so, after a lost answer", End.TOKEN, create(uncertain=True), Step.LOOK_UP),
    ("so, and nothing can find it", End.TOKEN, after(UNFINDABLE, uncertain=True), Step.UNKNOWN),
    # --- told to wait
    ("told to wait", End.LATER, UNSAFE, Step.AGAIN),
    ("told to wait, in a push", End.LATER, create(hands_back=True), Step.HAND_BACK),
    ("so, after a lost answer", End.LATER, create(hands_back=True, uncertain=True), Step.HAND_BACK),
    ("told to wait too often", End.LATER, create(spent=True), Step.FAIL),
    ("so, after a lost answer", End.LATER, create(spent=True, uncertain=True), Step.LOOK_UP),
    ("the first of two is at work", End.IN_PROGRESS, create(), Step.AGAIN),
    ("so, in a push", End.IN_PROGRESS, create(hands_back=True), Step.HAND_BACK),
    ("so, and for too long", End.IN_PROGRESS, create(spent=True), Step.LOOK_UP),
    ("so, unfindable", End.IN_PROGRESS, after(UNFINDABLE, spent=True), Step.UNKNOWN),
    # --- never left
    ("no connection", End.NOT_SENT, UNSAFE, Step.AGAIN),
    ("no connection, too often", End.NOT_SENT, create(spent=True), Step.FAIL),
    ("so, after a lost answer", End.NOT_SENT, create(spent=True, uncertain=True), Step.LOOK_UP),
    ("it can't be sent", End.IMPOSSIBLE, create(), Step.FAIL),
    ("so, after a lost answer", End.IMPOSSIBLE, create(uncertain=True), Step.UNKNOWN),
    # --- sent, and no answer
    ("lost, of a read", End.UNCERTAIN, after(READ, uncertain=True), Step.AGAIN),
    ("so, too often", End.UNCERTAIN, after(READ, uncertain=True, spent=True), Step.FAIL),
    ("lost, of a named create", End.UNCERTAIN, create(uncertain=True), Step.AGAIN),
    ("so, too often", End.UNCERTAIN, create(uncertain=True, spent=True), Step.LOOK_UP),
    ("lost, of an upsert", End.UNCERTAIN, after(UPSERT, uncertain=True), Step.AGAIN),
    ("so, too often", End.UNCERTAIN, after(UPSERT, uncertain=True, spent=True), Step.UNKNOWN),
    ("lost, of a change", End.UNCERTAIN, change(uncertain=True), Step.AGAIN),
    ("so, too often", End.UNCERTAIN, change(uncertain=True, spent=True), Step.UNKNOWN),
    ("lost, and no repeat is safe", End.UNCERTAIN, after(UNSAFE, uncertain=True), Step.UNKNOWN),
    # --- answered, and nothing proved
    ("200 {}", End.NO_PROOF, create(uncertain=True), Step.LOOK_UP),
    ("so, unfindable", End.NO_PROOF, after(UNFINDABLE, uncertain=True), Step.UNKNOWN),
    # --- known already, says Thred
    ("a duplicate at once", End.DUPLICATE, create(), Step.LOOK_UP),
    ("a duplicate after a lost answer", End.DUPLICATE, create(uncertain=True), Step.LOOK_UP),
    ("a duplicate, unfindable", End.DUPLICATE, UNFINDABLE, Step.UNKNOWN),
    ("a burnt key", End.OTHER_BODY, create(), Step.LOOK_UP),
    ("a burnt key, unfindable", End.OTHER_BODY, UNFINDABLE, Step.UNKNOWN),
    # --- refused
    ("refused at once", End.REFUSED, create(), Step.FAIL),
    ("refused at once, perhaps as a repeat", End.MAYBE_THERE, create(), Step.LOOK_UP),
    ("so, unfindable", End.MAYBE_THERE, UNFINDABLE, Step.FAIL),
    ("so, after a lost answer", End.MAYBE_THERE, after(UNFINDABLE, uncertain=True), Step.UNKNOWN),
    ("refused after a lost answer", End.REFUSED, create(uncertain=True), Step.LOOK_UP),
    ("so, unfindable", End.REFUSED, after(UNFINDABLE, uncertain=True), Step.UNKNOWN),
    ("so, of an upsert", End.REFUSED, after(UPSERT, uncertain=True), Step.UNKNOWN),
    ("so, of a change", End.REFUSED, change(uncertain=True), Step.CONFIRM),
    ("so, of a read", End.REFUSED, after(READ, uncertain=True), Step.FAIL),
    ("a change refused at once", End.REFUSED, change(), Step.FAIL),
]


@pytest.mark.parametrize(("row", "end", "known", "step"), ROWS)
def test_what_is_next_after_an_attempt(row: str, end: End, known: Known, step: Step) -> None:
    assert next_step(end, known) is step


FOUND, OTHER, ABSENT, UNTOLD = Finding
SURE, UNSURE = create(), create(uncertain=True)

FINDINGS = [
    ("it is there", End.REFUSED, UNSURE, FOUND, Step.DONE),
    ("it is there", End.DUPLICATE, SURE, FOUND, Step.DONE),
    ("it is there", End.NO_PROOF, UNSURE, FOUND, Step.DONE),
    ("it is there", End.OTHER_BODY, SURE, FOUND, Step.DONE),
    ("it is there", End.CHANGED, SURE, FOUND, Step.DONE),
    ("the refusal stands", End.REFUSED, UNSURE, ABSENT, Step.FAIL),
    ("nothing was applied", End.UNCERTAIN, UNSURE, ABSENT, Step.FAIL),
    ("a duplicate of nothing", End.DUPLICATE, SURE, ABSENT, Step.FAIL),
    ("a duplicate of what is on its way", End.DUPLICATE, UNSURE, ABSENT, Step.UNKNOWN),
    ("queued, perhaps", End.NO_PROOF, UNSURE, ABSENT, Step.UNKNOWN),
    ("at work, perhaps", End.IN_PROGRESS, SURE, ABSENT, Step.UNKNOWN),
    ("the key is burnt, nothing is there", End.OTHER_BODY, SURE, ABSENT, Step.NEW_KEY),
    ("the key is burnt, who knows", End.OTHER_BODY, SURE, UNTOLD, Step.UNKNOWN),
    ("changed since, nothing is there", End.CHANGED, SURE, ABSENT, Step.NEW_KEY),
    ("changed since, who knows", End.CHANGED, SURE, UNTOLD, Step.NEW_KEY),
    ("nobody can tell", End.REFUSED, UNSURE, UNTOLD, Step.UNKNOWN),
    ("nobody can tell", End.DUPLICATE, SURE, UNTOLD, Step.UNKNOWN),
    ("it is there", End.MAYBE_THERE, SURE, FOUND, Step.DONE),
    ("as good as refused", End.MAYBE_THERE, SURE, ABSENT, Step.FAIL),
    ("as good as refused", End.MAYBE_THERE, SURE, UNTOLD, Step.FAIL),
    ("nobody can tell", End.MAYBE_THERE, UNSURE, UNTOLD, Step.UNKNOWN),
    ("an upsert that was refused", End.DUPLICATE, SURE, OTHER, Step.FAIL),
    ("an upsert that may have been applied", End.REFUSED, UNSURE, OTHER, Step.UNKNOWN),
]


@pytest.mark.parametrize(("row", "end", "known", "finding", "step"), FINDINGS)
def test_what_is_next_after_a_look_up(
    row: str, end: End, known: Known, finding: Finding, step: Step
) -> None:
    assert after_look_up(end, finding, known) is step


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("replay", Replay)
def test_every_end_leads_somewhere(end: End, replay: Replay) -> None:
    for uncertain in (False, True):
        for spent in (False, True):
            known = Known(replay, uncertain=uncertain, spent=spent)
            step = next_step(end, known)
            assert not (spent and step is Step.AGAIN)
            if uncertain and end is End.REFUSED and replay is not Replay.SAFE:
                assert step is not Step.FAIL


# --- what an attempt ended in -----------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (400, End.REFUSED),
        (404, End.REFUSED),
        (409, End.REFUSED),
        (300, End.REFUSED),
        (307, End.REFUSED),
        (501, End.REFUSED),
        (505, End.REFUSED),
        (401, End.TOKEN),
        (408, End.UNCERTAIN),
        (425, End.UNCERTAIN),
        (429, End.LATER),
        (500, End.UNCERTAIN),
        (502, End.UNCERTAIN),
        (503, End.UNCERTAIN),
        (504, End.UNCERTAIN),
        (101, End.UNCERTAIN),
        (0, End.UNCERTAIN),
    ],
)
def test_a_status_says_whether_the_request_was_taken(status: int, end: End) -> None:
    assert end_of_status(status) is end


TAKEN = {"external_id": ["Another invoice has this external_id."]}
UNIQUE = {"external_id": ["This field must be unique."]}

REFUSALS = [
    (409, None, "", {}, End.DUPLICATE),
    (409, "conflict", "", {}, End.DUPLICATE),
    (409, "duplicate_external_id", "", {}, End.DUPLICATE),
    (409, "customer_exists", "", {}, End.DUPLICATE),
    (409, "resource_error", "A customer of this name exists.", {}, End.DUPLICATE),
    (409, "resource_error", "The customer does not exist.", {}, End.MAYBE_THERE),
    (409, "invalid_state", "The invoice is void.", {}, End.MAYBE_THERE),
    (409, "conflict", "A request with this key is in progress.", {}, End.IN_PROGRESS),
    (409, "request_in_progress", "", {}, End.IN_PROGRESS),
    (400, "duplicate_external_id", "", {}, End.DUPLICATE),
    (400, "validation_error", "Request data failed validation.", TAKEN, End.DUPLICATE),
    (422, "validation_error", "", UNIQUE, End.DUPLICATE),
    (400, None, "external_id already used", {}, End.DUPLICATE),
    (400, None, "A customer with this external id already exists", {}, End.DUPLICATE),
    (400, "validation_error", "", {"email": ["must be unique"]}, End.REFUSED),
    (400, "unique_violation", "", {}, End.DUPLICATE),
    (400, "validation_error", "", {"external_id": ["Bereits vergeben."]}, End.MAYBE_THERE),
    (422, None, "external_id: cannot be used a second time", {}, End.MAYBE_THERE),
    (400, None, "Duplicate record.", {}, End.MAYBE_THERE),
    (400, "validation_error", "No.", {"amount": ["Too small."]}, End.REFUSED),
    (422, "idempotency_key_reused", "", {}, End.OTHER_BODY),
    (409, None, "This Idempotency-Key came with another body before.", {}, End.OTHER_BODY),
    (400, None, "Idempotency key used with different parameters", {}, End.OTHER_BODY),
    (400, "validation_error", "Idempotency-Key must be ASCII.", {}, End.REFUSED),
    (403, "duplicate", "", {}, End.REFUSED),
]


@pytest.mark.parametrize(("status", "code", "message", "fields", "end"), REFUSALS)
def test_a_refusal_of_a_create_is_told_by_what_it_says(
    status: int, code: str | None, message: str, fields: dict[str, list[str]], end: End
) -> None:
    assert end_of_refusal(status, code, message, fields, creates=True, keyed=True) is end
    if end is not End.REFUSED:
        other = end_of_refusal(status, code, message, fields, creates=False, keyed=False)
        assert other is End.REFUSED  # of nothing that has an external_id


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
def test_no_refusal_proves_that_a_run_that_broke_off_did_nothing(status: int) -> None:
    facts = (status, "invalid_state", "It is paid.", {})
    end = end_of_refusal(*facts, creates=True, keyed=True, resumed=True)
    assert end is End.MAYBE_THERE
    assert end_of_refusal(*facts, creates=False, keyed=True, resumed=True) is End.REFUSED


def test_a_key_of_the_callers_own_is_not_replaced() -> None:
    end = end_of_refusal(422, "idempotency_key_reused", "", {}, creates=True, keyed=False)
    assert end is End.DUPLICATE


@pytest.mark.parametrize(
    ("replay", "external_id", "key", "repeatable"),
    [
        (Replay.SAFE, None, None, True),
        (Replay.UPSERT, None, None, True),
        (Replay.EXTERNAL_ID, "inv-1", None, True),
        (Replay.EXTERNAL_ID, None, None, False),
        (Replay.EXTERNAL_ID, "", None, False),
        (Replay.EXTERNAL_ID, None, "key", False),
        (Replay.IDEMPOTENCY_KEY, None, "key", True),
        (Replay.IDEMPOTENCY_KEY, "pay-1", None, True),
        (Replay.IDEMPOTENCY_KEY, None, None, False),
        (Replay.STATE_CHANGE, "inv-1", "key", False),
        (Replay.UNSAFE, "inv-1", "key", False),
    ],
)
def test_a_write_is_repeatable_only_under_a_name_that_thred_knows(
    replay: Replay, external_id: str | None, key: str | None, repeatable: bool
) -> None:
    operation: Operation[Any] = Operation("x", "POST", "/x/", "X", TokenScope.PARTNER, replay)
    assert is_repeatable(operation, external_id=external_id, key=key) is repeatable


def test_a_state_change_is_repeatable_where_a_read_confirms_it() -> None:
    operation: Operation[Any] = Operation(
        "x", "POST", "/x/", "X", TokenScope.PARTNER, Replay.STATE_CHANGE, confirm=Confirm("get_x")
    )
    assert is_repeatable(operation, external_id=None, key=None)


# --- whether an answer proves a create --------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "external_id", "lacks"),
    [
        ({"id": "a", "external_id": "e"}, "e", None),
        ({"id": "a", "external_id": None}, "e", None),
        ({"id": "a"}, "e", None),
        ({"id": "a", "external_id": "e"}, None, None),
        ({"id": 7}, None, None),
        ({"id": None}, "e", "without an id"),
        ({"id": ""}, None, "without an id"),
        ({}, "e", "without an id"),
        ({"id": "a", "external_id": "E"}, "e", "for another external_id, 'E'"),
    ],
)
def test_a_create_is_proved_by_an_id_and_its_own_external_id(
    answer: dict[str, Any], external_id: str | None, lacks: str | None
) -> None:
    record = SimpleNamespace(**answer)
    assert what_lacks(Lookup(), record, external_id) == lacks
    wrapped = SimpleNamespace(payment=record)
    assert what_lacks(Lookup(within="payment"), wrapped, external_id) == lacks


def test_an_answer_that_is_no_object_proves_nothing() -> None:
    assert what_lacks(Lookup(), None, "e") == "without an id"
    assert what_lacks(Lookup(within="payment"), ["x"], "e") == "without an id"
