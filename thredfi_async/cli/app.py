"""The commands and their options. What each one does is in a file of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from .commands import businesses, call
from .connection import Connection
from .endings import STATUSES, carry_out
from .interrupts import in_loop
from .options import AllowHttp, ApiKeyFile, AsJson, BaseUrl, Environment, PartnerUuid
from .output import say

__all__ = ["app"]

app = typer.Typer(
    help="Thred's Partner API from the command line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show locals, and those hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        say(f"thredfi-async {__version__}")
        raise typer.Exit


@app.callback()
def _thredfi(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Thred's Partner API from the command line.

    Credentials come from the environment: THREDFI_PARTNER_UUID and THREDFI_API_KEY.
    """


@app.command(epilog=STATUSES)
def push(
    file: Annotated[
        str,
        typer.Argument(
            help="JSON lines, one record a line, plain or gzip; - is standard input. The "
            "failed file of an earlier run is fine too.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", min=1, help="Calls under way at once.")
    ] = 64,
    failed: Annotated[
        Path | None,
        typer.Option(
            help="Write the records that failed to this file, with the reasons. Mended, it can "
            "be pushed in its turn. A run that breaks off leaves FILE.part.",
            show_default=False,
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Keep what became of each record in this file (SQLite), so that the run can be "
            "resumed, whatever ends it.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where the run of --journal ended: what is done isn't sent again.",
        ),
    ] = False,
    ids: Annotated[
        Path | None,
        typer.Option(
            help="Read and keep Thred's ids in this file (SQLite), from run to run: records may "
            "refer to those of earlier runs, and what is unchanged isn't sent again.",
            show_default=False,
        ),
    ] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(
            help="Also read ids from this file: that of another --ids, or an earlier journal. "
            "May be given several times.",
            show_default=False,
        ),
    ] = None,
    lookup: Annotated[
        bool,
        typer.Option(
            "--lookup/--no-lookup",
            help="Whether to look up at Thred what records refer to and no file knows.",
        ),
    ] = True,
    on_difference: Annotated[
        str,
        typer.Option(
            help="What to do with a record that Thred has with other content: report it, update "
            "the fields that differ, or ignore them.",
            autocompletion=lambda: ["report", "update", "ignore"],
        ),
    ] = "report",
    send_all: Annotated[
        bool, typer.Option("--all", help="Send what is unchanged by --ids as well.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")
    ] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress.")] = False,
    base_url: BaseUrl = None,
    environment: Environment = None,
    partner_uuid: PartnerUuid = None,
    api_key_file: ApiKeyFile = None,
    allow_http: AllowHttp = False,
) -> None:
    """Send many records: businesses, customers, invoices, payments, payouts, bills and so on.

    What refers to something is sent after it; everything else goes side by side. Pushing
    the same file again creates nothing twice, but for write-offs: those need --ids or a journal.
    "action" in a record updates, voids, archives, unarchives or deletes what it names.

    The file of --failed holds whole records as they were given, that of --journal their ids
    and the reasons why some failed. Both may name people: they are made for you alone (0600).
    """
    from .push import PushCommand

    connection = Connection(base_url, environment, partner_uuid, api_key_file, allow_http)
    command = PushCommand(
        file=file,
        concurrency=concurrency,
        failed=failed,
        journal=journal,
        resume=resume,
        ids=ids,
        known=tuple(known or ()),
        lookup=lookup,
        on_difference=on_difference,
        send_all=send_all,
        as_json=as_json,
        progress=not no_progress,
        connection=connection,
    )
    raise typer.Exit(carry_out(command.run))


@app.command(epilog=STATUSES)
def token(
    business: Annotated[
        str | None,
        typer.Option(
            help="A business, by Thred's id or your external_id: a token for this one alone.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the token itself, and nothing else, on stdout.")
    ] = False,
    as_json: AsJson = False,
    base_url: BaseUrl = None,
    environment: Environment = None,
    partner_uuid: PartnerUuid = None,
    api_key_file: ApiKeyFile = None,
    allow_http: AllowHttp = False,
) -> None:
    """Fetch an access token and say what it is good for.

    A partner token must never reach a browser.
    """
    from .token import show_token

    connection = Connection(base_url, environment, partner_uuid, api_key_file, allow_http)
    run = partial(show_token, connection, business, show=show, as_json=as_json)
    raise typer.Exit(carry_out(lambda course: in_loop(run())))


