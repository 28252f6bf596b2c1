"""How calls are carried out, where not as a single call is."""

from __future__ import annotations

import attrs

from .errors import ThredfiError

__all__ = ["HandedBack", "History", "Manner"]


@attrs.frozen
class History:
    """What earlier rounds of a call that was handed back know. ``last_sent``: monotonic clock."""

    attempts: int = 0
    uncertain: bool = False
    last_sent: float | None = None


@attrs.frozen
class Manner:
    """How calls are carried out.

    ``hands_back``: being told to wait (a 429, or a 409 "in progress") ends the call with
    `HandedBack` in place of being waited for. ``may_scan``: look-ups may walk whole lists.
    ``earlier``: what handed back rounds of this very call know. ``changed``: an earlier run
    failed with this record while it had other content. ``resumed``: a run that broke off may
    have sent it, without a trace.
    """

    hands_back: bool = False
    may_scan: bool = False
    earlier: History | None = None
    changed: bool = False
    resumed: bool = False


class HandedBack(Exception):
    """Thred told a call to wait, and whoever called does the waiting.

    ``retry_after`` in seconds, where the answer says so; ``error`` is what would have been
    raised. The call is repeated with ``history`` as `Manner.earlier`.
    """

    def __init__(self, history: History, retry_after: float | None, error: ThredfiError) -> None:
        super().__init__(str(error))
        self.history = history
        self.retry_after = retry_after
        self.error = error
