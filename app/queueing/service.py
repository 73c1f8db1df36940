"""Checking in, calling, and saying how long it still takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, or_, select

from app import events
from app.identity.models import Patient
from app.kernel import audit, counters, moves
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.queueing.errors import CannotCheckIn, CheckInTooEarly, CheckInTooLate, FinishFirst, NobodyWaits
from app.queueing.models import Ticket
from app.queueing.rules import CHECK_IN_OPENS_MINUTES, order_at, pace_minutes, wait_range
from app.queueing.states import TICKET, TicketAction, TicketState
from app.registration import service as registration_service
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Department, Practitioner, Slot
from app.scheduling.states import SessionState


@dataclass(frozen=True)
class Position:
    """Where a ticket stands: patients ahead, the shortest and longest wait in minutes, and who is called now."""

    ahead: int
    low_minutes: int
    high_minutes: int
    called_number: str


@dataclass(frozen=True)
class BoardRow:
    """A room on the board: the numbers called, being served and next, with masked names, and how many wait."""

    room: str
    practitioner: Practitioner
    serving: str
    called: tuple[str, str]
    next_numbers: tuple[str, ...]
    waiting: int


def check_in(uow: Uow, *, registration: Registration) -> Ticket:
    """The patient is in the house and has a number; asked twice, the same one.

    Refuses `check_in_too_early` (an hour before the session at the earliest), `check_in_too_late`, `cannot_check_in`.
    """
    standing = ticket_of(uow, registration.id)
    if standing is not None:
        return standing
    session = uow.session.get_one(ClinicSession, registration.session_id)
    opens_at = session.starts_at - timedelta(minutes=CHECK_IN_OPENS_MINUTES)
    if registration.state != RegistrationState.BOOKED:
        raise CannotCheckIn(state=registration.state.value)
    if uow.now() < opens_at:
        raise CheckInTooEarly(opens_at=opens_at.isoformat())
    if uow.now() >= session.ends_at or session.state != SessionState.OPEN:
        raise CheckInTooLate(ended_at=session.ends_at.isoformat())
    registration_service.mark_checked_in(uow, registration)
    ticket = _give_ticket(uow, registration, session)
    audit.record(uow, "ticket.check_in", "registration", registration.public_id, number=ticket.number)
    uow.publish(events.PatientCheckedIn(registration.id, registration.patient_id, ticket.id))
    return ticket


def _give_ticket(uow: Uow, registration: Registration, session: ClinicSession) -> Ticket:
    department = uow.session.get_one(Department, session.department_id)
    slot = uow.session.get_one(Slot, registration.slot_id)
    number = counters.next_number(uow, f"ticket:{department.code}:{session.visit_day.isoformat()}")
    ticket = Ticket(
        public_id=new_public_id(),
        registration_id=registration.id,
        patient_id=registration.patient_id,
        session_id=session.id,
        department_id=department.id,
        visit_day=session.visit_day,
        number=f"{department.ticket_letter}{number:03d}",
        room=session.room,
        order_at=order_at(slot_starts_at=slot.starts_at, slot_ends_at=slot.ends_at, checked_in_at=uow.now()),
        checked_in_at=uow.now(),
    )
    uow.session.add(ticket)
    uow.session.flush()
    return ticket


def ticket_of(uow: Uow, registration_id: int) -> Ticket | None:
    """The registration's ticket, None before check-in."""
    return uow.session.scalars(select(Ticket).where(Ticket.registration_id == registration_id)).first()


def ticket_by_public_id(uow: Uow, public_id: str) -> Ticket:
    """The ticket named `public_id`, for staff; else NotFound."""
    ticket = uow.session.scalars(select(Ticket).where(Ticket.public_id == public_id)).first()
    if ticket is None:
        raise NotFound
    return ticket


