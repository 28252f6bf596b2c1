"""From options and environment to a client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from ..client import ENVIRONMENTS, ThredfiClient
from ..errors import ConfigurationError

__all__ = ["Connection"]

_ALLOW = "allow it with --allow-http (env var: THREDFI_ALLOW_HTTP=1)"


@attrs.frozen
class Connection:
    """Where to connect, as the options say it; the rest comes from the environment."""

    base_url: str | None = None
    environment: str | None = None
    partner_uuid: str | None = None
    api_key_file: Path | None = None
    allow_http: bool = False

    def client(self, **more: Any) -> ThredfiClient:
        """A client. Raises `ConfigurationError`."""
        arguments = dict(more)
        if self.base_url is not None:
            arguments["base_url"] = self.base_url
        elif self.environment is not None:
            if self.environment not in ENVIRONMENTS:
                known = " or ".join(ENVIRONMENTS)
                raise ConfigurationError(f"--environment is {known}, not {self.environment!r}")
            arguments["base_url"] = ENVIRONMENTS[self.environment]  # wins over THREDFI_BASE_URL
        if self.partner_uuid is not None:
            arguments["partner_uuid"] = self.partner_uuid
        if self.api_key_file is not None:
            arguments["api_key"] = _read_key(self.api_key_file)
        if self.allow_http:  # else the environment says
            arguments["allow_http"] = True
        try:
            return ThredfiClient.from_env(**arguments)
        except ConfigurationError as error:
            text = str(error).replace("pass allow_http=True", _ALLOW)
            raise ConfigurationError(text) from None


def _read_key(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigurationError(f"--api-key-file {path}: {reason}") from None
