"""The chart of accounts, and what is booked on each account."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date
from itertools import accumulate
from typing import Any

from ... import operations
from ..books import Account, Books, EntryLine
from ..books.chart import DEFAULT_SUBTYPES, GROUPS, TYPES
from ..books.statements import fiscal_year
from ..call import Answer, Call, Handler
from ..filtering import matches_text
from ..paging import cut_page, page_of
from ..problems import REQUIRED, Problem, conflict, duplicate, invalid, not_found
from .account_views import detail_view, node_view, row_view

__all__ = ["HANDLERS"]

_TYPES = [type for type, _, _ in TYPES]
_SOURCES = {"payment": "invoice_payment"}  # a line's source_type, where it isn't the row's kind


def _named(call: Call) -> Account:
    found = call.books.ledger.find(call.path["account_id"])
    if found is None:
        raise not_found("account")
    return found


# --- looking ---------------------------------------------------------------------------


def _list(call: Call) -> Answer:
    asked, books = call.query, call.books
    _check_choice("account_type", asked, _TYPES)
    _check_choice("group_by", asked, ["type"])
    period, year = _period(asked), _fiscal_year(call)
    parent = books.ledger.find(asked.get("parent_id", ""))
    type = asked.get("account_type", "").lower()

    def wanted(account: Account) -> bool:
        return (
            ("parent_id" not in asked or (parent is not None and account.parent is parent))
            and type in ("", account.type)
            and (asked.get("include_zero_balance", True) or account.balance != 0)
            and matches_text(asked.get("search"), [account.code, account.name])
            and (year is None or any(any(one.lines_within(*year)) for one in account.tree()))
        )

    def place(account: Account) -> tuple[int, str]:
        return (_TYPES.index(account.type) if "group_by" in asked else 0, account.code)

    rows = sorted(filter(wanted, books.ledger.accounts.values()), key=place)
    return page_of(call, rows, lambda row: row_view(books, row, period))


def _check_choice(name: str, asked: Mapping[str, Any], known: list[str]) -> None:
    if name in asked and asked[name].lower() not in known:
        raise invalid(**{name: f"Must be one of {', '.join(known)}."})


def _period(asked: Mapping[str, Any]) -> tuple[date, date] | None:
    """First and last day of the month that is asked for. Raises 400."""
    year, month = asked.get("period_year"), asked.get("period_month")
    if year is None and month is None:
        return None
    if year is None:
        raise invalid(period_year="Goes with period_month.")
    if month is None:
        raise invalid(period_month="Goes with period_year.")
    _check_year("period_year", year)
    if not 1 <= month <= 12:
        raise invalid(period_month="Must be from 1 to 12.")
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _fiscal_year(call: Call) -> tuple[date, date] | None:
    """First and last day of the fiscal year that is asked for. Raises 400."""
    year = call.query.get("fiscal_year")
    if year is None:
        return None
    _check_year("fiscal_year", year)
    return fiscal_year(call.books.fiscal_year_end, year)


def _check_year(name: str, year: int) -> None:
    if not date.min.year <= year <= date.max.year:
        raise invalid(**{name: "Must be a year such as 2025."})


def _hierarchy(call: Call) -> Answer:
    ledger, year = call.books.ledger, _fiscal_year(call)
    roots = [account for account in ledger.accounts.values() if account.parent is None]
    tree = [node_view(root, year) for root in roots]
    return Answer(200, {"hierarchy": tree, "total_accounts": len(ledger.accounts)})


def _get(call: Call) -> Answer:
    return Answer(200, detail_view(call.books, _named(call)))


def _entries(call: Call) -> Answer:
    account = _named(call)
    first, last = call.query.get("start_date"), call.query.get("end_date")
    if first and last and first > last:
        raise invalid(end_date="Must not be before start_date.")
    lines = sorted(account.lines_within(first, last), key=lambda line: line.entry.day)
    opening = account.own_net(None, last) - account.own_net(first, last)
    balances = list(accumulate((line.amount for line in lines), initial=opening))
    shown = list(zip(lines, balances[1:], strict=True))
    paged = "page" in call.query or "page_size" in call.query
    return Answer(
        200,
        {
            "account_id": account.id,
            "account_code": account.code,
            "account_name": account.name,
            "opening_balance_cents": account.sign * opening,
            "closing_balance_cents": account.sign * balances[-1],
            "total_debits_cents": sum(line.debit for line in lines),
            "total_credits_cents": sum(line.credit for line in lines),
            "entry_count": len(lines),
            "entries": [
                _line_view(line, account.sign * balance)
                for line, balance in (cut_page(call, shown) if paged else shown)
            ],
        },
    )


def _line_view(line: EntryLine, balance: int) -> dict[str, Any]:
    entry, kind = line.entry, line.entry.source.kind
    return {
        "id": line.id,
        "journal_entry_id": entry.id,
        "journal_entry_date": entry.day,
        "journal_entry_reference": entry.source.label,
        "journal_entry_description": entry.posting.text,
        "line_number": line.number,
        "debit_amount_cents": line.debit,
        "credit_amount_cents": line.credit,
        "description": entry.posting.text,
        "running_balance_cents": balance,
        "source_type": _SOURCES.get(kind, kind),
        "created_at": entry.posted_at,
    }


# --- changing --------------------------------------------------------------------------


def _create(call: Call) -> Answer:
    books, fields = call.books, call.fields()
    known = books.ledger.by_external_id(fields.get("external_id"))
    if known is not None:
        return Answer(200, detail_view(books, known))
    parent = _parent(books, fields)
    type, subtype = _kind(fields, parent)
    _check_flags(fields, type)
    _check_name(books, fields)
    account = books.ledger.add_account(
        code=fields["code"],
        name=fields["name"],
        subtype=subtype,
        parent=parent or books.ledger.group(subtype),
        external_id=fields.get("external_id"),
        fields=fields,
        is_cash=fields.get("is_cash_account", False),
        is_non_cash_expense=fields.get("is_non_cash_expense", False),
        balance_behavior=fields.get("balance_behavior", ""),
    )
    return Answer(201, detail_view(books, account))


def _create_child(call: Call) -> Answer:
    books, fields, parent = call.books, call.fields(), _named(call)
    known = books.ledger.by_external_id(fields.get("external_id"))
    if known is not None:
        if known.parent is not parent:
            raise duplicate("account")
        return Answer(200, detail_view(books, known))
    if not parent.is_active:
        raise conflict("An archived account takes no children.")
    _check_name(books, fields)
    account = books.ledger.add_account(
        code=fields["code"],
        name=fields["name"],
        subtype=parent.group,
        parent=parent,
        external_id=fields.get("external_id"),
        fields=fields,
        is_cash=parent.is_cash,
        is_non_cash_expense=parent.is_non_cash_expense,
        balance_behavior=parent.balance_behavior,
    )
    return Answer(201, detail_view(books, account))


def _parent(books: Books, fields: Mapping[str, Any]) -> Account | None:
    """The parent that a new account names. Raises 400."""
    if "parent_id" not in fields:
        return None
    parent = books.ledger.find(fields["parent_id"])
    if parent is None:
        raise invalid(parent_id="No account has this id, code or external_id.")
    if not parent.is_active:
        raise invalid(parent_id="The account is archived.")
    return parent


def _kind(fields: Mapping[str, Any], parent: Account | None) -> tuple[str, str]:
    """Type and subtype of a new account: as given, else as its parent's. Raises 400."""
    type, subtype = fields.get("account_type"), fields.get("account_subtype")
    if type is None:
        if parent is not None:
            type = parent.type
        elif subtype is not None:
            type = GROUPS[subtype][0]
        else:
            raise invalid(account_type=REQUIRED)
    if parent is not None and parent.type != type:
        raise invalid(account_type=f"The parent is of type {parent.type}.")
    if subtype is None:
        subtype = parent.group if parent is not None else DEFAULT_SUBTYPES[type]
    if GROUPS[subtype][0] != type:
        fitting = ", ".join(name for name, group in GROUPS.items() if group[0] == type)
        raise invalid(account_subtype=f"An account of type {type} takes one of {fitting}.")
    if parent is not None and parent.subtype not in (None, subtype):
        raise invalid(account_subtype=f"The parent is of subtype {parent.subtype}.")
    return type, subtype


