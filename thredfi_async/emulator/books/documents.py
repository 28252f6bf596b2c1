"""Files that were sent along with something, or ahead of it."""

from __future__ import annotations

from datetime import datetime

import attrs

__all__ = ["Document"]


@attrs.frozen(kw_only=True, eq=False)
class Document:
    """A stored file."""

    id: str
    name: str
    content_type: str
    content: bytes = attrs.field(repr=False)
    created_at: datetime
