"""What all rows of the books have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from .documents import Document
from .ledger import Posting

__all__ = ["Row"]


@attrs.define(kw_only=True, eq=False)
class Row:
    """One thing in the books; ``fields`` are those of the request, by their names on the wire.

    Amounts are in minor units. What follows from other rows is computed from them, and so is
    what the ledger holds: see ``postings``.
    """

    kind: ClassVar[str]  # what the API calls it: invoice, vendor_refund …

    id: str
    external_id: str | None
    fields: dict[str, Any] = attrs.field(factory=dict)
    documents: list[Document] = attrs.field(factory=list)
    created_at: datetime
    updated_at: datetime

    @property
    def within(self) -> str:
        """The id of what its external_id is unique in; empty: the business."""
        return ""

    @classmethod
    def title(cls) -> str:
        """The kind in words."""
        return cls.kind.replace("_", " ")

    @property
    def label(self) -> str:
        """What to call it in an entry."""
        return f"{self.title().capitalize()} {self.external_id or self.id}"

    def postings(self) -> Mapping[str, Posting]:
        """What the ledger is to hold of it as it stands: nothing, for most rows."""
        return {}