def call_next(uow: Uow, *, session: ClinicSession) -> Ticket:
    """Whose turn it is, is called to the session's room; two who call at once call two different patients.

    Refuses `finish_first` while a patient is called or served in this session, `nobody_waits` when none is left.
    """
    busy = uow.session.scalars(
        select(Ticket).where(
            Ticket.session_id == session.id, Ticket.state.in_((TicketState.CALLED, TicketState.SERVING))
        )
    ).first()
    if busy is not None:
        raise FinishFirst(number=busy.number)
    ticket = uow.session.scalars(
        select(Ticket)
        .where(Ticket.session_id == session.id, Ticket.state == TicketState.WAITING)
        .order_by(Ticket.priority.desc(), Ticket.order_at, Ticket.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if ticket is None:
        raise NobodyWaits
    return call(uow, ticket)


def call(uow: Uow, ticket: Ticket) -> Ticket:
    """The ticket is called (again)."""
    moves.move(uow, TICKET, ticket, TicketAction.CALL, called_at=uow.now(), calls=ticket.calls + 1)
    uow.publish(events.PatientCalled(ticket.registration_id, ticket.patient_id, ticket.id))
    return ticket


def pass_over(uow: Uow, ticket: Ticket) -> None:
    """The called patient did not come (过号); the next can be called."""
    moves.move(uow, TICKET, ticket, TicketAction.PASS_OVER)


def rejoin(uow: Uow, ticket: Ticket) -> None:
    """A passed patient is back, behind everyone who waits now; quiet when the ticket is waiting already."""
    if ticket.state == TicketState.WAITING:
        return
    last = uow.session.scalar(
        select(func.max(Ticket.order_at)).where(
            Ticket.session_id == ticket.session_id, Ticket.state == TicketState.WAITING
        )
    )
    behind = max(uow.now(), last + timedelta(microseconds=1)) if last else uow.now()
    moves.move(uow, TICKET, ticket, TicketAction.RETURN, order_at=behind)


def begin(uow: Uow, ticket: Ticket) -> Registration:
    """The called patient is with the doctor; quiet when already there."""
    registration = uow.session.get_one(Registration, ticket.registration_id)
    if ticket.state != TicketState.SERVING:
        moves.move(uow, TICKET, ticket, TicketAction.BEGIN, began_at=uow.now())
        registration_service.begin_consultation(uow, registration)
    return registration


def finish(uow: Uow, ticket: Ticket) -> None:
    """The doctor is done with the patient."""
    moves.move(uow, TICKET, ticket, TicketAction.FINISH, done_at=uow.now())
    registration_service.end_consultation(uow, uow.session.get_one(Registration, ticket.registration_id))


def position(uow: Uow, ticket: Ticket) -> Position:
    """How many are ahead of a waiting ticket, and the honest range of minutes that takes."""
    is_ahead = or_(
        Ticket.state.in_((TicketState.CALLED, TicketState.SERVING)),
        and_(
            Ticket.state == TicketState.WAITING,
            or_(
                Ticket.priority > ticket.priority,
                and_(Ticket.priority == ticket.priority, Ticket.order_at < ticket.order_at),
                and_(Ticket.priority == ticket.priority, Ticket.order_at == ticket.order_at, Ticket.id < ticket.id),
            ),
        ),
    )
    ahead = (
        uow.session.scalar(
            select(func.count())
            .select_from(Ticket)
            .where(Ticket.session_id == ticket.session_id, Ticket.id != ticket.id, is_ahead)
        )
        or 0
    )
    called = uow.session.scalars(
        select(Ticket.number)
        .where(Ticket.session_id == ticket.session_id, Ticket.called_at.is_not(None))
        .order_by(Ticket.called_at.desc())
        .limit(1)
    ).first()
    low, high = wait_range(ahead, _pace_minutes(uow, ticket.session_id))
    return Position(ahead, low, high, called or "")


def _pace_minutes(uow: Uow, session_id: int) -> float:
    slot = uow.session.scalars(select(Slot).where(Slot.session_id == session_id).limit(1)).first()
    planned = (slot.ends_at - slot.starts_at).total_seconds() / 60 if slot else 10.0
    finished = uow.session.execute(
        select(Ticket.began_at, Ticket.done_at)
        .where(Ticket.session_id == session_id, Ticket.state == TicketState.DONE)
        .order_by(Ticket.done_at.desc())
        .limit(10)
    )
    return pace_minutes(planned, [(done - began).total_seconds() / 60 for began, done in finished if began and done])


def queue(uow: Uow, session_id: int) -> list[tuple[Ticket, Patient]]:
    """Everyone in the session's queue who is not done, in the order of their turns, for the doctor's desk."""
    rows = uow.session.execute(
        select(Ticket, Patient)
        .join(Patient, Patient.id == Ticket.patient_id)
        .where(Ticket.session_id == session_id, Ticket.state.not_in((TicketState.DONE, TicketState.VOID)))
        .order_by(Ticket.priority.desc(), Ticket.order_at, Ticket.id)
    )
    rank = {TicketState.SERVING: 0, TicketState.CALLED: 1, TicketState.WAITING: 2, TicketState.PASSED: 3}
    return sorted(rows, key=lambda row: rank[row[0].state])


def board(uow: Uow, *, department: Department) -> list[BoardRow]:
    """What the department's board shows now: one row for each room in use, in two queries however long the queue."""
    sessions = uow.session.execute(
        select(ClinicSession, Practitioner)
        .join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
        .where(
            ClinicSession.department_id == department.id,
            ClinicSession.visit_day == uow.today(),
            ClinicSession.state == SessionState.OPEN,
            ClinicSession.starts_at <= uow.now() + timedelta(minutes=CHECK_IN_OPENS_MINUTES),
        )
        .order_by(ClinicSession.room)
    )
    pairs = list(sessions)
    tickets = uow.session.execute(
        select(Ticket, Patient.name_masked)
        .join(Patient, Patient.id == Ticket.patient_id)
        .where(
            Ticket.session_id.in_([session.id for session, _ in pairs]),
            Ticket.state.in_((TicketState.WAITING, TicketState.CALLED, TicketState.SERVING)),
        )
        .order_by(Ticket.priority.desc(), Ticket.order_at, Ticket.id)
    )
    by_session: dict[int, list[tuple[Ticket, str]]] = {}
    for ticket, name in tickets:
        by_session.setdefault(ticket.session_id, []).append((ticket, name))
    return [_board_row(session, practitioner, by_session.get(session.id, [])) for session, practitioner in pairs]


def _board_row(session: ClinicSession, practitioner: Practitioner, tickets: list[tuple[Ticket, str]]) -> BoardRow:
    waiting = [ticket.number for ticket, _ in tickets if ticket.state == TicketState.WAITING]
    called = [(ticket.number, name) for ticket, name in tickets if ticket.state == TicketState.CALLED]
    serving = [ticket.number for ticket, _ in tickets if ticket.state == TicketState.SERVING]
    return BoardRow(
        session.room,
        practitioner,
        serving[0] if serving else "",
        called[0] if called else ("", ""),
        tuple(waiting[:2]),
        len(waiting),
    )


def close_past_days(uow: Uow, *, limit: int = 200) -> int:
    """Tickets of earlier days that nobody served are void, and their visits over; returns how many."""
    left = uow.session.scalars(
        select(Ticket)
        .where(
            Ticket.visit_day < uow.today(),
            Ticket.state.in_((TicketState.WAITING, TicketState.CALLED, TicketState.PASSED)),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for ticket in left:
        moves.move(uow, TICKET, ticket, TicketAction.CLOSE, done_at=uow.now(), why="day_over")
        registration_service.leave_unseen(uow, uow.session.get_one(Registration, ticket.registration_id))
    return len(left)
