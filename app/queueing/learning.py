"""What the doctors' last sessions say of the next one: their pace and lateness, who did not come, who had tests."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CTE, ScalarSelect, and_, func, select

from app.kernel.uow import Uow
from app.queueing.estimating import Habits
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession

PAST_SESSIONS = 3  # of each doctor, just before this one; more would cost more than they tell
USUAL_SESSIONS = 2  # how many sessions' worth of weight the usual late start keeps
USUAL_PATIENTS = 30  # how many patients' worth of weight the usual shares keep
_MISSED = (RegistrationState.NO_SHOW,)
_BOOKED = (RegistrationState.NO_SHOW, RegistrationState.COMPLETED)


def habits_of(uow: Uow, sessions: Sequence[ClinicSession], planned_minutes: float) -> Habits:
    """The habits to expect of the line of `sessions`: the usual ones, corrected by earlier days, in one question."""
    doctors = {session.practitioner_id for session in sessions}
    last = (
        select(ClinicSession.id)
        .where(ClinicSession.practitioner_id.in_(doctors), ClinicSession.visit_day < sessions[0].visit_day)
        .order_by(ClinicSession.visit_day.desc(), ClinicSession.starts_at.desc())
        .limit(PAST_SESSIONS * len(doctors))
        .cte("last_sessions")
    )
    rows = uow.session.execute(
        select(
            *(ClinicSession.id, ClinicSession.starts_at, Ticket.began_at, Ticket.done_at, Ticket.turn),
            *(_booked(last, _MISSED), _booked(last, _BOOKED)),
        )
        .join(last, last.c.id == ClinicSession.id)
        .outerjoin(Ticket, and_(Ticket.session_id == ClinicSession.id, Ticket.state == TicketState.DONE))
    ).all()
    visits = [(key, starts, began, done, turn) for key, starts, began, done, turn, *_ in rows if began and done]
    missing, booked = rows[0][-2:] if rows else (0, 0)
    # Of whoever came back from tests the ticket remembers the second consultation only.
    lengths = [_minutes(began, done) for *_, began, done, turn in visits if turn != TurnKind.RETURNED]
    first: dict[tuple[int, datetime], datetime] = {}
    for key, starts, began, *_ in visits:
        first[key, starts] = min(began, first.get((key, starts), began))
    late = [max(_minutes(starts, began), 0.0) for (_, starts), began in first.items()]
    usual = Habits(planned_minutes)
    return Habits(
        planned_minutes,
        past_minutes=statistics.fmean(lengths) if lengths else 0.0,
        past_visits=len(lengths),
        late_minutes=(USUAL_SESSIONS * usual.late_minutes + sum(late)) / (USUAL_SESSIONS + len(late)),
        no_show_share=_share(usual.no_show_share, missing, booked),
        return_share=_share(usual.return_share, len(visits) - len(lengths), len(visits)),
    )


def _booked(last: CTE, states: Sequence[RegistrationState]) -> ScalarSelect[int]:
    """How many visits of the last sessions ended so."""
    ended = (Registration.session_id.in_(select(last.c.id)), Registration.state.in_(states))
    return select(func.count(Registration.id)).where(*ended).scalar_subquery()


def _share(usual: float, happened: int, times: int) -> float:
    return (USUAL_PATIENTS * usual + happened) / (USUAL_PATIENTS + times)


def _minutes(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 60
