"""The ``thredfi`` command. It needs the ``cli`` extra; nothing else of the package does."""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit."""
    missing = [name for name in ("typer", "rich") if find_spec(name) is None]
    if missing:
        print(
            f"thredfi: the command line needs {' and '.join(missing)}, which the cli extra "
            "installs: pip install 'thredfi-async[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2)
    from .app import app

    app(prog_name="thredfi")
