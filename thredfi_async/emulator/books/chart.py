"""The accounts that a new business starts with, by its country."""

from __future__ import annotations

from enum import Enum

import attrs

__all__ = ["DEFAULT_SUBTYPES", "GROUPS", "TYPES", "Role", "StartingAccount", "starting_accounts"]


class Role(Enum):
    """What the emulator itself posts to, whatever code and name the account has."""

    BANK = "bank"
    CLEARING = "clearing"  # money that a payment processor still holds
    RECEIVABLE = "receivable"
    INPUT_TAX = "input_tax"
    VENDOR_CREDITS = "vendor_credits"  # credits of vendors that no bill has used yet
    VENDOR_REFUNDS = "vendor_refunds"  # refunds that vendors still owe
    VENDOR_PREPAYMENTS = "vendor_prepayments"
    FIXED_ASSETS = "fixed_assets"
    PAYABLE = "payable"
    OUTPUT_TAX = "output_tax"
    CUSTOMER_PREPAYMENTS = "customer_prepayments"
    CUSTOMER_CREDITS = "customer_credits"  # credits of customers that no invoice has used yet
    REFUNDS_PAYABLE = "refunds_payable"
    LOANS = "loans"
    SHARE_CAPITAL = "share_capital"
    RESERVES = "reserves"
    RETAINED_EARNINGS = "retained_earnings"
    SALES = "sales"
    SALES_RETURNS = "sales_returns"
    OTHER_INCOME = "other_income"
    FINANCE_INCOME = "finance_income"
    PURCHASES = "purchases"
    EXPENSES = "expenses"
    PROCESSING_FEES = "processing_fees"
    BAD_DEBTS = "bad_debts"
    DEPRECIATION = "depreciation"
    FINANCE_COSTS = "finance_costs"
    INCOME_TAX = "income_tax"


# Roots of the chart: type, code, name.
TYPES = (
    ("asset", "1", "Assets"),
    ("liability", "2", "Liabilities"),
    ("equity", "3", "Equity"),
    ("revenue", "4", "Income"),
    ("expense", "5", "Expenses"),
)

# Below them one account for each subtype: subtype -> type, code, name.
GROUPS = {
    "current_assets": ("asset", "10", "Current assets"),
    "non_current_assets": ("asset", "15", "Non-current assets"),
    "current_liabilities": ("liability", "20", "Current liabilities"),
    "non_current_liabilities": ("liability", "25", "Non-current liabilities"),
    "share_capital": ("equity", "30", "Share capital"),
    "share_premium": ("equity", "31", "Share premium"),
    "reserves": ("equity", "32", "Reserves"),
    "retained_earnings": ("equity", "33", "Retained earnings"),
    "revenue": ("revenue", "40", "Revenue"),
    "other_operating_income": ("revenue", "45", "Other operating income"),
    "finance_income": ("revenue", "48", "Finance income"),
    "direct_costs": ("expense", "50", "Direct costs"),
    "operating_expenses": ("expense", "60", "Operating expenses"),
    "finance_costs": ("expense", "70", "Finance costs"),
    "income_tax": ("expense", "80", "Income tax"),
}

# What an account counts as where nobody says.
DEFAULT_SUBTYPES = {
    "asset": "current_assets",
    "liability": "current_liabilities",
    "equity": "reserves",
    "revenue": "revenue",
    "expense": "operating_expenses",
}


@attrs.frozen
class StartingAccount:
    """An account of a new business, below the group of its subtype."""

    role: Role
    subtype: str
    code: str
    name: str

    @property
    def is_cash(self) -> bool:
        """Whether its balance is cash, for the cash-flow statement."""
        return self.role is Role.BANK

    @property
    def is_non_cash_expense(self) -> bool:
        """Whether it is an expense that takes no cash."""
        return self.role is Role.DEPRECIATION


