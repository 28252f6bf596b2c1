"""Every exception of the package, and the mapping from an HTTP answer to one.

ThredfiError
    ConfigurationError      the client was set up wrongly; nothing was sent
    InvalidRequest          the input breaks a documented rule; nothing was sent
    JournalError            the journal of a push can't be used or written
    IdStoreError            a store of Thred's ids can't be used, or belongs to another partner
    CallError               a call failed: operation, attempts
        TransportError      no answer, and nothing was changed at Thred
            DeadlineExceeded  the same, because the call's time was used up
        InvalidAnswer       a read was answered with something unreadable
        OutcomeUnknown      a write was sent and may or may not have been applied
        ApiError            Thred refused: status, code, message, fields, request_id
            BadRequest 400, AuthenticationFailed 401, PermissionDenied 403, NotFound 404,
            Conflict 409, RateLimited 429, ServerError 5xx
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .texts import BrokenJSON, harmless, read_json

__all__ = [
    "ApiError",
    "AuthenticationFailed",
    "BadRequest",
    "CallError",
    "ConfigurationError",
    "Conflict",
    "DeadlineExceeded",
    "IdStoreError",
    "InvalidAnswer",
    "InvalidRequest",
    "JournalError",
    "NotFound",
    "OutcomeUnknown",
    "PermissionDenied",
    "RateLimited",
    "ServerError",
    "ThredfiError",
    "TransportError",
]


class ThredfiError(Exception):
    """Base of every exception that this package raises on purpose. All of them can be pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    kind: type[ThredfiError], args: tuple[Any, ...], state: Mapping[str, Any]
) -> ThredfiError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    if "__notes__" in state:  # a copy gets notes of its own
        error.__notes__ = list(state["__notes__"])
    return error


class ConfigurationError(ThredfiError, ValueError):
    """The client can't be built from what it was given. Nothing was sent."""


class JournalError(ThredfiError):
    """The journal of a push can't be used, or can't be written any more."""


class IdStoreError(ThredfiError):
    """A store of Thred's ids can't be used, or belongs to another partner or base URL."""


class InvalidRequest(ThredfiError, ValueError):
    """The input breaks a documented rule. Nothing was sent.

    ``problems`` has one (path, text) pair per field at fault, for example
    ``("line_items[2].unit_price", "must be int, not float")``.
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        # Names and values of the caller's are in them, which need not be valid Unicode.
        self.problems = tuple((harmless(path), harmless(text)) for path, text in problems)
        super().__init__(
            "; ".join(f"{path}: {text}" if path else text for path, text in self.problems)
        )

    @classmethod
    def at(cls, path: str, text: str) -> InvalidRequest:
        """One problem at one path."""
        return cls([(path, text)])

    def below(self, path: str) -> InvalidRequest:
        """The same problems, at paths that go on from this one."""
        return InvalidRequest(
            [
                (f"{path}.{inner}" if path and inner and inner[0] != "[" else path + inner, text)
                for inner, text in self.problems
            ]
        )


class CallError(ThredfiError):
    """Base of what a call raises: it knows the ``operation`` (its id) and the ``attempts`` made."""

    def __init__(self, text: str, *, operation: str = "", attempts: int = 1) -> None:
        super().__init__(text)
        self.operation = operation
        self.attempts = attempts


class TransportError(CallError):
    """No answer came, and nothing was changed at Thred.

    Either the request never left (no connection, no token in time), or it was a
    read, or a write that the server surely did not take. Trying again is safe.
    """


class DeadlineExceeded(TransportError):
    """The call's time was used up before anything could change at Thred."""


class InvalidAnswer(CallError):
    """A read was answered with bytes that are not what was promised.

    HTML from a proxy, truncated JSON, an empty body, too large a body. ``status``
    is the HTTP status that came with it.
    """

    def __init__(
        self, text: str, *, operation: str = "", attempts: int = 1, status: int | None = None
    ) -> None:
        super().__init__(text, operation=operation, attempts=attempts)
        self.status = status


class OutcomeUnknown(CallError):
    """A write was sent, and whether it was applied is not known.

    ``method`` and ``path`` say what was sent, ``external_id`` and
    ``idempotency_key`` under which names it can be found or safely repeated
    (None where there is none), ``status`` is that of an unreadable answer.
    ``find_out`` says in words how to learn what happened.
    """

    def __init__(
        self,
        text: str,
        *,
        operation: str,
        method: str,
        path: str,
        attempts: int = 1,
        external_id: str | None = None,
        idempotency_key: str | None = None,
        status: int | None = None,
        find_out: str = "",
    ) -> None:
        super().__init__(f"{text} {find_out}".rstrip(), operation=operation, attempts=attempts)
        self.method = method
        self.path = path
        self.external_id = external_id
        self.idempotency_key = idempotency_key
        self.status = status
        self.find_out = find_out


