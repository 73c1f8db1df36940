"""The waiting room of the release minute 放号排队: a fair turn for everybody, and no more of them a second than agreed.

All of it stands in the database: any process can answer, and a restart loses nobody's turn.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.kernel.clock import hospital_day
from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.rulebook.service import rules_for
from app.rulebook.terms import Rules
from app.scheduling import sql
from app.scheduling.errors import WaitYourTurn
from app.scheduling.models import ClinicSession, Department, ReleaseGate, ReleaseToken
from app.scheduling.rules import released_at, wall, where_of
from app.scheduling.states import SessionState

_LOTS = 2**62


@dataclass(frozen=True)
class Release:
    """The release for which patients wait now: when, which day's places, and by which rules."""

    department_id: int
    release_at: datetime
    visit_day: date
    rules: Rules


@dataclass(frozen=True)
class Turn:
    """Where an account stands: before the release nobody has a turn; then `ahead` go first, for about `seconds`."""

    release: Release
    is_drawn: bool
    ahead: int = 0
    seconds: int = 0

    @property
    def is_admitted(self) -> bool:
        """True from the account's turn on."""
        return self.is_drawn and self.seconds == 0


def release_near(uow: Uow, department: Department) -> Release | None:
    """The department's release whose waiting room is open now; None without one, or when the rules want none."""
    rules = rules_for(uow, where_of(department))
    if not rules.release_admits_per_second:
        return None
    found = [*_of_the_department(uow, department, rules), *_of_single_sessions(uow, department, rules)]
    return next((each for each in found if _is_open(uow, each)), None)


def _of_the_department(uow: Uow, department: Department, rules: Rules) -> list[Release]:
    days = [hospital_day(uow.now(), uow.zone) + timedelta(days=ahead) for ahead in (-1, 0, 1)]
    found = [
        Release(department.id, wall(day, rules.release_clock, uow.zone), day + timedelta(days=rules.window_days), rules)
        for day in days
    ]
    return [each for each in found if _has_sessions(uow, each)]


def _of_single_sessions(uow: Uow, department: Department, rules: Rules) -> list[Release]:
    """The releases that sessions of the department have for themselves, about now."""
    rows = uow.session.execute(
        select(ClinicSession.release_at, ClinicSession.visit_day)
        .where(
            ClinicSession.department_id == department.id,
            ClinicSession.state == SessionState.OPEN,
            ClinicSession.release_at.between(uow.now() - timedelta(days=1), uow.now() + timedelta(days=1)),
        )
        .distinct()
        .order_by(ClinicSession.release_at)
    )
    return [Release(department.id, release_at, day, rules) for release_at, day in rows if release_at is not None]


def _is_open(uow: Uow, release: Release) -> bool:
    """From some minutes before the release until some after, and as long as anybody waits."""
    rules, now = release.rules, uow.now()
    if now < release.release_at - timedelta(minutes=rules.release_queue_opens_minutes):
        return False
    return now < release.release_at + timedelta(minutes=rules.release_queue_minutes) or _is_waited(uow, release)


def _is_waited(uow: Uow, release: Release) -> bool:
    gate = _gate(uow, release)
    return gate is not None and (gate.next_turn or 0) // gate.per_second > _second(uow, release)


def _has_sessions(uow: Uow, release: Release) -> bool:
    return (
        uow.session.scalars(
            select(ClinicSession.id)
            .where(
                ClinicSession.department_id == release.department_id,
                ClinicSession.visit_day == release.visit_day,
                ClinicSession.state == SessionState.OPEN,
                ClinicSession.release_at.is_(None),
            )
            .limit(1)
        ).first()
        is not None
    )


def look(uow: Uow, release: Release) -> Turn | None:
    """The asking account's turn, without changing anything; None when it has to `enter` for it."""
    token = _token(uow, release)
    if token is None or (token[1].turn is None and uow.now() >= release.release_at):
        return None
    return _turn(uow, release, *token)


