"""python -m codegen.adopt: put another description in the place of ours, and say what is left."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import yaml

from .__main__ import compared, generate
from .document import Loader, parse
from .errors import CodegenError
from .failures import Failures, failures
from .loading import OVERLAY, TABLE, Loaded
from .output import PACKAGE, format_code, install
from .report import markdown, write_report
from .services import suggestions

ROOT = PACKAGE.parent
REPORT = ROOT / "build" / "adopt" / "report.md"
FAILED = REPORT.with_name("failed.txt")
# What says whether all is well, and how each names a place: `file:line: text`.
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "--output-format=concise", "."),
    ("mypy", "--no-error-summary"),
    ("pyright", "--project", "pyproject.toml"),
    ("lint-imports",),
    ("python", "-m", "codegen", "--check"),
)
_PYTEST = ("-m", "pytest", "-q", "--tb=line", "--numprocesses=2", "--dist=worksteal")
_PLACE = re.compile(r"^\s*(?P<file>[^\s:]+\.py):(?P<line>\d+)(?::\d+)?(?P<text>.*)", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 adopted and all passes, 1 adopted with work left, 2 nothing was touched."""
    options = _parse(arguments)
    try:
        _check_is_clean(options.spec)
        loaded, found = compared(options.spec, str(OVERLAY))
        with tempfile.TemporaryDirectory() as name:
            new, said = Path(name), io.StringIO()
            with contextlib.redirect_stderr(said):
                generate(loaded.document, new)
            format_code(new)
            text = written(loaded.plain)
            install(new, PACKAGE)
            TABLE.write_text(text, "utf-8")
    except CodegenError as error:
        print(f"adopt: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"adopt: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except RecursionError:
        print(f"adopt: {options.spec}: nested too deeply, or within itself", file=sys.stderr)
        return 2
    write_report(REPORT, options.spec, loaded, found)
    # A rule that this file leaves nothing to apply to is lost, and needs a person.
    left = said.getvalue().splitlines()
    for check in CHECKS if options.checks == "all" else ():
        left += _check(check)
    tested = _test(shlex.split(options.tests))
    FAILED.write_text("".join(f"{one}\n" for one in tested.tests), "utf-8")
    text = markdown(options.spec, loaded, found) + "\n".join(_left(left, tested, loaded)) + "\n"
    REPORT.write_text(text, "utf-8")
    what = f"{len(left)} complaints and {len(tested.tests)} failed tests are left"
    print(f"adopt: {options.spec} is adopted; {what}; see {REPORT.relative_to(ROOT)}")
    return 1 if left or tested.tests else 0


def written(document: dict[str, Any]) -> str:
    """A description as YAML that reads back as the same."""
    plain = json.loads(json.dumps(document))
    text = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, "openapi.yaml")
        copy.write_text(text, "utf-8")
        if parse(str(copy)) != plain:
            raise CodegenError("the description can't be written as YAML")
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes all that any version of YAML would read as something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, ()),
        *Loader.yaml_implicit_resolvers.get(first, ()),
    ]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *Loader.yaml_implicit_resolvers}
}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m codegen.adopt", description=__doc__)
    parser.add_argument("--spec", required=True, help="path or URL of the description")
    parser.add_argument(
        "--tests", default="tests -m 'not long'", help="what pytest is to run, as one text"
    )
    parser.add_argument(
        "--checks", choices=("all", "none"), default="all", help="beside the tests (default: all)"
    )
    return parser.parse_args(arguments)


def _check_is_clean(spec: str) -> None:
    """Refuse where the changes could not be told from others'. The file itself may lie there."""
    command = ["git", "status", "--porcelain", "-z", "--untracked-files=all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CodegenError(f"{ROOT} is not a git repository, so nothing could be undone")
    changed = [one[3:] for one in done.stdout.split("\0") if one]
    for name in changed:
        if (ROOT / name).resolve() != Path(spec).resolve():
            raise CodegenError(f"{name} has changes that are not committed; commit them first")


def _check(command: Sequence[str]) -> list[str]:
    """What a check complains of."""
    name = command[2] if command[0] == "python" else command[0]
    code, text = _run(command)
    return (named(name, text) or [_ended(name, code, text)]) if code else []


def _test(tests: Sequence[str]) -> Failures:
    """What fails of the tests."""
    code, text = _run(("python", *_PYTEST, *tests))
    found = failures(text if code else "", str(ROOT))
    # Without a test that failed pytest itself did.
    return attrs.evolve(
        found, tests=found.tests or ((_ended("pytest", code, text),) if code else ())
    )


def _run(command: Sequence[str]) -> tuple[int, str]:
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _ended(name: str, code: int, text: str) -> str:
    return f"{name}: exit {code}: {' '.join(text.split())[-200:]}"


def named(name: str, text: str) -> list[str]:
    """The places that the output of a check names, each once."""
    found = [
        f"{name}: {one['file'].removeprefix(f'{ROOT}/')}:{one['line']}{one['text']}"
        for one in _PLACE.finditer(text)
    ]
    return list(dict.fromkeys(found))


def _left(left: Sequence[str], tested: Failures, loaded: Loaded) -> Iterator[str]:
    yield from ("", "## What is left for a person", "")
    yield "- `openapi/PROVENANCE.md` says where the description comes from; that is this file now."
    for one in left:
        yield f"- {one}"
    if tested.tests:
        again = f"`python -m pytest @{FAILED.relative_to(ROOT)}` runs them again"
        yield f"- {len(tested.tests)} tests fail, first of all by *What breaks*; {again}"
        yield from tested.lines()
    methods = list(suggestions(loaded))
    if methods:
        yield from ("", "## Methods for what is new", "", "```python", *methods, "```")


if __name__ == "__main__":
    sys.exit(main())
