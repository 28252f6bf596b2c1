"""The general ledger: accounts, and balanced entries that are never changed once posted."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

import attrs

from .chart import DEFAULT_SUBTYPES, GROUPS, TYPES, Role, starting_accounts

__all__ = ["Account", "Entry", "EntryLine", "Ledger", "Leg", "Posting", "Source"]

CREDIT_TYPES = frozenset({"liability", "equity", "revenue"})


@attrs.define(kw_only=True, eq=False)
class Account:
    """An account of the ledger. ``debits`` and ``credits`` are sums in minor units."""

    id: str
    code: str
    name: str
    type: str
    subtype: str | None
    parent: Account | None
    external_id: str | None = None
    fields: dict[str, Any] = attrs.field(factory=dict)
    is_cash: bool = False
    is_non_cash_expense: bool = False
    is_active: bool = True
    balance_behavior: str = ""  # debit_positive, credit_positive, or what is usual for the type
    children: list[Account] = attrs.field(factory=list, repr=False)
    lines: list[EntryLine] = attrs.field(factory=list, repr=False)
    debits: int = 0
    credits: int = 0

    @property
    def level(self) -> int:
        """0 for a root, 1 for its children, and so on."""
        return 0 if self.parent is None else self.parent.level + 1

    @property
    def group(self) -> str:
        """The subtype that it counts under in the reports."""
        return self.subtype or DEFAULT_SUBTYPES[self.type]

    @property
    def type_sign(self) -> int:
        """1 where accounts of this type grow by debits, -1 where they grow by credits."""
        return -1 if self.type in CREDIT_TYPES else 1

    @property
    def sign(self) -> int:
        """1 where a debit makes its own balance larger, -1 where a credit does."""
        if self.balance_behavior:
            return -1 if self.balance_behavior == "credit_positive" else 1
        return self.type_sign

    @property
    def balance(self) -> int:
        """Of the account and all below it, over all time: positive on the account's own side."""
        return self.sign * self.net()

    def tree(self) -> Iterator[Account]:
        """The account and all below it."""
        yield self
        for child in self.children:
            yield from child.tree()

    def net(self, first: date | None = None, last: date | None = None) -> int:
        """Debits less credits of the account and all below it, between two days (both included)."""
        if first is None and last is None:
            return sum(one.debits - one.credits for one in self.tree())
        return sum(one.own_net(first, last) for one in self.tree())

    def own_net(self, first: date | None = None, last: date | None = None) -> int:
        """As `net`, without the accounts below it."""
        return sum(line.amount for line in self.lines_within(first, last))

    def lines_within(self, first: date | None, last: date | None) -> Iterator[EntryLine]:
        """Its own lines between two days (both included), in the order in which they came."""
        first, last = first or date.min, last or date.max
        return (line for line in self.lines if first <= line.entry.posting.day <= last)


class Leg(NamedTuple):
    """One side of a posting: minor units, a debit positive, a credit negative.

    ``item`` is the invoice or bill whose open balance the leg changes.
    """

    account: Role | Account
    amount: int
    item: str | None = None


@attrs.frozen
class Posting:
    """What an entry is to say. The legs add up to zero; ``of`` drops the empty ones."""

    day: date
    text: str
    legs: tuple[Leg, ...]

    @classmethod
    def of(cls, day: date, text: str, legs: Iterable[Leg]) -> Posting:
        """A posting of these legs, those of the same account and item in one."""
        sums: dict[tuple[Role | Account, str | None], int] = {}
        for leg in legs:
            key = (leg.account, leg.item)
            sums[key] = sums.get(key, 0) + leg.amount
        kept = tuple(
            Leg(account, amount, item) for (account, item), amount in sums.items() if amount
        )
        assert not sum(leg.amount for leg in kept), f"{text} doesn't balance: {kept}"
        return cls(day, text, kept)

    def reversed(self, day: date) -> Posting:
        """What undoes it."""
        legs = tuple(Leg(leg.account, -leg.amount, leg.item) for leg in self.legs)
        return Posting(day, f"Reversal: {self.text}", legs)


class Source(Protocol):
    """A row that posts to the ledger."""

    kind: ClassVar[str]
    id: str
    external_id: str | None
    updated_at: datetime

    @property
    def label(self) -> str:
        """What to call it, such as `Invoice INV-000001`."""

    def postings(self) -> Mapping[str, Posting]:
        """What the ledger is to hold of it as it stands, by keys of the row's own choice."""


@attrs.frozen(eq=False)
class EntryLine:
    """A line of an entry: minor units, a debit positive, a credit negative."""

    entry: Entry
    number: int
    account: Account
    amount: int
    item: str | None

    @property
    def id(self) -> str:
        """A UUID that is always the same for this line."""
        return str(uuid.uuid5(uuid.UUID(self.entry.id), str(self.number)))

    @property
    def debit(self) -> int:
        """The amount where it is a debit, else 0."""
        return max(self.amount, 0)

    @property
    def credit(self) -> int:
        """The amount where it is a credit, else 0."""
        return max(-self.amount, 0)


@attrs.define(eq=False)
class Entry:
    """A balanced entry. ``source`` is the row that it comes from."""

    id: str
    number: int
    posting: Posting
    source: Source
    posted_at: datetime
    reverses: Entry | None = None
    lines: tuple[EntryLine, ...] = attrs.field(default=(), repr=False)

    @property
    def day(self) -> date:
        """The day that it counts for."""
        return self.posting.day

    @property
    def total(self) -> int:
        """The sum of its debits, which is that of its credits."""
        return sum(line.debit for line in self.lines)


