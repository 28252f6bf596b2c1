"""Python names for the names of a description."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container, Iterable

REST = "additional_properties"  # the field that holds the fields without a name of their own

# What the generated modules use themselves; a class or field of the same name would hide it.
RESERVED = frozenset(
    {
        *("Annotated", "Decimal", "FilePart", "OneOf", REST),
        *("Any", "Check", "Checked", "ClassVar", "Instant", "Mapping", "OpenEnum", "TypeAlias"),
        *("UNSET", "UnsetType", "annotations", "check", "common", "define", "dt", "field"),
        *("frozen", "self", "sparse", "takes", "bool", "bytes", "dict", "float", "int", "list"),
        "str",
    }
)


def class_name(text: str, taken: Container[str] = ()) -> str:
    """A class name: kept where it is one already, else its words in CamelCase."""
    if re.fullmatch(r"[A-Z][A-Za-z0-9]*", text):
        name = text
    else:
        name = camel_case(text) or "Model"
        if name[0].isdigit():
            name = f"Model{name}"
    if keyword.iskeyword(name) or name in RESERVED:
        name += "Model"
    return free_name(name, taken)


def camel_case(text: str) -> str:
    """The words of a text in CamelCase."""
    return "".join(word[0].upper() + word[1:] for word in _words(text))


def field_names(texts: Iterable[str]) -> dict[str, str]:
    """The attribute name of each field of a class: kept where it is one already."""
    names = {text: text for text in texts if _is_field_name(text)}
    for text in texts:
        if text not in names:
            names[text] = _field_name(text, names.values())
    return names


def _is_field_name(text: str) -> bool:
    return (
        re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) is not None
        and not keyword.iskeyword(text)
        and text not in RESERVED
    )


def _field_name(text: str, taken: Container[str]) -> str:
    name = "_".join(_words(text)) or "value"
    if name[0].isdigit():
        name = f"n{name}"
    return free_name(name if _is_field_name(name) else f"{name}_", taken)


def member_name(text: str, taken: Container[str] = ()) -> str:
    """The name of an enum's member, in capitals."""
    name = "_".join(_words(text)).upper() or "BLANK"
    if name[0].isdigit():
        name = f"N{name}"
    # Enum keeps names such as "mro" and "name" to itself, but only in lower case.
    return free_name(name, taken)


def module_name(text: str) -> str:
    """A module name: the words in snake_case."""
    name = "_".join(_words(text)).lower() or "models"
    if name[0].isdigit():
        name = f"m{name}"
    # Every module begins with `from __future__ import annotations`.
    return f"{name}_" if keyword.iskeyword(name) or name == "annotations" else name


def constant_name(text: str, taken: Container[str] = ()) -> str:
    """The name of an operation's constant."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = "_".join(_words(spaced)).upper() or "OPERATION"
    return free_name(f"N{name}" if name[0].isdigit() else name, taken)


def _words(text: str) -> list[str]:
    """The words of a text, in ASCII: `größe` is `groe`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[A-Za-z0-9]+", plain)


def free_name(name: str, taken: Container[str]) -> str:
    """A name, or the next one like it that is not taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name}{number}" in taken or f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}" if name.islower() else f"{name}{number}"
