"""What can be pushed, and what refers to what. All the engine knows about the API is this table."""

from __future__ import annotations

import attrs

__all__ = ["KINDS", "Kind", "Link"]


@attrs.frozen
class Link:
    """A field that refers to another record: ``<to>_id``, or ``<to>_external_id`` in its place.

    ``within`` is the list whose elements carry the field (None: the record itself).
    ``native`` means that the API resolves the external id by itself.
    """

    to: str
    within: str | None = None
    native: bool = False
    id_field: str = attrs.field(init=False)
    external_field: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "id_field", f"{self.to}_id")
        object.__setattr__(self, "external_field", f"{self.to}_external_id")


@attrs.frozen
class Kind:
    """One type of record.

    ``service`` is the attribute of `BusinessClient` that creates it. ``parent`` is the
    field that stands in the path instead of the body. ``referenced``: whether other
    records refer to this type, so that its Thred ids must be remembered. A kind with
    ``after`` is sent only when every earlier kind with the same ``before`` has ended
    that names the same record of that type: a refund is limited to what was paid.
    """

    name: str
    service: str
    links: tuple[Link, ...] = ()
    parent: str | None = None
    referenced: bool = True
    before: str | None = None
    after: str | None = None


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("customer", "customers"),
        Kind("invoice", "invoices", (Link("customer", native=True),)),
        Kind(
            "payment",
            "payments",
            (Link("customer"), Link("invoice"), Link("invoice", within="allocations")),
            referenced=False,
            before="invoice",
        ),
        Kind("refund", "refunds", (Link("invoice"),), after="invoice"),
        Kind(
            "refund_payment",
            "refund_payments",
            (Link("refund"),),
            parent="refund_id",
            referenced=False,
        ),
    )
}
