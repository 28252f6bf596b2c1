"""The front of the engine: `push`, and the `Push` that it returns."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import suppress

from ..errors import ConfigurationError
from ..retry import is_positive
from ..session import Session
from ..texts import shown
from .engine import Engine, Plan
from .ids import IdStore
from .journal import Journal
from .outcome import Outcome
from .records import Record
from .sender import ON_DIFFERENCE, OnDifference, Sender, SessionSender
from .summary import Summary

__all__ = ["Push", "push"]


def push(
    session: Session,
    records: Iterable[Record] | AsyncIterable[Record],
    *,
    concurrency: int = 64,
    deadline: float | None = None,
    journal: Journal | None = None,
    ids: IdStore | None = None,
    known: Sequence[IdStore] = (),
    lookup: bool = True,
    on_difference: OnDifference = "report",
    send_unchanged: bool = False,
) -> Push:
    """Send many records, in the order that their references ask for, otherwise side by side.

    A record is a mapping with ``type`` (business, account, customer, vendor, invoice, payment,
    refund, refund_payment, payout, customer_credit, write_off, bill, bill_payment, vendor_credit,
    vendor_refund or vendor_refund_payment), ``business`` (its Thred id or external_id; not in the
    record of a business), ``external_id``, and the fields of the request. A reference whose Thred
    id isn't known is written as ``<name>_external_id`` in place of ``<name>_id``, also within
    ``allocations``; lists as ``payment_external_ids``. ``file`` is the path of a document to
    attach. Request fields that the models don't know yet go into ``extra_body``, a mapping.

    ``action`` says what is to be done: create (unless said otherwise), update, void, archive,
    unarchive or delete, where the API has it. ``external_id`` names the record then. An update
    sends exactly the fields given. Any action waits for every earlier line that is or names its
    record, and every later such line waits for it. What is so already is `Status.REPLAYED`.
    ``revision``, a whole number, orders the versions of a record: one that is older than what was
    settled isn't sent.

    Returns an async iterator of `Outcome`, one a record, in the order in which they end::

        async for outcome in thredfi.push(records, concurrency=64):
            if not outcome.ok:
                print(outcome.line, outcome.reason)

    A record that fails doesn't stop the run, and those that refer to it fail with it. A
    record that refers to a later one is held in memory until that one has come. What never comes
    is looked up in the id stores and, at the end of the input, at Thred; ``lookup=False`` asks
    nobody. The record of a business has to come before the records of that business.
    A record that Thred has already is compared with what was sent, and `Status.DIFFERS`
    where that isn't the same; ``on_difference="update"`` sends the fields that differ as an update
    (`Status.CHANGED`), ``"ignore"`` takes it as it is (`Status.REPLAYED`).
    One that Thred tells to wait (429) waits, for as long as the answer asks or for a short while,
    and never fails of it; its business goes on more slowly, and the others as before.
    Where a token can't be had, or many records in a row fail by no fault of their own, those
    that are left wait a few seconds, up to three times for each business. Where this machine
    runs out of open files, ports or memory, they wait for five minutes at most.

    ``records`` is read only as fast as records can be sent. A plain iterable is read
    within the event loop, so give an async one where reading blocks. ``concurrency`` is
    the number of calls under way at once; there are fewer where the limit on open files has
    no room for so many. After ``deadline`` seconds nothing more is sent.

    ``ids`` keeps Thred's ids from run to run (see `IdStore`): references to what earlier runs have
    sent are resolved by it, and a record whose content is as it was last settled isn't sent again
    unless ``send_unchanged`` says so. Stores in ``known`` are only read. With none of them, ids are
    remembered for the run.

    Iterating raises what makes going on pointless: `AuthenticationFailed`,
    `ConfigurationError`, `JournalError`, `IdStoreError`, `DeadlineExceeded`, and whatever
    ``records`` raises; `RateLimited` where
    Thred asks to wait for more than 15 minutes; and, where it lasts longer than a few seconds,
    any failure to get the partner token, and an outage (100 failures in a row, or twice
    ``concurrency``, that are no fault of the records). Calls under way end first, and their
    outcomes come before the exception. Nothing is lost by starting again from the beginning:
    what Thred has already is replayed, not doubled. With a ``journal`` (see `Journal`) it
    isn't even sent again; an outcome is handed out only once the journal has it, or, where it
    can't be written, with ``journaled`` False before the `JournalError`.
    """
    if on_difference not in ON_DIFFERENCE:
        raise ConfigurationError(
            f"on_difference is one of {', '.join(ON_DIFFERENCE)}, not {on_difference!r}"
        )
    if deadline is not None and not is_positive(deadline):
        raise ConfigurationError(f"deadline must be above 0 seconds, not {shown(deadline)}")
    plan = Plan(
        ids=ids,
        known=tuple(known),
        lookup=lookup,
        sends_unchanged=send_unchanged,
        on_difference=on_difference,
        deadline=deadline,
    )
    sender = SessionSender(session)
    return Push(sender, records, concurrency=concurrency, journal=journal, plan=plan)


class Push(AsyncIterator[Outcome]):
    """A run under way: iterate over it for the outcomes. Nothing is sent before that.

    Leaving the iteration early cancels what is under way; `stop` ends it gently. A ``sender``
    other than `SessionSender` is for tests.
    """

    def __init__(
        self,
        sender: Sender,
        records: Iterable[Record] | AsyncIterable[Record],
        *,
        concurrency: int = 64,
        journal: Journal | None = None,
        plan: Plan | None = None,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError(f"concurrency must be at least 1, not {concurrency}")
        if isinstance(records, Mapping | str | bytes):
            raise ConfigurationError("records must be many: an iterable of mappings, not one")
        if journal is not None:
            journal.bind(sender.target)
        # The tasks know the engine and never this object: when the caller drops it, the
        # generator is finalized, which ends the tasks.
        self._engine = Engine(sender, records, concurrency, journal, plan)
        self._outcomes = _outcomes(self._engine)

    @property
    def summary(self) -> Summary:
        """The figures so far."""
        return self._engine.summary_now()

    def __aiter__(self) -> Push:
        return self

    async def __anext__(self) -> Outcome:
        return await self._outcomes.__anext__()

    def stop(self, grace: float = 10.0) -> None:
        """Send nothing more, and let the iteration end with the calls under way.

        Records that wait, and were not sent, count as unsent. Calls that take longer than
        ``grace`` seconds are cancelled; their outcome is ``unknown``. Call it from the event
        loop's thread.
        """
        self._engine.stop(grace)

    async def aclose(self) -> None:
        """End the run now: calls under way are cancelled. Returns when all tasks have ended."""
        await self._engine.close()
        with suppress(RuntimeError):  # it is being iterated right now, which then ends
            await self._outcomes.aclose()


async def _outcomes(engine: Engine) -> AsyncGenerator[Outcome, None]:
    outcomes = engine.reporter.outcomes
    try:
        engine.start()
        while True:
            while outcomes:
                yield outcomes.popleft()
                engine.make_room()
            if engine.is_over:
                break
            engine.changed.clear()
            await engine.changed.wait()
    finally:
        await engine.close()
    while outcomes:  # of what ended while the tasks were
        yield outcomes.popleft()
    if engine.fatal is not None:
        raise engine.fatal
