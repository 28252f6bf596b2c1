"""Businesses and the tax codes that each is set up with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ... import codec, operations
from ...operation import ModelRef
from ..books import Books, Role
from ..books.chart import starting_accounts
from ..call import Answer, Call, Handler, World
from ..checks import check_email
from ..paging import page_of
from ..problems import Problem, TextProblem, invalid

__all__ = ["HANDLERS", "set_up"]

# Standard and reduced VAT (or its like) in percent, by country; every country has EXEMPT too.
_RATES: dict[str, tuple[str, tuple[int, ...]]] = {
    "GB": ("VAT", (20, 5, 0)),
    "DE": ("UST", (19, 7, 0)),
    "FR": ("TVA", (20, 10, 0)),
    "NL": ("BTW", (21, 9, 0)),
    "ES": ("IVA", (21, 10, 4)),
    "BE": ("BTW", (21, 12, 6)),
    "IT": ("IVA", (22, 10, 4)),
    "IE": ("VAT", (23, 9, 0)),
    "AT": ("UST", (20, 13, 10)),
    "PT": ("IVA", (23, 13, 6)),
    "SE": ("MOMS", (25, 12, 6)),
    "NO": ("MVA", (25, 15, 12)),
    "DK": ("MOMS", (25, 0)),
    "FI": ("ALV", (25, 14, 10)),
    "IS": ("VSK", (24, 11, 0)),
    "MY": ("SST", (10, 8, 5)),
    "SG": ("GST", (9, 0)),
}
# The entity types of countries whose list is known to its end, each with its label.
_ENTITY_TYPES = {
    "GB": {
        "limited": "Ltd",
        "sole_trader": "Sole Trader",
        "llp": "Limited Liability Partnership (LLP)",
        "partnership": "Partnership",
        "plc": "Public Limited Company (PLC)",
    }
}
_USUAL_ENTITY_TYPES = {"GB": "limited", "DE": "gmbh", "NL": "bv", "ES": "sl"}
_CURRENCIES = "EUR GBP USD SEK NOK DKK ISK MYR SGD".split()
_CHANGEABLE = (
    "legal_name entity_type phone_number tin vat_number company_number province "
    "eu_nace_industry_code email accounting_method fiscal_year_end metadata"
).split()
_KEPT = ("external_id", *_CHANGEABLE)
_LISTED = (
    "id external_id name legal_name entity_type country province eu_nace_industry_code is_active "
    "activation_at created_at updated_at vat_number company_number base_currency"
).split()


def set_up(world: World, now: datetime, external_id: str, fields: dict[str, Any]) -> Books:
    """The business of this external_id, made from a few fields where there is none yet.

    Raises `InvalidRequest`, and ValueError for a country, currency or entity type.
    """
    known = world.by_external_id.get(external_id)
    if known is not None:
        return known
    country = str(fields.get("country") or "GB").upper()
    given = {
        "external_id": external_id,
        "legal_name": external_id,
        "entity_type": _USUAL_ENTITY_TYPES.get(country, "company"),
        "email": "books@business.example",
        **fields,
    }
    try:
        return _new_business(world, _checked(given), now)
    except Problem as problem:
        texts = [text for listed in problem.detail.values() for text in listed]
        raise ValueError(" ".join(texts or [problem.message])) from None


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    model = codec.load(ModelRef("business_management", "CreateBusinessRequest"))
    fields: dict[str, Any] = codec.to_mapping(codec.structure(model, given))
    check_email(fields)
    return fields


def _new_business(world: World, fields: dict[str, Any], now: datetime) -> Books:
    """Set up a business with its tax codes. Raises 400."""
    country = _supported("country", fields, _RATES, "GB")
    business = {
        **{key: fields[key] for key in _KEPT if key in fields},
        "id": world.new_id(),
        "name": fields["legal_name"],
        "country": country,
        "base_currency": _supported("base_currency", fields, _CURRENCIES, "GBP"),
        "accounting_method": fields.get("accounting_method") or "accrual",
        "entity_type": _entity_type(fields["entity_type"], country),
        "is_active": True,
        "activation_at": now,
        "created_at": now,
        "updated_at": now,
    }
    books = Books(business, _tax_codes(country), world.new_id)
    world.businesses[books.id] = books
    world.by_external_id[business["external_id"]] = books
    return books


def _supported(name: str, fields: dict[str, Any], known: Iterable[str], default: str) -> str:
    """A code in capitals, if it is one of the known. Raises 400."""
    value = str(fields.get(name) or default).upper()
    if value not in known:
        raise invalid(**{name: f"{value!r} is not supported. Use one of {', '.join(known)}."})
    return value


def _entity_type(value: str | None, country: str) -> str:
    """In lower case. Raises 400, in the shape that the guide has for this alone."""
    code = (value or "").lower()
    known = _ENTITY_TYPES.get(country)
    if code and known and code not in known:
        options = ", ".join(f"{one} ({label})" for one, label in known.items())
        text = f"Invalid entity_type '{value}' for country {country}. Valid options: {options}"
        raise TextProblem(400, "validation_error", text)
    return code


def _tax_codes(country: str) -> list[dict[str, Any]]:
    name, rates = _RATES[country]
    accounts = {account.role: account.code for account in starting_accounts(country)}
    codes = [
        {
            "code": f"{name}_{rate}",
            "name": f"{name} {rate}%",
            "rate": rate / 100,
            "purchase_account": accounts[Role.INPUT_TAX],
            "sales_account": accounts[Role.OUTPUT_TAX],
            "effective_from": "2020-01-01",
            "is_active": True,
        }
        for rate in rates
    ]
    exempt = {"code": "EXEMPT", "name": "Exempt", "rate": 0, "purchase_account": None}
    return [
        *codes,
        {**exempt, "sales_account": None, "effective_from": "2020-01-01", "is_active": True},
    ]


def _create(call: Call) -> Answer:
    fields = call.fields()
    check_email(fields)
    known = call.world.by_external_id.get(fields["external_id"])
    if known is not None:
        return Answer(200, {**known.business, "_meta": {"created": False}})
    books = _new_business(call.world, fields, call.now)
    return Answer(201, {**books.business, "_meta": {"created": True}})


def _get(call: Call) -> Answer:
    return Answer(200, call.books.business)


def _list(call: Call) -> Answer:
    country = call.query.get("country", "").upper()
    entity_type = call.query.get("entity_type", "").lower()
    rows = [
        books.business
        for books in call.world.businesses.values()
        if (not country or books.business["country"] == country)
        and (not entity_type or books.business["entity_type"] == entity_type)
        # Nothing in the API archives a business, so none is archived.
        and not call.query.get("is_archived")
    ]
    return page_of(call, rows, lambda row: {key: row[key] for key in _LISTED if key in row})


def _update(call: Call) -> Answer:
    business, changes = call.books.business, call.changes()
    check_email(changes)
    for name in ("legal_name", "email", "accounting_method"):  # these can't be emptied
        if not changes.get(name, True):
            raise invalid(**{name: "This field may not be blank."})
    if "entity_type" in changes:
        changes["entity_type"] = _entity_type(changes["entity_type"], business["country"])
    business.update({key: changes[key] for key in _CHANGEABLE if key in changes})
    for name in [name for name, value in business.items() if value is None]:
        del business[name]
    business.update(name=business["legal_name"], updated_at=call.now)
    return Answer(200, {key: business[key] for key in _CHANGEABLE if key in business})


def _list_tax_codes(call: Call) -> Answer:
    codes = call.books.tax_codes
    return Answer(200, {"business_id": call.books.id, "count": len(codes), "tax_codes": codes})


HANDLERS: dict[str, Handler] = {
    operations.CREATE_BUSINESS.id: _create,
    operations.GET_BUSINESS.id: _get,
    operations.LIST_BUSINESSES.id: _list,
    operations.UPDATE_BUSINESS.id: _update,
    operations.LIST_TAX_CODES.id: _list_tax_codes,
}