def _check_flags(fields: Mapping[str, Any], type: str) -> None:
    if fields.get("is_non_cash_expense") and type != "expense":
        raise invalid(is_non_cash_expense="Only an expense account can be one.")
    if fields.get("is_cash_account") and type not in ("asset", "liability"):
        raise invalid(is_cash_account="Only an asset or liability account can be one.")


def _check_name(books: Books, fields: Mapping[str, Any]) -> None:
    """Refuse a new account without code or name, or with the code of another. Raises 400, 409."""
    missing = [name for name in ("code", "name") if not fields.get(name)]
    if missing:
        raise invalid(**dict.fromkeys(missing, REQUIRED))
    if books.ledger.by_code(fields["code"]) is not None:
        text = "Another account has this code."
        raise Problem(409, "duplicate_code", text, {"code": [text]})


def _update(call: Call) -> Answer:
    books, account, changes = call.books, _named(call), call.changes()
    if not changes.get("name", True):
        raise invalid(name="This field may not be blank.")
    external_id = changes.get("external_id", account.external_id)
    if books.ledger.by_external_id(external_id) not in (None, account):
        raise duplicate("account")
    books.ledger.rename(account, external_id)
    account.name = changes.get("name", account.name)
    account.fields.update(changes)
    return Answer(200, detail_view(books, account))


def _archive(call: Call) -> Answer:
    books, account = call.books, _named(call)
    if not account.is_active:
        raise conflict("The account is archived already.")
    if books.ledger.has_role(account):
        raise conflict("The account is one that invoices, bills and payments are booked on.")
    if account.balance:
        raise conflict("The account has a balance.")
    if any(child.is_active for child in account.children):
        raise conflict("The account has active accounts below it.")
    account.is_active = False
    return Answer(200, detail_view(books, account))


HANDLERS: dict[str, Handler] = {
    operations.LIST_CHART_OF_ACCOUNTS.id: _list,
    operations.GET_CHART_OF_ACCOUNTS_HIERARCHY.id: _hierarchy,
    operations.GET_ACCOUNT_DETAIL.id: _get,
    operations.GET_ACCOUNT_ENTRIES.id: _entries,
    operations.CREATE_ACCOUNT.id: _create,
    operations.CREATE_CHILD_ACCOUNT.id: _create_child,
    operations.UPDATE_ACCOUNT.id: _update,
    operations.ARCHIVE_ACCOUNT.id: _archive,
}