def enter(uow: Uow, release: Release) -> Turn:
    """The asking account has its place in the waiting room, one however often it asks; its turn once it is drawn."""
    _insert(
        uow, ReleaseGate, department_id=release.department_id, release_at=release.release_at, per_second=_pace(release)
    )
    gate = _gate(uow, release)
    if gate is None:
        raise RuntimeError("a waiting room that was opened is not there")
    if uow.now() >= release.release_at:
        _draw(uow, gate)
    _insert(
        uow, ReleaseToken, gate_id=gate.id, account_id=uow.actor.id, came_at=uow.now(), lot=secrets.randbelow(_LOTS)
    )
    token = _token(uow, release)
    if token is None:
        raise RuntimeError("an account that came in is not there")
    if token[1].turn is None and uow.now() >= release.release_at:
        _follow_on(uow, release, *token)
    return _turn(uow, release, *token)


def _pace(release: Release) -> int:
    return release.rules.release_admits_per_second


def _draw(uow: Uow, gate: ReleaseGate) -> None:
    """Everybody who came before has a turn by lot; quiet when that was done."""
    if _run(uow, sql.DRAW, p_gate_id=gate.id).rowcount:
        _run(uow, sql.NUMBER, p_gate_id=gate.id)
        _run(uow, sql.COUNT, p_gate_id=gate.id)
    uow.session.refresh(gate)


def _follow_on(uow: Uow, release: Release, gate: ReleaseGate, token: ReleaseToken) -> None:
    turn = _run(uow, sql.NEXT_TURN, p_gate_id=gate.id, p_turn_now=_second(uow, release) * gate.per_second).scalar_one()
    _run(uow, sql.TAKE_TURN, p_token_id=token.id, p_turn=turn)
    uow.session.refresh(token)


def refuse_out_of_turn(uow: Uow, session: ClinicSession, rules: Rules) -> None:
    """Quiet for an account whose turn it is, and where no waiting room is open; else refuses `wait_your_turn`."""
    if not rules.release_admits_per_second or uow.actor.kind != "patient":
        return
    release = Release(session.department_id, released_at(rules, session, uow.zone), session.visit_day, rules)
    if not _is_open(uow, release):
        return
    turn = look(uow, release)
    if turn is None or not turn.is_admitted:
        raise WaitYourTurn(retry_seconds=turn.seconds if turn else 1)


def _turn(uow: Uow, release: Release, gate: ReleaseGate, token: ReleaseToken) -> Turn:
    if token.turn is None:
        return Turn(release, is_drawn=False, seconds=max(1, -int((uow.now() - release.release_at).total_seconds())))
    second = _second(uow, release)
    seconds = max(0, token.turn // gate.per_second - second)
    return Turn(release, is_drawn=True, ahead=max(0, token.turn - second * gate.per_second), seconds=seconds)


def _second(uow: Uow, release: Release) -> int:
    """Whole seconds since the release."""
    return int((uow.now() - release.release_at).total_seconds())


def _gate(uow: Uow, release: Release) -> ReleaseGate | None:
    return uow.session.scalars(
        select(ReleaseGate).where(
            ReleaseGate.department_id == release.department_id, ReleaseGate.release_at == release.release_at
        )
    ).first()


def _token(uow: Uow, release: Release) -> tuple[ReleaseGate, ReleaseToken] | None:
    row = uow.session.execute(
        select(ReleaseGate, ReleaseToken)
        .join(ReleaseToken, ReleaseToken.gate_id == ReleaseGate.id)
        .where(
            ReleaseGate.department_id == release.department_id,
            ReleaseGate.release_at == release.release_at,
            ReleaseToken.account_id == uow.actor.id,
        )
    ).first()
    return None if row is None else (row[0], row[1])


def _insert(uow: Uow, table: type[ReleaseGate | ReleaseToken], **columns: object) -> None:
    """The row stands; one that stood already stays as it is."""
    uow.session.execute(insert_into(uow, table).values(**columns).on_conflict_do_nothing())


def _run(uow: Uow, statement: Any, **facts: object) -> Any:  # noqa: ANN401 - an UPDATE and its result
    return uow.session.execute(statement, facts, execution_options={"synchronize_session": False})
