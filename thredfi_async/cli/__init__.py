"""The ``thredfi`` command. It needs the ``cli`` extra; nothing else of the package does."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import ConfigurationError

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit."""
    from . import interrupts, output

    output.install()  # first: it takes the places of closed streams
    interrupts.install()
    from .endings import carry_out

    status = carry_out(lambda course: _command_line())
    output.abandon()
    raise SystemExit(status)


def _command_line() -> int:
    missing = [name for name in ("typer", "rich") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the command line needs {' and '.join(missing)}, which the cli extra installs: "
            "pip install 'thredfi-async[cli]'"
        )
    from .app import app

    try:
        app(prog_name="thredfi")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
