"""What can be booked, and taking and giving back places."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, or_, select

from app.kernel import audit, moves
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.scheduling import sql
from app.scheduling.errors import KeptForOthers, PlacesBusy, SessionClosed, SlotsOverlap, SoldOut
from app.scheduling.models import BookingChannel, ClinicSession, Department, Practitioner, Slot
from app.scheduling.opening import sessions_on
from app.scheduling.states import SESSION, SessionAction, SessionState, SlotState

LAST_SEQ = 2**31 - 1
# How long who wants one of the last places lets others finish, before each further try. Nobody waits on their locks:
# PostgreSQL lets whoever waited keep a lock on each place that was gone, and two of these could wait for each other.
BETWEEN_TRIES_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)


@dataclass(frozen=True)
class SessionCard:
    """A session as a patient chooses it: who, where, when, what it costs and how many places are free.

    `opens_at` is when places that are kept for other channels are the first of them everybody's; `next_at` when the
    place begins that would be had now. Each None without any.
    """

    session: ClinicSession
    department: Department
    practitioner: Practitioner
    free_places: int
    opens_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True)
class Wanted:
    """Which place is wanted: the first free one from `not_before` on, or the very one numbered `seq`.

    `channel` is how the patient comes to it; to None it does not matter for whom a place is kept. A place that rests
    is to be had by nobody unless `also_resting`: by whoever has paid for a place here already. One that
    `is_set_aside` is had by whom it was offered to.
    """

    channel: BookingChannel | None = BookingChannel.ONLINE
    not_before: datetime | None = None
    seq: int | None = None
    also_resting: bool = False
    is_set_aside: bool = False


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


def cards(  # noqa: PLR0913 - each narrows the list
    uow: Uow,
    *,
    department_id: int | None = None,
    practitioner_id: int | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
    public_id: str | None = None,
    session_id: int | None = None,
    channel: BookingChannel | None = BookingChannel.ONLINE,
) -> list[SessionCard]:
    """The sessions that fit what is given, each with the places to be had by `channel` (None: by anybody)."""
    free = func.coalesce(func.sum(case((is_to_be_had(uow, channel), 1), else_=0)), 0)
    opens_at = func.min(case((is_to_be_had(uow, None) & ~is_to_be_had(uow, channel), Slot.kept_until)))
    next_at = func.min(case((is_to_be_had(uow, channel), Slot.starts_at)))
    query = (
        select(ClinicSession, Department, Practitioner, free, opens_at, next_at)
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
        ClinicSession.id: session_id,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if from_day is not None:
        query = query.where(ClinicSession.visit_day >= from_day)
    if to_day is not None:
        query = query.where(ClinicSession.visit_day <= to_day)
    return [SessionCard(*row) for row in uow.session.execute(query)]


def is_to_be_had(uow: Uow, channel: BookingChannel | None = BookingChannel.ONLINE) -> ColumnElement[bool]:
    """A place is free, still to come, does not rest, and is not kept for another channel; for None not for any."""
    rested = or_(Slot.free_from.is_(None), Slot.free_from <= uow.now())
    free = (Slot.state == SlotState.FREE) & (Slot.ends_at > uow.now()) & rested
    if channel is None:
        return free
    return free & or_(Slot.kept_for.is_(None), Slot.kept_for == channel, Slot.kept_until <= uow.now())


def card(uow: Uow, public_id: str, *, channel: BookingChannel | None = BookingChannel.ONLINE) -> SessionCard:
    """The session named `public_id`; else NotFound."""
    found = cards(uow, public_id=public_id, channel=channel)
    if not found:
        raise NotFound
    return found[0]


def card_by_id(uow: Uow, session_id: int) -> SessionCard:
    """The session with this key, for steps that hold one of its places."""
    (found,) = cards(uow, session_id=session_id)
    return found


def claim_slot(uow: Uow, *, session_id: int, registration_id: int, wanted: Wanted = Wanted()) -> tuple[int, int]:
    """A free place of the session is held for the registration: (slot id, place number).

    One statement, so of any number of phones each free place goes to one. When the last ones are taken by others whose
    units are not finished yet it waits a moment for these: one of them may give its place back. Refuses
    `session_closed`, `sold_out`, `kept_for_others`; and `places_busy` (try again) when they have not finished by then.
    """
    session = uow.session.get_one(ClinicSession, session_id)
    if session.state != SessionState.OPEN or session.ends_at <= uow.now():
        raise SessionClosed(session=session.public_id)
    facts = {
        "p_session_id": session_id,
        "p_practitioner_id": session.practitioner_id,
        "p_state": SlotState.SET_ASIDE if wanted.is_set_aside else SlotState.FREE,
        "p_registration_id": registration_id,
        "p_now": uow.now(),
        "p_not_before": wanted.not_before or session.starts_at,
        "p_first_seq": wanted.seq or 1,
        "p_last_seq": wanted.seq or LAST_SEQ,
        "p_rested_at": session.ends_at if wanted.also_resting else uow.now(),
        "p_channel": wanted.channel,
        "p_kept_until": uow.now() if wanted.channel else session.ends_at,
    }
    for pause_seconds in (*BETWEEN_TRIES_SECONDS, 0):
        row = sql.CLAIM.first(uow, facts)
        if row is not None:
            return row[0], row[1]
        why = _why_none(uow, session, wanted)
        if not isinstance(why, PlacesBusy):
            break
        time.sleep(pause_seconds)
    raise why


def _why_none(uow: Uow, session: ClinicSession, wanted: Wanted) -> SoldOut | PlacesBusy:
    """What to say when no place could be had."""
    which = [Slot.session_id == session.id, Slot.starts_at >= (wanted.not_before or session.starts_at)]
    if wanted.seq is not None:
        which.append(Slot.seq == wanted.seq)
    if uow.session.scalar(select(func.count()).select_from(Slot).where(*which, is_to_be_had(uow, wanted.channel))):
        return PlacesBusy(retry_seconds=1)
    opens_at = uow.session.scalar(select(func.min(Slot.kept_until)).where(*which, is_to_be_had(uow, None)))
    if opens_at is not None:
        return KeptForOthers(session=session.public_id, opens_at=opens_at.isoformat())
    return SoldOut(session=session.public_id)


def take_slot(uow: Uow, *, slot_id: int, registration_id: int) -> bool:
    """The place held for the registration is taken; False when it is not held for it."""
    return sql.TAKE.row(uow, {"p_slot_id": slot_id, "p_registration_id": registration_id}) is not None


def free_slot(uow: Uow, *, slot_id: int, registration_id: int, free_from: datetime | None = None) -> int | None:
    """The registration's place is free again, to be had from `free_from` on; its session, None when it was not its."""
    facts = {"p_slot_id": slot_id, "p_registration_id": registration_id, "p_free_from": free_from}
    freed: Slot | None = sql.FREE.row(uow, facts)
    return None if freed is None else freed.session_id


