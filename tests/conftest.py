"""What all tests share."""

from __future__ import annotations

import inspect
from unittest.mock import Mock

import aiohttp
import aioresponses.core


def _bridge_aioresponses() -> None:
    """Let aioresponses 0.7.9 build the responses of aiohttp 3.14.

    aiohttp 3.14 asks for a `stream_writer` when a ClientResponse is built, which
    aioresponses doesn't pass. Once it does, this function has nothing left to do.
    """
    if "stream_writer" not in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
        return
    if "stream_writer" in inspect.getsource(aioresponses.core):
        return

    class Response(aiohttp.ClientResponse):
        def __init__(self, *args: object, **kwargs: object) -> None:
            kwargs.setdefault("stream_writer", Mock(output_size=0))
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    aioresponses.core.ClientResponse = Response


_bridge_aioresponses()
