"""Make the records that the demo pushes: `python examples/sample_records.py [FILE]`.

Three invented British businesses and some four months of their trade: customers,
invoices, payments, refunds and refund payments, as JSON lines in a gzip file. No name,
address or number in it is real: phone numbers are from Ofcom's range for drama, mail
addresses under the reserved domain .example. The same bytes come out every time.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

Record = dict[str, Any]

SHIPPED = Path(__file__).with_name("sample_records.jsonl.gz")
SEED = 20_250_106
FIRST_DAY = datetime(2025, 1, 6, 9, tzinfo=UTC)
DAYS = 116

BUSINESSES: list[Record] = [
    {
        "external_id": "harbour-coffee",
        "legal_name": "Harbour Coffee Roasters Ltd",
        "entity_type": "limited",
        "email": "books@harbour-coffee.example",
        "country": "GB",
        "base_currency": "GBP",
    },
    {
        "external_id": "brightside-plumbing",
        "legal_name": "Brightside Plumbing & Heating",
        "entity_type": "sole_trader",
        "email": "office@brightside-plumbing.example",
        "country": "GB",
        "base_currency": "GBP",
    },
    {
        "external_id": "linnet-studio",
        "legal_name": "Linnet Design Studio LLP",
        "entity_type": "llp",
        "email": "accounts@linnet-studio.example",
        "country": "GB",
        "base_currency": "GBP",
    },
]
"""What `thredfi.businesses.create` takes; the records name them by external_id."""


class Article(NamedTuple):
    description: str
    pence: int
    most: int
    vat: int | None = None  # percent; None: the seller isn't registered
    quarters: bool = False  # sold by the quarter of an hour


class Trade(NamedTuple):
    business: str
    prefix: str
    customers: int
    invoices: int
    trade_customers: float  # share of customers that are companies
    articles: list[Article]
    methods: list[str]


TRADES = [
    Trade(
        "harbour-coffee",
        "HC",
        110,
        460,
        0.7,
        [
            Article("Espresso blend, 1 kg", 1850, 12, vat=0),
            Article("Single origin Huila, 1 kg", 2340, 8, vat=0),
            Article("Decaf, 1 kg", 1990, 6, vat=0),
            Article("Filter roast, 250 g", 790, 24, vat=0),
            Article("Oat milk, case of 6", 1080, 10, vat=0),
            Article("Grinder calibration", 4500, 1, vat=20),
            Article("Barista training, half day", 14500, 2, vat=20),
        ],
        ["bank_transfer", "bank_transfer", "credit_card", "debit_card", "stripe"],
    ),
    Trade(
        "brightside-plumbing",
        "BP",
        75,
        230,
        0.25,
        [
            Article("Labour, per hour", 5200, 9, quarters=True),
            Article("Call-out charge", 6500, 1),
            Article("Boiler service", 9500, 1),
            Article("Thermostatic radiator valve", 1875, 6),
            Article("15 mm copper pipe, 3 m", 1249, 10),
            Article("Landlord gas safety certificate", 7200, 2),
        ],
        ["bank_transfer", "cash", "check", "debit_card"],
    ),
    Trade(
        "linnet-studio",
        "LS",
        30,
        115,
        1.0,
        [
            Article("Brand identity, stage payment", 180000, 1, vat=20),
            Article("Illustration, per hour", 6800, 20, vat=20, quarters=True),
            Article("Packaging artwork", 42500, 3, vat=20),
            Article("Website maintenance, monthly", 25000, 1, vat=20),
            Article("Print management fee", 11950, 2, vat=20),
        ],
        ["bank_transfer", "stripe"],
    ),
]

# fmt: off
FIRST_NAMES = [
    "Aisha", "Alan", "Bethan", "Callum", "Chidi", "Deborah", "Dylan", "Eilidh", "Farah", "Gareth",
    "Hamish", "Imogen", "Jasdeep", "Kezia", "Liam", "Mairi", "Nathaniel", "Olivia", "Priya",
    "Rhys", "Sanjay", "Tamsin", "Umar", "Victoria", "Winston", "Zofia",
]
SURNAMES = [
    "Abbott", "Banerjee", "Carmichael", "Davies", "Edwards", "Farrell", "Gallagher", "Hussain",
    "Iqbal", "Jenkins", "Kowalski", "Llewellyn", "MacLeod", "Nwosu", "O'Brien", "Pritchard",
    "Quinn", "Rees", "Singh", "Trelawny", "Underhill", "Vaughan", "Wyatt",
]
FIRMS = [
    "Larkspur", "Copperfield", "Old Mill", "Quayside", "Tanyard", "Bluebell", "Kingfisher",
    "Saltmarsh", "Foxglove", "Market Street", "Westgate", "Thistledown", "Ropewalk", "Clocktower",
    "Millstone", "Heron",
]
LINES_OF_BUSINESS = [
    "Bakery", "Deli", "Lettings", "Bistro", "Books", "Dental", "Joinery", "Veterinary",
    "Catering", "Gym",
]
STREETS = [
    "High Street", "Station Road", "Church Lane", "Mill Lane", "Queen Street", "The Crescent",
]
# fmt: on
PLACES = [
    ("Bristol", "BS1"),
    ("Bath", "BA2"),
    ("Cardiff", "CF10"),
    ("Exeter", "EX4"),
    ("Leeds", "LS2"),
    ("Sheffield", "S1"),
    ("Edinburgh", "EH3"),
    ("Norwich", "NR1"),
    ("Belfast", "BT7"),
    ("York", "YO1"),
]
STREETS = [
    "High Street",
    "Station Road",
    "Church Lane",
    "Mill Lane",
    "Queen Street",
    "The Crescent",
]

REFUND_METHODS = {
    "bank_transfer": "BANK_TRANSFER",
    "credit_card": "CREDIT_CARD",
    "debit_card": "CREDIT_CARD",
    "stripe": "STRIPE",
    "cash": "CASH",
    "check": "CHECK",
}


class Event(NamedTuple):
    """One record at the moment at which it was entered."""

    at: datetime
    number: int  # keeps the order of what happens at one moment
    record: Record


class Books:
    """The trade of one business, entry by entry."""

    def __init__(self, trade: Trade, chance: random.Random, first_day: datetime) -> None:
        self.trade = trade
        self.chance = chance
        self.first_day = first_day
        self.events: list[Event] = []
        self.customers: list[tuple[datetime, str]] = []

    def enter(self, at: datetime, kind: str, fields: Record) -> None:
        record = {"type": kind, "business": self.trade.business, **fields}
        self.events.append(Event(at, len(self.events), record))

    def write(self) -> list[Event]:
        for number in range(1, self.trade.customers + 1):
            self.customer(number)
        self.customers.sort()
        for number in range(1, self.trade.invoices + 1):
            self.sale(number)
        return self.events

    def customer(self, number: int) -> None:
        chance = self.chance
        external_id = f"{self.trade.prefix}-C{number:04}"
        # Most customers were there on the first day; the others come in the first weeks.
        joined = self.first_day - timedelta(hours=1)
        if number > self.trade.customers * 0.6:
            joined += timedelta(days=chance.randint(1, 40))
        town, district = chance.choice(PLACES)
        street = f"{chance.randint(1, 180)} {chance.choice(STREETS)}"
        postcode = f"{district} {chance.randint(1, 9)}{_letters(chance)}"
        person = f"{chance.choice(FIRST_NAMES)} {chance.choice(SURNAMES)}"
        fields: Record = {"external_id": external_id}
        if chance.random() < self.trade.trade_customers:
            firm = f"{chance.choice(FIRMS)} {chance.choice(LINES_OF_BUSINESS)}"
            fields["company_name"] = f"{firm} Ltd"
            fields["individual_name"] = person
            fields["payment_terms_days"] = chance.choice([14, 30])
            mailbox, domain = "accounts", firm.lower().replace(" ", "-")
        else:
            fields["individual_name"] = person
            mailbox, domain = person.lower().replace(" ", ".").replace("'", ""), "mail"
        fields |= {
            "email": f"{mailbox}@{domain}.example",
            "mobile_phone": f"07700 900{chance.randint(0, 999):03}",
            "address_line1": street,
            "city": town,
            "postal_code": postcode,
            "country": "GB",
        }
        self.customers.append((joined, external_id))
        self.enter(joined, "customer", fields)

    def sale(self, number: int) -> None:
        chance = self.chance
        day = number * DAYS // (self.trade.invoices + 1)
        sent = self.first_day + timedelta(days=day, minutes=chance.randint(0, 510))
        known = [name for joined, name in self.customers if joined < sent]
        customer = chance.choice(known)
        external_id = f"{self.trade.prefix}-{sent.year}-{number:05}"
        lines = [
            self.line(article)
            for article in chance.sample(self.trade.articles, chance.randint(1, 4))
        ]
        total = sum(map(gross, lines))
        due = sent + timedelta(days=chance.choice([14, 30]))
        # Some are typed up in the evening, when the customer may have paid already.
        entered = sent + timedelta(hours=9 if chance.random() < 0.1 else 0)
        self.enter(
            entered,
            "invoice",
            {
                "external_id": external_id,
                "invoice_number": external_id,
                "customer_external_id": customer,
                "sent_at": _instant(sent),
                "due_at": _instant(due),
                "line_items": lines,
            },
        )
        self.settle(external_id, customer, sent, total)

    def line(self, article: Article) -> Record:
        chance = self.chance
        quantity: float = chance.randint(1, article.most)
        if article.quarters:  # pence come out whole: the prices divide by four
            quantity = chance.randint(1, article.most * 4) / 4
        return {
            "description": article.description,
            "quantity": quantity,
            "unit_price": article.pence,
            "tax_code": "EXEMPT" if article.vat is None else f"VAT_{article.vat}",
        }

    def settle(self, invoice: str, customer: str, sent: datetime, total: int) -> None:
        """The customer pays: at once, in two parts, a part only, or not yet."""
        chance = self.chance
        method = chance.choice(self.trade.methods)
        habit = chance.random()
        if habit < 0.80:
            parts = [total]
        elif habit < 0.90:
            parts = [total // 2, total - total // 2]
        elif habit < 0.94:
            parts = [total // 3]
        else:
            return
        paid = sent + timedelta(minutes=5)
        for number, amount in enumerate(parts, 1):
            if chance.random() < 0.7:  # the others pay on the spot
                paid += timedelta(days=chance.randint(0, 21), minutes=chance.randint(5, 200))
            self.payment(f"{invoice}-P{number}", invoice, customer, paid, amount, method)
        if chance.random() < 0.08:
            self.give_back(invoice, paid, sum(parts), method)

    def payment(
        self, name: str, invoice: str, customer: str, paid: datetime, amount: int, method: str
    ) -> None:
        fields: Record = {
            "external_id": name,
            "customer_external_id": customer,
            "allocations": [{"invoice_external_id": invoice, "amount_cents": amount}],
            "total_amount_cents": amount,
            "currency": "GBP",
            "payment_date": f"{paid:%Y-%m-%d}",
            "payment_method": method,
        }
        if method == "stripe":
            fields["payment_processor"] = "stripe"
            fields["processing_fee_cents"] = 20 + amount * 15 // 1000
        self.enter(paid, "payment", fields)

    def give_back(self, invoice: str, paid: datetime, amount: int, method: str) -> None:
        """A refund, nearly always paid out a few days later."""
        chance = self.chance
        if chance.random() < 0.6:
            amount = max(1, amount * chance.randint(10, 60) // 100)
        agreed = paid + timedelta(days=chance.randint(1, 10))
        name = f"{invoice}-R"
        self.enter(
            agreed,
            "refund",
            {
                "external_id": name,
                "invoice_external_id": invoice,
                "amount_cents": amount,
                "method": REFUND_METHODS[method],
                "completed_at": _instant(agreed),
                "memo": chance.choice(["Damaged in transit", "Goodwill", "Booked twice"]),
            },
        )
        if chance.random() < 0.1:
            return
        returned = agreed + timedelta(days=chance.randint(0, 5), minutes=30)
        self.enter(
            returned,
            "refund_payment",
            {
                "external_id": f"{name}P",
                "refund_external_id": name,
                "amount_cents": amount,
                "method": REFUND_METHODS[method],
                "completed_at": _instant(returned),
            },
        )


def gross(line: Record) -> int:
    """What a line comes to with VAT, in pence, halves up."""
    net: int = round(line["quantity"] * line["unit_price"])
    percent = int(line["tax_code"].removeprefix("VAT_")) if line["tax_code"] != "EXEMPT" else 0
    return net + (net * percent + 50) // 100


def _letters(chance: random.Random) -> str:
    return "".join(chance.choices("ABDEFGHJLNPQRSTUWXYZ", k=2))


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def records(first_day: datetime = FIRST_DAY) -> Iterator[Record]:
    """All records as they would be exported: by the day on which they were entered."""
    chance = random.Random(SEED)
    entered = [
        (event.at, place, event.number, event.record)
        for place, trade in enumerate(TRADES)
        for event in Books(trade, chance, first_day).write()
    ]
    for _, _, _, record in sorted(entered, key=lambda entry: entry[:3]):
        yield record


def write(path: Path) -> int:
    """Write the file; the number of records in it."""
    lines = [json.dumps(record, separators=(",", ":")) + "\n" for record in records()]
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=9) as file:
        file.write("".join(lines).encode())
    path.write_bytes(packed.getvalue())
    return len(lines)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    print(f"{write(target)} records in {target}")
