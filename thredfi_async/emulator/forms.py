"""Bodies that are forms: their texts turned into what the fields take."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Self, get_args, get_origin

import msgspec
from aiohttp import web

from ..fields import Instant, model_fields
from .problems import Problem

__all__ = ["FORMS", "File", "read_form"]

_MAX_FIELDS = 1000
_AS_TEXT = (str, date, datetime, Instant)

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class File(bytes):
    """The content of an uploaded file, with what the form said of it."""

    name: str
    content_type: str

    @classmethod
    def of(cls, content: bytes, name: str, content_type: str) -> Self:
        """A file of this content."""
        file = cls(content)
        file.name, file.content_type = name, content_type
        return file


async def read_form(request: web.BaseRequest, model: Any) -> dict[str, Any]:
    """The fields of a form as JSON would have them. Raises 400."""
    try:
        parts = await request.post()
    except web.HTTPException:
        raise
    except Exception as error:  # aiohttp raises anything from AssertionError to zlib.error
        raise Problem(400, "validation_error", f"The form can't be read: {error}.") from None
    if len(parts) > _MAX_FIELDS:  # aiohttp 3.14.5 refuses them by itself, 3.14.1 does not
        raise Problem(413, "too_large", f"The form has more than {_MAX_FIELDS} fields.")
    types = {field.wire_name: field.type for field in model_fields(model)} if model else {}
    found: dict[str, Any] = {}
    for name in dict.fromkeys(parts):
        values = [_content(name, value) for value in parts.getall(name)]
        found[name] = _as_field(types.get(name, Any), values)
    return found


def _content(name: str, value: Any) -> str | bytes:
    if isinstance(value, web.FileField):
        # In either there may be bytes that are no text.
        name = value.filename.encode(errors="replace").decode()
        content_type = value.content_type.encode("ascii", "replace").decode()
        return File.of(value.file.read(), name, content_type)
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character, which some charsets can write
        raise Problem(400, "validation_error", f"{name} is no text.") from None
    return text


def _as_field(wanted: Any, values: list[str | bytes]) -> Any:
    """Text, days and instants stay text; numbers, booleans, lists and objects are JSON.

    A list may also be written as one part for each element, as HTML forms do.
    """
    kinds = {wanted, *get_args(wanted)}
    if not kinds.isdisjoint(_AS_TEXT):
        return values[-1]
    read = [_from_json(value) for value in values]
    element = next((get_args(kind)[0] for kind in kinds if get_origin(kind) is list), None)
    if element is None or isinstance(read[-1], list):
        return read[-1]
    return values if element is str else read


def _from_json(value: str | bytes) -> Any:
    if isinstance(value, bytes):
        return value
    try:
        return msgspec.json.decode(value.encode())
    except (ValueError, RecursionError):
        return value  # what is wrong is refused by the model
