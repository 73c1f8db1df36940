"""What payment providers' answers have in common, in whichever form they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.payment.ports import ProviderAway


def text_of(told: Mapping[str, Any], name: str) -> str:
    """The text an answer has under `name`; ProviderAway when it has none."""
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderAway(f"the answer has no {name}")
    return value
