"""How scheduling says no."""

from __future__ import annotations

from app.kernel.errors import Refused, TryLater


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
