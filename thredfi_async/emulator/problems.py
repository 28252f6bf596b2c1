"""Refusals, and the shapes that the reference and the guides have for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

__all__ = [
    "REQUIRED",
    "ErrorShape",
    "Problem",
    "TextProblem",
    "conflict",
    "duplicate",
    "invalid",
    "invalid_fields",
    "not_found",
]

ErrorShape = Literal["reference", "guide"]

REQUIRED = "This field is required."


class Problem(Exception):
    """An answer outside 2xx. ``detail`` holds texts per field, as a validation error does.

    ``headers`` are those that its status asks for.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        detail: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.detail = {name: list(texts) for name, texts in (detail or {}).items()}

    def body(self, request_id: str, shape: ErrorShape) -> dict[str, Any]:
        """The JSON of the answer."""
        if shape == "guide":
            return {"error": self.message, "error_code": self.code, "details": self.detail}
        return {
            "error_code": self.code,
            "message": self.message,
            "detail": self.detail,
            "request_id": request_id,
        }


class TextProblem(Problem):
    """A refusal whose ``detail`` is one text: the entity-types guide has a shape of its own."""

    def body(self, request_id: str, shape: ErrorShape) -> dict[str, Any]:
        """The JSON of the answer, whichever shape the others have."""
        return {"error_code": self.code, "detail": self.message}


def invalid(**texts: str) -> Problem:
    """400: one text per field."""
    return invalid_fields({name: [text] for name, text in texts.items()})


def invalid_fields(detail: Mapping[str, Sequence[str]]) -> Problem:
    """400: any number of texts per field."""
    return Problem(400, "validation_error", "Request data failed validation.", detail)


def not_found(what: str) -> Problem:
    """404 with a code such as ``invoice_not_found``."""
    return Problem(404, f"{what.replace(' ', '_')}_not_found", f"No such {what}.")


def conflict(message: str) -> Problem:
    """409: the state of the resource forbids it."""
    return Problem(409, "invalid_state", message)


def duplicate(what: str) -> Problem:
    """409: the external_id is taken."""
    text = f"Another {what} has this external_id."
    return Problem(409, "duplicate_external_id", text, {"external_id": [text]})
