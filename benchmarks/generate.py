"""Generate the clients that others' generators make of our description: `make bench` runs it.

A generator that fails leaves its reason in place of its client, and its variant is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "build/bench/peers"
DESCRIPTION = ROOT / "openapi/openapi.yaml"
COMMANDS = {
    "openapi_python_client": [
        *["openapi-python-client", "generate", "--meta", "none", "--overwrite"],
        *["--path", str(DESCRIPTION), "--output-path", str(PEERS / "openapi_python_client_made")],
    ],
    "openapi_generator": [
        *["openapi-generator-cli", "generate", "-g", "python", "--library", "asyncio"],
        *["-i", str(DESCRIPTION), "-o", str(PEERS / "openapi_generator")],
        *["--package-name", "openapi_generator_made", "--skip-validate-spec"],
    ],
}


def main() -> None:
    """Generate both, anew."""
    shutil.rmtree(PEERS, ignore_errors=True)
    PEERS.mkdir(parents=True)
    for name, (command, *arguments) in COMMANDS.items():
        done = subprocess.run(
            [Path(sys.executable).parent / command, *arguments],
            cwd=PEERS,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        (PEERS / f"{name}.log").write_text(done.stdout + done.stderr)
        print(f"{name}: {'made' if done.returncode == 0 else 'failed, see its log'}")
    for path in (PEERS / "openapi_python_client_made/api").rglob("*.py"):
        # 0.29.1 forgets this import in operations with two kinds of bodies.
        path.write_text(
            path.read_text().replace("import UNSET, Response\n", "import UNSET, Response, Unset\n")
        )


if __name__ == "__main__":
    main()
