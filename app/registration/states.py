"""The life of a registration."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class RegistrationState(enum.StrEnum):
    """Where a patient's place stands."""

    HELD = "held"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    IN_CONSULTATION = "in_consultation"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class RegistrationAction(enum.StrEnum):
    """What can happen to it."""

    CONFIRM = "confirm"
    EXPIRE = "expire"
    SEAT_AGAIN = "seat_again"
    CANCEL = "cancel"
    CHECK_IN = "check_in"
    BEGIN = "begin"
    COMPLETE = "complete"
    RESCHEDULE = "reschedule"
    LEAVE = "leave"
    MISS = "miss"
    FORFEIT = "forfeit"


S, A = RegistrationState, RegistrationAction
MOVES = {
    (S.HELD, A.CONFIRM): S.BOOKED,
    (S.HELD, A.EXPIRE): S.EXPIRED,
    (S.HELD, A.CANCEL): S.CANCELLED,
    (S.EXPIRED, A.SEAT_AGAIN): S.BOOKED,  # the fee came late and a place was still free
    (S.BOOKED, A.RESCHEDULE): S.BOOKED,  # another time, given by the hospital or chosen by the patient
    (S.BOOKED, A.CANCEL): S.CANCELLED,
    (S.BOOKED, A.CHECK_IN): S.CHECKED_IN,
    (S.BOOKED, A.MISS): S.NO_SHOW,
    (S.CHECKED_IN, A.FORFEIT): S.NO_SHOW,  # passed so often that the rules end the visit
    (S.CHECKED_IN, A.BEGIN): S.IN_CONSULTATION,
    (S.CHECKED_IN, A.LEAVE): S.COMPLETED,  # the day ended and the doctor never saw the patient
    (S.IN_CONSULTATION, A.COMPLETE): S.COMPLETED,
}
REGISTRATION = Machine("registration", S.HELD, MOVES)
ACTIVE = (S.HELD, S.BOOKED, S.CHECKED_IN, S.IN_CONSULTATION)


class SuspensionState(enum.StrEnum):
    """Whether a suspension (限约) stands, and what became of the objection to it."""

    STANDING = "standing"
    APPEALED = "appealed"
    UPHELD = "upheld"
    LIFTED = "lifted"


class SuspensionAction(enum.StrEnum):
    """What can happen to it besides coming to its end."""

    APPEAL = "appeal"
    UPHOLD = "uphold"
    LIFT = "lift"


SUSPENSION_MOVES = {
    (SuspensionState.STANDING, SuspensionAction.APPEAL): SuspensionState.APPEALED,
    (SuspensionState.APPEALED, SuspensionAction.UPHOLD): SuspensionState.UPHELD,
    (SuspensionState.APPEALED, SuspensionAction.LIFT): SuspensionState.LIFTED,
}
SUSPENSION = Machine("suspension", SuspensionState.STANDING, SUSPENSION_MOVES)
