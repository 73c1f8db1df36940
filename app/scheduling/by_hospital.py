"""What the hospital system says of its doctors' time: which session it means, one more, or one that opens again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.kernel import audit, moves
from app.kernel.uow import Uow
from app.scheduling import opening, sql
from app.scheduling.errors import SessionClosed, SlotsOverlap
from app.scheduling.models import ClinicSession, Practitioner, Shift, ShiftException
from app.scheduling.states import SESSION, SessionAction, SessionState

MOST_PLACES = 200


def sessions_within(
    uow: Uow, *, practitioner_code: str = "", department_code: str = "", starts_at: datetime, ends_at: datetime
) -> list[ClinicSession]:
    """The sessions of the doctor, or without one of the department, that share any time with the span; any state."""
    asked = sql.OF_DOCTOR_WITHIN if practitioner_code else sql.OF_DEPARTMENT_WITHIN
    facts = {"p_code": practitioner_code or department_code, "p_starts_at": starts_at, "p_ends_at": ends_at}
    return [session for session, _ in asked.all(uow, facts)]


def open_extra(
    uow: Uow, *, practitioner: Practitioner, starts_at: datetime, minutes: int, room: str
) -> ClinicSession | None:
    """The doctor sits once more, from `starts_at` for so many minutes; the session that stands for it then.

    Fee, length of a place and (without `room`) the room are those of the doctor's weekly shift; None without one, or
    when the time holds no place, or more than 200. A session in that half-day that is open already is the one, one that
    was stopped opens again with all its places free. Refuses `session_closed` for one that is over, `slots_overlap`.
    """
    usual = uow.session.scalars(
        select(Shift).where(Shift.practitioner_id == practitioner.id).order_by(Shift.id.desc()).limit(1)
    ).first()
    places = minutes // usual.slot_minutes * usual.places_per_slot if usual else 0
    if usual is None or not 1 <= places <= MOST_PLACES:
        return None
    starts = starts_at.astimezone(uow.zone)
    extra = ShiftException(
        practitioner_id=practitioner.id,
        day=starts.date(),
        half_day=opening.half_day_of(starts.time()),
        starts=starts.time(),
        places=places,
        slot_minutes=usual.slot_minutes,
        places_per_slot=usual.places_per_slot,
        room=room or usual.room,
        fee_fen=usual.fee_fen,
    )
    made = opening.open_session(uow, extra, starts.date())
    if made is not None:
        audit.record(uow, "session.open", "session", made.public_id)
        _plan_it(uow, extra)
        return made
    return _open_again(uow, practitioner, extra, starts)


def _plan_it(uow: Uow, extra: ShiftException) -> None:
    """The session is planned from now on, in place of what was said of that half-day before."""
    said = ShiftException.practitioner_id == extra.practitioner_id, ShiftException.day == extra.day
    uow.session.execute(delete(ShiftException).where(*said, ShiftException.half_day == extra.half_day))
    uow.session.add(extra)
    uow.session.flush()


def _open_again(uow: Uow, practitioner: Practitioner, extra: ShiftException, starts: datetime) -> ClinicSession:
    same_day = opening.sessions_on(uow, practitioner.id, starts.date())
    standing = next(session for session in same_day if session.half_day == extra.half_day)
    if standing.practitioner_id != practitioner.id:  # another doctor stands in for this one
        raise SlotsOverlap(day=starts.date().isoformat())
    reopen(uow, standing)
    return standing


def reopen(uow: Uow, session: ClinicSession) -> None:
    """A stopped session can be booked again; an open one is quiet. Refuses `session_closed` for one that is over."""
    if session.state == SessionState.CLOSED or session.ends_at <= uow.now():
        raise SessionClosed(session=session.public_id)
    if session.state == SessionState.STOPPED:
        moves.move(uow, SESSION, session, SessionAction.REOPEN)
        audit.record(uow, "session.reopen", "session", session.public_id)


def span(starts_at: datetime, minutes: int) -> tuple[datetime, datetime]:
    """From `starts_at` for so many minutes; the shortest span holds one instant."""
    return starts_at, starts_at + timedelta(minutes=max(minutes, 0)) + timedelta(microseconds=1)
