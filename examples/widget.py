"""The books in Thred's own widget: `make widget`, or `python examples/widget.py [PORT]`.

An emulator with the sample records as if their trade had ended these days, and a page on
PORT (3000) with the widget, which npm has installed into build/widget. It stays until Ctrl-C.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sample_records import BUSINESSES, records

from thredfi_async.emulator import Emulator
from thredfi_async.emulator.ui import widget_page
from thredfi_async.errors import ConfigurationError

WIDGET = Path(__file__).parents[1] / "build" / "widget"
LENGTH = timedelta(weeks=21)  # of the records, to the last refund that is paid out


async def main(port: int) -> int:
    """Push, show and wait; the exit status."""
    shown = BUSINESSES[0]
    async with Emulator() as emulator:
        if not await push(emulator):
            return 1
        try:
            async with widget_page(emulator, shown["external_id"], widget=WIDGET, port=port) as url:
                print(f"The books of {shown['legal_name']}: {url}\nCtrl-C ends it.", flush=True)
                await asyncio.Event().wait()
        except ConfigurationError as error:
            print(error, file=sys.stderr)
        except OSError as error:
            print(f"can't listen on port {port}: {error.strerror}", file=sys.stderr)
    return 1


async def push(emulator: Emulator) -> bool:
    """Send the records; whether all of them went in."""
    async with emulator.client() as thredfi:
        for business in BUSINESSES:
            await thredfi.businesses.create(business)
        first_day = datetime.combine(datetime.now(UTC) - LENGTH, time(9), UTC)
        failed = [outcome async for outcome in thredfi.push(records(first_day)) if not outcome.ok]
    for outcome in failed:
        print(outcome, file=sys.stderr)
    return not failed


if __name__ == "__main__":
    try:
        raise SystemExit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)))
    except KeyboardInterrupt:
        raise SystemExit(0) from None
