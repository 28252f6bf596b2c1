"""From a file to the description that code is generated from: read, paired, overlaid, checked."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import attrs

from .calls import calls
from .document import read
from .output import PACKAGE
from .overlay import Laid, lay_over, read_overlay
from .pairing import ADOPTED, Pairing, pair
from .shape import check
from .uses import used_names, used_operations

OPENAPI = PACKAGE.parent / "openapi"
TABLE = OPENAPI / "openapi.yaml"
OVERLAY = OPENAPI / "overlay.yaml"


@attrs.frozen
class Loaded:
    """A description, ready to be generated from."""

    document: dict[str, Any]
    plain: dict[str, Any]  # as above, without the overlay
    pairing: Pairing | None  # None: its names are ours as they are
    laid: Laid
    left_out: tuple[str, ...] = ()  # of the file, as it can't be used


def load(spec: str, overlay: str | None, *, always: bool = False) -> Loaded:
    """The checked description with the overlay applied. Raises `CodegenError`.

    With an overlay a description of the same API, whatever it calls things, is brought to our
    names first; our own only if that is to be done ``always``.
    """
    document = read(spec)
    if overlay is None:
        return Loaded(document, document, None, Laid(), tuple(check(document, spec)))
    actions = read_overlay(overlay)
    pairing = None
    left_out: list[str] = []
    foreign = ADOPTED in document
    if always or not _is_table(spec):
        left_out += check(document, spec)
        pairing = paired(document, actions)
        if pairing is not None:
            document, foreign = pairing.document, True
    plain = copy.deepcopy(document)
    laid = lay_over(document, actions, foreign=foreign)
    left_out += check(document, spec)
    return Loaded(document, plain, pairing, laid, tuple(left_out))


def paired(document: dict[str, Any], overlay: dict[str, Any]) -> Pairing | None:
    """A checked description under our names; None where it is of another API."""
    table = read(str(TABLE))
    check(table, str(TABLE))
    if not {call.key for call in calls(document)} & {call.key for call in calls(table)}:
        return None
    overlaid = our_description(overlay)
    used = used_names() | used_operations(call.id for call in calls(table))
    return pair(document, overlaid, used, plain=table)


def our_description(overlay: dict[str, Any]) -> dict[str, Any]:
    """Our own description as code is generated from it."""
    table = read(str(TABLE))
    lay_over(table, overlay, foreign=ADOPTED in table)
    check(table, str(TABLE))
    return table


def _is_table(spec: str) -> bool:
    return not spec.startswith(("http://", "https://")) and Path(spec).resolve() == TABLE
