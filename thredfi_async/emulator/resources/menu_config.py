"""Which tabs the embedded interface shows."""

from __future__ import annotations

from typing import Any

from ... import operations
from ..call import Answer, Call, Handler, without_none

__all__ = ["HANDLERS"]

_TABS = (
    "insights tasks bank_transactions general_ledger reports accounts_receivable accounts_payable"
).split()


def _shown(call: Call) -> dict[str, Any]:
    return call.books.menu or {"menu": dict.fromkeys(_TABS, True), "sub_menu_tabs": {}}


def _get(call: Call) -> Answer:
    return Answer(200, {"data": _shown(call)})


def _update(call: Call) -> Answer:
    fields, shown = call.fields(), _shown(call)
    menu = without_none(fields["menu"])
    call.books.menu = {
        "menu": {tab: menu.get(tab, shown["menu"][tab]) for tab in _TABS},
        "sub_menu_tabs": shown["sub_menu_tabs"] | fields.get("sub_menu_tabs", {}),
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
