"""A certificate for 127.0.0.1 that the benchmark's clients trust."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path


def prepare() -> Path | None:
    """The certificate with its key; None where trustme isn't installed.

    To be called before aiohttp is imported, which reads SSL_CERT_FILE then.
    """
    if find_spec("trustme") is None:
        return None
    import trustme

    folder = Path(tempfile.mkdtemp(prefix="thredfi-bench-"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    os.environ["SSL_CERT_FILE"] = str(folder / "ca.pem")
    return folder / "server.pem"
