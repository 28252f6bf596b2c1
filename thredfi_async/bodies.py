"""From a body and its files to what is sent: JSON, a form, or the bytes as they are."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import attrs

from . import codec
from .checks import check_held
from .errors import InvalidRequest
from .fields import FilePart, ModelField, UnsetType, model_fields
from .operation import ModelRef, Operation
from .texts import harmless
from .uploads import Form, Upload

__all__ = ["as_json", "as_model", "is_json", "written"]

JSON = "application/json"
_MULTIPART = "multipart/form-data"


_FILES = (Upload, bytes, bytearray)
_NO_FILES = frozenset((str, int, float, bool, type(None), UnsetType))  # most of what there is

_DOCUMENT = "document"  # what bodies call what they say of a file


@cache
def is_json(operation: Operation[Any], kind: Any) -> bool:
    """Whether a body of this type goes out as JSON, whatever it holds."""
    content_type, ref = operation.bodies[0]
    if content_type != JSON or len(operation.bodies) == 1:
        return content_type == JSON
    return kind is _class(ref) and not codec.takes_files(kind)


def written(
    operation: Operation[Any], body: Any, extra: Mapping[str, Any] | None, file: Upload | None
) -> tuple[Any, bytes | Form, str | None]:
    """As the type of content that fits the body, JSON before all others."""
    content_type, ref = operation.bodies[0]
    if file is None and content_type == JSON and type(body) is dict and not _holds_file(body):
        model = as_model(operation, ref, body, extra)
        return model, as_json(model, extra), None
    forms = [one for kind, one in operation.bodies if _plain(kind) == _MULTIPART]
    if file is not None:
        _check_upload(operation, file)
        part = _file_field(forms[0], operation.file) if forms else None
        if part is None or not (ref == forms[0] or type(body) is _class(forms[0])):
            model = as_model(operation, ref, body, extra)
            return model, _form_of_document(operation, _fields(model, extra), file), None
        body = _with_file(body, part, file)
    if file is not None or (forms and _takes_files(forms[0]) and _holds_file(body)):
        content_type, ref = _MULTIPART, forms[0]
    else:
        for kind, one in operation.bodies:
            if one is not None and type(body) is _class(one):
                content_type, ref = kind, one
                break
    model = as_model(operation, ref, body, extra)
    match _plain(content_type):
        case "application/json" | "*/*":
            return model, as_json(model, extra), None
        case name if name.endswith("+json"):
            return model, as_json(model, extra), content_type
        case "multipart/form-data":
            return model, _form(_parts(_fields(model, extra))), None
        case "application/x-www-form-urlencoded":
            return model, _url_encoded(_fields(model, extra)), content_type
    return model, _raw(content_type, model, extra), content_type


def as_model(
    operation: Operation[Any], ref: ModelRef | None, body: Any, extra: Mapping[str, Any] | None
) -> Any:
    """The body as what the operation takes, checked. Raises `InvalidRequest`."""
    if extra:
        check_held("extra_body", extra)
    if body is None:
        if operation.body_required and not extra:
            raise InvalidRequest.at("body", f"{operation.id} needs one")
        return {}
    wanted = codec.load(ref) if ref is not None else None
    if wanted is None or type(body) is wanted:
        check_held("", body)
        return body
    return codec.structure(wanted, body)


def as_json(model: Any, extra: Mapping[str, Any] | None) -> bytes:
    """A body as JSON, and ``extra`` in it."""
    return codec.encode({**_mapping(model), **extra} if extra else model)


def _plain(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _class(ref: ModelRef | None) -> Any:
    return None if ref is None else codec.load(ref)


def _mapping(model: Any) -> dict[str, Any]:
    """A body to which fields can be added."""
    held = codec.to_mapping(model, kept=_FILES)
    if not isinstance(held, dict):
        kind = type(model).__name__
        raise InvalidRequest.at("", f"the body is a {kind}, and only an object takes extra_body")
    return held


def _fields(model: Any, extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of a form; files are as they were given."""
    fields = codec.to_mapping({**_mapping(model), **(extra or {})}, kept=_FILES)
    assert isinstance(fields, dict)
    return fields


# --- files -----------------------------------------------------------------------------


def _check_upload(operation: Operation[Any], file: object) -> None:
    if not isinstance(file, Upload):
        text = f'must be an Upload, such as Upload("invoice.pdf"), not {type(file).__name__}'
        raise InvalidRequest.at("file", text)
    if operation.file is None:
        raise InvalidRequest.at("file", f"{operation.id} takes none")


