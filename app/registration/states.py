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
    STEP_BACK = "step_back"
    UNDO_CHECK_IN = "undo_check_in"
    ASK_HOSPITAL = "ask_hospital"
    HOSPITAL_ACCEPTS = "hospital_accepts"


S, A = RegistrationState, RegistrationAction
MOVES = {
    (S.HELD, A.CONFIRM): S.BOOKED,
    (S.HELD, A.EXPIRE): S.EXPIRED,
    (S.HELD, A.CANCEL): S.CANCELLED,
    (S.EXPIRED, A.SEAT_AGAIN): S.BOOKED,  # the fee came late and a place was still free
    (S.BOOKED, A.RESCHEDULE): S.BOOKED,  # another time, given by the hospital or chosen by the patient
    (S.BOOKED, A.ASK_HOSPITAL): S.BOOKED,  # where the hospital system decides on appointments
    (S.BOOKED, A.HOSPITAL_ACCEPTS): S.BOOKED,
    (S.CHECKED_IN, A.HOSPITAL_ACCEPTS): S.CHECKED_IN,  # its answer came after the patient
    (S.BOOKED, A.CANCEL): S.CANCELLED,
    (S.BOOKED, A.CHECK_IN): S.CHECKED_IN,
    (S.BOOKED, A.MISS): S.NO_SHOW,
    (S.CHECKED_IN, A.FORFEIT): S.NO_SHOW,  # passed so often that the rules end the visit
    (S.CHECKED_IN, A.BEGIN): S.IN_CONSULTATION,
    (S.CHECKED_IN, A.UNDO_CHECK_IN): S.BOOKED,  # somebody else was meant, or the patient is not here after all
    (S.CHECKED_IN, A.LEAVE): S.COMPLETED,  # the day ended and the doctor never saw the patient
    (S.IN_CONSULTATION, A.COMPLETE): S.COMPLETED,
    (S.IN_CONSULTATION, A.STEP_BACK): S.CHECKED_IN,  # the doctor took back within a minute what was a slip
    (S.COMPLETED, A.STEP_BACK): S.IN_CONSULTATION,
}
REGISTRATION = Machine("registration", S.HELD, MOVES)
IN_USE = (S.BOOKED, S.CHECKED_IN, S.IN_CONSULTATION)
ACTIVE = (S.HELD, *IN_USE)


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


class EntryState(enum.StrEnum):
    """Where somebody on the waiting list (候补) stands; `served` has a place, `lapsed` got none in time."""

    WAITING = "waiting"
    OFFERED = "offered"
    SERVED = "served"
    LEFT = "left"
    LAPSED = "lapsed"


class EntryAction(enum.StrEnum):
    """What can happen to an entry of the waiting list."""

    OFFER = "offer"
    SERVE = "serve"
    WAIT_ON = "wait_on"
    LEAVE = "leave"
    LAPSE = "lapse"


ENTRY_MOVES = {
    (EntryState.WAITING, EntryAction.OFFER): EntryState.OFFERED,
    (EntryState.WAITING, EntryAction.SERVE): EntryState.SERVED,  # the patient found a place without the list
    (EntryState.WAITING, EntryAction.LEAVE): EntryState.LEFT,
    (EntryState.WAITING, EntryAction.LAPSE): EntryState.LAPSED,
    (EntryState.OFFERED, EntryAction.SERVE): EntryState.SERVED,
    (EntryState.OFFERED, EntryAction.WAIT_ON): EntryState.WAITING,  # declined, missed or withdrawn
    (EntryState.OFFERED, EntryAction.LEAVE): EntryState.LEFT,
    (EntryState.OFFERED, EntryAction.LAPSE): EntryState.LAPSED,  # missed as often as the rules bear
}
ENTRY = Machine("waitlist_entry", EntryState.WAITING, ENTRY_MOVES)


class OfferState(enum.StrEnum):
    """What became of a place that was offered to somebody on the waiting list."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class OfferAction(enum.StrEnum):
    """What can happen to an offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"


OFFER_MOVES = {
    (OfferState.OPEN, OfferAction.ACCEPT): OfferState.ACCEPTED,
    (OfferState.OPEN, OfferAction.DECLINE): OfferState.DECLINED,
    (OfferState.OPEN, OfferAction.EXPIRE): OfferState.EXPIRED,
    (OfferState.OPEN, OfferAction.WITHDRAW): OfferState.WITHDRAWN,  # its session stopped, or the patient is served
}
OFFER = Machine("waitlist_offer", OfferState.OPEN, OFFER_MOVES)