@app.command(epilog=STATUSES)
def verify(
    business: Annotated[
        str | None,
        typer.Option(
            help="The business to write to, by Thred's id or your external_id. Without it, one "
            "with the external_id thredfi-verify is created, or found again; not in production.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds until the report must show the invoice.")
    ] = 30.0,
    as_json: AsJson = False,
    base_url: BaseUrl = None,
    environment: Environment = None,
    partner_uuid: PartnerUuid = None,
    api_key_file: ApiKeyFile = None,
    allow_http: AllowHttp = False,
) -> None:
    """Try out the integration guide: tokens, business, invoice, payment, read back, report.

    Writes one invoice of 100.00 and its payment. Prints a tick for each step, or the reason
    why it failed.
    """
    from .verify import verify as run

    connection = Connection(base_url, environment, partner_uuid, api_key_file, allow_http)
    steps = partial(run, connection, business, wait=wait, as_json=as_json)
    raise typer.Exit(carry_out(lambda course: in_loop(steps(course=course))))


@app.command(epilog=STATUSES)
def drift(
    business: Annotated[
        str,
        typer.Option(
            help="The business to read, by Thred's id or your external_id.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    base_url: BaseUrl = None,
    environment: Environment = None,
    partner_uuid: PartnerUuid = None,
    api_key_file: ApiKeyFile = None,
    allow_http: AllowHttp = False,
) -> None:
    """Read what a business has and print how the answers differ from the description.

    The output is OpenAPI Overlay actions, to be pasted into openapi/overlay.yaml before
    `make codegen`; with --json, the differences one by one. It holds names and types, no
    values. Nothing is changed at Thred.
    """
    from .drift import show_drift

    connection = Connection(base_url, environment, partner_uuid, api_key_file, allow_http)
    run = partial(show_drift, connection, business, as_json=as_json)
    raise typer.Exit(carry_out(lambda course: in_loop(run())))


app.command(epilog=STATUSES)(call)
app.command(epilog=STATUSES)(businesses)


@app.command(epilog=STATUSES)
def emulator(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8000,
    host: Annotated[
        str, typer.Option(help="The address to listen on; anything but loopback is open to others.")
    ] = "127.0.0.1",
    business: Annotated[
        list[str] | None,
        typer.Option(
            help="Create a business with this external_id; can be repeated.", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Makes ids and credentials the same in every run.",
            envvar="THREDFI_EMULATOR_SEED",
            show_default=False,
        ),
    ] = None,
    partner_uuid: Annotated[
        str | None,
        typer.Option(
            help="The partner UUID to take, in place of one made up.",
            envvar="THREDFI_EMULATOR_PARTNER_UUID",
            show_default=False,
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            help="The API key to take, in place of one made up. Never Thred's own: it is printed.",
            envvar="THREDFI_EMULATOR_API_KEY",
            show_default=False,
        ),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(
            help="Keep the state in this file (SQLite), so that it is there again the next time.",
            show_default=False,
        ),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(
            help="Misbehave by the plan in this file (TOML): see docs/emulator.md.",
            show_default=False,
        ),
    ] = None,
    errors: Annotated[
        str,
        typer.Option(
            help="The shape of refusals: reference or guide, as Thred's documentation shows both."
        ),
    ] = "reference",
    strict_tokens: Annotated[
        bool,
        typer.Option(
            "--strict-tokens", help="Refuse the partner token on the paths of a business."
        ),
    ] = False,
    ui: Annotated[
        bool, typer.Option("--ui", help="Show the first business in Thred's own widget, too.")
    ] = False,
    ui_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of the widget's page.")
    ] = 3000,
    widget: Annotated[
        Path, typer.Option(help="The folder into which npm installed the widget.")
    ] = Path("build/widget"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Say how to reach it as one line of JSON.")
    ] = False,
) -> None:
    """Run a local server that speaks the API and keeps books, until Ctrl-C.

    It knows nothing of Thred: for tests and development. Without --db, all is in memory.
    """
    from .emulator import serve

    run = partial(
        serve,
        host,
        port,
        business or [],
        seed=seed,
        partner_uuid=partner_uuid,
        api_key=api_key,
        db=db,
        faults=faults,
        errors=errors,
        strict_tokens=strict_tokens,
        ui_port=ui_port if ui else None,
        widget=widget,
        as_json=as_json,
    )
    raise typer.Exit(carry_out(lambda course: in_loop(run())))
