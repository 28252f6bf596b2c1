"""A local server that speaks Thred's Partner API and keeps books: for tests, demos, development.

Not Thred's sandbox: that is Thred's own test environment.
"""

from __future__ import annotations

from .books import Books, Totals
from .server import Emulator

__all__ = ["Books", "Emulator", "Totals"]
