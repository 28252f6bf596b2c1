"""Pushing many records: in the order that references ask for, otherwise side by side."""

from .front import Push, push
from .journal import Journal
from .outcome import Outcome, Status, WaitedFor
from .records import Record
from .summary import Summary

__all__ = ["Journal", "Outcome", "Push", "Record", "Status", "Summary", "WaitedFor", "push"]
