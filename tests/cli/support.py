"""Running the real command: as a process of its own, or, cheaper, inside the tests' own."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import attrs

ROOT = Path(__file__).parents[2]
UNREACHABLE = {
    "THREDFI_BASE_URL": "http://127.0.0.1:9",
    "THREDFI_PARTNER_UUID": "00000000-0000-4000-8000-000000000000",
    "THREDFI_API_KEY": "planted-secret-key",
}


@attrs.frozen
class Ended:
    status: int
    out: str
    err: str


async def start(
    *arguments: str | Path, env: Mapping[str, str], **more
) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if "THREDFI" not in name}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "thredfi_async.cli",
        *map(str, arguments),
        env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **env},
        stdin=more.pop("stdin", asyncio.subprocess.DEVNULL),
        stdout=more.pop("stdout", asyncio.subprocess.PIPE),
        stderr=more.pop("stderr", asyncio.subprocess.PIPE),
        **more,
    )


@asynccontextmanager
async def running(
    *arguments: str | Path, env: Mapping[str, str], **more
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command under way; no process is left behind, whatever becomes of the test."""
    process = await start(*arguments, env=env, **more)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.communicate()


async def end(process: asyncio.subprocess.Process, given: bytes | None = None) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(given), 60)
    assert process.returncode is not None
    return Ended(process.returncode, (out or b"").decode(), err.decode())


async def thredfi(*arguments: str | Path, env: Mapping[str, str] = UNREACHABLE, **more) -> Ended:
    given = more.pop("given", None)
    if given is not None:
        more["stdin"] = asyncio.subprocess.PIPE
    async with running(*arguments, env=env, **more) as process:
        return await end(process, given)


async def invoked(
    *arguments: str | Path, env: Mapping[str, str] = UNREACHABLE, given: str | None = None
) -> Ended:
    """The command in a thread of this process, for what isn't about processes and signals."""
    return await asyncio.to_thread(_invoked, tuple(map(str, arguments)), env, given)


def _invoked(arguments: tuple[str, ...], env: Mapping[str, str], given: str | None) -> Ended:
    from thredfi_async.cli.app import app

    clean = {name: value for name, value in os.environ.items() if "THREDFI" not in name}
    out, err = io.StringIO(), io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO((given or "").encode()))
    with (
        patch.dict(os.environ, {**clean, "COLUMNS": "120", **env}, clear=True),
        patch.object(sys, "stdin", stdin),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            app(args=list(arguments), prog_name="thredfi")
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
    return Ended(status, out.getvalue(), err.getvalue())
