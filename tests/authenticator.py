"""A phone with an authenticator on it, as staff carry one for the second step of their log-in."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from app.kernel.clock import Clock


def authenticator(address: str, clock: Clock) -> Callable[[int], str]:
    """A phone that scanned the `otpauth:` address: the six digits it shows so many seconds from now."""
    key = base64.b32decode(parse_qs(urlsplit(address).query)["secret"][0])

    def shown(seconds: int = 0) -> str:
        return TOTP(key, 6, SHA1(), 30).generate(int(clock.wall_now().timestamp()) + seconds).decode()

    return shown
