"""How the waiting room says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class CheckInTooEarly(Refused):
    """Check-in opens so long before the session as the rules say; facts: `opens_at`."""

    code = "check_in_too_early"


class CheckInTooLate(Refused):
    """The session is over or was stopped."""

    code = "check_in_too_late"


class CannotCheckIn(Refused):
    """The registration is not one that can be checked in (unpaid, cancelled, or over); facts: `state`."""

    code = "cannot_check_in"


class LobbyCodeNeeded(Refused):
    """By the rules a phone checks in with the code that a screen in the lobby shows."""

    code = "lobby_code_needed"


class LobbyCodeExpired(Refused):
    """The code was on the screen some minutes ago, or was scanned too long ago; the screen shows a new one."""

    code = "lobby_code_expired"


class LobbyCodeForged(Refused):
    """No screen of ours ever showed this code."""

    code = "lobby_code_forged"


class CheckInElsewhere(Refused):
    """Whose department is not served here checks in elsewhere; facts: `where`."""

    code = "checkin_elsewhere"


class CannotWalk(Refused):
    """Only who waits can walk meanwhile; whoever is called goes to the room now."""

    code = "cannot_walk"


class LobbyNotValid(Refused):
    """A lobby needs a code and names, a latitude with a longitude, and a radius of 20 to 5000 metres."""

    code = "lobby_not_valid"
    http_status = 422


class NobodyWaits(Refused):
    """No one is waiting in this session."""

    code = "nobody_waits"


class FinishFirst(Refused):
    """A patient is still with this doctor; finish that visit before calling the next."""

    code = "finish_first"


class CameTooLate(Refused):
    """By the rules nobody is seen who comes so late for their time; facts: `until_at`."""

    code = "came_too_late"


class TicketOver(Refused):
    """The patient of this number was seen, or the number is void; nobody can be called by it."""

    code = "ticket_over"


class CannotUndo(Refused):
    """A deed can be taken back once and within a minute, and not when the rules have ended the visit since."""

    code = "cannot_undo"


class CannotHandOver(Refused):
    """A patient is sent only to another open session of the same department and day, where they have no place yet."""

    code = "cannot_hand_over"


class PriorityUnknown(Refused):
    """The rules know no such class of patients who go before others."""

    code = "priority_unknown"
