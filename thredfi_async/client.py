"""The front door: `ThredfiClient` for the partner, `BusinessClient` for one business."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

import aiohttp

from .auth import Credentials, TokenStore
from .clock import Clock, SystemClock
from .drift import Drift
from .errors import ConfigurationError, InvalidRequest
from .retry import RetryPolicy
from .services._base import AnyOperation
from .services.bank_accounts import BankAccounts
from .services.bank_transactions import BankTransactions
from .services.bill_payments import BillPayments
from .services.bills import Bills
from .services.businesses import Businesses
from .services.chart_of_accounts import ChartOfAccounts
from .services.customer_credits import CustomerCredits
from .services.customers import Customers
from .services.insights import Insights
from .services.invoices import Invoices
from .services.journal_entries import JournalEntries
from .services.menu_config import MenuConfiguration
from .services.payments import Payments
from .services.payouts import Payouts
from .services.receipts import Receipts
from .services.refund_payments import RefundPayments
from .services.refunds import Refunds
from .services.reports import Reports
from .services.tax_codes import TaxCodes
from .services.tokens import Tokens
from .services.vendor_credits import VendorCredits
from .services.vendor_refund_payments import VendorRefundPayments
from .services.vendor_refunds import VendorRefunds
from .services.vendors import Vendors
from .session import BusinessToken, Session, Statistics

if TYPE_CHECKING:
    from .push import IdStore, Journal, OnDifference, Push, Record

__all__ = ["ENVIRONMENTS", "BusinessClient", "ThredfiClient"]

Environment = Literal["sandbox", "production"]

ENVIRONMENTS: Mapping[str, str] = {
    "sandbox": "https://sandbox.thredfi.com",
    "production": "https://api.thredfi.com",
}
"""Base URLs by https://docs.thredfi.com; if Thred gave you another, pass it as base_url."""


class BusinessClient(AnyOperation):
    """The resources of one business. Cheap to make: nothing is sent until a method is awaited."""

    def __init__(self, session: Session, business_id: str) -> None:
        super().__init__(session, {"business_id": business_id})
        self._session = session
        self.id = business_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @cached_property
    def customers(self) -> Customers:
        """Who buys from the business."""
        return Customers(self._session, self.id)

    @cached_property
    def tax_codes(self) -> TaxCodes:
        """The tax codes that line items may have."""
        return TaxCodes(self._session, self.id)

    @cached_property
    def invoices(self) -> Invoices:
        """Invoices to customers."""
        return Invoices(self._session, self.id)

    @cached_property
    def payments(self) -> Payments:
        """Payments of customers on invoices."""
        return Payments(self._session, self.id)

    @cached_property
    def refunds(self) -> Refunds:
        """What is owed back to customers."""
        return Refunds(self._session, self.id)

    @cached_property
    def refund_payments(self) -> RefundPayments:
        """Money paid back to customers."""
        return RefundPayments(self._session, self.id)

    @cached_property
    def payouts(self) -> Payouts:
        """What payment processors settle to the bank account."""
        return Payouts(self._session, self.id)

    @cached_property
    def customer_credits(self) -> CustomerCredits:
        """Credit notes to customers."""
        return CustomerCredits(self._session, self.id)

    @cached_property
    def vendors(self) -> Vendors:
        """Whom the business buys from."""
        return Vendors(self._session, self.id)

    @cached_property
    def bills(self) -> Bills:
        """Bills from vendors."""
        return Bills(self._session, self.id)

    @cached_property
    def bill_payments(self) -> BillPayments:
        """Payments to vendors on bills."""
        return BillPayments(self._session, self.id)

    @cached_property
    def vendor_credits(self) -> VendorCredits:
        """Credit notes from vendors."""
        return VendorCredits(self._session, self.id)

    @cached_property
    def vendor_refunds(self) -> VendorRefunds:
        """What vendors owe back."""
        return VendorRefunds(self._session, self.id)

    @cached_property
    def vendor_refund_payments(self) -> VendorRefundPayments:
        """Money paid back by vendors."""
        return VendorRefundPayments(self._session, self.id)

    @cached_property
    def bank_accounts(self) -> BankAccounts:
        """Connected bank accounts."""
        return BankAccounts(self._session, self.id)

    @cached_property
    def bank_transactions(self) -> BankTransactions:
        """Transactions on the bank accounts."""
        return BankTransactions(self._session, self.id)

    @cached_property
    def chart_of_accounts(self) -> ChartOfAccounts:
        """Ledger accounts, and what is booked on them."""
        return ChartOfAccounts(self._session, self.id)

    @cached_property
    def journal_entries(self) -> JournalEntries:
        """Bookings in the ledger."""
        return JournalEntries(self._session, self.id)

    @cached_property
    def reports(self) -> Reports:
        """Profit and loss, balance sheet, cash flow."""
        return Reports(self._session, self.id)

    @cached_property
    def insights(self) -> Insights:
        """Financial summary, and who owes what for how long."""
        return Insights(self._session, self.id)

    @cached_property
    def menu_config(self) -> MenuConfiguration:
        """Which tabs Thred's widget shows."""
        return MenuConfiguration(self._session, self.id)

    @cached_property
    def receipts(self) -> Receipts:
        """Receipts. Undocumented: only Thred's own widget knows them."""
        return Receipts(self._session, self.id)


