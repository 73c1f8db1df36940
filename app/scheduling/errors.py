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


class WaitYourTurn(Refused):
    """Places are being released and whoever came before goes first; nothing is lost by waiting `retry_seconds`."""

    code = "wait_your_turn"
    http_status = 429
