"""The asyncio SDK for Thred's Partner API (embedded accounting, https://docs.thredfi.com).

    async with ThredfiClient(partner_uuid=..., api_key=..., environment="sandbox") as thredfi:
        shop = thredfi.business(business_id)
        invoice = await shop.invoices.create({...})

Request and answer models are in `models`, which loads them when they are first named.
"""

from __future__ import annotations

from .auth import MemoryTokenStore, Token, TokenKey, TokenStore
from .client import BusinessClient, ThredfiClient
from .differences import Difference
from .errors import (
    ApiError,
    AuthenticationFailed,
    BadRequest,
    CallError,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    IdStoreError,
    InvalidAnswer,
    InvalidRequest,
    JournalError,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ServerError,
    ThredfiError,
    TransportError,
)
from .fields import UNSET, UnsetType
from .options import CallOptions
from .pagination import Page, Paginator
from .response import Response, with_response
from .retry import RetryPolicy
from .uploads import Upload

__version__ = "0.1.0"

__all__ = [
    "UNSET",
    "ApiError",
    "AuthenticationFailed",
    "BadRequest",
    "BusinessClient",
    "CallError",
    "CallOptions",
    "ConfigurationError",
    "Conflict",
    "DeadlineExceeded",
    "Difference",
    "IdStoreError",
    "InvalidAnswer",
    "InvalidRequest",
    "JournalError",
    "MemoryTokenStore",
    "NotFound",
    "OutcomeUnknown",
    "Page",
    "Paginator",
    "PermissionDenied",
    "RateLimited",
    "Response",
    "RetryPolicy",
    "ServerError",
    "ThredfiClient",
    "ThredfiError",
    "Token",
    "TokenKey",
    "TokenStore",
    "TransportError",
    "UnsetType",
    "Upload",
    "with_response",
]
