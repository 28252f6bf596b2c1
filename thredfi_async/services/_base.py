"""What every service has: what carries out its calls, and how a method becomes a call."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, Unpack

from ..call import Caller
from ..errors import InvalidAnswer, InvalidRequest
from ..lookup import Found, Read, Walks, look_up
from ..operation import Operation
from ..options import CallOptions
from ..pagination import PageAnswer, Paginator
from ..response import with_response
from ..uploads import Upload

T = TypeVar("T")


def reading(caller: Caller, patient_one: Caller) -> Read:
    """What look-ups read by: the body of an answer, as it came."""

    async def read(
        operation: Operation[Any],
        path: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        patient: bool = False,
    ) -> bytes:
        call = (patient_one if patient else caller).call(operation, path=path, query=query)
        return (await with_response(call)).body

    return read


class Service:
    """Operations of the partner itself."""

    __slots__ = ("_caller", "_path")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._path: dict[str, str] = {}

    def _call(
        self,
        operation: Operation[T],
        options: CallOptions,
        body: Any = None,
        *,
        file: Upload | None = None,
        query: Mapping[str, Any] | None = None,
        **path: str,
    ) -> Coroutine[Any, Any, T]:
        """One operation; ``path`` holds its path parameters beside the business's id."""
        return self._caller.call(
            operation,
            path={**self._path, **path} if path else self._path,
            query=query,
            body=body,
            file=file,
            options=options,
        )

    def _list(
        self,
        operation: Operation[PageAnswer[T]],
        options: CallOptions,
        query: Mapping[str, Any],
        *,
        page_size: int | None,
        **path: str,
    ) -> Paginator[T]:
        """A paginated list operation."""

        async def fetch(number: int, size: int) -> PageAnswer[T]:
            return await self._caller.call(
                operation,
                path={**self._path, **path},
                query={**query, "page": number, "page_size": size},
                options=options,
            )

        return Paginator(fetch, page_size=page_size)

    async def _id_of(
        self, create: Operation[Any], external_id: str, *, scan: bool, **path: str
    ) -> str | None:
        """The id of what ``create`` has made under an external_id; None where it surely isn't.

        Raises `InvalidRequest` where only a walk through the whole list tells, unless ``scan``
        allows it, and `InvalidAnswer` where not even that does.
        """
        if not isinstance(external_id, str) or not external_id:
            raise InvalidRequest.at("external_id", "must be text")
        lookup = create.lookup
        assert lookup is not None
        read, walks = reading(self._caller, self._caller), Walks() if scan else None
        found = await look_up(lookup, {**self._path, **path}, external_id, read, walks)
        if isinstance(found, Found):
            id = found.record.get("id")
            return id if isinstance(id, str) else None
        if found is False:
            return None
        if lookup.scan is not None and not scan:
            text = f"{external_id!r} is found only by a walk through all of them: pass scan=True"
            raise InvalidRequest.at("external_id", text)
        raise InvalidAnswer(
            f"{create.id}: no answer tells whether there is one of external_id {external_id!r}",
            operation=lookup.scan or lookup.read or create.id,
        )


class BusinessService(Service):
    """Operations of one business."""

    __slots__ = ()

    def __init__(self, caller: Caller, business_id: str) -> None:
        super().__init__(caller)
        self._path = {"business_id": business_id}


class AnyOperation:
    """Any operation by its own object, those included that no service has a method for."""

    def __init__(self, caller: Caller, path: Mapping[str, str]) -> None:
        self._any_caller = caller
        self._any_path = path

    async def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        file: Upload | None = None,
        **options: Unpack[CallOptions],
    ) -> T:
        """One request of any operation of `thredfi_async.operations`; its answer, decoded.

        ``path`` and ``query`` hold its parameters by their names in the description; a
        BusinessClient fills in ``business_id``. ``body`` is a model or a plain mapping.
        Raises `InvalidRequest` before anything is sent, and what every call raises.
        """
        return await self._any_caller.call(
            operation,
            path=self._filled(operation, path),
            query=query,
            body=body,
            file=file,
            options=options,
        )

    def list(
        self,
        operation: Operation[PageAnswer[T]],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        page_size: int | None = None,
    ) -> Paginator[T]:
        """The items of any operation that lists in pages; ``page_size`` is 1 to 100.

        ``path`` and ``query`` are those of `call`. Raises `InvalidRequest`.
        """
        filled = self._filled(operation, path)

        async def fetch(number: int, size: int) -> PageAnswer[T]:
            return await self._any_caller.call(
                operation,
                path=filled,
                query={**(query or {}), "page": number, "page_size": size},
                options={},
            )

        return Paginator(fetch, page_size=page_size)

    def _filled(self, operation: Operation[Any], path: Mapping[str, str] | None) -> dict[str, str]:
        """The path parameters, with the business's id. Raises `InvalidRequest`."""
        if not isinstance(operation, Operation):
            kind = type(operation).__name__
            text = f"must be one of thredfi_async.operations, such as LIST_INVOICES, not {kind}"
            raise InvalidRequest.at("operation", text)
        filled = {**self._any_path, **(path or {})}
        for name in filled:
            if name not in operation.path_parameters:
                raise InvalidRequest.at(name, f"isn't a path parameter of {operation.id}")
        return filled
