"""Which business is meant: ``--business`` takes Thred's id or the partner's own external_id."""

from __future__ import annotations

from uuid import UUID

from ..client import ThredfiClient
from ..errors import InvalidRequest, NotFound, PermissionDenied
from ..texts import nearest

__all__ = ["find_business"]


async def find_business(thredfi: ThredfiClient, given: str) -> str:
    """Thred's id of the business that ``given`` names.

    What looks like an id is read as one first. Else the partner's businesses are read, those
    that are archived where no other fits. Raises `InvalidRequest` where none fits, or several.
    """
    if _is_uuid(given) and await _is_there(thredfi, given):
        return given
    names: set[str] = set()
    for archived in (None, True):  # by itself the list holds active ones alone
        found: set[str] = set()
        async for business in thredfi.businesses.list(is_archived=archived):
            id, external_id = str(business.id), business.external_id
            if isinstance(external_id, str):
                names.add(external_id)
            if given in (id, external_id):
                found.add(id)
        if len(found) > 1:
            text = f"{given!r} is the external_id of several: {', '.join(sorted(found))}; give one"
            raise InvalidRequest.at("--business", f"{text} of these ids")
        if found:
            return found.pop()
    near = nearest(given, names)
    hint = f"did you mean {near}?" if near else "thredfi businesses lists them"
    text = f"the partner has no business with the id or external_id {given!r}; {hint}"
    raise InvalidRequest.at("--business", text)


async def _is_there(thredfi: ThredfiClient, id: str) -> bool:
    try:
        await thredfi.businesses.get(id)
    except (NotFound, PermissionDenied):  # of the token call as well: it is nobody's, or another's
        return False
    return True


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
