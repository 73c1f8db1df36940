"""Leaving the waiting room for a while: the patient says how far they go and is told in time to come back, once."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select, update

from app.events import ReturnDue
from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.queueing.errors import CannotWalk
from app.queueing.estimating import is_time_to_return
from app.queueing.models import Ticket, Walk
from app.queueing.states import TicketState
from app.queueing.waits import look

WALKS = (5, 10, 15, 20, 30)  # minutes of the way back that can be chosen; 0 is staying here


def walk_of(uow: Uow, ticket_id: int) -> Walk | None:
    """What the ticket's patient chose last; None when they never did."""
    return uow.session.scalars(select(Walk).where(Walk.ticket_id == ticket_id)).first()


def choose(uow: Uow, ticket: Ticket, minutes: int) -> None:
    """The patient is `minutes` (of WALKS, or 0) away and will be told when to come back.

    Chosen again it changes nothing; another choice is told of anew. Refuses `cannot_walk` for who does not wait.
    """
    if ticket.state != TicketState.WAITING or minutes not in (0, *WALKS):
        raise CannotWalk
    new = {"walk_minutes": minutes, "chosen_at": uow.now(), "told_at": None, "spare_seconds": None}
    uow.session.execute(
        insert_into(uow, Walk)
        .values(ticket_id=ticket.id, choice_no=1, **new)
        .on_conflict_do_update(
            index_elements=["ticket_id"],
            set_={**new, "choice_no": Walk.choice_no + 1},
            where=Walk.walk_minutes != minutes,
        )
    )


def tell_due(uow: Uow) -> int:
    """Everybody whose time to set out has come is published as ReturnDue; how many. Called by jobs.

    Many processes may call it at once: each choice is taken by one of them, and stands as told only together with the
    message that its follower wrote.
    """
    rows = uow.session.execute(
        select(Walk.id, Walk.choice_no, Walk.walk_minutes, Ticket)
        .join(Ticket, Ticket.id == Walk.ticket_id)
        .where(
            Walk.told_at.is_(None),
            Walk.walk_minutes > 0,
            Ticket.state == TicketState.WAITING,
            Ticket.visit_day == uow.today(),
        )
        .order_by(Walk.id)
    )
    by_line: dict[int, list[tuple[int, int, int, Ticket]]] = defaultdict(list)
    for walk_id, choice_no, minutes, ticket in rows:
        by_line[ticket.line_id].append((walk_id, choice_no, minutes, ticket))
    due: list[tuple[int, int, Ticket]] = []
    for line_id, walks in by_line.items():
        seen = look(uow, line_id)
        due += [(key, no, one) for key, no, minutes, one in walks if is_time_to_return(seen.wait_of(one), minutes)]
    return sum(_tell(uow, *one) for one in sorted(due, key=lambda one: one[0]))


def _tell(uow: Uow, walk_id: int, choice_no: int, ticket: Ticket) -> bool:
    """True for the one process that takes the choice; always in the order of the keys, so none waits in a circle."""
    is_ours = uow.session.scalar(
        update(Walk)
        .where(Walk.id == walk_id, Walk.choice_no == choice_no, Walk.told_at.is_(None))
        .values(told_at=uow.now())
        .returning(Walk.id)
    )
    if is_ours is None:
        return False
    uow.publish(ReturnDue(ticket.registration_id, ticket.patient_id, ticket.id))
    return True
