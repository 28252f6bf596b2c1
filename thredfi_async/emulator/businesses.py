"""Businesses and the tax codes that each is set up with."""

from __future__ import annotations

from typing import Any

from .. import operations
from .books import Books
from .call import Answer, Call, Handler, World, without_none
from .paging import page_of
from .problems import Problem, invalid

__all__ = ["HANDLERS", "new_business"]

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
_ENTITY_TYPES = {
    "GB": ("limited", "sole_trader", "llp", "partnership", "plc"),
    "DE": ("gmbh", "ug", "ag_de", "einzelunternehmen", "gbr", "kg", "ohg"),
}
_CURRENCIES = frozenset("EUR GBP USD SEK NOK DKK ISK MYR SGD".split())


def new_business(world: World, fields: dict[str, Any], now: Any) -> Books:
    """Set up a business with its tax codes. Raises 400."""
    country = str(fields.get("country") or "GB").upper()
    if country not in _RATES:
        raise invalid(country=f"Unsupported country {country!r}. Use one of {', '.join(_RATES)}.")
    currency = str(fields.get("base_currency") or "GBP").upper()
    if currency not in _CURRENCIES:
        listed = ", ".join(sorted(_CURRENCIES))
        raise invalid(base_currency=f"Unsupported currency {currency!r}. Use one of {listed}.")
    business = {
        **without_none(fields),
        "id": world.new_id(),
        "name": fields["legal_name"],
        "country": country,
        "base_currency": currency,
        "accounting_method": fields.get("accounting_method") or "accrual",
        "entity_type": _entity_type(fields.get("entity_type"), country),
        "is_active": True,
        "activation_at": now,
        "created_at": now,
        "updated_at": now,
    }
    business.pop("coa_language", None)
    books = Books(business, _tax_codes(country))
    world.businesses[books.id] = books
    world.by_external_id[business["external_id"]] = books
    return books


def _entity_type(value: str | None, country: str) -> str:
    code = (value or "").lower()
    known = _ENTITY_TYPES.get(country)
    if code and known and code not in known:
        raise Problem(
            400,
            "validation_error",
            f"Invalid entity_type {value!r} for country {country}. "
            f"Valid options: {', '.join(known)}.",
            {"entity_type": [f"Use one of {', '.join(known)}."]},
        )
    return code


def _tax_codes(country: str) -> list[dict[str, Any]]:
    name, rates = _RATES[country]
    codes = [
        {
            "code": f"{name}_{rate}",
            "name": f"{name} {rate}%",
            "rate": rate / 100,
            "purchase_account": "1400",
            "sales_account": "2200",
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
    known = call.world.by_external_id.get(fields["external_id"])
    if known is not None:
        return Answer(200, {**known.business, "_meta": {"created": False}})
    books = new_business(call.world, fields, call.now)
    return Answer(201, {**books.business, "_meta": {"created": True}})


def _get(call: Call) -> Answer:
    return Answer(200, call.books.business)


_LISTED = (
    "id external_id name legal_name entity_type country province eu_nace_industry_code is_active "
    "activation_at created_at updated_at vat_number company_number base_currency"
).split()


def _list(call: Call) -> Answer:
    country = (call.query.get("country") or "").upper()
    entity_type = (call.query.get("entity_type") or "").lower()
    rows = [
        books.business
        for books in call.world.businesses.values()
        if (not country or books.business["country"] == country)
        and (not entity_type or books.business["entity_type"] == entity_type)
        # Nothing in the API archives a business, so none is archived.
        and not call.query.get("is_archived")
    ]
    return page_of(call, rows, lambda row: {key: row[key] for key in _LISTED if key in row})


_CHANGEABLE = (
    "legal_name entity_type phone_number tin vat_number company_number province "
    "eu_nace_industry_code email accounting_method fiscal_year_end metadata"
).split()


def _update(call: Call) -> Answer:
    business = call.books.business
    fields = call.fields()
    if "entity_type" in fields:
        fields["entity_type"] = _entity_type(fields["entity_type"], business["country"])
    business.update({key: fields[key] for key in _CHANGEABLE if key in fields})
    business.update(name=business["legal_name"], updated_at=call.now)
    return Answer(200, without_none({key: business.get(key) for key in _CHANGEABLE}))


def _list_tax_codes(call: Call) -> Answer:
    codes = [code for code in call.books.tax_codes if code["is_active"]]
    return Answer(200, {"business_id": call.books.id, "count": len(codes), "tax_codes": codes})


HANDLERS: dict[str, Handler] = {
    operations.CREATE_BUSINESS.id: _create,
    operations.GET_BUSINESS.id: _get,
    operations.LIST_BUSINESSES.id: _list,
    operations.UPDATE_BUSINESS.id: _update,
    operations.LIST_TAX_CODES.id: _list_tax_codes,
}
