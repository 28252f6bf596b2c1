"""What the calls of a session share, and what it tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from .answers import Answers
from .auth import Credentials, TokenCache
from .clock import Clock
from .errors import ThredfiError
from .limits import Gate, Watchdog
from .lookup import Walks
from .retry import RetryBudget, RetryPolicy
from .transport import Transport

__all__ = ["AttemptEnded", "CallEnded", "Shared", "Statistics"]


@attrs.define
class Statistics:
    """What a client has done so far."""

    calls: int = 0  # of service methods, token calls and look-ups included
    requests: int = 0  # sent over the network, repeats included
    retries: int = 0  # of these, repeats


@attrs.frozen
class AttemptEnded:
    """What `Session.on_attempt` is told after each request: which, and what came of it."""

    operation: str
    attempt: int  # from 1
    seconds: float
    status: int | None  # None: no answer
    error: ThredfiError | None  # what would be raised if it were the last one; None: it went well


@attrs.frozen
class CallEnded:
    """What `Session.on_outcome` is told after each call: which, and how it ended."""

    operation: str
    attempts: int
    seconds: float
    error: BaseException | None  # None: it went well


@attrs.define(eq=False)
class Shared:
    """What the calls of a session share."""

    transport: Transport
    credentials: Credentials
    tokens: TokenCache
    clock: Clock
    policy: RetryPolicy
    timeout: float
    least_privilege: bool
    gate: Gate
    watchdog: Watchdog
    budget: RetryBudget
    answers: Answers = attrs.field(factory=Answers)
    statistics: Statistics = attrs.field(factory=Statistics)
    walks: Walks = attrs.field(factory=Walks)
    on_attempt: list[Callable[[AttemptEnded], None]] = attrs.field(factory=list)
    on_outcome: list[Callable[[CallEnded], None]] = attrs.field(factory=list)
    token_failures: dict[str, ThredfiError] = attrs.field(factory=dict)  # the last one, by scope
    under_way: int = 0
    idle: asyncio.Event | None = None  # set when nothing is under way any more
