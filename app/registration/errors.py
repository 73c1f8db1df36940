"""How registration says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class AlreadyRegistered(Refused):
    """The patient already has a place with this doctor in this half-day; facts name the registration."""

    code = "already_registered"


class TooManyHolds(Refused):
    """The account holds as many unpaid places as one account may; pay for one or let it go."""

    code = "too_many_holds"


class CannotCancel(Refused):
    """The place can no longer be given back online; ask at the desk."""

    code = "cannot_cancel"


class HoldExpired(Refused):
    """The place was kept for ten minutes and has gone back; choose again."""

    code = "hold_expired"
