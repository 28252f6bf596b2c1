"""What Thred's own widget calls beyond the description."""

from __future__ import annotations

from typing import Any

from ..operation import Operation, Parameter, Replay, TokenScope
from .call import Answer, Call, Handler
from .paging import page_of
from .problems import not_found
from .resources import categorization, exports, matching, stats

__all__ = ["HANDLERS", "OPEN", "OPERATIONS"]

_BUSINESS = "/v1/platform/businesses/{business_id}"


# --- without an outside service -----------------------------------------------------------


def _no_bank(call: Call) -> Answer:
    """Links to banks are made by an outside service."""
    text = "The emulator is connected to no bank: use Emulator.add_bank_account."
    return Answer(200, {"success": False, "message": text})


def _fetched_accounts(call: Call) -> Answer:
    accounts = [
        {
            "id": account.id,
            "account_key": account.key,
            "display_name": account.name,
            "mask": account.mask,
            "is_active": account.is_active,
            "bank_link_id": account.link_id,
        }
        for account in call.books.bank_accounts.values()
    ]
    return Answer(200, {"accounts": accounts})


def _tasks(call: Call) -> Answer:
    """None: bookkeepers set them."""
    return page_of(call, [], dict)


def _task_message(call: Call) -> Answer:
    raise not_found("task")


def _prices(call: Call) -> Answer:
    tiers = [
        {"name": name, "display_order": place, "price_cents": price, "transactions_per_month": most}
        for place, (name, price, most) in enumerate(
            [("Small", 1_000, 100), ("Medium", 2_000, 1_000), ("Large", 5_000, None)], 1
        )
    ]
    return Answer(200, {"currency": "EUR", "tiers": tiers})


def _inquiry(call: Call) -> Answer:
    return Answer(201, {"message": "Thank you."})


# --- the endpoints ------------------------------------------------------------------------

_JSON = (("application/json", None),)
_PAGE = (Parameter("page", type="integer"), Parameter("page_size", type="integer"))
_DAYS = (Parameter("start_date", type="date"), Parameter("end_date", type="date"))


def _operation(id: str, method: str, path: str, **more: Any) -> Operation[Any]:
    return Operation(
        id=id,
        method=method,
        path=path,
        tag="Widget",
        scope=TokenScope.BUSINESS,
        replay=Replay.SAFE if method == "GET" else Replay.UNSAFE,
        path_parameters=tuple(part[1:-1] for part in path.split("/") if part.startswith("{")),
        undocumented=True,
        **more,
    )


def _get(id: str, path: str, *query: Parameter) -> Operation[Any]:
    return _operation(id, "GET", path, query=query)


def _post(id: str, path: str, method: str = "POST") -> Operation[Any]:
    return _operation(id, method, path, bodies=_JSON)


_TRANSACTION = f"{_BUSINESS}/bank-transactions/{{transaction_id}}"
_LEDGER = f"{_BUSINESS}/general-ledger"
_PRICING = "/api/v1/product-pricing"
_TIERS = _post("list_product_pricing_tiers", f"{_PRICING}/tiers/")
_INQUIRIES = _post("create_product_pricing_inquiry", f"{_PRICING}/inquiries/")

_ENDPOINTS: dict[Operation[Any], Handler] = {
    _get(
        "list_transaction_categories", "/v1/platform/transaction-categories/{business_id}/"
    ): categorization.categories,
    _get("get_ar_stats", f"{_BUSINESS}/ar/stats/"): stats.ar_stats,
    _get("get_ap_stats", f"{_BUSINESS}/ap/stats/"): stats.ap_stats,
    _get(
        "get_expense_breakdown", f"{_BUSINESS}/insights/expense-breakdown/", *_DAYS
    ): stats.expense_breakdown,
    _post("match_payment", f"{_TRANSACTION}/match-payment/"): matching.match_invoice,
    _post("unmatch_payment", f"{_TRANSACTION}/unmatch-payment/"): matching.unmatch_invoice,
    _post("match_bill_payment", f"{_TRANSACTION}/match-bill-payment/"): matching.match_bill,
    _post("unmatch_bill_payment", f"{_TRANSACTION}/unmatch-bill-payment/"): matching.unmatch_bill,
    _post(
        "update_transaction_categorization",
        f"{_BUSINESS}/update-transaction-categorization/{{transaction_id}}/",
        "PATCH",
    ): categorization.categorize,
    _post(
        "uncategorize_transaction", f"{_BUSINESS}/uncategorize-transaction/{{transaction_id}}/"
    ): categorization.uncategorize,
    _post(
        "split_transaction", f"{_BUSINESS}/split-transaction/{{transaction_id}}/"
    ): categorization.split,
    _get(
        "export_chart_of_accounts",
        f"{_LEDGER}/chart-of-accounts/export/",
        Parameter("fiscal_year", type="integer"),
    ): exports.export_accounts,
    _get("export_journal_entries", f"{_LEDGER}/journal-entries/export/"): exports.export_entries,
    _post("create_link_token", f"{_BUSINESS}/create-link-token/"): _no_bank,
    _post("exchange_token", f"{_BUSINESS}/exchange-token/"): _no_bank,
    _post("link_accounts", f"{_BUSINESS}/link-accounts/"): _no_bank,
    _get("fetch_accounts", f"{_BUSINESS}/fetch-accounts/"): _fetched_accounts,
    _get("list_tasks", f"{_BUSINESS}/tasks/", *_PAGE): _tasks,
    _operation(
        "create_task_message", "POST", f"{_BUSINESS}/tasks/{{task_id}}/messages/"
    ): _task_message,
    _TIERS: _prices,
    _INQUIRIES: _inquiry,
}

OPERATIONS = tuple(_ENDPOINTS)
OPEN = frozenset({_TIERS.id, _INQUIRIES.id})  # without a token
HANDLERS: dict[str, Handler] = {operation.id: handler for operation, handler in _ENDPOINTS.items()}
