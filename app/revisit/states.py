"""The life of a plan for a revisit and of each of its reminders."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class PlanState(enum.StrEnum):
    """`active` until a place is `booked`; `done` when the doctor has seen the patient again."""

    ACTIVE = "active"
    BOOKED = "booked"
    DONE = "done"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class PlanAction(enum.StrEnum):
    """What can be done to a plan."""

    BOOK = "book"
    REOPEN = "reopen"
    FINISH = "finish"
    CANCEL = "cancel"
    LAPSE = "lapse"


PLAN_MOVES: dict[tuple[PlanState, PlanAction], PlanState] = {
    (PlanState.ACTIVE, PlanAction.BOOK): PlanState.BOOKED,
    (PlanState.BOOKED, PlanAction.REOPEN): PlanState.ACTIVE,
    (PlanState.BOOKED, PlanAction.FINISH): PlanState.DONE,
    (PlanState.ACTIVE, PlanAction.CANCEL): PlanState.CANCELLED,
    (PlanState.ACTIVE, PlanAction.LAPSE): PlanState.LAPSED,
}
PLAN = Machine("follow_up_plan", PlanState.ACTIVE, PLAN_MOVES)


class ReminderState(enum.StrEnum):
    """`planned` until its time comes; then `told` once, or `suppressed` with a reason."""

    PLANNED = "planned"
    TOLD = "told"
    SUPPRESSED = "suppressed"


class ReminderAction(enum.StrEnum):
    """What can be done to a reminder."""

    TELL = "tell"
    SUPPRESS = "suppress"
    RENEW = "renew"


REMINDER_MOVES: dict[tuple[ReminderState, ReminderAction], ReminderState] = {
    (ReminderState.PLANNED, ReminderAction.TELL): ReminderState.TOLD,
    (ReminderState.PLANNED, ReminderAction.SUPPRESS): ReminderState.SUPPRESSED,
    (ReminderState.SUPPRESSED, ReminderAction.RENEW): ReminderState.PLANNED,
}
REMINDER = Machine("reminder", ReminderState.PLANNED, REMINDER_MOVES)


class Stage(enum.StrEnum):
    """How long before the day of the revisit a reminder comes."""

    WEEK = "7d"
    THREE_DAYS = "3d"
    DAY = "1d"


class Why(enum.StrEnum):
    """Why a reminder was not told."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    OPTED_OUT = "opted_out"
    OVERTAKEN = "overtaken"
    UNLINKED = "unlinked"


class Note(enum.StrEnum):
    """What the patient should think of before coming; the words stand with the pages."""

    NONE = ""
    BRING_RESULTS = "bring_results"
    COME_FASTING = "come_fasting"
    BRING_MEDICINE_BOX = "bring_medicine_box"
