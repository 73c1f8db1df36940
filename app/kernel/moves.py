"""How things change their state: by a table of moves, one at a time, and never without a trace."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Index, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import hot_rows
from app.kernel.db import Row
from app.kernel.errors import Refused
from app.kernel.hot import Hot, insert_of
from app.kernel.uow import Uow

S = TypeVar("S", bound=enum.StrEnum)
A = TypeVar("A", bound=enum.StrEnum)


class IllegalMove(Refused):
    """The thing is no longer in a state from which this can be done; look at it again."""

    code: ClassVar[str] = "illegal_move"


@dataclass(frozen=True)
class Machine(Generic[S, A]):
    """One kind of thing's life: `moves[(state, action)]` is the state that follows; it starts in `initial`."""

    name: str
    initial: S
    moves: Mapping[tuple[S, A], S]

    def may(self, state: S, action: A) -> bool:
        """True when `action` can be done from `state`."""
        return (state, action) in self.moves


class Move(Row):
    """A change of state that happened: appended, never edited."""

    __tablename__ = "move"
    __table_args__ = (Index("ix_move_subject", "machine", "subject_id"),)

    machine: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int]
    from_state: Mapped[str] = mapped_column(String(32))
    to_state: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(32))
    moved_at: Mapped[datetime]
    by_kind: Mapped[str] = mapped_column(String(16))
    by_ref: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(String(200), default="")


_APPEND = Hot(
    insert_of(Move, "machine", "subject_id", "from_state", "to_state", "action", "moved_at", "by_kind", "by_ref", "why")
)


def first_to(uow: Uow, machine: Machine[S, A], subject_id: int, state: S) -> Move | None:
    """The first time that the thing came into the state; None when it never did."""
    return uow.session.scalars(
        select(Move)
        .where(Move.machine == machine.name, Move.subject_id == subject_id, Move.to_state == state.value)
        .order_by(Move.id)
        .limit(1)
    ).first()


def times_to(uow: Uow, machine: Machine[S, A], subject_id: int, state: S) -> int:
    """How often the thing has come into the state."""
    came = select(func.count()).where(
        Move.machine == machine.name, Move.subject_id == subject_id, Move.to_state == state.value
    )
    return uow.session.scalar(came) or 0


def move(
    uow: Uow,
    machine: Machine[S, A],
    row: Any,  # noqa: ANN401 - any table's row that has `id` and `state`
    action: A,
    *,
    why: str = "",
    **changes: object,
) -> S:
    """`row` is in the state that follows, its `changes` (columns) are made and the move is on record.

    Compare-and-set: of two that move the same row at once one gets IllegalMove, whose facts name the state found.
    """
    found: S = row.state
    if not machine.may(found, action):
        raise IllegalMove(machine=machine.name, state=found.value, action=action.value)
    following = machine.moves[(found, action)]
    if not hot_rows.change(uow, row, {"state": following, **changes}, only_if={"state": found}):
        uow.session.refresh(row)
        raise IllegalMove(machine=machine.name, state=row.state.value, action=action.value)
    _APPEND.later(
        uow,
        {
            "machine": machine.name,
            "subject_id": row.id,
            "from_state": found.value,
            "to_state": following.value,
            "action": action.value,
            "moved_at": uow.now(),
            "by_kind": uow.actor.kind,
            "by_ref": uow.actor.ref,
            "why": why,
        },
    )
    return following
