"""Checking in, calling, and saying how long it still takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select

from app import events
from app.identity.models import Patient
from app.identity.rules import age_on
from app.kernel import audit, counters, moves
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.queueing import shared_lines, turns, undoing
from app.queueing.errors import (
    CameTooLate,
    CannotCheckIn,
    CheckInTooEarly,
    CheckInTooLate,
    FinishFirst,
    NobodyWaits,
    PriorityUnknown,
    TicketOver,
)
from app.queueing.estimating import Estimate
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction, TicketState
from app.queueing.taking_back import AS_NEW
from app.queueing.turns import TurnKind
from app.queueing.waits import WITH_DOCTOR, is_before, look, told_range
from app.registration import correcting
from app.registration import service as registration_service
from app.registration.limits import rules_of_session
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.rulebook.service import rules_for
from app.rulebook.terms import PassedComesBack, Rules, Step
from app.scheduling.models import ClinicSession, Department, Slot
from app.scheduling.rules import where_of
from app.scheduling.states import SessionState

OVER = (TicketState.DONE, TicketState.VOID)


@dataclass(frozen=True)
class Position:
    """Where a ticket stands: patients ahead, the shortest and longest wait in minutes, and who is called now.

    `told` is the estimate that the minutes were rounded from.
    """

    ahead: int
    low_minutes: int
    high_minutes: int
    called_number: str
    told: Estimate


def opens_at(rules: Rules, session: ClinicSession) -> datetime:
    """From when on a patient of the session can check in."""
    return session.starts_at - timedelta(minutes=rules.check_in_opens_minutes)


def check_in(uow: Uow, *, registration: Registration, priority_code: str = "") -> Ticket:
    """The patient is in the house and has a number; asked twice, the same one, but a new one when it was taken back.

    `priority_code` is the class whose proof the desk has seen; an age the rules name needs none. Refuses
    `check_in_too_early`, `check_in_too_late`, `came_too_late`, `cannot_check_in`, `priority_unknown`.
    """
    _one_at_a_time(uow, registration)
    standing = ticket_of(uow, registration.id)
    if standing is not None and registration.state != RegistrationState.BOOKED:
        return standing
    session = uow.session.get_one(ClinicSession, registration.session_id)
    rules = rules_of_session(uow, session)
    door = opens_at(rules, session)
    if registration.state != RegistrationState.BOOKED:
        raise CannotCheckIn(state=registration.state.value)
    if uow.now() < door:
        raise CheckInTooEarly(opens_at=door.isoformat())
    if uow.now() >= session.ends_at or session.state != SessionState.OPEN:
        raise CheckInTooLate(ended_at=session.ends_at.isoformat())
    order = _order_on_arrival(uow, rules, registration, session)
    nth = registration_service.mark_checked_in(uow, registration)
    ticket = _give_ticket(uow, registration, session, order)
    _go_before(uow, rules, ticket, priority_code)
    audit.record(uow, "ticket.check_in", "registration", registration.public_id, number=ticket.number)
    uow.publish(events.PatientCheckedIn(registration.id, registration.patient_id, ticket.id, nth))
    return ticket


def _one_at_a_time(uow: Uow, registration: Registration) -> None:
    """Of two taps at once the second waits for the first, and finds its number."""
    uow.session.flush()
    uow.session.refresh(registration, with_for_update=True)


def _order_on_arrival(uow: Uow, rules: Rules, registration: Registration, session: ClinicSession) -> datetime:
    slot = uow.session.get_one(Slot, registration.slot_id)
    span = (slot.starts_at, slot.ends_at)
    order = turns.order_on_arrival(rules, slot=span, session_ends_at=session.ends_at, checked_in_at=uow.now())
    if order is None:
        until = slot.ends_at + timedelta(minutes=rules.late_after_minutes)
        raise CameTooLate(until_at=until.isoformat())
    return order


def _go_before(uow: Uow, rules: Rules, ticket: Ticket, code: str) -> None:
    """Whoever belongs to a class that goes before others does so from now on; quiet for all others."""
    known = {each.code: each for each in rules.priority_classes}
    if code and code not in known:
        raise PriorityUnknown
    born = uow.session.get_one(Patient, ticket.patient_id).birth_date
    found = known.get(code) or turns.class_by_age(rules, age_on(born, uow.today()) if born else None)
    if found is None:
        return
    ticket.priority_class, ticket.turn = found.code, TurnKind.PRIORITY
    if rules.new_per_priority:
        others = [each for each in _line(uow, ticket.line_id) if each.id != ticket.id]
        place = turns.place_of_priority(rules, [each.turn for each in others])
        between = turns.order_in([each.order_at for each in others], place, uow.now())
        ticket.order_at = min(ticket.order_at, between)
    else:
        ticket.priority = 1
    audit.record(uow, "ticket.priority", "ticket", ticket.public_id, priority=found.code)


def _line(uow: Uow, line_id: int) -> list[Ticket]:
    """Those who wait without going before everybody, in the order of their turns."""
    return list(
        uow.session.scalars(
            select(Ticket)
            .where(Ticket.line_id == line_id, Ticket.state == TicketState.WAITING, Ticket.priority == 0)
            .order_by(Ticket.order_at, Ticket.id)
        )
    )


def _give_ticket(uow: Uow, registration: Registration, session: ClinicSession, order_at: datetime) -> Ticket:
    department = uow.session.get_one(Department, session.department_id)
    number = counters.next_number(uow, f"ticket:{department.code}:{session.visit_day.isoformat()}")
    given: dict[str, Any] = {
        "patient_id": registration.patient_id,
        "session_id": session.id,
        "line_id": shared_lines.line_of(uow, session),
        "department_id": department.id,
        "visit_day": session.visit_day,
        "number": f"{department.ticket_letter}{number:03d}",
        "room": session.room,
        "order_at": order_at,
        "checked_in_at": uow.now(),
    }
    standing = ticket_of(uow, registration.id)
    if standing is not None:
        moves.move(uow, TICKET, standing, TicketAction.CHECK_IN_AGAIN, **given, **AS_NEW)
        return standing
    ticket = Ticket(public_id=new_public_id(), registration_id=registration.id, **given)
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

    Where several doctors share the line, whoever is free first gets its first.

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
        .where(Ticket.state == TicketState.WAITING, shared_lines.may_be_called_by(uow, session))
        .order_by(Ticket.priority.desc(), Ticket.order_at, Ticket.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if ticket is None:
        raise NobodyWaits
    return call(uow, ticket, to=session)


def call(uow: Uow, ticket: Ticket, *, to: ClinicSession | None = None) -> Ticket:
    """The ticket is called (again), `to` another doctor's room where several share the line.

    Refuses `ticket_over`, and `illegal_move` one of two who call it at once.
    """
    if ticket.state in OVER:
        raise TicketOver(number=ticket.number)
    deed = undoing.note(uow, ticket, TicketAction.CALL) if ticket.state == TicketState.WAITING else {}
    other = to if to is not None and to.id != ticket.session_id else None
    where: dict[str, Any] = {"session_id": other.id, "room": other.room} if other else {}
    moves.move(uow, TICKET, ticket, TicketAction.CALL, called_at=uow.now(), calls=ticket.calls + 1, **where, **deed)
    if other is not None:
        correcting.see_another(uow, uow.session.get_one(Registration, ticket.registration_id), other)
    uow.publish(events.PatientCalled(ticket.registration_id, ticket.patient_id, ticket.id))
    return ticket


def pass_over(uow: Uow, ticket: Ticket) -> None:
    """The called patient did not come (过号); the next can be called.

    By the rules the patient is back in the line at once, has to check in again, or has missed the visit for good.
    """
    rules = _rules_of(uow, ticket)
    deed = undoing.note(uow, ticket, TicketAction.PASS_OVER)
    moves.move(uow, TICKET, ticket, TicketAction.PASS_OVER, passes=ticket.passes + 1, **deed)
    if turns.step_after(rules, ticket.passes) == Step.VOID:
        moves.move(uow, TICKET, ticket, TicketAction.CLOSE, done_at=uow.now(), why="passed_too_often")
        registration_service.end_unmet(uow, uow.session.get_one(Registration, ticket.registration_id))
    elif rules.passed_comes_back == PassedComesBack.BY_ITSELF:
        rejoin(uow, ticket)


def rejoin(uow: Uow, ticket: Ticket) -> None:
    """A passed patient is back where the rules say; quiet when the ticket is waiting already."""
    if ticket.state == TicketState.WAITING:
        return
    rules, line = _rules_of(uow, ticket), _line(uow, ticket.line_id)
    place = turns.place_of_passed(rules, [each.turn for each in line], max(ticket.passes, 1))
    order = turns.order_in([each.order_at for each in line], place, uow.now())
    if turns.step_after(rules, max(ticket.passes, 1)) == Step.SESSION_END:
        order = max(order, uow.session.get_one(ClinicSession, ticket.session_id).ends_at)
    moves.move(uow, TICKET, ticket, TicketAction.RETURN, order_at=order, turn=TurnKind.PASSED)


def send_for_tests(uow: Uow, ticket: Ticket) -> None:
    """The doctor wants tests first; the patient comes back with the results (回诊) and the next can be called."""
    moves.move(uow, TICKET, ticket, TicketAction.SEND_FOR_TESTS)


def come_back(uow: Uow, ticket: Ticket) -> None:
    """A patient is back from tests and waits where the rules say; quiet when the ticket is waiting already."""
    if ticket.state == TicketState.WAITING:
        return
    rules, line = _rules_of(uow, ticket), _line(uow, ticket.line_id)
    place = turns.place_of_returned(rules, [each.turn for each in line])
    order = turns.order_in([each.order_at for each in line], place, uow.now())
    moves.move(uow, TICKET, ticket, TicketAction.COME_BACK, order_at=order, turn=TurnKind.RETURNED)


def queue_again(uow: Uow, ticket: Ticket) -> None:
    """Whoever was passed, or is back from tests, waits again where the rules say; quiet for one who waits already."""
    (come_back if ticket.state == TicketState.AWAY else rejoin)(uow, ticket)


def _rules_of(uow: Uow, ticket: Ticket) -> Rules:
    return rules_for(uow, where_of(uow.session.get_one(Department, ticket.department_id)))


def begin(uow: Uow, ticket: Ticket) -> Registration:
    """The called patient is with the doctor; quiet when already there."""
    registration = uow.session.get_one(Registration, ticket.registration_id)
    if ticket.state != TicketState.SERVING:
        deed = undoing.note(uow, ticket, TicketAction.BEGIN)
        moves.move(uow, TICKET, ticket, TicketAction.BEGIN, began_at=uow.now(), **deed)
        registration_service.begin_consultation(uow, registration)
    return registration


def finish(uow: Uow, ticket: Ticket) -> None:
    """The doctor is done with the patient."""
    deed = undoing.note(uow, ticket, TicketAction.FINISH)
    moves.move(uow, TICKET, ticket, TicketAction.FINISH, done_at=uow.now(), **deed)
    registration_service.end_consultation(uow, uow.session.get_one(Registration, ticket.registration_id))


def position(uow: Uow, ticket: Ticket) -> Position:
    """How many are ahead of a waiting ticket, and the honest range of minutes that takes: p20 to p80."""
    seen = look(uow, ticket.line_id)
    ahead = sum(_is_ahead(one, ticket) for one in seen.tickets)
    called = max(
        (one for one in seen.tickets if one.called_at), key=lambda one: one.called_at or seen.now, default=None
    )
    told = seen.wait_of(ticket)
    low, high = told_range(told)
    return Position(ahead, low, high, called.number if called else "", told)


def _is_ahead(one: Ticket, mine: Ticket) -> bool:
    return one.state in WITH_DOCTOR or (one.state == TicketState.WAITING and is_before(one, mine))


def queue(uow: Uow, session: ClinicSession) -> list[tuple[Ticket, Patient]]:
    """Everyone the session's doctor has or may call who is not done, in the order of their turns, for the desk."""
    waits = and_(Ticket.state == TicketState.WAITING, shared_lines.may_be_called_by(uow, session))
    rows = uow.session.execute(
        select(Ticket, Patient)
        .join(Patient, Patient.id == Ticket.patient_id)
        .where(or_(Ticket.session_id == session.id, waits), Ticket.state.not_in((TicketState.DONE, TicketState.VOID)))
        .order_by(Ticket.priority.desc(), Ticket.order_at, Ticket.id)
    )
    return sorted(rows, key=lambda row: _SHOWN_FIRST.index(row[0].state))


_SHOWN_FIRST = (TicketState.SERVING, TicketState.CALLED, TicketState.WAITING, TicketState.PASSED, TicketState.AWAY)


def close_past_days(uow: Uow, *, limit: int = 200) -> int:
    """Tickets of earlier days that nobody served are void, and their visits over; returns how many."""
    left = uow.session.scalars(
        select(Ticket)
        .where(
            Ticket.visit_day < uow.today(),
            Ticket.state.in_((TicketState.WAITING, TicketState.CALLED, TicketState.PASSED, TicketState.AWAY)),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for ticket in left:
        moves.move(uow, TICKET, ticket, TicketAction.CLOSE, done_at=uow.now(), why="day_over")
        registration_service.leave_unseen(uow, uow.session.get_one(Registration, ticket.registration_id))
    return len(left)
