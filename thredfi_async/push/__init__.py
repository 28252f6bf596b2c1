"""Pushing many records: in the order that references ask for, otherwise side by side."""

from .front import Push, push
from .ids import IdStore, Key, Known, MemoryIdStore
from .ids_sqlite import SqliteIdStore, open_known
from .journal import Journal
from .outcome import Outcome, Status, WaitedFor
from .records import Record
from .sender import OnDifference
from .summary import Summary

__all__ = [
    "IdStore",
    "Journal",
    "Key",
    "Known",
    "MemoryIdStore",
    "OnDifference",
    "Outcome",
    "Push",
    "Record",
    "SqliteIdStore",
    "Status",
    "Summary",
    "WaitedFor",
    "open_known",
    "push",
]
