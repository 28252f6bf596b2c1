"""python -m codegen: description + overlay -> models/ and operations.py."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .compare import Comparison, compare
from .errors import CodegenError
from .loading import OVERLAY, TABLE, Loaded, our_description
from .loading import load as loaded
from .models import write_models
from .operations import write_operations
from .output import PACKAGE, check_imports, differences, format_code, install
from .overlay import read_overlay
from .report import markdown, write_report
from .schemas import Schemas
from .services import suggestions
from .survey import Survey

DIFF_LINES = 200

LISTED = 10  # overlay actions that are named when they don't apply


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, up to date or equal, 1 stale or different, 2 unusable input."""
    options = _parse(arguments)
    try:
        with tempfile.TemporaryDirectory() as name:
            new = Path(name)
            overlay = None if options.overlay == "none" else options.overlay
            if options.compare:
                return _compare(options.spec, overlay, options.report)
            found = loaded(options.spec, overlay)
            for problem in found.left_out:
                print(f"codegen: {options.spec}: {problem}; it is left out", file=sys.stderr)
            generate(found.document, new)
            format_code(new)
            check_imports(new)
            if options.check:
                return _report(differences(new, options.output))
            install(new, options.output)
    except CodegenError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}")
    except RecursionError:
        return _failed(f"{options.spec}: nested too deeply, or within itself")
    _tell(found)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--spec", default=str(TABLE), help="path or URL of the description")
    parser.add_argument(
        "--overlay",
        default=str(OVERLAY),
        help='path or URL of the overlay, or "none"',
    )
    parser.add_argument(
        "--output", type=Path, default=PACKAGE, help="folder to write to (default: the package)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the output is stale"
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="write no code; say in what the file differs from ours",
    )
    parser.add_argument(
        "--report", type=Path, help="with --compare: file for the report (and .json beside it)"
    )
    return parser.parse_args(arguments)


def compared(spec: str, overlay: str | None) -> tuple[Loaded, Comparison]:
    """A description of the same API, and in what it differs from ours. Raises `CodegenError`."""
    found = loaded(spec, overlay, always=True)
    if overlay is None or found.pairing is None:
        raise CodegenError(f"{spec}: has none of our operations, so there is nothing to compare")
    ours = our_description(read_overlay(overlay))
    return found, compare(found.plain, ours, found.document)


def _compare(spec: str, overlay: str | None, report: Path | None) -> int:
    found, comparison = compared(spec, overlay)
    if report is None:
        print(markdown(spec, found, comparison), end="")
    else:
        write_report(report, spec, found, comparison)
    return 1 if comparison.differences else 0


def load(spec: str, overlay: str | None) -> tuple[dict[str, Any], list[str]]:
    """The checked description with the overlay applied; the targets that matched nothing."""
    found = loaded(spec, overlay)
    return found.document, found.laid.unmatched


def _tell(found: Loaded) -> None:
    """Say what became of the overlay and of the operations, where that isn't as ever."""
    _list("the overlay's action on {} doesn't apply here", found.laid.unmatched)
    _list("the overlay's guess on {} gives way to what the file says", found.laid.gave_way)
    _list("the overlay's correction of {} stands", found.laid.stood)
    if found.pairing is not None:
        _list("the file has no {}, kept from our description", found.pairing.kept)
        for line in suggestions(found):
            print(line, file=sys.stderr)


def _list(sentence: str, names: Sequence[str]) -> None:
    for name in names[:LISTED]:
        print(f"codegen: {sentence.format(name)}", file=sys.stderr)
    if len(names) > LISTED:
        print(f"codegen: and {len(names) - LISTED} more alike", file=sys.stderr)


def generate(document: dict[str, Any], folder: Path) -> None:
    """Write operations.py and models/, not formatted yet, to an empty folder."""
    survey = Survey(document)
    schemas = Schemas(document, survey)
    # The operations first: they add the models of what their bodies hold in line.
    operations = write_operations(document, survey, schemas)
    (folder / "operations.py").write_text(operations, "utf-8")
    (folder / "models").mkdir()
    write_models(schemas, folder / "models")


def _report(lines: list[str]) -> int:
    if not lines:
        return 0
    print("\n".join(lines[:DIFF_LINES]))
    if len(lines) > DIFF_LINES:
        print(f"… and {len(lines) - DIFF_LINES} lines more")
    print("codegen: the generated code is stale; run `make codegen`", file=sys.stderr)
    return 1


def _failed(why: str) -> int:
    print(f"codegen: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
