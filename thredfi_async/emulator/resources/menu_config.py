"""Which tabs the embedded interface shows."""

from __future__ import annotations

from ... import operations
from ..call import Answer, Call, Handler

__all__ = ["HANDLERS"]

_TABS = (
    "insights tasks bank_transactions general_ledger reports accounts_receivable accounts_payable"
).split()


def _get(call: Call) -> Answer:
    default = {"menu": dict.fromkeys(_TABS, True), "sub_menu_tabs": {}}
    return Answer(200, {"data": call.books.menu or default})


def _update(call: Call) -> Answer:
    fields = call.fields()
    call.books.menu = {
        "menu": {tab: bool(fields["menu"].get(tab)) for tab in _TABS},
        "sub_menu_tabs": fields.get("sub_menu_tabs", {}),
    }
    return _get(call)


def _delete(call: Call) -> Answer:
    call.books.menu = None
    return Answer(204)


HANDLERS: dict[str, Handler] = {
    operations.GET_MENU_CONFIG.id: _get,
    operations.UPDATE_MENU_CONFIG.id: _update,
    operations.DELETE_MENU_CONFIG.id: _delete,
}