class Ledger:
    """The accounts and entries of one business."""

    def __init__(self, country: str, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._accounts: dict[str, Account] = {}
        self._by_code: dict[str, Account] = {}
        self._by_external_id: dict[str, Account] = {}
        self._roles: dict[Role, Account] = {}
        self._entries: dict[str, Entry] = {}
        self._posted: dict[str, dict[str, Entry]] = {}  # what stands, by row and key
        self._open_chart(country)

    def _open_chart(self, country: str) -> None:
        roots = {
            type: self.add_account(code=code, name=name, type=type) for type, code, name in TYPES
        }
        groups = {
            subtype: self.add_account(code=code, name=name, subtype=subtype, parent=roots[type])
            for subtype, (type, code, name) in GROUPS.items()
        }
        for one in starting_accounts(country):
            self._roles[one.role] = self.add_account(
                code=one.code,
                name=one.name,
                parent=groups[one.subtype],
                is_cash=one.is_cash,
                is_non_cash_expense=one.is_non_cash_expense,
            )

    # --- accounts ------------------------------------------------------------------------

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Accounts by id, in the order of their creation."""
        return MappingProxyType(self._accounts)

    def of(self, role: Role) -> Account:
        """The account that the emulator posts this to."""
        return self._roles[role]

    def has_role(self, account: Account) -> bool:
        """Whether the emulator itself posts to the account."""
        return account in self._roles.values()

    def find(self, name: str) -> Account | None:
        """The account of this id, code or external_id."""
        return self._accounts.get(name) or self._by_code.get(name) or self._by_external_id.get(name)

    def by_code(self, code: str) -> Account | None:
        """The account of this code, or None."""
        return self._by_code.get(code)

    def by_external_id(self, external_id: str | None) -> Account | None:
        """The account of this external_id, or None."""
        return self._by_external_id.get(external_id) if external_id else None

    def group(self, subtype: str) -> Account:
        """The account that those of a subtype stand below."""
        return self._by_code[GROUPS[subtype][1]]

    def add_account(
        self,
        *,
        code: str,
        name: str,
        type: str | None = None,
        subtype: str | None = None,
        parent: Account | None = None,
        external_id: str | None = None,
        **more: Any,
    ) -> Account:
        """Open an account; type and subtype are the parent's where they aren't given."""
        if parent is not None:
            type, subtype = type or parent.type, subtype or parent.subtype
        assert type is not None
        account = Account(
            id=self._new_id(),
            code=code,
            name=name,
            type=type,
            subtype=subtype,
            parent=parent,
            external_id=external_id,
            **more,
        )
        if parent is not None:
            parent.children.append(account)
        self._accounts[account.id] = account
        self._by_code[code] = account
        if external_id:
            self._by_external_id[external_id] = account
        return account

    def rename(self, account: Account, external_id: str | None) -> None:
        """Give an account another external_id."""
        if account.external_id:
            del self._by_external_id[account.external_id]
        account.external_id = external_id
        if external_id:
            self._by_external_id[external_id] = account

    # --- entries -------------------------------------------------------------------------

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Entries by id, in the order in which they were posted."""
        return MappingProxyType(self._entries)

    def record(self, row: Source) -> None:
        """Make the entries of a row what its postings say.

        What no longer holds is reversed: on its own day where something else takes its place,
        else on the day of the change.
        """
        self._settle(row, row.postings(), row.updated_at)

    def clear(self, row: Source, now: datetime) -> None:
        """Reverse all that stands of a row."""
        self._settle(row, {}, now)

    def _settle(self, row: Source, wanted: Mapping[str, Posting], now: datetime) -> None:
        held = self._posted.setdefault(row.id, {})
        for key, entry in list(held.items()):
            if wanted.get(key) != entry.posting:
                day = entry.day if key in wanted else max(entry.day, now.date())
                self._post(row, entry.posting.reversed(day), now, reverses=entry)
                del held[key]
        for key, posting in wanted.items():
            if key not in held and posting.legs:
                held[key] = self._post(row, posting, now)

    def _post(
        self, row: Source, posting: Posting, now: datetime, *, reverses: Entry | None = None
    ) -> Entry:
        number = len(self._entries) + 1
        entry = Entry(self._new_id(), number, posting, row, now, reverses)
        lines = []
        for place, leg in enumerate(posting.legs, 1):
            account = leg.account if isinstance(leg.account, Account) else self._roles[leg.account]
            line = EntryLine(entry, place, account, leg.amount, leg.item)
            account.lines.append(line)
            if leg.amount > 0:
                account.debits += leg.amount
            else:
                account.credits -= leg.amount
            lines.append(line)
        entry.lines = tuple(lines)
        self._entries[entry.id] = entry
        return entry

    def open_items(self, role: Role, last: date) -> dict[str, int]:
        """Debits less credits of an account per item up to a day, without those that are even."""
        sums: dict[str, int] = {}
        for line in self.of(role).lines:
            if line.entry.day <= last and line.item is not None:
                sums[line.item] = sums.get(line.item, 0) + line.amount
        return {item: amount for item, amount in sums.items() if amount}

    def documents(self, role: Role) -> dict[str, Source]:
        """The invoices or bills that opened the items of an account, by their ids."""
        return {
            line.item: line.entry.source
            for line in self.of(role).lines
            if line.item is not None and line.item == line.entry.source.id
        }
