"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..client import ENVIRONMENTS

__all__ = ["AllowHttp", "ApiKeyFile", "AsJson", "BaseUrl", "Environment", "PartnerUuid"]

BaseUrl = Annotated[
    str | None,
    typer.Option(
        help="Where to send to, in place of an environment's URL (env var: THREDFI_BASE_URL).",
        show_default=False,
    ),
]
Environment = Annotated[
    str | None,
    typer.Option(
        help="sandbox or production (env var: THREDFI_ENVIRONMENT; default: sandbox).",
        show_default=False,
        autocompletion=lambda: list(ENVIRONMENTS),
    ),
]
PartnerUuid = Annotated[
    str | None,
    typer.Option(help="The partner's UUID.", envvar="THREDFI_PARTNER_UUID", show_default=False),
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(
        help="A file that holds the API key, if it isn't in THREDFI_API_KEY. "
        "It can't be given as an argument: arguments can be read by others.",
        show_default=False,
    ),
]
AllowHttp = Annotated[
    bool,
    typer.Option(
        "--allow-http",
        help="Send tokens without TLS to a host that isn't this one: for an emulator in a network "
        "of your own (env var: THREDFI_ALLOW_HTTP=1).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
