"""The front of the engine: `push`, and the `Push` that it returns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .journal import Journal
from .outcome import Outcome
from .report import Summary
from .run import Record, Run
from .sender import ClientSender, Sender

if TYPE_CHECKING:
    from ..client import ThredfiClient

__all__ = ["Push", "push"]


def push(
    thredfi: ThredfiClient,
    records: Iterable[Record] | AsyncIterable[Record],
    *,
    concurrency: int = 64,
    journal: Journal | None = None,
) -> Push:
    """Send many records, in the order that their references ask for, otherwise side by side.

    A record is a mapping with ``type`` (customer, invoice, payment, refund or
    refund_payment), ``business`` (its Thred id or external_id), ``external_id``, and the
    fields of the request. A reference whose Thred id isn't known is written as
    ``<name>_external_id`` in place of ``<name>_id``, also within ``allocations``. Request
    fields that the models don't know yet go into ``extra_body``, a mapping.

    Returns an async iterator of `Outcome`, one a record, in the order in which they end::

        async for outcome in thredfi.push(records, concurrency=64):
            if not outcome.ok:
                print(outcome.line, outcome.reason)

    A record that fails doesn't stop the run, and those that refer to it fail with it. A
    record that refers to a later one is held in memory until that one has come. An
    invoice whose ``customer_external_id`` never comes is sent at the end, as Thred may
    know the customer from before; any other reference that never comes fails.
    Where a token can't be had, or many records in a row fail by no fault of their own, those
    that are left wait a few seconds, up to three times for each business.

    ``records`` is read only as fast as records can be sent. A plain iterable is read
    within the event loop, so give an async one where reading blocks. ``concurrency`` is
    the number of calls under way at once.

    Iterating raises what makes going on pointless: `AuthenticationFailed`,
    `ConfigurationError`, `JournalError`, and whatever ``records`` raises; and, where it
    lasts longer than a few seconds, any failure to get the partner token, and an outage
    (100 failures in a row, or twice ``concurrency``, that are no fault of the records).
    Calls under way end first, and their outcomes come before the exception. Nothing is
    lost by starting again from the beginning: what Thred has already is replayed, not
    doubled. With a ``journal`` (see `Journal`) it isn't even sent again; an outcome is
    handed out only once the journal has it.
    """
    sender = ClientSender(thredfi)
    if journal is not None:
        journal.bind(sender.target)
    return Push(sender, records, concurrency=concurrency, journal=journal)


class Push(AsyncIterator[Outcome]):
    """A run under way: iterate over it for the outcomes. Nothing is sent before that.

    Leaving the iteration early cancels what is under way; `stop` ends it gently.
    """

    def __init__(
        self,
        sender: Sender,
        records: Iterable[Record] | AsyncIterable[Record],
        *,
        concurrency: int = 64,
        journal: Journal | None = None,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError(f"concurrency must be at least 1, not {concurrency}")
        if isinstance(records, Mapping | str | bytes):
            raise ConfigurationError("records must be many: an iterable of mappings, not one")
        # The tasks know the run and never this object: when the caller drops it, the
        # generator is finalized, which ends the tasks.
        self._run = Run(sender, records, concurrency, journal)
        self._outcomes = _outcomes(self._run)

    @property
    def summary(self) -> Summary:
        """The figures so far."""
        return self._run.summary_now()

    def __aiter__(self) -> Push:
        return self

    async def __anext__(self) -> Outcome:
        return await self._outcomes.__anext__()

    def stop(self, grace: float = 10.0) -> None:
        """Send nothing more, and let the iteration end with the calls under way.

        Calls that take longer than ``grace`` seconds are cancelled; their outcome is
        ``unknown``. Call it from the event loop's thread.
        """
        self._run.stop(grace)

    async def aclose(self) -> None:
        """End the run now: calls under way are cancelled. Returns when all tasks have ended."""
        await self._run.close()
        with suppress(RuntimeError):  # it is being iterated right now, which then ends
            await self._outcomes.aclose()


async def _outcomes(run: Run) -> AsyncGenerator[Outcome, None]:
    run.start()
    try:
        while True:
            while run.outcomes:
                yield run.outcomes.popleft()
                run.make_room()
            if run.is_over:
                break
            run.changed.clear()
            await run.changed.wait()
    finally:
        await run.close()
    if run.fatal is not None:
        raise run.fatal
