"""What every service has: what carries out its calls, and how a method becomes a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ..call import Caller
from ..operation import Operation
from ..options import CallOptions
from ..pagination import PageAnswer, Paginator
from ..uploads import Upload

T = TypeVar("T")


class Service:
    """Operations of the partner itself."""

    __slots__ = ("_caller", "_path")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._path: dict[str, str] = {}

    async def _call(
        self,
        operation: Operation[T],
        options: CallOptions,
        body: Any = None,
        *,
        file: Upload | None = None,
        query: Mapping[str, Any] | None = None,
        **path: str,
    ) -> T:
        """One operation; ``path`` holds its path parameters beside the business's id."""
        return await self._caller.call(
            operation,
            path={**self._path, **path},
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


class BusinessService(Service):
    """Operations of one business."""

    __slots__ = ()

    def __init__(self, caller: Caller, business_id: str) -> None:
        super().__init__(caller)
        self._path = {"business_id": business_id}
