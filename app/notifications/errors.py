"""How couriers say no."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refused, TryLater

REASONS = (
    *("blocked", "unknown_recipient", "rate_limited", "bad_message", "bad_credentials", "system"),
    *("no_template", "unknown_template", "wrong_keywords"),
)


class CourierAway(TryLater):
    """The provider does not answer; the same message is tried again under the same reference."""

    code: ClassVar[str] = "courier_away"


class CourierRefused(Refused):
    """The provider answered no; `reason` is a stable code of ours, `is_final` when another try cannot help."""

    code: ClassVar[str] = "courier_refused"

    def __init__(self, reason: str, *, is_final: bool) -> None:
        """`reason` is one of `REASONS`."""
        super().__init__(reason=reason, is_final=is_final)
        self.reason = reason
        self.is_final = is_final
