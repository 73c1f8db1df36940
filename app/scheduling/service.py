"""Opening sessions, and taking and giving back their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select

from app.kernel import audit, moves
from app.kernel.clock import at_hospital
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.rulebook.terms import LONGEST_WINDOW_DAYS
from app.scheduling import sql
from app.scheduling.errors import PlacesBusy, SessionClosed, SlotsOverlap, SoldOut
from app.scheduling.models import ClinicSession, Department, HalfDay, Practitioner, Shift, Slot
from app.scheduling.states import SESSION, SessionAction, SessionState, SlotState

OPEN_AHEAD_DAYS = LONGEST_WINDOW_DAYS


@dataclass(frozen=True)
class SessionCard:
    """A session as a patient chooses it: who, where, when, what it costs and how many places are free."""

    session: ClinicSession
    department: Department
    practitioner: Practitioner
    free_places: int


def departments(uow: Uow) -> list[Department]:
    """All departments, in the order of their codes."""
    return list(uow.session.scalars(select(Department).order_by(Department.code)))


def department_by_code(uow: Uow, code: str) -> Department:
    """The department called `code`; else NotFound."""
    found = uow.session.scalars(select(Department).where(Department.code == code)).first()
    if found is None:
        raise NotFound
    return found


def practitioner_by_code(uow: Uow, code: str) -> Practitioner:
    """The practitioner called `code`; else NotFound."""
    found = uow.session.scalars(select(Practitioner).where(Practitioner.code == code)).first()
    if found is None:
        raise NotFound
    return found


def cards(
    uow: Uow,
    *,
    department_id: int | None = None,
    practitioner_id: int | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
    public_id: str | None = None,
) -> list[SessionCard]:
    """The sessions that fit what is given, each with its free places still to come, in one query."""
    free = func.coalesce(func.sum(case((is_to_be_had(uow), 1), else_=0)), 0)
    query = (
        select(ClinicSession, Department, Practitioner, free)
        .join(Department, Department.id == ClinicSession.department_id)
        .join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
        .outerjoin(Slot, Slot.session_id == ClinicSession.id)
        .group_by(ClinicSession.id, Department.id, Practitioner.id)
        .order_by(ClinicSession.starts_at, Practitioner.code)
    )
    wanted = {
        ClinicSession.department_id: department_id,
        ClinicSession.practitioner_id: practitioner_id,
        ClinicSession.public_id: public_id,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if from_day is not None:
        query = query.where(ClinicSession.visit_day >= from_day)
    if to_day is not None:
        query = query.where(ClinicSession.visit_day <= to_day)
    return [SessionCard(*row) for row in uow.session.execute(query)]


def is_to_be_had(uow: Uow) -> ColumnElement[bool]:
    """A place is free, still to come, and does not rest."""
    rested = or_(Slot.free_from.is_(None), Slot.free_from <= uow.now())
    return (Slot.state == SlotState.FREE) & (Slot.ends_at > uow.now()) & rested


def card(uow: Uow, public_id: str) -> SessionCard:
    """The session named `public_id`; else NotFound."""
    found = cards(uow, public_id=public_id)
    if not found:
        raise NotFound
    return found[0]


def card_by_id(uow: Uow, session_id: int) -> SessionCard:
    """The session with this key, for steps that hold one of its places."""
    return card(uow, uow.session.get_one(ClinicSession, session_id).public_id)


def open_session(uow: Uow, shift: Shift, day: date) -> ClinicSession | None:
    """The shift's session on `day` stands with all its places; None when it already did.

    Refuses `slots_overlap` when the practitioner sits elsewhere at that time.
    """
    starts_at = at_hospital(day, shift.starts, uow.zone)
    ends_at = starts_at + timedelta(minutes=shift.slot_minutes * shift.places)
    same_day = list(
        uow.session.scalars(
            select(ClinicSession).where(
                ClinicSession.practitioner_id == shift.practitioner_id, ClinicSession.visit_day == day
            )
        )
    )
    if any(session.half_day == shift.half_day for session in same_day):
        return None
    if any(session.starts_at < ends_at and starts_at < session.ends_at for session in same_day):
        raise SlotsOverlap(day=day.isoformat())
    practitioner = uow.session.get_one(Practitioner, shift.practitioner_id)
    session = ClinicSession(
        department_id=practitioner.department_id,
        practitioner_id=practitioner.id,
        visit_day=day,
        half_day=HalfDay(shift.half_day),
        room=shift.room,
        fee_fen=shift.fee_fen,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    uow.session.add(session)
    uow.session.flush()
    uow.session.add_all(_places(session, shift))
    return session


def _places(session: ClinicSession, shift: Shift) -> list[Slot]:
    length = timedelta(minutes=shift.slot_minutes)
    return [
        Slot(
            session_id=session.id,
            seq=number + 1,
            starts_at=session.starts_at + number * length,
            ends_at=session.starts_at + (number + 1) * length,
        )
        for number in range(shift.places)
    ]


def open_ahead(uow: Uow, *, days: int = OPEN_AHEAD_DAYS) -> int:
    """The sessions of every shift stand for today and the `days` that follow; returns how many were opened now."""
    opened = 0
    shifts = list(uow.session.scalars(select(Shift).order_by(Shift.id)))
    for ahead in range(days + 1):
        day = uow.today() + timedelta(days=ahead)
        for shift in shifts:
            if shift.weekday == day.weekday() and open_session(uow, shift, day) is not None:
                opened += 1
    return opened


def claim_slot(
    uow: Uow,
    *,
    session_id: int,
    registration_id: int,
    not_before: datetime | None = None,
    also_resting: bool = False,
) -> tuple[int, int]:
    """One free place of the session (from `not_before` on) is held for the registration: (slot id, place number).

    A place that rests is to be had by nobody unless `also_resting`: by whoever has paid for a place here already.

    One statement, so of any number of phones each free place goes to one. Refuses `session_closed`, `sold_out`; and
    `places_busy` (try again) when places exist but others hold them in units that are not finished yet.
    """
    session = uow.session.get_one(ClinicSession, session_id)
    if session.state != SessionState.OPEN or session.ends_at <= uow.now():
        raise SessionClosed(session=session.public_id)
    facts = {
        "p_session_id": session_id,
        "p_registration_id": registration_id,
        "p_now": uow.now(),
        "p_not_before": not_before or session.starts_at,
        "p_rested_at": session.ends_at if also_resting else uow.now(),
    }
    row = uow.session.execute(sql.CLAIM, facts, execution_options={"synchronize_session": False}).first()
    if row is not None:
        return row[0], row[1]
    left = uow.session.scalar(
        select(func.count())
        .select_from(Slot)
        .where(
            Slot.session_id == session_id,
            is_to_be_had(uow),
            Slot.starts_at >= facts["p_not_before"],
        )
    )
    if left:
        raise PlacesBusy(retry_seconds=1)
    raise SoldOut(session=session.public_id)


def take_slot(uow: Uow, *, slot_id: int, registration_id: int) -> bool:
    """The place held for the registration is taken; False when it is not held for it."""
    return _ran(uow, sql.TAKE, {"p_slot_id": slot_id, "p_registration_id": registration_id})


def free_slot(uow: Uow, *, slot_id: int, registration_id: int, free_from: datetime | None = None) -> bool:
    """The registration's place is free again, to be had from `free_from` on; False when it was not its."""
    facts = {"p_slot_id": slot_id, "p_registration_id": registration_id, "p_free_from": free_from}
    return _ran(uow, sql.FREE, facts)


def _ran(uow: Uow, statement: object, facts: Mapping[str, object]) -> bool:
    result = uow.session.execute(
        statement,  # type: ignore[call-overload]
        facts,
        execution_options={"synchronize_session": False},
    )
    return bool(result.rowcount)


def close_ended(uow: Uow, *, limit: int = 50) -> list[ClinicSession]:
    """Sessions whose time is over are closed; returns them. Two who close at once close each session once."""
    ended = uow.session.scalars(
        select(ClinicSession)
        .where(ClinicSession.state == SessionState.OPEN, ClinicSession.ends_at <= uow.now())
        .order_by(ClinicSession.ends_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for session in ended:
        moves.move(uow, SESSION, session, SessionAction.CLOSE)
    return list(ended)


def stop_session(uow: Uow, *, public_id: str, why: str) -> ClinicSession:
    """The session is stopped by the hospital (停诊); its registrations are cancelled by who follows."""
    session = card(uow, public_id).session
    moves.move(uow, SESSION, session, SessionAction.STOP, why=why)
    audit.record(uow, "session.stop", "session", public_id)
    return session
