"""The life of a session and of a place in it."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class SessionState(enum.StrEnum):
    """`open` for patients, `closed` at its end, or `stopped` (停诊) by the hospital."""

    OPEN = "open"
    CLOSED = "closed"
    STOPPED = "stopped"


class SessionAction(enum.StrEnum):
    """What can be done with a session."""

    CLOSE = "close"
    STOP = "stop"
    REOPEN = "reopen"


class SlotState(enum.StrEnum):
    """A place is `free`, `held` for a payment, or `taken`; moved by the single statements of sql.py.

    One that is `set_aside` is for the waiting list (候补), offered or about to be, and to be had by nobody else.
    """

    FREE = "free"
    SET_ASIDE = "set_aside"
    HELD = "held"
    TAKEN = "taken"


MOVES = {
    (SessionState.OPEN, SessionAction.CLOSE): SessionState.CLOSED,
    (SessionState.OPEN, SessionAction.STOP): SessionState.STOPPED,
    (SessionState.STOPPED, SessionAction.REOPEN): SessionState.OPEN,  # the hospital opens the time again
}
SESSION = Machine("session", SessionState.OPEN, MOVES)
