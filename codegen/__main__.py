"""python -m codegen: description + overlay -> models/ and operations.py."""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .document import read
from .errors import CodegenError
from .models import write_models
from .operations import write_operations
from .overlay import apply_overlay, read_overlay
from .schemas import Schemas
from .shape import check
from .survey import Survey

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "thredfi_async"
SPEC = ROOT / "openapi" / "openapi.yaml"
OVERLAY = ROOT / "openapi" / "overlay.yaml"
# What generated code imports; copied along where it is generated outside of the package.
SUPPORT = ("errors.py", "fields.py", "operation.py")
DIFF_LINES = 200


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done or up to date, 1 stale (--check), 2 unusable input."""
    options = _parse(arguments)
    try:
        with tempfile.TemporaryDirectory() as name:
            new = Path(name)
            _generate(options.spec, None if options.overlay == "none" else options.overlay, new)
            if options.check:
                return _compare(new, options.output)
            _install(new, options.output)
    except RecursionError:
        print(f"codegen: {options.spec}: nested too deeply, or within itself", file=sys.stderr)
        return 2
    except CodegenError as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 2
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--spec", default=str(SPEC), help="path or URL of the description")
    parser.add_argument(
        "--overlay", default=str(OVERLAY), help='path or URL of the overlay, or "none"'
    )
    parser.add_argument(
        "--output", type=Path, default=PACKAGE, help="folder to write to (default: the package)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the output is stale"
    )
    return parser.parse_args(arguments)


def _generate(spec: str, overlay: str | None, folder: Path) -> None:
    """Everything that is generated, formatted, in an empty folder."""
    document = read(spec)
    if overlay is not None:
        unmatched = apply_overlay(document, read_overlay(overlay))
        for target in unmatched:
            print(f"codegen: the overlay's target {target} matched nothing", file=sys.stderr)
    check(document, spec)
    survey = Survey(document)
    schemas = Schemas(document, survey)
    (folder / "operations.py").write_text(write_operations(document, survey, schemas))
    (folder / "models").mkdir()
    write_models(schemas, folder / "models")
    _format(folder)


def _format(folder: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    # --isolated: the output must not depend on where it is generated.
    fix = ["check", "--isolated", "--select", "F401,I,UP037", "--fix", "--quiet", "--no-cache"]
    style = ["format", "--isolated", "--line-length", "100", "--quiet", "--no-cache"]
    for command in (fix, style):
        done = subprocess.run(
            [*ruff, *command, "--target-version", "py311", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1) or "error:" in done.stderr:
            raise CodegenError(f"ruff failed on the generated code: {done.stderr.strip():.300}")


def _generated(folder: Path) -> dict[str, Path]:
    paths = [folder / "operations.py", *(folder / "models").glob("*.py")]
    return {str(path.relative_to(folder)): path for path in paths if path.exists()}


def _compare(new: Path, old: Path) -> int:
    fresh, committed = _generated(new), _generated(old)
    lines: list[str] = []
    for name in sorted(fresh.keys() | committed.keys()):
        was = committed[name].read_text().splitlines() if name in committed else []
        now = fresh[name].read_text().splitlines() if name in fresh else []
        lines += difflib.unified_diff(
            was, now, f"{name} (committed)", f"{name} (generated)", lineterm=""
        )
    if not lines:
        return 0
    print("\n".join(lines[:DIFF_LINES]))
    if len(lines) > DIFF_LINES:
        print(f"… and {len(lines) - DIFF_LINES} lines more")
    print("codegen: the generated code is stale; run `make codegen`", file=sys.stderr)
    return 1


def _install(new: Path, folder: Path) -> None:
    """Put the new files in place of the old ones, each by a rename."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    fresh = _generated(new)
    for name, path in _generated(folder).items():
        if name not in fresh:
            path.unlink()
    for name, path in fresh.items():
        beside = folder / f"{name}.new"
        shutil.copyfile(path, beside)
        os.replace(beside, folder / name)
    if folder.resolve() != PACKAGE:
        for name in SUPPORT:
            shutil.copyfile(PACKAGE / name, folder / name)
        (folder / "__init__.py").touch()


if __name__ == "__main__":
    sys.exit(main())
