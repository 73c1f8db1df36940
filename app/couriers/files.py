"""A file that somebody has for us, downloaded piece by piece, so that a long one never stands in the memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from app.couriers.http import CONNECT_SECONDS
from app.reconciliation.ports import StatementNotReady

PIECE = 64 * 1024
LARGEST = 1024**3


def download(url: str, into: BinaryIO, *, seconds: float, headers: Mapping[str, str] | None = None) -> None:
    """The file stands in `into` as it was sent; StatementNotReady `provider_away` when it does not come whole."""
    import requests  # noqa: PLC0415 - most processes never need it
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what a stream that breaks off raises

    given = {"Accept-Encoding": "identity", **(headers or {})}
    timeout = (CONNECT_SECONDS, seconds)
    try:
        with requests.get(url, headers=given, timeout=timeout, stream=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                raise StatementNotReady("provider_away")
            for piece in answer.raw.stream(PIECE, decode_content=False):
                into.write(piece)
                if into.tell() > LARGEST:
                    raise StatementNotReady("provider_away")
            if into.tell() < int(answer.headers.get("Content-Length") or 0):
                raise StatementNotReady("provider_away")
    except (requests.RequestException, HTTPError, OSError, ValueError):
        raise StatementNotReady("provider_away") from None
