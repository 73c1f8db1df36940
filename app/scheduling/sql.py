"""The statements that many phones run at the same instant: each takes or returns one place, or finds none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Update, bindparam, case, func, or_, select, update

from app.kernel.hot import Found, Hot
from app.kernel.hot_rows import Changed
from app.scheduling.models import ClinicSession, Department, Practitioner, ReleaseGate, ReleaseToken, Slot
from app.scheduling.states import SessionState, SlotState

# SKIP LOCKED lets claimers pass each other instead of queueing behind one row (SQLite has one writer and ignores it).
# `=`, never IN: PostgreSQL may run a subquery of IN once per slot, and each run locks, and so takes, a further place.
_FREE = (
    select(Slot.id)
    .where(
        Slot.session_id == bindparam("p_session_id"),
        Slot.state == bindparam("p_state", type_=Slot.state.type),
        Slot.ends_at > bindparam("p_now"),
        Slot.starts_at >= bindparam("p_not_before"),
        Slot.seq.between(bindparam("p_first_seq"), bindparam("p_last_seq")),
        or_(Slot.free_from.is_(None), Slot.free_from <= bindparam("p_rested_at")),
        or_(
            Slot.kept_for.is_(None),
            Slot.kept_for == bindparam("p_channel", type_=Slot.kept_for.type),
            Slot.kept_until <= bindparam("p_kept_until"),
        ),
    )
    .order_by(Slot.seq)
    .limit(1)
)
# The session as it is now, neither stopped nor given to another doctor since it was looked at, and not before the unit
# is finished: the registration, whose reference keeps this weak lock as well, may be written with the unit's end only.
_STILL_SO = Slot.session_id == (
    select(ClinicSession.id)
    .where(
        ClinicSession.id == bindparam("p_session_id"),
        ClinicSession.state == SessionState.OPEN,
        ClinicSession.practitioner_id == bindparam("p_practitioner_id"),
    )
    .with_for_update(read=True, key_share=True)
    .scalar_subquery()
)


CLAIM = Hot(
    update(Slot)
    .where(
        Slot.id == _FREE.with_for_update(skip_locked=True).scalar_subquery(),
        Slot.state == bindparam("p_state", type_=Slot.state.type),
        _STILL_SO,
    )
    .values(state=SlotState.HELD, registration_id=bindparam("p_registration_id"), free_from=None)
    .returning(Slot.id, Slot.seq)
)
TAKE = Changed(
    Slot,
    update(Slot)
    .where(
        Slot.id == bindparam("p_slot_id"),
        Slot.registration_id == bindparam("p_registration_id"),
        Slot.state == SlotState.HELD,
    )
    .values(state=SlotState.TAKEN),
)
# A place that is kept for a channel stays with its channel.
SET_ASIDE = Hot(
    update(Slot)
    .where(
        Slot.id == bindparam("p_slot_id"),
        Slot.state == SlotState.FREE,
        or_(Slot.kept_for.is_(None), Slot.kept_until <= bindparam("p_now")),
    )
    .values(state=SlotState.SET_ASIDE)
)
LET_GO = Hot(
    update(Slot)
    .where(Slot.id == bindparam("p_slot_id"), Slot.state == SlotState.SET_ASIDE)
    .values(state=SlotState.FREE, free_from=None)
)
FREE = Changed(
    Slot,
    update(Slot)
    .where(Slot.id == bindparam("p_slot_id"), Slot.registration_id == bindparam("p_registration_id"))
    .values(state=SlotState.FREE, registration_id=None, free_from=bindparam("p_free_from")),
)
# The lots of a release: drawn once, by whoever is the first to look after it.
DRAW: Update = (
    update(ReleaseGate)
    .where(ReleaseGate.id == bindparam("p_gate_id"), ReleaseGate.next_turn.is_(None))
    .values(next_turn=0)
)
_DRAWN = (
    select(
        ReleaseToken.id.label("id"),
        (func.row_number().over(order_by=(ReleaseToken.lot, ReleaseToken.id)) - 1).label("turn"),
    )
    .where(ReleaseToken.gate_id == bindparam("p_gate_id"))
    .subquery()
)
NUMBER: Update = update(ReleaseToken).where(ReleaseToken.id == _DRAWN.c.id).values(turn=_DRAWN.c.turn)
_COUNTED = select(func.count()).select_from(ReleaseToken).where(ReleaseToken.gate_id == bindparam("p_gate_id"))
COUNT: Update = (
    update(ReleaseGate).where(ReleaseGate.id == bindparam("p_gate_id")).values(next_turn=_COUNTED.scalar_subquery())
)
# Whoever comes later has the next turn, or the first of this second where nobody waits: a quiet minute saves none up.
NEXT_TURN: Update = (
    update(ReleaseGate)
    .where(ReleaseGate.id == bindparam("p_gate_id"))
    .values(
        next_turn=case(
            (ReleaseGate.next_turn > bindparam("p_turn_now"), ReleaseGate.next_turn), else_=bindparam("p_turn_now")
        )
        + 1
    )
    .returning(ReleaseGate.next_turn - 1)
)
TAKE_TURN: Update = (
    update(ReleaseToken)
    .where(ReleaseToken.id == bindparam("p_token_id"), ReleaseToken.turn.is_(None))
    .values(turn=bindparam("p_turn"))
)


def _within(whose: ColumnElement[bool]) -> Found:
    def which(sessions: Select[Any]) -> Select[Any]:
        return (
            sessions.join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
            .join(Department, Department.id == ClinicSession.department_id)
            .where(
                whose,
                ClinicSession.starts_at < bindparam("p_ends_at"),
                ClinicSession.ends_at > bindparam("p_starts_at"),
            )
            .order_by(ClinicSession.starts_at)
        )

    return Found(ClinicSession, Department, which=which)


# The sessions of one doctor or one department that share any time with a span.
OF_DOCTOR_WITHIN = _within(Practitioner.code == bindparam("p_code"))
OF_DEPARTMENT_WITHIN = _within(Department.code == bindparam("p_code"))
