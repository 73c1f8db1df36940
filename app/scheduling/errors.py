"""How scheduling says no."""

from __future__ import annotations

from app.kernel.errors import BadInput, Refused, TryLater


class SoldOut(Refused):
    """No place is left in this session."""

    code = "sold_out"


class KeptForOthers(SoldOut):
    """What is left of this session is kept for other channels until `opens_at`, when it is everybody's."""

    code = "kept_for_others"


class SessionClosed(Refused):
    """The session is over or was stopped by the hospital; no place can be had."""

    code = "session_closed"


class PlacesBusy(TryLater):
    """The last places are being taken or given back at this instant; ask again in a moment."""

    code = "places_busy"


class SlotsOverlap(Refused):
    """The doctor already sits in another session at that time."""

    code = "slots_overlap"


class BadShift(BadInput):
    """A weekly shift, or a day's exception, does not make sense; `facts['fields']` says where."""

    code = "bad_shift"


class ClockChange(Refused):
    """The clock jumps over that time on that day, so nobody can sit from then on; facts: `day`."""

    code = "clock_change"


class DayIsPast(Refused):
    """What was on a day that is over cannot be planned any more."""

    code = "day_is_past"


class MoreKeptThanFree(Refused):
    """More places are to be kept for channels than the session has free; facts: `at_most`."""

    code = "more_kept_than_free"


class KeptUntilPast(Refused):
    """The time until which places are to be kept is over already; facts: `until_at`."""

    code = "kept_until_past"


class ReleaseInPast(Refused):
    """A session cannot be released at a time that is over; facts: `release_at`."""

    code = "release_in_past"


class ReleaseTooLate(Refused):
    """By the rules nothing could be booked after that release any more; facts: `closes_at`."""

    code = "release_too_late"


class WaitYourTurn(Refused):
    """Places are being released and whoever came before goes first; nothing is lost by waiting `retry_seconds`."""

    code = "wait_your_turn"
    http_status = 429
