"""Files that a command writes: none of them may be one that it reads, or another output."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from ..errors import ConfigurationError

__all__ = ["keep_apart"]

Place: TypeAlias = str | Path | int
"""A path, or the number of an open file."""


def keep_apart(taken: Mapping[str, Place | None], outputs: Mapping[str, Path | None]) -> None:
    """See that no output is something taken or another output, under whatever name or link.

    The keys say what each is for. Raises `ConfigurationError`.
    """
    known: dict[tuple[object, ...], str] = {}
    for name, place in taken.items():
        if place is not None and (identity := _identity(place)):
            known[identity] = name
    for name, path in outputs.items():
        if path is not None and (identity := _identity(path)):
            if identity in known:
                raise ConfigurationError(
                    f"{name} {path} is {known[identity]} itself: name another file"
                )
            known[identity] = name


def _identity(place: Place) -> tuple[object, ...] | None:
    """What is equal for all names of a regular file, whether it exists or not."""
    try:
        found = os.stat(place)
    except FileNotFoundError:
        assert not isinstance(place, int)
        folder, name = os.path.split(os.path.realpath(place))
        try:
            found = os.stat(folder)
        except OSError:
            return None  # opening it says what is wrong
        return found.st_dev, found.st_ino, name
    except OSError:
        return None
    # Writing to a terminal, a pipe or /dev/null under two names harms nothing.
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