class ApiError(CallError):
    """Thred refused the call.

    ``code`` is Thred's error code (``validation_error``, ``invoice_not_found`` …),
    ``fields`` the texts per field, of the first 20, and ``more_fields`` the number of the rest,
    ``request_id`` Thred's name for the request, ``retry_after`` the wait that the answer asks
    for, in seconds. Texts are cut: the message at 1,000 characters, a field's at 200.
    See https://docs.thredfi.com/implementation/error-handling.
    """

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        message: str = "",
        fields: Mapping[str, Sequence[str]] | None = None,
        more_fields: int = 0,
        request_id: str | None = None,
        retry_after: float | None = None,
        operation: str = "",
        attempts: int = 1,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.fields: dict[str, list[str]] = {k: list(v) for k, v in (fields or {}).items()}
        self.more_fields = more_fields
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(self._text(operation, attempts), operation=operation, attempts=attempts)

    def _text(self, operation: str, attempts: int) -> str:
        parts = [f"{operation or 'call'} was refused: {self.status}"]
        if self.code:
            parts.append(self.code)
        if self.message:
            parts.append(f"- {self.message}")
        if self.fields:
            listed = [f"{name}: {' '.join(texts)}" for name, texts in self.fields.items()]
            if self.more_fields:
                listed.append(f"and {self.more_fields} more")
            parts.append(f"({'; '.join(listed)})")
        if self.request_id:
            parts.append(f"[request {self.request_id}]")
        if attempts > 1:
            parts.append(f"[{attempts} attempts]")
        return " ".join(parts)


class BadRequest(ApiError):
    """400 or 422: the data failed validation; ``fields`` says where. Correct it, send again."""


class AuthenticationFailed(ApiError):
    """401: the credentials or the token were not accepted, also not after a new token."""


class PermissionDenied(ApiError):
    """403: valid token, no right to this. Check which business the token is for."""


class NotFound(ApiError):
    """404: no such resource in this business, or no such business of this partner."""


class Conflict(ApiError):
    """409: a duplicate, or the resource's state forbids it."""


class RateLimited(ApiError):
    """429: too many requests; ``retry_after`` says for how long, where the answer did."""


class ServerError(ApiError):
    """5xx: Thred or a proxy before it failed."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    422: BadRequest,
    429: RateLimited,
}

_MESSAGE_LIMIT = 1000  # characters of a server's message that an exception repeats
_NAME_LIMIT = 200  # of its code, of the name of its request, and of a field with its texts
_FIELDS_LIMIT = 20
_DEPTH_LIMIT = 20  # of nested field texts


def api_error(
    status: int,
    body: bytes,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
    operation: str = "",
    attempts: int = 1,
) -> ApiError:
    """The exception for an answer outside 2xx, whichever of the documented shapes it has.

    Six shapes occur in the reference, the guides and the vendor's widget:
    ``{error_code, message, detail{}, request_id}``, ``{error, error_code, details{}}``,
    ``{error_code, detail: text}``, ``{message, errors{}}``, ``{message}`` and
    ``{code, error}``. A plain Django REST body, ``{field: [texts]}``, is read as well.
    Anything else (HTML, empty, broken) gives an exception with its status alone.
    """
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    code, message, texts, body_request_id = _read_body(body)
    fields, more_fields = _field_texts(texts)
    if not message:
        message = {
            401: "the credentials or the token were not accepted",
            403: "the token has no right to this resource",
            404: "no such resource",
            429: "too many requests",
        }.get(status, "")
        if not message and 300 <= status < 400:
            message = "the server redirects, which this client does not follow: check the base URL"
    return kind(
        status,
        code=code,
        message=message,
        fields=fields,
        more_fields=more_fields,
        request_id=body_request_id or (request_id and harmless(request_id)[:_NAME_LIMIT]),
        retry_after=retry_after,
        operation=operation,
        attempts=attempts,
    )


def _read_body(body: bytes) -> tuple[str | None, str, Mapping[str, Any], str | None]:
    """Code, message, what is said of fields, and request id, as far as there are such."""
    try:
        data, _ = read_json(body)
    except BrokenJSON:
        return None, "", {}, None
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if isinstance(data, str):
        return None, data[:_MESSAGE_LIMIT], {}, None
    if not isinstance(data, dict):
        return None, "", {}, None
    code = _first_text(data, _NAME_LIMIT, "error_code", "code")
    message = _first_text(data, _MESSAGE_LIMIT, "message", "error", "detail") or ""
    request_id = _first_text(data, _NAME_LIMIT, "request_id")
    for key in ("detail", "details", "errors"):
        if isinstance(data.get(key), dict):
            return code, message, data[key], request_id
    return code, message, {} if message or code is not None else data, request_id


def _first_text(data: Mapping[str, Any], limit: int, *keys: str) -> str | None:
    for key in keys:
        value = data.get(key)
        if isinstance(value, str) and value:
            return value[:limit]
    return None


def _field_texts(value: Mapping[str, Any]) -> tuple[dict[str, list[str]], int]:
    """Texts of the first fields, and the number of the others."""
    found: dict[str, list[str]] = {}
    room: dict[str, int] = {}  # characters that a field may still take
    more, last = 0, ""
    for path, text in _leaves(value, "", 0):
        if path not in found:
            if len(found) == _FIELDS_LIMIT:
                more += path != last
                last = path
                continue
            found[path] = []
            room[path] = max(_NAME_LIMIT - len(path), 1)
        if room[path] > 0:
            found[path].append(text[: room[path]])
            room[path] -= len(text) + 1
    return found, more


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every text with its path, which is cut where it is long: ``line_items[0].quantity``."""
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            below = f"{path}.{key}" if path else key
            yield from _leaves(inner, below[: _NAME_LIMIT // 2], depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            below = f"{path}[{index}]" if isinstance(inner, dict) else path
            yield from _leaves(inner, below, depth + 1)
    elif value is not None:
        yield path, str(value)
