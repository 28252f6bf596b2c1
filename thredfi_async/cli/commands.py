"""The commands that ask Thred one thing: ``call`` and ``businesses``."""

from __future__ import annotations

from typing import Annotated

import typer

from .completion import operations, path_parameters, query_parameters
from .connection import Connection
from .endings import Exit, carry_out
from .interrupts import in_loop
from .options import AllowHttp, ApiKeyFile, AsJson, BaseUrl, Environment, PartnerUuid

__all__ = ["businesses", "call"]


def call(
    operation: Annotated[
        str | None,
        typer.Argument(
            help="What to do, such as list_invoices; --list shows all there are.",
            metavar="OPERATION",
            show_default=False,
            autocompletion=operations,
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="A path parameter, such as invoice_id=…; one for each.",
            metavar="NAME=VALUE",
            show_default=False,
            autocompletion=path_parameters,
        ),
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Option(
            help="A query parameter, such as status=paid; repeated, a list.",
            metavar="NAME=VALUE",
            show_default=False,
            autocompletion=query_parameters,
        ),
    ] = None,
    business: Annotated[
        str | None,
        typer.Option(
            help="The business, by Thred's id or your external_id.",
            metavar="BUSINESS",
            show_default=False,
        ),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(
            help="A file with the body, JSON; - is standard input. Its extra_body holds fields "
            "that the description doesn't know.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(help="A file to attach.", metavar="FILE", show_default=False),
    ] = None,
    extra_query: Annotated[
        list[str] | None,
        typer.Option(
            help="A query parameter that the description doesn't know, or takes for another type.",
            metavar="NAME=VALUE",
            show_default=False,
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(help="A further header.", metavar="NAME=VALUE", show_default=False),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            help="The Idempotency-Key, in place of the one made from the external_id.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds that one attempt may take.", show_default=False),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            help="Seconds that a request may take with all its attempts.", show_default=False
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the tokens that token operations answer.")
    ] = False,
    list_: Annotated[
        bool,
        typer.Option(
            "--list", help="Show all operations or, with OPERATION, what that one takes; no call."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="--list as JSON lines; answers are JSON anyway.")
    ] = False,
    base_url: BaseUrl = None,
    environment: Environment = None,
    partner_uuid: PartnerUuid = None,
    api_key_file: ApiKeyFile = None,
    allow_http: AllowHttp = False,
) -> None:
    """Call any operation of the API and print its answer as JSON.

    A list is printed item by item, one on each line, as its pages come; with --query page=2 it
    is that one page, as Thred answers it. What ends a call badly is one line of JSON on standard
    error: type, message and, where there are such, operation, status, code, fields, request_id.
    """
    from .json_text import complain_json

    forgotten = operation is None and any((path, query, business, body, file, extra_query))
    if list_ or (operation is None and not forgotten):
        raise typer.Exit(carry_out(lambda course: _listed(operation, as_json)))
    from .call import CallCommand

    command = CallCommand(
        operation=operation or "",
        path=path or [],
        query=query or [],
        business=business,
        body=body,
        file=file,
        extra_query=extra_query or [],
        headers=header or [],
        idempotency_key=idempotency_key,
        timeout=timeout,
        deadline=deadline,
        show=show,
        connection=Connection(base_url, environment, partner_uuid, api_key_file, allow_http),
    )
    raise typer.Exit(carry_out(command.run, report=complain_json))


def _listed(operation: str | None, as_json: bool) -> Exit:
    from .listing import list_operations

    list_operations(operation, as_json=as_json)
    return Exit.WELL


def businesses(
    archived: Annotated[
        bool, typer.Option("--archived", help="Those that are archived, in their place.")
    ] = False,
    as_json: AsJson = False,
    base_url: BaseUrl = None,
    environment: Environment = None,
    partner_uuid: PartnerUuid = None,
    api_key_file: ApiKeyFile = None,
    allow_http: AllowHttp = False,
) -> None:
    """List the partner's businesses: Thred's ids, your external_ids, names.

    With --json each is a line of JSON, with all that Thred says of it.
    """
    from .businesses import show_businesses

    connection = Connection(base_url, environment, partner_uuid, api_key_file, allow_http)
    raise typer.Exit(
        carry_out(
            lambda course: in_loop(show_businesses(connection, archived=archived, as_json=as_json))
        )
    )