class ThredfiClient(AnyOperation):
    """The client of a partner. Use it as an async context manager, or call `aclose`.

    - ``partner_uuid``, ``api_key``: from Thred's Partner Portal; see also `from_env`.
    - ``environment`` names a base URL (``"sandbox"`` unless said otherwise); ``base_url``
      gives one, and must be https unless it is loopback or ``allow_http`` is true.
    - ``timeout``: seconds that one attempt may take; ``connect_timeout``: that a new
      connection may take, from its name to TLS; ``retry``: how often and how patiently
      calls are repeated.
    - ``max_connections``: how many requests may be under way at once, fewer where the limit on
      open files or the connector of ``http`` allows fewer; more calls queue.
    - ``token_scope``: ``"business"`` sends each business's own token on its paths (least
      privilege), ``"partner"`` the partner token everywhere.
    - ``token_store``: where tokens are kept beside the memory of this client.
    - ``http``: an aiohttp session of the application to use; it is not closed.
    - ``max_answer_size``: bytes of an answer's body, beyond which it is refused.

    A write that is cancelled after it was sent (by `asyncio.timeout`, for one) may or may not
    have been applied: the CancelledError has a note with the operation and the external_id.
    ``deadline=`` of a call bounds it as well, and ends in `OutcomeUnknown` then.

    A client belongs to one event loop. It may be shared by any number of tasks.
    Raises `ConfigurationError` when it can't be built from these.
    """

    def __init__(
        self,
        *,
        partner_uuid: str = "",
        api_key: str = "",
        environment: Environment | str | None = None,
        base_url: str | None = None,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        max_connections: int = 100,
        token_scope: BusinessToken = "business",
        token_store: TokenStore | None = None,
        http: aiohttp.ClientSession | None = None,
        user_agent: str = "thredfi-async",
        max_answer_size: int = 64 << 20,
        allow_http: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._session = Session(
            base_url=_base_url(environment, base_url),
            credentials=Credentials(partner_uuid, api_key),
            retry=retry or RetryPolicy(),
            clock=clock or SystemClock(),
            store=token_store,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_connections=max_connections,
            max_answer_size=max_answer_size,
            token_scope=token_scope,
            user_agent=user_agent,
            allow_http=allow_http,
            http=http,
        )
        super().__init__(self._session, {})

    @classmethod
    def from_env(cls, **arguments: Any) -> Self:
        """A client from the environment variables; ``arguments`` win over them.

        THREDFI_PARTNER_UUID, THREDFI_API_KEY, and THREDFI_BASE_URL or else THREDFI_ENVIRONMENT;
        THREDFI_ALLOW_HTTP=1 allows a base URL without TLS. Raises `ConfigurationError`.
        """
        names = ["partner_uuid", "api_key"]
        if "environment" not in arguments and "base_url" not in arguments:
            names.append("base_url" if os.environ.get("THREDFI_BASE_URL") else "environment")
        for name in names:
            value = os.environ.get(f"THREDFI_{name.upper()}")
            if value:
                arguments.setdefault(name, value)
        if "allow_http" not in arguments:
            arguments["allow_http"] = _is_on("THREDFI_ALLOW_HTTP")
        return cls(**arguments)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self, *, grace: float = 0.0) -> None:
        """Close the connections. Calls under way may end within ``grace`` seconds, then fail."""
        await self._session.aclose(grace=grace)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._session.base_url}>"

    @property
    def base_url(self) -> str:
        """Where the requests go, without a slash at the end."""
        return self._session.base_url

    @property
    def partner_uuid(self) -> str:
        """The partner that the client acts for."""
        return self._session.partner_uuid

    @property
    def statistics(self) -> Statistics:
        """Calls, requests and retries so far."""
        return self._session.statistics

    @property
    def transport_kind(self) -> Literal["fast", "public"]:
        """Which way small requests go: straight through aiohttp's connector, or all its ways.

        It makes no difference but in speed. See `transport_reason`.
        """
        return self._session.transport.kind

    @property
    def transport_reason(self) -> str | None:
        """Why small requests go the public way at present; None where they go the fast one.

        They do so through a session of the application, and while something has replaced
        aiohttp's own functions or traces them, as mocks and instrumentation do.
        """
        return self._session.transport.reason

    @property
    def drift(self) -> Counter[tuple[str, Drift]]:
        """How often answers differed from the description: (operation id, what) -> times.

        Fields that the description doesn't know are looked for in the first 16 answers to an
        operation, and then in every 16th.
        """
        return self._session.drift

    @cached_property
    def tokens(self) -> Tokens:
        """Access tokens, to hand on."""
        return Tokens(self._session)

    @cached_property
    def businesses(self) -> Businesses:
        """The partner's businesses."""
        return Businesses(self._session)

    def business(self, business_id: str | UUID) -> BusinessClient:
        """The resources of one business. Sends nothing."""
        if not isinstance(business_id, str | UUID):  # such as the None of an absent field
            text = f"must be text, not {type(business_id).__name__}"
            raise InvalidRequest.at("business_id", text)
        if not business_id:
            raise InvalidRequest.at("business_id", "is empty")
        return BusinessClient(self._session, str(business_id))

    def push(
        self,
        records: Iterable[Record] | AsyncIterable[Record],
        *,
        concurrency: int = 64,
        deadline: float | None = None,
        journal: Journal | None = None,
        ids: IdStore | None = None,
        known: Sequence[IdStore] = (),
        lookup: bool = True,
        on_difference: OnDifference = "report",
        send_unchanged: bool = False,
    ) -> Push:
        """Push many records at once, in the order that their references ask for.

        See `thredfi_async.push.push` for what a record is and for all arguments. Yields one
        outcome per record, as they come in; a record that fails doesn't stop the others. With a
        ``journal``, a run that broke off can be resumed; with ``ids``, references reach what
        earlier runs have sent, and what is unchanged isn't sent again.
        """
        from .push import push

        return push(
            self._session,
            records,
            concurrency=concurrency,
            deadline=deadline,
            journal=journal,
            ids=ids,
            known=known,
            lookup=lookup,
            on_difference=on_difference,
            send_unchanged=send_unchanged,
        )


def _is_on(variable: str) -> bool:
    value = os.environ.get(variable, "")
    known = dict.fromkeys(("1", "true", "yes", "on"), True)
    known |= dict.fromkeys(("", "0", "false", "no", "off"), False)
    try:
        return known[value.strip().lower()]
    except KeyError:
        raise ConfigurationError(f"{variable} must be 1 or 0, not {value!r:.80}") from None


def _base_url(environment: str | None, base_url: str | None) -> str:
    if base_url is not None:
        if environment is not None:
            raise ConfigurationError("give environment or base_url, not both")
        return base_url
    try:
        return ENVIRONMENTS[environment or "sandbox"]
    except KeyError:
        known = ", ".join(ENVIRONMENTS)
        raise ConfigurationError(
            f"environment must be one of {known}, not {environment!r}; or give base_url"
        ) from None
