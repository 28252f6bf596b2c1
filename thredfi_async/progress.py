"""A call as far as it has come: what is known of it, and what would be said of it.

No I/O happens here; `call` does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NoReturn

import attrs

from . import codec
from .attempt import Attempt
from .auth import PARTNER, Token
from .errors import (
    ApiError,
    DeadlineExceeded,
    InvalidAnswer,
    ThredfiError,
    TransportError,
    api_error,
)
from .manner import Manner
from .operation import Replay, TokenScope
from .options import CallOptions
from .outcomes import End, Known, end_of_refusal, is_repeatable, outcome_unknown, what_lacks
from .request import Request
from .response import REQUEST_ID
from .retry import parse_retry_after
from .shared import AttemptEnded, Shared
from .transport import Exchanged

__all__ = ["Progress", "Unanswered"]

_SHOWN = 200  # characters of an answer that proves nothing


class Unanswered(Exception):
    """An attempt without a usable answer, and what the caller would be told."""

    def __init__(self, end: End, error: ThredfiError) -> None:
        super().__init__(str(error))
        self.end = end
        self.error = error


class Progress:
    """One call: its request, its attempts so far, its deadline."""

    __slots__ = (
        "answer",
        "attempt",
        "attempts",
        "deadline",
        "last_sent",
        "manner",
        "others_renew",
        "policy",
        "request",
        "retried",
        "sent_at",
        "shared",
        "shown",
        "timeout",
        "token_refusals",
        "uncertain",
    )

    def __init__(
        self, shared: Shared, request: Request, options: CallOptions, manner: Manner
    ) -> None:
        self.shared = shared
        self.request = request
        self.manner = manner
        self.policy = shared.policy
        if "retries" in options:
            self.policy = attrs.evolve(shared.policy, attempts=options["retries"] + 1)
        self.timeout = options.get("timeout", shared.timeout)
        self.sent_at = shared.clock.monotonic()  # of the last attempt; for now, of the call
        self.deadline = self.sent_at + options.get("deadline", self.policy.deadline)
        self.attempts = 0
        self.uncertain = False  # an attempt may have been applied
        self.last_sent: float | None = None  # the last of these
        self.retried = False  # by a retry that was taken from the budget
        self.token_refusals = 0
        self.others_renew = False  # the token that was refused
        self.answer: Exchanged | None = None  # the last one there was
        self.attempt: Attempt | None = None  # the last one
        self.shown: bytes | None = None  # of a read that shows what the call has done
        if manner.earlier is not None:
            self.attempts = manner.earlier.attempts
            self.uncertain = manner.earlier.uncertain
            self.last_sent = manner.earlier.last_sent

    def scope(self) -> str | None:
        """Which token the request carries: a scope of the cache; None: basic credentials."""
        match self.request.operation.scope:
            case TokenScope.BASIC:
                return None
            case TokenScope.BUSINESS if self.shared.least_privilege:
                return self.request.path.get("business_id") or PARTNER
            case _:
                return PARTNER

    def known(self, renewable: bool = False) -> Known:
        """What `outcomes` decides by."""
        operation = self.request.operation
        lookup = operation.lookup
        readable = lookup is not None and (
            lookup.read is not None or (lookup.scan is not None and self.manner.may_scan)
        )
        return Known(
            replay=operation.replay,
            repeatable=self.is_repeatable(),
            uncertain=self.uncertain,
            confirmable=operation.confirm is not None,
            findable=readable and bool(self.request.external_id),
            creates=lookup is not None,
            renewable=renewable,
            hands_back=self.manner.hands_back,
        )

    def is_repeatable(self) -> bool:
        """Whether sending it again can't do anything twice."""
        request = self.request
        return is_repeatable(
            request.operation, external_id=request.external_id, key=request.idempotency_key
        )

    def unanswered(self, end: End, text: str, cause: Exception | None = None) -> Unanswered:
        """What an attempt without an answer is raised as inside of a call."""
        operation = self.request.operation
        path, _, _ = self.request.target.partition("?")
        where = f"{operation.method} {self.shared.transport.base_url}{path}"
        kind = DeadlineExceeded if self.remaining() <= 0 else TransportError
        text = f"{operation.id}: {text} ({where})"
        error = kind(text, operation=operation.id, attempts=self.attempts)
        error.__cause__ = cause
        return Unanswered(end, error)

    def invalid_answer(self, text: str, status: int | None) -> InvalidAnswer:
        """What is said of an answer that can't be taken for one."""
        operation = self.request.operation.id
        return InvalidAnswer(
            f"{operation}: {text}", operation=operation, attempts=self.attempts, status=status
        )

    def raise_unknown(self, cause: ThredfiError) -> NoReturn:
        """End the call: nobody can tell whether it was applied."""
        status = self.answer[0] if self.answer else None
        raise outcome_unknown(self.request, cause, attempts=self.attempts, status=status) from cause

    def tell(self, error: ThredfiError | None) -> None:
        """Tell `Shared.on_attempt` of the end of an attempt."""
        seconds = self.shared.clock.monotonic() - self.sent_at
        status = self.answer[0] if self.answer is not None else None
        ended = AttemptEnded(self.request.operation.id, self.attempts, seconds, status, error)
        for hook in self.shared.on_attempt:
            hook(ended)

    def note_on(self, cancelled: asyncio.CancelledError) -> None:
        """Say on the exception that a write was under way."""
        operation = self.request.operation
        left = self.attempt is not None and self.attempt.left
        if not (left or self.uncertain) or operation.replay is Replay.SAFE:
            return
        named = self.request.external_id
        of = f" of external_id {named!r}" if named else ""
        cancelled.add_note(
            f"{operation.id}{of} was cancelled after it had been sent: it may or may not have "
            "been applied."
        )

    def no_token(self) -> DeadlineExceeded:
        """What is raised where the deadline passes before there is a token."""
        operation = self.request.operation.id
        failures = self.shared.token_failures
        last = failures.get(self.scope() or PARTNER) or failures.get(PARTNER)
        why = "" if last is None else f"; the last try: {last}"
        error = DeadlineExceeded(
            f"{operation}: no token within the deadline{why}",
            operation=operation,
            attempts=self.attempts,
        )
        error.__cause__ = last
        return error

    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.shared.clock.monotonic()

    def value(self, status: int, data: bytes, token: Token | None) -> Any:
        """The value of a 2xx answer. Raises `Unanswered` where it is none."""
        request = self.request
        try:
            value = self.shared.answers.read(request.operation, status, data)
        except codec.BrokenJSON as broken:
            text = f"{status} came with a body that isn't valid JSON ({broken})"
            raise Unanswered(End.UNCERTAIN, self.invalid_answer(text, status)) from None
        lookup = request.operation.lookup
        if lookup is not None:
            lacks = what_lacks(lookup, value, request.external_id)
            if lacks is not None:
                came = _shown((token or self.shared.credentials).hidden_in(data))
                text = f"{status} came {lacks}: {came}"
                raise Unanswered(End.NO_PROOF, self.invalid_answer(text, status))
        return value

    def refusal(
        self, status: int, headers: Mapping[str, str], data: bytes, token: Token | None
    ) -> tuple[End, ApiError]:
        """What an answer outside 2xx ended the attempt in, and what the caller would be told."""
        operation = self.request.operation
        error = api_error(
            status,
            (token or self.shared.credentials).hidden_in(data),
            request_id=headers.get(REQUEST_ID),
            retry_after=parse_retry_after(headers.get("Retry-After"), self.shared.clock.time()),
            operation=operation.id,
            attempts=self.attempts,
        )
        end = end_of_refusal(
            status,
            error.code,
            error.message,
            error.fields,
            creates=operation.lookup is not None,
            keyed=self.request.key_is_made,
            resumed=self.manner.resumed,
        )
        return end, error


def _shown(data: bytes) -> str:
    """The beginning of an answer, for a message."""
    text = data.decode(errors="replace")
    return repr(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
