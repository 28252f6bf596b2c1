"""Pushing many records: in the order that references ask for, otherwise side by side."""

from .engine import Push, push
from .journal import Journal
from .outcome import Outcome, Status, WaitedFor
from .report import Summary
from .run import Record

__all__ = ["Journal", "Outcome", "Push", "Record", "Status", "Summary", "WaitedFor", "push"]
