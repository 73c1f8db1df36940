"""Settlements for the console: those that need somebody, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select

from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.kernel.logbook import PAGE_ROWS
from app.kernel.uow import Uow

# An insurer that did not answer so often is not just slow.
TRIES_BEFORE_ALARM = 3
_S = SettlementState
_WAITS = (_S.WANTED, _S.UNKNOWN, _S.UNDOING, _S.REVERSING, _S.DOUBTFUL, _S.WITHDRAWING)
_NEEDS_A_LOOK = or_(
    Settlement.state.in_((_S.HELD, _S.FAILED, _S.STUCK)),
    and_(Settlement.state.in_(_WAITS), Settlement.tries >= TRIES_BEFORE_ALARM),
)


def to_look_at(uow: Uow) -> Sequence[Settlement]:
    """The settlements that are held or refused, and those the insurer does not answer about; oldest first."""
    return uow.session.scalars(select(Settlement).where(_NEEDS_A_LOOK).order_by(Settlement.id).limit(PAGE_ROWS)).all()


def count_to_look_at(uow: Uow) -> int:
    """How many of them there are."""
    return uow.session.scalar(select(func.count(Settlement.id)).where(_NEEDS_A_LOOK)) or 0
