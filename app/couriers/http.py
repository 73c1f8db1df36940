"""Calls to a provider's JSON interface, with time-outs, and their failures in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from app.notifications.errors import CourierAway, CourierRefused

CONNECT_SECONDS = 3.05  # a little over TCP's first retransmission, so that one lost SYN is no failure


def call_json(
    method: str,
    url: str,
    *,
    timeout_seconds: float,
    json: dict[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object answered; CourierAway for no answer, a 5xx or 429, or something else than JSON."""
    try:
        answer = requests.request(
            method,
            url,
            json=json,
            params=params,
            headers=headers,
            timeout=(CONNECT_SECONDS, timeout_seconds),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise CourierAway(error=type(error).__name__) from None  # its text holds the address with our secret in it
    if answer.status_code == 429:
        raise CourierRefused("rate_limited", is_final=False)
    if answer.status_code >= 500:
        raise CourierAway(status=answer.status_code)
    answer.encoding = "utf-8"
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise CourierAway(status=answer.status_code)
    return answer.status_code, said
