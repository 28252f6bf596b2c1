"""Thred's own widget on a page of its own, showing the books of a business of an emulator.

The widget is npm's @thredfi/accounting, which isn't shipped here: `WIDGET_PACKAGE` says which
one to install. It has the address of a local API built in; the page server puts the emulator's
in its place while it serves the file, so that any port will do.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template

from aiohttp import web
from yarl import URL

from ..client import ThredfiClient
from ..errors import ConfigurationError
from .server import Emulator

__all__ = ["WIDGET_PACKAGE", "widget_page"]

WIDGET_PACKAGE = "@thredfi/accounting@0.8.9"
_BUNDLE = Path("node_modules/@thredfi/accounting/dist/index.umd.js")
_BUILT_IN = "http://localhost:8000"  # of the widget's environment "local"

_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The emulator's books</title>
<link rel="icon" href="data:,">
</head>
<body>
<div id="widget"></div>
<script src="/widget.js"></script>
<script>
ThredfiAccounting.mountThredfi({
  thredfiSelector: "#widget",
  environment: "local",
  businessId: $business_id,
  getToken: async () => {
    const answer = await fetch("/token");
    if (!answer.ok) throw new Error(`no token: $${answer.status}`);
    return answer.json();
  },
});
</script>
</body>
</html>
"""
)


@asynccontextmanager
async def widget_page(
    emulator: Emulator,
    business: str,
    *,
    widget: Path,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[str]:
    """Serve the page for a business of a running emulator; gives its URL.

    - ``business``: its id or external_id.
    - ``widget``: the folder into which npm installed the widget.
    - ``host``, ``port``: where to listen; port 0 is a free one.

    The page gets tokens of this business alone; the API key stays here. Raises KeyError for
    an unknown business, `ConfigurationError` without the widget, OSError where the port
    can't be had.
    """
    business_id = emulator.books(business).id
    bundle = _bundle(widget, emulator.url)
    async with emulator.client() as thredfi:
        runner = web.AppRunner(
            _application(thredfi, business_id, bundle), access_log=None, shutdown_timeout=1.0
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            port = runner.addresses[0][1]
            yield str(URL.build(scheme="http", host=host, port=port))
        finally:
            await runner.cleanup()


def _bundle(widget: Path, api: str) -> str:
    """The widget's script, made to call ``api``. Raises `ConfigurationError`."""
    path = widget / _BUNDLE
    install = f"npm install --prefix {widget} {WIDGET_PACKAGE}"
    try:
        script = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"no widget at {path} ({reason}): {install}") from None
    if _BUILT_IN not in script:
        raise ConfigurationError(
            f"{path} doesn't call {_BUILT_IN}, as the known one does: {install}"
        )
    return script.replace(_BUILT_IN, api)


def _application(thredfi: ThredfiClient, business_id: str, bundle: str) -> web.Application:
    page = _PAGE.substitute(business_id=json.dumps(business_id))

    async def script(request: web.Request) -> web.Response:
        return web.Response(text=bundle, content_type="text/javascript")

    async def token(request: web.Request) -> web.Response:
        issued = await thredfi.tokens.business(business_id)
        answer = {"access_token": issued.access_token, "expires_in": issued.expires_in}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def any_route(request: web.Request) -> web.Response:
        """The widget finds its screen by the browser's path."""
        return web.Response(text=page, content_type="text/html")

    application = web.Application()
    application.router.add_get("/widget.js", script)
    application.router.add_get("/token", token)
    application.router.add_get("/{route:.*}", any_route)
    return application
