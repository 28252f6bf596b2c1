"""How the package may be taken along: lazily imported, vendored, without its upper floors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import thredfi_async
from thredfi_async.operations import OPERATIONS

pytestmark = pytest.mark.slow

PACKAGE = Path(thredfi_async.__file__).parent


def python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", f"import sys; sys.path.insert(0, '.')\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_no_models_and_none_of_its_upper_floors() -> None:
    loaded = python(
        "import thredfi_async; print(*(m for m in sys.modules if m.startswith('thredfi_async.')))",
        PACKAGE.parent,
    ).split()
    upper = ("emulator", "cli", "integrations", "push")
    assert not [name for name in loaded if name.startswith("thredfi_async.models.")]
    assert not [name for name in loaded if name.split(".")[1] in upper]


def test_it_works_vendored_under_another_name_without_emulator_and_cli(tmp_path: Path) -> None:
    vendored = tmp_path / "our_platform" / "thred"
    shutil.copytree(PACKAGE, vendored, ignore=shutil.ignore_patterns("__pycache__"))
    for floor in ("emulator", "cli", "integrations"):
        shutil.rmtree(vendored / floor, ignore_errors=True)
    code = """
import asyncio
from our_platform.thred import ThredfiClient, codec
from our_platform.thred.models import CreateCustomerRequest, Customer
from our_platform.thred.operations import OPERATIONS
from our_platform.thred.push import push

body = codec.structure(CreateCustomerRequest, {"external_id": "c-1"})
customer, drift = codec.decode(Customer, codec.encode(body))

async def main():
    async with ThredfiClient(partner_uuid="p", api_key="k") as thredfi:
        return thredfi.business("b").invoices

asyncio.run(main())
assert "thredfi_async" not in sys.modules
print(customer.external_id, len(OPERATIONS))
"""
    assert python(code, tmp_path) == f"c-1 {len(OPERATIONS)}"


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()
