"""What every provider is given: the settings, the keys and the books."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.keys import Keys
from sandbox.settings import Settings
from sandbox.store import Store

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class World:
    """One outside world, passed to each provider when it is built."""

    settings: Settings
    keys: Keys
    store: Store

    def may_return_to(self, url: str) -> bool:
        """Whether a browser may be sent to `url`: a path of our own, this machine, or the hospital's address."""
        parts = urlsplit(url)
        if not parts.scheme and not parts.netloc:
            return url.startswith("/") and not url.startswith(("//", "/\\"))
        known = LOOPBACK | {urlsplit(self.settings.app_url).hostname or ""}
        return parts.scheme in {"http", "https"} and parts.hostname in known