_SUBTYPES = {
    Role.BANK: "current_assets",
    Role.CLEARING: "current_assets",
    Role.RECEIVABLE: "current_assets",
    Role.INPUT_TAX: "current_assets",
    Role.VENDOR_CREDITS: "current_assets",
    Role.VENDOR_REFUNDS: "current_assets",
    Role.VENDOR_PREPAYMENTS: "current_assets",
    Role.FIXED_ASSETS: "non_current_assets",
    Role.PAYABLE: "current_liabilities",
    Role.OUTPUT_TAX: "current_liabilities",
    Role.CUSTOMER_PREPAYMENTS: "current_liabilities",
    Role.CUSTOMER_CREDITS: "current_liabilities",
    Role.REFUNDS_PAYABLE: "current_liabilities",
    Role.LOANS: "non_current_liabilities",
    Role.SHARE_CAPITAL: "share_capital",
    Role.RESERVES: "reserves",
    Role.RETAINED_EARNINGS: "retained_earnings",
    Role.SALES: "revenue",
    Role.SALES_RETURNS: "revenue",
    Role.OTHER_INCOME: "other_operating_income",
    Role.FINANCE_INCOME: "finance_income",
    Role.PURCHASES: "direct_costs",
    Role.EXPENSES: "operating_expenses",
    Role.PROCESSING_FEES: "operating_expenses",
    Role.BAD_DEBTS: "operating_expenses",
    Role.DEPRECIATION: "operating_expenses",
    Role.FINANCE_COSTS: "finance_costs",
    Role.INCOME_TAX: "income_tax",
}
_NAMES = {
    Role.BANK: "Bank current account",
    Role.CLEARING: "Payment processors",
    Role.RECEIVABLE: "Trade receivables",
    Role.INPUT_TAX: "Purchase tax",
    Role.VENDOR_CREDITS: "Credits from vendors",
    Role.VENDOR_REFUNDS: "Refunds due from vendors",
    Role.VENDOR_PREPAYMENTS: "Prepayments to vendors",
    Role.FIXED_ASSETS: "Plant and equipment",
    Role.PAYABLE: "Trade payables",
    Role.OUTPUT_TAX: "Sales tax",
    Role.CUSTOMER_PREPAYMENTS: "Prepayments from customers",
    Role.CUSTOMER_CREDITS: "Credits to customers",
    Role.REFUNDS_PAYABLE: "Refunds due to customers",
    Role.LOANS: "Loans",
    Role.SHARE_CAPITAL: "Share capital",
    Role.RESERVES: "Reserves",
    Role.RETAINED_EARNINGS: "Retained earnings",
    Role.SALES: "Sales",
    Role.SALES_RETURNS: "Sales returns and allowances",
    Role.OTHER_INCOME: "Other income",
    Role.FINANCE_INCOME: "Interest received",
    Role.PURCHASES: "Purchases",
    Role.EXPENSES: "General expenses",
    Role.PROCESSING_FEES: "Payment processing fees",
    Role.BAD_DEBTS: "Bad debts",
    Role.DEPRECIATION: "Depreciation",
    Role.FINANCE_COSTS: "Interest paid",
    Role.INCOME_TAX: "Income tax",
}
# Codes in the order of `Role`: as British small-business software numbers accounts, by the German
# standard chart SKR 04, by the French plan comptable.
_CODES = {
    "": (
        "1200 1210 1100 1400 1110 1120 1130 0030 2100 2200 2120 2130 2140 2300 3000 3100 3200 "
        "4000 4010 4900 4905 5000 8200 7901 8100 8000 7900 9500"
    ),
    "DE": (
        "1800 1810 1200 1400 1301 1302 1180 0650 3300 3800 3250 3501 3502 3150 2900 2930 2970 "
        "4400 4700 4830 7100 5200 6300 6855 6930 6220 7300 7600"
    ),
    "FR": (
        "512 517 411 44566 4098 4097 4091 218 401 44571 4191 4198 4197 164 101 106 110 "
        "707 709 758 768 607 628 627 654 6811 661 695"
    ),
}


def starting_accounts(country: str) -> list[StartingAccount]:
    """The accounts that the emulator posts to, as a business of this country names them."""
    codes = _CODES.get(country, _CODES[""]).split()
    return [
        StartingAccount(role, _SUBTYPES[role], code, _NAMES[role])
        for role, code in zip(Role, codes, strict=True)
    ]
