"""Where the hand-written code uses what is generated: by which name, in which file and line."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from .names import constant_name
from .output import PACKAGE

_GENERATED = ("models", "operations.py")


@cache
def uses(package: Path = PACKAGE) -> dict[str, list[str]]:
    """Every name and text in the code of the package -> the places, as `file:line`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] in _GENERATED:
            continue
        shown = path.relative_to(package.parent).as_posix()
        for name, line in _names(ast.parse(path.read_text("utf-8"))):
            place = f"{shown}:{line}"
            if place not in found[name]:
                found[name].append(place)
    return dict(found)


def used_names(package: Path = PACKAGE) -> set[str]:
    """All names and texts that the code uses."""
    return set(uses(package))


def used_operations(ids: Iterable[str], package: Path = PACKAGE) -> set[str]:
    """Those operations that the code names by their constant or their id."""
    known = used_names(package)
    return {id for id in ids if id in known or constant_name(id) in known}


def places(name: str, package: Path = PACKAGE) -> list[str]:
    """Where the code names an operation (by constant or id) or a schema."""
    return [*uses(package).get(constant_name(name), ()), *uses(package).get(name, ())]


def _names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, end_lineno=line) if line is not None:
                yield name, line
            case ast.Name(id=name, lineno=line) | ast.alias(name=name, lineno=line):
                yield name, line
            case ast.Constant(value=str(text), lineno=line):
                yield text, line
            case ast.keyword(arg=str(name), lineno=line):
                yield name, line
