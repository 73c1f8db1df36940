"""What can become of a bag and of the record of its hand-over, and what a window can hear when it scans."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class BagState(enum.StrEnum):
    """`unpaid` until the bill is paid; then picked, `ready` in its bin, and served at one window at a time."""

    UNPAID = "unpaid"
    QUEUED = "queued"
    PICKING = "picking"
    READY = "ready"
    BEING_SERVED = "being_served"
    COLLECTED = "collected"
    CANCELLED = "cancelled"


class BagAction(enum.StrEnum):
    """What is done to a bag."""

    PAY = "pay"
    START_PICKING = "start_picking"
    CHECK = "check"
    SERVE = "serve"
    LET_GO = "let_go"
    HAND_OVER = "hand_over"
    UNDO = "undo"
    CANCEL = "cancel"


S, A = BagState, BagAction
MOVES = {
    (S.UNPAID, A.PAY): S.QUEUED,
    (S.QUEUED, A.START_PICKING): S.PICKING,
    (S.PICKING, A.CHECK): S.READY,
    (S.READY, A.SERVE): S.BEING_SERVED,
    (S.BEING_SERVED, A.SERVE): S.BEING_SERVED,
    (S.BEING_SERVED, A.LET_GO): S.READY,
    (S.BEING_SERVED, A.HAND_OVER): S.COLLECTED,
    (S.COLLECTED, A.UNDO): S.READY,
    (S.UNPAID, A.CANCEL): S.CANCELLED,
    (S.QUEUED, A.CANCEL): S.CANCELLED,
    (S.PICKING, A.CANCEL): S.CANCELLED,
    (S.READY, A.CANCEL): S.CANCELLED,
    (S.BEING_SERVED, A.CANCEL): S.CANCELLED,
}
BAG = Machine("bag", S.UNPAID, MOVES)
IN_THE_PHARMACY = (S.QUEUED, S.PICKING, S.READY, S.BEING_SERVED)


class DispenseState(enum.StrEnum):
    """FHIR MedicationDispense.status: what was handed over stands, or was a mistake at the window."""

    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered_in_error"


class DispenseAction(enum.StrEnum):
    """What is done to the record of a hand-over."""

    UNDO = "undo"


DISPENSE_MOVES = {(DispenseState.COMPLETED, DispenseAction.UNDO): DispenseState.ENTERED_IN_ERROR}
DISPENSE = Machine("dispense", DispenseState.COMPLETED, DISPENSE_MOVES)


class ScanKind(enum.StrEnum):
    """What was scanned: a patient's pickup code, or a bag's own label."""

    PICKUP = "pickup"
    BAG = "bag"


class Verdict(enum.StrEnum):
    """Whether a scan opened what it was meant to open."""

    GRANTED = "granted"
    REFUSED = "refused"


class ScanCode(enum.StrEnum):
    """What a scan is answered with; the codes never change, the words for them live with the pages."""

    OK = "ok"
    ALREADY_COLLECTED = "already_collected"
    UNPAID = "unpaid"
    NOT_READY = "not_ready"
    WRONG_WINDOW = "wrong_window"
    BEING_SERVED = "being_served"
    CANCELLED = "cancelled"
    CODE_EXPIRED = "code_expired"
    UNKNOWN_CODE = "unknown_code"
    NOT_A_PICKUP_CODE = "not_a_pickup_code"
    POSTER_CODE = "poster_code"
    WRONG_BAG = "wrong_bag"
    UNKNOWN_BAG = "unknown_bag"
    NOT_A_BAG_LABEL = "not_a_bag_label"
    NOT_SERVED_HERE = "not_served_here"


class CheckKind(enum.StrEnum):
    """The four checks 四查 a pharmacist makes before a bag leaves (处方管理办法, Order 53 of 2007, article 37)."""

    FORM = "form"
    DRUGS = "drugs"
    INCOMPATIBILITY = "incompatibility"
    REASONABLE_USE = "reasonable_use"


class IdentityFact(enum.StrEnum):
    """By which one fact the pharmacist made sure of the person at the window."""

    PHONE_TAIL = "phone_tail"
    BIRTH_DATE = "birth_date"
    ID_CARD = "id_card"
