"""What can be pushed, and what refers to what. All the engine knows about the API is this table."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

import attrs

from ..call import Caller
from ..services.customers import Customers
from ..services.invoices import Invoices
from ..services.payments import Payments
from ..services.refund_payments import RefundPayments
from ..services.refunds import Refunds

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


class Created(Protocol):
    """What a service gives back for a record that it made."""

    @property
    def id(self) -> str | None: ...


class Creating(Protocol):
    """A service of one business that makes records."""

    def create(self, *path_and_body: Any, **options: Any) -> Awaitable[Created]: ...


class CreatingClass(Protocol):
    """The class of such a service."""

    def __call__(self, caller: Caller, business_id: str, /) -> Creating: ...


@attrs.frozen
class Kind:
    """One type of record.

    ``service`` creates it. ``parent`` is the field that names what it belongs to, and stands in
    the path instead of the body. ``referenced``: whether other records refer to this type, so
    that its Thred ids must be remembered. A kind with ``after`` is sent only when every earlier
    kind with the same ``before`` has ended that names the same record of that type: a refund is
    limited to what was paid.
    """

    name: str
    service: CreatingClass
    links: tuple[Link, ...] = ()
    parent: str | None = None
    referenced: bool = True
    before: str | None = None
    after: str | None = None


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("customer", Customers),
        Kind("invoice", Invoices, (Link("customer", native=True),)),
        Kind(
            "payment",
            Payments,
            (Link("customer"), Link("invoice"), Link("invoice", within="allocations")),
            referenced=False,
            before="invoice",
        ),
        Kind("refund", Refunds, (Link("invoice"),), after="invoice"),
        Kind(
            "refund_payment",
            RefundPayments,
            (Link("refund"),),
            parent="refund_id",
            referenced=False,
        ),
    )
}
