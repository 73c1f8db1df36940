"""How the visit says no: with a stable code for machines and facts for the words, which live with the pages."""

from __future__ import annotations

from typing import ClassVar


class VisitError(Exception):
    """Something asked of the visit that cannot be; `code` never changes, `facts` hold no personal data."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, **facts: object) -> None:
        """Keeps `facts` (amounts, times, states) for whoever puts the refusal into words."""
        super().__init__(self.code, facts)
        self.facts = facts


class NotFound(VisitError):
    """There is no such thing for whoever asks; a foreign record and a missing one look the same."""

    code = "not_found"
    http_status = 404


class Refused(VisitError):
    """The rules of the hospital say no; asking again unchanged gives the same answer."""

    code = "refused"
    http_status = 409


class BadInput(Refused):
    """What was sent cannot be understood; `facts['fields']` maps each field to a stable code."""

    code = "bad_input"
    http_status = 422


class NotAllowed(Refused):
    """Whoever asks may not do this."""

    code = "not_allowed"
    http_status = 403


class TooMany(Refused):
    """Too many tries in a short time; `facts['retry_seconds']` says when to come back."""

    code = "too_many"
    http_status = 429


class TryLater(VisitError):
    """Nothing is wrong with the question, something needed is away; `facts['retry_seconds']` may say for how long."""

    code = "try_later"
    http_status = 503