@cache
def _file_field(ref: ModelRef | None, part: str | None) -> ModelField | None:
    """The field of a form's model that takes the file."""
    model = _class(ref)
    if model is None or not attrs.has(model):
        return None
    return next((field for field in model_fields(model) if field.wire_name == part), None)


def _with_file(body: Any, field: ModelField, file: Upload) -> Any:
    """The body with the file in it, alone in a list where the form takes several."""
    value = [file] if "list[" in str(field.type) else file
    if body is None or isinstance(body, Mapping):
        given = body or {}
        if field.wire_name in given:
            raise InvalidRequest.at(field.wire_name, "is given as file= already")
        return {**given, field.wire_name: value}
    if not isinstance(getattr(body, field.name, None), UnsetType | None):
        raise InvalidRequest.at(field.wire_name, "is given as file= already")
    body = copy.copy(body)
    setattr(body, field.name, value)
    return body


@cache
def _takes_files(ref: ModelRef | None) -> bool:
    return ref is None or codec.takes_files(codec.load(ref))


def _holds_file(value: Any) -> bool:
    """Whether a file stands in a body, or in an object or list there."""
    kind: Any = type(value)
    if kind in _NO_FILES:
        return False
    if kind is dict or kind is list:
        for one in value.values() if kind is dict else value:
            if type(one) not in _NO_FILES and _holds_file(one):
                return True
        return False
    if isinstance(value, _FILES):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_file, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_file, value))
    if attrs.has(kind) and codec.takes_files(kind):
        return any(_holds_file(getattr(value, one.name)) for one in model_fields(kind))
    return False


# --- forms -----------------------------------------------------------------------------


def _form_of_document(operation: Operation[Any], fields: dict[str, Any], file: Upload) -> Form:
    """A form with one file: its fields as text, lists and objects as JSON.

    What the body says of the file (``document``) goes where the form has the file.
    """
    part = operation.file
    assert part is not None
    above, dot, _ = part.rpartition(".")
    document = fields.pop(_DOCUMENT, {})
    if not isinstance(document, Mapping):
        raise InvalidRequest.at(_DOCUMENT, f"must be a mapping, not {type(document).__name__}")
    for name, value in document.items():
        where = f"{_DOCUMENT}.{name}"
        if name == "file":
            raise InvalidRequest.at(where, "is given as file= already")
        if f"{above}{dot}{name}" in fields:
            raise InvalidRequest.at(where, f"has no place beside {name} in a form with a file")
        fields[f"{above}{dot}{name}"] = value
    if part in fields:
        raise InvalidRequest.at(part, "is given as file= already")
    texts = [(str(name), _text(name, value)) for name, value in fields.items()]
    return _form([*texts, (part, file)])


def _form(parts: list[tuple[str, str | FilePart]]) -> Form:
    try:
        return Form.of(parts)
    except UnicodeError as error:
        raise InvalidRequest.at("", f"the body can't be written as a form: {error}") from None


def _parts(fields: Mapping[str, Any]) -> list[tuple[str, str | FilePart]]:
    """The parts of a form: of a list of files or plain values one each, of other values JSON."""
    return [
        (name, _file(name, one) if _holds_file(one) else _text(name, one))
        for name, one in _each(fields)
    ]


def _each(fields: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in fields.items():
        name = f"{above}{key}"
        if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
            for one in value:
                yield name, one
        elif isinstance(value, dict) and _holds_file(value):
            yield from _each(value, f"{name}.")
        else:
            yield name, value


def _file(name: str, value: Any) -> FilePart:
    if isinstance(value, Upload):
        return value
    if isinstance(value, bytes | bytearray):
        return Upload.of(bytes(value), name)
    raise InvalidRequest.at(name, "a form takes files alone, or in a list, and not in others")


def _text(name: str, value: Any) -> str:
    if value is None:
        raise InvalidRequest.at(name, "can't be null in a form, which a body with a file is")
    if isinstance(value, str):
        if harmless(value) != value:
            raise InvalidRequest.at(name, "is not valid Unicode: it has half a surrogate pair")
        return value
    try:
        return codec.encode(value).decode()
    except InvalidRequest as error:
        raise error.below(name) from None


def _url_encoded(fields: Mapping[str, Any]) -> bytes:
    pairs = [(name, _text(name, one)) for name, one in _each(fields)]
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in pairs).encode()


def _raw(content_type: str, body: Any, extra: Mapping[str, Any] | None) -> bytes:
    """A body that is neither JSON nor a form: the bytes as they are."""
    if isinstance(body, str) and not extra:
        return _text("", body).encode()
    if isinstance(body, bytes | bytearray) and not extra:
        return bytes(body)
    kind = type(body).__name__
    raise InvalidRequest.at("", f"the body is {content_type}: it must be bytes or text, not {kind}")
