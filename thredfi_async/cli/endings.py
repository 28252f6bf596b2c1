"""How commands end: the exit statuses of all of them, and what leads to which."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable

import attrs

from ..errors import ApiError, OutcomeUnknown, ThredfiError
from .output import OutputLost, complain

__all__ = ["STATUSES", "Course", "Exit", "Interrupted", "carry_out"]


class Exit(enum.IntEnum):
    """The exit statuses of every command."""

    WELL = 0
    NOT_ALL_WELL = 1
    COULD_NOT_RUN = 2
    BROKE_OFF = 3
    INTERRUPTED = 130


STATUSES = (
    "Exit status: 0 all well; 1 some records failed, differ or are unknown, or Thred refused; "
    "2 could not run, nothing was sent; 3 broke off after something was sent; 130 interrupted."
)


class Interrupted(Exception):
    """Ctrl-C or SIGTERM, and what is to be said of the call that it cut off."""

    @classmethod
    def of(cls, interrupt: KeyboardInterrupt) -> Interrupted:
        """With the notes of an interrupt in its text."""
        return cls(". ".join(["interrupted", *getattr(interrupt, "__notes__", ())]))


@attrs.define
class Course:
    """How far a command has come.

    ``sent``: something was sent that may have changed what Thred has. Tokens and reads don't.
    """

    sent: bool = False

    def broken_off(self) -> Exit:
        """The status of ending here and now."""
        return Exit.BROKE_OFF if self.sent else Exit.COULD_NOT_RUN

    def ended_by(self, error: ThredfiError) -> Exit:
        """The status of a command that a call of its own ends."""
        if isinstance(error, ApiError | OutcomeUnknown):
            return Exit.NOT_ALL_WELL
        return self.broken_off()


def carry_out(
    command: Callable[[Course], int], *, report: Callable[[object], None] = complain
) -> int:
    """Run a command to its end, whatever ends it; ``report`` says what that was."""
    course = Course()
    try:
        try:
            status = command(course)
        except ThredfiError as error:
            report(error)
            status = course.ended_by(error)
        if status != Exit.INTERRUPTED:  # else what is left may be what was waited for in vain
            sys.stdout.flush()
    except OutputLost as lost:
        report(lost)
        return course.broken_off()
    except KeyboardInterrupt as interrupt:
        report(Interrupted.of(interrupt))
        return Exit.INTERRUPTED
    return status