def set_aside(uow: Uow, *, slot_id: int) -> bool:
    """The free place is kept from everybody for whoever waits for one; False when it is not free, or is a channel's."""
    return bool(sql.SET_ASIDE.run(uow, {"p_slot_id": slot_id, "p_now": uow.now()}))


def let_go(uow: Uow, *, slot_id: int) -> bool:
    """The place that was set aside is everybody's; False when it was not set aside."""
    return bool(sql.LET_GO.run(uow, {"p_slot_id": slot_id}))


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
    session = _for_itself(uow, public_id)
    moves.move(uow, SESSION, session, SessionAction.STOP, why=why)
    audit.record(uow, "session.stop", "session", public_id)
    return session


def _for_itself(uow: Uow, public_id: str) -> ClinicSession:
    """The session, locked until whoever is booking a place in it has finished, and against whoever would begin to.

    Whoever claims a place keeps a weak lock on its session (FOR KEY SHARE); only FOR UPDATE waits for it.
    """
    session = card(uow, public_id).session
    return uow.session.get_one(ClinicSession, session.id, with_for_update=True, populate_existing=True)


def let_stand(uow: Uow, session: ClinicSession) -> None:
    """The session is neither stopped nor given to another doctor until this unit is finished.

    For who moves a registration that stands already: who claims a place has this lock by doing so.
    """
    uow.session.execute(
        select(ClinicSession.id).where(ClinicSession.id == session.id).with_for_update(read=True, key_share=True)
    )


def substitute(uow: Uow, *, public_id: str, practitioner: Practitioner) -> ClinicSession:
    """Another doctor sits in the session (替诊) from now on; who stands in may change again.

    Refuses `session_closed` for one that is over or stopped, and `slots_overlap` when that doctor sits already then.
    """
    session = _for_itself(uow, public_id)
    if session.state != SessionState.OPEN or session.ends_at <= uow.now():
        raise SessionClosed(session=public_id)
    theirs = [other for other in sessions_on(uow, practitioner.id, session.visit_day) if other.id != session.id]
    if session.practitioner_id == practitioner.id or any(_clash(other, session) for other in theirs):
        raise SlotsOverlap(day=session.visit_day.isoformat())
    if session.planned_practitioner_id is None:
        session.planned_practitioner_id = session.practitioner_id
    session.practitioner_id, session.substituted_at = practitioner.id, uow.now()
    uow.session.flush()
    audit.record(uow, "session.substitute", "session", public_id, doctor=practitioner.code)
    return session


def _clash(one: ClinicSession, other: ClinicSession) -> bool:
    is_same_time = one.starts_at < other.ends_at and other.starts_at < one.ends_at
    return one.half_day == other.half_day or is_same_time
