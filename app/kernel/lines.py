"""The line to each receiver: whether it can be reached, since when not, and when it is tried again.

A circuit breaker that all senders share: after three failures in a row the line is `broken` and rests for a growing
time, then one message is tried (`trying`), and its answer makes the line `whole` again.
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, String, UniqueConstraint, bindparam, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Row, choice
from app.kernel.hot import Found
from app.kernel.uow import Uow

FAILURES_TO_BREAK = 3
REST_SECONDS = (1, 2, 5, 10, 20, 30)
JITTER_PER_CENT = 20


class LineState(enum.StrEnum):
    """`whole`: everything is sent; `broken`: nothing, until the rest is over; `trying`: one message is under way."""

    WHOLE = "whole"
    BROKEN = "broken"
    TRYING = "trying"


class Hl7Line(Row):
    """The line to one receiver, `peer` being its MSH-5 and MSH-6; no row is a whole line."""

    __tablename__ = "hl7_line"
    __table_args__ = (UniqueConstraint("peer"), CheckConstraint("failures >= 0", name="failures"))

    peer: Mapped[str] = mapped_column(String(48))
    state: Mapped[LineState] = mapped_column(choice(LineState))
    failures: Mapped[int]
    away_since: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Line:
    """How a line stands: failures in a row, since when nothing was answered, and when it is tried again."""

    peer: str
    state: LineState = LineState.WHOLE
    failures: int = 0
    away_since: datetime | None = None
    next_try_at: datetime | None = None
    last_error: str = ""


def name_of(application: str, facility: str) -> str:
    """The receiver's name as messages and lines are filed under it."""
    return f"{application}|{facility}"[:48]


def line_to(uow: Uow, peer: str) -> Line:
    """The line to one receiver; whole when nothing ever failed."""
    row = _row(uow, peer)
    return _line(row) if row else Line(peer)


def broken_lines(uow: Uow) -> list[Line]:
    """The lines by which nothing is answered now, by name."""
    wanted = select(Hl7Line).where(Hl7Line.state != LineState.WHOLE).order_by(Hl7Line.peer)
    return [_line(row) for row in uow.session.scalars(wanted)]


def lines(uow: Uow) -> list[Line]:
    """Every line that ever failed, by name."""
    return [_line(row) for row in uow.session.scalars(select(Hl7Line).order_by(Hl7Line.peer))]


def may_send(uow: Uow, peer: str, wanted: int) -> int:
    """How many messages may be sent to the receiver now: `wanted`, one as a trial, or none while the line rests."""
    line = line_to(uow, peer)
    if line.state == LineState.WHOLE:
        return wanted
    is_rested = line.next_try_at is None or line.next_try_at <= uow.now()
    return min(wanted, 1) if is_rested else 0


def begin_trial(uow: Uow, peer: str, *, seconds: int) -> bool:
    """The caller alone tries a broken line, for at most `seconds`; false when it rests or another one tries it.

    True also for a whole line, which needs no trial.
    """
    if line_to(uow, peer).state == LineState.WHOLE:
        return True
    now = uow.now()
    taken = uow.session.scalar(
        update(Hl7Line)
        .where(Hl7Line.peer == peer, or_(Hl7Line.next_try_at.is_(None), Hl7Line.next_try_at <= now))
        .values(state=LineState.TRYING, next_try_at=now + timedelta(seconds=seconds))
        .returning(Hl7Line.id),
        execution_options={"synchronize_session": False},
    )
    return taken is not None


def call_off_trial(uow: Uow, peer: str) -> None:
    """The trial had nothing to say after all, so that nobody will answer it: the line may be tried again at once."""
    uow.session.execute(
        update(Hl7Line)
        .where(Hl7Line.peer == peer, Hl7Line.state == LineState.TRYING)
        .values(state=LineState.BROKEN, next_try_at=uow.now()),
        execution_options={"synchronize_session": False},
    )


def note_failure(uow: Uow, peer: str, error: str, *, count: int = 1) -> bool:
    """`count` more messages in a row were not answered; true when that broke a line that was whole."""
    row = _row(uow, peer)
    if row is None:
        row = Hl7Line(peer=peer, state=LineState.WHOLE, failures=0, away_since=None, next_try_at=None, last_error="")
        uow.session.add(row)
    was_whole = row.state == LineState.WHOLE
    row.failures += count
    row.away_since = row.away_since or uow.now()
    row.last_error = error[:64]
    if row.failures >= FAILURES_TO_BREAK or not was_whole:
        rest = REST_SECONDS[min(max(row.failures - FAILURES_TO_BREAK, 0), len(REST_SECONDS) - 1)]
        percent = 100 - JITTER_PER_CENT + secrets.randbelow(2 * JITTER_PER_CENT + 1)
        row.state, row.next_try_at = LineState.BROKEN, uow.now() + timedelta(seconds=rest * percent / 100)
    uow.session.flush()
    return was_whole and row.state == LineState.BROKEN


def note_answer(uow: Uow, peer: str) -> bool:
    """The receiver answered: its line is whole; true when it was not."""
    row = _row(uow, peer)
    if row is None or (row.state == LineState.WHOLE and not row.failures):
        return False
    was_broken = row.state != LineState.WHOLE
    row.state, row.failures, row.away_since, row.next_try_at, row.last_error = LineState.WHOLE, 0, None, None, ""
    uow.session.flush()
    return was_broken


def _row(uow: Uow, peer: str) -> Hl7Line | None:
    found: Hl7Line | None = _TO.row(uow, {"p_peer": peer})
    return found


_TO = Found(Hl7Line, which=lambda lines: lines.where(Hl7Line.peer == bindparam("p_peer")), anew=True)


def _line(row: Hl7Line) -> Line:
    return Line(row.peer, row.state, row.failures, row.away_since, row.next_try_at, row.last_error)
