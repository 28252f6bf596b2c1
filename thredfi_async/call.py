"""The loop of one call: token, send, and whatever `outcomes` says to do next.

What goes over the wire is built in `request`, what an answer means in `errors`, `answers` and
`outcomes`. Here, and in what is used here, calls wait: for tokens, room, answers and pauses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from .answers import read_as
from .attempt import Attempt
from .auth import PARTNER, Credentials, Token
from .differences import Difference
from .errors import ConfigurationError, InvalidRequest, RateLimited, ThredfiError
from .manner import HandedBack, History, Manner
from .operation import Operation, Replay, TokenScope, native
from .operations import GET_BUSINESS_TOKEN
from .options import CallOptions, check_options
from .outcomes import End, Known, Step, after_look_up, next_step
from .progress import Progress, Unanswered
from .readback import confirmed, differences, find
from .request import prepare, with_key_of_body
from .response import Response, recorder
from .shared import CallEnded, Shared
from .streams import UnreadableError, check_readable
from .transport import Exchanged, LostError, NotSentError, TooLargeError
from .uploads import Form, Upload

__all__ = ["Caller", "HandedBack", "History", "Manner"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Caller:
    """Carries out operations, all in the same manner."""

    __slots__ = ("_manner", "_shared")

    def __init__(self, shared: Shared, manner: Manner) -> None:
        self._shared = shared
        self._manner = manner

    @property
    def credentials(self) -> Credentials:
        """The partner's."""
        return self._shared.credentials

    async def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        file: Upload | None = None,
        options: CallOptions | None = None,
    ) -> T:
        """Carry out one operation and return its answer, decoded.

        Raises what `errors` lists: `InvalidRequest` before anything is sent, `ApiError`,
        `TransportError`, `InvalidAnswer`, `OutcomeUnknown`.

        A write that is cancelled after it was sent may or may not have been applied: the
        CancelledError has a note that says so, with the operation and the external_id.
        """
        if type(operation) is not Operation:
            operation = native(operation)
        if options:
            check_options(operation, options)
        else:
            options = {}
        request = prepare(
            operation,
            path=path or {},
            query=query or {},
            body=body,
            file=file,
            extra_body=options.get("extra_body"),
            extra_query=options.get("extra_query"),
            extra_headers=options.get("extra_headers"),
            idempotency_key=options.get("idempotency_key"),
        )
        if isinstance(request.body, Form):
            await _check_files(request.body)
        shared = self._shared
        call = _Call(shared, request, options, self._manner)
        shared.under_way += 1
        try:
            value: T = await (call.told() if shared.on_outcome else call.run())
            seen = recorder.get()
            if seen is not None:
                seen.append(await call.response(value))
            return value
        finally:
            shared.under_way -= 1
            if shared.idle is not None and not shared.under_way:
                shared.idle.set()


