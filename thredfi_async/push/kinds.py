"""What can be pushed, what can be done with it, and what refers to what.

All that the engine knows about the API is this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .. import operations as ops
from ..operation import Operation

__all__ = ["BUSINESS", "CREATE", "DELETE", "KINDS", "UPDATE", "Kind", "Link"]

BUSINESS = "business"
CREATE, UPDATE, DELETE = "create", "update", "delete"


@attrs.frozen
class Link:
    """A field that refers to another record: ``<name>_id``, or ``<name>_external_id`` instead.

    ``name`` is that of the type it refers to, unless given. ``within`` is the list whose
    elements carry the field (None: the record itself). ``native`` means that the API resolves
    the external id of a create by itself. ``many``: the field is a list, ``<name>_ids`` or
    ``<name>_external_ids``.
    """

    to: str
    name: str = attrs.field(default=attrs.Factory(lambda self: self.to, takes_self=True))
    within: str | None = None
    native: bool = False
    many: bool = False
    id_field: str = attrs.field(init=False)
    external_field: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        ending = "s" if self.many else ""
        object.__setattr__(self, "id_field", f"{self.name}_id{ending}")
        object.__setattr__(self, "external_field", f"{self.name}_external_id{ending}")


@attrs.frozen
class Kind:
    """One type of record.

    ``actions`` are the operations that carry out what a record may ask for, by name.
    ``parent`` is the link to what it belongs to, which stands in the path instead of the body.
    A create of a kind with ``after`` is sent only when every earlier one with the same
    ``before`` has ended that names the same record of that type: a refund is limited to what
    was paid.
    """

    name: str
    actions: Mapping[str, Operation[Any]] = attrs.field(repr=False)
    links: tuple[Link, ...] = ()
    parent: Link | None = None
    before: str | None = None
    after: str | None = None

    @property
    def create(self) -> Operation[Any]:
        """What makes one."""
        return self.actions[CREATE]

    @property
    def all_links(self) -> tuple[Link, ...]:
        """``links``, and ``parent`` before them."""
        return self.links if self.parent is None else (self.parent, *self.links)

    def path(self, business_id: str, parent_id: str | None, id: str | None) -> dict[str, str]:
        """The path parameters of an action: a create has no ``id``."""
        if self.name == BUSINESS:
            return {} if id is None else {"business_id": id}
        path = {"business_id": business_id}
        if self.parent is not None and parent_id is not None:
            path[self.parent.id_field] = parent_id
        if id is not None:
            names = (name for one in self.actions.values() for name in one.path_parameters)
            path[next(name for name in names if name not in path)] = id
        return path


def _kind(
    name: str,
    create: Operation[Any],
    *links: Link,
    parent: Link | None = None,
    before: str | None = None,
    after: str | None = None,
    **actions: Operation[Any],
) -> Kind:
    return Kind(name, {CREATE: create, **actions}, links, parent, before, after)


_CUSTOMER = Link("customer", native=True)
_VENDOR = Link("vendor", native=True)
_INVOICES = Link("invoice", within="allocations")
_BILLS = Link("bill", within="allocations")
_BILL_PAYMENTS = Link("bill_payment", within="allocations")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind(BUSINESS, ops.CREATE_BUSINESS, update=ops.UPDATE_BUSINESS),
        _kind(
            "account",
            ops.CREATE_ACCOUNT,  # a child too: by its parent_id
            Link("account", "parent"),
            update=ops.UPDATE_ACCOUNT,
            archive=ops.ARCHIVE_ACCOUNT,
        ),
        _kind(
            "customer",
            ops.CREATE_CUSTOMER,
            update=ops.UPDATE_CUSTOMER,
            archive=ops.ARCHIVE_CUSTOMER,
            unarchive=ops.UNARCHIVE_CUSTOMER,
        ),
        _kind(
            "vendor",
            ops.CREATE_VENDOR,
            update=ops.UPDATE_VENDOR,
            archive=ops.ARCHIVE_VENDOR,
            unarchive=ops.UNARCHIVE_VENDOR,
        ),
        _kind(
            "invoice",
            ops.CREATE_INVOICE,
            _CUSTOMER,
            update=ops.UPDATE_INVOICE,
            void=ops.VOID_INVOICE,
        ),
        _kind(
            "payment",
            ops.CREATE_INVOICE_PAYMENT,
            Link("customer"),
            Link("invoice"),
            _INVOICES,
            before="invoice",
            update=ops.PARTIAL_UPDATE_INVOICE_PAYMENT,
            delete=ops.DELETE_INVOICE_PAYMENT,
        ),
        _kind(
            "refund",
            ops.CREATE_REFUND,
            Link("invoice"),
            after="invoice",
            delete=ops.DELETE_REFUND,
        ),
        _kind(
            "refund_payment",
            ops.CREATE_REFUND_PAYMENT,
            parent=Link("refund"),
            delete=ops.DELETE_REFUND_PAYMENT,
        ),
        _kind(
            "payout",
            ops.CREATE_PAYOUT,
            Link("payment", many=True),
            Link("refund_payment", many=True),
            delete=ops.DELETE_PAYOUT,
        ),
        _kind(
            "customer_credit",
            ops.CREATE_CUSTOMER_CREDIT,
            _CUSTOMER,
            Link("invoice", "source_invoice"),
            _INVOICES,
            before="invoice",
            update=ops.UPDATE_CUSTOMER_CREDIT,
            delete=ops.DELETE_CUSTOMER_CREDIT,
        ),
        _kind(
            "write_off",
            ops.CREATE_INVOICE_WRITE_OFF,
            parent=Link("invoice"),
            after="invoice",
        ),
        _kind(
            "bill",
            ops.CREATE_BILL,
            _VENDOR,
            update=ops.UPDATE_BILL,
            void=ops.VOID_BILL,
        ),
        _kind(
            "bill_payment",
            ops.CREATE_BILL_PAYMENT,
            Link("vendor"),
            _BILLS,
            before="bill",
            update=ops.UPDATE_BILL_PAYMENT,
            delete=ops.DELETE_BILL_PAYMENT,
        ),
        _kind(
            "vendor_credit",
            ops.CREATE_VENDOR_CREDIT,
            _VENDOR,
            Link("bill", "source_bill"),
            _BILLS,
            before="bill",
            update=ops.UPDATE_VENDOR_CREDIT,
            delete=ops.DELETE_VENDOR_CREDIT,
        ),
        _kind(
            "vendor_refund",
            ops.CREATE_VENDOR_REFUND,
            Link("vendor"),
            _BILLS,
            _BILL_PAYMENTS,
            after="bill",
            update=ops.UPDATE_VENDOR_REFUND,
            delete=ops.DELETE_VENDOR_REFUND,
        ),
        _kind(
            "vendor_refund_payment",
            ops.CREATE_VENDOR_REFUND_PAYMENT,
            Link("vendor"),
            _BILLS,
            _BILL_PAYMENTS,
            after="bill",
            update=ops.UPDATE_VENDOR_REFUND_PAYMENT,
            delete=ops.DELETE_VENDOR_REFUND_PAYMENT,
        ),
    )
}
