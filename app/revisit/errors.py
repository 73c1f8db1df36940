"""How the revisit says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class BadDueDay(Refused):
    """The revisit must be planned for a day from tomorrow to two years ahead."""

    code = "bad_due_day"
    http_status = 422


class BadNote(Refused):
    """There is no such note for the patient."""

    code = "bad_note"
    http_status = 422


class RevisitClosed(Refused):
    """The revisit is booked, done or no longer wanted; `facts['state']` says which."""

    code = "revisit_closed"


class NoPlaceNear(Refused):
    """No place is free around the day the doctor wished for; look at other days."""

    code = "no_place_near"