class _Call(Progress):
    """One call on its way: its attempts, its deadline, and how it ends."""

    async def told(self) -> Any:
        """As `run`, and tell `Shared.on_outcome` of its end."""
        shared, started = self.shared, self.sent_at
        error: BaseException | None = None
        try:
            return await self.run()
        except BaseException as raised:
            error = raised
            raise
        finally:
            seconds = shared.clock.monotonic() - started
            ended = CallEnded(self.request.operation.id, self.attempts, seconds, error)
            for hook in shared.on_outcome:
                hook(ended)

    async def run(self) -> Any:
        """Send until there is an answer; its decoded value. Raises how it ended otherwise."""
        self.shared.statistics.calls += 1
        try:
            if self.manner.changed and self.request.key_is_made:
                await self._check_changed()
            while self.shown is None:
                scope = self.scope()
                token = None
                if scope is not None:
                    token = self.shared.tokens.current(scope) or await self._wait_for_token(scope)
                renewable = False
                try:
                    status, headers, data = self.answer = await self._attempt(token)
                except Unanswered as unanswered:
                    self.answer, end, error = None, unanswered.end, unanswered.error
                else:
                    if 200 <= status < 300:
                        try:
                            value = self.value(status, data, token)
                        except Unanswered as nothing:
                            end, error = nothing.end, nothing.error
                        else:
                            self.shared.budget.succeeded(retried=self.retried)
                            if self.shared.on_attempt:
                                self.tell(None)
                            return value
                    else:
                        end, error = self.refusal(status, headers, data, token)
                        if token is not None:
                            renewable = await self._may_renew(status, scope, token)
                if self.shared.on_attempt:
                    self.tell(error)
                await self._go_on(end, error, renewable=renewable)
            return read_as(self.request.operation, self.shown)
        except asyncio.CancelledError as cancelled:
            self.note_on(cancelled)
            raise

    async def _check_changed(self) -> None:
        """Before the first attempt: what failed with other content may be there all the same."""
        known = self.known()
        step = next_step(End.CHANGED, known)
        if step is Step.LOOK_UP:
            step = await self._looked_up(End.CHANGED, known, None)
        if step is Step.NEW_KEY:
            self.request = with_key_of_body(self.request)

    async def _attempt(self, token: Token | None) -> Exchanged:
        """One request, bounded by the timeout and the deadline. Raises `Unanswered`."""
        shared, request = self.shared, self.request
        if not shared.gate.try_enter():
            await self._queue()
        try:
            self.sent_at = shared.clock.monotonic()
            remaining = self.deadline - self.sent_at
            if remaining <= 0:
                raise self.unanswered(End.NOT_SENT, "the deadline passed before it was sent")
            self.attempts += 1
            shared.statistics.requests += 1
            if self.attempts > 1:
                shared.statistics.retries += 1
            self.attempt = attempt = Attempt(may_repeat=self.is_repeatable())
            exchange = shared.transport.send(
                request.operation.method,
                request.target,
                authorization=(token or shared.credentials).authorization,
                body=request.body,
                headers=request.headers,
                attempt=attempt,
            )
            patience = min(self.timeout, remaining)
            return await shared.watchdog.wait(exchange, patience)
        except ConfigurationError as error:
            # Without its traceback, which leads past the token.
            raise Unanswered(End.IMPOSSIBLE, error.with_traceback(None)) from None
        except UnreadableError as error:
            problem = InvalidRequest.at("file", str(error))
            raise Unanswered(End.IMPOSSIBLE, problem) from error
        except NotSentError as error:
            end = End.IMPOSSIBLE if error.final else End.NOT_SENT
            raise self.unanswered(end, str(error), error) from error
        except TimeoutError as error:
            end = End.UNCERTAIN if attempt.left else End.NOT_SENT
            waited = f"no {'answer' if attempt.left else 'connection'} within {patience:.3g} s"
            text = "the client was closed" if shared.transport.closed else waited
            raise self.unanswered(end, text, error) from error
        except TooLargeError as error:
            raise Unanswered(End.UNCERTAIN, self.invalid_answer(str(error), None)) from error
        except LostError as error:
            raise self.unanswered(End.UNCERTAIN, str(error), error) from error
        finally:
            shared.gate.leave()

    async def _may_renew(self, status: int, scope: str | None, token: Token) -> bool:
        """Drop a token that was refused; whether another one is worth a try.

        It is once, and once more where the other one came from somebody else and may be as old.
        A token from a store may also be refused by a 403: of another key, or of older rights.
        """
        stored = status == 403 and scope != PARTNER and token.stored
        if scope is None or not (status == 401 or stored):
            return False
        tokens = self.shared.tokens
        await tokens.drop(scope, token)
        self.others_renew = self.others_renew or tokens.current(scope) is not None
        self.token_refusals += 1
        return self.token_refusals <= (2 if self.others_renew else 1)

    async def _go_on(self, end: End, error: ThredfiError, *, renewable: bool = False) -> None:
        """Do what is next after the end of an attempt. Raises if the call is over."""
        if end is End.UNCERTAIN or end is End.NO_PROOF:
            self.uncertain = True
            self.last_sent = self.sent_at
        known = self.known(renewable)
        step = next_step(end, known)
        if step is Step.AGAIN:
            if await self._paused(end, error):
                return
            known = attrs.evolve(known, spent=True)
            step = next_step(end, known)
        if step is Step.LOOK_UP:
            step = await self._looked_up(end, known, error)
        match step:
            case Step.RENEW | Step.DONE:
                pass
            case Step.NEW_KEY:
                self.request = with_key_of_body(self.request)
            case Step.CONFIRM:
                await self._confirm(error)
            case Step.HAND_BACK:
                history = History(self.attempts - 1, self.uncertain, self.last_sent)
                raise HandedBack(history, getattr(error, "retry_after", None), error)
            case Step.FAIL:
                raise error
            case _:
                self.raise_unknown(error)

    async def _paused(self, end: End, error: ThredfiError) -> bool:
        """Wait before the next attempt; False where there is to be none, with a note why."""
        retry_after = getattr(error, "retry_after", None)
        wait = self.policy.wait(self.attempts, retry_after=retry_after)
        if wait is None:
            return False
        if wait >= self.remaining():
            error.add_note("There was no time left for another attempt.")
            return False
        # Waiting as Thred asks for costs nothing.
        if retry_after is None or end not in (End.LATER, End.IN_PROGRESS):
            if not self.shared.budget.take():
                error.add_note("Too many calls fail: the retry budget is used up.")
                return False
            self.retried = True
        operation = self.request.operation
        if operation.scope is TokenScope.BASIC or operation is GET_BUSINESS_TOKEN:
            self.shared.token_failures[self.request.path.get("business_id", PARTNER)] = error
        told = (operation.id, self.attempts, end.value, wait)
        log.info("%s: attempt %d failed (%s); again in %.2f s", *told)
        await self.shared.clock.sleep(wait)
        return True

    # --- reading what has become of it ---------------------------------------------------

    async def _read_back(
        self,
        operation: Operation[Any],
        path: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        retries: int | None = None,
        patient: bool = False,
    ) -> Exchanged:
        """The answer to a read, within the deadline of this call."""
        remaining = max(self.remaining(), 0.001)
        options: CallOptions = {"deadline": remaining, "timeout": self.timeout}
        if retries is not None:
            options["retries"] = retries
        request = prepare(operation, path=path, query=query, body=None)
        # Where it can't be sent again, there is no later round that could read.
        hands_back = self.manner.hands_back and self.is_repeatable()
        call = _Call(self.shared, request, options, Manner(hands_back=hands_back and not patient))
        try:
            await call.run()
        except (HandedBack, RateLimited) as back:
            if not hands_back:
                raise
            history = History(self.attempts, self.uncertain, self.last_sent)
            error = back if isinstance(back, RateLimited) else back.error
            raise HandedBack(history, back.retry_after, error) from None
        assert call.answer is not None
        return call.answer

    async def _looked_up(self, end: End, known: Known, error: ThredfiError | None) -> Step:
        """What to do, by what a look-up finds."""
        looked = await find(
            self.request,
            self.shared,
            self._read_back,
            until=self.deadline,
            counts_from=None if self.last_sent is None else self.last_sent + self.timeout,
            last_try=known.spent,
            may_scan=self.manner.may_scan,
            absence=known.uncertain or end is not End.MAYBE_THERE,
        )
        step = after_look_up(end, looked.finding, known)
        if step is Step.DONE and looked.answer is not None:
            self.answer = looked.answer
            self.shown = looked.answer[2]
        elif looked.error is not None and error is not None:
            error.add_note(f"A look-up of it failed: {looked.error}")
        return step

    async def _confirm(self, refusal: ThredfiError) -> None:
        """Done, if a read shows that an earlier attempt did what is refused now."""
        counts_from = (self.last_sent or 0.0) + self.timeout
        facts = (self.request, self.shared, self._read_back)
        try:
            found = await confirmed(*facts, until=self.deadline, counts_from=counts_from)
        except ThredfiError as error:
            self.raise_unknown(error)
        if found is False:
            raise refusal
        if found is True:
            self.raise_unknown(refusal)
        self.answer = found
        self.shown = found[2]

    # --- what comes around an answer -----------------------------------------------------

    async def response(self, value: Any) -> Response[Any]:
        """The answer that the call ended with, around its decoded value."""
        assert self.answer is not None
        status, headers, data = self.answer
        differing: tuple[Difference, ...] = ()
        if status == 200 and self.request.operation.lookup is not None:
            is_current = self.shown is not None
            try:
                differing = await differences(
                    self.request, data, self._read_back, is_current=is_current
                )
            except asyncio.CancelledError as cancelled:
                self.note_on(cancelled)
                raise
        return Response(value, status, headers, data, self.attempts, differing)

    # --- token, queue, time --------------------------------------------------------------

    async def _wait_for_token(self, scope: str) -> Token:
        try:
            async with asyncio.timeout(self.remaining()):
                return await self.shared.tokens.get(scope)
        except TimeoutError:
            error: ThredfiError = self.no_token()
        except ThredfiError as failed:
            error = failed
        # A refusal of the token call proves nothing about this one.
        if self.uncertain and self.request.operation.replay is not Replay.SAFE:
            self.raise_unknown(error)
        raise error

    async def _queue(self) -> None:
        try:
            async with asyncio.timeout(self.remaining()):
                await self.shared.gate.enter()
        except TimeoutError:
            raise self.unanswered(
                End.NOT_SENT, "the deadline passed while the call was queued"
            ) from None


async def _check_files(form: Form) -> None:
    try:
        await check_readable(form)
    except UnreadableError as error:
        raise InvalidRequest.at("file", str(error)) from error
