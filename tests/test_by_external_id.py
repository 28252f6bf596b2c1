"""Records by the caller's own id: what is there is found, and absence is said only where sure."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from thredfi_async import InvalidAnswer, InvalidRequest, ThredfiClient
from thredfi_async.emulator import Emulator
from thredfi_async.push import Outcome

from .push.test_sync import FIRST, SECOND, push

SERVICES = {
    "account": ("chart_of_accounts", "a1"),
    "customer": ("customers", "c1"),
    "vendor": ("vendors", "v1"),
    "invoice": ("invoices", "i1"),
    "payment": ("payments", "p1"),
    "refund": ("refunds", "r1"),
    "payout": ("payouts", "po1"),
    "customer_credit": ("customer_credits", "cc1"),
    "bill": ("bills", "b1"),
    "bill_payment": ("bill_payments", "bp1"),
    "vendor_credit": ("vendor_credits", "vc1"),
    "vendor_refund": ("vendor_refunds", "vr1"),
}
NEEDS_A_WALK = {"customer", "invoice", "refund", "bill", "vendor_credit"}


@pytest.fixture
async def filled() -> AsyncIterator[tuple[ThredfiClient, list[Outcome]]]:
    async with Emulator() as emulator, emulator.client() as thredfi:
        yield thredfi, await push(thredfi, [*FIRST, *SECOND])


@pytest.mark.parametrize("kind", SERVICES)
async def test_a_record_is_found_as_get_returns_it(filled, kind):
    thredfi, outcomes = filled
    ids = {(one.type, one.external_id): one.id for one in outcomes}
    shop = thredfi.business(ids["business", "shop-2"])
    name, external_id = SERVICES[kind]
    service = getattr(shop, name)
    found = await service.by_external_id(external_id, scan=True)
    assert found == await service.get(ids[kind, external_id])


@pytest.mark.parametrize("kind", SERVICES)
async def test_absence_is_said_only_where_it_is_sure(filled, kind):
    thredfi, outcomes = filled
    shop = thredfi.business(next(one.id for one in outcomes if one.type == "business"))
    service = getattr(shop, SERVICES[kind][0])
    if kind == "bill_payment":
        with pytest.raises(InvalidAnswer, match="no answer tells"):
            await service.by_external_id("none", scan=True)
        return
    assert await service.by_external_id("none", scan=True) is None
    if kind in NEEDS_A_WALK:
        with pytest.raises(InvalidRequest, match="scan=True"):
            await service.by_external_id("none")
    else:
        assert await service.by_external_id("none") is None


async def test_businesses_and_what_belongs_to_a_refund(filled):
    thredfi, outcomes = filled
    ids = {(one.type, one.external_id): one.id for one in outcomes}
    business = await thredfi.businesses.by_external_id("shop-2", scan=True)
    assert business is not None
    assert business.id == ids["business", "shop-2"]
    assert await thredfi.businesses.by_external_id("none", scan=True) is None
    with pytest.raises(InvalidRequest, match="scan=True"):
        await thredfi.businesses.by_external_id("shop-2")
    shop = thredfi.business(business.id)
    found = await shop.refund_payments.by_external_id(ids["refund", "r1"], "rp1")
    assert found is not None
    assert found.id == ids["refund_payment", "rp1"]
    with pytest.raises(InvalidRequest, match="must be text"):
        await shop.invoices.by_external_id("")
