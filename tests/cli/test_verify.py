"""``thredfi verify``."""

from __future__ import annotations

from tests.support import BUSINESS, FakeClock, ScriptedServer, answer
from thredfi_async import ThredfiClient
from thredfi_async.cli.verify import Verification

from .support import thredfi

STEPS = (
    "partner token",
    "business",
    "business token",
    "report before",
    "invoice",
    "payment",
    "read back",
    "report line",
)


async def test_each_step_is_ticked(emulator, env):
    ended = await thredfi("verify", env=env)
    assert ended.status == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert [line[2:18].strip() for line in lines] == list(STEPS)
    assert all(line.startswith("✓") for line in lines)
    books = emulator.books("thredfi-verify")
    assert books.totals().invoiced == books.totals().paid == 10_000


async def test_it_can_be_run_again_and_on_a_business_of_ones_own(emulator, env):
    for _ in range(2):
        assert (await thredfi("verify", env=env)).status == 0
    assert emulator.books("thredfi-verify").totals().invoiced == 20_000
    shop = emulator.books("shop")
    assert (await thredfi("verify", "--business", shop.id, env=env)).status == 0
    assert shop.totals().invoiced == 10_000


async def test_the_reason_stands_beside_the_step_that_failed(env):
    ended = await thredfi("verify", env={**env, "THREDFI_API_KEY": "planted-wrong-key"})
    assert ended.status == 1
    (line,) = ended.out.splitlines()
    assert line.startswith("✗ partner token")
    assert "401" in line
    assert "planted-wrong-key" not in ended.out + ended.err


async def test_marks_are_ascii_where_the_output_is(env):
    ended = await thredfi("verify", env={**env, "PYTHONIOENCODING": "ascii"})
    assert ended.status == 0
    assert ended.out.startswith("ok     partner token")


async def test_production_is_not_written_to_unasked(capsys):
    thredfi = ThredfiClient(partner_uuid="p", api_key="k", environment="production")
    verification = Verification(thredfi, None, wait=0)
    verification._partner_token = lambda: _said("skipped")  # type: ignore[method-assign]
    assert await verification.run() == 1
    assert "✗ business        in production say which business" in capsys.readouterr().out
    await thredfi.aclose()


async def _said(text: str) -> str:
    return text


async def test_a_report_that_lags_is_waited_for_and_one_that_never_comes_is_named(capsys):
    """The report shows the invoice on the third look; then, after the wait, never."""
    reports = iter([0, 0, 0, 10_000])

    def script(request):
        if "reports" in request.target:
            return answer(200, {"summary": {"net_revenue_cents": next(reports, 10_000)}})
        return answer(
            200,
            {
                "id": "i",
                "business_id": "b",
                "status": "paid",
                "total_amount": 10_000,
                "outstanding_balance": 0,
                "payment": {"id": "p", "status": "completed"},
            },
        )

    clock = FakeClock()
    known = {"partner_uuid": "p", "api_key": "k", "clock": clock}
    async with ScriptedServer() as server, ThredfiClient(base_url=server.url, **known) as thredfi:
        server.script = script
        verification = Verification(thredfi, BUSINESS, wait=30, clock=clock)
        assert await verification.run() == 0
        assert clock.slept == [2.0, 2.0]
        capsys.readouterr()
        assert await Verification(thredfi, BUSINESS, wait=3, clock=clock).run() == 1
    assert "is not in it after 3 s" in capsys.readouterr().out
