"""Operations that take an Idempotency-Key."""

from __future__ import annotations

from collections.abc import Callable

from .call import Answer, Call
from .problems import Problem, invalid

__all__ = ["answer_once", "idempotency_key"]


def answer_once(call: Call, known: Answer | None, create: Callable[[], Answer]) -> Answer:
    """By the key of an earlier call, else what is known by its external_id, else a new thing.

    Raises 409 where the key came with another body before, and nothing is known.
    """
    stored_answers, key, fields = call.books.stored_answers, idempotency_key(call), call.fields()
    stored = stored_answers.get((call.operation.id, key)) if key else None
    if stored is not None and stored[0] == fields:
        return Answer(200, stored[1])
    if stored is not None and known is None:
        text = "This Idempotency-Key came with another body before."
        raise Problem(409, "idempotency_key_reused", text)
    answer = known if known is not None else create()
    if key and stored is None:
        stored_answers[call.operation.id, key] = (fields, answer.body)
    return answer


def idempotency_key(call: Call) -> str | None:
    """The key of a call, or None. Raises 400."""
    key = call.headers.get("Idempotency-Key")
    if key and not key.isascii():
        raise invalid(**{"Idempotency-Key": "Must be ASCII."})
    return key
