"""What `make ci-long` runs: all that is too long, or needs too much, for every change.

`make ci-long ONLY=lowest` runs one session, `.venv/bin/nox --list` names them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False  # said, and passed over
nox.options.reuse_existing_virtualenvs = False

TESTS = ("pytest", "--numprocesses=2", "--dist=worksteal")


# In the tests that draw their cases. How many are drawn matters once, not on every Python.
MANY = {"THREDFI_LONG": "1", "THREDFI_FUZZ_CASES": "2000", "THREDFI_SEQUENCES": "400"}


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The whole suite, on every Python that is at hand; the long tests too, on the first."""
    session.install("--editable", ".[dev]")
    if session.python == "3.11":
        session.run(*TESTS, *session.posargs, env=MANY)
    else:
        session.run(*TESTS, "-m", "not long", *session.posargs)


@nox.session(python="3.11")
def public(session: nox.Session) -> None:
    """The client's tests once more, on the public way of its transport."""
    session.install("--editable", ".[dev]")
    where = ("tests", "--ignore=tests/codegen", "--ignore=tests/emulator", "--ignore=tests/cli")
    session.run(*TESTS, "--way=public", "-m", "not long", *where, *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The whole suite at the lower bounds of pyproject.toml, the long tests too."""
    session.install("--resolution=lowest-direct", "--editable", ".[dev]")
    session.run(*TESTS, *session.posargs)


@nox.session(python="3.11")
def chaos(session: nox.Session) -> None:
    """200,000 records under faults, kills, short tokens and for long."""
    session.install("--editable", ".[cli]")
    session.run("python", "-m", "chaos", *session.posargs)


@nox.session(python="3.11")
def conformance(session: nox.Session) -> None:
    """20,000 generated requests against the description."""
    session.install("--editable", ".[dev]")
    session.run("python", "-m", "tests.conformance", "--cases", "20000", "--seed", "1")


@nox.session(python=["3.11", "3.12", "3.13"])
def wheels(session: nox.Session) -> None:
    """Wheel and source distribution: well made, installed where nothing else is, and at work."""
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("build", "twine", "check-wheel-contents")
    session.run("python", "-m", "build", "--outdir", str(dist), silent=True)
    built = sorted(map(str, dist.iterdir()))
    session.run("twine", "check", "--strict", *built)
    session.run("check-wheel-contents", *(one for one in built if one.endswith(".whl")))
    for one in built:
        session.run("uv", "pip", "uninstall", "thredfi-async", silent=True, success_codes=[0, 1])
        session.install(f"{one}[cli]")
        session.chdir(dist)  # so that the package isn't found where it was built
        session.run("python", "-W", "error", "-c", "import thredfi_async.models.invoices")
        session.run("thredfi", "push", "--help", silent=True)
        session.chdir(Path(__file__).parent)
